//! The served catalogue against the one this program registers.
//!
//! A gateway on the way once dropped two tools in silence; this names what is missing or changed.

use std::time::Duration;

use domain::agent::Role;
use domain::catalogue;
use domain::time::Span;
use plane::agent::{DOCTOR, Grant};
use plane::{Call, No, Plane};
use secrecy::SecretString;
use server::{Bound, Options};
use store::{Clock, Store};
use tokio_util::sync::CancellationToken;

use super::probe::{self, Catalogue, Silence};
use super::{Check, Verdict};
use crate::failure::Failure;
use crate::session;

/// How long the doctor's token lives; it is revoked at once.
const TOKEN_LIFE: Span = Span::mins(1);

const NAME: &str = "served catalogue";

/// Asks the server at its public address for its tools, and compares them. `local` says whether a server of this
/// database answers on this machine.
pub(super) async fn check(plane: &Plane, call: &Call, local: bool) -> Check {
    let url = plane.settings().public_url.clone().unwrap_or_default();
    let served = match probe::catalogue(&plane.settings().http, &url, None).await {
        // Somebody is there and wants to know who asks. A token for nobody's eyes would be one too many.
        Err(Silence::Stranger) => match ask_as_viewer(plane, call, &url).await {
            Ok(served) => served,
            Err(no) => return Check::failed(NAME, &no.into()),
        },
        served @ (Ok(_) | Err(Silence::Nobody(_) | Silence::Odd(_))) => served,
    };
    match served {
        Ok(served) => compare(plane, &url, &served).await,
        Err(silence) => silent(&url, &silence, local),
    }
}

/// Asks with a token that is revoked before anything is said.
async fn ask_as_viewer(plane: &Plane, call: &Call, url: &str) -> Result<Result<Catalogue, Silence>, No> {
    let grant = Grant { principal: DOCTOR.to_owned(), role: Role::Viewer, kinds: Vec::new(), life: TOKEN_LIFE };
    let (token, row) = plane.create_token(call, grant).await?;
    let served = probe::catalogue(&plane.settings().http, url, Some(&SecretString::from(token))).await;
    plane.revoke_token(call, &row.id).await?;
    Ok(served)
}

fn silent(url: &str, silence: &Silence, local: bool) -> Check {
    match silence {
        Silence::Nobody(why) if local => Check::new(NAME, Verdict::Fail, format!("nobody answers at {url}: {why}"))
            .hint("the server runs on this machine: correct server.public_url, or what stands in front of it"),
        Silence::Nobody(why) => Check::new(NAME, Verdict::Unknown, format!("nobody answers at {url}: {why}"))
            .hint("start the server with gapwright serve, then ask again"),
        Silence::Stranger => Check::new(NAME, Verdict::Fail, format!("{url} does not take a token of this database"))
            .hint("the server there works over another database: check database.url and server.public_url"),
        Silence::Odd(why) => Check::new(NAME, Verdict::Fail, format!("{url} does not answer as MCP: {why}"))
            .hint("check server.public_url, and what stands in front of the server"),
    }
}

async fn compare(plane: &Plane, url: &str, served: &Catalogue) -> Check {
    let settings = plane.settings();
    if catalogue::hash(served.clone()) == settings.catalogue_hash {
        let told = format!("{} tools at {url}, as registered, hash {:.12}", served.len(), settings.catalogue_hash);
        return Check::new(NAME, Verdict::Pass, told);
    }
    let registered = match registered(plane).await {
        Ok(registered) => registered,
        Err(failure) => return Check::failed(NAME, &failure),
    };
    let differences = differences(&registered, served);
    let told = format!("{url} serves other words than this program registers: {}", differences.join("; "));
    Check::new(NAME, Verdict::Fail, told)
        .hint("what stands in front of the server changes its catalogue, or the server there has another version")
}

/// What is missing, added or changed, tool by tool.
fn differences(registered: &Catalogue, served: &Catalogue) -> Vec<String> {
    let missing = registered.keys().filter(|name| !served.contains_key(*name));
    let added = served.keys().filter(|name| !registered.contains_key(*name));
    let changed = registered.iter().filter(|(name, words)| served.get(*name).is_some_and(|other| other != *words));
    let missing = missing.map(|name| format!("{name} is missing"));
    let added = added.map(|name| format!("{name} is not ours"));
    let changed = changed.map(|(name, _)| format!("{name} has another description"));
    missing.chain(changed).chain(added).collect()
}

/// What this very program registers, with nothing in front: asked of a server in this process, over an empty database
/// in memory.
async fn registered(plane: &Plane) -> Result<Catalogue, Failure> {
    let http = plane.settings().http.clone();
    let mut settings = plane::Settings::new(http.clone());
    settings.tool_prefix.clone_from(&plane.settings().tool_prefix);
    let store = Store::open("sqlite::memory:", Clock::default()).await?;
    store.migrate().await?;
    let bound = Bound::bind(([127, 0, 0, 1], 0).into(), true).await?;
    let url = session::local_url(bound.address()?);
    let options = Options {
        insecure_no_auth: true,
        allowed_hosts: Vec::new(),
        calls_per_principal: 1,
        streams_per_principal: 1,
        streams: 1,
        drain: Duration::ZERO,
        installation: std::sync::Arc::new(server::Silent),
    };
    let stop = CancellationToken::new();
    let serving = tokio::spawn(bound.serve(Plane::new(store, settings, session::chance()), options, stop.clone()));
    let listed = probe::catalogue(&http, &url, None).await;
    stop.cancel();
    let _ended = serving.await;
    listed.map_err(|silence| Failure::new("cannot list this program's own tools").why(format!("{silence:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_dropped_changed_or_added_is_named() {
        let of = |tools: &[(&str, &str)]| -> Catalogue {
            tools.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect()
        };
        let registered = of(&[("a", "one"), ("b", "two"), ("c", "three")]);
        let served = of(&[("a", "one"), ("c", "3"), ("d", "four")]);
        let told = ["b is missing", "c has another description", "d is not ours"];
        assert_eq!(differences(&registered, &served), told);
    }
}
