//! Notifying.

use domain::agent::Right;
use domain::notice::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tool::{Nature, Tool, Words};

pub(crate) fn tools() -> Vec<Tool> {
    vec![notify().reaching_out()]
}

#[derive(Deserialize, JsonSchema)]
struct Args {
    /// What to say, up to 64 KiB. A channel that takes less gets the beginning and a link.
    #[schemars(length(min = 1, max = 65_536))]
    message: String,
    /// How loud.
    #[serde(default)]
    #[schemars(extend("enum" = ["info", "warn", "error"], "default" = "info"))]
    level: Option<String>,
    /// A channel from the allow-list. Leave it out for the default channel.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    channel: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Answer {
    /// True when the message will be delivered.
    ok: bool,
    /// The channel it goes to.
    channel: String,
    /// True: it is written down and delivered soon, at least once.
    queued: bool,
    /// Its place in the outbox.
    id: String,
}

fn notify() -> Tool {
    let words = Words {
        name: "notify",
        title: "Notify people",
        about: "Send a message to the default channel or to one on the allow-list. It is written down first and delivered \
                soon after, at least once. Mentions are off. Keep it to one useful line with a link.",
    };
    Tool::new(words, Right::Notify, Nature::Writes, |plane, call, args: Args| async move {
        let level = args.level.map(|text| Level::parse(&text)).transpose()?.unwrap_or(Level::Info);
        let queued = plane.notify(&call, &args.message, level, args.channel.as_deref()).await?;
        Ok(Answer { ok: true, channel: queued.channel, queued: true, id: queued.id })
    })
}
