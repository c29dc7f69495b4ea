//! `issues`: the issues of the local forge, and what a person does there. Those of GitHub are on GitHub.

use clap::{Args, Subcommand};
use forge::local::Local;
use forge::{Closed, Edit, Fault, Forge as _, Issue, IssueState, Label};
use plane::page::Page;
use serde_json::{Value, json};

use super::gaps::section;
use crate::config::{Config, ForgeKind};
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing};
use crate::show::{Answer, count, moment};

/// How many issues one list shows.
const SHOWN: usize = 200;

/// Who acts.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who does it, as the forge shows it; whoever is logged in on this machine, if not said
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    /// The login in whose name it is done.
    pub(super) fn login(&self) -> String {
        self.by.clone().unwrap_or_else(|| login(&session::os_user()))
    }
}

/// Issues of the local forge.
#[derive(Debug, Subcommand)]
pub(crate) enum Issues {
    /// List issues by number
    #[command(visible_alias = "ls")]
    List {
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// Only those after this number
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
    },
    /// Show an issue and its comments
    Show {
        /// Its number
        number: i64,
    },
    /// Write a comment
    Comment {
        /// The number of the issue
        number: i64,
        /// What to say
        text: String,
        #[command(flatten)]
        by: By,
    },
    /// Close an issue: as completed, which says that its gap is merged, or as not planned, which says wontfix
    Close {
        /// Its number
        number: i64,
        /// It will not be done
        #[arg(long)]
        not_planned: bool,
        #[command(flatten)]
        by: By,
    },
    /// Open an issue again
    Reopen {
        /// Its number
        number: i64,
        #[command(flatten)]
        by: By,
    },
    /// Put a label on an issue
    Label {
        /// The number of the issue
        number: i64,
        /// The label, such as claude or manual
        label: String,
        #[command(flatten)]
        by: By,
    },
    /// Take a label off an issue
    Unlabel {
        /// The number of the issue
        number: i64,
        /// The label
        label: String,
        #[command(flatten)]
        by: By,
    },
}

impl Issues {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        if config.forge_kind()? != ForgeKind::Local {
            return Err(Failure::usage("there is no local forge here")
                .why(format!("forge.kind is {}", config.sections.forge.kind))
                .hint("issues of GitHub are read and written on GitHub; gapwright gaps show names each"));
        }
        let store = session::open(config, Missing::Refuse).await?;
        session::check_schema(&store, Missing::Refuse).await?;
        let changed = self.changes();
        let by = self.by().map_or_else(|| login(&session::os_user()), By::login);
        let local = config.local(&store, session::chance())?.acting(&by).map_err(failure)?;
        let answer = self.act(&local).await?;
        if let Some(number) = changed
            && hurry(&store, config, number).await.is_err()
        {
            // It is done all the same, and the next poll finds it.
            crate::show::warning("the server takes this in with its next poll only: the store was busy");
        }
        Ok(answer)
    }

    /// What it changes, if it changes anything.
    const fn changes(&self) -> Option<i64> {
        match self {
            Self::List { .. } | Self::Show { .. } => None,
            Self::Comment { number, .. }
            | Self::Close { number, .. }
            | Self::Reopen { number, .. }
            | Self::Label { number, .. }
            | Self::Unlabel { number, .. } => Some(*number),
        }
    }

    /// Who it is to be done by, if it changes anything.
    const fn by(&self) -> Option<&By> {
        match self {
            Self::List { .. } | Self::Show { .. } => None,
            Self::Comment { by, .. }
            | Self::Close { by, .. }
            | Self::Reopen { by, .. }
            | Self::Label { by, .. }
            | Self::Unlabel { by, .. } => Some(by),
        }
    }

    async fn act(self, local: &Local) -> Result<Answer, Failure> {
        match self {
            Self::List { all, after } => list(local, all, after).await,
            Self::Show { number } => show(local, number).await,
            Self::Comment { number, text, .. } => {
                let comment = local.comment(number, &text).await.map_err(failure)?;
                Ok(Answer::new(json!({"number": number, "comment": comment.id}), format!("said so on issue {number}")))
            }
            Self::Close { number, not_planned, .. } => {
                let reason = if not_planned { Closed::NotPlanned } else { Closed::Completed };
                stand(local, number, IssueState::Closed(reason)).await
            }
            Self::Reopen { number, .. } => stand(local, number, IssueState::Open).await,
            Self::Label { number, label: name, .. } => label(local, number, name).await,
            Self::Unlabel { number, label, .. } => unlabel(local, number, label).await,
        }
    }
}

/// Puts a label on an issue or pull request, and makes it where it is missing.
pub(super) async fn label(local: &Local, number: i64, name: String) -> Result<Answer, Failure> {
    local.issue(number).await.map_err(failure)?;
    let made = local.make_label(&Label::plain(name)).await.map_err(failure)?;
    local.add_label(number, &made.name).await.map_err(failure)?;
    Ok(Answer::new(json!({"number": number, "label": made.name}), format!("{number} carries {}", made.name)))
}

/// Takes a label off an issue or pull request.
pub(super) async fn unlabel(local: &Local, number: i64, label: String) -> Result<Answer, Failure> {
    local.remove_label(number, &label).await.map_err(failure)?;
    Ok(Answer::new(json!({"number": number, "removed": label}), format!("{number} does not carry {label}")))
}

