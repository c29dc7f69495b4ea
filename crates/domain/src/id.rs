//! Identities: minted from a moment and a random number, both handed in.

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::refusal::Refusal;
use crate::time::Time;

/// The longest key, name, holder or kind, in characters. Long enough for a path with a repository in front of it,
/// short enough that a page of 200 rows stays readable.
pub const NAME_CHARS_MAX: usize = 200;

/// Mints an id that sorts by the moment it was made and cannot be guessed (80 random bits).
pub fn mint(now: Time, random: u128) -> String {
    Ulid::from_parts(now.0.unsigned_abs(), random).to_string()
}

/// A key, name, holder or kind: 1 to 200 characters, no control characters, no blank at either end.
pub fn name(field: &'static str, text: &str) -> Result<String, Refusal> {
    let chars = text.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX {
        return Err(Refusal::invalid(field, format!("{field} has {chars} characters"))
            .hint(format!("give 1 to {NAME_CHARS_MAX} characters")));
    }
    if text.trim() != text || text.chars().any(is_unprintable) {
        return Err(Refusal::invalid(
            field,
            format!("{field} has a blank at an end or a character that cannot be seen"),
        )
        .hint("use letters, digits and punctuation, such as pr-fix-17"));
    }
    Ok(text.to_owned())
}

/// Control, bidirectional and zero-width characters: they hide what a person would see.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// An id as we mint them: 26 letters and digits. Anything else was never ours, so it is refused before the store
/// is asked.
pub fn opaque(field: &'static str, text: &str) -> Result<String, Refusal> {
    match Ulid::from_string(text) {
        Ok(id) if id.to_string() == text => Ok(text.to_owned()),
        _ => Err(Refusal::invalid(field, format!("{field} is not an id that this server gives out"))
            .hint("pass the id exactly as it was answered, 26 capital letters and digits")),
    }
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_moment_they_were_made() {
        let ids = [mint(Time(1), u128::MAX), mint(Time(2), 0), mint(Time(1_795_334_400_000), 7)];
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| opaque("id", id).as_ref() == Ok(id)));
    }

    #[test]
    fn a_name_out_of_bounds_or_unseen_is_refused() {
        for text in ["", " a", "a ", "a\nb", "a\u{202e}b", "\u{200b}", &"é".repeat(201)] {
            assert!(name("key", text).is_err(), "{text:?}");
        }
        for text in ["a", "pr-fix-17", "Ünïcode", "a b", "%_", &"é".repeat(200)] {
            assert_eq!(name("key", text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn an_id_that_we_never_minted_is_refused() {
        for text in [
            "",
            "x",
            "not-an-id",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "01arz3ndektsv4rrffq69g5fav",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        ] {
            assert!(opaque("lock_id", text).is_err(), "{text}");
        }
    }
}
