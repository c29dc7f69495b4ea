//! The GitHub App: its key, its installations, the tokens it is given, and whether a signed claim is its own.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::answer::Answer;
use super::state::{Repo, stamp};
use super::view::{View, WEB, node};

/// How far ahead a claim may end, in seconds.
const CLAIM_SECS_MAX: i64 = 600;

/// How long an installation's token holds, in milliseconds.
pub(super) const TOKEN_MS: i64 = 3_600_000;

/// The App.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: i64,
    pub(super) slug: String,
    pub(super) client_id: String,
    pub(super) owner: String,
    /// DER of the public key.
    pub(super) public: Vec<u8>,
    pub(super) created_at: i64,
    pub(super) installations: Vec<Installation>,
    pub(super) tokens: BTreeMap<String, Granted>,
}

/// Where the App is installed.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    pub(super) id: i64,
    pub(super) account: String,
    /// Ids of repositories, or none for all of the account.
    pub(super) repos: Option<Vec<i64>>,
    pub(super) permissions: BTreeMap<String, String>,
    pub(super) suspended: bool,
    pub(super) created_at: i64,
}

/// A token of an installation.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) installation: i64,
    pub(super) repos: Option<Vec<i64>>,
    pub(super) permissions: BTreeMap<String, String>,
    pub(super) expires_at: i64,
}

/// The private key of the tests' App, as the real one hands it out, and its public half.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) pem: String,
    pub(super) public: Vec<u8>,
}

/// A key that is made once in a process: making one takes a while.
pub(super) fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let made = Command::new("openssl").args(["genrsa", "-traditional", "2048"]).output();
        let made = made.expect("the program openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pem = String::from_utf8(made.stdout).expect("a key is text");
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(lines).expect("a key is base64");
        let pair = KeyPair::from_der(&der).expect("a key of RSA");
        Key { public: pair.public_key().as_ref().to_vec(), pem }
    })
}

impl App {
    /// The login under which it acts.
    pub(super) fn login(&self) -> String {
        format!("{}[bot]", self.slug)
    }

    /// The installation that reaches a repository.
    pub(super) fn installed(&self, repo: &Repo) -> Option<i64> {
        self.installations.iter().find(|known| known.reaches(repo)).map(|known| known.id)
    }

    /// Whether a signed claim is the App's own and holds now.
    pub(super) fn check(&self, token: &str, now: i64) -> Result<(), Answer> {
        let undecodable = || Answer::refusal(401, "A JSON web token could not be decoded");
        let parts: Vec<_> = token.split('.').collect();
        let [head, claims, signature] = parts.as_slice() else { return Err(undecodable()) };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json = |part: &str| decode(part).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let signature = decode(signature).ok_or_else(undecodable)?;
        if json(head).ok_or_else(undecodable)?["alg"] != "RS256" {
            return Err(undecodable());
        }
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public);
        key.verify(format!("{head}.{claims}").as_bytes(), &signature).map_err(|_| undecodable())?;
        let claims = json(claims).ok_or_else(undecodable)?;
        let now = now.div_euclid(1_000);
        let issuer = claims["iss"].as_str().map_or_else(|| claims["iss"].to_string(), str::to_owned);
        if issuer != self.id.to_string() && issuer != self.client_id {
            return Err(Answer::refusal(404, "Integration not found"));
        }
        let claim = |name: &str| claims[name].as_i64();
        match (claim("iat"), claim("exp")) {
            (Some(at), _) if at > now => Err(Answer::refusal(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            )),
            (Some(_), Some(end)) if end > now + CLAIM_SECS_MAX => {
                Err(Answer::refusal(401, "'Expiration time' claim ('exp') is too far in the future"))
            }
            (Some(_), Some(end)) if end > now => Ok(()),
            (_, Some(_) | None) => Err(Answer::refusal(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
                 assertion expires",
            )),
        }
    }
}

impl Installation {
    /// Whether it reaches a repository.
    pub(super) fn reaches(&self, repo: &Repo) -> bool {
        let chosen = self.repos.as_ref().is_none_or(|repos| repos.contains(&repo.id));
        chosen && !self.suspended && self.account.eq_ignore_ascii_case(&repo.owner)
    }
}

impl View<'_> {
    /// The App.
    pub(super) fn app(&self, app: &App) -> Value {
        let permissions = app.installations.first().map(|first| &first.permissions);
        json!({
            "id": app.id,
            "client_id": app.client_id,
            "slug": app.slug,
            "node_id": node("A", app.id),
            "owner": self.login(&app.owner),
            "name": app.slug,
            "description": "",
            "external_url": "https://example.com",
            "html_url": format!("{WEB}/apps/{}", app.slug),
            "created_at": stamp(app.created_at),
            "updated_at": stamp(app.created_at),
            "permissions": permissions.map_or_else(|| json!({}), |permissions| json!(permissions)),
            "events": ["issues", "issue_comment", "label", "pull_request", "pull_request_review", "repository"],
        })
    }

    /// An installation of the App.
    pub(super) fn installation(&self, app: &App, installation: &Installation) -> Value {
        let id = installation.id;
        let account = self.login(&installation.account);
        json!({
            "id": id,
            "client_id": app.client_id,
            "target_id": account["id"],
            "target_type": account["type"],
            "account": account,
            "repository_selection": if installation.repos.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", self.base),
            "repositories_url": format!("{}/installation/repositories", self.base),
            "html_url": format!("{WEB}/settings/installations/{id}"),
            "app_id": app.id,
            "app_slug": app.slug,
            "permissions": installation.permissions,
            "events": ["issues", "issue_comment", "label", "pull_request"],
            "created_at": stamp(installation.created_at),
            "updated_at": stamp(installation.created_at),
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": null,
            "suspended_at": installation.suspended.then(|| stamp(installation.created_at)),
        })
    }
}
