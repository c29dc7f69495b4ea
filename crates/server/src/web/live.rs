//! What changed on a page while somebody looks at it, as a stream of events: the parts that are not as they were, each whole.
//!
//! One clock for all looks at the journal, in which everything is that was done; whoever listens shows the page anew when that
//! moved, at most once a second, and now and then for what time alone changes. A stream begins with everything there is, so
//! that whoever was away misses nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::id;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::frame;
use super::place::{Place, asked};
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
}

impl Live {
    pub(crate) fn new(site: Arc<Site>, stop: CancellationToken) -> Self {
        let live = Self { site, stop, moved: Arc::new(watch::Sender::new(None)) };
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
    /// The digests of the parts as they were last told.
    told: HashMap<String, String>,
    shown_at: Option<Instant>,
    ended: bool,
}

/// `GET /live?at=PAGE`
pub(crate) async fn listen(
    State(live): State<Live>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let at = asked(&query.unwrap_or_default()).remove("at").unwrap_or_default();
    let (path, query) = at.split_once('?').unwrap_or((&at, ""));
    let Ok(place) = Place::read(&format!("/{path}"), query) else { return StatusCode::NOT_FOUND.into_response() };
    let moved = live.moved.subscribe();
    let listener =
        Listener { live, visitor, headers, place, moved, told: HashMap::new(), shown_at: None, ended: false };
    let quiet = [
        (header::CACHE_CONTROL, super::NOT_KEPT),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (quiet, Sse::new(events(listener)).keep_alive(KeepAlive::default())).into_response()
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(listener, |mut listener| async move {
        if listener.ended {
            return None;
        }
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    /// The next event; none once the server stops.
    async fn next(&mut self) -> Option<Event> {
        let stop = self.live.stop.clone();
        if let Some(shown_at) = self.shown_at {
            let rest = REST.saturating_sub(shown_at.elapsed());
            if !rest.is_zero() {
                stop.run_until_cancelled(tokio::time::sleep(rest)).await?;
            }
            // Nothing done within a beat is an event too: time goes on.
            drop(stop.run_until_cancelled(timeout(BEAT, self.moved.changed())).await?);
        }
        self.shown_at = Some(Instant::now());
        let shown = self.show().await;
        Some(shown.unwrap_or_else(|()| {
            self.ended = true;
            Event::default().event("gone").data("")
        }))
    }

    /// What changed, or that nothing did; an error where whoever listens is not signed in any more.
    async fn show(&mut self) -> Result<Event, ()> {
        match self.live.site.visitor(&self.headers).await {
            Ok(Some(visitor)) if visitor.by == self.visitor.by => self.visitor = visitor,
            Ok(Some(_) | None) => return Err(()),
            // The store does not answer: what is shown stays, and its reader is told that it is old.
            Err(_) => return Ok(Event::default().comment("the store does not answer")),
        }
        let Ok(shown) = view::live(&self.live.site, &self.visitor, &self.place).await else {
            return Ok(Event::default().comment("the page cannot be shown now"));
        };
        let mut changed = String::new();
        let rail = frame::rail(&self.place, &shown.counts).into_string();
        let acts = view::acts(&shown.view).into_string();
        let parts = shown.view.parts.iter().map(|part| (part.id, frame::patched(part)));
        for (id, html) in [("rooms", rail), ("acts", acts)].into_iter().chain(parts) {
            let digest = id::digest(html.as_bytes());
            if self.told.get(id) != Some(&digest) {
                self.told.insert(id.to_owned(), digest);
                changed.push_str(&html);
            }
        }
        Ok(if changed.is_empty() {
            Event::default().event("beat").data("")
        } else {
            Event::default().event("patch").data(changed.replace('\r', "&#13;"))
        })
    }
}
