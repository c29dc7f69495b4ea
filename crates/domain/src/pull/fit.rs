//! Whether a change is fit to be handed in, and what of it a person must look at: judged by what our own git read of it,
//! never by what an agent says.

use super::verdict::text;
use super::{BODY_CHARS_MAX, TITLE_CHARS_MAX};
use crate::budget::Caps;
use crate::gate::Risk;
use crate::gate::risk::Seen;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::visual::{Listing, Mode, Policy, Reasons, classify};

/// The largest file that a change may add or leave behind, in bytes.
pub const FILE_BYTES_MAX: i64 = 1 << 20;

/// How large a difference may be, in bytes: what fits an answer that a model reads whole. What has more is not taken, for
/// whoever judges it would not see all of it.
pub const DIFF_BYTES_MAX: usize = 200 << 10;

/// What was read of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whether its head comes after its base.
    pub descends: bool,
    /// How many paths differ.
    pub files: i64,
    /// Lines added and lines taken away, together.
    pub lines: i64,
    /// The bytes of the largest file that it leaves.
    pub largest: i64,
    /// Whether all of it was read.
    pub whole: bool,
    /// Each side of each file.
    pub listing: Listing,
    /// The lines that it adds, file by file; behind those of the whole the lines that single commits add and others take away.
    pub added: Vec<(String, String)>,
    /// How many of them are of the whole.
    pub net: usize,
    /// The lines that it takes away, file by file.
    pub removed: Vec<(String, String)>,
    /// What its commits say.
    pub messages: Vec<String>,
    /// Author and committer of each of them, a line for each.
    pub hands: Vec<String>,
    /// The files of which no difference can be shown, because they are not text.
    pub binary: Vec<String>,
    /// The files that are not there any more after it.
    pub gone: Vec<String>,
}

/// What of a fit change a person must look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// Why it may show; none where it is known not to.
    pub visual: Option<String>,
    /// Why it touches what only people may change; none where it does not.
    pub protected: Option<String>,
    /// What else of it is a risk.
    pub risk: Risk,
}

impl Facts {
    /// Judges a change: what is not known to be fit is refused.
    pub fn judge(&self, caps: &Caps, policy: &Policy) -> Result<Looks, Refusal> {
        let unfit = |message: String, hint: &str| Refusal::new(Code::UnfitChange, message).hint(hint.to_owned());
        if !self.descends {
            return Err(unfit(
                "the change does not come after its base".to_owned(),
                "commit on top of the branch given",
            ));
        }
        caps.fits(self.files, self.lines)?;
        if !self.whole {
            return Err(unfit("the change could not be read whole".to_owned(), "make it smaller"));
        }
        if self.files == 0 {
            return Err(unfit("the change changes nothing".to_owned(), "commit what you changed"));
        }
        if self.largest > FILE_BYTES_MAX {
            let message = format!("a file of the change has {} bytes, and {FILE_BYTES_MAX} are the most", self.largest);
            return Err(unfit(message, "leave it out"));
        }
        let points = self.listing.touched.iter().find(|side| matches!(side.mode, Mode::Link | Mode::Submodule));
        if let Some(side) = points {
            let what = if side.mode == Mode::Link { "a symbolic link" } else { "another repository" };
            return Err(unfit(format!("{:?} is {what}", side.path), "commit the files themselves"));
        }
        let texts = self.added.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let messages = self.messages.iter().map(|text| ("a commit message", text.as_str()));
        for (place, text) in texts.chain(messages) {
            if let Some(found) = secret::find(text).first() {
                let message = format!("{place:?} has what looks like {}, on added line {}", found.what, found.line);
                return Err(unfit(message, "take it out of every commit; a credential that was real is to be revoked"));
            }
        }
        let found = classify(&self.listing, policy);
        // What a difference does not show, no agent has judged.
        let hidden = self.binary.first().map(|path| format!("{path:?} is not text, and no difference shows it"));
        let Self { listing, gone, removed, hands, .. } = self;
        let added = self.added.get(..self.net).unwrap_or(&self.added);
        let risk = Risk::of(Seen { listing, gone, added, removed, hands }, policy);
        Ok(Looks { visual: told(&found.visual).or(hidden), protected: told(&found.protected), risk })
    }
}

/// The first reason, and how many more there are.
fn told(reasons: &Reasons) -> Option<String> {
    let first = reasons.first.first()?.to_string();
    Some(if reasons.count > 1 { format!("{first}, and {} more", reasons.count - 1) } else { first })
}

