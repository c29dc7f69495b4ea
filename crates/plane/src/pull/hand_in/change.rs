//! A change is handed in: a branch that was pushed, or a patch that we push. Our own git reads it, a rule judges what was
//! read, and only then it counts.

use domain::agent::Right;
use domain::id;
use domain::pull::{Change, Event, Hand as Whose, Pull, Stage, fit};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use forge::broker::{Applied, Broker, Pushed, Run, Source};
use forge::git::{Hand, Person};
use forge::{Forge, Remote};
use futures::FutureExt;
use serde_json::json;
use store::pull::word::{self, Pass};

use super::{AtWork, Fingerprint, HandedIn, anew, at_work, end};
use crate::desk::Desk;
use crate::mirror::Home;
use crate::pull::{read, say, step};
use crate::{Call, No, Plane};

/// The longest answer to findings, in characters.
const ANSWER_CHARS_MAX: usize = 10_000;

/// How a change comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// It is on the forge already.
    Branch {
        /// The branch.
        name: String,
        /// The commit at its tip.
        head: String,
    },
    /// As `git diff --binary` writes it, against the head, or against the default branch where there is none yet.
    Patch(String),
}

/// The words that go with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    title: String,
    body: String,
    /// What is answered to the findings: what was done about each, and what was not, and why.
    answer: Option<String>,
    by: Fingerprint,
}

impl Plane {
    /// Takes in a change: the first one, or a revision.
    pub async fn submit_change(
        &self,
        call: &Call,
        claim_id: &str,
        handed: Handed,
        (title, body): (&str, &str),
        answer: Option<String>,
        by: Fingerprint,
    ) -> Result<HandedIn, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let right = Right::HandIn(Stage::Implementer);
        call.by.require(right, call.tool)?;
        fit::words(title, body)?;
        if answer.as_ref().is_some_and(|text| text.chars().count() > ANSWER_CHARS_MAX) {
            let message = format!("answer has more than {ANSWER_CHARS_MAX} characters");
            return Err(Refusal::invalid("answer", message).hint("say it shorter").into());
        }
        if let Some(first) = self.answered(call).await? {
            return Ok(first);
        }
        let words = Words { title: title.to_owned(), body: body.to_owned(), answer, by };
        let held = claim_id.clone();
        let pull = self.at_desk(call.clone(), move |desk| {
            let claim_id = held.clone();
            async move { Ok(at_work(desk, Stage::Implementer, &claim_id).await?.stored.pull) }.boxed()
        });
        let change = self.read_change(&pull.await?, &claim_id, handed, &words).await?;
        let done = self.write(call, right, move |desk| {
            submit(desk, claim_id.clone(), change.clone(), words.clone()).boxed()
        });
        let done = done.await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }

    /// Brings a change to the forge where it is not there yet, and reads it.
    async fn read_change(&self, pull: &Pull, claim_id: &str, handed: Handed, words: &Words) -> Result<Change, No> {
        let (home, broker) = self.broker()?;
        let remote = home.forge.remote().await.map_err(read::later)?;
        let onto = home.forge.repository().await.map_err(read::later)?.default_branch;
        let (branch, head) = match handed {
            Handed::Branch { name, head } => (name, head),
            Handed::Patch(patch) => {
                let branch = pull.change.as_ref().map(|change| change.branch.clone());
                let branch = branch.unwrap_or_else(|| pull.branch(&self.rules().branch_prefix));
                let at = self.moment().await?;
                let at = Patch { pull, branch: &branch, onto: &onto, run: claim_id, at, title: &words.title };
                let head = put(home.forge.as_ref(), broker, &remote, at, patch.as_bytes()).await?;
                (branch, head)
            }
        };
        if let Some(change) = pull.change.as_ref().filter(|change| change.branch != branch) {
            let message = format!("the pull request is of the branch {}", change.branch);
            return Err(Refusal::invalid("branch", message).hint("push a revision to the same branch").into());
        }
        if branch == onto {
            return Err(Refusal::invalid("branch", "the branch is the one to merge into").hint("use another").into());
        }
        let read = self.read_branch(home, broker, &remote, &branch, &onto).await?;
        if read.head != head {
            return Err(Refusal::new(Code::StaleHead, format!("the branch {branch} is at {}", read.head))
                .field("head")
                .hint("push first, then hand in the commit at its tip")
                .into());
        }
        Ok(Change { title: words.title.clone(), body: words.body.clone(), ..read })
    }

    /// Reads what a branch would change, and judges it. Its words are those of nobody yet.
    pub(in crate::pull) async fn read_branch(
        &self,
        home: &Home,
        broker: &Broker,
        remote: &Remote,
        branch: &str,
        onto: &str,
    ) -> Result<Change, No> {
        let (facts, policy, mut change) = read::facts(home, broker, remote, branch, onto).await?;
        let looks = facts.judge(&self.rules().caps, &policy)?;
        change.visual = looks.visual;
        change.protected = looks.protected;
        Ok(change)
    }

    /// The home, and the broker through which changes reach it.
    pub(in crate::pull) fn broker(&self) -> Result<(&Home, &Broker), Refusal> {
        let home = self.settings.home.as_ref();
        home.and_then(|home| Some((home, home.broker.as_ref()?))).ok_or_else(|| {
            Refusal::new(Code::WrongState, "this server makes no pull requests").hint("set forge.kind and forge.broker")
        })
    }
}

