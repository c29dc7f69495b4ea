//! The values of fields that are named like secrets: `api_key = "…"`, `PASSWORD=…`. A guess, by their length and disorder.

use std::collections::BTreeMap;

use super::is_placeholder;

/// What such a value is told as.
pub(super) const WHAT: &str = "the value of a field that is named like a secret";

/// What a field that holds a secret is called, without hyphens and underscores.
const NAMES: [&str; 9] =
    ["secret", "token", "password", "passwd", "passphrase", "apikey", "accesskey", "privatekey", "credential"];

/// What a field is called that only tells of a secret.
const TELLING: [&str; 6] = ["hash", "digest", "checksum", "sha256", "sha512", "integrity"];

/// How many bytes before a value may name it.
const NAME_BYTES_MAX: usize = 80;

/// A value shorter than this is a word, and one longer a document.
const VALUE_BYTES: std::ops::RangeInclusive<usize> = 16..=512;

/// The disorder of a secret at least, in bits for each character: hexadecimal has at most 4, base64 6; what people
/// write is told apart by [`is_mixed`].
const ENTROPY_MIN: f64 = 3.0;

/// How long a part that mixes letters and digits is at least.
const MIXED_BYTES_MIN: usize = 8;

/// Whether a line gives a value that looks like a secret to a field that is named like one.
pub(super) fn has_secret(line: &str) -> bool {
    // Only a line with such a name is looked at closely.
    named(line)
        && line.match_indices(['=', ':']).any(|(at, _)| named(name(&line[..at])) && is_secret(value(&line[at + 1..])))
}

/// What is left of a sign, back to what would end a name; the type of a text in Rust is no part of it.
fn name(before: &str) -> &str {
    let near = before[before.ceil_char_boundary(before.len().saturating_sub(NAME_BYTES_MAX))..]
        .trim_end_matches([':', '=', ' ']);
    let near = near.strip_suffix("&str").or_else(|| near.strip_suffix("&'static str")).unwrap_or(near);
    near.rsplit([',', ';', '{', '}', '(', ')', '&', '?', '=']).next().unwrap_or_default()
}

/// Whether a text has the name of a secret in it.
fn named(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    NAMES.iter().any(|name| plain.contains(name)) && !TELLING.iter().any(|word| plain.contains(word))
}

/// What is right of a sign: what stands in quotes, or the word.
fn value(after: &str) -> &str {
    let near = &after[..after.floor_char_boundary(2 * VALUE_BYTES.end())];
    let rest = near.trim_start_matches(['=', '>', ' ', '\t']);
    match rest.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => rest[1..].split(quote).next().unwrap_or_default(),
        Some(_) | None => rest.split([' ', '\t', '\r', ',', ';', '"', '\'']).next().unwrap_or_default(),
    }
}

fn is_secret(value: &str) -> bool {
    VALUE_BYTES.contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')'))
        && !value.starts_with("data:")
        && !value.contains("://")
        && !is_placeholder(value)
        && !is_a_name(value)
        && is_mixed(value)
        && entropy(value) >= ENTROPY_MIN
}

/// The hash of a commit, or a UUID: names of things.
fn is_a_name(value: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<_> = value.split('-').map(str::len).collect();
    value.split('-').all(hex) && matches!(lengths.as_slice(), [40] | [8, 4, 4, 4, 12])
}

/// Whether a part of it is long and mixes letters and digits, which words do not.
fn is_mixed(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        part.len() >= MIXED_BYTES_MIN && digits > 0 && digits < part.len()
    })
}

/// Shannon's, in bits for each byte.
fn entropy(value: &str) -> f64 {
    let mut counts = BTreeMap::new();
    for byte in value.bytes() {
        *counts.entry(byte).or_insert(0_u32) += 1;
    }
    let all = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts.values().map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}
