//! A receiver of signed JSON.

use domain::notice::Level;
use domain::time::Span;
use notify::{Message, Outcome};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fake::Fake;
use crate::{LINK, channel, later, message, refused, settings};

/// HMAC-SHA256 by its definition (RFC 2104), so that the crate under test is not checked by itself.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let pad = |with: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    hex::encode(Sha256::digest([&pad(0x5C)[..], &inner[..]].concat()))
}

#[test]
fn the_check_of_signatures_agrees_with_rfc_4231() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hmac(b"Jefe", b"what do ya want for nothing?"), expected);
}

#[tokio::test]
async fn a_webhook_gets_the_whole_message_signed() {
    let fake = Fake::taking().await;
    let text = format!("<!channel> \"{}\"\n\u{0}", "x".repeat(60_000));
    let channel = channel(format!("webhook+http://{}/in/p4th?key=qu3ry", fake.addr), &settings());
    assert_eq!(channel.send(&message(Level::Warn, &text)).await, Outcome::Sent);
    let asked = fake.only();
    assert_eq!((asked.line.as_str(), asked.header("content-type")), ("POST /in/p4th?key=qu3ry", "application/json"));
    let expected = json!({
        "id": "01KAPPG0000000000000000042", "level": "warn", "text": text.replace('\0', ""), "link": LINK,
        "created_at": "2026-11-22T08:00:00.123Z",
    });
    assert_eq!(asked.json(), expected);
    assert_eq!(asked.header("x-gapwright-id"), "01KAPPG0000000000000000042");
    assert_eq!(asked.header("x-gapwright-timestamp"), "1795334400");
    let signed = [b"1795334400.01KAPPG0000000000000000042.", &asked.body[..]].concat();
    assert_eq!(
        asked.header("x-gapwright-signature"),
        format!("v1={}", hmac(b"signing-key-s3cret-of-thirty-two-bytes", &signed))
    );
}

#[tokio::test]
async fn a_repeated_message_is_the_same_to_the_last_byte() {
    let fake = Fake::taking().await;
    for _ in 0..2 {
        let channel = channel(format!("webhook+http://{}/in", fake.addr), &settings());
        assert_eq!(channel.send(&message(Level::Info, "again")).await, Outcome::Sent);
    }
    let [first, second] = <[_; 2]>::try_from(fake.asked()).expect("two requests");
    assert_eq!((first.headers, first.body), (second.headers, second.body));
}

#[tokio::test]
async fn a_signature_covers_each_byte_of_the_body_the_id_and_the_time() {
    let fake = Fake::taking().await;
    let channel = channel(format!("webhook+http://{}/in", fake.addr), &settings());
    let one = message(Level::Info, "one");
    let others = [
        Message { text: "onf".into(), ..one.clone() },
        Message { level: Level::Warn, ..one.clone() },
        Message { link: None, ..one.clone() },
        Message { id: "01KAPPG0000000000000000043".into(), ..one.clone() },
        Message { created_at: one.created_at + Span::secs(1), ..one.clone() },
    ];
    assert_eq!(channel.send(&one).await, Outcome::Sent);
    for other in &others {
        assert_eq!(channel.send(other).await, Outcome::Sent);
    }
    let asked = fake.asked();
    let mut signatures = asked.iter().map(|asked| asked.header("x-gapwright-signature")).collect::<Vec<_>>();
    signatures.sort_unstable();
    signatures.dedup();
    assert_eq!(signatures.len(), 6, "two messages share a signature");

    let mut forged = asked[0].body.to_vec();
    forged[10] ^= 1;
    let head = b"1795334400.01KAPPG0000000000000000042.";
    let resigned = format!("v1={}", hmac(b"signing-key-s3cret-of-thirty-two-bytes", &[head, &forged[..]].concat()));
    assert_ne!(asked[0].header("x-gapwright-signature"), resigned);
}

#[tokio::test]
async fn an_id_that_cannot_travel_is_refused_without_a_request() {
    let fake = Fake::taking().await;
    let channel = channel(format!("webhook+http://{}/in", fake.addr), &settings());
    let message = Message { id: "a\nb".into(), ..message(Level::Info, "hello") };
    assert_eq!(refused(channel.send(&message).await), "the id of the message cannot travel in a header");
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_receiver_that_moved_is_not_followed_and_a_busy_one_is_tried_again() {
    let trap = Fake::taking().await;
    let to: &'static str = format!("http://{}/elsewhere", trap.addr).leak();
    let moved = Fake::answering(307, vec![("location", to)].leak(), "").await;
    let channel = |fake: &Fake| channel(format!("webhook+http://{}/in", fake.addr), &settings());
    let why = refused(channel(&moved).send(&message(Level::Info, "hello")).await);
    assert_eq!(why, "127.0.0.1 answered 307 Temporary Redirect: write the address it leads to");
    assert!(trap.asked().is_empty());
    for status in [408, 425, 500] {
        let busy = Fake::answering(status, &[("retry-after", "3")], "").await;
        assert_eq!(later(channel(&busy).send(&message(Level::Info, "hello")).await).0, Some(Span::secs(3)));
    }
}
