//! Sending a message to an allowed channel: written to the outbox, delivered soon after.

use domain::agent::Right;
use domain::effect::Notify;
use domain::id;
use domain::notice::{Level, Text};
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde_json::json;
use store::seeded::bug;

use crate::desk::Desk;
use crate::{Call, No, Plane};

/// A message that waits to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Queued {
    /// Its place in the outbox.
    pub id: String,
    /// The channel it goes to.
    pub channel: String,
}

impl Plane {
    /// Queues a message. A channel that is neither the default nor on the allow-list is refused, and nothing is sent.
    pub async fn notify(&self, call: &Call, message: &str, level: Level, channel: Option<&str>) -> Result<Queued, No> {
        // First, as a refusal below tells which channels there are.
        call.by.require(Right::Notify, call.tool)?;
        let text = Text::parse(message)?.as_str().to_owned();
        let Some(channel) = self.settings.channel(channel) else {
            let names: Vec<_> = self.settings.channels.iter().map(notify::Channel::name).collect();
            return Err(Refusal::new(
                Code::ChannelNotAllowed,
                "the channel is neither the default nor on the allow-list",
            )
            .field("channel")
            .hint(format!("leave channel out, or name one of {}", names.join(", ")))
            .into());
        };
        let effect = Notify { channel: channel.name().to_owned(), level, text, link: self.settings.public_url.clone() };
        let queued = if bug("message-apart") {
            self.queue_apart(call, effect).await?
        } else {
            self.write(call, Right::Notify, move |desk| queue(desk, effect.clone()).boxed()).await?
        };
        self.wake.outbox.notify_one();
        Ok(queued)
    }
}

impl Plane {
    /// Queues a message that was given up once more: its tries and its hours begin anew. False when no message with
    /// this id was given up.
    pub async fn requeue_message(&self, call: &Call, id: &str) -> Result<bool, No> {
        let id = id::name("id", id)?;
        let done = self.write(call, Right::Operate, move |desk| requeue(desk, id.clone()).boxed()).await?;
        self.wake.outbox.notify_one();
        Ok(done)
    }

    /// What a seeded bug does: the audit row first, the message in a transaction of its own.
    async fn queue_apart(&self, call: &Call, effect: Notify) -> Result<Queued, No> {
        let channel = effect.channel.clone();
        let told = effect.clone();
        let id = self
            .write(call, Right::Notify, move |desk| {
                let told = told.clone();
                async move {
                    let id = desk.mint();
                    desk.record(format!("channel:{}", told.channel), &(), &json!({"outbox": id})).await?;
                    Ok(id)
                }
                .boxed()
            })
            .await?;
        let queued = Queued { id, channel };
        let id = queued.id.clone();
        self.act
            .act(move |tx| {
                let (id, effect) = (id.clone(), effect.clone());
                async move { Ok(store::outbox::add(tx, &id, &effect).await?) }.boxed()
            })
            .await?;
        Ok(queued)
    }
}

async fn queue(desk: &mut Desk<'_>, effect: Notify) -> Result<Queued, No> {
    let id = desk.tell(&effect).await?;
    let after = json!({"outbox": id, "level": effect.level.name(), "bytes": effect.text.len()});
    desk.record(format!("channel:{}", effect.channel), &(), &after).await?;
    Ok(Queued { id, channel: effect.channel })
}

async fn requeue(desk: &mut Desk<'_>, id: String) -> Result<bool, No> {
    let Some(dead) = store::outbox::find(desk.tx, &id).await?.filter(|row| row.state == "dead") else {
        return Ok(false);
    };
    if !store::outbox::revive(desk.tx, &id).await? {
        return Ok(false);
    }
    let before = json!({"state": dead.state, "attempts": dead.attempts, "error": dead.last_error});
    desk.record(format!("message:{id}"), &before, &json!({"state": "pending", "attempts": 0})).await?;
    Ok(true)
}
