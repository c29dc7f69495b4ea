//! The doctor, let look by somebody: one look at a time, within a bound, kept until the next.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::agent::Right;
use domain::refusal::{Code, Refusal};
use tokio::time::timeout;

use super::act::Sent;
use super::fault;
use super::installation::{Check, Verdict};
use super::sign_in::foreign_form;
use super::visit::{Site, Visitor, redirect};

/// How long the doctor may look.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// `POST /doctor`
pub(super) async fn look(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Sent(sent): Sent,
) -> Response {
    let call = site.call(&visitor, "page doctor", None);
    let refused = |refusal: Refusal| fault(refusal.into(), &call.request_id, "/doctor");
    if sent.get("form_key") != Some(&visitor.form_key) {
        return refused(foreign_form());
    }
    if let Err(refusal) = visitor.by.require(Right::Operate, "the doctor") {
        return refused(refusal);
    }
    let Ok(mut kept) = site.doctor.try_lock() else {
        return refused(
            Refusal::new(Code::Unavailable, "the doctor is looking already").hint("look at its page again soon"),
        );
    };
    let checks = timeout(LOOK_MAX, site.installation.doctor()).await.unwrap_or_else(|_| {
        vec![Check {
            name: "doctor".to_owned(),
            verdict: Verdict::Unknown,
            found: format!("it did not end within {} s", LOOK_MAX.as_secs()),
            hint: "ask it on the machine of the server: gapwright doctor".to_owned(),
        }]
    });
    *kept = Some((visitor.now, checks));
    drop(kept);
    redirect("./settings")
}
