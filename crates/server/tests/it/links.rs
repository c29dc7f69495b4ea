//! The link of a question: looking at it answers nothing, its key is in no address, and what is asked stays text.

use domain::agent::Role;
use domain::job::Register;
use domain::time::Span;
use harness::{Discord, World, both, call};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plane::job::{Claim, Claimed, Upsert};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::asked::{Asked, options};

const QUESTION: &str = "<script>alert(1)</script> & \"which\" of both?";

/// A server, the path of a question's page, and the key that was sent with its link.
async fn asked(world: &World) -> (Asked, String, String) {
    let discord = Discord::start().await;
    let channel = discord.channel("ops");
    let plane = world
        .replica_with(|settings| {
            (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
            settings.public_url = Some("https://gapwright.example.com/x".into());
        })
        .await;
    let ann = call(Role::Routine, "ann", "exam");
    let job = Register {
        name: "one".into(),
        kind: "digest".into(),
        interval: None,
        payload: None,
        next_run_at: Some(harness::plane::START),
        priority: 0,
        max_attempts: None,
        created_by: "ann".into(),
        gap: None,
        pull: None,
    };
    plane.register_job(&ann, job, Upsert::Never).await.expect("a job");
    let wish = Claim { holder: "w".into(), ttl: Span::mins(5), kind: None, name: Some("one".into()) };
    let Claimed::Job(job) = plane.claim_job(&ann, wish).await.expect("an answer") else { panic!("not claimed") };
    let domain::job::State::Held(claim) = &job.state else { panic!("not held") };
    let options_of_it = vec!["<b>this</b>".to_owned(), "that".to_owned()];
    plane.ask_operator(&ann, &claim.id, QUESTION, options_of_it).await.expect("asked");
    plane.deliver().await.expect("delivered");
    let text = discord.taken().pop().expect("it was sent");
    let link = text.split("https://gapwright.example.com/x").nth(1).expect("a link").split(' ').next().expect("a link");
    let (path, key) = link.split_once('#').expect("a key behind the #");
    (Asked::serve(plane, options()).await, path.to_owned(), key.to_owned())
}

async fn send(asked: &Asked, path: &str, form: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let pairs = form.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let request = reqwest::Client::new()
        .post(format!("{}{path}", asked.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.collect::<Vec<_>>().join("&"));
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.headers().clone(), answer.text().await.expect("a page"))
}

fn is_kept_to_itself(headers: &HeaderMap) {
    let policy = headers["content-security-policy"].to_str().expect("a text");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

both!(a_link_that_is_looked_at_tells_nothing_and_answers_nothing, async |world| {
    let (asked, path, key) = asked(world).await;
    for way in ["", "?option=1", &format!("?key={key}&option=1")] {
        let answer = reqwest::get(format!("{}{path}{way}", asked.url)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        is_kept_to_itself(answer.headers());
        let page = answer.text().await.expect("a page");
        assert!(!page.contains("which") && page.contains("name=\"key\""), "{page}");
        assert!(!page.contains("<script>"), "no script stands in a page: {page}");
    }
    let open =
        asked.plane.list_decisions(&call(Role::Operator, "o", "exam"), false, &plane::page::Ask::default()).await;
    assert_eq!(open.expect("a list").items.len(), 1, "nobody answered");
    for (name, kind) in [("assets/decision.js", "text/javascript"), ("assets/link.css", "text/css")] {
        let answer = reqwest::get(format!("{}/{name}", asked.url)).await.expect("an answer");
        assert!(answer.headers()["content-type"].to_str().expect("a text").starts_with(kind));
    }
    asked.end().await.expect("a clean end");
});

both!(who_has_the_key_is_shown_the_question_as_text_and_answers_it_once, async |world| {
    let (asked, path, key) = asked(world).await;
    let (status, headers, page) = send(&asked, &path, &[("key", &key)]).await;
    assert_eq!(status, StatusCode::OK);
    is_kept_to_itself(&headers);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&lt;b&gt;this"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<b>this"), "{page}");
    let (status, _, page) = send(&asked, &path, &[("key", &key), ("option", "2")]).await;
    assert!(status == StatusCode::OK && page.contains("Answered: </strong>that"), "{page}");
    let (status, _, page) = send(&asked, &path, &[("key", &key), ("option", "2")]).await;
    assert!(status == StatusCode::OK && page.contains("Answered"), "twice is once: {page}");
    let (status, _, page) = send(&asked, &path, &[("key", &key), ("option", "1")]).await;
    assert!(status == StatusCode::CONFLICT && page.contains("the first answer stands"), "{page}");
    asked.end().await.expect("a clean end");
});

both!(without_the_key_nothing_opens_and_bad_forms_get_a_clear_answer, async |world| {
    let (asked, path, key) = asked(world).await;
    let long = "x".repeat(5_000);
    for (path, form, status) in [
        (path.as_str(), vec![("key", "0".repeat(32))], StatusCode::NOT_FOUND),
        (&path, vec![("key", String::new())], StatusCode::NOT_FOUND),
        ("/decisions/no-such", vec![("key", key.clone())], StatusCode::NOT_FOUND),
        (&path, vec![("option", "1".to_owned())], StatusCode::BAD_REQUEST),
        (&path, vec![("key", key.clone()), ("option", "one".to_owned())], StatusCode::BAD_REQUEST),
        (&path, vec![("key", key.clone()), ("option", "9".to_owned())], StatusCode::BAD_REQUEST),
        (&path, vec![("key", long)], StatusCode::BAD_REQUEST),
    ] {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (got, _, page) = send(&asked, path, &form).await;
        assert_eq!(got, status, "{form:?}");
        assert!(!page.contains("which") && page.contains("<h1>"), "{page}");
    }
    let (status, ..) = send(&asked, &path, &[("key", &key)]).await;
    assert_eq!(status, StatusCode::OK, "it is still open");
    asked.end().await.expect("a clean end");
});
