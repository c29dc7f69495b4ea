//! Messages: `test` sends one and says what became of it, `retry` queues one that was given up.

use std::time::Duration;

use clap::{Args, Subcommand};
use domain::notice::Level;
use domain::time::Time;
use plane::notice::Queued;
use serde_json::json;
use store::outbox::Row;

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::session::{Missing, Session};
use crate::show::{Answer, GREEN};

/// How long to wait for a running server that took the message first.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// How often to look meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Messages.
#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Send a message now and say what became of it
    Test(Test),
    /// Queue a message that was given up once more; `gapwright dead-letters` lists them
    Retry {
        /// Its id
        id: String,
    },
}

/// Send a message now.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The channel; the default one without
    #[arg(long)]
    channel: Option<String>,
    /// What to say
    #[arg(long, default_value = "gapwright says hello")]
    message: String,
}

impl Notify {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Test(test) => test.run(config).await,
            Self::Retry { id } => retry(config, &id).await,
        }
    }
}

async fn retry(config: &Config, id: &str) -> Result<Answer, Failure> {
    let Session { plane, call } = Session::open(config, "cli notify retry", Missing::Refuse).await?;
    if plane.requeue_message(&call, id).await? {
        let told = format!("{id} is queued again; a running server delivers it");
        return Ok(Answer::new(json!({"ok": true, "id": id}), told));
    }
    Err(Failure::not_found(format!("no message {id:?} was given up")).hint("see gapwright dead-letters"))
}

impl Test {
    async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let session = Session::open_with_secrets(config, "cli notify test", Missing::Make).await?;
        let channel = self.channel.as_deref();
        let queued = session.plane.notify(&session.call, &self.message, Level::Info, channel).await?;
        let row = tokio::time::timeout(WAIT_MAX, outcome(&session, &queued)).await;
        let row = row.map_err(|_| {
            Failure { exit: Exit::TryLater, ..Failure::new("nobody knows yet what became of the message") }
                .why(format!("another server took it and had not sent it after {} s", WAIT_MAX.as_secs()))
                .hint("see that server's log; check-dead-letters names it if it is given up")
        })??;
        if row.state == "sent" {
            // Whatever kept others waiting has been mended.
            session.plane.end_rest(&row.channel).await?;
            session.plane.deliver().await?;
        }
        verdict(&row)
    }
}

/// Delivers the message, though its channel rest, or waits until whoever took it first has tried.
async fn outcome(session: &Session, queued: &Queued) -> Result<Row, Failure> {
    session.plane.deliver_first(queued).await?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let mut tx = session.plane.store().read().await?;
        let row = store::outbox::find(&mut tx, &queued.id).await?;
        let row = row.ok_or_else(|| Failure::new("the message is gone from the outbox"))?;
        if row.state != "pending" || row.last_error.is_some() {
            return Ok(row);
        }
    }
}

fn verdict(row: &Row) -> Result<Answer, Failure> {
    let why = row.last_error.clone().unwrap_or_default();
    match row.state.as_str() {
        "sent" => {
            let document = json!({"id": row.id, "channel": row.channel, "state": row.state, "attempts": row.attempts});
            Ok(Answer::new(document, format!("{GREEN}sent{GREEN:#} to {}", row.channel)))
        }
        "dead" => Err(Failure::new(format!("the channel {} refused the message", row.channel))
            .why(why)
            .hint("correct notify.channels, then try again")),
        _ => Err(Failure {
            exit: Exit::TryLater,
            ..Failure::new(format!("the channel {} could not take it", row.channel))
        }
        .why(why)
        .hint(format!("a server tries again from {} on", Time(row.next_at).iso()))),
    }
}
