//! The resources: what a client may read without calling a tool.

use std::collections::BTreeMap;

use domain::gap::Key;
use domain::refusal::{Code, Refusal};
use percent_encoding::percent_decode_str;
use plane::page::{Ask, LIMIT_MAX};
use plane::{Call, No, Plane};
use rmcp::model::{
    CacheScope, CompleteRequestParams, CompleteResult, CompletionInfo, ReadResourceResult, Reference, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};
use store::Fault;
use store::gap::Which;

use super::{gap, pull};

const GAPS: &str = "gapwright://gaps";
const OUTCOMES: &str = "gapwright://gap_outcomes";
const GAP: &str = "gapwright://gap/";
const GAP_TEMPLATE: &str = "gapwright://gap/{name}";
const PULL: &str = "gapwright://pull/";
const PULL_TEMPLATE: &str = "gapwright://pull/{repo}/{number}";
const BUDGET: &str = "gapwright://budget/";
const BUDGET_TEMPLATE: &str = "gapwright://budget/{claim}";
const GUARANTEES: &str = "gapwright://guarantees";

const GAPS_ABOUT: &str = "The capability gaps that are still to be closed, by rank";
const OUTCOMES_ABOUT: &str =
    "What became of gaps and of their pull requests, by kind, with how often each was reported and what it blocks";
const GAP_ABOUT: &str = "One gap, by its name or as KIND/NAME, with its rank, what it blocks and its reports";
const PULL_ABOUT: &str = "One pull request of the pipeline, by its repository and number, with why it stands so";
const BUDGET_ABOUT: &str = "What a claim may still spend, told to whoever holds it";
const GUARANTEES_ABOUT: &str = "What this service promises, and what it does not";

const GUARANTEES_TEXT: &str = include_str!("../../../../docs/guarantees.md");

/// Every text of every resource that a gateway might look at, with the resource's name.
pub(super) fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("gaps", GAPS_ABOUT),
        ("gap_outcomes", OUTCOMES_ABOUT),
        ("gap", GAP_ABOUT),
        ("pull", PULL_ABOUT),
        ("budget", BUDGET_ABOUT),
        ("guarantees", GUARANTEES_ABOUT),
    ]
    .into_iter()
}

pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(GAPS, "gaps").with_description(GAPS_ABOUT).with_mime_type("application/json"),
        Resource::new(OUTCOMES, "gap_outcomes").with_description(OUTCOMES_ABOUT).with_mime_type("application/json"),
        Resource::new(GUARANTEES, "guarantees").with_description(GUARANTEES_ABOUT).with_mime_type("text/markdown"),
    ]
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template = |uri: &str, name: &str, about: &str| {
        ResourceTemplate::new(uri, name).with_description(about).with_mime_type("application/json")
    };
    vec![
        template(GAP_TEMPLATE, "gap", GAP_ABOUT),
        template(PULL_TEMPLATE, "pull", PULL_ABOUT),
        template(BUDGET_TEMPLATE, "budget", BUDGET_ABOUT),
    ]
}

pub(super) async fn read(plane: &Plane, call: &Call, uri: &str) -> Result<ReadResourceResult, No> {
    if uri == GUARANTEES {
        let contents = ResourceContents::text(GUARANTEES_TEXT, uri).with_mime_type("text/markdown");
        return Ok(cached(contents, CacheScope::Public, super::LIST_TTL_MS));
    }
    let found = if uri == GAPS {
        gaps(plane, call).await?
    } else if uri == OUTCOMES {
        inventory(plane, call).await?
    } else if let Some(name) = uri.strip_prefix(GAP) {
        one(plane, call, name).await?
    } else if let Some((repo, number)) = uri.strip_prefix(PULL).and_then(|rest| rest.rsplit_once('/')) {
        let repo = percent_decode_str(repo).decode_utf8_lossy();
        json!(pull::numbered(plane, call, &repo, number).await?)
    } else if let Some(claim) = uri.strip_prefix(BUDGET) {
        // What it tells is what the tool tells, to the same callers.
        let call = Call { tool: "my-budget", ..call.clone() };
        json!(pull::left(&plane.my_budget(&call, claim).await?))
    } else {
        let why = format!("there is no resource {}", super::printable(uri));
        return Err(Refusal::new(Code::NotFound, why).hint("resources/list shows those that there are").into());
    };
    let contents = ResourceContents::text(found.to_string(), uri).with_mime_type("application/json");
    Ok(cached(contents, CacheScope::Private, 0))
}

