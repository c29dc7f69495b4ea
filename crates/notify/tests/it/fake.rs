//! A service on a port of this machine that gives one answer to everything and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) struct Fake {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// One request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Fake {
    /// A service that answers everything with this status, headers and body.
    pub(crate) async fn answering(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = headers.iter().fold(HeaderMap::new(), |mut map, (name, value)| {
            map.insert(*name, value.parse().expect("a header"));
            map
        });
        let log = Arc::clone(&asked);
        let answer = move |method: Method, uri: Uri, asked_headers: HeaderMap, asked_body: Bytes| {
            let line = format!("{method} {uri}");
            log.lock().expect("the log").push(Asked { line, headers: asked_headers, body: asked_body });
            async move { (status, headers, body).into_response() }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { addr, asked }
    }

    /// A service that takes everything.
    pub(crate) async fn taking() -> Self {
        Self::answering(200, &[], "ok").await
    }

    /// Everything it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the log").clone()
    }

    /// The one thing it was asked.
    #[track_caller]
    pub(crate) fn only(&self) -> Asked {
        let [asked] = <[Asked; 1]>::try_from(self.asked()).expect("one request");
        asked
    }
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A header; empty when it was not sent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}
