//! Any delivery: one that we did not sign is never believed, and whatever a signed one says is read without harm.
//!
//! The first line is the event and what the signature header says, parted by a blank; the rest is the body.

#![no_main]

use forge::AccountKind;
use forge::github::webhook::{Hint, Refused, read, verify};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use sha2::Sha256;

const SECRET: &str = "it is a secret to everybody";

/// How many numbers one hint has at most, and how many characters a word of it.
const NUMBERS_MAX: usize = 100;
const WORD_CHARS_MAX: usize = 200;

fuzz_target!(|data: &[u8]| {
    let cut = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = (String::from_utf8_lossy(&data[..cut]), data.get(cut + 1..).unwrap_or_default());
    let (event, header) = line.split_once(' ').unwrap_or((&line, ""));
    let secret = SecretString::from(SECRET);
    let signature = sign(body);
    if header.trim().to_ascii_lowercase() != signature {
        assert!(verify(&secret, Some(header), body).is_err(), "{header:?} is not our signature");
    }
    assert_eq!(verify(&secret, None, body).err(), Some(Refused::Missing));
    assert_eq!(verify(&SecretString::from(""), Some(&signature), body).err(), Some(Refused::Secret));
    let mut changed = body.to_vec();
    changed.push(0);
    assert_eq!(verify(&secret, Some(&signature), &changed).err(), Some(Refused::Wrong));
    let proven = verify(&secret, Some(&signature), body).expect("our signature");
    let hint = read(event, proven);
    assert_eq!(hint, read(event, proven), "read twice, it says the same");
    valid(&hint);
});

fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn valid(hint: &Hint) {
    assert!(hint.numbers.len() <= NUMBERS_MAX);
    assert!(hint.numbers.iter().all(|number| *number > 0), "{:?}", hint.numbers);
    assert!(hint.numbers.is_sorted_by(|a, b| a < b), "each once, in order: {:?}", hint.numbers);
    let login = hint.sender.as_ref().map(|sender| &sender.login);
    let words = [Some(&hint.event), hint.action.as_ref(), hint.repository.as_ref(), login];
    for word in words.into_iter().flatten() {
        assert!(word.chars().count() <= WORD_CHARS_MAX, "{word}");
    }
    assert!(hint.repository_id.as_ref().is_none_or(|id| id.parse::<i64>().is_ok()), "{:?}", hint.repository_id);
    assert!(hint.sender.as_ref().is_none_or(|sender| sender.kind != AccountKind::Us), "a delivery does not know us");
}
