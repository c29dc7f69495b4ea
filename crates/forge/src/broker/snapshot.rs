//! From the agent: what its folder holds, where it did not commit. The files are read by ourselves, byte by byte, and a
//! link is kept as a link. Git only tells which of them are to be left out, by the folder's own `.gitignore`.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use crate::broker::hostile::{Folder, Kind};
use crate::broker::{Broker, Run, Trouble, Workspace, take, unfit};
use crate::git::{self, Commit, Hand, commit_tree};

/// How many files are looked at: those of the commit and new ones.
const FILES_MAX: usize = 200_000;

/// How many files may say something new.
const NEW_MAX: usize = 20_000;

/// How much of the list of new files is read, in bytes.
const LIST_BYTES_MAX: usize = 8 << 20;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// The id that stands for nothing.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// The mode of another repository.
const SUBMODULE: &str = "160000";

/// A file of the commit.
struct Tracked {
    mode: String,
    blob: String,
    bytes: Option<u64>,
}

/// What is to be done to the index, and the blobs that it needs.
#[derive(Default)]
struct Changes {
    gone: Vec<u8>,
    put: Vec<u8>,
    /// As `fast-import` reads them.
    blobs: Vec<u8>,
    count: usize,
    left: u64,
}

impl Broker {
    /// Makes a commit above `onto` of what the folder holds, and keeps it for the run; none when that is no change. What
    /// another repository in the folder holds is not taken, and refused. A submodule stays as it is.
    pub async fn snapshot(
        &self,
        workspace: &Workspace,
        run: &Run,
        onto: &Commit,
        hand: &Hand,
        message: &str,
    ) -> Result<Option<Commit>, Trouble> {
        self.must_have(onto).await?;
        let scratch = self.scratch()?;
        self.apart(&scratch, "read-tree").args(["--end-of-options", onto.as_str()]).done().await?;
        let call = self.apart(&scratch, "ls-files").args(["-z", "--others", "--exclude-standard"]);
        let others = call.env("GIT_WORK_TREE", workspace.folder()).at_most(LIST_BYTES_MAX).out().await;
        let others = others.map_err(take::of_agent)?;
        let call = self.call("ls-tree").args(["-r", "-z", "-l", "--full-tree", "--end-of-options", onto.as_str()]);
        let listed = call.out().await?;
        let (folder, most) = (workspace.folder().to_owned(), self.settings.bytes_max);
        let found = tokio::task::spawn_blocking(move || changes(&folder, &listed, &others, most)).await;
        let mut changes = found.map_err(|_| git::Trouble::Late("read".to_owned()))??;
        if changes.count == 0 {
            return Ok(None);
        }
        let call = self.apart(&scratch, "fast-import").args(["--quiet", "--done"]);
        changes.blobs.extend_from_slice(b"done\n");
        call.input(changes.blobs).done().await.map_err(take::of_agent)?;
        let orders = [changes.gone, changes.put].concat();
        let call = self.apart(&scratch, "update-index").args(["-z", "--index-info"]);
        call.input(orders).done().await.map_err(take::of_agent)?;
        let tree = self.apart(&scratch, "write-tree").text().await.map_err(take::of_agent)?;
        let call = self.apart(&scratch, "commit-tree");
        let commit = commit_tree(call, tree.trim_end(), &[onto], hand, message.as_bytes()).await?;
        self.adopt(&scratch, &commit, &[onto], run).await?;
        Ok(Some(commit))
    }
}

fn changes(workspace: &Path, listed: &[u8], others: &[u8], bytes_max: u64) -> Result<Changes, Trouble> {
    let root = Folder::open(workspace)?;
    let tracked: HashMap<_, _> = listed.split(|byte| *byte == 0).filter_map(tracked).collect();
    let others = others.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let paths: BTreeSet<_> = tracked.keys().copied().chain(others).collect();
    if paths.len() > FILES_MAX {
        return Err(unfit(format!("there are more than {FILES_MAX} files")));
    }
    let mut changes = Changes { left: bytes_max, ..Changes::default() };
    // Paths come in order, so that most are in the folder of the one before.
    let mut last: Option<(&[u8], Option<Folder>)> = None;
    for path in paths {
        if path.ends_with(b"/") {
            return Err(unfit(format!("{} is another repository", shown(path))));
        }
        let was = tracked.get(path);
        if was.is_some_and(|was| was.mode == SUBMODULE) {
            continue;
        }
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let (above, name) = slash.map_or((&path[..0], path), |slash| (&path[..slash], &path[slash + 1..]));
        let folder = match last.take() {
            Some((same, folder)) if same == above => folder,
            _ => descend(&root, above)?,
        };
        changes.look(folder.as_ref(), path, OsStr::from_bytes(name), was)?;
        last = Some((above, folder));
    }
    Ok(changes)
}

