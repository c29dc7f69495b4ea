//! What is on the wire: headers, bounds, and no step from the way.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::response::Response;
use domain::time::{Span, Time};
use forge::github::{Auth, GitHub, Settings};
use forge::{Fault, Forge as _};
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::{AT_ONCE, REPO, name};

/// Somebody who answers everything in one way, and keeps what was asked.
#[derive(Clone)]
struct Stage {
    answer: fn(&str) -> Response,
    asked: Arc<Mutex<Vec<Request<()>>>>,
}

impl Stage {
    /// A client of somebody who answers a path so.
    async fn start(answer: fn(&str) -> Response) -> (Self, GitHub) {
        Self::start_below("", answer).await
    }

    /// The same below a path.
    async fn start_below(prefix: &str, answer: fn(&str) -> Response) -> (Self, GitHub) {
        let stage = Self { answer, asked: Arc::default() };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let api = format!("http://{}{prefix}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(Self::serve).with_state(stage.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let auth = Auth::Token(SecretString::from("s3cret"));
        let settings = Settings::new(REPO, auth, Arc::new(|| Time(0)));
        let settings = Settings { api, pace: AT_ONCE, pause: Duration::from_millis(1), ..settings };
        (stage, GitHub::new(settings).expect("a client"))
    }

    fn serve(State(stage): State<Self>, request: Request) -> Ready<Response> {
        let answer = (stage.answer)(request.uri().path());
        stage.asked.lock().expect("a lock").push(request.map(drop));
        ready(answer)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").iter().map(|asked| asked.uri().path().to_owned()).collect()
    }
}

fn say(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).expect("an answer")
}

const ME: &str = r#"{"id": 1, "login": "us", "type": "User"}"#;

#[tokio::test]
async fn every_request_says_who_asks_and_how_to_answer() {
    let (stage, github) = Stage::start(|path| match path {
        "/user" => say(200, &[], ME),
        _ => say(200, &[("etag", "\"x\"")], "[]"),
    })
    .await;
    github.our_issues().await.expect("issues");
    github.our_issues().await.expect("issues");
    github.add_label(1, "x").await.expect("added");
    let asked = stage.asked.lock().expect("a lock");
    assert_eq!(asked.len(), 4);
    for request in asked.iter() {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-github-api-version"), Some("2022-11-28"));
        assert_eq!(header("accept"), Some("application/vnd.github+json"));
        assert_eq!(header("user-agent"), Some(concat!("gapwright/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(header("authorization"), Some("Bearer s3cret"));
        assert_eq!(header("content-type"), (request.method() == "POST").then_some("application/json"));
    }
    assert_eq!(asked[2].headers().get("if-none-match"), Some(&HeaderValue::from_static("\"x\"")));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for location in ["http://127.0.0.1:1/user", "https://elsewhere.example/repositories/4711/issues/1", ""] {
        let (stage, github) = match location {
            "" => Stage::start(|_| say(302, &[], "")).await,
            _ if location.starts_with("https") => {
                Stage::start(|path| match path {
                    "/user" => say(200, &[], ME),
                    _ => say(301, &[("location", "https://elsewhere.example/repositories/4711/issues/1")], "{}"),
                })
                .await
            }
            _ => Stage::start(|_| say(307, &[("location", "http://127.0.0.1:1/user")], "")).await,
        };
        let fault = github.issue(1).await.expect_err("it does not go there");
        assert_eq!(name(&fault), "moved", "{location}: {fault:?}");
        assert!(stage.asked().iter().all(|path| path == "/user" || path.starts_with("/repo")), "{:?}", stage.asked());
    }
}

#[tokio::test]
async fn the_next_page_is_asked_of_whom_we_asked_the_first() {
    let (stage, github) = Stage::start(|path| match path {
        "/user" => say(200, &[], ME),
        _ => say(200, &[("link", r#"<https://elsewhere.example/steal?page=2>; rel="next""#)], "[]"),
    })
    .await;
    let fault = github.our_issues().await.expect_err("it has no end");
    assert!(matches!(&fault, Fault::Refused { why, .. } if why.contains("more issues")), "{fault:?}");
    let asked = stage.asked.lock().expect("a lock");
    assert_eq!(asked.len(), 301, "a bound");
    assert!(asked[1..].iter().all(|asked| asked.uri().path() == format!("/repos/{REPO}/issues")));
    assert!(asked.iter().all(|asked| asked.headers().contains_key("authorization")));
    assert_eq!(asked[2].uri().query(), Some("page=2"));
}

#[tokio::test]
async fn who_asks_to_be_left_alone_for_longer_than_a_pause_is_not_asked_again() {
    let (stage, github) = Stage::start(|_| say(503, &[("retry-after", "120")], "")).await;
    let fault = github.labels().await.expect_err("it is down");
    assert!(matches!(&fault, Fault::Later { after: Some(Span(120_000)), .. }), "{fault:?}");
    assert_eq!(name(&github.add_label(1, "x").await.expect_err("it is down")), "unknown");
    assert_eq!(stage.asked().len(), 2);
    let (stage, github) = Stage::start(|_| say(503, &[("retry-after", "0")], "")).await;
    github.labels().await.expect_err("it is down");
    assert_eq!(stage.asked().len(), 3, "for no time at all");
}

#[tokio::test]
async fn an_answer_beyond_its_bound_is_not_read() {
    let (_stage, github) = Stage::start(|_| say(200, &[], vec![b' '; 9 * 1024 * 1024])).await;
    let fault = github.labels().await.expect_err("too large");
    assert!(matches!(&fault, Fault::Later { why, .. } if why.contains("8 MiB")), "{fault:?}");
}

#[tokio::test]
async fn what_github_says_of_a_refusal_is_told_on_one_line_and_cut() {
    let (_stage, github) = Stage::start(|path| match path {
        "/user" => say(200, &[], ME),
        "/repos/octocat/hello-world" => say(200, &[], "{}"),
        _ => {
            let long = "x\\u001b[31m\\n\\u0000".repeat(200);
            let said = format!(r#"{{"message": "Validation Failed", "errors": [{{"message": "{long}"}}, "other"]}}"#);
            say(422, &[], said)
        }
    })
    .await;
    let fault = github.open_issue(&super::new_issue("x")).await.expect_err("refused");
    let Fault::Refused { why, .. } = &fault else { unreachable!("{fault:?}") };
    assert!(why.contains("Validation Failed: x"), "{why}");
    assert!(!why.chars().any(char::is_control) && why.chars().count() < 400, "{why}");
}

#[tokio::test]
async fn somebody_who_repeats_our_token_is_not_quoted() {
    let (_stage, github) = Stage::start(|_| say(403, &[], r#"{"message": "who is s3cret?"}"#)).await;
    let fault = github.labels().await.expect_err("refused");
    assert_eq!(name(&fault), "refused");
    assert!(!format!("{fault} {fault:?}").contains("s3cret"), "{fault:?}");
}

#[tokio::test]
async fn github_enterprise_is_asked_below_its_path() {
    for prefix in ["/api/v3", "/api/v3/"] {
        let (stage, github) = Stage::start_below(prefix, |_| say(200, &[], "[]")).await;
        github.labels().await.expect("labels");
        assert_eq!(stage.asked(), [format!("/api/v3/repos/{REPO}/labels")]);
    }
}
