//! The local home's git repository: opened when it is first needed, and what its troubles mean to whoever asked.

use crate::git::{Bare, Branch, Hand, Person, Trouble};
use crate::local::act::read;
use crate::local::{DEFAULT_BRANCH, Local, SETTING, refused};
use crate::{Fault, SourceFile};

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
            let hand = self.signed(&self.me.login).await?;
            Bare::open(folder, &hand).await.map_err(of_git)
        };
        self.home.bare.get_or_try_init(open).await
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
        let mut files = Vec::new();
        for entry in bare.folder_of(&tip, WORKFLOWS).await.map_err(of_git)? {
            if files.len() == WORKFLOWS_MAX || entry.bytes > WORKFLOW_BYTES_MAX {
                continue;
            }
            let text = String::from_utf8(bare.blob(&entry).await.map_err(of_git)?);
            if let Some(text) = text.ok().filter(|text| !text.contains('\0')) {
                files.push(SourceFile { path: entry.path, text });
            }
        }
        Ok(files)
    }
}

/// A name and an address under which nobody gets mail.
fn person(login: &str) -> Person {
    Person { name: login.to_owned(), email: format!("{login}@gapwright.invalid") }
}

/// What a trouble with git means when nothing was to be changed by it, or certainly was not.
pub(super) fn of_git(trouble: Trouble) -> Fault {
    let why = trouble.to_string();
    match trouble {
        Trouble::Program(_) => refused(why, "install git 2.42 or later, in /usr/bin or /usr/local/bin"),
        Trouble::Folder(_) => refused(why, format!("name a folder of its own in {SETTING}, from the root on")),
        Trouble::Name(_) => refused(why, "use the name of a branch, such as fix/one, or the whole id of a commit"),
        Trouble::TooMuch(_) => refused(why, "make the change smaller"),
        Trouble::Missing(what) => Fault::Gone { what },
        Trouble::Failed(_) | Trouble::Late(_) => Fault::Later { why, after: None },
    }
}
