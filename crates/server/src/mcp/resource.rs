//! The resources: what a client may read without calling a tool.

use std::collections::BTreeSet;

use domain::refusal::{Code, Refusal};
use plane::page::{Ask, LIMIT_MAX};
use plane::{Call, No, Plane};
use rmcp::model::{
    CacheScope, CompleteRequestParams, CompleteResult, CompletionInfo, ReadResourceResult, Reference, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};
use store::Fault;

const GAPS: &str = "gapwright://gaps";
const GAP: &str = "gapwright://gap/";
const GAP_TEMPLATE: &str = "gapwright://gap/{name}";
const GUARANTEES: &str = "gapwright://guarantees";

const GAPS_ABOUT: &str = "The reported capability gaps by how many jobs they block";
const GAP_ABOUT: &str = "The reports of one gap, the latest first";
const GUARANTEES_ABOUT: &str = "What this service promises, and what it does not";

const GUARANTEES_TEXT: &str = include_str!("../../../../docs/guarantees.md");

/// Every text of every resource that a gateway might look at, with the resource's name.
pub(super) fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
    [("gaps", GAPS_ABOUT), ("gap", GAP_ABOUT), ("guarantees", GUARANTEES_ABOUT)].into_iter()
}

pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(GAPS, "gaps").with_description(GAPS_ABOUT).with_mime_type("application/json"),
        Resource::new(GUARANTEES, "guarantees").with_description(GUARANTEES_ABOUT).with_mime_type("text/markdown"),
    ]
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![ResourceTemplate::new(GAP_TEMPLATE, "gap").with_description(GAP_ABOUT).with_mime_type("application/json")]
}

pub(super) async fn read(plane: &Plane, call: &Call, uri: &str) -> Result<ReadResourceResult, No> {
    if uri == GUARANTEES {
        let contents = ResourceContents::text(GUARANTEES_TEXT, uri).with_mime_type("text/markdown");
        return Ok(cached(contents, CacheScope::Public, super::LIST_TTL_MS));
    }
    let found = if uri == GAPS {
        gaps(plane, call).await?
    } else if let Some(name) = uri.strip_prefix(GAP) {
        gap(plane, call, name).await?
    } else {
        let why = format!("there is no resource {}", super::printable(uri));
        return Err(Refusal::new(Code::NotFound, why).hint("resources/list shows those that there are").into());
    };
    let contents = ResourceContents::text(found.to_string(), uri).with_mime_type("application/json");
    Ok(cached(contents, CacheScope::Private, 0))
}

/// The names of gaps that begin so, of those that block most. Everything else has nothing to complete, and a prompt
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
    let page = plane.list_gaps(call, &Ask::new(Some(LIMIT_MAX), None)?).await?;
    let begun = request.argument.value.as_str();
    let mut names: Vec<_> = page.items.into_iter().map(|line| line.name).collect();
    // One name may be reported under several kinds.
    let mut seen = BTreeSet::new();
    names.retain(|name| !name.is_empty() && name.starts_with(begun) && seen.insert(name.clone()));
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
    let page = plane.list_gaps(call, &Ask::default()).await?;
    let gaps = page.items.iter().map(|line| {
        json!({
            "kind": line.kind, "name": line.name, "sightings": line.sightings, "blocked_jobs": line.jobs,
            "first_seen": domain::time::Time(line.first_at).iso(), "last_seen": domain::time::Time(line.last_at).iso(),
        })
    });
    let gaps: Vec<_> = gaps.collect();
    Ok(json!({"gaps": gaps, "more": page.cursor.is_some()}))
}

async fn gap(plane: &Plane, call: &Call, name: &str) -> Result<Value, No> {
    let page = plane.show_gap(call, name, &Ask::default()).await?;
    let sightings = page.items.iter().map(|seen| {
        json!({
            "at": domain::time::Time(seen.at).iso(), "kind": seen.kind, "job": seen.job, "severity": seen.severity,
            "depends_on": seen.depends_on, "source": seen.source,
            "untrusted": {"source": "sighting", "author": seen.principal, "reason": seen.reason},
        })
    });
    let sightings: Vec<_> = sightings.collect();
    Ok(json!({"name": name, "sightings": sightings, "more": page.cursor.is_some()}))
}
