//! How each act is done: what was said becomes a call of the plane, and what came of it a word for whoever did it.

use std::collections::BTreeMap;

use domain::gap::Priority;
use domain::level::Level;
use domain::refusal::{Code, Refusal};
use domain::scheduled::Triggered;
use domain::switch::Scope;
use plane::pull::{ByHand, Hand, Method};
use plane::{Call, No};

use super::Choices;
use super::known::Act;
use crate::web::visit::{Site, Visitor};

/// What was said with an act.
struct Said<'a>(&'a BTreeMap<String, String>);

impl<'a> Said<'a> {
    fn of(&self, name: &str) -> &'a str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    fn if_said(&self, name: &str) -> Option<&'a str> {
        Some(self.of(name)).filter(|text| !text.is_empty())
    }

    fn number(&self, name: &'static str) -> Result<i64, Refusal> {
        let text = self.of(name);
        text.trim_start_matches('#')
            .parse()
            .map_err(|_| Refusal::invalid(name, format!("{text:?} is no number")).hint("open the page again"))
    }
}

/// What somebody may choose from.
pub(super) async fn choices(
    site: &Site,
    visitor: &Visitor,
    act: &Act,
    said: &BTreeMap<String, String>,
) -> Result<Choices, No> {
    let said = Said(said);
    let plain = |name: &str, word: &str| (name.to_owned(), word.to_owned());
    let mut choices = Choices::new();
    match act.name {
        "answer-decision" => {
            let call = site.call(visitor, "page", None);
            let decision = site.plane.show_decision(&call, said.of("decision")).await?;
            let options = (1..).zip(&decision.options).map(|(at, option): (i64, _)| (at.to_string(), option.clone()));
            choices.insert("option", options.collect());
        }
        "prioritize-gap" => {
            let each = Priority::ALL.into_iter().map(|priority| plain(priority.name(), priority.name()));
            choices.insert("priority", std::iter::once(plain("", "leave it to the reports")).chain(each).collect());
        }
        "lower-level" => {
            let each = Level::ALL.into_iter().map(|level| plain(level.name(), level.name()));
            choices.insert("to", std::iter::once(plain("", "the one below")).chain(each).collect());
        }
        "merge-pull" => {
            let methods = [
                ("merge", "a commit with two parents"),
                ("squash", "one commit of everything"),
                ("rebase", "its commits anew"),
            ];
            choices.insert("method", methods.map(|(name, word)| plain(name, word)).into());
        }
        "release-write" => {
            choices.insert("made", vec![plain("yes", "yes, it is there"), plain("no", "no, make it again")]);
        }
        _ => {}
    }
    Ok(choices)
}

/// Does it.
pub(super) async fn perform(
    site: &Site,
    call: &Call,
    act: &Act,
    said: &BTreeMap<String, String>,
) -> Result<String, No> {
    let said = Said(said);
    match act.name {
        "trigger-job" | "trigger-scheduled" | "break-lock" | "answer-decision" | "requeue-message" | "revoke-token" => {
            of_work(site, call, act, &said).await
        }
        "wontfix-gap" | "close-gap" | "reopen-gap" | "prioritize-gap" | "merge-gaps" | "tell-gaps-apart" => {
            of_gaps(site, call, act, &said).await
        }
        "raise-level" | "lower-level" | "switch-off" | "switch-on" | "arm-gate" | "disarm-gate" => {
            of_leave(site, call, act, &said).await
        }
        _ => of_pulls(site, call, act, &said).await,
    }
}

/// Jobs, locks, questions, messages and tokens.
async fn of_work(site: &Site, call: &Call, act: &Act, said: &Said<'_>) -> Result<String, No> {
    let plane = &site.plane;
    Ok(match act.name {
        "trigger-job" => {
            let name = said.of("job");
            let job = plane.trigger_job(call, name).await?;
            job.ok_or_else(|| gone(&format!("there is no job {name:?}")))?;
            format!("{name} is due now.")
        }
        "trigger-scheduled" => {
            let name = said.of("name");
            match plane.trigger_scheduled(call, name).await? {
                Triggered::Now => format!("{name} rings now."),
                Triggered::Off => {
                    return Err(Refusal::new(Code::WrongState, format!("{name} is off"))
                        .hint("give it a cadence in the configuration")
                        .into());
                }
                Triggered::NotFound => return Err(gone(&format!("there is no scheduled job {name:?}")).into()),
            }
        }
        "break-lock" => {
            let lock = plane.break_lock(call, said.of("key")).await?;
            format!("The lock {} of {} is broken.", lock.key, lock.principal)
        }
        "answer-decision" => {
            let decision = plane.answer_decision(call, said.of("decision"), said.number("option")?).await?;
            format!("Answered: {}", decision.chosen().unwrap_or_default())
        }
        "requeue-message" => {
            if !plane.requeue_message(call, said.of("message")).await? {
                return Err(gone("no such message was given up").into());
            }
            "The message is sent again.".to_owned()
        }
        _ => {
            plane.revoke_token(call, said.of("token")).await?;
            format!("The token {} is revoked.", said.of("token"))
        }
    })
}

