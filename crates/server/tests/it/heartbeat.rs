//! The heartbeat through the public address, its canaries, and who notices when it falls silent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::agent::Role;
use domain::time::Span;
use harness::discord::Mood;
use harness::{Discord, World, both, call};
use plane::Plane;
use serde_json::{Value, json};
use server::Bound;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::asked::{Asked, ok, options};

/// A served plane that knows its own public address, which may be somebody in front of it, and tells people on a fake
/// Discord.
struct Beating {
    plane: Plane,
    discord: Discord,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), server::Error>>,
}

impl Beating {
    async fn new(world: &World, front: Option<Thin>) -> Self {
        let discord = Discord::start().await;
        let channel = discord.channel("ops");
        let bound = Bound::bind("127.0.0.1:0".parse().expect("an address"), false).await.expect("bound");
        let url = format!("http://{}", bound.address().expect("an address"));
        let public = match front {
            Some(thin) => in_front_of(&url, thin).await,
            None => url.clone(),
        };
        let plane = world.replica_with(|settings| {
            settings.public_url = Some(public);
            settings.channels = vec![channel];
            "ops".clone_into(&mut settings.default_channel);
            settings.catalogue_hash = server::mcp::catalogue_hash(&settings.tool_prefix);
            settings.schedule = [("agent-mcp-heartbeat", "every 1h"), ("dead-mans-switch", "every 1m")]
                .map(|(name, cadence)| (name.to_owned(), cadence.to_owned()))
                .into();
            settings.watch = vec![plane::settings::Watch {
                routine: "agent-mcp-heartbeat".to_owned(),
                every: Span::hours(1),
                grace: Span::mins(15),
            }];
        });
        let plane = plane.await;
        plane.sync_schedule().await.expect("a schedule");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(plane.clone(), options(), stop.clone()));
        Self { plane, discord, stop, serving }
    }

    /// Rings what is due, and waits for it.
    async fn ring(&self) {
        let tasks = TaskTracker::new();
        self.plane.ring(&tasks).await.expect("a look at the schedule");
        tasks.close();
        tasks.wait().await;
        self.plane.deliver().await.expect("a pass");
    }

    async fn status(&self, name: &str) -> String {
        let mut tx = self.plane.store().read().await.expect("a look");
        let seen = store::scheduled::find(&mut tx, name).await.expect("a look").expect("the job");
        seen.last_status.unwrap_or_default()
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("a clean end");
    }
}

/// How somebody in front of us rewrites an answer.
type Thin = fn(Value) -> Value;

/// What stands in front of us and rewrites answers, as a gateway may.
async fn in_front_of(url: &str, thin: Thin) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let front = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(pass).with_state((url.to_owned(), thin));
    tokio::spawn(async move { axum::serve(listener, app).await });
    front
}

async fn pass(State((url, thin)): State<(String, Thin)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let mut asked = reqwest::Client::new().request(parts.method, format!("{url}{}", parts.uri.path())).body(body);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        asked = asked.header(name, value);
    }
    let answer = asked.send().await.expect("an answer");
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap_or_default();
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(thin(answer).to_string()))
        .expect("a response")
}

both!(the_heartbeat_counts_the_locks_through_the_public_address_and_says_so, async |world| {
    let beating = Beating::new(world, None).await;
    let asked = Asked::serve(beating.plane.clone(), options()).await;
    let client = asked.client(Role::Routine, "ann").await;
    for key in ["a", "b"] {
        ok(&client, "acquire-lock", json!({"key": key, "holder": "h", "ttl_secs": 60})).await;
    }
    beating.ring().await;
    assert_eq!(beating.status("agent-mcp-heartbeat").await, "ok: 2 active locks");
    assert_eq!(beating.discord.taken(), ["agent-mcp heartbeat: 2 active locks"]);
    let operator = call(Role::Operator, "test", "test");
    let (routines, _) = beating.plane.list_routines(&operator).await.expect("routines");
    assert!(routines.iter().any(|routine| routine.name == "agent-mcp-heartbeat" && routine.ended_at.is_some()));
    let tokens = beating.plane.list_tokens(&operator, &plane::page::Ask::default()).await.expect("tokens").items;
    let canaries: Vec<_> = tokens.iter().filter(|token| token.principal == "gapwright-canary").collect();
    assert!(canaries.len() == 1 && canaries[0].revoked_at.is_some(), "the canary's token is revoked: {canaries:?}");
    asked.end().await.expect("a clean end");
    beating.end().await;
});

/// Drops one tool from the list, as the gateway did that hid two of sixteen.
fn without_one_tool(mut answer: Value) -> Value {
    if let Some(tools) = answer["result"]["tools"].as_array_mut() {
        tools.remove(0);
    }
    answer
}

