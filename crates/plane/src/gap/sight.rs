//! Taking in reports: a sighting is appended, its gap made or moved, what it blocks counted, and what it depends on tied.

use std::collections::VecDeque;

use domain::gap::relation::{EDGES_MAX, closes_cycle, depth};
use domain::gap::{Event, Gap, Key, Sighting, State};
use domain::job;
use domain::refusal::Refusal;
use domain::time::Time;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::gap::{Stored, blocked, edge, sighting};
use store::seeded::bug;

use super::{audited, count, write};
use crate::desk::Desk;
use crate::{Call, No, Plane};

/// How many gaps one change of depth may reach.
const DEEPENED_MAX: usize = 1_000;

/// How many gaps of one job are read at once.
const GAPS_AT_ONCE: i64 = 200;

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Reported {
    /// The sighting.
    pub id: String,
    /// The key of the gap that it counts for: the one named, or the one that stands for it.
    pub gap: String,
    /// How that gap stands.
    pub state: String,
    /// Its rank now.
    pub rank: i64,
    /// How many distinct registered jobs it blocks now.
    pub jobs: i64,
}

/// The answer to a report as it is kept under an idempotency key: before there were gaps it was the sighting's id alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Id(String),
    Whole { id: String, gap: String, state: String, rank: i64, jobs: i64 },
}

impl From<Kept> for Reported {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Id(id) => Self { id, gap: String::new(), state: State::Open.name().to_owned(), rank: 0, jobs: 0 },
            Kept::Whole { id, gap, state, rank, jobs } => Self { id, gap, state, rank, jobs },
        }
    }
}

/// Under what something is reported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Under<'a> {
    /// The claim.
    pub(crate) claim_id: Option<&'a str>,
    /// The gap that the reporting run works on.
    pub(crate) parent: Option<&'a Key>,
    /// When the run began that reports.
    pub(crate) since: Time,
}

impl Plane {
    /// Records a report of a gap by somebody who holds no claim that is named.
    pub async fn report_gap(&self, call: &Call, seen: Sighting) -> Result<Reported, No> {
        if let Some(job) = &seen.job {
            domain::id::name("job", job)?;
        }
        self.write(call, domain::agent::Right::Report, move |desk| report(desk, seen.clone()).boxed()).await
    }
}

async fn report(desk: &mut Desk<'_>, seen: Sighting) -> Result<Reported, No> {
    let (by, now) = (desk.call.by.name.clone(), desk.now);
    let job = match &seen.job {
        Some(job) => store::job::find(desk.tx, job).await?,
        // Without a word of the job: the one that the caller holds and that works on a gap, if there is just one.
        None => store::job::held_on_gap(desk.tx, &by).await?,
    };
    let claim = job.as_ref().and_then(|job| match &job.state {
        job::State::Held(claim) if claim.principal == by && now < claim.expires_at => Some(claim),
        job::State::Held(_) | job::State::Idle | job::State::Waiting | job::State::Ready | job::State::Dead => None,
    });
    let parent = claim.and(job.as_ref()).and_then(|job| Key::stored(job.gap.as_deref()?));
    let since = match (claim, &seen.job) {
        (Some(claim), _) => claim.claimed_at,
        // Somebody else tells of a job: what is told happened in its last run, and is no news of what came after.
        (None, Some(job)) => {
            let last = store::run::list(desk.tx, Some(job), (i64::MAX, ""), 1).await?;
            last.first().map_or(now, |run| run.claimed_at)
        }
        (None, None) => now,
    };
    let under = Under { claim_id: claim.map(|claim| claim.id.as_str()), parent: parent.as_ref(), since };
    match take_in(desk, &seen, under).await? {
        Some(reported) => Ok(reported),
        None => Err(Refusal::invalid("name", "name is missing").hint("name the gap").into()),
    }
}

