//! ntfy.

use domain::notice::Level;
use domain::time::Span;
use notify::{Message, Outcome};

use crate::fake::Fake;
use crate::{LINK, barred, channel, later, message, refused, settings};

#[tokio::test]
async fn ntfy_rings_louder_the_graver_the_message() {
    let fake = Fake::taking().await;
    let channel = channel(format!("ntfy+http://{}/ops-t0pic", fake.addr), &settings());
    for level in Level::ALL {
        assert_eq!(channel.send(&message(level, "zwei\n\"Zeilen\" 🔧")).await, Outcome::Sent);
    }
    let told = fake.asked().into_iter().map(|asked| {
        assert_eq!((asked.line.as_str(), asked.header("authorization")), ("POST /ops-t0pic", ""));
        assert_eq!((asked.header("x-title"), asked.header("x-click")), ("Gapwright", LINK));
        (asked.header("x-priority").to_owned(), String::from_utf8(asked.body.to_vec()).expect("text"))
    });
    let expected = [("3", ""), ("4", "⚠️ "), ("5", "🔴 ")]
        .map(|(priority, prefix)| (priority.to_owned(), format!("{prefix}zwei\n\"Zeilen\" 🔧")));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_message_too_long_for_ntfy_is_cut_at_its_bytes() {
    let fake = Fake::taking().await;
    let channel = channel(format!("ntfy+http://{}/ops-t0pic", fake.addr), &settings());
    for text in ["🔧".repeat(16 * 1024), "\n\"x".repeat(20_000), "x".repeat(4_096)] {
        assert_eq!(channel.send(&message(Level::Info, text)).await, Outcome::Sent);
    }
    let bodies =
        fake.asked().into_iter().map(|asked| String::from_utf8(asked.body.to_vec()).expect("whole characters"));
    let bodies = bodies.collect::<Vec<_>>();
    assert!(bodies.iter().all(|body| body.len() <= 4_096 && body.len() > 4_090), "{:?}", bodies[0].len());
    assert!(bodies[..2].iter().all(|body| body.ends_with(&format!("… {LINK}"))));
    assert_eq!(bodies[2], "x".repeat(4_096));
}

#[tokio::test]
async fn a_protected_topic_gets_its_token_in_a_header_only() {
    let fake = Fake::taking().await;
    let channel = channel(format!("ntfy+http://tk_s3cret@{}/ops-t0pic", fake.addr), &settings());
    assert_eq!(channel.send(&message(Level::Info, "hello")).await, Outcome::Sent);
    let asked = fake.only();
    assert_eq!((asked.line.as_str(), asked.header("authorization")), ("POST /ops-t0pic", "Bearer tk_s3cret"));
}

#[tokio::test]
async fn a_link_that_is_no_header_is_left_out_and_one_in_unicode_is_written_in_ascii() {
    let fake = Fake::taking().await;
    let channel = channel(format!("ntfy+http://{}/ops-t0pic", fake.addr), &settings());
    for link in [None, Some("not a link\n"), Some("https://gäp.test/ü")] {
        let link = link.map(str::to_owned);
        assert_eq!(channel.send(&Message { link, ..message(Level::Info, "hello") }).await, Outcome::Sent);
    }
    let links = fake.asked().iter().map(|asked| asked.header("x-click").to_owned()).collect::<Vec<_>>();
    assert_eq!(links, ["", "", "https://xn--gp-via.test/%C3%BC"]);
}

#[tokio::test]
async fn ntfy_too_busy_or_closed_is_tried_again_and_a_message_too_large_is_not() {
    let check = async |status, headers: &'static [(&str, &str)]| {
        let fake = Fake::answering(status, headers, "{}").await;
        channel(format!("ntfy+http://{}/ops-t0pic", fake.addr), &settings()).send(&message(Level::Info, "hello")).await
    };
    assert_eq!(later(check(429, &[("retry-after", "1.5")]).await).0, Some(Span(1_500)));
    assert_eq!(later(check(507, &[]).await).0, None);
    let closed = barred(check(403, &[]).await);
    assert_eq!(closed, (Span::mins(10), "127.0.0.1 answered 403 Forbidden".to_owned()));
    assert_eq!(refused(check(413, &[]).await), "127.0.0.1 answered 413 Payload Too Large");
}
