//! What operators say of pull requests: let it go on, stop it, and how something ended of which nobody could tell.

use domain::agent::Right;
use domain::id;
use domain::level;
use domain::pull::Event;
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde_json::json;
use store::pull::say;

use super::hand_in::HandedIn;
use super::{meant, step};
use crate::desk::Desk;
use crate::{Call, No, Plane};

impl Plane {
    /// Lets a pull request go on that stopped or was revised as often as it may be.
    pub async fn resume_pull(&self, call: &Call, pull: &str, why: &str) -> Result<HandedIn, No> {
        self.say_of_pull(call, pull, Said::Resume, why).await
    }

    /// Stops a pull request that agents work on: it goes on only when a person says so.
    pub async fn stop_pull(&self, call: &Call, pull: &str, why: &str) -> Result<HandedIn, No> {
        self.say_of_pull(call, pull, Said::Stop, why).await
    }

    async fn say_of_pull(&self, call: &Call, pull: &str, said: Said, why: &str) -> Result<HandedIn, No> {
        let (pull, why) = (pull.to_owned(), level::reason(why)?);
        let done = self.write(call, Right::Operate, move |desk| of_pull(desk, pull.clone(), said, why.clone()).boxed());
        let done = done.await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }

    /// Says of something on the forge, of which nobody could tell, whether it was made. What was not made is made again.
    pub async fn release(&self, call: &Call, id: &str, made: bool) -> Result<(), No> {
        let id = id::opaque("id", id)?;
        self.write(call, Right::Operate, move |desk| release(desk, id.clone(), made).boxed()).await?;
        self.wake.pulls.notify_one();
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Resume,
    Stop,
}

async fn of_pull(desk: &mut Desk<'_>, pull: String, said: Said, why: String) -> Result<HandedIn, No> {
    let repo = desk.rules.repo.clone();
    let id = meant(desk.tx, repo.as_deref(), &pull).await?.pull.id;
    let was = store::pull::load(desk.tx, &id).await?.ok_or(store::Fault::Conflict)?;
    let event = match said {
        Said::Resume => was.pull.resumed(),
        Said::Stop => Event::Stopped,
    };
    let why = format!("{}: {why}", desk.call.by.name);
    let now = step(desk, &was, was.pull.clone(), event, &why).await?;
    Ok(HandedIn::of(&now))
}

async fn release(desk: &mut Desk<'_>, id: String, made: bool) -> Result<(), No> {
    let unknown = say::load(desk.tx, &id).await?.filter(|say| say.state == "unknown");
    let Some(unknown) = unknown else {
        return Err(Refusal::new(Code::NotFound, format!("nothing is unknown of {id}"))
            .hint("see gapwright dead-letters")
            .into());
    };
    // One that is there is found by its branch and its mark, and then it is known which it is.
    if made && unknown.what == "open" {
        return Err(Refusal::new(
            Code::WrongState,
            "a pull request of ours is not found on the forge, and so none is known",
        )
        .hint("if one is there, close it; then say that it was not made, and it is opened again")
        .into());
    }
    let state = if made { "sent" } else { "waiting" };
    say::set(desk.tx, &unknown, state, "an operator said so").await?.ok_or(store::Fault::Conflict)?;
    store::pull::nudge(desk.tx, &unknown.pull).await?;
    let after = json!({"say": id, "what": unknown.what, "state": state});
    desk.record(format!("pull:{}", unknown.pull), &json!({"state": unknown.state}), &after).await
}
