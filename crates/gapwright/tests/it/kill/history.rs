//! What the clients were answered, and whether the store still says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::time::Time;
use plane::{Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use store::Store;
use tokio::sync::watch;

/// Something that a client knows, with the ticks before it asked and after it heard.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Registered { name: String },
    Granted { key: String, token: i64, began: u64, ended: u64 },
    Claimed { job: String, claim_id: String, token: i64, since: Time, until: Time, began: u64, ended: u64 },
    Completed { job: String, claim_id: String, began: u64 },
    Told { id: String },
    Reported { id: String },
}

/// The history that all clients write.
pub(super) struct History {
    events: Mutex<Vec<Event>>,
    ticks: AtomicU64,
    heard: watch::Sender<usize>,
    stopped: AtomicBool,
}

impl Default for History {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            ticks: AtomicU64::new(0),
            heard: watch::Sender::new(0),
            stopped: AtomicBool::new(false),
        }
    }
}

impl History {
    pub(super) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    pub(super) fn note(&self, event: Event) {
        self.events.lock().expect("nobody panicked").push(event);
    }

    pub(super) fn heard(&self) {
        self.heard.send_modify(|heard| *heard += 1);
    }

    /// Waits until so many more answers were heard.
    pub(super) async fn answered(&self, more: usize) {
        let mut heard = self.heard.subscribe();
        let goal = *heard.borrow() + more;
        while *heard.borrow_and_update() < goal && !self.stopped() {
            heard.changed().await.expect("the history lives");
        }
    }

    /// Waits until somebody else is known to have claimed the job after this token, or for 300 more answers.
    pub(super) async fn claimed_again(&self, job: &str, token: i64) {
        let again = |event: &Event| matches!(event, Event::Claimed { job: of, token: later, .. } if of == job && *later > token);
        for _ in 0..300 {
            if self.stopped() || self.events.lock().expect("nobody panicked").iter().any(again) {
                return;
            }
            self.answered(1).await;
        }
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.heard();
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(super) fn count(&self) -> usize {
        *self.heard.borrow()
    }

    /// Every answer that does not hold.
    pub(super) async fn broken(&self, store: &Store) -> Vec<String> {
        let events = self.events.lock().expect("nobody panicked").clone();
        let mut broken = tokens_grow(&events);
        broken.extend(one_completion_per_claim(&events));
        broken.extend(one_claim_at_a_time(&events, store).await);
        broken.extend(nothing_acknowledged_is_lost(&events, store).await);
        broken
    }
}

/// INV-1, INV-2: no token is given twice for a name, and one granted before another was asked for is smaller.
fn tokens_grow(events: &[Event]) -> Vec<String> {
    let mut names: BTreeMap<String, Vec<(u64, u64, i64)>> = BTreeMap::new();
    for event in events {
        match event {
            Event::Granted { key, token, began, ended } => {
                names.entry(format!("lock {key}")).or_default().push((*began, *ended, *token));
            }
            Event::Claimed { job, token, began, ended, .. } => {
                names.entry(format!("job {job}")).or_default().push((*began, *ended, *token));
            }
            Event::Registered { .. } | Event::Completed { .. } | Event::Told { .. } | Event::Reported { .. } => {}
        }
    }
    let mut broken = Vec::new();
    for (name, grants) in names {
        let distinct: BTreeSet<_> = grants.iter().map(|(_, _, token)| token).collect();
        if distinct.len() != grants.len() {
            broken.push(format!("INV-1: {name} gave a token twice"));
        }
        for (_, ended, token) in &grants {
            for (began, _, later) in grants.iter().filter(|(began, _, _)| began > ended) {
                if later <= token {
                    broken
                        .push(format!("INV-2: {name} gave {later}, asked at {began}, after {token}, heard at {ended}"));
                }
            }
        }
    }
    broken
}

/// INV-5: a claim is completed once, and not after somebody else was known to have the job.
fn one_completion_per_claim(events: &[Event]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut completed = BTreeSet::new();
    for event in events {
        let Event::Completed { job, claim_id, began, .. } = event else { continue };
        if !completed.insert(claim_id.clone()) {
            broken.push(format!("INV-5: the claim {claim_id} of {job} was completed twice"));
        }
        let token = |event: &Event| match event {
            Event::Claimed { claim_id: id, token, .. } => (id == claim_id).then_some(*token),
            Event::Registered { .. }
            | Event::Granted { .. }
            | Event::Completed { .. }
            | Event::Told { .. }
            | Event::Reported { .. } => None,
        };
        let own = events.iter().find_map(token);
        let later = events.iter().find(|event| {
            matches!(event, Event::Claimed { job: of, token, ended, .. } if of == job && Some(*token) > own && ended < began)
        });
        if let Some(later) = later {
            broken.push(format!("INV-5: {claim_id} of {job} was completed at {began} after {later:?}"));
        }
    }
    broken
}

/// INV-5: a claim begins once the one before it, by its token, has run out or has ended.
async fn one_claim_at_a_time(events: &[Event], store: &Store) -> Vec<String> {
    let mut tx = store.read().await.expect("a look at the store");
    let mut jobs: BTreeMap<&str, BTreeMap<i64, (&str, Time, Time)>> = BTreeMap::new();
    for event in events {
        if let Event::Claimed { job, claim_id, token, since, until, .. } = event {
            jobs.entry(job).or_default().insert(*token, (claim_id, *since, *until));
        }
    }
    let mut broken = Vec::new();
    for (job, claims) in jobs {
        for ((earlier, _, until), (later, since, _)) in claims.values().zip(claims.values().skip(1)) {
            let run = store::run::find(&mut tx, earlier).await.expect("a look");
            if since < until && run.is_none_or(|run| run.ended_at > *since) {
                broken.push(format!("INV-5: {later} of {job} began at {since} while {earlier} had it until {until}"));
            }
        }
    }
    broken
}

/// INV-4: what was acknowledged is there.
async fn nothing_acknowledged_is_lost(events: &[Event], store: &Store) -> Vec<String> {
    let mut tx = store.read().await.expect("a look at the store").unhurried();
    let mut broken = Vec::new();
    let sightings: Vec<(String,)> = tx.all("SELECT id FROM sighting", &[]).await.expect("the sightings");
    let sightings: BTreeSet<_> = sightings.into_iter().map(|(id,)| id).collect();
    for event in events {
        let there = match event {
            Event::Registered { name } => store::job::find(&mut tx, name).await.expect("a look").is_some(),
            Event::Completed { claim_id, .. } => {
                let run = store::run::find(&mut tx, claim_id).await.expect("a look");
                run.is_some_and(|run| run.outcome == domain::job::Outcome::Ok)
            }
            Event::Claimed { job, claim_id, .. } => {
                let run = store::run::find(&mut tx, claim_id).await.expect("a look").is_some();
                run || store::job::by_claim(&mut tx, claim_id)
                    .await
                    .expect("a look")
                    .is_some_and(|held| held.name == *job)
            }
            Event::Granted { key, token, .. } => store::fence::load(&mut tx, key).await.expect("a look") >= *token,
            Event::Told { id } => store::outbox::find(&mut tx, id).await.expect("a look").is_some(),
            Event::Reported { id } => sightings.contains(id),
        };
        if !there {
            broken.push(format!("INV-4: {event:?} was acknowledged and is lost"));
        }
    }
    broken
}

/// A plane over the store, to seal and verify with.
pub(super) fn plane(store: &Store) -> Plane {
    Plane::new(store.clone(), Settings::new(reqwest::Client::new()), StdRng::seed_from_u64(1))
}
