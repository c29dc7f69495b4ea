//! The control room, and the page of a link: plain HTML that works without a script, under a policy that lets nothing in from
//! elsewhere. The address says what is shown (`place`), a file of `view` shows it, `frame` puts it in its frame, `live` tells
//! what changed since, and `act` does what somebody asks for, once they have confirmed it.

mod act;
pub(crate) mod asset;
pub(crate) mod decision;
mod doctor;
pub(crate) mod frame;
mod installation;
mod kept;
mod live;
mod part;
mod place;
mod sign_in;
mod view;
pub(crate) mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::refusal::{Code, Refusal};
use maud::Markup;
use plane::No;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

pub use installation::{Check, Installation, Setting, Silent, Verdict};
pub(crate) use visit::Site;

use crate::stream::{Streams, bounded};

/// What a browser may do on a page of ours: load its style, script and sign from here, listen to here, and send a form here.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What no cache is to keep.
pub(super) const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Headers of every page: nothing is kept, framed, guessed or told to others.
const HEADERS: [(header::HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::CACHE_CONTROL, NOT_KEPT),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The largest form that is read, in bytes: the longest text of 10,000 characters, each of four bytes, escaped, and what is
/// around it.
const FORM_BYTES_MAX: usize = 160 * 1024;

/// Every route of the pages for people.
pub(crate) fn routes(site: &Arc<Site>, streams: Arc<Streams>, stop: CancellationToken) -> Router {
    let live = live::Live::new(Arc::clone(site), stop);
    let pages = [
        "/",
        "/queue",
        "/jobs/{name}",
        "/runs/{claim}",
        "/pipeline",
        "/pulls/{id}",
        "/pulls/{id}/diff",
        "/locks",
        "/gaps",
        "/gaps/inventory",
        "/gaps/alike",
        "/gaps/one/{key}",
        "/issues/{number}",
        "/evidence",
        "/evidence/{id}",
        "/schedules",
        "/decisions",
        "/audit",
        "/agents",
        "/settings",
    ];
    let pages = pages.into_iter().fold(Router::new(), |router, path| router.route(path, get(view::show)));
    let inside = pages
        .route("/act/{act}", get(act::ask).post(act::done))
        .route("/sign-out", post(sign_in::leave))
        .route("/audit/export", get(view::audit::export))
        .route("/doctor", post(doctor::look))
        .with_state(Arc::clone(site))
        .merge(
            Router::new()
                .route("/live", get(live::listen).with_state(live))
                .layer(from_fn_with_state(streams, bounded)),
        )
        .layer(from_fn_with_state(Arc::clone(site), visit::signed_in));
    let door = Router::new().route("/sign-in", get(sign_in::ask).post(sign_in::enter)).with_state(Arc::clone(site));
    let assets = asset::ALL.into_iter().fold(Router::new(), |router, asset| {
        router.route(&asset.path(), get(move || std::future::ready(asset.answer())))
    });
    inside
        .merge(door)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(site), visit::ours))
        .merge(assets)
        .layer(from_fn(kept_apart))
        .layer(CompressionLayer::new())
}

/// What is asked of pages goes to nobody else's window.
async fn kept_apart(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let alone = HeaderValue::from_static("same-origin");
    response.headers_mut().insert("cross-origin-opener-policy", alone.clone());
    response.headers_mut().insert("cross-origin-resource-policy", alone);
    response
}

/// A page as an answer.
fn answer(status: StatusCode, page: Markup) -> Response {
    (status, HEADERS, axum::response::Html(page.into_string())).into_response()
}

/// A no as a page, with the id of the request, by which the log has it.
fn fault(no: No, request_id: &str, path: &str) -> Response {
    match &no {
        No::Fault(fault) => tracing::error!(request_id, path, %fault, "a page was not shown"),
        No::Refusal(refusal) => tracing::info!(request_id, path, why = refusal.message, "a page was refused"),
    }
    frame::refused(&crate::refusal(no), request_id, &place::base(path.trim_start_matches('/')))
}

/// What is asked for that is nowhere.
pub(crate) async fn nowhere(uri: axum::http::Uri) -> Response {
    let refusal = Refusal::new(Code::NotFound, "there is no such page").hint("begin at the overview");
    frame::refused(&refusal, "", &place::base(uri.path().trim_start_matches('/')))
}
