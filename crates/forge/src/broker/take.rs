//! From the agent: what it committed. Git does not run with its repository, nor with anything that it says there: its
//! objects are copied, its HEAD is read, and what is copied is checked as if it came from anywhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::broker::hostile::Folder;
use crate::broker::scratch::Scratch;
use crate::broker::{Broker, Run, Trouble, Workspace, unfit};
use crate::git::{self, Branch, Commit, RECORDS};

/// How much of HEAD and of a branch is read, in bytes: a name, or an id.
const HEAD_BYTES_MAX: u64 = 1_000;

/// How much of its list of branches is read, in bytes. It began with one branch.
const REFS_BYTES_MAX: u64 = 1 << 20;

/// How many single objects are taken: a file of a commit is one or a few.
const LOOSE_MAX: usize = 60_000;

/// How many packs are taken. Each is indexed anew.
const PACKS_MAX: usize = 50;

/// How many entries one folder of objects may have.
const NAMES_MAX: usize = 20_000;

/// How a pack begins: its kind, its version, and the number of its objects from here on, in four bytes.
const PACK_COUNT_AT: usize = 8;

/// What was found in an agent's repository.
struct Found {
    head: Commit,
    packs: Vec<PathBuf>,
}

impl Broker {
    /// Takes the commit that the agent's HEAD is at, with everything that is new in it, and keeps it for the run. Whether
    /// it is fit to go further, [`Broker::inspect`] tells. Nobody should be at work in the folder any more; who is can
    /// spoil what is taken, and nothing else.
    pub async fn take(&self, workspace: &Workspace, run: &Run) -> Result<Commit, Trouble> {
        let scratch = self.scratch()?;
        let (folder, given) = (workspace.folder().to_owned(), workspace.given());
        let (to, most) = (scratch.objects(), self.settings.bytes_max);
        let found = tokio::task::spawn_blocking(move || gather(&folder, &given, &to, most)).await;
        let Found { head, packs } = found.map_err(|_| git::Trouble::Late("copy".to_owned()))??;
        for pack in packs {
            // What it says of itself beside it is not believed.
            self.apart(&scratch, "index-pack").arg(&pack).done().await.map_err(of_agent)?;
        }
        self.adopt(&scratch, &head, &[workspace.start(), workspace.base()], run).await?;
        Ok(head)
    }

    /// Lets a commit into the broker, with everything that is new in it, if all of it is whole and git finds no fault with
    /// it. `known` are commits of ours that it probably builds on.
    pub(super) async fn adopt(
        &self,
        scratch: &Scratch,
        head: &Commit,
        known: &[&Commit],
        run: &Run,
    ) -> Result<(), Trouble> {
        let refs = self.bare.refs(&[RECORDS]).await?;
        let known = known.iter().map(|commit| commit.as_str()).chain(refs.values().map(String::as_str));
        let wanted: String = known.map(|id| format!("^{id}\n")).chain([format!("{}\n", head.as_str())]).collect();
        let most = usize::try_from(self.settings.bytes_max).unwrap_or(usize::MAX);
        let call = self.apart(scratch, "pack-objects").args(["--quiet", "--revs", "--stdout", "--delta-base-offset"]);
        let packed = call.input(wanted.into_bytes()).at_most(most).out().await;
        let pack = packed.map_err(|trouble| match trouble {
            git::Trouble::TooMuch(_) => unfit(format!("it has more than {most} bytes of new objects")),
            git::Trouble::Program(_)
            | git::Trouble::Folder(_)
            | git::Trouble::Foreign(_)
            | git::Trouble::Name(_)
            | git::Trouble::Missing(_)
            | git::Trouble::Failed(_)
            | git::Trouble::Late(_) => of_agent(trouble),
        })?;
        if pack.get(PACK_COUNT_AT..PACK_COUNT_AT + 4) != Some(&[0; 4]) {
            let call = self.call("index-pack").args(["--stdin", "--strict"]);
            call.input(pack).done().await.map_err(of_agent)?;
        }
        // What is named is what was checked: one that only claimed that name is not here now.
        if self.bare.find(head).await.map_err(of_agent)?.as_ref() != Some(head) {
            return Err(unfit("its HEAD is at no commit"));
        }
        Ok(self.bare.moved(&format!("update {} {}\n", run.as_ref_name(), head.as_str())).await?)
    }
}

/// What it means that git failed with what an agent made.
pub(super) fn of_agent(trouble: git::Trouble) -> Trouble {
    match trouble {
        git::Trouble::Failed(why) if !is_ours(&why) => {
            unfit(format!("what it made is not whole or not allowed: {why}"))
        }
        git::Trouble::TooMuch(verb) => unfit(format!("there is more of it than is read: git {verb}")),
        git::Trouble::Program(_)
        | git::Trouble::Folder(_)
        | git::Trouble::Foreign(_)
        | git::Trouble::Name(_)
        | git::Trouble::Missing(_)
        | git::Trouble::Failed(_)
        | git::Trouble::Late(_) => trouble.into(),
    }
}

