//! Credentials in a text that is about to leave: where they are and what they look like, never what they are.
//!
//! It knows the shapes of well-known tokens, and guesses at the values of fields that are named like secrets. It finds
//! accidents, not intent: whoever spells a secret otherwise is not found. Clean a text first (`untrusted::clean`).

use std::collections::BTreeSet;

mod field;

/// The most findings that are told of one text: whoever sees that many need not see more.
pub const FOUND_MAX: usize = 20;

/// How far a token is read, in bytes: beyond the longest of the shapes, and short enough that a text of nothing but
/// beginnings is read in one pass.
const TOKEN_BYTES_MAX: usize = 300;

/// How far each part of a signed token of JSON (JWT) is read, in bytes: with more claims it would fit no header.
const JWT_PART_BYTES_MAX: usize = 4_096;

/// How far back the host of a webhook may stand, in bytes: `https://canary.discordapp.com/api/v10` and some.
const HOST_BYTES_MAX: usize = 60;

/// What repeats itself or says that it is no secret has no more than so many different characters.
const DISTINCT_MIN: usize = 6;

/// What stands for a secret where people explain.
const PLACEHOLDERS: [&str; 15] = [
    "example",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "your",
    "dummy",
    "redacted",
    "xxxx",
    "****",
    "...",
    "…",
    "${",
    "{{",
    "<",
];

/// A credential, or what looks like one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The line that it begins on, counted from 1.
    pub line: usize,
    /// What it looks like.
    pub what: &'static str,
}

/// The first credentials in a text, by line, at most [`FOUND_MAX`]: one for each line and kind. Total, and in one pass.
pub fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let whats: BTreeSet<_> = in_line(line).into_iter().collect();
        found.extend(whats.into_iter().map(|what| Found { line: at + 1, what }));
        if found.len() >= FOUND_MAX {
            break;
        }
    }
    found.truncate(FOUND_MAX);
    found
}

fn in_line(line: &str) -> Vec<&'static str> {
    let tokens = SHAPES.iter().filter(|shape| shape.is_in(line)).map(|shape| shape.what);
    let others = [
        (is_private_key(line), "a private key"),
        (has_discord_webhook(line), "the URL of a Discord webhook"),
        (has_jwt(line), "a signed token (JWT)"),
        (has_password_in_url(line), "a URL with a password"),
    ];
    let known: Vec<_> = tokens.chain(others.into_iter().filter_map(|(is, what)| is.then_some(what))).collect();
    // What has a shape is told as what it is; only the rest is guessed at.
    if known.is_empty() && field::has_secret(line) { vec![field::WHAT] } else { known }
}

/// A token that is known by how it begins.
struct Shape {
    what: &'static str,
    begins: &'static str,
    /// What comes after.
    of: fn(u8) -> bool,
    /// The fewest bytes that come after.
    min: usize,
    /// Whether exactly so many do.
    exact: bool,
    /// What else must be true of what comes after.
    also: fn(&str) -> bool,
}

const fn shape(what: &'static str, begins: &'static str, of: fn(u8) -> bool, min: usize) -> Shape {
    Shape { what, begins, of, min, exact: false, also: anything }
}

/// Lengths are those that the issuers give or, where they give none, below the shortest in use.
const SHAPES: [Shape; 24] = [
    Shape { exact: true, ..shape("an access key of AWS", "AKIA", is_upper_or_digit, 16) },
    Shape { exact: true, ..shape("an access key of AWS", "ASIA", is_upper_or_digit, 16) },
    shape("a token of GitHub", "ghp_", is_alphanumeric, 36),
    shape("a token of GitHub", "gho_", is_alphanumeric, 36),
    shape("a token of GitHub", "ghu_", is_alphanumeric, 36),
    // Those of installations have an id in front since 2026.
    shape("a token of GitHub", "ghs_", is_word, 36),
    shape("a token of GitHub", "ghr_", is_alphanumeric, 36),
    shape("a token of GitHub", "github_pat_", is_word, 40),
    shape("a token of GitLab", "glpat-", is_url_safe, 20),
    shape("a token of Slack", "xoxa-", is_url_safe, 20),
    shape("a token of Slack", "xoxb-", is_url_safe, 20),
    shape("a token of Slack", "xoxp-", is_url_safe, 20),
    shape("a token of Slack", "xoxr-", is_url_safe, 20),
    shape("a token of Slack", "xoxs-", is_url_safe, 20),
    shape("the URL of a Slack webhook", "hooks.slack.com/", is_path, 24),
    shape("a key of Anthropic", "sk-ant-", is_url_safe, 20),
    Shape { also: is_random_run, ..shape("a key of OpenAI", "sk-", is_url_safe, 32) },
    shape("a key of OpenAI", "sk-proj-", is_url_safe, 20),
    Shape { exact: true, ..shape("a key of Google", "AIza", is_url_safe, 35) },
    shape("a token of npm", "npm_", is_alphanumeric, 36),
    shape("a token of PyPI", "pypi-", is_url_safe, 50),
    shape("a live key of Stripe", "sk_live_", is_alphanumeric, 16),
    shape("a live key of Stripe", "rk_live_", is_alphanumeric, 16),
    Shape { also: is_ours, ..shape("a token of Gapwright", "gapw_", is_word, 26 + 1 + 38) },
];

