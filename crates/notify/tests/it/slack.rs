//! Slack.

use domain::notice::Level;
use domain::time::Span;
use notify::Outcome;
use serde_json::json;

use crate::fake::Fake;
use crate::{LINK, barred, channel, later, message, refused, settings};

fn url(fake: &Fake) -> String {
    format!("slack+http://{}/services/T000/B000/slack-s3cret", fake.addr)
}

#[tokio::test]
async fn slack_shows_the_text_and_calls_nobody() {
    let fake = Fake::taking().await;
    let text = "<!channel> <@U1> <https://evil.test|here> R&D &lt;";
    assert_eq!(channel(url(&fake), &settings()).send(&message(Level::Error, text)).await, Outcome::Sent);
    let asked = fake.only();
    assert_eq!(asked.line, "POST /services/T000/B000/slack-s3cret");
    assert_eq!(asked.header("content-type"), "application/json");
    let shown = "🔴 &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.test|here&gt; R&amp;D &amp;lt;";
    assert_eq!(asked.json(), json!({"text": shown, "unfurl_links": false, "unfurl_media": false}));
}

#[tokio::test]
async fn a_message_too_long_for_slack_is_cut_before_it_is_escaped() {
    let fake = Fake::taking().await;
    assert_eq!(
        channel(url(&fake), &settings()).send(&message(Level::Info, "&".repeat(64 * 1024))).await,
        Outcome::Sent
    );
    let shown = fake.only().json()["text"].as_str().expect("text").to_owned();
    assert!(shown.ends_with(&format!("&amp;… {LINK}")), "half an escape");
    assert_eq!(shown.replace("&amp;", "&").encode_utf16().count(), 3_000);
}

#[tokio::test]
async fn slack_says_why_in_a_word_and_how_long_to_wait() {
    let check = async |status, headers: &'static [(&str, &str)], body| {
        let fake = Fake::answering(status, headers, body).await;
        channel(url(&fake), &settings()).send(&message(Level::Info, "hello")).await
    };
    let mended_later = |why: &str| (Span::mins(10), why.to_owned());
    let gone = barred(check(404, &[], "no_service").await);
    assert_eq!(gone, mended_later("127.0.0.1 answered 404 Not Found: no_service"));
    let closed = barred(check(403, &[], "<b>/services/T000</b>").await);
    assert_eq!(closed, mended_later("127.0.0.1 answered 403 Forbidden"));
    let invalid = refused(check(400, &[], "invalid_payload").await);
    assert_eq!(invalid, "127.0.0.1 answered 400 Bad Request: invalid_payload");
    assert_eq!(later(check(429, &[("retry-after", "17")], "rate_limited").await).0, Some(Span::secs(17)));
    assert_eq!(later(check(503, &[("retry-after", "Fri, 27 Nov 2026 08:00:00 GMT")], "").await).0, None);
}
