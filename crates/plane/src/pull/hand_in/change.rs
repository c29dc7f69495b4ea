//! A change is handed in: a branch that was pushed, or a patch that we push. Our own git reads it, a rule judges what was
//! read, and only then it counts.

use domain::agent::Right;
use domain::id;
use domain::pull::fit::{self, Looks};
use domain::pull::{self, Change, Event, Pull, Stage};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use forge::broker::{Applied, Broker, OUR_DOMAIN, Pushed, Run, Whose};
use forge::git::{Branch, Commit, Hand, Person};
use forge::{Forge, Remote};
use futures::FutureExt;
use serde_json::json;
use store::pull::word::{self, Pass};
use store::seeded::bug;

use super::{AtWork, Fingerprint, HandedIn, anew, at_work, end};
use crate::desk::Desk;
use crate::mirror::Home;
use crate::pull::{barred, read, say, step};
use crate::{Call, No, Plane};

/// Among how many live pull requests is looked for one with the same branch: far more than are ever under way.
const LIVE_MAX: i64 = 1_000;

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
        let checked = fit::words(title, body).and_then(|()| answer.as_deref().map_or(Ok(()), fit::answer));
        self.noted(call, &claim_id, checked.map_err(No::from)).await?;
        if let Some(first) = self.answered(call).await? {
            return Ok(first);
        }
        let words = Words { title: title.to_owned(), body: body.to_owned(), answer, by };
        let done = self.take_change(call, &claim_id, handed, words).await;
        let done = self.noted(call, &claim_id, done).await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }

    async fn take_change(&self, call: &Call, claim_id: &str, handed: Handed, words: Words) -> Result<HandedIn, No> {
        let claim_id = claim_id.to_owned();
        let held = claim_id.clone();
        let (pushes, shown) = match &handed {
            Handed::Patch(_) => (true, None),
            Handed::Branch { name, head } => (false, Some((name.clone(), head.clone()))),
        };
        let at = self.at_desk(call.clone(), move |desk| {
            let (claim_id, shown) = (held.clone(), shown.clone());
            async move {
                let AtWork { job, stored, .. } = at_work(desk, Stage::Implementer, &claim_id).await?;
                if pushes && let Some(refusal) = barred(desk, &stored.pull, Stage::Implementer).await? {
                    return Err(refusal.into());
                }
                if let Some((name, head)) = shown {
                    is_its_own(desk, &stored.pull, (&name, &head)).await?;
                }
                let domain::job::State::Held(claim) = job.state else { return Err(store::Fault::Conflict.into()) };
                Ok((stored.pull, claim.claimed_at))
            }
            .boxed()
        });
        let (pull, since) = at.await?;
        let change = self.read_change(&pull, (&claim_id, since), handed, &words.title).await?;
        let change = Change { title: words.title.clone(), body: words.body.clone(), ..change };
        let right = Right::HandIn(Stage::Implementer);
        self.write(call, right, move |desk| submit(desk, claim_id.clone(), change.clone(), words.clone()).boxed()).await
    }

    /// Reads a change and judges it, and brings it to the forge where it is not there yet: never before it is judged.
    async fn read_change(
        &self,
        pull: &Pull,
        (run, since): (&str, Time),
        handed: Handed,
        title: &str,
    ) -> Result<Change, No> {
        let (home, broker) = self.broker()?;
        let remote = home.forge.remote().await.map_err(|fault| read::later(&fault))?;
        let onto = home.forge.repository().await.map_err(|fault| read::later(&fault))?.default_branch;
        let given = pull.change.as_ref().map(|change| change.branch.clone());
        match handed {
            Handed::Branch { name, head } => {
                if let Some(given) = given.filter(|given| *given != name) {
                    let message = format!("the pull request is of the branch {given}");
                    return Err(Refusal::invalid("branch", message).hint("push a revision to the same branch").into());
                }
                let prefix = &self.rules().branch_prefix;
                if !name.starts_with(prefix.as_str()) {
                    let message = format!("the branch is not one of those that begin with {prefix}");
                    return Err(Refusal::invalid("branch", message)
                        .hint(format!("push to {}", pull.branch(prefix)))
                        .into());
                }
                let (read, _) = self.read_branch(home, broker, &remote, &name, (&onto, &onto)).await?;
                if read.head != head {
                    return Err(Refusal::new(Code::StaleHead, format!("the branch {name} is at {}", read.head))
                        .field("head")
                        .hint("push first, then hand in the commit at its tip")
                        .into());
                }
                Ok(read)
            }
            Handed::Patch(patch) => {
                let name = given.unwrap_or_else(|| pull.branch(&self.rules().branch_prefix));
                let [tip, there] = read::tips(broker, &remote, [&onto, &name]).await?;
                let tip = read::there(tip, &onto, home)?;
                let person = person(home.forge.as_ref()).await?;
                // By the moment of its claim, so that the same patch handed in once more is the same commit.
                let hand = Hand { author: person.clone(), committer: person, at: since };
                let base = match pull.head() {
                    None => tip.clone(),
                    Some(head) => read::commit(head)?,
                };
                let head = applied(broker, run, &base, patch.as_bytes(), (&hand, title)).await?;
                let change = self.judged(broker, (&onto, &tip, &tip), &name, &head).await?;
                if there.as_ref() != Some(&head) {
                    let branch = read::branch(&name)?;
                    // Of what was never handed in, a branch of ours may be left that nobody knows.
                    let expected = if pull.head().is_none() { there } else { Some(base) };
                    if let (None, Some(left)) = (pull.head(), &expected) {
                        is_ours(broker, &remote, (&branch, left), &tip).await?;
                    }
                    pushed(broker, &remote, &branch, expected.as_ref(), &head).await?;
                }
                Ok(change)
            }
        }
    }

    /// Reads what a branch of the forge would change in another, and judges it by the policy of the default branch; gives the tip of
    /// that other, too. The change's words are those of nobody yet.
    pub(crate) async fn read_branch(
        &self,
        home: &Home,
        broker: &Broker,
        remote: &Remote,
        name: &str,
        (onto, default): (&str, &str),
    ) -> Result<(Change, Commit), No> {
        let [tip, head, rules] = read::tips(broker, remote, [onto, name, default]).await?;
        let (tip, rules) = (read::there(tip, onto, home)?, read::there(rules, default, home)?);
        let head = head.ok_or_else(|| {
            let message = format!("there is no branch {name} in {}", home.repo);
            Refusal::new(Code::NotFound, message).field("branch").hint("push it first")
        })?;
        Ok((self.judged(broker, (onto, &tip, &rules), name, &head).await?, tip))
    }

    async fn judged(
        &self,
        broker: &Broker,
        (onto, tip, rules): (&str, &Commit, &Commit),
        name: &str,
        head: &Commit,
    ) -> Result<Change, No> {
        let (facts, base) = read::facts(broker, tip, head).await?;
        let policy = read::policy(broker, rules).await?;
        let looks = if bug("push-unjudged") { Looks::default() } else { facts.judge(&self.rules().caps, &policy)? };
        read::can_be_shown(broker, &base, head).await?;
        Ok(Change {
            branch: name.to_owned(),
            head: head.as_str().to_owned(),
            onto: onto.to_owned(),
            base: base.as_str().to_owned(),
            title: String::new(),
            body: String::new(),
            files: facts.files,
            lines: facts.lines,
            visual: looks.visual,
            protected: looks.protected,
            risk: looks.risk,
        })
    }

    /// The home, and the broker through which changes reach it.
    pub(in crate::pull) fn broker(&self) -> Result<(&Home, &Broker), Refusal> {
        let home = self.settings.home.as_ref();
        home.and_then(|home| Some((home, home.broker.as_ref()?))).ok_or_else(|| {
            Refusal::new(Code::WrongState, "this server makes no pull requests").hint("set forge.kind and forge.broker")
        })
    }
}