impl Shape {
    fn is_in(&self, line: &str) -> bool {
        starts(line, self.begins).any(|at| {
            let rest = run(&line[at + self.begins.len()..], self.of, TOKEN_BYTES_MAX);
            let long = if self.exact { rest.len() == self.min } else { rest.len() >= self.min };
            long && (self.also)(rest) && !is_placeholder(rest)
        })
    }
}

/// Where a word begins with this; what is escaped before it, as JSON or a URL does it, is no part of the word.
fn starts<'a>(line: &'a str, begins: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(begins).map(|(at, _)| at).filter(|at| {
        let before = &line.as_bytes()[..*at];
        let escaped = match before {
            [.., b'\\', b'n' | b'r' | b't'] => true,
            [.., b'%', a, b] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit(),
            _ => false,
        };
        escaped || !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// As much of a text as is made of these bytes, which are ASCII.
fn run(text: &str, of: fn(u8) -> bool, max: usize) -> &str {
    let end = text.bytes().take(max).position(|byte| !of(byte)).unwrap_or(text.len().min(max));
    text.get(..end).unwrap_or_default()
}

/// Whether this stands for a secret and is none.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let distinct: BTreeSet<char> = lower.chars().collect();
    distinct.len() < DISTINCT_MIN || PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// The first line of a private key, of any sort.
fn is_private_key(line: &str) -> bool {
    line.split_once("-----BEGIN ").is_some_and(|(_, kind)| {
        let kind = kind.split("-----").next().unwrap_or_default();
        kind.ends_with("PRIVATE KEY") || kind.ends_with("PRIVATE KEY BLOCK")
    })
}

fn has_discord_webhook(line: &str) -> bool {
    line.match_indices("/webhooks/").any(|(at, marker)| {
        let near = line.ceil_char_boundary(at.saturating_sub(HOST_BYTES_MAX));
        let before = line[near..at].rsplit([' ', '"', '\'', '<', '(']).next().unwrap_or_default();
        let (host, rest) =
            (before.contains("discord.com/") || before.contains("discordapp.com/"), &line[at + marker.len()..]);
        let id = run(rest, |byte| byte.is_ascii_digit(), TOKEN_BYTES_MAX);
        let token = rest[id.len()..].strip_prefix('/').map_or("", |rest| run(rest, is_url_safe, TOKEN_BYTES_MAX));
        host && id.len() >= 15 && token.len() >= 30 && !is_placeholder(token)
    })
}

/// Three parts of base64, of which two are JSON objects.
fn has_jwt(line: &str) -> bool {
    starts(line, "eyJ").any(|at| {
        let mut rest = &line[at..];
        let mut parts = Vec::new();
        for _ in 0..3 {
            let part = run(rest, is_url_safe, JWT_PART_BYTES_MAX);
            parts.push(part);
            rest = rest[part.len()..].strip_prefix('.').unwrap_or_default();
        }
        parts[1].starts_with("eyJ") && parts.iter().all(|part| part.len() >= 12) && !is_placeholder(parts[2])
    })
}

fn has_password_in_url(line: &str) -> bool {
    line.match_indices("://").any(|(at, marker)| {
        let rest = run(
            &line[at + marker.len()..],
            |byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'"' | b'\'' | b'`'),
            TOKEN_BYTES_MAX,
        );
        let Some((user, password)) = rest.rsplit_once('@').and_then(|(login, _)| login.split_once(':')) else {
            return false;
        };
        let told = matches!(
            password.to_ascii_lowercase().as_str(),
            "" | "password" | "pass" | "passwd" | "pw" | "secret" | "token"
        );
        let placeholder = PLACEHOLDERS.iter().any(|word| password.to_ascii_lowercase().contains(word));
        let stands_in = password.starts_with(['$', '{', '%', '*']) && !password.starts_with("%2");
        !told && !placeholder && !stands_in && password != user
    })
}

/// Keys have a part without a hyphen that is long and no word; names of things do not. Anthropic's are told as theirs.
fn is_random_run(text: &str) -> bool {
    !text.starts_with("ant-")
        && text.split(['-', '_']).any(|part| part.len() >= 20 && part.bytes().any(|byte| byte.is_ascii_digit()))
}

/// The rest of a token as `agent::mint_token` makes them: an id, the secret and its check.
fn is_ours(rest: &str) -> bool {
    rest.split_once('_').is_some_and(|(id, secret)| {
        id.len() == 26 && id.bytes().all(is_upper_or_digit) && secret.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

const fn anything(_: &str) -> bool {
    true
}

const fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn is_upper_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const fn is_url_safe(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

const fn is_path(byte: u8) -> bool {
    is_url_safe(byte) || byte == b'/'
}

#[cfg(test)]
mod tests;