/// Where a patch goes.
struct Patch<'a> {
    pull: &'a Pull,
    branch: &'a str,
    onto: &'a str,
    run: &'a str,
    at: Time,
    title: &'a str,
}

/// Makes a commit of a patch and pushes it; gives its id.
async fn put(forge: &dyn Forge, broker: &Broker, remote: &Remote, at: Patch<'_>, patch: &[u8]) -> Result<String, No> {
    let (branch, onto) = (read::branch(at.branch)?, read::branch(at.onto)?);
    let sources = [Source::Branch(onto), Source::Branch(branch.clone())];
    let tips = broker.fetch(remote, &sources).await.map_err(read::trouble)?;
    let (onto, there) = (tips.first().cloned().flatten(), tips.get(1).cloned().flatten());
    let expected = match at.pull.head() {
        None => None,
        Some(head) => Some(read::commit(head)?),
    };
    let onto = onto.ok_or_else(|| Refusal::new(Code::WrongState, "the branch to merge into is not there"))?;
    let base = expected.clone().unwrap_or(onto);
    let person = person(forge).await?;
    let hand = Hand { author: person.clone(), committer: person, at: at.at };
    let run = Run::parse(at.run).map_err(read::trouble)?;
    let commit = match broker.apply(&run, &base, patch, &hand, at.title).await.map_err(read::trouble)? {
        Applied::Commit(commit) => commit,
        Applied::DoesNotApply(why) => {
            let message = format!("the patch does not apply: {why}");
            return Err(Refusal::new(Code::UnfitChange, message).field("patch").hint("make it against the head").into());
        }
    };
    // The same patch once more, whose push was not answered.
    if there.as_ref() == Some(&commit) {
        return Ok(commit.as_str().to_owned());
    }
    match broker.push(remote, &branch, expected.as_ref(), &commit).await.map_err(read::trouble)? {
        Pushed::Done => Ok(commit.as_str().to_owned()),
        Pushed::Stale { .. } => {
            Err(Refusal::new(Code::StaleHead, "somebody pushed meanwhile").hint("look at the head again").into())
        }
        Pushed::Refused { why } => {
            Err(Refusal::new(Code::UnfitChange, format!("the forge would not have it: {why}")).into())
        }
    }
}

async fn person(forge: &dyn Forge) -> Result<Person, No> {
    let me = forge.repository().await.map_err(read::later)?.me.login;
    Ok(Person { email: format!("{me}@gapwright.invalid"), name: me })
}

async fn submit(desk: &mut Desk<'_>, claim_id: String, change: Change, words: Words) -> Result<HandedIn, No> {
    let at = at_work(desk, Stage::Implementer, &claim_id).await?;
    let AtWork { stored, who, .. } = &at;
    if stored.pull.head() == Some(change.head.as_str()) {
        return Err(Refusal::new(Code::UnfitChange, "the head is the same as before")
            .field("head")
            .hint("commit what you revised, or complete with an error")
            .into());
    }
    end(desk, &at, format!("handed in {}", change.head)).await?;
    let was = anew(desk, &stored.pull.id).await?;
    let first = was.pull.change.is_none();
    let pull = was.pull.clone().with(change, Whose::Implementer);
    let id = desk.mint();
    let new = word::New {
        pull: &pull,
        stage: Stage::Implementer,
        pass: Pass::Final,
        who,
        model: &words.by.model,
        prompt: &words.by.prompt,
        verdict: "",
        body: json!({"change": pull.change, "answer": words.answer}).to_string(),
    };
    word::append(desk.tx, &id, new).await?;
    let event = if first { Event::Drafted } else { Event::Pushed };
    let why = format!("{} handed in {}", who.principal, pull.head().unwrap_or_default());
    let now = step(desk, &was, pull, event, &why).await?;
    if first {
        let issue = store::issue::find(desk.tx, &now.pull.gap).await?.and_then(|issue| issue.number);
        say::open(desk, &now.pull, issue).await?;
    } else if let Some(answer) = &words.answer {
        say::answer(desk, &now.pull, answer, &who.principal).await?;
    }
    Ok(HandedIn::of(&now))
}

