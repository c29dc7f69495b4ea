//! The forms of address a channel may have, and nothing but their reading: no settings, no network.
//!
//! An address is a secret as a whole (a webhook's token, an ntfy topic), so no fault repeats any part of one.

use url::{Host, Url};

use crate::channel::Fault;

/// A channel's address, taken apart. Deliberately without `Debug`: each one holds a secret.
pub(crate) enum Address {
    Log,
    DiscordChannel { id: u64 },
    DiscordWebhook { id: u64, token: String },
    Slack { url: Url },
    Ntfy { url: Url, token: Option<String> },
    Webhook { url: Url },
}

const FORMS: &str = "write one of log://, discord://, slack://, ntfy://, webhook+https://, or the https:// address \
                     that Discord or Slack shows for a webhook";
const DISCORD: &str = "write discord://CHANNEL_ID, or discord://WEBHOOK_ID/WEBHOOK_TOKEN";
const SLACK: &str = "write slack://hooks/ followed by the last three parts of the address that Slack shows";
const NTFY: &str = "write ntfy://HOST/TOPIC with a topic of letters, digits, - and _";

/// The longest topic an ntfy server takes, in characters.
const NTFY_TOPIC_CHARS_MAX: usize = 64;

/// Reads an address; white space around it, such as the line feed at the end of a file, does not count.
pub(crate) fn parse(text: &str) -> Result<Address, Fault> {
    let (scheme, rest) = text.trim().split_once("://").ok_or_else(|| Fault::new("its address has no scheme", FORMS))?;
    match scheme.to_ascii_lowercase().as_str() {
        "log" if rest.is_empty() => Ok(Address::Log),
        "log" => Err(Fault::new("the log has no address", "write log:// and nothing after it")),
        "discord" => discord(&rest.split('/').collect::<Vec<_>>()),
        "https" => https(rest),
        "slack" => slack(rest.strip_prefix("hooks/").unwrap_or_default()),
        "slack+http" => Ok(Address::Slack { url: local(&web("http", rest)?)? }),
        "ntfy" | "ntfy+https" => ntfy(web("https", rest)?),
        "ntfy+http" => ntfy(local(&web("http", rest)?)?),
        "webhook+https" => Ok(Address::Webhook { url: web("https", rest)? }),
        "webhook+http" => Ok(Address::Webhook { url: local(&web("http", rest)?)? }),
        _ => Err(Fault::new("nothing here knows the scheme of its address", FORMS)),
    }
}

fn discord(parts: &[&str]) -> Result<Address, Fault> {
    let id = |text: &str| {
        let id = text.parse().ok().filter(|id| *id != 0);
        id.ok_or_else(|| Fault::new("its address has no Discord id, which is a number", DISCORD))
    };
    match parts {
        [channel] => Ok(Address::DiscordChannel { id: id(channel)? }),
        [webhook, token] if is_plain(token) => {
            Ok(Address::DiscordWebhook { id: id(webhook)?, token: (*token).to_owned() })
        }
        _ => Err(Fault::new("its address is not one of Discord's", DISCORD)),
    }
}

/// The addresses that Discord and Slack show to be copied.
fn https(rest: &str) -> Result<Address, Fault> {
    let url = web("https", rest)?;
    let path = url.path().trim_start_matches('/');
    match url.host_str() {
        Some("discord.com" | "ptb.discord.com" | "canary.discord.com" | "discordapp.com") => {
            let plain = path.strip_prefix("api/").filter(|_| url.query().is_none()).map(|path| {
                // `api/v10/webhooks/…` names a version, which is ours to choose.
                path.split('/').skip(usize::from(path.starts_with('v'))).collect::<Vec<_>>()
            });
            match plain.as_deref() {
                Some(["webhooks", parts @ ..]) if parts.len() == 2 => discord(parts),
                Some(_) | None => Err(Fault::new("its address is not one of Discord's webhooks", DISCORD)),
            }
        }
        Some("hooks.slack.com") if url.query().is_none() => slack(path.strip_prefix("services/").unwrap_or_default()),
        Some(_) | None => Err(Fault::new(
            "its https:// address is neither a Discord nor a Slack webhook",
            "write webhook+https:// for a receiver of your own",
        )),
    }
}

fn slack(parts: &str) -> Result<Address, Fault> {
    if parts.split('/').count() != 3 || !parts.split('/').all(is_plain) {
        return Err(Fault::new("its address is not one of Slack's webhooks", SLACK));
    }
    let url = web("https", &format!("hooks.slack.com/services/{parts}"))?;
    Ok(Address::Slack { url })
}

fn ntfy(mut url: Url) -> Result<Address, Fault> {
    let topic = url.path().trim_start_matches('/');
    if topic.len() > NTFY_TOPIC_CHARS_MAX || !is_plain(topic) || url.query().is_some() {
        return Err(Fault::new("its address has no ntfy topic", NTFY));
    }
    let token = Some(url.username().to_owned()).filter(|token| !token.is_empty());
    if url.password().is_some() || !token.iter().all(|token| is_plain(token)) {
        return Err(Fault::new("its address holds a user and a password", "write ntfy://TOKEN@HOST/TOPIC"));
    }
    // The token travels in a header; an address that kept it would show it to every proxy's log. Neither call can
    // fail on an address with a host, and `web` lets no other through.
    let _ = url.set_username("");
    Ok(Address::Ntfy { url, token })
}

/// An address of the web, with a host and without a fragment.
fn web(scheme: &str, rest: &str) -> Result<Url, Fault> {
    let url = Url::parse(&format!("{scheme}://{rest}")).ok().filter(|url| url.has_host() && url.fragment().is_none());
    url.ok_or_else(|| Fault::new("its address cannot be read", "check the host, the port and the path"))
}

/// Plain HTTP shows message and secret to everybody on the way, so it must not leave this machine.
fn local(url: &Url) -> Result<Url, Fault> {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let fault = || Fault::new("its address is plain HTTP to another machine", "use HTTPS, or 127.0.0.1");
    is_loopback.then(|| url.clone()).ok_or_else(fault)
}

/// One or more of the characters that ids, tokens and topics are made of, none of which means anything in a path.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
