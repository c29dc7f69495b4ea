//! The inbox of webhooks: proven first, written down before they are acknowledged, and then only a hint to look.

use std::collections::{BTreeMap, BTreeSet};

use domain::agent::{Principal, Role};
use domain::id;
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use forge::Fault;
use forge::github::webhook;
use futures::FutureExt;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::seeded::bug;
use store::webhook::{New, Row};

use crate::desk::Desk;
use crate::mirror::{AILING_MAX, Failed, Home, fault_line};
use crate::{Call, No, Plane};

/// How many webhooks one tick takes.
const AT_ONCE: i64 = 50;

/// How long whoever takes webhooks keeps others away from them.
const LEASE: Span = Span::mins(5);

/// How often a webhook is tried: the poll finds what it was about anyway.
const TRIES_MAX: i64 = 5;

/// How long after a failure one is tried again, times the number of tries.
const AGAIN: Span = Span::secs(30);

/// What is known of a webhook before it is believed.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The forge's id of the delivery.
    pub id: &'a str,
    /// What it is about.
    pub event: &'a str,
    /// The proof that it is the forge's.
    pub signature: Option<&'a str>,
    /// The body as it came.
    pub body: &'a [u8],
}

/// What came of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Received {
    /// It is written down and will be looked into.
    Queued,
    /// It is written down, and nothing here goes by it.
    Ignored,
    /// It came before.
    Duplicate,
}

impl Plane {
    /// Takes in a webhook. One that is not proven leaves nothing.
    pub async fn receive_webhook(&self, delivery: Delivery<'_>) -> Result<Received, No> {
        let home = self.settings.home.as_ref();
        if bug("store-before-proof") {
            self.keep_unproven(delivery).await?;
        }
        let proven = webhook::verify(self.webhook_secret()?, delivery.signature, delivery.body).map_err(unproven)?;
        let name = id::name("delivery", delivery.id)?;
        let hint = webhook::read(delivery.event, proven);
        let hash = id::digest(delivery.body);
        let call = Call {
            by: Principal::local("github", Role::Operator),
            tool: "webhook",
            request_id: name.clone(),
            idempotency: None,
        };
        let repo = home.map(|home| home.repo.clone()).unwrap_or_default();
        let received = self.write(&call, domain::agent::Right::Operate, move |desk| {
            receive(desk, repo.clone(), name.clone(), hash.clone(), hint.clone()).boxed()
        });
        let received = received.await?;
        if received == Received::Queued {
            self.wake.mirror.notify_one();
            self.wake.pulls.notify_one();
        }
        Ok(received)
    }

    /// Whether something could be a webhook, by what it shows before its body: refuses where none is taken, and what is no
    /// signature at all.
    pub fn may_be_webhook(&self, signature: Option<&str>) -> Result<(), Refusal> {
        match webhook::verify(self.webhook_secret()?, signature, &[]) {
            // A signature in the right form, of another body than none.
            Ok(_) | Err(webhook::Refused::Wrong) => Ok(()),
            Err(refused) => Err(unproven(refused)),
        }
    }

    fn webhook_secret(&self) -> Result<&SecretString, Refusal> {
        let secret = self.settings.home.as_ref().and_then(|home| home.webhook_secret.as_ref());
        secret.ok_or_else(|| {
            Refusal::new(Code::NotFound, "no webhooks are taken: there is no secret to prove them by")
                .hint("set forge.webhook_secret_file")
        })
    }

    /// What a seeded bug does: it writes down what nobody proved.
    async fn keep_unproven(&self, delivery: Delivery<'_>) -> Result<(), No> {
        let (id, hash) = (delivery.id.to_owned(), id::digest(delivery.body));
        let kept = self.act.act(move |tx| {
            let (id, hash) = (id.clone(), hash.clone());
            async move {
                let new =
                    New { delivery: &id, hash: &hash, event: "", action: "", repo_id: "", number: None, pending: true };
                Ok(store::webhook::add(tx, new).await?)
            }
            .boxed()
        });
        kept.await.map(drop)
    }