/// Takes in one report; none when it names no gap, which is then kept as it stands.
pub(crate) async fn take_in(desk: &mut Desk<'_>, seen: &Sighting, under: Under<'_>) -> Result<Option<Reported>, No> {
    if let Some(on) = &seen.depends_on {
        Key::parse("depends_on", on)?;
    }
    let id = desk.mint();
    let principal = desk.call.by.name.clone();
    let parent = under.parent.map(Key::to_string);
    let told = sighting::Under { claim_id: under.claim_id, parent: parent.as_deref() };
    sighting::append(desk.tx, &id, seen, told, &principal).await?;
    let Some(key) = Key::of(seen) else { return Ok(None) };
    let (own, new) = held(desk, &key).await?;
    // A duplicate keeps its own count; what it means for people is with the gap that stands for it.
    let stands = match (own.gap.state, own.gap.duplicate_of.clone()) {
        (State::Duplicate, Some(key)) => {
            let mut gap = own.gap.clone();
            gap.sightings += 1;
            gap.last_at = gap.last_at.max(desk.now);
            store::gap::write(desk.tx, &own, &gap).await?;
            held(desk, &key).await?.0
        }
        _ => own,
    };
    let mut gap = stands.gap.clone().sighted(seen, under.since, desk.now);
    if bug("lose-a-sighting") {
        gap.sightings -= 1;
    }
    gap.top |= under.parent.is_none();
    let rose = gap.top && !stands.gap.top && stands.gap.depth > 0;
    if let Some(job) = &seen.job {
        block(desk, &key, &mut gap, job, seen).await?;
    }
    let id_of_gap = gap.key.clone();
    if gap.state == stands.gap.state {
        store::gap::write(desk.tx, &stands, &gap).await?;
        let before = if new { serde_json::Value::Null } else { audited(&stands.gap) };
        desk.record(format!("gap:{}", gap.key), &before, &audited(&gap)).await?;
    } else {
        let why = format!("reported again by {principal}");
        write(desk, &stands, &gap, Event::Sighted, &why).await?;
    }
    tie(desk, &id_of_gap, seen, under, rose).await?;
    let (state, rank, jobs) = (gap.state.name().to_owned(), gap.standing().rank(), gap.jobs);
    Ok(Some(Reported { id, gap: id_of_gap.to_string(), state, rank, jobs }))
}

/// The gap of this key, held still, and whether it was made just now, for nobody reported it before; whoever asked leaves
/// the audit row of that.
async fn held(desk: &mut Desk<'_>, key: &Key) -> Result<(Stored, bool), No> {
    if let Some(stored) = store::gap::load(desk.tx, key).await? {
        return Ok((stored, false));
    }
    let new = store::gap::add(desk.tx, &Gap::new(key.clone(), desk.now)).await?;
    // Where somebody else just made it, this command is decided anew.
    Ok((store::gap::load(desk.tx, key).await?.ok_or(store::Fault::Conflict)?, new))
}

/// Counts a job among those that a gap blocks.
async fn block(desk: &mut Desk<'_>, key: &Key, gap: &mut Gap, job: &str, seen: &Sighting) -> Result<(), No> {
    let before = blocked::find(desk.tx, key, job).await?;
    blocked::see(desk.tx, key, job, seen.severity).await?;
    let new = before.is_none();
    match before {
        // Said before, and not made worse: nothing to count.
        Some(worst) if worst >= seen.severity => Ok(()),
        // The only gap of its name: one more job, without reading all the others.
        None if new && *key == gap.key && store::gap::duplicates(desk.tx, key).await?.is_empty() => {
            if let Some(priority) = blocked::priority(desk.tx, job).await? {
                gap.jobs += 1;
                gap.weight = gap.weight.saturating_add(domain::gap::rank::job_weight(priority, seen.severity));
            }
            Ok(())
        }
        Some(_) | None => count(desk, gap).await,
    }
}

