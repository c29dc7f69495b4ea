//! A server for one test, on a free port, over a world's plane.

use std::time::Duration;

use domain::agent::Role;
use domain::time::Span;
use harness::mcp::{Answer, Client};
use harness::{World, call};
use plane::Plane;
use plane::agent::Grant;
use serde_json::Value;
use server::{Bound, Options};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that answers until the test ends.
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    serving: JoinHandle<Result<(), server::Error>>,
    pub(crate) plane: Plane,
}

pub(crate) fn options() -> Options {
    Options {
        insecure_no_auth: false,
        allowed_hosts: Vec::new(),
        calls_per_principal: 16,
        streams_per_principal: 16,
        streams: 256,
        drain: Duration::from_secs(5),
        installation: std::sync::Arc::new(server::Silent),
    }
}

impl Asked {
    pub(crate) async fn new(world: &World) -> Self {
        Self::serve(world.plane.clone(), options()).await
    }

    pub(crate) async fn serve(plane: Plane, options: Options) -> Self {
        let bound =
            Bound::bind("127.0.0.1:0".parse().expect("an address"), options.insecure_no_auth).await.expect("bound");
        let url = format!("http://{}", bound.address().expect("an address"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(plane.clone(), options, stop.clone()));
        Self { url, stop, serving, plane }
    }

    /// A token for somebody new.
    pub(crate) async fn token(&self, role: Role, name: &str) -> String {
        let grant = Grant { principal: name.to_owned(), role, kinds: Vec::new(), life: Span::days(1) };
        self.plane.create_token(&call(Role::Operator, "test", "test"), grant).await.expect("a token").0
    }

    /// A client of somebody new.
    pub(crate) async fn client(&self, role: Role, name: &str) -> Client {
        Client::new(&self.url, &self.token(role, name).await)
    }

    /// Ends it, and says how it ended.
    pub(crate) async fn end(self) -> Result<(), server::Error> {
        self.stop.cancel();
        self.serving.await.expect("the server does not panic")
    }
}

/// The answer to a call that must succeed.
pub(crate) async fn ok(client: &Client, tool: &str, arguments: Value) -> Value {
    match client.call(tool, arguments.clone()).await {
        Answer::Ok(answer) => answer,
        other @ (Answer::Refused(_) | Answer::Unknown(_)) => panic!("{tool} {arguments}: {other:?}"),
    }
}

/// The refusal of a call that must be refused: its code, the argument at fault, and that it says what to do.
pub(crate) async fn refused(client: &Client, tool: &str, arguments: Value) -> (String, String) {
    match client.call(tool, arguments.clone()).await {
        Answer::Refused(why) => {
            let text = |key: &str| why[key].as_str().unwrap_or_default().to_owned();
            assert!(!text("message").is_empty() && !text("hint").is_empty(), "{tool} {arguments}: {why}");
            (text("code"), text("field"))
        }
        other @ (Answer::Ok(_) | Answer::Unknown(_)) => panic!("{tool} {arguments}: {other:?}"),
    }
}
