//! Discord, by bot and by webhook.

use domain::notice::Level;
use domain::time::Span;
use notify::{Channel, Outcome, Settings};
use serde_json::json;

use crate::fake::Fake;
use crate::{LINK, barred, channel, later, message, refused, settings};

const BOT: &str = "discord://4242";
const WEBHOOK: &str = "discord://77/webhook-t0ken_X";

fn through(fake: &Fake, url: &str) -> Channel {
    channel(url, &Settings { discord_api: Some(fake.addr.to_string()), ..settings() })
}

#[tokio::test]
async fn the_bot_writes_with_its_prefix_and_calls_nobody() {
    let fake = Fake::taking().await;
    let text = "@everyone <@&1> <@2> the queue is stuck\u{1B}[0m";
    assert_eq!(through(&fake, BOT).send(&message(Level::Warn, text)).await, Outcome::Sent);
    let asked = fake.only();
    assert_eq!(asked.line, "POST /api/v10/channels/4242/messages");
    assert_eq!(asked.header("authorization"), "Bot bot-token-s3cret");
    assert_eq!(asked.header("content-type"), "application/json");
    assert!(asked.header("user-agent").starts_with("DiscordBot ("));
    let mut body = asked.json();
    let nonce = body["nonce"].take();
    assert!(nonce.as_str().is_some_and(|nonce| nonce.len() <= 25), "{nonce}");
    let content = "⚠️ @everyone <@&1> <@2> the queue is stuck[0m";
    let expected = json!({
        "content": content, "allowed_mentions": {"parse": []}, "flags": 4, "nonce": null, "enforce_nonce": true,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_webhook_needs_no_bot_and_calls_nobody() {
    let fake = Fake::taking().await;
    let bare = Settings { discord_api: Some(fake.addr.to_string()), ..Settings::default() };
    let full = "https://discord.com/api/webhooks/77/webhook-t0ken_X";
    for url in [WEBHOOK, full, "https://canary.discord.com/api/v9/webhooks/77/webhook-t0ken_X"] {
        assert_eq!(channel(url, &bare).send(&message(Level::Error, "@everyone down")).await, Outcome::Sent);
    }
    assert_eq!(fake.asked().len(), 3);
    for asked in fake.asked() {
        assert_eq!(asked.line, "POST /api/v10/webhooks/77/webhook-t0ken_X?wait=true");
        assert_eq!(asked.header("authorization"), "");
        let expected = json!({"content": "🔴 @everyone down", "allowed_mentions": {"parse": []}, "flags": 4});
        assert_eq!(asked.json(), expected);
    }
}

#[tokio::test]
async fn a_repeated_message_has_the_same_nonce_and_another_has_not() {
    let fake = Fake::taking().await;
    let one = message(Level::Info, "one");
    let other = notify::Message { id: "another".into(), ..one.clone() };
    for (url, message) in [(BOT, &one), (BOT, &one), (BOT, &other), ("discord://4243", &one)] {
        assert_eq!(through(&fake, url).send(message).await, Outcome::Sent);
    }
    let nonces = fake.asked().into_iter().map(|asked| asked.json()["nonce"].to_string()).collect::<Vec<_>>();
    assert_eq!(nonces[0], nonces[1]);
    assert!(nonces[0] != nonces[2] && nonces[0] != nonces[3] && nonces[2] != nonces[3], "{nonces:?}");
}

#[tokio::test]
async fn too_many_messages_wait_exactly_as_long_as_discord_says_and_are_not_repeated_here() {
    const EXACT: &str = r#"{"message": "You are being rate limited.", "retry_after": 64.57, "global": false}"#;
    const CODED: &str = r#"{"message": "slow", "retry_after": 0.3, "global": false, "code": 20016}"#;
    const FINE: &str = r#"{"message": "slow", "retry_after": 1.0001, "global": true}"#;
    const WRONG: &str = r#"{"message": "slow", "retry_after": -1, "global": false}"#;
    let check = async |body, headers: &'static [(&str, &str)], expect| {
        let fake = Fake::answering(429, headers, body).await;
        for (at, url) in [BOT, WEBHOOK].into_iter().enumerate() {
            let (after, why) = later(through(&fake, url).send(&message(Level::Info, "hello")).await);
            assert_eq!(after, expect, "{body}");
            assert!(why.starts_with("127.0.0.1 answered 429 Too Many Requests"), "{why}");
            assert_eq!(fake.asked().len(), at + 1, "asked again at once");
        }
    };
    check(EXACT, &[("retry-after", "65"), ("x-ratelimit-scope", "user")], Some(Span(64_570))).await;
    check(CODED, &[("retry-after", "1")], Some(Span(300))).await;
    check(FINE, &[("x-ratelimit-scope", "global")], Some(Span(1_001))).await;
    check(WRONG, &[("retry-after", "2")], Some(Span(2_000))).await;
    check("<html>error code: 1015</html>", &[("retry-after", "30")], Some(Span::secs(30))).await;
    check("", &[], None).await;
}

#[tokio::test]
async fn a_fault_at_discord_is_tried_again_and_a_no_is_not() {
    for status in [500, 502, 503, 504] {
        let fake = Fake::answering(status, &[], "<html>oops</html>").await;
        assert_eq!(later(through(&fake, BOT).send(&message(Level::Info, "hello")).await).0, None);
    }
    let check = async |status, body, why: &str| {
        let fake = Fake::answering(status, &[], body).await;
        assert_eq!(refused(through(&fake, BOT).send(&message(Level::Info, "hello")).await), why);
    };
    check(400, "", "127.0.0.1 answered 400 Bad Request").await;
    check(413, "", "127.0.0.1 answered 413 Payload Too Large").await;
}

#[tokio::test]
async fn what_somebody_has_to_mend_at_discord_is_tried_again_after_a_long_wait() {
    let unauthorized = r#"{"message": "401: Unauthorized", "code": 0}"#;
    let unknown = r#"{"message": "Unknown Channel", "code": 10003}"#;
    let check = async |status, body, why: &str| {
        let fake = Fake::answering(status, &[("retry-after", "1")], body).await;
        let told = barred(through(&fake, BOT).send(&message(Level::Info, "hello")).await);
        assert_eq!(told, (Span::mins(10), why.to_owned()));
    };
    check(401, unauthorized, "127.0.0.1 answered 401 Unauthorized: check the token").await;
    check(403, "", "127.0.0.1 answered 403 Forbidden: let the bot see the channel and send messages in it").await;
    check(404, unknown, "127.0.0.1 answered 404 Not Found: code 10003, the channel or the webhook is gone").await;
}

#[tokio::test]
async fn a_message_too_long_for_discord_is_cut_and_ends_with_its_link() {
    let fake = Fake::taking().await;
    for size in [2_000, 2_001, 64 * 1024] {
        assert_eq!(through(&fake, BOT).send(&message(Level::Info, "x".repeat(size))).await, Outcome::Sent);
    }
    assert_eq!(through(&fake, BOT).send(&message(Level::Error, "x".repeat(1_998))).await, Outcome::Sent);
    let contents = fake.asked().into_iter().map(|asked| asked.json()["content"].as_str().expect("text").to_owned());
    let contents = contents.collect::<Vec<_>>();
    assert_eq!(contents[0], "x".repeat(2_000));
    for (content, start) in contents[1..].iter().zip(["x", "x", "🔴 x"]) {
        assert_eq!(content.encode_utf16().count(), 2_000);
        assert!(content.starts_with(start) && content.ends_with(&format!("x… {LINK}")), "{content}");
    }
}

#[tokio::test]
async fn an_emoji_at_the_edge_of_discords_limit_is_whole_or_gone() {
    let fake = Fake::taking().await;
    let room = 2_000 - "… ".chars().count() - LINK.len();
    let family = "👨‍👩‍👧‍👦";
    for before in room - 12..=room {
        let text = format!("{}{family}{}", "x".repeat(before), "y".repeat(200));
        assert_eq!(through(&fake, BOT).send(&message(Level::Info, text)).await, Outcome::Sent);
        let content = fake.asked().pop().expect("a request").json()["content"].as_str().expect("text").to_owned();
        let kept = content.strip_suffix(&format!("… {LINK}")).expect("a link");
        let rest = kept.trim_start_matches('x').trim_end_matches('y');
        assert!(rest.is_empty() || rest == family, "{rest:?} after {before}");
        assert!(content.encode_utf16().count() <= 2_000);
    }
}

#[tokio::test]
async fn only_the_bots_channel_has_a_discord_id() {
    let ids = [BOT, WEBHOOK, "log://"].map(|url| channel(url, &settings()).discord_id());
    assert_eq!(ids, [Some(4_242), None, None]);
}
