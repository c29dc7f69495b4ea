//! How each act is done: what was said becomes a call of the plane, and what came of it a word for whoever did it.

use std::collections::BTreeMap;

use domain::gap::Priority;
use domain::job::State;
use domain::level::Level;
use domain::refusal::{Code, Refusal};
use domain::scheduled::Triggered;
use domain::switch::Scope;
use plane::pull::{ByHand, Hand, Method};
use plane::{Call, No};

use super::Choices;
use super::shape::{Act, Do, Leave, OfGap, OfPull, Work};
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

    fn yes(&self, name: &'static str) -> Result<bool, Refusal> {
        match self.of(name) {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => {
                Err(Refusal::invalid(name, format!("{other:?} is neither yes nor no")).hint("open the page again"))
            }
        }
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
    match act.does {
        Do::Work(Work::Answer) => {
            let call = site.call(visitor, "page", None);
            let decision = site.plane.show_decision(&call, said.of("decision")).await?;
            let options = (1..).zip(&decision.options).map(|(at, option): (i64, _)| (at.to_string(), option.clone()));
            choices.insert("option", options.collect());
        }
        Do::Work(Work::ReleaseStart) => {
            choices.insert("made", vec![plain("yes", "yes"), plain("no", "no, start it again")]);
        }
        Do::Gap(OfGap::Prioritize) => {
            let each = Priority::ALL.into_iter().map(|priority| plain(priority.name(), priority.name()));
            choices.insert("priority", std::iter::once(plain("", "leave it to the reports")).chain(each).collect());
        }
        Do::Leave(Leave::Lower) => {
            let call = site.call(visitor, "page", None);
            let now = site.plane.show_level(&call).await?.level;
            let below = Level::ALL.into_iter().rev().filter(|level| *level < now);
            choices.insert("to", below.map(|level| plain(level.name(), level.name())).collect());
        }
        Do::Pull(OfPull::Merge) => {
            let methods = [
                ("merge", "a commit with two parents"),
                ("squash", "one commit of everything"),
                ("rebase", "its commits anew"),
            ];
            choices.insert("method", methods.map(|(name, word)| plain(name, word)).into());
        }
        Do::Pull(OfPull::ReleaseWrite) => {
            choices.insert("made", vec![plain("yes", "yes, it is there"), plain("no", "no, make it again")]);
        }
        Do::Work(_) | Do::Gap(_) | Do::Leave(_) | Do::Pull(_) => {}
    }
    Ok(choices)
}

/// What an act is about, in words: whoever confirms it knows what by more than a name.
pub(super) async fn about(
    site: &Site,
    visitor: &Visitor,
    act: &Act,
    said: &BTreeMap<String, String>,
) -> Result<Vec<(&'static str, String)>, No> {
    let (plane, call, said) = (&site.plane, site.call(visitor, "page", None), Said(said));
    Ok(match act.does {
        Do::Work(Work::Answer) => {
            let decision = plane.show_decision(&call, said.of("decision")).await?;
            vec![("Asked", decision.question), ("For the job", decision.job), ("By", decision.principal)]
        }
        Do::Work(Work::Revoke) => {
            let token = plane.show_token(&call, said.of("token")).await?;
            let own = if token.id == visitor.by.token { ", by which you are signed in: it signs you out" } else { "" };
            vec![("Of", format!("{}, {}{own}", token.principal, token.role))]
        }
        Do::Leave(Leave::Raise) => {
            let standing = plane.show_level(&call).await?;
            let lacks = standing.gate.iter().filter(|item| !item.is_met());
            let lacks: Vec<_> =
                lacks.map(|item| format!("{} of {} {}", item.have.unwrap_or(0), item.need, item.what)).collect();
            let lacks = if lacks.is_empty() { "nothing".to_owned() } else { lacks.join(", ") };
            let next = standing.next.map_or_else(|| "none above".to_owned(), |next| next.to_string());
            vec![("To the level", next), ("Missing, of what opens it", lacks)]
        }
        Do::Pull(OfPull::Merge | OfPull::RequestChanges | OfPull::Close | OfPull::Reopen) => {
            match plane.show_pull(&call, said.of("number")).await {
                Ok(shown) => shown.stored.pull.change.map(|change| ("Title", change.title)).into_iter().collect(),
                // One that is not on its way here is one of the house all the same.
                Err(No::Refusal(refusal)) if refusal.code == Code::NotFound => Vec::new(),
                Err(no) => return Err(no),
            }
        }
        Do::Pull(OfPull::Resume | OfPull::Stop) => {
            let shown = plane.show_pull(&call, said.of("pull")).await?;
            let pull = shown.stored.pull;
            let number = pull.there.number.map(|number| ("Number", number.to_string()));
            number.into_iter().chain(pull.change.map(|change| ("Title", change.title))).collect()
        }
        Do::Work(_) | Do::Gap(_) | Do::Leave(_) | Do::Pull(_) => Vec::new(),
    })
}

/// Does it.
pub(super) async fn perform(
    site: &Site,
    call: &Call,
    act: &Act,
    said: &BTreeMap<String, String>,
) -> Result<String, No> {
    let said = Said(said);
    match act.does {
        Do::Work(work) => of_work(site, call, work, &said).await,
        Do::Gap(of_gap) => of_gaps(site, call, of_gap, &said).await,
        Do::Leave(leave) => of_leave(site, call, leave, &said).await,
        Do::Pull(of_pull) => of_pulls(site, call, of_pull, &said).await,
    }
}

