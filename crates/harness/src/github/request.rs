//! One request as it came: its words decoded, its page asked for.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::Answer;

/// What a page holds when nobody says.
const PAGE: usize = 30;

/// What a page holds at most; whoever asks for more gets this.
const PAGE_MAX: usize = 100;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// As it was written, percent-encoded.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Request {
    /// The parts of its path, decoded after they were parted: a label may hold a slash.
    pub(super) fn segments(&self) -> Vec<String> {
        let parts = self.path.trim_matches('/').split('/');
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    /// Its query, in order.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect()
    }

    /// A word of its query.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        self.pairs().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A text of its body; null is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    /// Its page, from 1, and how much is on one.
    fn page(&self) -> (usize, usize) {
        let number = |name, default| self.asked(name).and_then(|word| word.parse().ok()).unwrap_or(default);
        (number("page", 1).max(1), number("per_page", PAGE).clamp(1, PAGE_MAX))
    }

    /// The page that was asked for, with links to its neighbours at `at`.
    pub(super) fn paged<T>(&self, all: &[T], at: &str, show: impl Fn(&T) -> Value) -> Answer {
        let shown = |part: &[T]| Value::Array(part.iter().map(&show).collect());
        self.paged_as(all, at, shown)
    }

    /// As [`Request::paged`], where the page is wrapped.
    pub(super) fn paged_as<T>(&self, all: &[T], at: &str, wrap: impl Fn(&[T]) -> Value) -> Answer {
        let (page, per_page) = self.page();
        let pages = all.len().div_ceil(per_page).max(1);
        let from = ((page - 1) * per_page).min(all.len());
        let to = (from + per_page).min(all.len());
        let mut links = Vec::new();
        let mut link = |to: usize, rel: &str| {
            let others = self.pairs().into_iter().filter(|(key, _)| key != "page");
            let words = others.map(|(key, value)| format!("{}={}", encoded(&key), encoded(&value)));
            let query: Vec<_> = words.chain([format!("page={to}")]).collect();
            links.push(format!("<{at}?{}>; rel=\"{rel}\"", query.join("&")));
        };
        if page > 1 {
            link((page - 1).min(pages), "prev");
        }
        if page < pages {
            link(page + 1, "next");
            link(pages, "last");
        }
        if page > 1 {
            link(1, "first");
        }
        let answer = Answer::ok(wrap(&all[from..to]));
        if links.is_empty() { answer } else { answer.with("link", links.join(", ")) }
    }
}

/// A word as it is written in an address.
pub(super) fn encoded(word: &str) -> String {
    percent_encoding::utf8_percent_encode(word, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A word of a query as it was meant.
pub(super) fn decoded(word: &str) -> String {
    percent_decode_str(&word.replace('+', " ")).decode_utf8_lossy().into_owned()
}