/// The folder at this path, unless something else is there; refused where another repository is on the way.
fn descend(root: &Folder, path: &[u8]) -> Result<Option<Folder>, Trouble> {
    let mut at = root.again()?;
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let Some(entered) = at.enter(OsStr::from_bytes(part))? else { return Ok(None) };
        if entered.kind(OsStr::new(".git"))? != Kind::Nothing {
            return Err(unfit(format!("{} is in another repository", shown(path))));
        }
        at = entered;
    }
    Ok(Some(at))
}

impl Changes {
    fn look(
        &mut self,
        above: Option<&Folder>,
        path: &[u8],
        name: &OsStr,
        was: Option<&Tracked>,
    ) -> Result<(), Trouble> {
        let kind = above.map_or(Ok(Kind::Nothing), |folder| folder.kind(name))?;
        let Some(above) = above else { return self.gone(path, was) };
        match kind {
            Kind::Nothing | Kind::Folder => self.gone(path, was),
            Kind::Other => Err(unfit(format!("{} is no file", shown(path)))),
            Kind::Link => self.put(path, "120000", above.link(name)?, was),
            Kind::File => {
                let Some(file) = above.file(name)? else { return Err(unfit(format!("{} is no file", shown(path)))) };
                self.file(path, file, was)
            }
        }
    }

    fn gone(&mut self, path: &[u8], was: Option<&Tracked>) -> Result<(), Trouble> {
        if was.is_some() {
            self.counted()?;
            order(&mut self.gone, "0", NOTHING, path);
        }
        Ok(())
    }

    fn file(&mut self, path: &[u8], file: File, was: Option<&Tracked>) -> Result<(), Trouble> {
        let why = |error: std::io::Error| unfit(format!("{} cannot be read: {error}", shown(path)));
        let meta = file.metadata().map_err(why)?;
        let mode = if meta.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
        if meta.len() > self.left {
            // What is not new may be as large as it is.
            let same = was.filter(|was| was.mode == mode && was.bytes == Some(meta.len()));
            return match same {
                Some(was) if hash(meta.len(), file).map_err(why)? == was.blob => Ok(()),
                _ => Err(too_much()),
            };
        }
        let mut says = Vec::new();
        file.take(self.left + 1).read_to_end(&mut says).map_err(why)?;
        self.put(path, mode, says, was)
    }

    fn put(&mut self, path: &[u8], mode: &str, says: Vec<u8>, was: Option<&Tracked>) -> Result<(), Trouble> {
        let bytes = u64::try_from(says.len()).unwrap_or(u64::MAX);
        let hashed = hash(bytes, says.as_slice());
        let blob = hashed.map_err(|error| unfit(format!("{} cannot be read: {error}", shown(path))))?;
        if was.is_some_and(|was| was.mode == mode && was.blob == blob) {
            return Ok(());
        }
        self.counted()?;
        self.left = self.left.checked_sub(bytes).ok_or_else(too_much)?;
        order(&mut self.put, mode, &blob, path);
        self.blobs.extend_from_slice(format!("blob\ndata {bytes}\n").as_bytes());
        self.blobs.extend(says);
        self.blobs.push(b'\n');
        Ok(())
    }

    fn counted(&mut self) -> Result<(), Trouble> {
        self.count += 1;
        if self.count > NEW_MAX { Err(unfit(format!("more than {NEW_MAX} files changed"))) } else { Ok(()) }
    }
}

fn too_much() -> Trouble {
    unfit("its files say more that is new than is taken")
}

/// An order to the index.
fn order(orders: &mut Vec<u8>, mode: &str, blob: &str, path: &[u8]) {
    orders.extend_from_slice(format!("{mode} {blob}\t").as_bytes());
    orders.extend_from_slice(path);
    orders.push(0);
}

/// The id of a blob that says this.
fn hash(bytes: u64, mut says: impl Read) -> std::io::Result<String> {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(format!("blob {bytes}\0").as_bytes());
    let mut piece = vec![0; PIECE];
    loop {
        match says.read(&mut piece)? {
            0 => return Ok(hex::encode(digest.finish())),
            count => digest.update(&piece[..count]),
        }
    }
}

/// Reads `MODE KIND ID SIZE<tab>PATH`.
fn tracked(record: &[u8]) -> Option<(&[u8], Tracked)> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let words = std::str::from_utf8(&record[..tab]).ok()?;
    let parts: Vec<_> = words.split_ascii_whitespace().collect();
    let [mode, _, blob, bytes] = parts[..] else { return None };
    let tracked = Tracked { mode: mode.to_owned(), blob: blob.to_owned(), bytes: bytes.parse().ok() };
    Some((&record[tab + 1..], tracked))
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).replace(char::is_control, "?")
}
