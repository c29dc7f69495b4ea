//! `token`: by what callers are known. A token's text is shown once, its hash never.

use clap::{ArgAction, Args, Subcommand};
use domain::agent::Role;
use domain::time::{Span, Time};
use plane::agent::Grant;
use serde_json::{Value, json};
use store::agent::Token as Row;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};
use crate::span;

/// Tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and show it once
    Create(Create),
    /// List tokens that are in force, without their secrets
    #[command(visible_alias = "ls")]
    List(List),
    /// Revoke a token, for ever; servers that have just seen it may take it for 2 s more
    Revoke {
        /// Its id, as the list shows it
        id: String,
    },
}

/// List tokens.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also those that are revoked or have expired
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

/// Make a token.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it may: viewer, routine, planner, implementer, reviewer, merger or operator
    #[arg(long, value_parser = role)]
    role: Role,
    /// Whom it stands for, as the audit shows it
    #[arg(long)]
    name: String,
    /// A kind of job it may claim, and no other; may be given several times
    #[arg(long = "kind", value_name = "KIND", action = ArgAction::Append)]
    kinds: Vec<String>,
    /// How long it is good, such as 12h or 90d; at most 3660d
    #[arg(long, default_value = "90d", value_parser = span::flag)]
    ttl: Span,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).map_err(|refusal| format!("{refusal}; {}", refusal.hint))
}

impl Token {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Create(create) => create.run(config).await,
            Self::List(List { all, list }) => {
                let Session { plane, call } = Session::open(config, "cli token list", Missing::Refuse).await?;
                let ask = list.ask()?;
                let page = if all {
                    plane.list_tokens(&call, &ask).await
                } else {
                    plane.list_tokens_in_force(&call, &ask).await
                }?;
                let columns = ["id", "name", "role", "kinds", "created", "expires", "revoked"];
                Ok(Answer::page("tokens", &columns, &page, document, row))
            }
            Self::Revoke { id } => {
                let Session { plane, call } = Session::open(config, "cli token revoke", Missing::Refuse).await?;
                plane.revoke_token(&call, &id).await?;
                Ok(Answer::new(json!({"revoked": id}), format!("revoked {id}")))
            }
        }
    }
}

impl Create {
    async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let Session { plane, call } = Session::open(config, "cli token create", Missing::Make).await?;
        let grant = Grant { principal: self.name, role: self.role, kinds: self.kinds, life: self.ttl };
        let (text, token) = plane.create_token(&call, grant).await?;
        let mut shown = document(&token);
        shown["token"] = json!(text);
        let until = Time(token.expires_at).iso();
        let words =
            format!("{text}\nfor {}, role {}, until {until}; it is shown this once", token.principal, token.role);
        Ok(Answer::new(shown, words))
    }
}

fn document(token: &Row) -> Value {
    json!({
        "id": token.id,
        "name": token.principal,
        "role": token.role,
        "kinds": token.kinds.split(',').filter(|kind| !kind.is_empty()).collect::<Vec<_>>(),
        "created_at": Time(token.created_at).iso(),
        "created_by": token.created_by,
        "expires_at": Time(token.expires_at).iso(),
        "revoked_at": token.revoked_at.map(|at| Time(at).iso()),
    })
}

fn row(token: &Row) -> Vec<String> {
    vec![
        token.id.clone(),
        token.principal.clone(),
        token.role.clone(),
        token.kinds.clone(),
        moment(Some(Time(token.created_at))),
        moment(Some(Time(token.expires_at))),
        moment(token.revoked_at.map(Time)),
    ]
}
