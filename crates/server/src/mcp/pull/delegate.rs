//! A token for one claim alone.

use domain::agent::{Right, Role, of_a_claim};
use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mcp::tool::{Nature, Tool, Words};

#[derive(Deserialize, JsonSchema)]
struct DelegateArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// True when you meter what the agent spends and report it yourself: then its own word on that is not taken.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    metered: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct DelegateAnswer {
    /// True when it was made.
    ok: bool,
    /// The bearer token, a secret: it is shown here, once, and kept nowhere.
    token: String,
    /// Its public id.
    id: String,
    /// The role that it has.
    role: String,
    /// The tools that it opens, for this claim alone.
    tools: Vec<String>,
    /// When it ends at the latest, in ISO-8601 UTC. It ends with the claim.
    expires_at: String,
}

pub(super) fn delegate() -> Tool {
    let words = Words {
        name: "delegate-claim",
        title: "Make a token for one claim",
        about: "Make a bearer token for the agent that you let work on the claim that you hold. It opens the tools that this work \
                needs, for this claim alone, and ends with the claim. This is the only tool that answers a secret token: keep it out \
                of logs, and give it to that agent only. The same idempotency_key does not show it again.",
    };
    Tool::new(words, Right::Work, Nature::Writes, |plane, call, args: DelegateArgs| async move {
        let (text, token) = plane.delegate_claim(&call, &args.claim_id, args.metered.unwrap_or(false)).await?;
        let prefix = &plane.settings().tool_prefix;
        let role = Role::parse(&token.role)?;
        let opened = crate::mcp::catalogue::TOOLS.values().filter(|tool| role.may(tool.right));
        let opened = opened.filter(|tool| of_a_claim(role).any(|name| name == tool.name));
        let opened = opened.filter(|tool| token.metered == 0 || tool.name != domain::agent::METERED_ELSEWHERE);
        Ok(DelegateAnswer {
            ok: true,
            token: text,
            id: token.id,
            role: token.role,
            tools: opened.map(|tool| format!("{prefix}{}", tool.name)).collect(),
            expires_at: Time(token.expires_at).iso(),
        })
    })
}
