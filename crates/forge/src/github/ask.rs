//! Asking as we do everywhere: with a pass, with what was said last, and to the end of a list.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

use super::Inner;
use super::answer::shape;
use super::call::{About, Call};
use super::line::{Doubt, fault};
use super::route::{Class, Route};
use super::wire::Answer;
use crate::Fault;

/// The longest query of a next page that is followed, in bytes: it holds a cursor of some hundred.
const QUERY_BYTES_MAX: usize = 4_096;

/// How far a list is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// How many items a page has.
    pub(super) page: usize,
    /// How many pages are read at most.
    pub(super) pages_max: usize,
}

/// What was found on the pages of a list.
pub(super) struct Pages<T> {
    pub(super) items: Vec<T>,
    /// False when there are more pages than were read.
    pub(super) complete: bool,
}

/// One page of a list.
struct Page<T> {
    items: Vec<T>,
    /// The query of the next.
    next: Option<String>,
    answer: Arc<Answer>,
}

impl Inner {
    pub(super) fn call(&self, route: &'static Route, names: &[&str], about: About) -> Result<Call, Fault> {
        Call::new(route, &self.repository, names, about)
    }

    /// Asks, and reads a good answer as `T`.
    pub(super) async fn get<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Fault> {
        shape(call, &self.ask(call).await?)
    }

    /// Asks; every answer but a good one is a fault.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, Fault> {
        let answer = self.exchange(call).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refusal(call, &answer).await) }
    }

    /// Reads the pages of a list in turn: its `items` are what is in a page.
    pub(super) async fn pages<P: DeserializeOwned, T>(
        &self,
        mut call: Call,
        reach: Reach,
        items: fn(P) -> Vec<T>,
    ) -> Result<Pages<T>, Fault> {
        call.query = sized(&call.query, reach.page);
        let mut found = Vec::new();
        for _ in 0..reach.pages_max {
            let page = self.page(&call, items).await?;
            // Only its link says whether a full page has a successor, and its tag does not stand for its link: one that
            // had none would still be "not modified" when it has one. What was made meanwhile would not be seen.
            if page.next.is_some() || page.items.len() < reach.page {
                self.cache.keep(&call, &page.answer);
            }
            found.extend(page.items);
            match page.next {
                Some(query) => call.query = query,
                None => return Ok(Pages { items: found, complete: true }),
            }
        }
        Ok(Pages { items: found, complete: false })
    }

    /// Reads a list from the oldest on that only grows, and of one with more pages than are read the last ones.
    pub(super) async fn latest<P: DeserializeOwned, T>(
        &self,
        mut call: Call,
        reach: Reach,
        items: fn(P) -> Vec<T>,
    ) -> Result<Pages<T>, Fault> {
        call.query = sized(&call.query, reach.page);
        let first = self.page(&call, items).await?;
        let Some(next) = first.next else {
            if first.items.len() < reach.page {
                self.cache.keep(&call, &first.answer);
            }
            return Ok(Pages { items: first.items, complete: true });
        };
        // A first page that has others is never kept: it stays as it is, and its link to the last does not.
        let last = first.answer.link().and_then(|link| leads(link, "last")).unwrap_or_default();
        let skipped = number(&last).unwrap_or_default().saturating_sub(reach.pages_max);
        let mut found = if skipped == 0 { first.items } else { Vec::new() };
        call.query = if skipped == 0 { next } else { numbered(&last, skipped + 1) };
        // One more than it had, as it may have grown by now.
        for _ in 0..=reach.pages_max {
            let page = self.page(&call, items).await?;
            if page.next.is_some() || page.items.len() < reach.page {
                self.cache.keep(&call, &page.answer);
            }
            found.extend(page.items);
            match page.next {
                Some(query) => call.query = query,
                None => return Ok(Pages { items: found, complete: skipped == 0 }),
            }
        }
        Err(Fault::Later { why: format!("the end of the list of {} was not reached", call.about.words()), after: None })
    }

    /// One page, with nothing kept of it.
    async fn page<P: DeserializeOwned, T>(&self, call: &Call, items: fn(P) -> Vec<T>) -> Result<Page<T>, Fault> {
        let answer = self.heard(call).await?;
        if !answer.status.is_success() {
            return Err(self.refusal(call, &answer).await);
        }
        let next = answer.link().and_then(|link| leads(link, "next"));
        Ok(Page { items: items(shape(call, &answer)?), next, answer })
    }

    /// One question and its answer, good or bad.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Answer, Fault> {
        let answer = self.heard(call).await?;
        self.cache.keep(call, &answer);
        Ok(Arc::unwrap_or_clone(answer))
    }

    /// The same, with nothing kept of it. What was said the last time stands in for "not modified", with its link.
    async fn heard(&self, call: &Call) -> Result<Arc<Answer>, Fault> {
        let last = if call.route.method == Method::GET { self.cache.get(call) } else { None };
        let answer = self.carried(call, last.as_deref().and_then(Answer::etag)).await?;
        match last {
            Some(last) if answer.status == StatusCode::NOT_MODIFIED => Ok(last),
            _ => Ok(Arc::new(answer)),
        }
    }

    /// Carries a request with a pass, and with a new one when the pass had run out. What makes something is not sent
    /// again even then: it was certainly not done, and whoever asked comes back.
    async fn carried(&self, call: &Call, etag: Option<&str>) -> Result<Answer, Fault> {
        let mut doubt = Doubt::None;
        let pass = self.gate.pass(&self.line, &self.repository).await?;
        let answer = self.line.carry(call, &pass.header, etag, &mut doubt).await?;
        let Some(serial) = pass.serial.filter(|_| answer.status == StatusCode::UNAUTHORIZED) else { return Ok(answer) };
        self.gate.spent(serial).await;
        match call.route.class {
            Class::Guarded | Class::Create => {
                Err(Fault::Later { why: "the App's token had ended before its time".to_owned(), after: None })
            }
            Class::Read | Class::Repeat => {
                let pass = self.gate.pass(&self.line, &self.repository).await.map_err(|failed| match failed {
                    Fault::Later { why, after } => fault(call.route.class, doubt, why, after),
                    Fault::Paced { .. }
                    | Fault::Unknown { .. }
                    | Fault::Refused { .. }
                    | Fault::Gone { .. }
                    | Fault::Stale { .. }
                    | Fault::Moved { .. } => failed,
                })?;
                self.line.carry(call, &pass.header, etag, &mut doubt).await
            }
        }
    }
}

