//! What opens GitHub for a request: a token as it is, or one that an App has made for an hour at a time.
//!
//! An App's tokens are made by one at a time and shared by all: whoever comes meanwhile waits for it.

use domain::time::{Span, Time};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::answer::{Moment, shape};
use super::call::{About, Call};
use super::jwt::{Signer, bearer};
use super::line::{Doubt, Line};
use super::route;
use super::settings::{Auth, Bad, Name};
use super::wire::{Answer, clean};
use crate::Fault;

/// How long before its end a token is replaced, so that none ends on its way.
const EARLY: Span = Span::mins(5);

pub(super) enum Gate {
    Token(HeaderValue),
    App(Box<App>),
}

pub(super) struct App {
    signer: Signer,
    /// Where it is installed, when the settings say.
    given: Option<i64>,
    held: Mutex<Held>,
}

/// What is known of the App at our repository.
#[derive(Default)]
struct Held {
    installation: Option<i64>,
    minted: Option<Minted>,
    /// How many tokens were made, so that a token that was refused is told from its successor.
    serial: u64,
}

#[derive(Clone)]
struct Minted {
    header: HeaderValue,
    ends: Time,
    writes_issues: bool,
}

/// What one request shows.
pub(super) struct Pass {
    pub(super) header: HeaderValue,
    /// Which of an App's tokens it is; none for a token that cannot be made anew.
    pub(super) serial: Option<u64>,
    /// Whether it may write issues; none when only the repository says.
    pub(super) writes_issues: Option<bool>,
}

#[derive(Deserialize)]
struct Installation {
    id: i64,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    expires_at: Moment,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
struct Permissions {
    issues: Option<String>,
}

#[derive(Deserialize)]
struct Slug {
    slug: String,
}

impl Gate {
    pub(super) fn new(auth: &Auth) -> Result<Self, Bad> {
        Ok(match auth {
            Auth::Token(token) => {
                let token = token.expose_secret().trim();
                let header = bearer(token).filter(|_| !token.is_empty());
                let bad = || Bad::new("the token is empty or holds what no header can carry", "copy the token again");
                Self::Token(header.ok_or_else(bad)?)
            }
            Auth::App { id, key, installation } => {
                let signer = Signer::new(id.trim(), key)?;
                Self::App(Box::new(App { signer, given: *installation, held: Mutex::default() }))
            }
        })
    }

    /// What to show now.
    pub(super) async fn pass(&self, line: &Line, of: &Name) -> Result<Pass, Fault> {
        match self {
            Self::Token(header) => Ok(Pass { header: header.clone(), serial: None, writes_issues: None }),
            Self::App(app) => app.pass(line, of).await,
        }
    }

    /// GitHub did not take what was shown: the next one is made anew.
    pub(super) async fn spent(&self, serial: u64) {
        if let Self::App(app) = self {
            let mut held = app.held.lock().await;
            if held.serial == serial {
                held.minted = None;
            }
        }
    }

    /// The name of the App in addresses; none for a token.
    pub(super) async fn slug(&self, line: &Line, of: &Name) -> Result<Option<String>, Fault> {
        let Self::App(app) = self else { return Ok(None) };
        let call = Call::new(&route::APP, of, &[], About::Repository)?;
        let slug: Slug = shape(&call, &app.ask(line, of, &call).await?)?;
        Ok(Some(slug.slug))
    }
}

impl App {
    async fn pass(&self, line: &Line, of: &Name) -> Result<Pass, Fault> {
        let mut held = self.held.lock().await;
        let good = held.minted.clone().filter(|minted| minted.ends - EARLY > (line.now)());
        let minted = match good {
            Some(minted) => minted,
            None => self.mint(&mut held, line, of).await?,
        };
        Ok(Pass { header: minted.header, serial: Some(held.serial), writes_issues: Some(minted.writes_issues) })
    }

    /// A token for our repository alone.
    async fn mint(&self, held: &mut Held, line: &Line, of: &Name) -> Result<Minted, Fault> {
        held.minted = None;
        let known = self.given.or(held.installation);
        let installation = match known {
            Some(id) => id,
            None => self.find(line, of).await?,
        };
        // Forgotten again unless it proves good: an App that was installed anew has another.
        held.installation = None;
        let wish = serde_json::json!({ "repositories": [of.name] });
        let call = Call::new(&route::MINT, of, &[&installation.to_string()], About::Repository)?.body(&wish)?;
        let answer = self.carry(line, &call).await?;
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY && known.is_some() {
            // It knows no repository of that name: one that moved is told by where it is installed.
            self.find(line, of).await?;
        }
        let token: Token = shape(&call, &judged(answer, of)?)?;
        let unreadable = || refused("the token that GitHub made cannot travel in a header", "report this as a fault");
        let minted = Minted {
            header: bearer(&token.token).ok_or_else(unreadable)?,
            ends: token.expires_at.0,
            writes_issues: token.permissions.issues.as_deref() == Some("write"),
        };
        held.installation = Some(installation);
        held.serial += 1;
        held.minted = Some(minted.clone());
        Ok(minted)
    }

    /// Where the App is installed for our repository.
    async fn find(&self, line: &Line, of: &Name) -> Result<i64, Fault> {
        let call = Call::new(&route::INSTALLATION, of, &[], About::Repository)?;
        let installation: Installation = shape(&call, &self.ask(line, of, &call).await?)?;
        Ok(installation.id)
    }

    /// Asks as the App itself.
    async fn ask(&self, line: &Line, of: &Name, call: &Call) -> Result<Answer, Fault> {
        judged(self.carry(line, call).await?, of)
    }

    async fn carry(&self, line: &Line, call: &Call) -> Result<Answer, Fault> {
        let claim = self.signer.header((line.now)()).map_err(|Bad { why, next }| Fault::Refused { why, next })?;
        line.carry(call, &claim, None, &mut Doubt::None).await
    }
}

/// What an answer to the App itself means.
fn judged(answer: Answer, of: &Name) -> Result<Answer, Fault> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_redirection() {
        return Err(Fault::Moved { to: answer.location().map(clean).unwrap_or_default() });
    }
    let next = match status {
        StatusCode::UNAUTHORIZED => "check the App's id and key, and this machine's clock",
        StatusCode::NOT_FOUND => "install the App on the repository, and check the repository's name and the App's id",
        _ => "check in the App's settings that it is installed on the repository and not suspended",
    };
    Err(refused(&format!("GitHub gives the App no way to {of}: {}", answer.words()), next))
}

fn refused(why: &str, next: &str) -> Fault {
    Fault::Refused { why: why.to_owned(), next: next.to_owned() }
}
