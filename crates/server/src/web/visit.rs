//! Who looks at a page: somebody signed in, whom a cookie names. Whatever changes something must come from a page of ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::agent::{Principal, Role};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use domain::{id, session};
use plane::gap::Inventory;
use plane::{Call, Idempotency, No, Plane};

use super::kept::Kept;
use super::place::encode;
use super::sign_in::inside;
use super::view::Evidence;
use super::{Check, Installation, fault, frame};

/// What the name of the cookie begins with that holds the secret of whoever is signed in. Cookies know no ports: what follows
/// tells servers of one host apart.
const COOKIE: &str = "gapwright";

/// What it begins with where it travels over https alone: a browser takes a cookie of such a name from this host only, for
/// all of it, and never from a page that was not encrypted.
const COOKIE_OF_HOST: &str = "__Host-gapwright";

/// How many characters of the digest of its address are in the name of a server's cookie.
const COOKIE_MARK_CHARS: usize = 8;

/// How many words wait to be said to somebody at their next page.
const WORDS_MAX: usize = 1_000;

/// The control room of a plane.
pub(crate) struct Site {
    pub(crate) plane: Plane,
    pub(crate) installation: Arc<dyn Installation>,
    /// Everyone is an operator. Only on loopback, and only when asked for.
    pub(crate) open: bool,
    /// The host names that a request may name.
    pub(crate) hosts: Vec<String>,
    /// Who knows a token without asking the store anew.
    pub(crate) auth: Arc<crate::auth::Auth>,
    /// What a form carries where nobody signs in: drawn anew by each process.
    open_key: String,
    /// The name of its cookie.
    cookie: String,
    /// What is to be said to whom at their next page.
    words: Mutex<HashMap<String, String>>,
    /// What the doctor found last, and when it was let look.
    pub(crate) doctor: tokio::sync::Mutex<Option<(Time, Vec<Check>)>>,
    /// What all evidence comes to.
    pub(crate) evidence: Arc<Kept<Evidence>>,
    /// What agents lack, summed up.
    pub(crate) inventory: Arc<Kept<(Time, Inventory)>>,
}

impl Site {
    pub(crate) fn new(
        plane: Plane,
        installation: Arc<dyn Installation>,
        auth: Arc<crate::auth::Auth>,
        (open, hosts): (bool, Vec<String>),
    ) -> Self {
        let open_key = session::form_key(&session::secret((plane.draw(), plane.draw())));
        let cookie = cookie_name(plane.settings().public_url.as_deref().unwrap_or_default());
        Self {
            cookie,
            plane,
            installation,
            open,
            hosts,
            auth,
            open_key,
            words: Mutex::default(),
            doctor: tokio::sync::Mutex::default(),
            evidence: Arc::default(),
            inventory: Arc::default(),
        }
    }

    /// The header that sets the cookie, or takes it away where the secret is empty.
    pub(crate) fn set_cookie(&self, secret: &str, life: Span) -> Option<HeaderValue> {
        let (name, secs) = (&self.cookie, life.0 / 1_000);
        let secure = if name.starts_with(COOKIE_OF_HOST) { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={secs}{secure}")).ok()
    }

    /// Keeps a word to be said to somebody at their next page.
    pub(crate) fn leave_word(&self, visitor: &Visitor, word: String) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() >= WORDS_MAX {
            words.clear();
        }
        words.insert(visitor.form_key.clone(), word);
    }

    /// The word that was left for somebody, once.
    pub(crate) fn take_word(&self, visitor: &Visitor) -> Option<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).remove(&visitor.form_key)
    }

    /// Who shows this cookie, and what time it is.
    pub(crate) async fn visitor(&self, headers: &HeaderMap) -> Result<Option<Visitor>, No> {
        if self.open {
            let by = Principal::local("anyone", Role::Operator);
            let (form_key, now) = (self.open_key.clone(), self.plane.now().await?);
            return Ok(Some(Visitor { by, form_key, secret: String::new(), now }));
        }
        let Some(secret) = cookie(headers, &self.cookie) else { return Ok(None) };
        let known = self.plane.signed_in(&secret).await?;
        Ok(known.map(|(by, now)| Visitor { by, form_key: session::form_key(&secret), secret, now }))
    }

    /// A call by somebody.
    pub(crate) fn call(&self, visitor: &Visitor, tool: &'static str, idempotency: Option<Idempotency>) -> Call {
        let request_id = format!("{:032x}", self.plane.draw());
        Call { by: visitor.by.clone(), tool, request_id, idempotency }
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) by: Principal,
    /// What their forms must carry.
    pub(crate) form_key: String,
    /// What their cookie holds; empty where nobody signs in.
    pub(crate) secret: String,
    /// The moment of their request, by the store's clock.
    pub(crate) now: Time,
}

