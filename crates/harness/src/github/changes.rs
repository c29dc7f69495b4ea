//! What a pull request changes, file by file and commit by commit, as git says.

use serde_json::{Value, json};

use super::answer::Outcome;
use super::git::Bare;
use super::request::encoded;
use super::route::Turn;
use super::state::Repo;
use super::view::{View, WEB};

/// The most files of a pull request that the real one lists.
const FILES_MAX: usize = 3_000;

/// The most commits of a pull request that the real one lists.
const COMMITS_MAX: usize = 250;

/// One file of a change.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) previous: Option<String>,
    pub(super) status: &'static str,
    pub(super) blob: String,
    pub(super) additions: i64,
    pub(super) deletions: i64,
    /// The difference in git's words; none for what is no text.
    pub(super) patch: Option<String>,
}

impl Turn<'_> {
    /// The files of a pull request.
    pub(super) fn list_files(&self, word: &str, rest: &[&str]) -> Outcome {
        let number = self.pull_number(word)?;
        let (repo, pull) = (self.repo(), self.pull(number));
        let mut changes = repo.git.changes(&pull.base_tip, &pull.head_sha);
        changes.truncate(FILES_MAX);
        let view = self.view();
        Ok(self.request.paged(&changes, &self.here(rest), |change| view.change(repo, &pull.head_sha, change)))
    }

    /// The commits of a pull request, the oldest first.
    pub(super) fn list_commits(&self, word: &str, rest: &[&str]) -> Outcome {
        let number = self.pull_number(word)?;
        let (repo, pull) = (self.repo(), self.pull(number));
        let range = format!("{}..{}", pull.base_tip, pull.head_sha);
        let said = repo.git.run(&["rev-list", "--reverse", &range], None);
        let commits: Vec<_> = said.lines().take(COMMITS_MAX).collect();
        let view = self.view();
        Ok(self.request.paged(&commits, &self.here(rest), |commit| view.commit(repo, commit)))
    }
}

impl View<'_> {
    /// One file of a change.
    pub(super) fn change(&self, repo: &Repo, commit: &str, change: &Change) -> Value {
        let path = change.path.split('/').map(encoded).collect::<Vec<_>>().join("/");
        let web = format!("{WEB}/{}", repo.full_name());
        let mut shown = json!({
            "sha": change.blob,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": format!("{web}/blob/{commit}/{path}"),
            "raw_url": format!("{web}/raw/{commit}/{path}"),
            "contents_url": format!("{}/contents/{path}?ref={commit}", self.at(repo)),
        });
        if let Some(patch) = &change.patch {
            shown["patch"] = patch.as_str().into();
        }
        if let Some(previous) = &change.previous {
            shown["previous_filename"] = previous.as_str().into();
        }
        shown
    }
}

impl Bare {
    /// What changed between where two commits parted and the second, by path.
    pub(super) fn changes(&self, base: &str, head: &str) -> Vec<Change> {
        let from = self.ask(&["merge-base", base, head]).unwrap_or_else(|| base.to_owned());
        self.difference(&from, head)
    }

    /// What lies between two trees.
    pub(super) fn difference(&self, from: &str, to: &str) -> Vec<Change> {
        let raw = self.run(&["diff", "--raw", "-z", "-M", "--no-abbrev", from, to], None);
        let numbers = self.run(&["diff", "--numstat", "-z", "-M", from, to], None);
        let text = self.run(&["diff", "-M", "--no-color", "--no-ext-diff", from, to], None);
        let patches: Vec<_> = format!("\n{text}").split("\ndiff --git ").skip(1).map(patch).collect();
        let mut words = raw.split('\0');
        let mut counts = numbers.split('\0');
        let mut changes = Vec::new();
        while let Some(head) = words.next().filter(|head| !head.is_empty()) {
            let fields: Vec<_> = head.trim_start_matches(':').split(' ').collect();
            let letter = fields[4].chars().next().unwrap_or('M');
            let first = words.next().unwrap_or_default().to_owned();
            let moved = matches!(letter, 'R' | 'C');
            let (path, previous) =
                if moved { (words.next().unwrap_or_default().to_owned(), Some(first)) } else { (first, None) };
            let count = counts.next().unwrap_or_default();
            if moved {
                counts.nth(1);
            }
            let mut count = count.split('\t').map(|word| word.parse().unwrap_or(0));
            let status = match letter {
                'A' => "added",
                'D' => "removed",
                'R' => "renamed",
                'C' => "copied",
                'T' => "changed",
                _ => "modified",
            };
            let blob = if letter == 'D' { fields[2] } else { fields[3] }.to_owned();
            let (additions, deletions) = (count.next().unwrap_or(0), count.next().unwrap_or(0));
            let patch = patches.get(changes.len()).cloned().flatten();
            changes.push(Change { path, previous, status, blob, additions, deletions, patch });
        }
        changes
    }
}

/// The part of a file's difference that the real one shows.
fn patch(section: &str) -> Option<String> {
    section.find("\n@@ ").map(|at| section[at + 1..].trim_end_matches('\n').to_owned())
}

impl Change {
    /// Whether a line of a side is shown in the difference, so that it can be remarked on.
    pub(super) fn shows(&self, line: i64, side: Side) -> bool {
        let patch = self.patch.as_deref().unwrap_or_default();
        let hunks = patch.lines().filter(|line| line.starts_with("@@ "));
        let sign = if side == Side::Right { '+' } else { '-' };
        hunks.filter_map(|hunk| hunk.split(' ').find(|word| word.starts_with(sign))).any(|range| {
            let (from, count) = range[1..].split_once(',').unwrap_or((&range[1..], "1"));
            let from: i64 = from.parse().unwrap_or(0);
            (from..from + count.parse().unwrap_or(0)).contains(&line)
        })
    }
}

/// A side of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}
