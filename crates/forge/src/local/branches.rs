//! The local home's git repository: opened when it is first needed, and what its troubles mean to whoever asked.

use std::path::Path;

use store::local::pull;

use crate::git::{Bare, Branch, Hand, Person, RECORDS, Trouble};
use crate::local::act::read;
use crate::local::{DEFAULT_BRANCH, Local, SETTING, refused};
use crate::{Fault, Remote, Repository, SourceFile};

/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";

/// How many workflows are read, and of what size: see [`crate::Forge::workflows`].
const WORKFLOWS_MAX: usize = 50;
const WORKFLOW_BYTES_MAX: u64 = 256 << 10;

impl Local {
    /// The git repository, for whoever needs a worktree. Refused where the settings name none.
    pub async fn bare(&self) -> Result<&Bare, Fault> {
        let Some(folder) = &self.home.settings.repository else {
            let why = "this home has no git repository, and so issues only";
            return Err(refused(why, format!("name a folder in {SETTING}; a repository is made there")));
        };
        let open = async || {
            let id = self.known().await?;
            if read!(self, |tx| pull::any(tx, self.name()))? {
                return self.ours(folder, id).await;
            }
            let hand = self.signed(&self.me.login).await?;
            let bare = Bare::open(folder, &hand).await.map_err(of_git)?;
            self.take(bare, id).await
        };
        self.home.bare.get_or_try_init(open).await
    }

    /// The bare repository itself: who pushes there is seen when the pull requests are next settled.
    pub(super) async fn remote_of_git(&self) -> Result<Remote, Fault> {
        let folder = self.bare().await?.folder();
        let odd = || refused("the git repository has a path that is no text", format!("name another in {SETTING}"));
        let url = folder.to_str().ok_or_else(odd)?.to_owned();
        Ok(Remote { url, credential: None, pulls: Some(format!("{RECORDS}/{}", self.known().await?)) })
    }

    /// The repository as [`crate::Forge::repository`] tells it, for whoever only looks: nothing is made and nothing written
    /// down. It has no id before it is first used.
    pub async fn look(&self) -> Result<Repository, Fault> {
        let (row, opened) = read!(self, |tx| async {
            Ok((store::local::find(tx, self.name()).await?, pull::any(tx, self.name()).await?))
        })?;
        let id = row.map(|row| row.id).unwrap_or_default();
        let default_branch = match &self.home.settings.repository {
            None => DEFAULT_BRANCH.to_owned(),
            Some(folder) => {
                let bare = Bare::existing(folder).await.map_err(|trouble| self.unopened(trouble, folder, opened))?;
                if opened {
                    self.recognise(&bare, &id).await?;
                }
                bare.default_branch().await.map_err(of_git)?
            }
        };
        Ok(Repository { id, name: self.name().to_owned(), default_branch, writable: Some(true), me: self.me.clone() })
    }

    /// The repository that the pull requests are in. None is made for them: their branches would be missing in it, and so
    /// they would end.
    async fn ours(&self, folder: &Path, id: &str) -> Result<Bare, Fault> {
        let bare = Bare::existing(folder).await.map_err(|trouble| self.unopened(trouble, folder, true))?;
        self.recognise(&bare, id).await?;
        self.take(bare, id).await
    }

    /// Refuses a repository that has nothing of the pull requests.
    async fn recognise(&self, bare: &Bare, id: &str) -> Result<(), Fault> {
        let known = bare.refs(&[&format!("{RECORDS}/{id}")]).await.map_err(of_git)?;
        if known.is_empty() { Err(self.strange(bare.folder())) } else { Ok(()) }
    }

    /// Puts down that this store uses the repository.
    async fn take(&self, bare: Bare, id: &str) -> Result<Bare, Fault> {
        let here = here(id);
        if bare.refs(&[&here]).await.map_err(of_git)?.is_empty() {
            bare.mark(&here).await.map_err(of_git)?;
        }
        bare.hide_records().await.map_err(of_git)?;
        Ok(bare)
    }