/// The names of gaps that begin so, of those that block most, as KIND/NAME where several kinds share one. Everything else has nothing to complete, and a prompt
/// that a gateway renamed is no error.
pub(super) async fn complete(
    plane: &Plane,
    call: &Call,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, No> {
    let about_gap = matches!(&request.r#ref, Reference::Resource(asked) if asked.uri == GAP_TEMPLATE);
    if !about_gap || request.argument.name != "name" {
        return Ok(CompleteResult::default());
    }
    let page = plane.list_gaps(call, Which::Live, None, &Ask::new(Some(LIMIT_MAX), None)?).await?;
    let begun = request.argument.value.as_str();
    let keys: Vec<_> = page.items.into_iter().map(|ranked| ranked.gap.key).collect();
    let mut bearers = BTreeMap::<&str, usize>::new();
    for key in &keys {
        *bearers.entry(&key.name).or_default() += 1;
    }
    // A name that several kinds share says nothing alone.
    let told = |key: &Key| if bearers[key.name.as_str()] > 1 { key.to_string() } else { key.name.clone() };
    let begins = |key: &&Key| key.name.starts_with(begun) || told(key).starts_with(begun);
    let mut names: Vec<_> = keys.iter().filter(begins).map(told).collect();
    let more = page.cursor.is_some() || names.len() > CompletionInfo::MAX_VALUES;
    names.truncate(CompletionInfo::MAX_VALUES);
    let values = CompletionInfo::with_pagination(names, None, more);
    Ok(values.map(CompleteResult::new).map_err(Fault::Other)?)
}

fn cached(contents: ResourceContents, scope: CacheScope, ttl_ms: u64) -> ReadResourceResult {
    let mut result = ReadResourceResult::new(vec![contents]);
    result.cache_scope = Some(scope);
    result.ttl_ms = Some(ttl_ms);
    result
}

async fn gaps(plane: &Plane, call: &Call) -> Result<Value, No> {
    let page = plane.list_gaps(call, Which::Live, None, &Ask::default()).await?;
    let gaps: Vec<_> = page.items.iter().map(|found| gap::with_issue(plane, found)).collect();
    Ok(json!({"gaps": gaps, "more": page.cursor.is_some()}))
}

async fn one(plane: &Plane, call: &Call, name: &str) -> Result<Value, No> {
    // A template writes the slash of KIND/NAME, and what no address may hold, as percent signs.
    let name = percent_decode_str(name).decode_utf8_lossy();
    let shown = plane.show_gap(call, &name, &Ask::default()).await?;
    let more = shown.sightings.cursor.is_some();
    let mut shown = json!(gap::shown(plane, shown));
    shown["more"] = json!(more);
    Ok(shown)
}

async fn inventory(plane: &Plane, call: &Call) -> Result<Value, No> {
    let inventory = plane.inventory(call).await?;
    let pulls = plane.count_outcomes(call, domain::time::Time(0)).await?.by_kind;
    let kinds: Vec<_> = inventory
        .kinds
        .iter()
        .map(|kind| {
            json!({
                "kind": kind.kind, "gaps": kind.gaps, "outcomes": kind.outcomes, "pulls": pulls.get(&kind.kind),
                "sightings": kind.sightings,
                "blocked_jobs": kind.jobs, "attempts": kind.attempts, "failures": kind.failures,
                "reopened": kind.reopened, "lines_each": kind.lines,
                "first_seen": domain::time::Time(kind.first_at).iso(),
                "last_seen": domain::time::Time(kind.last_at).iso(),
            })
        })
        .collect();
    Ok(
        json!({"kinds": kinds, "more": inventory.kinds_left > 0, "unreadable_markers": inventory.unreadable, "proposals": inventory.proposals}),
    )
}
