//! One run: from its claim to its end, with everything that its worker said.

use maud::html;
use plane::No;

use super::super::part::{self, Part, Width};
use super::super::place::Page;
use super::job::blocked_by;
use super::{Cx, View, outcome_tag};

pub(super) async fn view(cx: &Cx<'_>, claim: &str) -> Result<View, No> {
    let run = cx.plane().show_run(&cx.call, claim).await?;
    let blocked = blocked_by(cx, &run.job).await?;
    let facts = html! {
        dl .facts {
            dt { "Outcome" } dd { (outcome_tag(run.outcome)) }
            dt { "Status" } dd { (part::said(&run.status)) }
            dt { "Job" } dd { a href=(cx.to(&Page::Job(run.job.clone()))) { (part::line(&run.job, 200)) } }
            (blocked)
            dt { "Kind" } dd { (part::line(&run.kind, 120)) }
            dt { "By" } dd { (part::line(&run.principal, 120)) ", as " (part::line(&run.holder, 120)) }
            dt { "Claimed" } dd { (cx.ago(run.claimed_at)) }
            dt { "Ended" } dd { (cx.ago(run.ended_at)) ", after " (part::lasting(run.ended_at.since(run.claimed_at))) }
            dt { "Attempt" } dd { (run.attempt) }
            dt { "Fencing token" } dd .mono { (run.fencing_token) }
            dt { "Claim" } dd .mono { (run.claim_id) }
        }
    };
    let summary = match &run.summary {
        Some(summary) => part::body(&part::said(summary)),
        None => part::empty("No summary", "Its worker said nothing but how it ended.", ""),
    };
    Ok(View::of(
        format!("Run of {}", run.job),
        vec![
            Part::card("facts", Width::Half, ("How it went", ""), part::body(&facts)),
            Part::card("summary", Width::Half, ("Summary", "its worker's own words"), summary),
        ],
    ))
}
