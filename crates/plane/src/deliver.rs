//! Empties the outbox into the world: at least once, in no hurry, never lost.
//!
//! A row is taken for a minute, and for another when its turn comes, so that a delivery that dies with its process is
//! tried again by whoever comes next. Only the channels that this process has are its business: what waits for another
//! may be a replica's, or wait for a mended configuration.

use std::time::Duration;

use domain::effect::{self, Bar, LIFE_MAX, Next};
use domain::time::{Span, Time};
use futures::FutureExt;
use futures::future::join_all;
use notify::{Channel, Message, Outcome};
use store::outbox::{self, Row};
use store::{Fault, Tx, rest};
use tokio::time::Instant;

use crate::notice::Queued;
use crate::{No, Plane};

/// How long a taken row is left to whoever took it: longer than any try.
const TAKEN_FOR: Span = Span::mins(1);

/// After this a pass takes no more, so that the few it has are tried before the chore's deadline cuts it off amid one.
const PASS_MAX: Duration = Duration::from_mins(1);

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that arrived.
    pub sent: usize,
    /// Messages to be tried again.
    pub later: usize,
    /// Messages given up.
    pub dead: usize,
    /// Messages left alone, because this process does not have their channel.
    pub elsewhere: usize,
}

impl Plane {
    /// Delivers what may be tried now, until nothing is left to try or a minute is over.
    pub async fn deliver(&self) -> Result<Delivered, No> {
        let mut done = Delivered::default();
        // Channels side by side, so that one that does not answer does not keep the others waiting.
        for pass in join_all(self.settings.channels.iter().map(|channel| self.deliver_to(channel))).await {
            let pass = pass?;
            done.sent += pass.sent;
            done.later += pass.later;
            done.dead += pass.dead;
        }
        self.leave_elsewhere(&mut done).boxed().await?;
        Ok(done)
    }

    /// Delivers messages to one channel in the order they were written. When the channel asks to be left in peace, does
    /// not answer, or bars one after the other, what is left waits with the one that failed.
    async fn deliver_to(&self, channel: &Channel) -> Result<Delivered, No> {
        let mut done = Delivered::default();
        let until = Instant::now() + PASS_MAX;
        while Instant::now() < until {
            let mut rows = self.take(channel.name()).await?.into_iter();
            if rows.len() == 0 {
                return Ok(done);
            }
            while let Some(row) = rows.next() {
                let Some(row) = self.begin_try(row).await? else { continue };
                let outcome = channel.send(&message(&row)?).await;
                match self.settle(row, outcome).await? {
                    Settled::Sent => done.sent += 1,
                    Settled::Dead => done.dead += 1,
                    Settled::Alone => done.later += 1,
                    Settled::Resting(at) => {
                        done.later += 1 + rows.len();
                        self.give_back(rows, at).await?;
                        return Ok(done);
                    }
                }
            }
        }
        Ok(done)
    }

    /// Tries a message ahead of all others, though its channel rest, unless somebody else has it.
    pub async fn deliver_first(&self, queued: &Queued) -> Result<(), No> {
        let Some(channel) = self.settings.channel(Some(&queued.channel)) else { return Ok(()) };
        let id = queued.id.clone();
        let taken = self
            .act
            .act(move |tx| {
                let (id, until) = (id.clone(), tx.now() + TAKEN_FOR);
                async move { Ok(outbox::take_one(tx, &id, until).await?) }.boxed()
            })
            .await?;
        let Some(row) = taken else { return Ok(()) };
        let Some(row) = self.begin_try(row).await? else { return Ok(()) };
        let outcome = channel.send(&message(&row)?).await;
        self.settle(row, outcome).await.map(drop)
    }

    /// Lets a channel that is known to be well again be told at once what waits for it. What is in somebody's hands
    /// stays there.
    pub async fn end_rest(&self, channel: &str) -> Result<(), No> {
        let channel = channel.to_owned();
        self.act
            .act(move |tx| {
                let (channel, in_hands) = (channel.clone(), tx.now() + TAKEN_FOR);
                async move {
                    rest::end(tx, &channel).await?;
                    Ok(outbox::recall(tx, &channel, in_hands).await?)
                }
                .boxed()
            })
            .await?;
        self.wake.outbox.notify_one();
        Ok(())
    }

    /// Takes what a channel may be told now.
    async fn take(&self, channel: &str) -> Result<Vec<Row>, No> {
        let channel = channel.to_owned();
        self.act
            .act(move |tx| {
                let (channel, until) = (channel.clone(), tx.now() + TAKEN_FOR);
                async move { Ok(outbox::take(tx, &channel, until).await?) }.boxed()
            })
            .await
    }