/// Whether git's words say that this machine is at fault.
pub(super) fn is_ours(why: &str) -> bool {
    ["No space left", "Too many open files", "Cannot allocate memory", "Read-only file system"]
        .iter()
        .any(|words| why.contains(words))
}

/// Copies an agent's objects, of at most so many bytes, but not the pack that it was given.
fn gather(workspace: &Path, given: &str, to: &Path, bytes_max: u64) -> Result<Found, Trouble> {
    let own = Folder::open(workspace)?.enter(OsStr::new(".git"))?;
    let own = own.ok_or_else(|| unfit("its .git is no folder"))?;
    let head = head(&own)?;
    let objects = own.enter(OsStr::new("objects"))?.ok_or_else(|| unfit("its objects are in no folder"))?;
    let mut copy = Copy { left: bytes_max, bytes_max, loose: LOOSE_MAX };
    for name in objects.names(NAMES_MAX)? {
        if !is_hex(&name, 2) {
            continue;
        }
        if let Some(folder) = objects.enter(&name)? {
            let to = to.join(&name);
            made(&to)?;
            copy.loose(&folder, &to)?;
        }
    }
    let mut packs = Vec::new();
    if let Some(folder) = objects.enter(OsStr::new("pack"))? {
        let to = to.join("pack");
        made(&to)?;
        for name in folder.names(NAMES_MAX)? {
            let stem = name.to_str().and_then(|name| name.strip_prefix("pack-"));
            let is_pack = stem.is_some_and(|name| name.strip_suffix(".pack").is_some());
            if !is_pack || name == given {
                continue;
            }
            if packs.len() == PACKS_MAX {
                return Err(unfit(format!("it has more than {PACKS_MAX} packs")));
            }
            let to = to.join(format!("pack-{}.pack", packs.len()));
            copy.file(&folder, &name, &to)?;
            packs.push(to);
        }
    }
    Ok(Found { head, packs })
}

/// How much may still be copied.
struct Copy {
    left: u64,
    bytes_max: u64,
    loose: usize,
}

impl Copy {
    fn loose(&mut self, from: &Folder, to: &Path) -> Result<(), Trouble> {
        for name in from.names(NAMES_MAX)? {
            if !is_hex(&name, 38) {
                continue;
            }
            self.loose =
                self.loose.checked_sub(1).ok_or_else(|| unfit(format!("it has more than {LOOSE_MAX} new objects")))?;
            self.file(from, &name, &to.join(&name))?;
        }
        Ok(())
    }

    fn file(&mut self, from: &Folder, name: &OsStr, to: &Path) -> Result<(), Trouble> {
        let why = |error: std::io::Error| git::Trouble::Failed(format!("an object cannot be copied: {error}"));
        let Some(file) = from.file(name)? else { return Err(unfit("one of its objects is no file")) };
        let mut copied = File::create_new(to).map_err(why)?;
        let bytes = std::io::copy(&mut file.take(self.left + 1), &mut copied).map_err(why)?;
        let too_much = || unfit(format!("it has more than {} bytes of new objects", self.bytes_max));
        self.left = self.left.checked_sub(bytes).ok_or_else(too_much)?;
        Ok(())
    }
}

/// The commit that HEAD names, or the branch that it names.
fn head(own: &Folder) -> Result<Commit, Trouble> {
    let unclear = || unfit("its HEAD names no commit");
    let said = own.text(OsStr::new("HEAD"), HEAD_BYTES_MAX)?.ok_or_else(unclear)?;
    let Some(name) = said.trim_end().strip_prefix("ref: ") else {
        return Commit::parse(said.trim_end()).map_err(|_| unclear());
    };
    let branch = name.strip_prefix("refs/heads/").ok_or_else(unclear)?;
    let branch = Branch::parse(branch).map_err(|_| unclear())?;
    let (above, last) = name.rsplit_once('/').ok_or_else(unclear)?;
    let mut folder = Some(own.again()?);
    for part in above.split('/') {
        folder = folder.map_or(Ok(None), |folder| folder.enter(OsStr::new(part)))?;
    }
    let loose = folder.map_or(Ok(None), |folder| folder.text(OsStr::new(last), HEAD_BYTES_MAX))?;
    if let Some(said) = loose {
        return Commit::parse(said.trim_end()).map_err(|_| unclear());
    }
    let packed = own.text(OsStr::new("packed-refs"), REFS_BYTES_MAX)?.unwrap_or_default();
    let mut listed = packed.lines().filter_map(|line| line.split_once(' '));
    let (commit, _) = listed.find(|(_, name)| *name == branch.as_ref_name()).ok_or_else(unclear)?;
    Commit::parse(commit).map_err(|_| unclear())
}

fn is_hex(name: &OsString, digits: usize) -> bool {
    let name = name.as_encoded_bytes();
    name.len() == digits && name.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
}

fn made(folder: &Path) -> Result<(), Trouble> {
    let why = |error: std::io::Error| git::Trouble::Failed(format!("{} cannot be made: {error}", folder.display()));
    Ok(std::fs::create_dir(folder).map_err(why)?)
}