/// The name of the cookie of a server that people reach at this address.
fn cookie_name(address: &str) -> String {
    let mark: String = id::digest(address.as_bytes()).chars().take(COOKIE_MARK_CHARS).collect();
    let name = if address.starts_with("https://") { COOKIE_OF_HOST } else { COOKIE };
    format!("{name}-{mark}")
}

/// The secret in a cookie of ours.
fn cookie(headers: &HeaderMap, of: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == of).map(|(_, value)| value.to_owned()).next()
}

/// Lets a request on that names a host of ours, and one that changes something only from a page of ours.
pub(crate) async fn ours(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_host(&site.hosts, host) {
        let why = Refusal::new(Code::Forbidden, "this server is not known by that name")
            .hint("use the address that it printed, or name the host in server.allowed_hosts");
        return frame::refused(&why, "", "./");
    }
    if request.method() != Method::GET && request.method() != Method::HEAD && !is_from_here(headers, host) {
        let why = Refusal::new(Code::Forbidden, "this form was not sent by a page of this server")
            .hint("open the page here, and send it from there");
        return frame::refused(&why, "", "./");
    }
    next.run(request).await
}

/// Lets on whoever is signed in, with who that is; others are led to the door.
pub(crate) async fn signed_in(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    match site.visitor(request.headers()).await {
        Ok(Some(visitor)) => {
            request.extensions_mut().insert(visitor.by.clone());
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Ok(None) => to_the_door(request.method(), request.uri()),
        Err(no) => fault(no, &format!("{:032x}", site.plane.draw()), request.uri().path()),
    }
}

/// Leads somebody to the door, and from there back to what they wanted to look at. A form that was sent is not sent again.
fn to_the_door(method: &Method, uri: &Uri) -> Response {
    if uri.path() == "/live" {
        return axum::http::StatusCode::UNAUTHORIZED.into_response();
    }
    let base = super::place::base(uri.path().trim_start_matches('/'));
    let path = uri.path().strip_prefix('/').filter(|_| method == Method::GET || method == Method::HEAD);
    let wanted = path.map(|path| inside(&format!("{path}?{}", uri.query().unwrap_or_default()))).unwrap_or_default();
    redirect(&format!("{base}sign-in?back={}", encode(&wanted)))
}

/// Sends somebody elsewhere, to look.
pub(crate) fn redirect(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("./"));
    (
        axum::http::StatusCode::SEE_OTHER,
        [(header::LOCATION, to), (header::CACHE_CONTROL, super::NOT_KEPT)],
        Body::empty(),
    )
        .into_response()
}

/// Whether a host, with or without a port, is one of these.
fn is_host(hosts: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        Some(_) | None => host,
    };
    hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a browser says that a page of this host sent it. One that says nothing of the kind sends no form.
fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = told("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let origin = told("origin").and_then(|origin| origin.split_once("://")).map(|(_, origin)| origin);
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn a_host_is_known_by_its_name_whatever_its_port() {
        let hosts = ["localhost", "127.0.0.1", "[::1]", "::1", "Ops.example.com"].map(str::to_owned);
        for (host, known) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("[::1]:8080", true),
            ("ops.example.com:443", true),
            ("evil.example.com", false),
            ("localhost.evil.example.com", false),
            ("localhost:80@evil", false),
            ("", false),
            (":80", false),
        ] {
            assert_eq!(is_host(&hosts, host), known, "{host}");
        }
    }

    #[test]
    fn a_form_comes_from_here_or_is_refused() {
        for (pairs, here) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none"), ("origin", "null")], true),
            (vec![("sec-fetch-site", "same-site"), ("origin", "http://h:1")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("origin", "http://h:1")], true),
            (vec![("origin", "https://h:1")], true),
            (vec![("origin", "http://h:2")], false),
            (vec![("origin", "null")], false),
            (vec![], false),
        ] {
            assert_eq!(is_from_here(&headers(&pairs), "h:1"), here, "{pairs:?}");
        }
    }

    #[test]
    fn the_cookie_is_of_this_host_alone_where_people_come_by_https() {
        for (address, of_host) in [
            ("", false),
            ("http://127.0.0.1:8080", false),
            ("http://https.example.com", false),
            ("https://ops.example.com", true),
        ] {
            let name = cookie_name(address);
            assert_eq!(name.starts_with("__Host-gapwright-"), of_host, "{address}: {name}");
            assert!(of_host || name.starts_with("gapwright-"), "{address}: {name}");
        }
        assert_ne!(cookie_name("https://a.example.com"), cookie_name("https://b.example.com"));
    }

    #[test]
    fn the_cookie_is_found_among_others_by_its_whole_name() {
        let all = headers(&[("cookie", "a=b; gapwright-1=s3cret; gapwright-1=other; gapwright-2=third")]);
        assert_eq!(cookie(&all, "gapwright-1").as_deref(), Some("s3cret"));
        assert_eq!(cookie(&all, "gapwright-2").as_deref(), Some("third"));
        assert_eq!(cookie(&all, "gapwright"), None);
    }
}