/// Jobs, locks, questions, messages and tokens.
async fn of_work(site: &Site, call: &Call, work: Work, said: &Said<'_>) -> Result<String, No> {
    let plane = &site.plane;
    Ok(match work {
        Work::TriggerJob => {
            let name = said.of("job");
            let job = plane.trigger_job(call, name).await?;
            let job = job.ok_or_else(|| gone(&format!("there is no job {name:?}")))?;
            match job.state {
                State::Held(_) => format!("{name} is at work, and runs once more after that."),
                State::Idle | State::Waiting | State::Ready | State::Dead => format!("{name} is due now."),
            }
        }
        Work::TriggerScheduled => {
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
        Work::BreakLock => {
            let lock = plane.break_lock_seen(call, said.of("key"), said.number("token")?).await?;
            format!("The lock {} of {} is broken.", lock.key, lock.principal)
        }
        Work::Answer => {
            let decision = plane.answer_decision(call, said.of("decision"), said.number("option")?).await?;
            format!("Answered: {}", decision.chosen().unwrap_or_default())
        }
        Work::Requeue => {
            if !plane.requeue_message(call, said.of("message")).await? {
                return Err(gone("no such message was given up").into());
            }
            "The message is sent again.".to_owned()
        }
        Work::ReleaseStart => {
            let fire = plane.release_fire(call, said.of("start"), said.yes("made")?).await?;
            format!("{} for {}: {}.", fire.routine, fire.job, fire.state.name())
        }
        Work::Revoke => {
            plane.revoke_token(call, said.of("token")).await?;
            format!("The token {} is revoked.", said.of("token"))
        }
    })
}

async fn of_gaps(site: &Site, call: &Call, of_gap: OfGap, said: &Said<'_>) -> Result<String, No> {
    let (plane, gap, reason) = (&site.plane, said.of("gap"), said.of("reason"));
    Ok(match of_gap {
        OfGap::Wontfix => format!("{} will not be fixed.", plane.wontfix_gap(call, gap, reason).await?),
        OfGap::Close => format!("{} counts as merged.", plane.close_gap(call, gap, reason).await?),
        OfGap::Reopen => format!("{} is open again.", plane.reopen_gap(call, gap, reason).await?),
        OfGap::Prioritize => {
            let priority = said.if_said("priority").map(Priority::parse).transpose()?;
            let (key, rank) = plane.prioritize_gap(call, gap, priority).await?;
            format!("{key} has the rank {rank} now.")
        }
        OfGap::Merge => {
            let merged = plane.merge_gaps(call, said.of("duplicate"), said.of("into")).await?;
            format!("{} stands for both, and blocks {} jobs.", merged.into, merged.jobs)
        }
        OfGap::TellApart => {
            if !plane.tell_gaps_apart(call, said.of("one"), said.of("other")).await? {
                return Err(Refusal::new(Code::NotFound, "nobody proposes that these two are the same")
                    .hint("those that are proposed stand on the page Alike of Gaps")
                    .into());
            }
            "They are not the same.".to_owned()
        }
    })
}

/// What people allow: levels, switches, and the gate.
async fn of_leave(site: &Site, call: &Call, leave: Leave, said: &Said<'_>) -> Result<String, No> {
    let (plane, reason) = (&site.plane, said.of("reason"));
    Ok(match leave {
        Leave::Raise => {
            let seen = Level::parse(said.of("seen"))?;
            format!("The level is {} now.", plane.raise_level_from(call, seen, said.if_said("reason")).await?.now)
        }
        Leave::Lower => {
            let to = said.if_said("to").map(Level::parse).transpose()?;
            format!("The level is {} now.", plane.lower_level(call, to, said.if_said("reason")).await?.now)
        }
        Leave::Off => {
            let scope = Scope::parse(said.of("scope"))?;
            plane.turn_off(call, scope.clone(), reason).await?;
            format!("{scope} is switched off.")
        }
        Leave::On => {
            let scope = Scope::parse(said.of("scope"))?;
            plane.turn_on(call, scope.clone()).await?;
            format!("{scope} is switched on.")
        }
        Leave::Arm => {
            let armed = plane.arm_gate(call, said.of("stratum"), said.of("owner"), reason).await?;
            format!("{} is armed until {}.", armed.stratum, armed.until)
        }
        Leave::Disarm => {
            plane.disarm_gate(call, Some(said.of("stratum")), reason).await?;
            format!("{} is disarmed.", said.of("stratum"))
        }
    })
}

/// Pull requests: on the local forge in the visitor's own name, and what the pipeline does with them.
async fn of_pulls(site: &Site, call: &Call, of_pull: OfPull, said: &Said<'_>) -> Result<String, No> {
    let (plane, reason) = (&site.plane, said.of("reason"));
    let by_hand = match of_pull {
        OfPull::Resume => {
            let now = plane.resume_pull(call, said.of("pull"), reason).await?;
            return Ok(format!("It goes on: {}.", now.state));
        }
        OfPull::Stop => {
            let now = plane.stop_pull(call, said.of("pull"), reason).await?;
            return Ok(format!("It is stopped: {}.", now.state));
        }
        OfPull::ReleaseWrite => {
            plane.release(call, said.of("write"), said.yes("made")?).await?;
            return Ok("Said so.".to_owned());
        }
        OfPull::Merge => ByHand::Merge(method(said.of("method"))?),
        OfPull::RequestChanges => ByHand::RequestChanges(said.of("message").to_owned()),
        OfPull::Close => ByHand::Close,
        OfPull::Reopen => ByHand::Reopen,
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

fn method(text: &str) -> Result<Method, Refusal> {
    match text {
        "merge" => Ok(Method::Merge),
        "squash" => Ok(Method::Squash),
        "rebase" => Ok(Method::Rebase),
        other => {
            Err(Refusal::invalid("method", format!("there is no way {other:?} to merge")).hint("open the page again"))
        }
    }
}

fn gone(what: &str) -> Refusal {
    Refusal::new(Code::NotFound, what.to_owned()).hint("open the page again: it may be gone")
}
