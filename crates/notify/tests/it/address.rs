//! The forms of address that are read, and the ones that are not.

use notify::{Channel, Settings};
use secrecy::SecretString;

use crate::{channel, settings};

#[test]
fn each_form_of_address_is_read_as_its_kind() {
    let check = |kind: &str, urls: &[&str]| {
        for url in urls {
            let channel = channel(*url, &settings());
            assert_eq!((channel.name(), channel.kind()), ("ops", kind), "{url}");
        }
    };
    check("log", &["log://", " LOG://\n"]);
    check("discord", &["discord://1", "discord://1/a-B_9", "https://discordapp.com/api/webhooks/1/a-B_9"]);
    check("slack", &["slack://hooks/T0/B0/xY9", "https://hooks.slack.com/services/T0/B0/xY9\n"]);
    check("slack", &["slack+http://127.0.0.1:9/x", "slack+http://localhost/x", "slack+http://[::1]:9/x"]);
    check("ntfy", &["ntfy://ntfy.sh/topic", "ntfy+http://localhost:8080/Topic_1", "ntfy://tk_1@host/topic"]);
    check("webhook", &["webhook+https://host/in?x=1", "webhook+http://127.0.0.1:9", "webhook+http://localhost:9/in"]);
}

#[test]
fn an_address_that_is_none_of_ours_says_what_to_write() {
    let check = |why: &str, next: &str, urls: &[&str]| {
        for url in urls {
            let fault = Channel::parse("ops", &SecretString::from(*url), &settings()).expect_err(url);
            assert!(fault.why.contains(why) && fault.next.contains(next), "{url}: {fault}");
            assert!(fault.to_string().starts_with("channel `ops` cannot be used: "), "{fault}");
        }
    };
    check("no scheme", "log://", &["", "discord", "ops:1"]);
    check("nothing here knows", "webhook+https://", &["smtp://host", "http://host/in", "webhook://host"]);
    check("log has no address", "log://", &["log://x"]);
    check(
        "no Discord id",
        "CHANNEL_ID",
        &["discord://", "discord://0", "discord://ops", "discord://-1", "discord://1e9"],
    );
    check("not one of Discord's", "CHANNEL_ID", &["discord://1/a/b", "discord://1/", "discord://1/a?wait=true"]);
    check(
        "Discord's webhooks",
        "WEBHOOK_ID",
        &["https://discord.com/api/webhooks/1", "https://discord.com/channels/1/2"],
    );
    check("Discord's webhooks", "WEBHOOK_ID", &["https://discord.com/api/webhooks/1/a?thread_id=2"]);
    check("Slack's webhooks", "slack://hooks/", &["slack://T0/B0/x", "slack://hooks/T0/B0", "slack://hooks/T0//x"]);
    check(
        "neither a Discord nor a Slack",
        "webhook+https://",
        &["https://host/in", "https://discord.com.evil.test/api"],
    );
    check("no ntfy topic", "TOPIC", &["ntfy://host", "ntfy://host/", "ntfy://host/a/b", "ntfy://host/a?up=1"]);
    check("a user and a password", "TOKEN@", &["ntfy://me:pw@host/topic"]);
    check("cannot be read", "host", &["webhook+https://", "webhook+https://host/#x", "ntfy://host:99999/topic"]);
}

#[test]
fn plain_http_stays_on_this_machine() {
    for host in ["192.0.2.1", "10.0.0.1", "example.test", "localhost.evil.test", "0.0.0.0", "[2001:db8::1]"] {
        for kind in ["slack", "webhook", "ntfy"] {
            let url = SecretString::from(format!("{kind}+http://{host}/in"));
            let fault = Channel::parse("ops", &url, &settings()).expect_err(host);
            assert_eq!(fault.why, "its address is plain HTTP to another machine", "{kind} to {host}");
        }
    }
}

#[test]
fn a_channel_without_the_setting_it_needs_is_refused() {
    let check = |url: &str, settings: &Settings, why: &str| {
        let fault = Channel::parse("ops", &SecretString::from(url), settings).expect_err(url);
        assert_eq!(fault.why, why);
    };
    let none = Settings::default();
    let blank =
        Settings { discord_token: Some("Bot \n".into()), signing_secret: Some(" \n".into()), ..Settings::default() };
    for settings in [&none, &blank] {
        check("discord://1", settings, "it needs a bot, and no Discord bot token is set");
        check("webhook+https://host/in", settings, "its messages would go out unsigned");
    }
    let broken = Settings { discord_token: Some("a\nb".into()), ..none.clone() };
    check("discord://1", &broken, "the Discord bot token cannot travel in a header");
    for proxy in ["", "host/path", "a b"] {
        let proxied = Settings { discord_api: Some(proxy.into()), ..settings() };
        check("discord://1", &proxied, "the address of the Discord proxy cannot be read");
    }
}
