//! Networks that fail: nobody there, nobody answering, and answers without an end.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use domain::notice::Level;
use domain::time::Span;
use notify::{Outcome, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{channel, later, message, settings};

/// Longer than anything here takes, shorter than the default timeout of an attempt.
const PATIENCE: Duration = Duration::from_secs(8);

/// One channel of each kind that speaks HTTP, all to one address.
fn everything_at(addr: SocketAddr) -> [String; 5] {
    [
        "discord://4242".to_owned(),
        "discord://77/webhook-t0ken_X".to_owned(),
        format!("slack+http://{addr}/services/T000/B000/slack-s3cret"),
        format!("ntfy+http://tk_s3cret@{addr}/ops-t0pic"),
        format!("webhook+http://{addr}/in/p4th?key=qu3ry"),
    ]
}

async fn send(url: String, addr: SocketAddr, timeout: Span) -> Outcome {
    let settings = Settings { discord_api: Some(addr.to_string()), timeout, ..settings() };
    let channel = channel(url, &settings);
    tokio::time::timeout(PATIENCE, channel.send(&message(Level::Info, "hello"))).await.expect("an outcome in time")
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let addr = StdListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    for url in everything_at(addr) {
        let (after, why) = later(send(url, addr, Span::secs(5)).await);
        assert_eq!(after, None);
        assert!(why.starts_with("127.0.0.1 could not be reached: Connection refused"), "{why}");
    }
}

#[tokio::test]
async fn nobody_answering_is_tried_again_within_the_timeout() {
    let silent = StdListener::bind("127.0.0.1:0").expect("a port");
    let addr = silent.local_addr().expect("an address");
    for url in everything_at(addr) {
        let outcome = send(url, addr, Span(50)).await;
        assert_eq!(later(outcome), (None, "127.0.0.1 did not answer within 50ms".to_owned()));
    }
}

/// Answers the first request with `head`, then with `chunk` over and over, then with silence.
async fn half_an_answer(head: &'static str, chunk: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let _ = stream.read(&mut [0; 4096]).await.expect("a request");
        stream.write_all(head.as_bytes()).await.expect("an open connection");
        while !chunk.is_empty() && stream.write_all(chunk).await.is_ok() {}
        std::future::pending::<()>().await;
    });
    addr
}

#[tokio::test]
async fn an_answer_that_stops_half_way_counts_as_far_as_it_came() {
    let addr = half_an_answer("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 99\r\n\r\n{", b"").await;
    let (after, why) = later(send("discord://4242".to_owned(), addr, Span(200)).await);
    assert_eq!((after, why.as_str()), (Some(Span::secs(7)), "127.0.0.1 answered 429 Too Many Requests"));
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_it() {
    let head = "HTTP/1.1 500 Endless\r\ncontent-length: 999999999999999\r\n\r\n";
    let addr = half_an_answer(head, &[b'x'; 16 * 1024]).await;
    let (_, why) = later(send("discord://4242".to_owned(), addr, Span::secs(60)).await);
    assert_eq!(why, "127.0.0.1 answered 500 Internal Server Error");
}

#[tokio::test]
async fn something_that_does_not_speak_http_is_tried_again() {
    let addr = half_an_answer("SSH-2.0-OpenSSH_9.2\r\n\r\n", b"").await;
    let (_, why) = later(send(format!("ntfy+http://{addr}/ops-t0pic"), addr, Span::secs(5)).await);
    assert_eq!(why, "the connection to 127.0.0.1 broke");
}

#[test]
fn tls_may_be_installed_more_than_once() {
    notify::install_tls();
    notify::install_tls();
}
