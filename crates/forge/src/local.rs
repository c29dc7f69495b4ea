//! The local home: issues and pull requests in our own store, their branches in a plain git repository on this machine.
//!
//! It keeps the rules that GitHub keeps where somebody builds on them, and nothing else of it: people may do everything
//! alike, and there is no branch protection. Every act is one transaction, and git is never asked while one is open.

mod act;
mod bounds;
mod branches;
mod comment;
mod issue;
mod label;
mod merge;
mod pull;
mod review;
mod settle;
mod shape;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id;
use domain::time::Time;
use rand::RngExt as _;
use rand::rngs::StdRng;
use store::Store;
use store::local::Who;
use tokio::sync::OnceCell;

use crate::git::Bare;
use crate::local::act::{No, act, read};
use crate::{Account, AccountKind, Fault, Label, Repository};

pub use crate::local::issue::{Event, PAGE_MAX};
pub use crate::local::review::Decision;

/// What this installation is called where it writes something here.
pub const US: &str = "gapwright";

/// The branch that pull requests are merged into, where no git repository says another.
pub const DEFAULT_BRANCH: &str = "main";

/// The setting that names the git repository, for whoever lacks one.
pub const SETTING: &str = "forge.git";

/// What a local home is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `OWNER/NAME`, or a plain name: under it everything is remembered.
    pub name: String,
    /// The bare git repository with the branches, made where there is none; without one there are issues only.
    pub repository: Option<PathBuf>,
}

/// A repository of this machine, and who acts on it through this handle. A clone is the same.
#[derive(Clone)]
pub struct Local {
    home: Arc<Home>,
    me: Account,
}

struct Home {
    store: Store,
    settings: Settings,
    chance: Mutex<StdRng>,
    /// The id of the repository, once it is in the store.
    id: OnceCell<String>,
    /// The git repository, once it is open.
    bare: OnceCell<Bare>,
}

impl fmt::Debug for Local {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Local").field("settings", &self.home.settings).field("me", &self.me).finish_non_exhaustive()
    }
}

impl Local {
    /// The repository of these settings, on which this installation acts. `chance` is for ids.
    pub fn new(store: Store, settings: Settings, chance: StdRng) -> Result<Self, Fault> {
        bounds::repository(&settings.name)?;
        let home = Home { store, settings, chance: Mutex::new(chance), id: OnceCell::new(), bare: OnceCell::new() };
        let me = Account { id: US.to_owned(), login: US.to_owned(), kind: AccountKind::Us };
        Ok(Self { home: Arc::new(home), me })
    }

    /// The same repository, on which a person acts.
    pub fn acting(&self, login: &str) -> Result<Self, Fault> {
        bounds::login(login)?;
        let me = Account { id: login.to_owned(), login: login.to_owned(), kind: AccountKind::Person };
        Ok(Self { home: Arc::clone(&self.home), me })
    }

    /// Who acts through this handle.
    pub fn me(&self) -> &Account {
        &self.me
    }

    fn name(&self) -> &str {
        &self.home.settings.name
    }

    fn who(&self) -> Who<'_> {
        Who { login: &self.me.login, kind: kind_name(self.me.kind) }
    }

    /// A fresh id.
    fn mint(&self, now: Time) -> String {
        let mut chance = self.home.chance.lock().unwrap_or_else(PoisonError::into_inner);
        id::mint(now, chance.random())
    }

    /// The id of the repository, which is put into the store when it is first asked for.
    async fn known(&self) -> Result<&str, Fault> {
        let id = self.home.id.get_or_try_init(async || {
            act!(self, |tx| async {
                let id = self.mint(tx.now());
                store::local::add(tx, self.name(), &id).await?;
                let row = store::local::find(tx, self.name()).await?;
                row.map(|row| row.id).ok_or(No::Store(store::Fault::Conflict))
            })
        });
        id.await.map(String::as_str)
    }

    async fn described(&self) -> Result<Repository, Fault> {
        Ok(Repository {
            id: self.known().await?.to_owned(),
            name: self.name().to_owned(),
            default_branch: self.default_branch().await?,
            writable: Some(true),
            me: self.me.clone(),
        })
    }

    async fn all_labels(&self) -> Result<Vec<Label>, Fault> {
        let rows = read!(self, |tx| store::local::label::list(tx, self.name()))?;
        Ok(rows.into_iter().map(label::shown).collect())
    }
}

/// Whoever sits at this machine may do everything; the one program beside us is git, which only tells what it found.
fn may_write(who: &Account) -> bool {
    match who.kind {
        AccountKind::Us | AccountKind::Person => true,
        AccountKind::Bot => false,
    }
}

/// An account as it is remembered.
fn account(login: &str, kind: &str) -> Account {
    let kind = match kind {
        "us" => AccountKind::Us,
        "person" => AccountKind::Person,
        _ => AccountKind::Bot,
    };
    Account { id: login.to_owned(), login: login.to_owned(), kind }
}

fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Us => "us",
        AccountKind::Person => "person",
        AccountKind::Bot => "bot",
    }
}

/// What a home says when it will not.
fn refused(why: impl Into<String>, next: impl Into<String>) -> Fault {
    Fault::Refused { why: why.into(), next: next.into() }
}

fn gone(what: impl Into<String>) -> Fault {
    Fault::Gone { what: what.into() }
}