/// Lets the server take in what was done with its next tick, and not only with its next poll. Issues and pull requests
/// share their numbers.
pub(super) async fn hurry(store: &store::Store, config: &Config, number: i64) -> Result<(), store::Fault> {
    let mut tx = store.begin().await?;
    store::repository::hurry(&mut tx, &config.repository()).await?;
    store::pull::nudge_number(&mut tx, &config.repository(), number).await?;
    tx.commit().await
}

/// The system's name of a user as a login on the local forge: what a login may not have becomes a hyphen, and nobody is
/// taken for this installation itself.
pub(super) fn login(user: &str) -> String {
    let fit: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(30).collect();
    let plain = fit.trim_matches('-');
    let taken = plain.is_empty() || plain.eq_ignore_ascii_case(forge::local::US);
    if taken { format!("user-{plain}").trim_end_matches('-').to_owned() } else { plain.to_owned() }
}

async fn list(local: &Local, all: bool, after: i64) -> Result<Answer, Failure> {
    let issues = local.issues(after).await.map_err(failure)?;
    let more = issues.len() > SHOWN;
    let last = issues.iter().take(SHOWN).next_back().map(|issue| issue.number);
    let items: Vec<_> = issues.into_iter().take(SHOWN).filter(|issue| all || issue.state == IssueState::Open).collect();
    let page = Page { items, cursor: None };
    let mut answer = Answer::page("issues", &["number", "state", "labels", "title"], &page, document, row);
    if let Some(last) = last.filter(|_| more) {
        answer.text = format!("{}\nmore: --after {last}", answer.text);
        answer.document["after"] = json!(last);
    }
    Ok(answer)
}

async fn show(local: &Local, number: i64) -> Result<Answer, Failure> {
    let issue = local.issue(number).await.map_err(failure)?;
    let comments = local.comments(number, None).await.map_err(failure)?;
    let mut document = document(&issue);
    document["body"] = json!(issue.body);
    document["comments"] = comments
        .iter()
        .map(|comment| json!({"at": comment.created_at.iso(), "author": comment.author.login, "body": comment.body}))
        .collect::<Vec<_>>()
        .into();
    let fields = [
        ("number", issue.number.to_string()),
        ("title", issue.title.clone()),
        ("state", state(issue.state).to_owned()),
        ("labels", issue.labels.join(", ")),
        ("author", issue.author.login.clone()),
        ("opened", issue.created_at.iso()),
        ("changed", issue.updated_at.iso()),
    ];
    let said = comments
        .iter()
        .map(|comment| vec![moment(Some(comment.created_at)), comment.author.login.clone(), comment.body.clone()]);
    let said = section(&count(comments.len() as u64, "comment"), &["at", "author", "text"], said.collect());
    let text = format!("{}\n\n{}{said}", Answer::thing(Value::Null, &fields).text, crate::show::clean(&issue.body));
    Ok(Answer::new(document, text))
}

async fn stand(local: &Local, number: i64, to: IssueState) -> Result<Answer, Failure> {
    local.edit_issue(number, &Edit { state: Some(to), ..Edit::default() }).await.map_err(failure)?;
    let word = state(to);
    Ok(Answer::new(json!({"number": number, "state": word}), format!("issue {number} is {word}")))
}

fn state(state: IssueState) -> &'static str {
    match state {
        IssueState::Open => "open",
        IssueState::Closed(Closed::Completed) => "completed",
        IssueState::Closed(Closed::NotPlanned) => "not planned",
        IssueState::Closed(Closed::Duplicate) => "duplicate",
        IssueState::Closed(Closed::Unsaid) => "closed",
    }
}

fn document(issue: &Issue) -> Value {
    json!({
        "number": issue.number, "title": issue.title, "state": state(issue.state), "labels": issue.labels,
        "author": issue.author.login, "created_at": issue.created_at.iso(), "updated_at": issue.updated_at.iso(),
    })
}

fn row(issue: &Issue) -> Vec<String> {
    vec![issue.number.to_string(), state(issue.state).to_owned(), issue.labels.join(", "), issue.title.clone()]
}

/// How the forge failed, in our words.
pub(crate) fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::Gone { what } => Failure::not_found(format!("{what} is not there")).hint("see gapwright issues list"),
        Fault::Refused { why, next } => Failure::usage(why).hint(next),
        Fault::Later { why, .. } => Failure::later(why).hint("try again later"),
        fault @ Fault::Paced { .. } => Failure::later(fault.to_string()),
        fault @ Fault::Unknown { .. } => {
            Failure::later(fault.to_string()).hint("look whether it happened before you repeat it")
        }
        Fault::Stale { why } => Failure { exit: Exit::Conflict, code: "wrong_state", ..Failure::new(why) },
        fault @ Fault::Moved { .. } => Failure::new(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_of_the_system_has_a_login() {
        for (user, expected) in [
            ("ann", "ann"),
            ("gapwright", "user-gapwright"),
            ("CORP\\ann", "CORP-ann"),
            ("svc$", "svc"),
            ("\u{e9}", "user"),
            (&"x".repeat(90), &"x".repeat(30)),
        ] {
            assert_eq!(login(user), expected);
        }
    }
}
