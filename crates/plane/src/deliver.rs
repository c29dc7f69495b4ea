//! Empties the outbox into the world: at least once, in no hurry, never lost.
//!
//! A row is taken for a minute before it is tried, so that a delivery that dies with its process is tried again by
//! whoever comes next.

use std::collections::BTreeMap;

use domain::effect::{self, Next};
use domain::time::{Span, Time};
use futures::FutureExt;
use futures::future::join_all;
use notify::{Message, Outcome};
use store::outbox::{self, Row};

use crate::{No, Plane};

/// How long a taken row is left to whoever took it.
const TAKEN_FOR: Span = Span::mins(1);

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that arrived.
    pub sent: usize,
    /// Messages to be tried again.
    pub later: usize,
    /// Messages given up.
    pub dead: usize,
}

impl Plane {
    /// Delivers what may be tried now, until nothing is left to try.
    pub async fn deliver(&self) -> Result<Delivered, No> {
        let mut done = Delivered::default();
        loop {
            let rows = self
                .act
                .act(|tx| {
                    let until = tx.now() + TAKEN_FOR;
                    async move { Ok(outbox::take(tx, until).await?) }.boxed()
                })
                .await?;
            if rows.is_empty() {
                return Ok(done);
            }
            let mut channels: BTreeMap<String, Vec<Row>> = BTreeMap::new();
            for row in rows {
                channels.entry(row.channel.clone()).or_default().push(row);
            }
            // Channels side by side, so that one that does not answer does not keep the others waiting.
            for pass in join_all(channels.into_iter().map(|(channel, rows)| self.deliver_to(channel, rows))).await {
                let pass = pass?;
                done.sent += pass.sent;
                done.later += pass.later;
                done.dead += pass.dead;
            }
        }
    }

    /// Delivers messages to one channel in the order they were written. When the channel asks to be left in peace, or
    /// does not answer, the rest waits with the one that failed.
    async fn deliver_to(&self, name: String, rows: Vec<Row>) -> Result<Delivered, No> {
        let mut done = Delivered::default();
        let channel = self.settings.channels.iter().find(|channel| channel.name() == name);
        let mut rows = rows.into_iter();
        for row in rows.by_ref() {
            let outcome = match channel {
                Some(channel) => channel.send(&message(&row)?).await,
                None => Outcome::Refused { why: format!("the channel {name} is no longer configured") },
            };
            match self.settle(row, outcome).await? {
                Settled::Sent => done.sent += 1,
                Settled::Dead => done.dead += 1,
                Settled::Later(at) => {
                    done.later += 1 + rows.len();
                    self.wait_for(&name, rows, at).await?;
                    break;
                }
            }
        }
        Ok(done)
    }

    /// Writes down what came of one try.
    async fn settle(&self, row: Row, outcome: Outcome) -> Result<Settled, No> {
        let id = row.id.clone();
        tracing::debug!(%id, channel = row.channel, attempts = row.attempts, ?outcome, "tried to deliver");
        self.act
            .act(move |tx| {
                let (row, outcome) = (row.clone(), outcome.clone());
                async move {
                    let (asked, why) = match outcome {
                        Outcome::Sent => {
                            outbox::sent(tx, &row.id).await?;
                            return Ok(Settled::Sent);
                        }
                        Outcome::Refused { why } => {
                            outbox::dead(tx, &row.id, &why).await?;
                            return Ok(Settled::Dead);
                        }
                        Outcome::Later { after, why } => (after, why),
                    };
                    match effect::retry(row.attempts, Time(row.created_at), asked, tx.now()) {
                        Next::At(at) => {
                            outbox::later(tx, &row.id, at, &why).await?;
                            Ok(Settled::Later(at))
                        }
                        Next::Dead => {
                            outbox::dead(tx, &row.id, &why).await?;
                            Ok(Settled::Dead)
                        }
                    }
                }
                .boxed()
            })
            .await
    }

    /// Leaves a channel in peace until `at`: what was taken with the one that failed, and what waits behind it.
    async fn wait_for(&self, channel: &str, rows: impl Iterator<Item = Row>, at: Time) -> Result<(), No> {
        let channel = channel.to_owned();
        let untried: Vec<_> = rows.collect();
        self.act
            .act(move |tx| {
                let (channel, untried) = (channel.clone(), untried.clone());
                async move {
                    for row in untried {
                        outbox::untried(tx, &row.id, at).await?;
                    }
                    Ok(outbox::pause(tx, &channel, at).await?)
                }
                .boxed()
            })
            .await
    }
}

/// What came of one try.
enum Settled {
    Sent,
    Dead,
    Later(Time),
}

fn message(row: &Row) -> Result<Message, No> {
    Ok(Message {
        id: row.id.clone(),
        level: row.level()?,
        text: row.text.clone(),
        link: row.link.clone(),
        created_at: Time(row.created_at),
    })
}
