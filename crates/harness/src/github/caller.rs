//! Who asks, and what they may do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::request::Request;
use super::state::{Access, Author, Repo, State};

/// Who asks.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Nobody said who.
    Nobody,
    /// A person, by a token.
    Person { login: String, access: Access },
    /// An installation of the App, by a token.
    Installation { id: i64, login: String, repos: Option<Vec<i64>>, permissions: BTreeMap<String, String> },
    /// The App itself, by a signed claim.
    App,
}

/// What is to be done with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Read,
    /// To label, close and open again.
    Triage,
    Write,
}

impl Caller {
    /// Reads who asks.
    pub(super) fn of(request: &Request, state: &State, now: i64) -> Result<Self, Answer> {
        let Some(said) = request.header("authorization") else { return Ok(Self::Nobody) };
        let bad = || Answer::refusal(401, "Bad credentials");
        let (scheme, token) = said.split_once(' ').ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("token") {
            return Err(bad());
        }
        if let Some(known) = state.tokens.get(token) {
            return Ok(Self::Person { login: known.login.clone(), access: known.access });
        }
        let app = state.app.as_ref().ok_or_else(bad)?;
        if let Some(granted) = app.tokens.get(token) {
            let installation = app.installations.iter().find(|known| known.id == granted.installation);
            let installation = installation.filter(|_| granted.expires_at > now).ok_or_else(bad)?;
            if installation.suspended {
                return Err(Answer::refusal(403, "This installation has been suspended"));
            }
            return Ok(Self::Installation {
                id: installation.id,
                login: app.login(),
                repos: granted.repos.clone().or_else(|| installation.repos.clone()),
                permissions: granted.permissions.clone(),
            });
        }
        if token.matches('.').count() == 2 {
            return app.check(token, now).map(|()| Self::App);
        }
        Err(bad())
    }

    /// Its name in what is counted and remembered.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Person { login, .. } | Self::Installation { login, .. } => Some(login.clone()),
            Self::App => Some("the App".to_owned()),
        }
    }

    /// As whom it writes.
    pub(super) fn author(&self) -> Author {
        let by_app = matches!(self, Self::Installation { .. });
        Author { login: self.name().unwrap_or_else(|| "ghost".to_owned()), by_app }
    }

    /// What a person may do in a repository; none for whoever is not a person.
    fn access(&self, state: &State, repo: &Repo) -> Option<Access> {
        let Self::Person { login, access } = self else { return None };
        Some(state.grants.get(&(login.to_lowercase(), repo.id)).copied().unwrap_or(*access))
    }

    /// Whether it may know of a repository.
    pub(super) fn sees(&self, state: &State, repo: &Repo) -> bool {
        let chosen = match self {
            Self::Installation { repos, id, .. } => state.app.as_ref().is_some_and(|app| {
                let installation = app.installations.iter().find(|known| known.id == *id);
                installation.is_some_and(|known| known.reaches(repo))
                    && repos.as_ref().is_none_or(|repos| repos.contains(&repo.id))
            }),
            Self::Person { .. } => self.access(state, repo).is_some_and(|access| access > Access::None),
            Self::Nobody | Self::App => false,
        };
        chosen || !repo.private
    }

    /// Lets it pass when it may do this to one of these nouns, which are names of permissions.
    pub(super) fn may(&self, state: &State, repo: &Repo, nouns: &[&str], right: Right) -> Result<(), Answer> {
        if right != Right::Read && repo.archived {
            return Err(Answer::refusal(403, "Repository was archived so is read-only."));
        }
        let public = right == Right::Read && !repo.private;
        let (may, message) = match self {
            Self::Nobody if right != Right::Read => return Err(Answer::refusal(401, "Requires authentication")),
            Self::Nobody => (public, "Not Found"),
            Self::Person { .. } => {
                let needed = match right {
                    Right::Read => Access::Read,
                    Right::Triage => Access::Triage,
                    Right::Write => Access::Write,
                };
                let has = self.access(state, repo).is_some_and(|access| access >= needed);
                (has || public, "Resource not accessible by personal access token")
            }
            Self::Installation { permissions, .. } => {
                let word = |noun: &&str| permissions.get(*noun).map(String::as_str);
                let grants = |said: &str| said == "write" || said == "admin" || right == Right::Read;
                let inside = self.sees(state, &Repo { private: true, ..repo.clone() });
                let has = inside && nouns.iter().filter_map(word).any(grants);
                (has || public, "Resource not accessible by integration")
            }
            Self::App => (false, "Resource not accessible by integration"),
        };
        if may { Ok(()) } else { Err(Answer::refusal(403, message)) }
    }

    /// What a repository says of the rights of whoever asks: an App's are never told here.
    pub(super) fn permissions(&self, state: &State, repo: &Repo) -> Value {
        let access = self.access(state, repo);
        let (write, triage) = (access == Some(Access::Write), access >= Some(Access::Triage));
        match self {
            Self::Nobody => Value::Null,
            Self::Person { .. } => {
                json!({"admin": false, "maintain": false, "push": write, "triage": triage, "pull": true})
            }
            Self::Installation { .. } | Self::App => {
                json!({"admin": false, "maintain": false, "push": false, "triage": false, "pull": false})
            }
        }
    }
}
