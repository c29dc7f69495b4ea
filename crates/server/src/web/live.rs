//! What changed on a page while somebody looks at it, as a stream of events: the parts that are not as they were, each whole.
//!
//! One clock for all looks at the journal, in which everything is that was done; whoever listens shows the page anew when that
//! moved, at most once a second, and now and then for what time alone changes. A stream begins with everything that is not as the page
//! had it, so that whoever was away misses nothing.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::frame;
use super::place::{Page, Place, asked};
use super::view;
use super::visit::{Site, Visitor};

/// How often the journal is looked at while anybody listens.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// How long after a page was shown it is shown again at the soonest.
const REST: Duration = Duration::from_millis(700);

/// How long a page is left as it is when nothing was done: beats are sent as often, by which its reader knows that it lives.
const BEAT: Duration = Duration::from_secs(10);

/// Who tells of changes.
#[derive(Clone)]
pub(crate) struct Live {
    site: Arc<Site>,
    stop: CancellationToken,
    moved: Arc<watch::Sender<Option<(i64, String)>>>,
    turns: Arc<Semaphore>,
}

/// How many pages at once are shown anew for those who listen.
const AT_ONCE: usize = 2;

impl Live {
    pub(crate) fn new(site: Arc<Site>, stop: CancellationToken) -> Self {
        let live =
            Self { site, stop, moved: Arc::new(watch::Sender::new(None)), turns: Arc::new(Semaphore::new(AT_ONCE)) };
        tokio::spawn(live.clone().watch());
        live
    }

    /// Looks at the journal for all who listen, until the server stops.
    async fn watch(self) {
        let mut clock = interval(LOOK_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.stop.run_until_cancelled(clock.tick()).await.is_some() {
            if self.moved.receiver_count() == 0 {
                continue;
            }
            // What cannot be read now is read at the next look; those who listen say that they hear nothing new.
            if let Ok(newest) = self.site.plane.newest().await {
                self.moved.send_if_modified(|was| {
                    let moved = *was != newest;
                    *was = newest;
                    moved
                });
            }
        }
    }
}

/// Somebody who listens.
struct Listener {
    live: Live,
    visitor: Visitor,
    headers: HeaderMap,
    place: Place,
    moved: watch::Receiver<Option<(i64, String)>>,
    /// The marks of the parts as whoever listens has them.
    told: HashMap<String, String>,
    /// The parts that they have, in order.
    parts: Vec<&'static str>,
    shown_at: Option<Instant>,
    waiting: VecDeque<Event>,
    ended: bool,
}

/// `GET /live?at=PAGE`
pub(crate) async fn listen(
    State(live): State<Live>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut asked = asked(&query.unwrap_or_default());
    let at = asked.remove("at").unwrap_or_default();
    let (path, query) = at.split_once('?').unwrap_or((&at, ""));
    let Ok(place) = Place::read(&format!("/{path}"), query) else { return StatusCode::NOT_FOUND.into_response() };
    // Whoever was away may have what is older than their page; then nothing is left out.
    let seen = asked.remove("seen").filter(|_| !headers.contains_key("last-event-id")).unwrap_or_default();
    let told = seen.split('-').filter_map(|part| part.split_once('.'));
    let told = told.map(|(id, mark)| (id.to_owned(), mark.to_owned())).collect();
    let moved = live.moved.subscribe();
    let listener = Listener {
        live,
        visitor,
        headers,
        place,
        moved,
        told,
        parts: Vec::new(),
        shown_at: None,
        waiting: VecDeque::new(),
        ended: false,
    };
    let quiet = [
        (header::CACHE_CONTROL, super::NOT_KEPT),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (quiet, Sse::new(events(listener)).keep_alive(KeepAlive::default())).into_response()
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(listener, |mut listener| async move {
        let event = match listener.waiting.pop_front() {
            Some(event) => event,
            None if listener.ended => return None,
            None => listener.next().await?,
        };
        Some((Ok(event), listener))
    })
}

/// How long a page rests after it was shown: what is heavy, and what never changes, longer.
const fn rest(page: &Page) -> Duration {
    match page {
        Page::Diff(_) | Page::Run(_) => Duration::from_mins(5),
        Page::Evidence | Page::Stratum(_) | Page::Inventory => Duration::from_secs(5),
        Page::Overview
        | Page::Queue
        | Page::Job(_)
        | Page::Pipeline
        | Page::Pull(_)
        | Page::Locks
        | Page::Gaps
        | Page::Alike
        | Page::Gap(_)
        | Page::Issue(_)
        | Page::Schedules
        | Page::Decisions
        | Page::Audit
        | Page::Agents
        | Page::Settings => REST,
    }
}

impl Listener {
    /// The next event; none once the server stops.
    async fn next(&mut self) -> Option<Event> {
        let stop = self.live.stop.clone();
        if let Some(shown_at) = self.shown_at {
            let left = rest(&self.place.page).saturating_sub(shown_at.elapsed());
            // The end of the server is the only thing that is waited for here; what rests for long still lives.
            if !left.is_zero() && timeout(left.min(BEAT), stop.cancelled()).await.is_ok() {
                return None;
            }
            if left > BEAT {
                return Some(self.beat().await);
            }
            // Nothing done within a beat is an event too: time goes on.
            drop(stop.run_until_cancelled(timeout(BEAT, self.moved.changed())).await?);
        }
        self.shown_at = Some(Instant::now());
        self.show().await
    }

    /// That nothing changed; or that whoever listens is not signed in any more.
    async fn beat(&mut self) -> Event {
        match self.live.site.visitor(&self.headers).await {
            Ok(Some(visitor)) if visitor.by == self.visitor.by => {
                self.visitor = visitor;
                Event::default().event("beat").data("")
            }
            Ok(Some(_) | None) => {
                self.ended = true;
                Event::default().event("gone").data("")
            }
            // The store does not answer: what is shown stays, and its reader sees that it is old.
            Err(_) => Event::default().comment("the store does not answer"),
        }
    }

    /// What changed, or that nothing did.
    async fn show(&mut self) -> Option<Event> {
        let beat = self.beat().await;
        if self.ended {
            return Some(beat);
        }
        // So many pages at once are shown anew, however many listen.
        let _turn = self.live.turns.acquire().await.ok()?;
        let call = self.live.site.call(&self.visitor, "page", None);
        let Ok(shown) = view::look(&self.live.site, &self.visitor, &self.place, call).await else {
            return Some(Event::default().comment("the page cannot be shown now"));
        };
        let parts: Vec<_> = shown.view.parts.iter().map(|part| part.id).collect();
        if parts != self.parts {
            self.waiting.push_back(Event::default().event("parts").data(parts.join(" ")));
            self.parts = parts;
        }
        let mut changed = String::new();
        for (id, mark, html) in frame::marks(&self.place, &shown.counts, &shown.view) {
            if self.told.get(id) != Some(&mark) {
                self.told.insert(id.to_owned(), mark);
                changed.push_str(&html);
            }
        }
        if !changed.is_empty() {
            // An event has an id, by which a browser that comes back says that it was here before.
            let patch = Event::default().id("0").event("patch").data(changed.replace('\r', "&#13;"));
            self.waiting.push_back(patch);
        }
        Some(self.waiting.pop_front().unwrap_or(beat))
    }
}
