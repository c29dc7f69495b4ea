//! Where somebody is in the control room: a page with what its address asks for. The address alone says what is shown, so
//! that it can be kept, sent and streamed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::refusal::{Code, Refusal};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest address that is read, in bytes.
pub(crate) const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// How many things an address may ask for.
const ASKED_MAX: usize = 20;

/// What an address need not escape.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Stands before a name that begins with a dot, for browsers take `..` for the way up, however it is escaped, and before one
/// that begins with it.
const SHIELD: char = '~';

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    Overview,
    Queue,
    Job(String),
    Run(String),
    Pipeline,
    Pull(String),
    Diff(String),
    Locks,
    Gaps,
    Inventory,
    Alike,
    Gap(String),
    Issue(String),
    Evidence,
    Stratum(String),
    Schedules,
    Decisions,
    Audit,
    Agents,
    Settings,
}

/// A page, and what its address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) page: Page,
    asked: BTreeMap<String, String>,
}

impl Place {
    /// Reads a path and a query.
    pub(crate) fn read(path: &str, query: &str) -> Result<Self, Refusal> {
        if path.len() + query.len() > ADDRESS_BYTES_MAX {
            return Err(Refusal::new(Code::InvalidArgument, "the address is too long").hint("ask for less at once"));
        }
        let parts: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').map(decode).collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let page = match parts.as_slice() {
            [""] => Page::Overview,
            ["queue"] => Page::Queue,
            ["jobs", name] => Page::Job(named(name)),
            ["runs", claim] => Page::Run(named(claim)),
            ["pipeline"] => Page::Pipeline,
            ["pulls", id] => Page::Pull(named(id)),
            ["pulls", id, "diff"] => Page::Diff(named(id)),
            ["locks"] => Page::Locks,
            ["gaps"] => Page::Gaps,
            ["gaps", "inventory"] => Page::Inventory,
            ["gaps", "alike"] => Page::Alike,
            ["gaps", "one", key] => Page::Gap(named(key)),
            ["issues", number] => Page::Issue(named(number)),
            ["evidence"] => Page::Evidence,
            ["evidence", id] => Page::Stratum(named(id)),
            ["schedules"] => Page::Schedules,
            ["decisions"] => Page::Decisions,
            ["audit"] => Page::Audit,
            ["agents"] => Page::Agents,
            ["settings"] => Page::Settings,
            _ => return Err(Refusal::new(Code::NotFound, "there is no such page").hint("begin at the overview")),
        };
        Ok(Self { page, asked: asked(query) })
    }

    /// What the address says of something; nothing where that is empty.
    pub(crate) fn asks(&self, name: &str) -> Option<&str> {
        self.asked.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether it asks for any of these.
    pub(crate) fn asks_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.asks(name).is_some())
    }

    /// The same page with one more thing asked for, or another, from the root.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut asked = self.asked.clone();
        asked.insert(name.to_owned(), value.to_owned());
        address(&self.page, &asked)
    }

    /// Its own address, from the root and without a leading slash.
    pub(crate) fn address(&self) -> String {
        address(&self.page, &self.asked)
    }

    /// Its address without what asks for nothing, where it has any of that: a form sends what was left empty too.
    pub(crate) fn tidied(&self) -> Option<String> {
        let is_any = |name: &str, value: &str| self.page == Page::Queue && (name, value) == ("state", "any");
        let kept = self.asked.iter().filter(|(name, value)| !(value.is_empty() || is_any(name, value)));
        let kept: BTreeMap<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        (kept.len() < self.asked.len()).then(|| address(&self.page, &kept))
    }

    /// The way from it to the root.
    pub(crate) fn base(&self) -> String {
        base(&self.page.path())
    }
}

impl Page {
    /// Its path from the root, without a leading slash.
    pub(crate) fn path(&self) -> String {
        let named = |room: &str, name: &str| {
            let shield = if name.starts_with(['.', SHIELD]) { "~" } else { "" };
            format!("{room}/{shield}{}", encode(name))
        };
        match self {
            Self::Overview => String::new(),
            Self::Queue => "queue".to_owned(),
            Self::Job(name) => named("jobs", name),
            Self::Run(claim) => named("runs", claim),
            Self::Pipeline => "pipeline".to_owned(),
            Self::Pull(id) => named("pulls", id),
            Self::Diff(id) => format!("{}/diff", named("pulls", id)),
            Self::Locks => "locks".to_owned(),
            Self::Gaps => "gaps".to_owned(),
            Self::Inventory => "gaps/inventory".to_owned(),
            Self::Alike => "gaps/alike".to_owned(),
            Self::Gap(key) => named("gaps/one", key),
            Self::Issue(number) => named("issues", number),
            Self::Evidence => "evidence".to_owned(),
            Self::Stratum(id) => named("evidence", id),
            Self::Schedules => "schedules".to_owned(),
            Self::Decisions => "decisions".to_owned(),
            Self::Audit => "audit".to_owned(),
            Self::Agents => "agents".to_owned(),
            Self::Settings => "settings".to_owned(),
        }
    }

