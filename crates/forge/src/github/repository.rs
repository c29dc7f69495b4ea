//! The repository, who we are there, who else may write, and its workflow files.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use serde::Deserialize;

use super::Inner;
use super::answer::{User, account};
use super::call::About;
use super::route;
use crate::{Account, AccountKind, Fault, Repository, SourceFile};

/// Where workflows are.
const WORKFLOWS: &str = ".github/workflows";

/// How many workflow files are read at most.
const WORKFLOWS_MAX: usize = 50;

/// The largest workflow file that is read, in bytes.
const WORKFLOW_BYTES_MAX: i64 = 256 * 1024;

#[derive(Deserialize)]
struct Repo {
    id: i64,
    full_name: String,
    default_branch: String,
    #[serde(default)]
    archived: bool,
    has_issues: Option<bool>,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
    #[serde(default)]
    triage: bool,
}

/// What somebody may do, as one of `admin`, `write`, `read` and `none`: whatever their role is called, GitHub says which of
/// these it comes to.
#[derive(Deserialize)]
struct Permission {
    permission: String,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    path: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    size: i64,
}

#[derive(Deserialize)]
struct Content {
    /// In base64, in lines.
    #[serde(default)]
    content: String,
}

impl Content {
    /// Its text; none when it is no text.
    fn text(&self) -> Option<String> {
        let digits: String = self.content.split_ascii_whitespace().collect();
        String::from_utf8(BASE64_STANDARD.decode(digits).ok()?).ok()
    }
}

impl Inner {
    pub(super) async fn repository(&self) -> Result<Repository, Fault> {
        let me = self.meet(&mut *self.me.lock().await).await?;
        let repo: Repo = self.get(&self.call(&route::REPOSITORY, &[], About::Repository)?).await?;
        let pass = self.gate.pass(&self.line, &self.repository).await?;
        // What an App may do stands in its token; the repository tells what an account may.
        let may = repo.permissions.map(|may| may.push || may.triage);
        let writable = pass.writes_issues.or(may).map(|may| may && !repo.archived && repo.has_issues != Some(false));
        let _ = self.id.set(repo.id);
        let (id, name) = (repo.id.to_string(), repo.full_name);
        Ok(Repository { id, name, default_branch: repo.default_branch, writable, me })
    }

    /// Who we are: asked once, and again whenever the repository is.
    pub(super) async fn me(&self) -> Result<Account, Fault> {
        let mut known = self.me.lock().await;
        match &*known {
            Some(me) => Ok(me.clone()),
            None => self.meet(&mut known).await,
        }
    }

    pub(super) async fn may_write(&self, who: &Account) -> Result<bool, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::PERMISSION, &[&who.login], About::Account(who.login.clone()))?;
        match self.get::<Permission>(&call).await {
            Ok(Permission { permission, user }) => {
                let same = user.is_some_and(|user| account(Some(user), &me).id == who.id);
                Ok(same && ["admin", "maintain", "write"].contains(&permission.as_str()))
            }
            // Nobody is called so, or an App is, whose rights stand where only its owner and it itself see them.
            Err(Fault::Gone { .. }) if who.kind == AccountKind::Us && who.id == me.id => {
                Ok(self.repository().await?.writable == Some(true))
            }
            Err(Fault::Gone { .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn meet(&self, known: &mut Option<Account>) -> Result<Account, Fault> {
        let me = self.introduce().await?;
        *known = Some(me.clone());
        Ok(me)
    }

    async fn introduce(&self) -> Result<Account, Fault> {
        let Some(slug) = self.gate.slug(&self.line, &self.repository).await? else {
            let user: User = self.get(&self.call(&route::USER, &[], About::Repository)?).await?;
            return Ok(us(user));
        };
        let login = format!("{slug}[bot]");
        let call = self.call(&route::USER_BY_LOGIN, &[&login], About::Repository)?;
        let answer = self.exchange(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Account { id: login.clone(), login, kind: AccountKind::Us });
        }
        if !answer.status.is_success() {
            return Err(self.refusal(&call, &answer).await);
        }
        Ok(us(super::answer::shape(&call, &answer)?))
    }

    pub(super) async fn workflows(&self) -> Result<Vec<SourceFile>, Fault> {
        let call = self.call(&route::WORKFLOWS, &[], About::File(WORKFLOWS.to_owned()))?;
        let entries = match self.get::<serde_json::Value>(&call).await {
            Ok(entries) => entries,
            Err(Fault::Gone { .. }) => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        // What is there and no folder is one object that says what it is, instead of a list.
        if entries["type"].is_string() {
            return Ok(Vec::new());
        }
        let entries: Vec<Entry> = serde_json::from_value(entries).map_err(|_| incomplete())?;
        let wanted: Vec<_> = entries.into_iter().filter(|entry| entry.kind == "file").collect();
        if wanted.len() > WORKFLOWS_MAX || wanted.iter().any(|entry| entry.size > WORKFLOW_BYTES_MAX) {
            return Err(incomplete());
        }
        let mut files = Vec::new();
        for Entry { name, path, .. } in wanted {
            let call = self.call(&route::WORKFLOW, &[&name], About::File(path.clone()))?;
            match self.get::<Content>(&call).await {
                Ok(content) => files.extend(content.text().map(|text| SourceFile { path, text })),
                // Taken away since the folder was read.
                Err(Fault::Gone { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(files)
    }
}

/// What is not read could be the very file that matters, and so nothing is told of the others.
fn incomplete() -> Fault {
    Fault::Refused {
        why: "not all workflow files could be read".to_owned(),
        next: format!(
            "keep no more than {WORKFLOWS_MAX} files of at most {} KiB each in {WORKFLOWS}",
            WORKFLOW_BYTES_MAX / 1024
        ),
    }
}

fn us(user: User) -> Account {
    let nobody = Account { id: String::new(), login: String::new(), kind: AccountKind::Us };
    Account { kind: AccountKind::Us, ..account(Some(user), &nobody) }
}
