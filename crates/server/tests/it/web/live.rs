//! The stream of what changed: everything first, then the parts that are not as they were, for whoever is signed in, and no
//! longer.

use domain::agent::Role;
use domain::time::Span;
use futures::StreamExt as _;
use harness::{both, call};
use plane::job::Upsert;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use super::pages::job;
use super::{Visitor, client};
use crate::asked::{Asked, options};

/// How long an event may take: a page is looked at within a second of a change.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

async fn open(visitor: &Visitor, at: &str) -> Response {
    let request = client().get(format!("{}/live?at={at}", visitor.url));
    visitor.with_cookie(request).send().await.expect("an answer")
}

/// The next event of this name, with all its lines.
async fn next(
    stream: &mut (impl futures::Stream<Item = reqwest::Result<impl AsRef<[u8]>>> + Unpin),
    name: &str,
) -> String {
    let mut text = String::new();
    let heard = async {
        while let Some(bytes) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(bytes.expect("bytes").as_ref()));
            while let Some((event, rest)) = text.clone().split_once("\n\n") {
                let is = event.lines().any(|line| line == format!("event: {name}"));
                let event = event.to_owned();
                text = rest.into();
                if is {
                    return event;
                }
            }
        }
        panic!("the stream ended before {name}");
    };
    timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("no {name} came"))
}

both!(a_change_arrives_as_the_part_that_changed_and_nothing_else, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    let answer = open(&ann, "queue").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let mut stream = answer.bytes_stream();
    let first = next(&mut stream, "patch").await;
    assert!(first.contains("id=\"jobs\"") && first.contains("id=\"rooms\""), "everything comes first: {first}");
    let by = call(Role::Operator, "o", "exam");
    asked.plane.register_job(&by, job("fresh\r\n<b>", "k", 0), Upsert::Never).await.expect_err("no such name");
    asked.plane.register_job(&by, job("fresh <b>", "k", 0), Upsert::Never).await.expect("a job");
    let then = next(&mut stream, "patch").await;
    assert!(then.contains("fresh &lt;b&gt;") && !then.contains("id=\"acts\""), "what changed alone: {then}");

    // What a page came with is not sent once more.
    let page = ann.page("/locks").await;
    let seen = page.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("marks");
    let mut stream = open(&ann, &format!("locks&seen={seen}")).await.bytes_stream();
    let first = next(&mut stream, "parts").await;
    assert!(first.contains("data: locks"), "{first}");
    next(&mut stream, "beat").await;
    asked.end().await.expect("a clean end");
});

both!(a_stream_ends_with_the_session_and_with_the_server, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    let mut stream = open(&ann, "").await.bytes_stream();
    next(&mut stream, "patch").await;
    world.hand.advance(Span::days(8));
    next(&mut stream, "gone").await;
    assert!(timeout(PATIENCE, stream.next()).await.expect("an end").is_none(), "it is over");
    let ben = Visitor::of(&asked, Role::Viewer, "ben").await;
    let mut stream = open(&ben, "locks").await.bytes_stream();
    next(&mut stream, "patch").await;
    asked.end().await.expect("a clean end, though somebody listens");
});

both!(streams_have_their_bound_and_their_pages, async |world| {
    let few = server::Options { streams_per_principal: 2, ..options() };
    let asked = Asked::serve(world.plane.clone(), few).await;
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    let (one, two) = (open(&ann, "queue").await, open(&ann, "gaps").await);
    assert_eq!((one.status(), two.status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!(open(&ann, "locks").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(open(&ann, "nowhere").await.status(), StatusCode::NOT_FOUND);
    drop((one, two));
    asked.end().await.expect("a clean end");
});