async fn of_gaps(site: &Site, call: &Call, act: &Act, said: &Said<'_>) -> Result<String, No> {
    let (plane, gap, reason) = (&site.plane, said.of("gap"), said.of("reason"));
    Ok(match act.name {
        "wontfix-gap" => format!("{} is left as it is.", plane.wontfix_gap(call, gap, reason).await?),
        "close-gap" => format!("{} counts as merged.", plane.close_gap(call, gap, reason).await?),
        "reopen-gap" => format!("{} is open again.", plane.reopen_gap(call, gap, reason).await?),
        "prioritize-gap" => {
            let priority = said.if_said("priority").map(Priority::parse).transpose()?;
            let (key, rank) = plane.prioritize_gap(call, gap, priority).await?;
            format!("{key} has the rank {rank} now.")
        }
        "merge-gaps" => {
            let merged = plane.merge_gaps(call, said.of("duplicate"), said.of("into")).await?;
            format!("{} stands for both, and blocks {} jobs.", merged.into, merged.jobs)
        }
        _ => {
            plane.tell_gaps_apart(call, said.of("one"), said.of("other")).await?;
            "They are not the same.".to_owned()
        }
    })
}

/// What people allow: levels, switches, and the gate.
async fn of_leave(site: &Site, call: &Call, act: &Act, said: &Said<'_>) -> Result<String, No> {
    let (plane, reason) = (&site.plane, said.of("reason"));
    Ok(match act.name {
        "raise-level" => {
            let seen = Level::parse(said.of("seen"))?;
            format!("The level is {} now.", plane.raise_level_from(call, seen, said.if_said("reason")).await?.now)
        }
        "lower-level" => {
            let to = said.if_said("to").map(Level::parse).transpose()?;
            format!("The level is {} now.", plane.lower_level(call, to, said.if_said("reason")).await?.now)
        }
        "switch-off" => {
            let scope = Scope::parse(said.of("scope"))?;
            plane.turn_off(call, scope.clone(), reason).await?;
            format!("{scope} is switched off.")
        }
        "switch-on" => {
            let scope = Scope::parse(said.of("scope"))?;
            plane.turn_on(call, scope.clone()).await?;
            format!("{scope} is switched on.")
        }
        "arm-gate" => {
            let armed = plane.arm_gate(call, said.of("stratum"), said.of("owner"), reason).await?;
            format!("{} is armed until {}.", armed.stratum, armed.until)
        }
        _ => {
            plane.disarm_gate(call, Some(said.of("stratum")), reason).await?;
            format!("{} is disarmed.", said.of("stratum"))
        }
    })
}

/// Pull requests: on the local forge in the visitor's own name, and what the pipeline does with them.
async fn of_pulls(site: &Site, call: &Call, act: &Act, said: &Said<'_>) -> Result<String, No> {
    let (plane, reason) = (&site.plane, said.of("reason"));
    let by_hand = match act.name {
        "resume-pull" => {
            let now = plane.resume_pull(call, said.of("pull"), reason).await?;
            return Ok(format!("It goes on: {}.", now.state));
        }
        "stop-pull" => {
            let now = plane.stop_pull(call, said.of("pull"), reason).await?;
            return Ok(format!("It is stopped: {}.", now.state));
        }
        "release-write" => {
            plane.release(call, said.of("write"), said.of("made") == "yes").await?;
            return Ok("Said so.".to_owned());
        }
        "merge-pull" => ByHand::Merge(method(said.of("method"))),
        "request-changes" => ByHand::RequestChanges(said.of("message").to_owned()),
        "close-pull" => ByHand::Close,
        _ => ByHand::Reopen,
    };
    let Some(local) = plane.settings().local.as_ref() else {
        return Err(Refusal::new(Code::WrongState, "pull requests of this server are not here")
            .hint("review and merge it on the forge")
            .into());
    };
    let number = said.number("number")?;
    let hand = Hand { local, login: &call.by.name, head: said.if_said("head") };
    let done = plane.handle_pull(call, hand, number, &by_hand).await?;
    Ok(match done.commit {
        Some(commit) => format!("Merged {number} into {} as {commit}.", done.onto),
        None => format!("{number}: {}.", by_hand.done()),
    })
}

fn method(text: &str) -> Method {
    match text {
        "squash" => Method::Squash,
        "rebase" => Method::Rebase,
        _ => Method::Merge,
    }
}

fn gone(what: &str) -> Refusal {
    Refusal::new(Code::NotFound, what.to_owned()).hint("open the page again: it may be gone")
}
