//! What a claim is about, told stage by stage: a reviewer gets the difference and what tests say of it, and only after its
//! first verdict what the change is for.

use std::collections::BTreeMap;

use domain::budget::Amount;
use domain::decision::Decision;
use domain::id;
use domain::pull::diff::Shown;
use domain::pull::fit::DIFF_BYTES_MAX;
use domain::pull::{Instance, Pull, Stage};
use domain::refusal::{Code, Refusal};
use forge::AccountKind;
use futures::FutureExt;
use store::decision;
use store::gap::sighting;
use store::pull::word::{self, Word};
use store::spend;

use super::hand_in::of_claim;
use super::read;
use crate::desk::Desk;
use crate::{Call, No, Plane};

/// How many reports of a gap are shown with it.
const REPORTS_MAX: i64 = 10;

/// How many words of people on the forge are looked at.
const PEOPLE_MAX: usize = 20;

/// How many questions of earlier attempts are told.
const DECISIONS_MAX: i64 = 10;

/// How many words of agents are read: more rounds than there may be.
pub(super) const WORDS_MAX: i64 = 50;

/// What a claim is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The stage.
    pub stage: Stage,
    /// The pull request, as it stands.
    pub pull: Pull,
    /// The branch to push to.
    pub branch: String,
    /// What may still be spent by this run.
    pub left: Amount,
    /// What was reported of the gap: who said it, and why. Nothing for a reviewer.
    pub reports: Vec<(String, String)>,
    /// What people wrote on the gap's issue: who, and what. Nothing for a reviewer.
    pub comments: Vec<(String, String)>,
    /// The plan. Nothing for a reviewer.
    pub plan: Option<Word>,
    /// The difference, and whether that is all of it.
    pub diff: Option<(String, bool)>,
    /// What people who may write said of the pull request on the forge, in reviews and comments, the latest first: who, and
    /// what. Nothing for a reviewer.
    pub people: Vec<(String, String)>,
    /// What tests say of the head: the name of each check and how it stands.
    pub checks: Vec<(String, String)>,
    /// What was said of it before, plans left out, the latest first.
    pub words: Vec<Word>,
    /// What it is for; nothing for a reviewer before its first verdict.
    pub description: Option<Description>,
    /// The questions of this job to people, with the answers that there are.
    pub decisions: Vec<Decision>,
    /// Whether it is a reviewer's that has not said anything yet: neither the gap, nor the branch, nor the number is for it.
    pub blind: bool,
}

/// What a change is for, in an implementer's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Whose words.
    pub author: String,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
}

impl Plane {
    /// What a claim is about.
    pub async fn show_work(&self, call: &Call, claim_id: &str) -> Result<Work, No> {
        call.by.require(domain::agent::Right::Work, call.tool)?;
        let claim_id = id::opaque("claim_id", claim_id)?;
        let prefix = self.rules().branch_prefix.clone();
        let looked = self.at_desk(call.clone(), move |desk| look(desk, claim_id.clone(), prefix.clone()).boxed());
        let mut work = looked.await?;
        if matches!(work.stage, Stage::Reviewer | Stage::Merger) || work.pull.change.is_some() {
            let text = self.difference(&work.pull, DIFF_BYTES_MAX).await?;
            work.diff = Some(text);
            work.checks = self.checks_of(&work.pull).await?;
        }
        if work.stage != Stage::Reviewer {
            work.people = self.people_of(&work.pull).await?;
        }
        Ok(work)
    }

    /// What people who may write said of a pull request on the forge.
    async fn people_of(&self, pull: &Pull) -> Result<Vec<(String, String)>, No> {
        let (Some(number), Ok((home, _))) = (pull.there.number, self.broker()) else { return Ok(Vec::new()) };
        let reviews = home.forge.reviews(number).await.map_err(|fault| read::later(&fault))?;
        let comments = home.forge.comments(number, None).await.map_err(|fault| read::later(&fault))?;
        let reviews = reviews.into_iter().map(|review| (review.at, review.author, review.body));
        let comments = comments.into_iter().map(|comment| (comment.created_at, comment.author, comment.body));
        let mut said: Vec<_> = reviews.chain(comments).collect();
        said.retain(|(_, author, body)| author.kind == AccountKind::Person && !body.trim().is_empty());
        said.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        said.truncate(PEOPLE_MAX);
        let (mut heard, mut may) = (Vec::new(), BTreeMap::new());
        for (_, author, body) in said {
            if !may.contains_key(&author.id) {
                // Of whom nobody can tell, nothing is taken.
                may.insert(author.id.clone(), home.forge.may_write(&author).await.unwrap_or(false));
            }
            if may.get(&author.id) == Some(&true) {
                heard.push((author.login, body));
            }
        }
        Ok(heard)
    }

    /// What may be cited of the head that a claim is about.
    pub(super) async fn shown(&self, call: &Call, claim_id: &str, head: &str) -> Result<Shown, No> {
        let claim_id = claim_id.to_owned();
        let pull = self.at_desk(call.clone(), move |desk| {
            let claim_id = claim_id.clone();
            async move { Ok(of_claim(desk, &claim_id).await?.1.pull) }.boxed()
        });
        let pull = pull.await?;
        if pull.head() != Some(head) {
            let current = pull.head().unwrap_or_default();
            return Err(Refusal::new(Code::StaleHead, "the head is another commit by now")
                .field("head")
                .hint(format!("it is {current}; look at it and judge that one: show-work"))
                .into());
        }
        let (text, complete) = self.difference(&pull, DIFF_BYTES_MAX).await?;
        if !complete {
            return Err(Refusal::new(Code::UnfitChange, "the difference is too large to be reviewed").into());
        }
        Ok(Shown::read(&text))
    }

