//! What the commits of a change do one by one: what one of them adds is published with the change, though a later one takes
//! it away again or a merge leaves it behind.
//!
//! What came from the branch to merge into is in the base, and so in no commit of the change; of a merge counts what none of
//! its parents has.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::broker::added::{self, Added};
use crate::broker::diff::PLAINLY;
use crate::broker::inspect::{
    COMMITS_MAX, Cut, Inspection, PATCH_BYTES_MAX, RAW_BYTES_MAX, Record, TEXT_BYTES_MAX, record,
};
use crate::broker::{Broker, Trouble};
use crate::git::{self, Call, Commit, lines};

/// How many comparisons are made: one for each commit, and one more for each merge, as merges are.
const SIDES_MAX: usize = 400;

/// How many bytes the files of both sides of all commits may have so that they are compared.
const COMPARED_BYTES_MAX: i64 = 64 << 20;

/// How many files of one merge are looked at that none of its parents has so: a merge by hand settles a few.
const MERGED_MAX: usize = 500;

/// How many bytes their paths may have: they are arguments of a program.
const PATHS_BYTES_MAX: usize = 64 << 10;

/// How many links and other repositories are told: one is refused.
const POINTERS_TOLD: usize = 10;

/// How many digits of a commit are told.
const SHORT: usize = 10;

/// A commit, and what it is compared with.
struct Step {
    commit: String,
    tree: String,
    /// The trees of its parents; an empty one where it has none.
    parents: Vec<String>,
}

impl Broker {
    /// Adds what single commits have that the whole change has not.
    pub(super) async fn steps(&self, base: &Commit, head: &Commit, change: &mut Inspection) -> Result<(), Trouble> {
        let listed = self.listed(base, head).await?;
        // One commit upon the base is the whole change.
        if listed.is_empty() || (listed.len() == 1 && listed[0].1 == [base.as_str()]) {
            return Ok(());
        }
        let sides: usize = listed.iter().map(|(_, parents)| parents.len().max(1)).sum();
        if sides > SIDES_MAX {
            change.cut.push(Cut::Commits);
            return Ok(());
        }
        let steps = self.trees(listed).await?;
        let (raw, more) = self.pairs(&steps, &["--raw", "-z", "--no-abbrev"]).beginning(RAW_BYTES_MAX).await?;
        if more {
            change.cut.push(Cut::Files);
            return Ok(());
        }
        let sides = sides_of(&raw, &steps)
            .ok_or_else(|| git::Trouble::Failed("git diff-tree gave what is no list".to_owned()))?;
        let own: Vec<_> = sides.iter().map(|sides| own(sides)).collect();
        let every: Vec<_> = own.iter().flatten().copied().collect();
        let (largest, both) = self.sizes(&every).await?;
        change.largest_blob = change.largest_blob.max(largest);
        let pointers = steps.iter().zip(&own).flat_map(|(step, own)| own.iter().map(move |record| (step, record)));
        for (step, record) in pointers.filter(|(_, record)| record.points).take(POINTERS_TOLD) {
            let path = [record.path, step.told().as_bytes()].concat();
            change.raw.extend([record.head, b"\0", &path, b"\0"].concat());
        }
        if both > COMPARED_BYTES_MAX {
            change.cut.push(Cut::Added);
            return Ok(());
        }
        let mut whole = self.of_single(&steps, change).await?;
        for (step, own) in steps.iter().zip(&own) {
            if step.parents.len() > 1 && !own.is_empty() {
                whole &= self.of_merge(step, own, change).await?;
            }
        }
        if !whole {
            change.cut.push(Cut::Added);
        }
        Ok(())
    }

    /// The commits of a change with their parents.
    async fn listed(&self, base: &Commit, head: &Commit) -> Result<Vec<(String, Vec<String>)>, Trouble> {
        let most = format!("--max-count={COMMITS_MAX}");
        let call = self.call("rev-list").args(["--parents", &most, "--end-of-options", head.as_str()]);
        let told = call.arg(format!("^{}", base.as_str())).text().await?;
        let ids = |line: &str| {
            let mut ids = line.split_ascii_whitespace().map(str::to_owned);
            Some((ids.next()?, ids.collect()))
        };
        Ok(lines(&told).filter_map(ids).collect())
    }

    /// The same with the trees of all of them.
    async fn trees(&self, listed: Vec<(String, Vec<String>)>) -> Result<Vec<Step>, Trouble> {
        let mut asked = HashSet::new();
        let every = listed.iter().flat_map(|(commit, parents)| std::iter::once(commit).chain(parents));
        let every: Vec<_> = every.filter(|commit| asked.insert(commit.as_str())).cloned().collect();
        let input: Vec<_> = every.iter().map(|commit| format!("{commit}^{{tree}}\n")).collect();
        let call =
            self.call("cat-file").arg("--batch-check=%(objectname) %(objecttype)").input(input.concat().into_bytes());
        let told = call.text().await?;
        let trees = told.lines().map(|line| line.strip_suffix(" tree").map(str::to_owned));
        let trees: HashMap<_, _> = every.into_iter().zip(trees).collect();
        let empty = self.bare.empty_tree().await?;
        let tree = |commit: &String| {
            let known = trees.get(commit).cloned().flatten();
            known.ok_or_else(|| git::Trouble::Failed("a commit of the change is not there".to_owned()))
        };
        let step = |(commit, parents): (String, Vec<String>)| {
            let mut of_parents = parents.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
            if of_parents.is_empty() {
                of_parents.push(empty.clone());
            }
            Ok(Step { tree: tree(&commit)?, commit, parents: of_parents })
        };
        listed.into_iter().map(step).collect()
    }