/// Makes a commit of a patch, in the broker alone.
async fn applied(
    broker: &Broker,
    run: &str,
    base: &Commit,
    patch: &[u8],
    (hand, title): (&Hand, &str),
) -> Result<Commit, No> {
    let run = Run::parse(run).map_err(read::trouble)?;
    match broker.apply(&run, base, patch, hand, title).await.map_err(read::trouble)? {
        Applied::Commit(commit) => Ok(commit),
        Applied::DoesNotApply(why) => {
            let message = format!("the patch does not apply: {why}");
            Err(Refusal::new(Code::UnfitChange, message).field("patch").hint("make it against the head").into())
        }
    }
}

/// Moves a branch of ours onto a commit, if it is where it was seen.
async fn pushed(
    broker: &Broker,
    remote: &Remote,
    branch: &Branch,
    expected: Option<&Commit>,
    head: &Commit,
) -> Result<(), No> {
    match broker.push(remote, branch, expected, head).await.map_err(read::trouble)? {
        Pushed::Done => Ok(()),
        Pushed::Stale { .. } => {
            Err(Refusal::new(Code::StaleHead, "somebody pushed meanwhile").hint("look at the head again").into())
        }
        Pushed::Refused { why } => {
            let message = format!("the forge would not have it: {why}");
            Err(Refusal::new(Code::UnfitChange, message).hint("look at the rules of its branches").into())
        }
    }
}

