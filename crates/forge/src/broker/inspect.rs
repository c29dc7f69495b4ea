//! What a rule needs to judge a change: read once, within bounds, and whatever is over a bound is said to be so.
//!
//! Every commit of a change is published with it. So what one of them has that the whole has not is told as well (`steps`).

use std::collections::HashSet;

use crate::broker::{Added, Broker, Trouble, added};
use crate::git::{self, Commit};

/// How many commits are looked at: a change of an agent's has one or a few.
pub(super) const COMMITS_MAX: i64 = 200;

/// How much is read of the messages of commits, in bytes.
const MESSAGES_BYTES_MAX: usize = 256 << 10;

/// How much is read of the list of files, in bytes: some 50,000 of them.
pub(super) const RAW_BYTES_MAX: usize = 8 << 20;

/// How many bytes the files of both sides may have so that they are compared.
const COMPARED_BYTES_MAX: i64 = 256 << 20;

/// How many bytes they may have so that those which count as binary are compared line by line, too.
const BINARY_BYTES_MAX: i64 = 32 << 20;

/// How much is read of the change as a patch, in bytes.
pub(super) const PATCH_BYTES_MAX: usize = 16 << 20;

/// How many bytes of added lines are kept.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;

/// The mode of another repository.
const SUBMODULE: &[u8] = b"160000";

/// The modes of what only points to something: a symbolic link, and another repository.
const POINTERS: [&[u8]; 2] = [b"120000", SUBMODULE];

/// What is known of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Whether the head is the base or comes after it.
    pub descends: bool,
    /// How many commits the head has that the base has not; one more than are counted where that was cut.
    pub commits: i64,
    /// As `git diff --raw -z --no-renames --no-abbrev BASE HEAD` tells it: both modes, both blobs, a letter, the path. Behind
    /// it the links and other repositories that single commits add, in whose paths it is said which does.
    pub raw: Vec<u8>,
    /// How many paths differ.
    pub files: i64,
    /// Lines added and lines taken away, together.
    pub lines: i64,
    /// The paths of files that are not compared by lines: with a NUL in them, or too large. What is no UTF-8 is marked.
    pub binary: Vec<String>,
    /// The bytes of the largest file that the head, or one of the commits, has otherwise.
    pub largest_blob: i64,
    /// What is added, file by file, those of [`Self::binary`] too where they are small. Behind it what single commits add and
    /// the whole does not, in whose paths it is said which does.
    pub added: Vec<Added>,
    /// How many of [`Self::added`], from the first, are of the whole.
    pub net: usize,
    /// What the whole takes away, file by file.
    pub removed: Vec<Added>,
    /// What the commits say, the latest first.
    pub messages: Vec<Message>,
    /// What is not all there: whoever judges by it does not know.
    pub cut: Vec<Cut>,
}

/// What a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Author and committer, each as `NAME <ADDRESS>`, a line for each.
    pub by: String,
    /// The message.
    pub text: String,
}

/// What was too much to be read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// There are more commits, or they have more parents: of those that were not looked at nothing is known.
    Commits,
    /// There are more messages.
    Messages,
    /// There are more files: of those not listed nothing is known.
    Files,
    /// Files were not compared: lines and binary files are not counted.
    Lines,
    /// There is more text that is added or taken away.
    Added,
}

/// A record of the list of files.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// Both modes, both blobs and the letter, as git writes them.
    pub(super) head: &'a [u8],
    pub(super) path: &'a [u8],
    old: Option<&'a str>,
    new: Option<&'a str>,
    /// Whether it leaves what only points to something.
    pub(super) points: bool,
}

impl Broker {
    /// Reads what a change from `base` to `head` is.
    pub async fn inspect(&self, base: &Commit, head: &Commit) -> Result<Inspection, Trouble> {
        self.must_have(base).await?;
        self.must_have(head).await?;
        let mut cut = Vec::new();
        let descends = self.bare.is_ancestor(base, head).await?;
        let commits = self.commits(base, head, &mut cut).await?;
        let messages = self.messages(base, head, &mut cut).await?;
        let (raw, more) = self.compare(&["--raw", "-z", "--no-abbrev"], base, head).beginning(RAW_BYTES_MAX).await?;
        if more {
            cut.push(Cut::Files);
        }
        let records = records(&raw);
        let (largest_blob, both) = self.sizes(&records).await?;
        let files = count(records.len());
        let mut change = Inspection {
            descends,
            commits,
            files,
            lines: 0,
            binary: Vec::new(),
            largest_blob,
            added: Vec::new(),
            net: 0,
            removed: Vec::new(),
            messages,
            cut,
            raw: Vec::new(),
        };
        if more || both > COMPARED_BYTES_MAX {
            change.cut.extend([Cut::Lines, Cut::Added]);
        } else {
            self.lines(base, head, &mut change).await?;
            self.added(base, head, both, &mut change).await?;
        }
        change.raw = raw;
        // Of a change that is not known whole nothing more is asked.
        if change.cut.is_empty() {
            self.steps(base, head, &mut change).await?;
        }
        Ok(change)
    }