/// Ties a gap to what it depends on, and to the gap that was worked on when it was met. `rose` says that it stands at the
/// top by now and did not before.
async fn tie(desk: &mut Desk<'_>, key: &Key, seen: &Sighting, under: Under<'_>, rose: bool) -> Result<(), No> {
    if let Some(on) = &seen.depends_on {
        let on = depended_on(desk, on, key).await?;
        let why = match depend(desk, key, &on, edge::Why::Asked).await? {
            Tied::Now => {
                deepen(desk, &on).await?;
                None
            }
            Tied::Before => {
                edge::own(desk.tx, key, &on).await?;
                None
            }
            Tied::Circle => Some((format!("{key} would wait for itself by way of {on}"), "name another, or none")),
            Tied::Full => {
                Some((format!("{key} depends on {EDGES_MAX} gaps already"), "report a gap for each capability"))
            }
        };
        if let Some((why, hint)) = why {
            return Err(Refusal::invalid("depends_on", why).hint(hint).into());
        }
    }
    // What is met while a gap is worked on is a hop below it. Where that would close a circle, or is one too many, nobody
    // asked for it.
    let parent = match under.parent {
        Some(parent) => Some(standing_for(desk, parent).await?),
        None => None,
    };
    if let Some(parent) = parent.filter(|parent| parent != key) {
        match depend(desk, &parent, key, edge::Why::Met).await? {
            Tied::Now => return deepen(desk, key).await,
            Tied::Full => return sink_below(desk, &parent, key).await,
            Tied::Before | Tied::Circle => {}
        }
    }
    if rose { deepen(desk, key).await } else { Ok(()) }
}

/// Puts a gap a hop below another that has as many edges as it may: it is not at the top for that.
async fn sink_below(desk: &mut Desk<'_>, parent: &Key, key: &Key) -> Result<(), No> {
    let above = store::gap::find(desk.tx, parent).await?.map(|parent| parent.depth);
    let Some(was) = store::gap::load(desk.tx, key).await? else { return Ok(()) };
    let nearest = edge::shallowest_above(desk.tx, key).await?.into_iter().chain(above).min();
    let depth = depth(was.gap.top, nearest);
    if depth != was.gap.depth {
        store::gap::write(desk.tx, &was, &Gap { depth, ..was.gap.clone() }).await?;
    }
    Ok(())
}

/// The gap that another depends on, or what stands for it; made where nobody reported it before, of the kind of that other
/// if none was said.
async fn depended_on(desk: &mut Desk<'_>, text: &str, key: &Key) -> Result<Key, No> {
    let (kind, name) = Key::parse("depends_on", text)?;
    let bearers = super::bearers(desk.tx, kind.as_deref(), &name).await?;
    if let Some(key) = domain::gap::resolve("depends_on", &name, kind.as_deref(), &bearers)? {
        return standing_for(desk, &key).await;
    }
    let (made, new) = held(desk, &Key { kind: kind.unwrap_or_else(|| key.kind.clone()), name }).await?;
    if new {
        desk.record(format!("gap:{}", made.gap.key), &(), &audited(&made.gap)).await?;
    }
    Ok(made.gap.key)
}

/// The gap itself, or the one that stands for it.
pub(super) async fn standing_for(desk: &mut Desk<'_>, key: &Key) -> Result<Key, No> {
    let found = store::gap::find(desk.tx, key).await?;
    Ok(found.and_then(|gap| gap.duplicate_of).unwrap_or_else(|| key.clone()))
}

/// What came of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tied {
    /// It is new.
    Now,
    /// It was there.
    Before,
    /// It would close a circle, or nobody can tell that it would not.
    Circle,
    /// The gap has as many as it may.
    Full,
}

