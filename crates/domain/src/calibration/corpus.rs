//! The cases that a reviewer is tried on: small changes, each right and, as its twin, with one defect.
//!
//! They are plain text, a file for each kind of defect. Lines before the first case that begin with `#` say what the file
//! is. A case has four headings, a line `---`, and the file that it changes, each line with a mark in front:
//!
//! ```text
//! case: queue-batch                     its id, which gives nothing away
//! path: src/queue/window.rs             the file
//! title: Give out jobs in batches       what the pull request is called
//! about: One poll took everything …     what it says of itself
//! ---
//!  in the file before, and in both twins (an empty line too)
//! -in the file before only
//! +in both twins
//! *in both twins, and a place where the defect may be cited
//! <in the clean twin only
//! >in the seeded twin only
//! ```
//!
//! A file without a line before is new. The corpus is public, so a reviewer may have learnt it by heart: what it shows
//! is an upper bound.

use std::sync::LazyLock;

use super::seed::{Defect, What};

/// How far from the defect a finding may point and still be one of it, in lines.
pub const NEAR_LINES: i64 = 2;

/// The texts, by kind.
const TEXTS: [(Defect, &str); 12] = [
    (Defect::OffByOne, include_str!("corpus/off_by_one.txt")),
    (Defect::DroppedCheck, include_str!("corpus/dropped_check.txt")),
    (Defect::InvertedCondition, include_str!("corpus/inverted_condition.txt")),
    (Defect::RemovedLock, include_str!("corpus/removed_lock.txt")),
    (Defect::UnescapedOutput, include_str!("corpus/unescaped_output.txt")),
    (Defect::PathCheckRemoved, include_str!("corpus/path_check_removed.txt")),
    (Defect::SecretLogged, include_str!("corpus/secret_logged.txt")),
    (Defect::TestWeakened, include_str!("corpus/test_weakened.txt")),
    (Defect::ErrorSwallowed, include_str!("corpus/error_swallowed.txt")),
    (Defect::WrongTokenCompare, include_str!("corpus/wrong_token_compare.txt")),
    (Defect::Race, include_str!("corpus/race.txt")),
    (Defect::DataLoss, include_str!("corpus/data_loss.txt")),
];

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let parsed = TEXTS.iter().flat_map(|(defect, text)| parse(*defect, text).expect("a corpus of ours can be read"));
    parsed.collect()
});

/// A change of one file, right and with a defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id, which gives nothing away.
    pub id: String,
    /// The kind of defect.
    pub defect: Defect,
    /// The file, from the root of a repository.
    pub path: String,
    /// What the pull request is called.
    pub title: String,
    /// What the pull request says of itself.
    pub about: String,
    /// The file before; none where the change makes it.
    pub before: Option<String>,
    /// The file after the change, as it is right.
    pub clean: String,
    /// The file after the change, with the defect.
    pub seeded: String,
    /// The lines of the seeded file that hold the defect, from 1 and in order, at least one. Where something is missing,
    /// the lines before and after.
    pub lines: Vec<i64>,
}

impl Case {
    /// The file after the change.
    pub fn after(&self, what: What) -> &str {
        match what {
            What::Seeded => &self.seeded,
            What::Clean => &self.clean,
        }
    }

    /// Whether a finding on a line of the seeded file is one of the defect: at most [`NEAR_LINES`] from it.
    pub fn is_cited(&self, path: &str, line: i64) -> bool {
        path == self.path && self.lines.iter().any(|held| held.abs_diff(line) <= NEAR_LINES.unsigned_abs())
    }
}

/// Every case, by kind.
pub fn cases() -> &'static [Case] {
    &CASES
}

/// The cases of a kind.
pub fn of(defect: Defect) -> impl Iterator<Item = &'static Case> {
    cases().iter().filter(move |case| case.defect == defect)
}

/// A case by its id.
pub fn case(id: &str) -> Option<&'static Case> {
    cases().iter().find(|case| case.id == id)
}

/// Reads the cases of one kind, or says what cannot be read.
pub fn parse(defect: Defect, text: &str) -> Result<Vec<Case>, String> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        match (line.starts_with("case: "), blocks.last_mut()) {
            (true, _) => blocks.push(vec![line]),
            (false, Some(block)) => block.push(line),
            (false, None) if line.is_empty() || line.starts_with('#') => {}
            (false, None) => return Err(format!("{line:?} stands before the first case")),
        }
    }
    blocks.iter().map(|block| one(defect, block)).collect()
}

fn one(defect: Defect, block: &[&str]) -> Result<Case, String> {
    let [id, path, title, about, "---", body @ ..] = block else {
        return Err(format!("{:?} has no four headings", block.first()));
    };
    let heading = |line: &str, name: &str| match line.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")) {
        Some(value) if !value.trim().is_empty() => Ok(value.to_owned()),
        Some(_) | None => Err(format!("{line:?} is to be the {name} of a case")),
    };
    let (id, path) = (heading(id, "case")?, heading(path, "path")?);
    let (title, about) = (heading(title, "title")?, heading(about, "about")?);
    let Twins { before, clean, seeded, lines } = twins(body).map_err(|why| format!("{id}: {why}"))?;
    Ok(Case { id, defect, path, title, about, before: (!before.is_empty()).then_some(before), clean, seeded, lines })
}

/// What the marked lines make.
#[derive(Default)]
struct Twins {
    before: String,
    clean: String,
    seeded: String,
    lines: Vec<i64>,
}

fn twins(body: &[&str]) -> Result<Twins, String> {
    let mut made = Twins::default();
    let mut line = 0;
    // Whether the seeded twin lacks lines here, and has none instead.
    let mut lacks = false;
    // Blank lines at the end only part a case from the next.
    let end = body.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    for marked in &body[..end] {
        let (mark, text) = marked.split_at_checked(1).unwrap_or((" ", ""));
        let (before, clean, seeded) = match mark {
            " " => (true, true, true),
            "-" => (true, false, false),
            "+" | "*" => (false, true, true),
            "<" => (false, true, false),
            ">" => (false, false, true),
            _ => return Err(format!("{marked:?} has no mark")),
        };
        for (has, side) in [(before, &mut made.before), (clean, &mut made.clean), (seeded, &mut made.seeded)] {
            if has {
                side.push_str(text);
                side.push('\n');
            }
        }
        line += i64::from(seeded);
        match mark {
            "<" => lacks = true,
            "*" => made.lines.push(line),
            ">" => {
                made.lines.push(line);
                lacks = false;
            }
            _ if seeded && lacks => {
                made.lines.extend([line - 1, line].into_iter().filter(|line| *line > 0));
                lacks = false;
            }
            _ => {}
        }
    }
    if lacks {
        made.lines.push(line.max(1));
    }
    made.lines.sort_unstable();
    made.lines.dedup();
    if made.lines.is_empty() { Err("the twins are alike".to_owned()) } else { Ok(made) }
}

#[cfg(test)]
mod tests;
