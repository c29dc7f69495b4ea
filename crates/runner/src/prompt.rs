//! What an agent is told first: the server's own prompt of its stage, and a few facts of this run. What other people wrote is
//! never in it: the agent asks the server for that, and gets it marked as what it is.

use std::fmt::Write as _;

use domain::id;
use domain::pull::Stage;
use forge::broker::Workspace;

use crate::ask::Work;
use crate::bench::Sight;
use crate::lease::Lease;
use crate::run::Limits;
use crate::tell::usd;

/// The prompt of one run.
pub(crate) fn whole(
    (said, model): (&str, Option<&str>),
    stage: Stage,
    lease: &Lease,
    work: &Work,
    workspace: &Workspace,
    sight: &Sight,
    limits: &Limits,
) -> String {
    let mut head = format!(
        "This run\n\n- You are the {stage} of one job. Its claim_id is {}; it is claimed and renewed for you.\n\
         - Your workspace is {}, with a copy of the repository.\n",
        lease.claim,
        workspace.folder().display()
    );
    let mut say = |line: String| {
        // Writing to a text does not fail.
        let _ = writeln!(head, "- {line}");
    };
    match (&sight.head, stage) {
        (Some(commit), _) => {
            say(format!("The head of the change is {}, in round {}.", commit.as_str(), work.pull.iteration));
        }
        (None, _) => say(format!("There is no change yet; it is to be based on {}.", sight.base.as_str())),
    }
    if let Some(number) = work.pull.number {
        say(format!("It is the pull request {number} of {}.", work.pull.repo));
    }
    let tokens = limits.tokens.map_or_else(|| "no limit of tokens".to_owned(), |tokens| format!("{tokens} tokens"));
    let money = limits.micro_usd.map_or_else(String::new, |micro_usd| format!(", {}", usd(micro_usd)));
    say(format!("You have {tokens}{money} and {} minutes. What exceeds them is ended.", limits.wall.as_secs() / 60));
    say("Call show-work with the claim_id first: it tells what the job is about.".to_owned());
    match stage {
        Stage::Implementer => say(
            "Commit in the workspace, with a title and a description. There is no remote: what you have committed when you end \
             is checked, pushed and handed in for you."
                .to_owned(),
        ),
        Stage::Planner | Stage::Reviewer | Stage::Merger => {
            // By these evidence knows it: an agent cannot tell the hash of its own prompt.
            let model = model.map_or_else(String::new, |model| format!(", model {model}"));
            let hash = id::digest(said.as_bytes());
            say(format!("Hand in by {} with the claim_id, prompt_hash {hash}{model}, then end. You change no file.", stage.tool()));
        }
    }
    format!("{said}\n\n{head}")
}