    fn unopened(&self, trouble: Trouble, folder: &Path, opened: bool) -> Fault {
        match trouble {
            Trouble::Missing(_) if opened => self.strange(folder),
            Trouble::Missing(_)
            | Trouble::Program(_)
            | Trouble::Folder(_)
            | Trouble::Foreign(_)
            | Trouble::Name(_)
            | Trouble::Failed(_)
            | Trouble::Late(_)
            | Trouble::TooMuch(_) => of_git(trouble),
        }
    }

    /// What is said where the repository of the pull requests should be and is not.
    pub(super) fn strange(&self, folder: &Path) -> Fault {
        let why = format!("the git repository of the pull requests of {} is not in {}", self.name(), folder.display());
        refused(why, format!("mount it or put it back there, or name its folder in {SETTING}"))
    }

    /// Whose name stands in a commit of ours: the author's, and that of who acts, now.
    pub(super) async fn signed(&self, author: &str) -> Result<Hand, Fault> {
        let at = read!(self, |tx| async { Ok(tx.now()) })?;
        Ok(Hand { author: person(author), committer: person(&self.me.login), at })
    }

    pub(super) async fn default_branch(&self) -> Result<String, Fault> {
        if self.home.settings.repository.is_none() {
            return Ok(DEFAULT_BRANCH.to_owned());
        }
        self.bare().await?.default_branch().await.map_err(of_git)
    }

    pub(super) async fn source_files(&self) -> Result<Vec<SourceFile>, Fault> {
        // Without a repository there is no file by which anything could act.
        if self.home.settings.repository.is_none() {
            return Ok(Vec::new());
        }
        let bare = self.bare().await?;
        let branch = Branch::parse(&self.default_branch().await?).map_err(of_git)?;
        let Some(tip) = bare.tip(&branch).await.map_err(of_git)? else { return Ok(Vec::new()) };
        let entries = bare.folder_of(&tip, WORKFLOWS).await.map_err(of_git)?;
        if entries.len() > WORKFLOWS_MAX || entries.iter().any(|entry| entry.bytes > WORKFLOW_BYTES_MAX) {
            let most = format!("{WORKFLOWS_MAX} files of at most {} KiB each", WORKFLOW_BYTES_MAX >> 10);
            return Err(refused("not all workflow files could be read", format!("keep no more than {most} there")));
        }
        let mut files = Vec::new();
        for entry in entries {
            let text = String::from_utf8(bare.blob(&entry).await.map_err(of_git)?);
            if let Some(text) = text.ok().filter(|text| !text.contains('\0')) {
                files.push(SourceFile { path: entry.path, text });
            }
        }
        Ok(files)
    }
}

/// The ref by which a repository says that a store uses it.
pub(super) fn here(id: &str) -> String {
    format!("{RECORDS}/{id}/here")
}

/// A name and an address under which nobody gets mail.
fn person(login: &str) -> Person {
    Person { name: login.to_owned(), email: format!("{login}@gapwright.invalid") }
}

/// What a trouble with git means when nothing was to be changed by it, or certainly was not.
pub(super) fn of_git(trouble: Trouble) -> Fault {
    let why = trouble.to_string();
    match trouble {
        Trouble::Program(_) => refused(why, "install git 2.43 or later, in /usr/bin or /usr/local/bin"),
        Trouble::Folder(_) => refused(why, format!("name a folder of its own in {SETTING}, from the root on")),
        Trouble::Foreign(_) => {
            refused(why, "use it as the user whose it is, and let nobody else write there: chmod -R go-w")
        }
        Trouble::Name(_) => refused(why, "use the name of a branch, such as fix/one, or the whole id of a commit"),
        Trouble::TooMuch(_) => refused(why, "make the change smaller"),
        Trouble::Missing(what) => Fault::Gone { what },
        Trouble::Failed(_) | Trouble::Late(_) => Fault::Later { why, after: None },
    }
}
