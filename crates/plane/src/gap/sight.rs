//! Taking in reports: a sighting is appended, its gap made or moved, what it blocks counted, and what it depends on tied.

use domain::gap::relation::{EDGES_MAX, closes_cycle, depths};
use domain::gap::{Event, Gap, Key, Sighting, State, unheard};
use domain::refusal::Refusal;
use domain::time::Time;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::gap::{Stored, blocked, edge, sighting};

use super::{audited, count, write};
use crate::desk::Desk;
use crate::{Call, No, Plane};

/// The most gaps that hang together and whose depths are kept true at once.
const TOGETHER_MAX: usize = 500;

/// The most gaps that one job was reported to need.
const GAPS_OF_JOB_MAX: i64 = 200;

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    // A report about the job that its reporter holds is of the run under way.
    let job = match &seen.job {
        Some(job) => store::job::find(desk.tx, job).await?,
        None => None,
    };
    let claim = job.as_ref().and_then(|job| match &job.state {
        domain::job::State::Held(claim) if claim.principal == desk.call.by.name => Some(claim),
        domain::job::State::Held(_)
        | domain::job::State::Idle
        | domain::job::State::Waiting
        | domain::job::State::Ready
        | domain::job::State::Dead => None,
    });
    let parent = claim.and(job.as_ref()).and_then(|job| Key::stored(job.gap.as_deref()?));
    let since = claim.map_or(desk.now, |claim| claim.claimed_at);
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
    let own = held(desk, &key).await?;
    // A duplicate keeps its own count; what it means for people is with the gap that stands for it.
    let stands = match (own.gap.state, own.gap.duplicate_of.clone()) {
        (State::Duplicate, Some(key)) => {
            let mut gap = own.gap.clone();
            gap.sightings += 1;
            gap.last_at = gap.last_at.max(desk.now);
            store::gap::write(desk.tx, &own, &gap).await?;
            held(desk, &key).await?
        }
        _ => own,
    };
    let mut gap = stands.gap.clone().sighted(seen, under.since, desk.now);
    gap.top |= under.parent.is_none();
    if let Some(job) = &seen.job {
        block(desk, &key, &mut gap, job, seen).await?;
    }
    let id_of_gap = gap.key.clone();
    if gap.state == stands.gap.state {
        store::gap::write(desk.tx, &stands, &gap).await?;
        desk.record(format!("gap:{}", gap.key), &audited(&stands.gap), &audited(&gap)).await?;
    } else {
        let why = format!("reported again by {principal}");
        write(desk, &stands, &gap, Event::Sighted, &why).await?;
    }
    tie(desk, &id_of_gap, seen, under).await?;
    let (state, rank, jobs) = (gap.state.name().to_owned(), gap.standing().rank(), gap.jobs);
    Ok(Some(Reported { id, gap: id_of_gap.to_string(), state, rank, jobs }))
}

/// The gap of this key, held still; made where nobody reported it before.
async fn held(desk: &mut Desk<'_>, key: &Key) -> Result<Stored, No> {
    if let Some(stored) = store::gap::load(desk.tx, key).await? {
        return Ok(stored);
    }
    let gap = Gap::new(key.clone(), desk.now);
    if store::gap::add(desk.tx, &gap).await? {
        desk.record(format!("gap:{key}"), &(), &audited(&gap)).await?;
    }
    // Where somebody else just made it, this command is decided anew.
    Ok(store::gap::load(desk.tx, key).await?.ok_or(store::Fault::Conflict)?)
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

/// Ties a gap to what it depends on, and to the gap that was worked on when it was met.
async fn tie(desk: &mut Desk<'_>, key: &Key, seen: &Sighting, under: Under<'_>) -> Result<(), No> {
    let mut tied = false;
    if let Some(on) = &seen.depends_on {
        let on = depended_on(desk, on).await?;
        if !depend(desk, key, &on, edge::Why::Asked).await? {
            return Err(Refusal::invalid("depends_on", format!("{key} would wait for itself by way of {on}"))
                .hint("name a gap that does not depend on this one, or leave depends_on out")
                .into());
        }
        tied = true;
    }
    // What is met while a gap is worked on is a hop below it. Where that would close a circle, nobody said so.
    if let Some(parent) = under.parent
        && parent != key
    {
        tied |= depend(desk, parent, key, edge::Why::Met).await?;
    }
    if tied || !edge::above(desk.tx, key, 1).await?.is_empty() {
        let key = key.clone();
        deepen(desk, &key).await?;
    }
    Ok(())
}

/// The gap that another depends on, made where nobody reported it before.
async fn depended_on(desk: &mut Desk<'_>, text: &str) -> Result<Key, No> {
    let (kind, name) = Key::parse("depends_on", text)?;
    let bearers = store::gap::called(desk.tx, &name).await?;
    match domain::gap::resolve("depends_on", &name, kind.as_deref(), &bearers)? {
        Some(key) => Ok(key),
        None => Ok(held(desk, &unheard(name, kind)).await?.gap.key),
    }
}

/// Adds an edge, unless it would close a cycle; true when it stands.
async fn depend(desk: &mut Desk<'_>, gap: &Key, on: &Key, why: edge::Why) -> Result<bool, No> {
    // One edge at a time, so that two that close a cycle together cannot pass each other.
    store::fence::load(desk.tx, "gap edges").await?;
    let below = edge::below(desk.tx, on).await?;
    if closes_cycle(&below, &gap.to_string(), &on.to_string()) {
        return Ok(false);
    }
    if edge::out(desk.tx, gap, EDGES_MAX).await?.len() >= usize::try_from(EDGES_MAX).unwrap_or(usize::MAX) {
        return Err(Refusal::invalid("depends_on", format!("{gap} depends on {EDGES_MAX} gaps already"))
            .hint("report a gap for each capability, not one for all")
            .into());
    }
    if edge::add(desk.tx, gap, on, why).await? {
        desk.record(format!("gap:{gap}"), &(), &json!({"depends_on": on.to_string()})).await?;
    }
    Ok(true)
}

/// Brings the depths of the gaps that hang together with one up to date.
async fn deepen(desk: &mut Desk<'_>, key: &Key) -> Result<(), No> {
    let edges = edge::around(desk.tx, key).await?;
    let mut keys: Vec<&str> = edges.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(TOGETHER_MAX);
    let mut gaps = Vec::with_capacity(keys.len());
    for key in keys.iter().filter_map(|key| Key::stored(key)) {
        gaps.extend(store::gap::load(desk.tx, &key).await?);
    }
    let names: Vec<(String, bool)> = gaps.iter().map(|stored| (stored.gap.key.to_string(), stored.gap.top)).collect();
    let deep = depths(names.iter().map(|(key, top)| (key.as_str(), *top)), &edges);
    for stored in &gaps {
        let key = stored.gap.key.to_string();
        match deep.get(key.as_str()) {
            Some(depth) if *depth != stored.gap.depth => {
                let gap = Gap { depth: *depth, ..stored.gap.clone() };
                store::gap::write(desk.tx, stored, &gap).await?;
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Takes in that a job succeeded, in a run that began at `since` and reported these gaps: none of the others blocks it any
/// more, and one that was merged before the run began is proven.
pub(crate) async fn succeeded(desk: &mut Desk<'_>, job: &str, since: Time, reported: &[Key]) -> Result<(), No> {
    for key in blocked::blocking(desk.tx, job, GAPS_OF_JOB_MAX).await? {
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
        let cleared = blocked::clear(desk.tx, &key, job, desk.now).await?;
        let proves = stands.gap.state == State::Merged && stands.gap.merged_at.is_some_and(|merged| since >= merged);
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