    /// Begins the try of a row that was taken, for those before it may have taken their time; none when somebody else
    /// has begun one meanwhile.
    async fn begin_try(&self, row: Row) -> Result<Option<Row>, No> {
        self.act
            .act(move |tx| {
                let (row, until) = (row.clone(), tx.now() + TAKEN_FOR);
                async move { Ok(outbox::begin_try(tx, &row, until).await?) }.boxed()
            })
            .await
    }

    /// Writes down what came of one try.
    async fn settle(&self, row: Row, outcome: Outcome) -> Result<Settled, No> {
        let id = row.id.clone();
        tracing::debug!(%id, channel = row.channel, attempts = row.attempts, ?outcome, "tried to deliver");
        self.act
            .act(move |tx| {
                let (row, outcome) = (row.clone(), outcome.clone());
                async move { Ok(write_down(tx, &row, outcome).await?) }.boxed()
            })
            .await
    }

    /// Counts what waits for channels that this process does not have, and gives up what nobody has delivered in the
    /// whole life of an effect.
    async fn leave_elsewhere(&self, done: &mut Delivered) -> Result<(), No> {
        let mut tx = self.store.read().await?;
        let then = tx.now() - LIFE_MAX;
        let waiting = outbox::waiting(&mut tx).await?;
        drop(tx);
        let ours = |name: &str| self.settings.channels.iter().any(|channel| channel.name() == name);
        for waiting in waiting.into_iter().filter(|waiting| !ours(&waiting.channel)) {
            let stranded = if Time(waiting.since) <= then { self.strand(waiting.channel, then).await? } else { 0 };
            done.dead += stranded;
            done.elsewhere += usize::try_from(waiting.count).unwrap_or(usize::MAX).saturating_sub(stranded);
        }
        Ok(())
    }

    /// Gives up what waits for a channel since `then` or before.
    async fn strand(&self, channel: String, then: Time) -> Result<usize, No> {
        let why = format!("no server that delivers has the channel {channel}, and it waited for {LIFE_MAX}");
        tracing::warn!(channel, "messages are given up: no server that delivers has their channel");
        let stranded = self
            .act
            .act(move |tx| {
                let (channel, why) = (channel.clone(), why.clone());
                async move { Ok(outbox::strand(tx, &channel, then, &why).await?) }.boxed()
            })
            .await?;
        Ok(usize::try_from(stranded).unwrap_or(usize::MAX))
    }

    /// Gives back what was taken with the one that failed.
    async fn give_back(&self, rows: impl Iterator<Item = Row>, at: Time) -> Result<(), No> {
        let untried: Vec<_> = rows.collect();
        self.act
            .act(move |tx| {
                let untried = untried.clone();
                async move {
                    for row in untried {
                        outbox::untried(tx, &row, at).await?;
                    }
                    Ok(())
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
    /// The message waits, and keeps no other waiting.
    Alone,
    /// The message waits, and its channel rests until then.
    Resting(Time),
}

/// Writes down what came of one try: of the message, and of what it says about its channel.
async fn write_down(tx: &mut Tx, row: &Row, outcome: Outcome) -> Result<Settled, Fault> {
    let (asked, why, barred) = match outcome {
        Outcome::Sent => {
            outbox::sent(tx, &row.id).await?;
            rest::over(tx, &row.channel).await?;
            return Ok(Settled::Sent);
        }
        Outcome::Refused { why } => {
            outbox::dead(tx, row, &why).await?;
            return Ok(Settled::Dead);
        }
        Outcome::Later { after, why } => (after, why, false),
        Outcome::Barred { after, why } => (Some(after), why, true),
    };
    let Next::At(at) = effect::retry(row.attempts, Time(row.since), asked, tx.now()) else {
        outbox::dead(tx, row, &why).await?;
        return Ok(Settled::Dead);
    };
    if barred {
        outbox::bar(tx, row, at, &why).await?;
        match what_it_says(tx, row).await? {
            Bar::One => return Ok(Settled::Alone),
            // Written down as a rest that is over.
            Bar::Doubt => {
                let now = tx.now();
                rest::put(tx, row, now, &why).await?;
                return Ok(Settled::Alone);
            }
            Bar::All => {}
        }
    } else {
        outbox::later(tx, row, at, &why).await?;
    }
    rest::put(tx, row, at, &why).await?;
    Ok(Settled::Resting(at))
}

/// What it says about a channel that this message was barred.
async fn what_it_says(tx: &mut Tx, row: &Row) -> Result<Bar, Fault> {
    let others_arrive = row.barred > 0 && outbox::arrived(tx, &row.channel, Time(row.since)).await?;
    let failed = rest::find(tx, &row.channel).await?.map(|rest| rest.tried);
    Ok(effect::barred(&row.id, others_arrive, failed.as_deref()))
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