both!(a_gateway_that_thins_the_catalogue_is_noticed, async |world| {
    let beating = Beating::new(world, Some(without_one_tool)).await;
    beating.ring().await;
    let status = beating.status("agent-mcp-heartbeat").await;
    let thinned = server::mcp::tool_names("").len() - 1;
    assert!(status.starts_with(&format!("error: served catalogue: {thinned} tools")), "{status}");
    let told = beating.discord.taken();
    assert!(told.len() == 1 && told[0].contains("agent-mcp heartbeat failed: served catalogue"), "{told:?}");
    beating.end().await;
});

/// Lets every claim come back empty.
fn without_claims(mut answer: Value) -> Value {
    if !answer["result"]["structuredContent"]["claimed"].is_null() {
        answer["result"]["structuredContent"] = json!({"claimed": false, "reason": "nothing_due"});
    }
    answer
}

both!(a_claim_that_does_not_come_through_is_noticed, async |world| {
    let beating = Beating::new(world, Some(without_claims)).await;
    beating.ring().await;
    assert_eq!(beating.status("agent-mcp-heartbeat").await, "error: claim round trip: not claimed: nothing_due");
    beating.end().await;
});

both!(a_message_that_does_not_arrive_is_noticed, async |world| {
    let mut beating = Beating::new(world, None).await;
    beating.discord.down();
    beating.ring().await;
    let status = beating.status("agent-mcp-heartbeat").await;
    assert!(status.starts_with("error: delivery: pending after 1 tries"), "{status}");
    beating.end().await;
});

/// Two beats, the second of which may find its channel at rest; both fail, and no end is checked in.
async fn beats_that_fail(world: &World, beating: &Beating, why: &str) {
    for _ in 0..2 {
        beating.ring().await;
        let status = beating.status("agent-mcp-heartbeat").await;
        assert!(status.starts_with("error: delivery: ") && status.contains(why), "{status}");
        // Within the rest that the failures of the first one brought.
        world.hand.advance(Span(1));
        beating
            .plane
            .trigger_scheduled(&call(Role::Operator, "test", "test"), "agent-mcp-heartbeat")
            .await
            .expect("due");
    }
    let (routines, _) = beating.plane.list_routines(&call(Role::Operator, "test", "test")).await.expect("routines");
    assert!(routines.iter().all(|routine| routine.ended_at.is_none()), "{routines:?}");
}

both!(a_heartbeat_whose_channel_is_down_fails_while_the_channel_rests_too, async |world| {
    let mut beating = Beating::new(world, None).await;
    beating.discord.down();
    beats_that_fail(world, &beating, "could not be reached").await;
    beating.end().await;
});

both!(a_heartbeat_whose_channel_forbids_it_fails_while_the_channel_rests_too, async |world| {
    let beating = Beating::new(world, None).await;
    beating.discord.feel(Mood::Forbidding);
    beats_that_fail(world, &beating, "403 Forbidden").await;
    beating.end().await;
});

both!(a_heartbeat_that_falls_silent_is_told_once_and_so_is_its_return, async |world| {
    let beating = Beating::new(world, None).await;
    beating.ring().await;
    assert_eq!(beating.discord.taken(), ["agent-mcp heartbeat: 0 active locks"]);
    // The server cannot be reached any more, though the process lives on and its switch with it.
    beating.stop.cancel();
    for _ in 0..3 {
        world.hand.advance(Span::mins(40));
        beating.ring().await;
    }
    let told = beating.discord.taken();
    let silent = told.iter().filter(|text| text.contains("agent-mcp-heartbeat is silent")).count();
    assert_eq!(silent, 1, "{told:?}");
    assert_eq!(beating.status("dead-mans-switch").await, "ok: silent: agent-mcp-heartbeat");
    beating.end().await;
});

#[tokio::test]
async fn the_switch_pings_an_outside_monitor_and_says_when_that_fails() {
    let pings = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&pings);
    let app = Router::new().fallback(move |request: Request| {
        let path = request.uri().path().to_owned();
        heard.lock().expect("nobody panicked").push(path.clone());
        async move { if path == "/ok" { axum::http::StatusCode::OK } else { axum::http::StatusCode::BAD_GATEWAY } }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let monitor = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    for (path, status) in
        [("/ok", "ok: nobody is silent; pinged"), ("/secret", "error: nobody is silent; the ping got 502 Bad Gateway")]
    {
        let world = World::seeded(harness::On::Memory, 0, |settings| {
            settings.ping_url = Some(format!("{monitor}{path}").into());
            settings.schedule = [("dead-mans-switch".to_owned(), "every 1m".to_owned())].into();
        })
        .await;
        world.plane.sync_schedule().await.expect("a schedule");
        let tasks = TaskTracker::new();
        world.plane.ring(&tasks).await.expect("a look");
        tasks.close();
        tasks.wait().await;
        let mut tx = world.store().read().await.expect("a look");
        let seen = store::scheduled::find(&mut tx, "dead-mans-switch").await.expect("a look").expect("the job");
        assert_eq!(seen.last_status.as_deref(), Some(status));
    }
    assert_eq!(*pings.lock().expect("nobody panicked"), ["/ok", "/secret"]);
}
