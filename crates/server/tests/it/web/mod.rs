//! The control room over real HTTP: who is let in, what pages show, what acts do.

mod acts;
mod by_hand;
mod door;
mod hostile;
mod live;
mod lively;
mod pages;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};

use domain::agent::Role;

use crate::asked::Asked;

/// An answer, read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Read {
    /// Where it leads.
    pub(super) fn to(&self) -> &str {
        self.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default()
    }

    /// The value of a hidden field of its form.
    pub(super) fn hidden(&self, name: &str) -> String {
        let mark = format!("type=\"hidden\" name=\"{name}\" value=\"");
        let rest = self.text.split_once(&mark).unwrap_or_else(|| panic!("no {name} in {}", self.text)).1;
        rest.split('"').next().expect("a value").replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<")
    }
}

/// A client that follows nothing by itself.
fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn read(request: RequestBuilder) -> Read {
    let answer = request.send().await.expect("an answer");
    Read { status: answer.status(), headers: answer.headers().clone(), text: answer.text().await.expect("a text") }
}

/// A form as it is sent.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Somebody with a browser.
pub(super) struct Visitor {
    pub(super) url: String,
    pub(super) cookie: Option<String>,
}

impl Visitor {
    /// A stranger at the door of a server.
    pub(super) fn stranger(asked: &Asked) -> Self {
        Self { url: asked.url.clone(), cookie: None }
    }

    /// Somebody who signed in.
    pub(super) async fn of(asked: &Asked, role: Role, name: &str) -> Self {
        let mut visitor = Self::stranger(asked);
        let token = asked.token(role, name).await;
        let answer = visitor.send("/sign-in", &[("token", &token), ("back", "")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.headers["set-cookie"].to_str().expect("a cookie");
        visitor.cookie = cookie.split(';').next().map(str::to_owned);
        visitor
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", HeaderValue::from_str(cookie).expect("a header")),
            None => request,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Read {
        read(self.with_cookie(client().get(format!("{}{path}", self.url)))).await
    }

    /// Something as a browser takes it, compressed.
    pub(super) async fn compressed(&self, path: &str) -> reqwest::Response {
        let request = client().get(format!("{}{path}", self.url)).header("accept-encoding", "gzip");
        self.with_cookie(request).send().await.expect("an answer")
    }

    /// A page that is shown.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    /// Sends a form as a page of this server does.
    pub(super) async fn send(&self, path: &str, pairs: &[(&str, &str)]) -> Read {
        self.send_from(path, pairs, &self.url.clone()).await
    }

    /// Sends a form from a page of some origin.
    pub(super) async fn send_from(&self, path: &str, pairs: &[(&str, &str)], origin: &str) -> Read {
        let request = client()
            .post(format!("{}{path}", self.url))
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(pairs));
        read(self.with_cookie(request)).await
    }

    /// Asks for an act, says what is to be said, and confirms it.
    pub(super) async fn act(&self, act: &str, about: &[(&str, &str)], said: &[(&str, &str)]) -> Read {
        let asked = self.get(&format!("/act/{act}?{}", form(about))).await;
        assert_eq!(asked.status, StatusCode::OK, "{act}: {}", asked.text);
        let (form_key, key) = (asked.hidden("form_key"), asked.hidden("once"));
        let all: Vec<_> = [("form_key", form_key.as_str()), ("once", &key)]
            .into_iter()
            .chain(about.iter().copied())
            .chain(said.iter().copied())
            .collect();
        self.send(&format!("/act/{act}"), &all).await
    }
}
