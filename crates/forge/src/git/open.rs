//! Opening a repository, and making one.
//!
//! Whoever may write its folder may run programs through it: git takes a repository that is named to it as it is, whosever
//! it is. So one that is not ours alone is refused.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use nix::unistd::geteuid;
use tokio::fs;

use crate::git::run::lines;
use crate::git::{Bare, Branch, Hand, RECORDS, Trouble};

/// The oldest git that is used: an older one does not know `attr.tree`, and lets files of the repository say how its files are
/// compared and merged.
const VERSION_MIN: (u32, u32) = (2, 43);

/// The branch of a repository that is made here.
const FIRST_BRANCH: &str = "main";

/// How many folders of those who were killed while they made a repository are stepped over.
const LEFT_MAX: usize = 100;

/// Who may enter a repository that is made here: as private as what is in it, and nobody else's to write.
const FOLDER_MODE: u32 = 0o700;

/// Where a repository says what git does with it, and where its branches and its files are. What is not there says nothing.
const SAYING: [&str; 8] = ["config", "config.worktree", "info", "HEAD", "packed-refs", "refs", "refs/heads", "objects"];

/// The rights to write of those who are not the owner.
const OTHERS_WRITE: u32 = 0o022;

/// Their rights to enter a folder, a bit below.
const OTHERS_ENTER: u32 = 0o011;

impl Bare {
    /// Opens the bare repository in this folder, and makes it where there is nothing: with a branch `main` and an empty
    /// first commit by this hand. The folder above must be there: a disk that is missing is not made up for.
    pub async fn open(folder: &Path, hand: &Hand) -> Result<Self, Trouble> {
        let bare = Self::named(folder).await?;
        if is_empty(folder).await? {
            bare.make(Some(hand)).await?;
        }
        bare.check().await?;
        let branch = Branch::parse(&bare.default_branch().await?)?;
        if !bare.has_branch().await? {
            bare.first_commit(&branch, hand).await?;
        }
        Ok(bare)
    }

    /// The same without a first commit: what is in it comes from elsewhere.
    pub(crate) async fn open_hollow(folder: &Path) -> Result<Self, Trouble> {
        let bare = Self::named(folder).await?;
        if is_empty(folder).await? {
            bare.make(None).await?;
        }
        bare.check().await?;
        Ok(bare)
    }

    /// Opens the one that is there; makes nothing and changes nothing.
    pub async fn existing(folder: &Path) -> Result<Self, Trouble> {
        let bare = Self::named(folder).await?;
        if is_empty(folder).await? {
            return Err(Trouble::Missing(format!("the git repository {}", folder.display())));
        }
        bare.check().await?;
        Branch::parse(&bare.default_branch().await?)?;
        Ok(bare)
    }

    async fn named(folder: &Path) -> Result<Self, Trouble> {
        if !folder.is_absolute() {
            return Err(Trouble::Folder(format!("{} does not begin at the root", folder.display())));
        }
        let bare = Self { folder: folder.to_owned(), worktrees: Arc::default() };
        check_version(&bare.call("version").out().await?)?;
        Ok(bare)
    }

    /// Refuses what is no bare repository, or not ours alone.
    async fn check(&self) -> Result<(), Trouble> {
        let me = geteuid().as_raw();
        let why =
            |path: &Path, error: std::io::Error| Trouble::Folder(format!("{} cannot be read: {error}", path.display()));
        let folder = fs::metadata(&self.folder).await.map_err(|error| why(&self.folder, error))?;
        if is_foreign(me, (folder.uid(), folder.mode()), OTHERS_WRITE) {
            return Err(foreign(&self.folder));
        }
        for name in SAYING {
            let path = self.folder.join(name);
            match fs::metadata(&path).await {
                Ok(said) if is_foreign(me, (said.uid(), said.mode()), (folder.mode() & OTHERS_ENTER) << 1) => {
                    return Err(foreign(&path));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(why(&path, error)),
            }
        }
        let attributes = self.folder.join("info/attributes");
        if fs::try_exists(&attributes).await.map_err(|error| why(&attributes, error))? {
            return Err(Trouble::Foreign(format!("{} says by which programs files are merged", attributes.display())));
        }
        let what = self.call("rev-parse").args(["--is-bare-repository", "--show-object-format"]).told().await?;
        if what.code != 0 || what.out.trim_ascii() != b"true\nsha1" {
            return Err(Trouble::Folder(format!("{} is not a bare git repository with SHA-1", self.folder.display())));
        }
        Ok(())
    }

    /// Whether it has any branch, whatever that is called.
    async fn has_branch(&self) -> Result<bool, Trouble> {
        let told = self.call("for-each-ref").args(["--count=1", "--format=x", "--", "refs/heads"]).told().await?;
        if !told.out.is_empty() {
            return Ok(true);
        }
        if told.code == 0 && told.complaint().is_none() { Ok(false) } else { Err(told.trouble()) }
    }

    /// Sees to it that nobody who pushes writes what we have put down.
    pub(crate) async fn hide_records(&self) -> Result<(), Trouble> {
        if self.hides_records().await? {
            return Ok(());
        }
        let added = self.call("config").args(["--add", "receive.hideRefs", RECORDS]).told().await?;
        // Somebody may be doing the same just now.
        if added.code == 0 || self.hides_records().await? { Ok(()) } else { Err(added.trouble()) }
    }

    async fn hides_records(&self) -> Result<bool, Trouble> {
        let told = self.call("config").args(["--get-all", "receive.hideRefs"]).told().await?;
        match told.code {
            0 => Ok(lines(&told.text()?).any(|hidden| hidden == RECORDS)),
            1 => Ok(false),
            _ => Err(told.trouble()),
        }
    }

    /// Makes it beside its folder and moves it there when it is whole. Who is slower than another leaves the other's.
    async fn make(&self, hand: Option<&Hand>) -> Result<(), Trouble> {
        let why = |error: std::io::Error| Trouble::Folder(format!("{} cannot be made: {error}", self.folder.display()));
        let (Some(parent), Some(name)) = (self.folder.parent(), self.folder.file_name()) else {
            return Err(Trouble::Folder(format!("{} is no folder for a repository", self.folder.display())));
        };
        let mut place = 0;
        let fresh = loop {
            let fresh = parent.join(format!(".{}.new-{place}", name.to_string_lossy()));
            match fs::DirBuilder::new().mode(FOLDER_MODE).create(&fresh).await {
                Ok(()) => break fresh,
                // Another's, who is at work or was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && place < LEFT_MAX => place += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(Trouble::Folder(format!("{} is not there", parent.display())));
                }
                Err(error) => return Err(why(error)),
            }
        };
        let bare = Self { folder: fresh, worktrees: Arc::default() };
        let made = match bare.init(hand).await {
            Ok(()) => fs::rename(&bare.folder, &self.folder).await.map_err(why),
            Err(trouble) => Err(trouble),
        };
        if made.is_err() {
            drop(fs::remove_dir_all(&bare.folder).await);
        }
        if is_empty(&self.folder).await? { made } else { Ok(()) }
    }

