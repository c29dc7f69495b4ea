//! The bounds of what is written: those that GitHub has, so that what is taken here is taken there.

use crate::Fault;
use crate::local::{US, refused};

/// The longest title, in characters: GitHub's.
pub(super) const TITLE_CHARS_MAX: usize = 256;

/// The longest body, in characters: GitHub's.
pub(super) const BODY_CHARS_MAX: usize = 65_536;

/// The longest words of a check, in characters: GitHub's.
pub(super) const SUMMARY_CHARS_MAX: usize = 65_535;

/// The longest name of a label, in characters: GitHub's.
pub(super) const LABEL_CHARS_MAX: usize = 50;

/// The longest description of a label, in characters: GitHub's.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 100;

/// The most labels on one issue: GitHub's.
pub(super) const LABELS_MAX: usize = 100;

/// The longest login, in characters: GitHub's.
const LOGIN_CHARS_MAX: usize = 39;

/// The longest name of a repository with its owner, in characters: GitHub's 39 and 100, and the slash.
const REPOSITORY_CHARS_MAX: usize = 140;

pub(super) fn title(text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(refused("the title is empty", "give it a title"));
    }
    within("the title", text, TITLE_CHARS_MAX)
}

pub(super) fn body(text: &str) -> Result<(), Fault> {
    within("the body", text, BODY_CHARS_MAX)
}

/// Something that says nothing says nothing at all.
pub(super) fn said(text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(refused("the comment is empty", "say something"));
    }
    body(text)
}

pub(super) fn label(name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.trim() != name || name.chars().any(char::is_control) {
        let why = "the label is empty, or has a blank at an end or a character that cannot be seen";
        return Err(refused(why, "use letters, digits and punctuation, such as needs-review"));
    }
    within("the label", name, LABEL_CHARS_MAX)
}

pub(super) fn color(text: &str) -> Result<(), Fault> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(refused("the color is not six hexadecimal digits", "write it as d73a4a"))
}

pub(super) fn labels(count: usize) -> Result<(), Fault> {
    if count <= LABELS_MAX {
        return Ok(());
    }
    Err(refused(format!("it would have {count} labels, and {LABELS_MAX} are the most"), "take some away first"))
}

pub(super) fn login(text: &str) -> Result<(), Fault> {
    let fits = (1..=LOGIN_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !text.starts_with(['-', '.']);
    if !fits {
        let why = format!("the login is not 1 to {LOGIN_CHARS_MAX} letters, digits, hyphens, underscores and dots");
        return Err(refused(why, "use a name such as ann"));
    }
    if text.eq_ignore_ascii_case(US) {
        return Err(refused(format!("{US} is what this installation is called"), "use another name"));
    }
    Ok(())
}

pub(super) fn repository(name: &str) -> Result<(), Fault> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['-', '.'])
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let parts: Vec<_> = name.split('/').collect();
    if name.len() <= REPOSITORY_CHARS_MAX && parts.len() <= 2 && parts.iter().all(|text| part(text)) {
        return Ok(());
    }
    let why = "the repository's name is neither OWNER/NAME nor a plain name of letters, digits, -, _ and .";
    Err(refused(why, "write it as ann/website or website"))
}

/// At most so many characters, and none that a database cannot hold.
pub(super) fn within(what: &str, text: &str, chars_max: usize) -> Result<(), Fault> {
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(refused(
            format!("{what} has {chars} characters, and {chars_max} are the most"),
            "say it in fewer words",
        ));
    }
    if text.contains('\0') {
        return Err(refused(format!("{what} holds a NUL character"), "leave it out"));
    }
    Ok(())
}
