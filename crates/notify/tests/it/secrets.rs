//! No secret, and no path, in anything that is shown.

use domain::notice::Level;
use notify::{Channel, Settings};
use secrecy::SecretString;

use crate::fake::Fake;
use crate::{channel, message, settings};

/// Every secret of the addresses and the settings here, and the paths that hold them.
const HIDDEN: [&str; 12] =
    ["s3cret", "t0ken", "t0pic", "p4th", "qu3ry", "bot-", "signing-key", "/services", "/api", "T000", "B000", "ops-t"];

#[track_caller]
fn check(shown: &str) {
    for secret in HIDDEN {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

fn addresses(host: &str) -> [String; 8] {
    [
        "discord://4242".to_owned(),
        "discord://77/webhook-t0ken_X".to_owned(),
        "https://discord.com/api/webhooks/77/webhook-t0ken_X".to_owned(),
        "https://hooks.slack.com/services/T000/B000/slacks3cret".to_owned(),
        format!("slack+http://{host}/services/T000/B000/slack-s3cret"),
        format!("ntfy+http://tk_s3cret@{host}/ops-t0pic"),
        format!("webhook+http://user:s3cret@{host}/in/p4th?key=qu3ry"),
        "log://".to_owned(),
    ]
}

#[test]
fn no_secret_is_in_the_debug_of_a_channel_or_of_the_settings() {
    let settings = settings();
    check(&format!("{settings:?} {settings:#?}"));
    for url in addresses("127.0.0.1:1") {
        let channel = channel(url, &settings);
        check(&format!("{channel:?} {channel:#?}"));
        let expected = format!("Channel {{ name: \"ops\", kind: {:?}, .. }}", channel.kind());
        assert_eq!(format!("{channel:?}"), expected);
    }
}

#[tokio::test]
async fn no_secret_is_in_the_reason_of_any_outcome() {
    // A service that repeats what it was asked, as many error pages do.
    let page = "not found: /services/T000/B000/slack-s3cret bot-token-s3cret webhook-t0ken_X ops-t0pic p4th qu3ry";
    for status in [301, 400, 401, 403, 404, 429, 500] {
        let fake = Fake::answering(status, &[("retry-after", "1"), ("location", "/in/p4th")], page).await;
        let host = fake.addr.to_string();
        let settings = Settings { discord_api: Some(host.clone()), ..settings() };
        let reachable = addresses(&host).into_iter().filter(|url| !url.contains("slack.com"));
        for url in reachable.filter(|url| url != "log://") {
            let outcome = channel(url, &settings).send(&message(Level::Info, "hello")).await;
            check(&format!("{outcome:?}"));
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_reason_of_a_broken_network() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    for host in [closed.to_string(), silent.local_addr().expect("an address").to_string()] {
        let timeout = domain::time::Span(50);
        let settings = Settings { discord_api: Some(host.clone()), timeout, ..settings() };
        for url in addresses(&host).into_iter().filter(|url| !url.contains("slack.com")) {
            let outcome = channel(url, &settings).send(&message(Level::Info, "hello")).await;
            check(&format!("{outcome:?}"));
        }
    }
}

#[test]
fn no_secret_is_in_the_fault_of_a_bad_address() {
    let bad = [
        "discord://webhook-t0ken_X",
        "discord://77/webhook-t0ken_X/more",
        "https://discord.com/api/webhooks/77",
        "https://hooks.slack.com/T000/B000/s3cret",
        "https://hooks.slack.com.evil.test/services/T000/B000/s3cret",
        "slack://hooks/T000/B000",
        "ntfy://host/ops-t0pic/more",
        "ntfy://user:s3cret@host/ops-t0pic",
        "webhook+http://192.0.2.1/in/p4th?key=qu3ry",
        "webhook+https://:s3cret",
        "s3cret",
        "s3cret://t0ken",
    ];
    for url in bad {
        let fault = Channel::parse("ops", &SecretString::from(url), &settings()).expect_err(url);
        check(&format!("{fault} {fault:?}"));
    }
}