    async fn commits(&self, base: &Commit, head: &Commit, cut: &mut Vec<Cut>) -> Result<i64, Trouble> {
        let most = format!("--max-count={}", COMMITS_MAX + 1);
        let call = self.call("rev-list").args(["--count", &most, "--end-of-options", head.as_str()]);
        let told = call.arg(format!("^{}", base.as_str())).text().await?;
        let commits =
            told.trim().parse().map_err(|_| git::Trouble::Failed("git counts what is no count".to_owned()))?;
        if commits > COMMITS_MAX {
            cut.push(Cut::Commits);
        }
        Ok(commits)
    }

    async fn messages(&self, base: &Commit, head: &Commit, cut: &mut Vec<Cut>) -> Result<Vec<Message>, Trouble> {
        let call = self.call("log").args(["-z", "--no-color", "--no-notes", "--no-mailmap", "--no-decorate"]);
        let most = format!("--max-count={COMMITS_MAX}");
        let call = call.args(["--encoding=UTF-8", "--format=%an <%ae>%n%cn <%ce>%n%B", &most]);
        let call = call.args(["--end-of-options", head.as_str()]).arg(format!("^{}", base.as_str()));
        let (told, more) = call.beginning(MESSAGES_BYTES_MAX).await?;
        if more {
            cut.push(Cut::Messages);
        }
        let records = told.split(|byte| *byte == 0).filter(|record| !record.is_empty());
        Ok(records.map(message).collect())
    }

    /// The bytes of the largest new file, and of all files of both sides. No file is read.
    pub(super) async fn sizes(&self, records: &[Record<'_>]) -> Result<(i64, i64), Trouble> {
        let news: Vec<_> = records.iter().filter_map(|record| record.new).collect();
        let olds = records.iter().filter_map(|record| record.old);
        let mut asked = HashSet::new();
        let blobs: Vec<_> = news.iter().copied().chain(olds).filter(|blob| asked.insert(*blob)).collect();
        if blobs.is_empty() {
            return Ok((0, 0));
        }
        let new: HashSet<_> = news.into_iter().collect();
        let input = blobs.join("\n") + "\n";
        let call = self.call("cat-file").arg("--batch-check=%(objectsize)").input(input.into_bytes());
        let told = call.text().await?;
        let (mut largest, mut all) = (0, 0_i64);
        let mut lines = told.lines();
        for blob in blobs {
            let size = lines.next().and_then(|line| line.parse::<i64>().ok());
            let size = size.ok_or_else(|| git::Trouble::Failed("a file of the change is not there".to_owned()))?;
            all = all.saturating_add(size);
            if new.contains(blob) {
                largest = largest.max(size);
            }
        }
        Ok((largest, all))
    }

    async fn lines(&self, base: &Commit, head: &Commit, change: &mut Inspection) -> Result<(), Trouble> {
        let (told, more) = self.compare(&["--numstat", "-z"], base, head).beginning(RAW_BYTES_MAX).await?;
        if more {
            change.cut.push(Cut::Lines);
        }
        for record in told.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
            let mut fields = record.splitn(3, |byte| *byte == b'\t').map(String::from_utf8_lossy);
            let (Some(added), Some(removed), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            match (added.parse::<i64>(), removed.parse::<i64>()) {
                (Ok(added), Ok(removed)) => change.lines = change.lines.saturating_add(added).saturating_add(removed),
                _ => change.binary.push(path.into_owned()),
            }
        }
        Ok(())
    }

    async fn added(&self, base: &Commit, head: &Commit, bytes: i64, change: &mut Inspection) -> Result<(), Trouble> {
        let small = bytes <= BINARY_BYTES_MAX;
        let says: &[&str] = if small { &["--patch", "--unified=0", "--text"] } else { &["--patch", "--unified=0"] };
        let (patch, more) = self.compare(says, base, head).beginning(PATCH_BYTES_MAX).await?;
        let (added, whole) = added::read(&patch, TEXT_BYTES_MAX);
        let (removed, known) = added::read_removed(&patch, TEXT_BYTES_MAX);
        if more || !whole || !known || (!small && !change.binary.is_empty()) {
            change.cut.push(Cut::Added);
        }
        (change.net, change.added, change.removed) = (added.len(), added, removed);
        Ok(())
    }
}

/// Reads `:MODE MODE BLOB BLOB LETTER<0>PATH<0>`; a record that was cut off is left out.
fn records(raw: &[u8]) -> Vec<Record<'_>> {
    let mut fields = raw.split(|byte| *byte == 0);
    let mut records = Vec::new();
    while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
        let Some(record) = record(head, path) else { break };
        records.push(record);
    }
    records
}

pub(super) fn record<'a>(head: &'a [u8], path: &'a [u8]) -> Option<Record<'a>> {
    let parts: Vec<_> = head.strip_prefix(b":")?.split(|byte| *byte == b' ').collect();
    let [old_mode, new_mode, old, new, _] = parts[..] else { return None };
    let blob = |mode: &[u8], blob| {
        let there = mode != b"000000" && mode != SUBMODULE;
        std::str::from_utf8(blob).ok().filter(|_| there)
    };
    let points = POINTERS.contains(&new_mode);
    Some(Record { head, path, old: blob(old_mode, old), new: blob(new_mode, new), points })
}

fn message(record: &[u8]) -> Message {
    let told = String::from_utf8_lossy(record);
    let mut parts = told.splitn(3, '\n');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    let (author, committer) = (next(), next());
    Message { by: format!("{author}\n{committer}"), text: next().trim_end().to_owned() }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