/// Adds an edge, unless it would close a circle.
pub(super) async fn depend(desk: &mut Desk<'_>, gap: &Key, on: &Key, why: edge::Why) -> Result<Tied, No> {
    if gap != on && edge::is_there(desk.tx, gap, on).await? {
        // One that was only met may be asked for by now.
        edge::add(desk.tx, gap, on, why).await?;
        return Ok(Tied::Before);
    }
    // One edge at a time, so that two that close a circle together cannot pass each other.
    store::fence::load(desk.tx, "gap edges").await?;
    let below = edge::below(desk.tx, on).await?;
    let cut = i64::try_from(below.len()).unwrap_or(i64::MAX) >= edge::BELOW_MAX;
    if cut || closes_cycle(&below, &gap.to_string(), &on.to_string()) {
        return Ok(Tied::Circle);
    }
    if i64::try_from(edge::out(desk.tx, gap, EDGES_MAX).await?.len()).unwrap_or(EDGES_MAX) >= EDGES_MAX {
        return Ok(Tied::Full);
    }
    if !edge::add(desk.tx, gap, on, why).await? {
        return Ok(Tied::Before);
    }
    desk.record(format!("gap:{gap}"), &(), &json!({"depends_on": on.to_string()})).await?;
    Ok(Tied::Now)
}

/// Brings the depth of a gap up to date, and of what hangs below it as far as that changes.
pub(super) async fn deepen(desk: &mut Desk<'_>, key: &Key) -> Result<(), No> {
    let mut open = VecDeque::from([key.clone()]);
    let mut steps = 0;
    while let Some(key) = open.pop_front() {
        steps += 1;
        if steps > DEEPENED_MAX {
            tracing::warn!(gap = %key, "more gaps hang together than are kept in their depths at once");
            return Ok(());
        }
        let Some(was) = store::gap::load(desk.tx, &key).await? else { continue };
        let depth = depth(was.gap.top, edge::shallowest_above(desk.tx, &key).await?);
        if depth == was.gap.depth {
            continue;
        }
        store::gap::write(desk.tx, &was, &Gap { depth, ..was.gap.clone() }).await?;
        let below = edge::out(desk.tx, &key, EDGES_MAX).await?;
        open.extend(below.iter().filter_map(|(_, on)| Key::stored(on)));
    }
    Ok(())
}

/// The gaps that may be cleared or proven by the success of a job, page by page.
async fn candidates(desk: &mut Desk<'_>, job: &str) -> Result<Vec<Key>, No> {
    let mut all: Vec<Key> = Vec::new();
    loop {
        let after = all.last().map(Key::to_string).unwrap_or_default();
        let page = blocked::blocking(desk.tx, job, &after, GAPS_AT_ONCE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Takes in that a job succeeded, in a run that began at `since` and reported these gaps: none of the others blocks it any
/// more, and one that was merged before the run began is proven.
pub(crate) async fn succeeded(desk: &mut Desk<'_>, job: &str, since: Time, reported: &[Key]) -> Result<(), No> {
    for key in candidates(desk, job).await? {
        if reported.contains(&key) {
            continue;
        }
        let Some(own) = store::gap::load(desk.tx, &key).await? else { continue };
        let stands = match own.gap.duplicate_of.clone() {
            Some(key) if reported.contains(&key) => continue,
            Some(key) => store::gap::load(desk.tx, &key).await?,
            None => Some(own),
        };
        let Some(stands) = stands else { continue };
        let proves = match stands.gap.merged_at.filter(|_| stands.gap.state == State::Merged) {
            Some(merged) if since < merged && bug("prove-by-an-old-run") => true,
            Some(merged) => since >= merged && blocked::proves(desk.tx, &stands.gap.key, &key, job, merged).await?,
            None => false,
        };
        let cleared = blocked::clear(desk.tx, &key, job, desk.now).await?;
        if !cleared && !proves {
            continue;
        }
        let mut gap = stands.gap.clone();
        if cleared {
            count(desk, &mut gap).await?;
        }
        if proves {
            let gap = gap.step(Event::Proved, desk.now).map_err(|(_, refusal)| refusal)?;
            write(desk, &stands, &gap, Event::Proved, &format!("the job {job} succeeded")).await?;
        } else {
            store::gap::write(desk.tx, &stands, &gap).await?;
            desk.record(format!("gap:{}", gap.key), &audited(&stands.gap), &audited(&gap)).await?;
        }
    }
    Ok(())
}
