//! The fake GitHub: what a client and a mirror of issues rely on, asked over HTTP.

mod apps;
mod described;
mod faults;
mod issues;
mod pulls;
mod rights;
mod webhooks;

use harness::GitHub;
use harness::github::Access;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// The repository of most tests.
pub(crate) const REPO: &str = "octo/hello";

/// Somebody who asks.
pub(crate) struct Asker {
    base: String,
    token: Option<String>,
    client: Client,
}

impl Asker {
    /// Somebody with a token.
    pub(crate) fn new(github: &GitHub, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::nobody(github) }
    }

    /// Somebody without one.
    pub(crate) fn nobody(github: &GitHub) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("the tests")
            .build()
            .expect("a client");
        Self { base: github.url(), token: None, client }
    }

    /// A request to a path, or to a whole address.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.client.request(Method::from_bytes(method.as_bytes()).expect("a method"), url);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// What is answered, as it comes.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Response, reqwest::Error> {
        let request = self.request(method, path);
        if body.is_null() { request.send().await } else { request.json(body).send().await }
    }

    /// The status and the body of what is answered.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let response = self.send(method, path, &body).await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.expect("a body")).unwrap_or_default())
    }

    /// The body of a read that goes well.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// A fake with one repository, and somebody who may write there.
pub(crate) async fn hello() -> (GitHub, Asker) {
    let github = GitHub::start().await;
    github.repo(REPO);
    let token = github.token("writer", Access::Write);
    let asker = Asker::new(&github, &token);
    (github, asker)
}

/// The texts of a field in a list.
pub(crate) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|one| one[field].as_str().expect("a text")).collect()
}
