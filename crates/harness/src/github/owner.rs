//! The App as its owner has it: made, installed, narrowed, suspended.

use std::collections::BTreeMap;

use super::GitHub;
use super::app::{App, Installation, key};

/// What an installation of the tests' App may do.
const PERMISSIONS: [(&str, &str); 6] = [
    ("checks", "write"),
    ("contents", "write"),
    ("issues", "write"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];

/// What the owner of an App knows of it.
#[derive(Debug, Clone)]
pub struct AppKey {
    /// Its id.
    pub id: i64,
    /// Its other id.
    pub client_id: String,
    /// The login under which it acts.
    pub login: String,
    /// Its private key in PEM, as the real one hands it out.
    pub private_key: String,
}

/// Whether an installation is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// It may do nothing.
    Yes,
    /// It may do what it may.
    No,
}

impl GitHub {
    /// Makes the App, and installs it on every repository of `account`.
    pub fn app(&self, slug: &str, account: &str) -> AppKey {
        let now = self.now();
        let made = self.desk.set(|state| {
            let (id, installation) = (state.id(), state.id());
            let permissions = PERMISSIONS.map(|(noun, word)| (noun.to_owned(), word.to_owned())).into();
            let installed = Installation {
                id: installation,
                account: account.to_owned(),
                repos: None,
                permissions,
                suspended: false,
                created_at: now,
            };
            let app = App {
                id,
                slug: slug.to_owned(),
                client_id: format!("Iv23{id:016}"),
                owner: account.to_owned(),
                public: key().public.clone(),
                created_at: now,
                installations: vec![installed],
                tokens: BTreeMap::new(),
            };
            let login = app.login();
            state.user(account);
            state.user(&login);
            let made = AppKey { id, client_id: app.client_id.clone(), login, private_key: key().pem.clone() };
            state.app = Some(app);
            made
        });
        self.desk.act(account, true, |act| act.tell_installed("created"));
        made
    }

    /// Takes the App away from where it is, and installs it again; webhooks tell of both.
    pub fn reinstall(&self) {
        let account = self.desk.look(|view| view.state.app.as_ref().map(|app| app.owner.clone()));
        self.desk.act(&account.expect("an App was made"), true, |act| {
            act.tell_installed("deleted");
            act.tell_installed("created");
        });
    }

    /// Lets the App reach only these repositories, or what it may do be only this.
    pub fn narrow_app(&self, repos: Option<&[&str]>, permissions: &[(&str, &str)]) {
        let repos = repos.map(|names| names.iter().map(|name| self.id_of(name)).collect());
        self.desk.set(|state| {
            for installation in state.app.iter_mut().flat_map(|app| &mut app.installations) {
                installation.repos.clone_from(&repos);
                installation.permissions =
                    permissions.iter().map(|(noun, word)| ((*noun).to_owned(), (*word).to_owned())).collect();
            }
        });
    }

    /// Suspends the App's installations, or lets them be: their tokens are 403 meanwhile.
    pub fn suspend_app(&self, suspended: Suspended) {
        self.desk.set(|state| {
            for installation in state.app.iter_mut().flat_map(|app| &mut app.installations) {
                installation.suspended = suspended == Suspended::Yes;
            }
        });
    }

    /// Lets every token of an installation expire now.
    pub fn expire_tokens(&self) {
        self.desk.set(|state| state.app.iter_mut().for_each(|app| app.tokens.clear()));
    }
}