/// Checks the words that go with a change.
pub fn words(title: &str, body: &str) -> Result<(), Refusal> {
    text("title", title, TITLE_CHARS_MAX)?;
    if title.contains('\n') {
        return Err(Refusal::invalid("title", "title has several lines").hint("say it in one"));
    }
    if names_an_issue(title) {
        return Err(Refusal::invalid("title", "title names an issue by its number: a merge could close it")
            .hint("say what the change does; the pull request says which gap it closes"));
    }
    if let Some(marker) = SKIPS_CI.iter().find(|marker| title.to_lowercase().contains(**marker)) {
        return Err(Refusal::invalid(
            "title",
            format!("title has {marker}, by which its checks would not run on the base"),
        )
        .hint("leave that out of the title"));
    }
    text("body", body, BODY_CHARS_MAX)
}

/// By which words in the message of a commit a forge runs no checks of it. A title becomes the message of a merge.
const SKIPS_CI: [&str; 7] =
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "skip-checks:", "***no_ci***"];

/// The longest answer to findings, in characters.
pub const ANSWER_CHARS_MAX: usize = 10_000;

/// Checks what is answered to the findings of a review.
pub fn answer(answer: &str) -> Result<(), Refusal> {
    text("answer", answer, ANSWER_CHARS_MAX)
}

fn names_an_issue(text: &str) -> bool {
    text.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visual::Touched;

    fn facts(paths: &[(&str, Mode)]) -> Facts {
        let touched = paths.iter().map(|(path, mode)| Touched { path: (*path).to_owned(), mode: *mode }).collect();
        Facts {
            descends: true,
            files: 1,
            lines: 3,
            largest: 10,
            whole: true,
            listing: Listing { touched, complete: true },
            added: vec![("src/a.rs".to_owned(), "fn a() {}".to_owned())],
            net: 1,
            removed: Vec::new(),
            messages: vec!["feat: a".to_owned()],
            hands: Vec::new(),
            binary: Vec::new(),
            gone: Vec::new(),
        }
    }

    #[test]
    fn what_no_difference_shows_is_a_person_s_to_look_at() {
        let hidden = Facts { lines: 0, binary: vec!["src/a.rs".to_owned()], ..facts(&[("src/a.rs", Mode::File)]) };
        let looks = hidden.judge(&Caps::default(), &Policy::default()).expect("fit");
        assert_eq!(looks.visual.as_deref(), Some("\"src/a.rs\" is not text, and no difference shows it"));
    }

    #[test]
    fn what_is_not_known_to_be_fit_is_refused() {
        let good = || facts(&[("src/a.rs", Mode::File)]);
        let token = format!("ghp_{}", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
        for (facts, refused) in [
            (good(), None),
            (Facts { descends: false, ..good() }, Some(Code::UnfitChange)),
            (Facts { files: 10_000, whole: false, ..good() }, Some(Code::OverBudget)),
            (Facts { lines: 401, ..good() }, Some(Code::OverBudget)),
            (Facts { whole: false, ..good() }, Some(Code::UnfitChange)),
            (Facts { files: 0, ..good() }, Some(Code::UnfitChange)),
            (Facts { largest: FILE_BYTES_MAX + 1, ..good() }, Some(Code::UnfitChange)),
            (facts(&[("src/a.rs", Mode::Link)]), Some(Code::UnfitChange)),
            (facts(&[("src/a.rs", Mode::Submodule)]), Some(Code::UnfitChange)),
            (Facts { added: vec![("a".to_owned(), token.clone())], ..good() }, Some(Code::UnfitChange)),
            (Facts { messages: vec![token.clone()], ..good() }, Some(Code::UnfitChange)),
        ] {
            let judged = facts.judge(&Caps::default(), &Policy::default());
            if let Err(refusal) = &judged {
                assert!(!refusal.message.contains(&token), "a secret is never told");
            }
            assert_eq!(judged.err().map(|no| no.code), refused, "{facts:?}");
        }
    }

    #[test]
    fn what_may_show_or_governs_agents_is_a_person_s_to_look_at() {
        let judge = |path| facts(&[(path, Mode::File)]).judge(&Caps::default(), &Policy::default()).expect("fit");
        let plain = judge("src/a.rs");
        assert_eq!((plain.visual, plain.protected, plain.risk.barred), (None, None, None));
        assert!(judge("web/app.css").visual.is_some());
        let policy = judge(".gapwright/policy.toml");
        assert!(policy.protected.is_some() && policy.visual.is_some());
    }

    #[test]
    fn words_are_plain_and_hold_no_credential() {
        for (title, body, good) in [
            ("fix: a", "it does", true),
            ("", "it does", false),
            ("a\nb", "it does", false),
            ("a", " ", false),
            ("a", "AKIAIOSFODNN7ABCDEFG is the key", false),
            ("fixes #3", "it does", false),
            ("closes a/b#12", "it does", false),
            ("color: #fff", "for #3", true),
        ] {
            assert_eq!(words(title, body).is_ok(), good, "{title:?} {body:?}");
        }
    }
}