    /// What a change has otherwise than its base.
    pub(super) async fn difference(&self, pull: &Pull, bytes_max: usize) -> Result<(String, bool), No> {
        let Some(change) = &pull.change else { return Ok((String::new(), true)) };
        let (home, broker) = self.broker()?;
        let (base, head) = (read::commit(&change.base)?, read::commit(&change.head)?);
        let there =
            broker.has(&head).await.map_err(read::trouble)? && broker.has(&base).await.map_err(read::trouble)?;
        if !there {
            let remote = home.forge.remote().await.map_err(|fault| read::later(&fault))?;
            let sources = [&change.onto, &change.branch].map(|name| read::branch(name));
            let sources: Result<Vec<_>, _> =
                sources.into_iter().map(|name| name.map(forge::broker::Source::Branch)).collect();
            broker.fetch(&remote, &sources?).await.map_err(read::trouble)?;
        }
        let diff = broker.diff(&base, &head, bytes_max).await.map_err(read::trouble)?;
        Ok((diff.text, diff.complete))
    }

    /// What tests say of the head, our own word left out.
    async fn checks_of(&self, pull: &Pull) -> Result<Vec<(String, String)>, No> {
        let (Some(head), Ok((home, _))) = (pull.head(), self.broker()) else { return Ok(Vec::new()) };
        let checks = home.forge.checks(head).await.map_err(|fault| read::later(&fault))?;
        let theirs = checks.into_iter().filter(|check| check.name != super::say::CHECK);
        Ok(theirs.map(|check| (check.name, stands(check.state).to_owned())).collect())
    }
}

const fn stands(state: forge::CheckState) -> &'static str {
    match state {
        forge::CheckState::Running => "running",
        forge::CheckState::Pass => "pass",
        forge::CheckState::Fail => "fail",
        forge::CheckState::Neutral => "neutral",
    }
}

async fn look(desk: &mut Desk<'_>, claim_id: String, prefix: String) -> Result<Work, No> {
    let (job, stored) = of_claim(desk, &claim_id).await?;
    let pull = stored.pull;
    let stage = Stage::parse(&job.kind).ok_or(store::Fault::Conflict)?;
    let spent = spend::find(desk.tx, &claim_id).await?;
    let said = word::of(desk.tx, &pull.id, WORDS_MAX).await?;
    let by = &desk.call.by;
    let who = Instance { principal: by.name.clone(), run: claim_id.clone(), lineage: by.lineage.clone() };
    let told = |word: &Word| Some(word.head.as_str()) == pull.head() && is_first_pass(word, &who);
    let blind = stage == Stage::Reviewer && !said.iter().any(told);
    // What people answered holds for the whole of it; a reviewer is told of its own turn alone, and nobody of a reviewer's.
    let asked = if stage == Stage::Reviewer {
        decision::of_job(desk.tx, &job.name, DECISIONS_MAX).await?
    } else {
        let of_reviewer = format!("{}:", Stage::Reviewer);
        let every = decision::of_pull(desk.tx, &pull.id, 5 * DECISIONS_MAX).await?;
        let ours = every.into_iter().filter(|asked| !asked.job.starts_with(&of_reviewer));
        ours.take(usize::try_from(DECISIONS_MAX).unwrap_or_default()).collect()
    };
    let sees_gap = stage != Stage::Reviewer;
    let branch = pull.change.as_ref().map_or_else(|| pull.branch(&prefix), |change| change.branch.clone());
    let description = pull.change.as_ref().filter(|_| !blind).map(|change| Description {
        author: drafted_by(&said),
        title: change.title.clone(),
        body: change.body.clone(),
    });
    Ok(Work {
        branch,
        left: spent.map_or(Amount::ZERO, |row| row.spend.left()),
        reports: if sees_gap { reports(desk, &pull).await? } else { Vec::new() },
        comments: if sees_gap { comments(desk, &pull).await? } else { Vec::new() },
        plan: said.iter().find(|word| sees_gap && word.stage == Stage::Planner.name()).cloned(),
        diff: None,
        people: Vec::new(),
        checks: Vec::new(),
        words: if blind { Vec::new() } else { before(said) },
        description,
        decisions: asked,
        blind,
        stage,
        pull,
    })
}

/// Whether this was said by an instance before it knew what the change is for; then it was told.
pub(super) fn is_first_pass(word: &Word, who: &Instance) -> bool {
    let same = word.claim_id == who.run
        || word.principal == who.principal
        || (!who.lineage.is_empty() && word.lineage == who.lineage);
    word.pass == "first" && word.stage == Stage::Reviewer.name() && same
}

async fn reports(desk: &mut Desk<'_>, pull: &Pull) -> Result<Vec<(String, String)>, No> {
    let seen = sighting::of_gap(desk.tx, &pull.gap, (i64::MAX, ""), REPORTS_MAX).await?;
    Ok(seen.into_iter().map(|seen| (seen.principal, seen.reason)).collect())
}

async fn comments(desk: &mut Desk<'_>, pull: &Pull) -> Result<Vec<(String, String)>, No> {
    let said = store::issue::comments(desk.tx, &pull.gap, REPORTS_MAX).await?;
    Ok(said.into_iter().map(|comment| (comment.author, comment.body)).collect())
}

/// Who drafted the change, or revised it last.
fn drafted_by(said: &[Word]) -> String {
    let drafted = said.iter().find(|word| word.stage == Stage::Implementer.name());
    drafted.map(|word| word.principal.clone()).unwrap_or_default()
}

/// What counts of what was said, plans left out.
fn before(said: Vec<Word>) -> Vec<Word> {
    said.into_iter().filter(|word| word.pass == "final" && word.stage != Stage::Planner.name()).collect()
}
