//! Handing in a change: a branch or a patch.

use domain::agent::Right;
use domain::pull::{BODY_CHARS_MAX, Stage, TITLE_CHARS_MAX};
use domain::refusal::Refusal;
use plane::pull::Handed as Change;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByArgs, Handed};
use crate::mcp::tool::{Nature, Tool, Words};

/// The longest patch, in characters: what leaves room in a request of 1 MiB for everything else, escaped as JSON.
const PATCH_CHARS_MAX: usize = 400_000;

#[derive(Deserialize, JsonSchema)]
struct ChangeArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// The branch that you pushed, with head. Either this or patch.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    branch: Option<String>,
    /// The whole id of the commit at the tip of that branch.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    head: Option<String>,
    /// What git diff --binary writes, against the head that show-work tells, or against the branch to merge into where there is no head yet. The server commits and pushes it.
    #[serde(default)]
    #[schemars(length(min = 1, max = PATCH_CHARS_MAX))]
    patch: Option<String>,
    /// What the change does, in one line.
    #[schemars(length(min = 1, max = TITLE_CHARS_MAX))]
    title: String,
    /// The description: what, why, and how it is shown to work.
    #[schemars(length(min = 1, max = BODY_CHARS_MAX))]
    body: String,
    /// For a revision: what you did about each finding, or why not.
    #[serde(default)]
    #[schemars(length(min = 1, max = 10_000))]
    answer: Option<String>,
    #[serde(flatten)]
    by: ByArgs,
}

/// Which of the two ways a change comes.
fn way(branch: Option<String>, head: Option<String>, patch: Option<String>) -> Result<Change, Refusal> {
    let hint = "give branch and head of what you pushed, or patch alone";
    match (branch, head, patch) {
        (Some(name), Some(head), None) => Ok(Change::Branch { name, head }),
        (None, None, Some(patch)) => Ok(Change::Patch(patch)),
        (Some(_), None, None) => Err(Refusal::invalid("head", "branch comes without head").hint(hint)),
        (None, Some(_), None) => Err(Refusal::invalid("branch", "head comes without branch").hint(hint)),
        (None, None, None) => Err(Refusal::invalid("patch", "there is neither a branch nor a patch").hint(hint)),
        (_, _, Some(_)) => Err(Refusal::invalid("patch", "there are both a branch and a patch").hint(hint)),
    }
}

pub(super) fn submit() -> Tool {
    let words = Words {
        name: "submit-change",
        title: "Hand in a change",
        about: "As the implementer who holds the claim: hand in the first change or a revision, as a branch that you pushed or as a \
                patch, never both. It is read and judged by the server: too large, a secret, a symbolic link or a head that does \
                not come after its base are refused, and then your claim goes on. The body becomes the description. Answer each \
                finding of a review in answer, or say there why you disagree. Your claim ends when it is taken in.",
    };
    Tool::new(words, Right::HandIn(Stage::Implementer), Nature::Settles, |plane, call, args: ChangeArgs| async move {
        let ChangeArgs { claim_id, branch, head, patch, title, body, answer, by } = args;
        let change = way(branch, head, patch)?;
        let done = plane.submit_change(&call, &claim_id, change, (&title, &body), answer, by.read()?).await?;
        Ok(Handed::from(done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_comes_in_one_of_two_ways() {
        let some = |text: &str| Some(text.to_owned());
        for (branch, head, patch, refused) in [
            (some("b"), some("h"), None, None),
            (None, None, some("p"), None),
            (some("b"), None, None, Some("head")),
            (None, some("h"), None, Some("branch")),
            (None, None, None, Some("patch")),
            (some("b"), some("h"), some("p"), Some("patch")),
            (some("b"), None, some("p"), Some("patch")),
            (None, some("h"), some("p"), Some("patch")),
        ] {
            let field = way(branch, head, patch).err().and_then(|no| no.field);
            assert_eq!(field.as_deref(), refused);
        }
    }
}