    async fn init(&self, hand: Option<&Hand>) -> Result<(), Trouble> {
        let first = format!("--initial-branch={FIRST_BRANCH}");
        // Without a template there are no hooks.
        let call = self.call("init").args(["--quiet", "--bare", "--template=", "--object-format=sha1", &first]);
        call.arg("--").arg(&self.folder).done().await?;
        self.hide_records().await?;
        match hand {
            Some(hand) => self.first_commit(&Branch::parse(FIRST_BRANCH)?, hand).await,
            None => Ok(()),
        }
    }

    async fn first_commit(&self, branch: &Branch, hand: &Hand) -> Result<(), Trouble> {
        let tree = self.empty_tree().await?;
        let commit = self.commit_tree(&tree, &[], hand, b"Begin\n").await?;
        let created = self.move_refs(&format!("create {} {}\n", branch.as_ref_name(), commit.as_str())).await?;
        // Somebody may have been faster, and then there is one too.
        if !created && self.tip(branch).await?.is_none() {
            return Err(Trouble::Failed(format!("the branch {} could not be made", branch.as_str())));
        }
        Ok(())
    }
}

/// Whether what belongs to `owner` and has these rights may be written by anybody but me, of those whose rights count.
fn is_foreign(me: u32, (owner, mode): (u32, u32), counts: u32) -> bool {
    owner != me || mode & counts != 0
}

fn foreign(path: &Path) -> Trouble {
    Trouble::Foreign(format!("{} belongs to another user, or others may write there", path.display()))
}

/// Whether there is nothing in a folder, or no folder.
async fn is_empty(folder: &Path) -> Result<bool, Trouble> {
    let why = |error: std::io::Error| Trouble::Folder(format!("{} cannot be read: {error}", folder.display()));
    match fs::read_dir(folder).await {
        Ok(mut entries) => entries.next_entry().await.map(|entry| entry.is_none()).map_err(why),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(why(error)),
    }
}

/// Refuses a git that is too old.
fn check_version(told: &[u8]) -> Result<(), Trouble> {
    let told = String::from_utf8_lossy(told);
    let version = told.trim().strip_prefix("git version ").unwrap_or_default();
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found >= VERSION_MIN {
        return Ok(());
    }
    let (major, minor) = VERSION_MIN;
    Err(Trouble::Program(format!("git is {version}, and {major}.{minor} is the oldest that is used")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_that_is_too_old_is_refused_with_what_is_needed() {
        for told in
            ["git version 2.43.0\n", "git version 2.47.3", "git version 3.0", "git version 2.50.1 (Apple Git-155)"]
        {
            assert_eq!(check_version(told.as_bytes()), Ok(()), "{told}");
        }
        for told in ["git version 2.42.9", "git version 1.9", "", "hello"] {
            let refused = check_version(told.as_bytes());
            assert!(matches!(&refused, Err(Trouble::Program(why)) if why.contains("2.43")), "{told}: {refused:?}");
        }
    }

    #[test]
    fn what_somebody_else_may_write_is_foreign() {
        for (owner, mode, counts, foreign) in [
            (7, 0o040_700, OTHERS_WRITE, false),
            (7, 0o040_755, OTHERS_WRITE, false),
            (7, 0o040_775, OTHERS_WRITE, true),
            (7, 0o040_757, OTHERS_WRITE, true),
            (8, 0o040_700, OTHERS_WRITE, true),
            (0, 0o040_700, OTHERS_WRITE, true),
            // Behind a door that only we open.
            (7, 0o100_666, 0, false),
            (8, 0o100_600, 0, true),
        ] {
            assert_eq!(is_foreign(7, (owner, mode), counts), foreign, "{owner} {mode:o}");
        }
    }
}