    /// Looks into what webhooks hinted at.
    pub(crate) async fn take_webhooks(&self, home: &Home) -> Result<(), Failed> {
        let until = self.moment().await? + LEASE;
        let taken =
            self.act.act(move |tx| async move { Ok(store::webhook::take(tx, until, AT_ONCE).await?) }.boxed()).await?;
        if taken.is_empty() {
            return Ok(());
        }
        let (mut failed, mut ailing) = (None, BTreeMap::new());
        let numbers: BTreeSet<i64> = taken.iter().filter_map(|row| row.number).collect();
        for number in numbers {
            match self.look_into(home, number).await {
                Ok(()) => {}
                // Of this issue only, while others may be shown.
                Err(Failed::Forge(fault @ Fault::Later { after: None, .. })) if ailing.len() < AILING_MAX => {
                    ailing.insert(number, fault_line(&fault));
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // What is about the repository as a whole is found by reading everything.
        if taken.iter().any(|row| row.number.is_none()) {
            let repo = home.repo.clone();
            let hurried = self.act.act(move |tx| {
                let repo = repo.clone();
                async move { Ok(store::repository::hurry(tx, &repo).await?) }.boxed()
            });
            hurried.await?;
        }
        let why = match &failed {
            None => None,
            Some(Failed::Forge(fault)) => Some(fault_line(fault)),
            Some(Failed::No(no)) => Some(no.to_string()),
            Some(Failed::Rests(why)) => Some(why.clone()),
        };
        let of = |row: &Row| why.clone().or_else(|| ailing.get(&row.number?).cloned());
        let ended = taken.into_iter().map(|row| (of(&row), row)).collect();
        self.end_webhooks(ended).await?;
        failed.map_or(Ok(()), Err)
    }

    /// Holds the issue of a number, if it is one of ours, against its gap.
    async fn look_into(&self, home: &Home, number: i64) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let known = store::issue::by_number(&mut tx, &home.repo, number).await?;
        drop(tx);
        match known {
            Some(issue) if issue.state == store::issue::State::Known => {
                let done = self.look_at(home, &issue.gap, number).await;
                self.set_aside(&issue.gap, done).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends each, or puts it off where there is a reason why it could not be looked into.
    async fn end_webhooks(&self, taken: Vec<(Option<String>, Row)>) -> Result<(), No> {
        self.act
            .act(move |tx| {
                let taken = taken.clone();
                async move {
                    for (why, row) in &taken {
                        match why {
                            None => store::webhook::end(tx, &row.delivery, "done", "").await?,
                            Some(why) if row.attempts >= TRIES_MAX => {
                                store::webhook::end(tx, &row.delivery, "dead", why).await?;
                            }
                            Some(why) => {
                                let at = tx.now() + Span(AGAIN.0 * row.attempts);
                                store::webhook::later(tx, &row.delivery, at, why).await?;
                            }
                        }
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

async fn receive(
    desk: &mut Desk<'_>,
    repo: String,
    delivery: String,
    hash: String,
    hint: webhook::Hint,
) -> Result<Received, No> {
    let repo_id = hint.repository_id.as_deref().unwrap_or_default();
    let (level, _) = store::level::current(desk.tx).await?;
    let known = store::repository::find(desk.tx, &repo).await?.map(|known| known.id).unwrap_or_default();
    let elsewhere = !known.is_empty() && !repo_id.is_empty() && known != repo_id;
    // What is about somebody's pull request or push is nothing that gaps go by, and neither is another repository. Where
    // nothing leaves the house nobody would look, and everything is read when that changes.
    let about = matches!(hint.event.as_str(), "issues" | "issue_comment" | "label" | "repository");
    let pending = about && !elsewhere && level.reaches_out();
    let new = New {
        delivery: &delivery,
        hash: &hash,
        event: &hint.event,
        action: hint.action.as_deref().unwrap_or_default(),
        repo_id,
        number: hint.numbers.first().copied(),
        pending,
    };
    if !store::webhook::add(desk.tx, new).await? {
        return Ok(Received::Duplicate);
    }
    let nudged = !elsewhere && level.reaches_out() && nudge_pulls(desk, &repo, &hint.numbers).await?;
    Ok(if pending || nudged { Received::Queued } else { Received::Ignored })
}

/// Lets the pull requests of ours that a webhook is about be looked at soon; false where it is about none.
async fn nudge_pulls(desk: &mut Desk<'_>, repo: &str, numbers: &[i64]) -> Result<bool, No> {
    let mut nudged = false;
    for number in numbers {
        nudged |= store::pull::nudge_number(desk.tx, repo, *number).await?;
    }
    Ok(nudged)
}

fn unproven(refused: webhook::Refused) -> Refusal {
    Refusal::new(Code::Unauthenticated, refused.to_string())
        .hint("the secret of the webhook on the forge must be the one in forge.webhook_secret_file")
}