    /// A comparison of each commit with each of its parents, one after another.
    fn pairs<'s>(&self, steps: impl IntoIterator<Item = &'s Step>, says: &[&str]) -> Call {
        let pairs = steps.into_iter().flat_map(|step| step.parents.iter().map(move |parent| (parent, &step.tree)));
        let input: Vec<_> = pairs.map(|(parent, tree)| format!("{parent} {tree}\n")).collect();
        let call = self.call("diff-tree").args(PLAINLY).args(["--stdin", "--src-prefix=a/", "--dst-prefix=b/"]);
        says.iter().fold(call, Call::arg).input(input.concat().into_bytes())
    }

    /// Adds what the commits with one parent or none add; false when not all of it could be read.
    async fn of_single(&self, steps: &[Step], change: &mut Inspection) -> Result<bool, Trouble> {
        let single: Vec<_> = steps.iter().filter(|step| step.parents.len() == 1).collect();
        if single.is_empty() {
            return Ok(true);
        }
        let call = self.pairs(single.iter().copied(), &["--patch", "--unified=0", "--text"]);
        let (patch, more) = call.beginning(PATCH_BYTES_MAX).await?;
        let (found, whole) = added::read_pairs(&patch, TEXT_BYTES_MAX);
        for (pair, added) in found {
            let step = pair.checked_sub(1).and_then(|place| single.get(place));
            let step = step.ok_or_else(|| git::Trouble::Failed("git diff-tree gave what is no patch".to_owned()))?;
            step.add(added, change);
        }
        Ok(whole && !more)
    }

    /// Adds the lines that a merge has and none of its parents; false when not all of it could be read.
    async fn of_merge(&self, step: &Step, own: &[Record<'_>], change: &mut Inspection) -> Result<bool, Trouble> {
        let bytes: usize = own.iter().map(|record| record.path.len()).sum();
        if own.len() > MERGED_MAX || bytes > PATHS_BYTES_MAX {
            return Ok(false);
        }
        let mut sides = Vec::new();
        for parent in &step.parents {
            let call = self.call("diff-tree").args(PLAINLY).args(["--src-prefix=a/", "--dst-prefix=b/"]);
            let call = call.args(["--patch", "--unified=0", "--text", "--end-of-options", parent, &step.tree, "--"]);
            let call = own.iter().fold(call, |call, record| call.arg(OsStr::from_bytes(record.path)));
            let (patch, more) = call.beginning(PATCH_BYTES_MAX).await?;
            let (added, whole) = added::read(&patch, TEXT_BYTES_MAX);
            if more || !whole {
                return Ok(false);
            }
            sides.push(added);
        }
        let first = sides.remove(0);
        for added in first {
            let others = sides.iter().map(|side| side.iter().filter(|other| other.path == added.path));
            let others: Vec<HashSet<_>> =
                others.map(|files| files.flat_map(|file| file.text.lines()).collect()).collect();
            let new = added.text.lines().filter(|line| others.iter().all(|side| side.contains(line)));
            let text: String = new.flat_map(|line| [line, "\n"]).collect();
            if !text.is_empty() {
                step.add(Added { path: added.path, text }, change);
            }
        }
        Ok(true)
    }
}

impl Step {
    /// How it is told which commit something is of, and what is to be done.
    fn told(&self) -> String {
        let short: String = self.commit.chars().take(SHORT).collect();
        format!(" (in the commit {short}: take it out of every commit)")
    }

    /// Adds what the whole change does not add as well.
    fn add(&self, added: Added, change: &mut Inspection) {
        let known = |whole: &Added| whole.path == added.path && whole.text.contains(&added.text);
        if !change.added.iter().any(known) {
            change.added.push(Added { path: added.path + &self.told(), text: added.text });
        }
    }
}

/// The list of files by commit and parent, each behind a line with its two trees.
fn sides_of<'a>(raw: &'a [u8], steps: &[Step]) -> Option<Vec<Vec<Vec<Record<'a>>>>> {
    let mut rest = raw;
    let mut side = |parent: &str, tree: &str| {
        rest = rest.strip_prefix(format!("{parent} {tree}\n").as_bytes())?;
        let mut records = Vec::new();
        while rest.first() == Some(&b':') {
            let mut fields = rest.splitn(3, |byte| *byte == 0);
            records.push(record(fields.next()?, fields.next()?)?);
            rest = fields.next()?;
        }
        Some(records)
    };
    let step = |step: &Step| step.parents.iter().map(|parent| side(parent, &step.tree)).collect::<Option<Vec<_>>>();
    let sides = steps.iter().map(step).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(sides)
}

/// What a commit has otherwise than each of its parents.
fn own<'a>(sides: &[Vec<Record<'a>>]) -> Vec<Record<'a>> {
    let Some((first, others)) = sides.split_first() else { return Vec::new() };
    let others: Vec<HashSet<_>> = others.iter().map(|side| side.iter().map(|record| record.path).collect()).collect();
    first.iter().filter(|record| others.iter().all(|side| side.contains(record.path))).copied().collect()
}
