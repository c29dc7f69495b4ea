//! A server of our own that answers as it is told.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response, Uri};
use axum::routing::any;

/// Serves one answer at every path until the test's runtime ends; returns the base address.
pub(crate) async fn serve(answer: impl Fn(Uri, HeaderMap) -> Response<Body> + Clone + Send + Sync + 'static) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(any(move |uri: Uri, headers: HeaderMap| {
        let answer = answer(uri, headers);
        async move { answer }
    }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Serves one status and one body.
pub(crate) async fn serve_body(status: u16, body: impl Into<String>) -> String {
    let body = body.into();
    serve(move |_, _| Response::builder().status(status).body(Body::from(body.clone())).expect("an answer")).await
}