    /// The same with something asked for.
    pub(crate) fn asking(&self, asked: &[(&str, &str)]) -> String {
        let asked = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        address(self, &asked)
    }
}

/// The way from a path to the root: whatever stands before it, a proxy's prefix too, is kept.
pub(crate) fn base(path: &str) -> String {
    match path.matches('/').count() {
        0 => "./".to_owned(),
        deep => "../".repeat(deep),
    }
}

/// A text as a part of an address.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// What a query or a form says, each thing once: the first counts.
pub(crate) fn asked(query: &str) -> BTreeMap<String, String> {
    let mut asked = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()).take(ASKED_MAX) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        asked.entry(decode(&name.replace('+', " "))).or_insert_with(|| decode(&value.replace('+', " ")));
    }
    asked
}

/// A name as it stands in a path, without its shield.
fn named(text: &str) -> String {
    text.strip_prefix(SHIELD).unwrap_or(text).to_owned()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn address(page: &Page, asked: &BTreeMap<String, String>) -> String {
    let mut text = page.path();
    let mut mark = '?';
    for (name, value) in asked.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing into a text does not fail.
        let _ = write!(text, "{mark}{}={}", encode(name), encode(value));
        mark = '&';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_reads_back_from_its_path_whatever_its_name_holds() {
        for odd in ["a/b c?d#e%f&g=h+\u{e9}<>\"'..", "..", ".", "~", "~.."] {
            reads_back(odd);
        }
    }

    fn reads_back(odd: &str) {
        let pages = [
            Page::Overview,
            Page::Queue,
            Page::Job(odd.to_owned()),
            Page::Run(odd.to_owned()),
            Page::Pipeline,
            Page::Pull(odd.to_owned()),
            Page::Diff(odd.to_owned()),
            Page::Locks,
            Page::Gaps,
            Page::Inventory,
            Page::Alike,
            Page::Gap(odd.to_owned()),
            Page::Issue(odd.to_owned()),
            Page::Evidence,
            Page::Stratum(odd.to_owned()),
            Page::Schedules,
            Page::Decisions,
            Page::Audit,
            Page::Agents,
            Page::Settings,
        ];
        for page in pages {
            let address = page.asking(&[("q", odd), ("empty", "")]);
            let (path, query) = address.split_once('?').expect("a query");
            let place = Place::read(&format!("/{path}"), query).expect("a page");
            assert_eq!((&place.page, place.asks("q")), (&page, Some(odd)), "{address}");
            assert_eq!(place.address(), address);
        }
    }

    #[test]
    fn an_address_that_asks_for_nothing_here_and_there_has_a_clean_one() {
        for (path, query, expect) in [
            ("/queue", "state=&kind=&name=a&agent=", Some("queue?name=a")),
            ("/queue", "state=any&holder=", Some("queue")),
            ("/queue", "state=any&kind=any", Some("queue?kind=any")),
            ("/queue", "kind", Some("queue")),
            ("/queue", "=", Some("queue")),
            ("/jobs/a%2Fb", "cursor=", Some("jobs/a%2Fb")),
            ("/", "x=", Some("")),
            ("/queue", "state=ready", None),
            ("/gaps", "state=any", None),
            ("/queue", "", None),
        ] {
            let place = Place::read(path, query).expect("a page");
            assert_eq!(place.tidied().as_deref(), expect, "{path}?{query}");
            let clean = place.tidied().unwrap_or_default();
            let (path, query) = clean.split_once('?').unwrap_or((&clean, ""));
            let again = Place::read(&format!("/{path}"), query).expect("a page");
            assert_eq!(again.tidied(), None, "it is clean at once");
        }
    }

    #[test]
    fn the_way_to_the_root_is_as_long_as_the_path_is_deep() {
        for (path, expect) in [("", "./"), ("queue", "./"), ("jobs/a", "../"), ("pulls/a/diff", "../../")] {
            assert_eq!(base(path), expect);
        }
    }

    #[test]
    fn an_address_has_bounds_and_what_is_no_page_is_refused() {
        assert!(Place::read("/nowhere", "").is_err());
        assert!(Place::read("/queue", &"x".repeat(ADDRESS_BYTES_MAX)).is_err());
        let many: Vec<_> = (0..100).map(|n| format!("n{n}=1")).collect();
        let place = Place::read("/queue", &many.join("&")).expect("a page");
        assert_eq!((place.asks("n19"), place.asks("n20")), (Some("1"), None));
        let twice = Place::read("/queue", "state=ready&state=dead").expect("a page");
        assert_eq!(twice.asks("state"), Some("ready"));
    }
}