impl<T> Pages<T> {
    /// Everything, or the fault that it is too much.
    pub(super) fn whole(self, what: &str) -> Result<Vec<T>, Fault> {
        let count = self.items.len();
        self.complete.then_some(self.items).ok_or_else(|| Fault::Refused {
            why: format!("the repository has more {what} than the {count} that we read"),
            next: "take away what nobody needs any more, or use another repository".to_owned(),
        })
    }
}

/// A query that asks for pages of this size.
fn sized(query: &str, page: usize) -> String {
    let and = if query.is_empty() { "" } else { "&" };
    format!("{query}{and}per_page={page}")
}

/// The number of the page that a query asks for.
fn number(query: &str) -> Option<usize> {
    parse(query.as_bytes()).find(|(key, _)| key == "page").and_then(|(_, number)| number.parse().ok())
}

/// The same query for another page.
fn numbered(query: &str, page: usize) -> String {
    let others = parse(query.as_bytes()).filter(|(key, _)| key != "page");
    Serializer::new(String::new()).extend_pairs(others).append_pair("page", &page.to_string()).finish()
}

/// The query of the page that stands so to this one. Of its address nothing else is used: where we ask, and with what, is
/// ours to say.
fn leads(link: &str, how: &str) -> Option<String> {
    let rel = format!("rel=\"{how}\"");
    let mut rest = link;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (address, after) = after.split_once('>')?;
        let said = after.split('<').next().unwrap_or_default();
        if said.contains(&rel) {
            let query = Url::parse(address).ok()?.query()?.to_owned();
            return (query.len() <= QUERY_BYTES_MAX).then_some(query);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_query_of_its_link_alone() {
        for (link, query) in [
            (r#"<https://api.github.com/repositories/1/issues?page=2>; rel="next""#, Some("page=2")),
            (
                r#"<https://elsewhere.example/?page=2&after=Y3==>; rel="next", <x>; rel="last""#,
                Some("page=2&after=Y3=="),
            ),
            (r#"<https://a/?page=1>; rel="prev", <https://a/?page=3>; rel="next""#, Some("page=3")),
            (r#"<https://a/?page=1>; rel="prev", <https://a/?page=1>; rel="first""#, None),
            (r#"<https://a/>; rel="next""#, None),
            (r#"</relative?page=2>; rel="next""#, None),
            ("", None),
            ("<", None),
        ] {
            assert_eq!(leads(link, "next").as_deref(), query, "{link}");
        }
    }

    #[test]
    fn another_page_of_a_list_is_asked_for_with_the_rest_of_its_query() {
        let link =
            r#"<https://a/?page=2&per_page=100>; rel="next", <https://a/?x=a%26b&page=14&per_page=100>; rel="last""#;
        let last = leads(link, "last").expect("a last page");
        assert_eq!((number(&last), numbered(&last, 5).as_str()), (Some(14), "x=a%26b&per_page=100&page=5"));
        for query in ["", "per_page=100", "page=", "page=-1", "page=99999999999999999999999"] {
            assert_eq!(number(query), None, "{query}");
        }
    }
}