/// Refuses to take a branch over that somebody else put there.
async fn is_ours(
    broker: &Broker,
    remote: &Remote,
    (branch, left): (&Branch, &Commit),
    onto: &Commit,
) -> Result<(), No> {
    let name = branch.as_str();
    match broker.whose(remote, branch, left, onto).await.map_err(read::trouble)? {
        Whose::Ours => Ok(()),
        Whose::Moves => {
            Err(Refusal::new(Code::StaleHead, format!("the branch {name} moves")).hint("hand it in once more").into())
        }
        Whose::Others => {
            let message = format!("the branch {name} is on the forge already, and not by us: it is not overwritten");
            Err(Refusal::new(Code::UnfitChange, message).hint("a person deletes it, or gives it another name").into())
        }
    }
}

async fn person(forge: &dyn Forge) -> Result<Person, No> {
    let me = forge.repository().await.map_err(|fault| read::later(&fault))?.me.login;
    Ok(Person { email: format!("{me}{OUR_DOMAIN}"), name: me })
}

/// Refuses what belongs to another pull request: its commit, and of what is handed in first, its branch or the one that is
/// to be its.
async fn is_its_own(desk: &mut Desk<'_>, pull: &Pull, (name, head): (&str, &str)) -> Result<(), No> {
    let refused = |field: &'static str, what: &str| {
        Err(Refusal::new(Code::UnfitChange, format!("another pull request has this very {what}"))
            .field(field)
            .hint("hand in what you made for this gap, on its own branch")
            .into())
    };
    if name.strip_prefix(desk.rules.branch_prefix.as_str()).is_some_and(|rest| rest.starts_with(crate::gate::REVERT)) {
        return Err(Refusal::new(Code::UnfitChange, "branches of that name take something back, and are the server's")
            .field("branch")
            .hint("hand in what you made for this gap, on its own branch")
            .into());
    }
    if store::pull::has_head(desk.tx, head, pull).await? {
        return refused("head", "commit");
    }
    if pull.change.is_some() {
        return Ok(());
    }
    let prefix = desk.rules.branch_prefix.clone();
    let others = store::pull::live(desk.tx, LIVE_MAX).await?.into_iter().map(|stored| stored.pull);
    let has = |other: &Pull| match &other.change {
        Some(change) => change.branch == name,
        None => other.branch(&prefix) == name,
    };
    if others.into_iter().any(|other| other.id != pull.id && has(&other)) {
        refused("branch", "branch")
    } else {
        Ok(())
    }
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
    is_its_own(desk, &stored.pull, (&change.branch, &change.head)).await?;
    end(desk, &at, format!("handed in {}", change.head)).await?;
    let was = anew(desk, &stored.pull.id).await?;
    let first = was.pull.change.is_none();
    // What it is for stays what it is: of a revision, the answer says what was done.
    let change = match &was.pull.change {
        Some(before) => Change { title: before.title.clone(), body: before.body.clone(), ..change },
        None => change,
    };
    let pull = was.pull.clone().with(change, pull::Hand::Implementer);
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
