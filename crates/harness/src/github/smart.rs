//! Git over HTTP, as `git http-backend` speaks it: clone, fetch and push with a token.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use http::request::Parts;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::caller::{Caller, Right};
use super::desk::Desk;
use super::request::Request;

/// The branches with their commits.
type Heads = BTreeMap<String, String>;

/// Git came and asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Whose credential it showed; none when it showed none, or one that nobody knows.
    pub who: Option<String>,
    /// What it calls itself.
    pub program: String,
    /// Whether it came to push.
    pub writes: bool,
    /// The branches that moved by it, each with its commit before and after.
    pub moved: Vec<(String, Option<String>, Option<String>)>,
}

/// Whether a path is of a repository for git.
pub(super) fn is_git(path: &str) -> bool {
    path.split('/').nth(2).is_some_and(|name| name.strip_suffix(".git").is_some()) && path.split('/').count() > 3
}

/// Answers git.
pub(super) async fn serve(desk: Arc<Desk>, parts: Parts, body: Bytes) -> Response<Body> {
    let path = parts.uri.path().to_owned();
    let mut words = path.trim_start_matches('/').splitn(3, '/');
    let full = format!("{}/{}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let rest = format!("/{}", words.next().unwrap_or_default());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let writes = rest.ends_with("receive-pack") || query.contains("git-receive-pack");
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut visit = Visit { who: None, program: header("user-agent").to_owned(), writes, moved: Vec::new() };
    let allowed = desk.look(|view| {
        let repo = view.state.named(full.trim_end_matches(".git"))?;
        let caller = caller(&parts, &desk, view.state)?;
        visit.who = caller.name();
        let right = if writes { Right::Write } else { Right::Read };
        caller.may(view.state, repo, &["contents"], right).ok()?;
        Some((repo.id, Arc::clone(&repo.git), caller.author()))
    });
    let Some((id, git, by)) = allowed else {
        desk.remember_visit(visit);
        let response = Response::builder().status(401).header("www-authenticate", "Basic realm=\"GitHub\"");
        return response.body(Body::empty()).expect("it is well formed");
    };
    let mut program = Command::from(git.program());
    program.env_remove("GIT_DIR").arg("http-backend").env("GIT_PROJECT_ROOT", git.path()).env("PATH_INFO", &rest);
    program.env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", &by.login).env("REQUEST_METHOD", parts.method.as_str());
    program.env("QUERY_STRING", query).env("CONTENT_LENGTH", body.len().to_string());
    program.env("CONTENT_TYPE", header("content-type")).env("GIT_PROTOCOL", header("git-protocol"));
    program.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().expect("git is installed");
    if let Some(mut pipe) = child.stdin.take() {
        // What it does not read it did not want.
        let _ = pipe.write_all(&body).await;
    }
    let output = child.wait_with_output().await.expect("git ends");
    if rest.ends_with("git-receive-pack") {
        let pushed = Arc::clone(&desk);
        let synced = tokio::task::spawn_blocking(move || {
            pushed.act(&by.login, true, |act| {
                let before = act.state.repo(id).heads.clone();
                act.pushed(id);
                moves(&before, &act.state.repo(id).heads)
            })
        });
        visit.moved = synced.await.expect("the branches are read");
    }
    desk.remember_visit(visit);
    respond(&output.stdout)
}

/// The branches that moved, each with its commit before and after.
fn moves(before: &Heads, after: &Heads) -> Vec<(String, Option<String>, Option<String>)> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let all = names.into_iter().map(|name| (name.clone(), before.get(name).cloned(), after.get(name).cloned()));
    all.filter(|(_, was, now)| was != now).collect()
}

/// Who pushes or fetches: git gives the token as a password, or a header of its own.
fn caller(parts: &Parts, desk: &Desk, state: &super::state::State) -> Option<Caller> {
    let mut headers = parts.headers.clone();
    let said = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if let Some(pair) = said.strip_prefix("Basic ") {
        let decoded = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
        let token = decoded.split_once(':').map_or("", |(_, password)| password);
        headers.insert("authorization", format!("Bearer {token}").parse().ok()?);
    }
    let body = serde_json::Value::Null;
    let request = Request { method: String::new(), path: String::new(), query: String::new(), headers, body };
    Caller::of(&request, state, desk.now()).ok()
}

/// What a CGI program printed, as an answer.
fn respond(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut response = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("status") {
            let status: u16 = value.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(500);
            response = response.status(status);
        } else {
            response = response.header(name, value);
        }
    }
    let body = output.get(end + 4..).unwrap_or_default().to_vec();
    response.body(Body::from(body)).expect("git's headers are well formed")
}
