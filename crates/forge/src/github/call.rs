//! One request, ready to go: its path, its query, its body, and what it is about.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::form_urlencoded::Serializer;

use super::route::Route;
use super::settings::Name;
use crate::Fault;

/// What stands in a path as it is; everything else is written as `%41`, so that a name stays one part of the path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a request is about: what is missing when the answer is 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// The repository as a whole, or ourselves.
    Repository,
    Issue(i64),
    Pull(i64),
    Label(String),
    Account(String),
    Commit(String),
    File(String),
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) route: &'static Route,
    pub(super) path: String,
    /// Without its question mark; empty for none.
    pub(super) query: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) about: About,
}

impl About {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Repository => "the repository".to_owned(),
            Self::Issue(number) => format!("issue {number}"),
            Self::Pull(number) => format!("pull request {number}"),
            Self::Label(name) => format!("the label {name}"),
            Self::Account(login) => format!("the account {login}"),
            Self::Commit(commit) => format!("the commit {commit}"),
            Self::File(path) => format!("the file {path}"),
        }
    }
}

impl Call {
    /// A request of our repository; `names` fill the places of the path after `{owner}` and `{repo}`.
    pub(super) fn new(route: &'static Route, of: &Name, names: &[&str], about: About) -> Result<Self, Fault> {
        let ours = if route.path.starts_with("/repos/") { vec![of.owner.as_str(), of.name.as_str()] } else { vec![] };
        let path = fill(route.path, ours.iter().chain(names))?;
        Ok(Self { route, path, query: String::new(), body: None, about })
    }

    pub(super) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Result<Self, Fault> {
        let refused = |_| Fault::Refused {
            why: "the request cannot be written as JSON".to_owned(),
            next: "report this as a fault of Gapwright".to_owned(),
        };
        self.body = Some(serde_json::to_vec(body).map_err(refused)?);
        Ok(self)
    }
}

fn fill<'a>(template: &str, names: impl Iterator<Item = &'a &'a str>) -> Result<String, Fault> {
    let mut names = names;
    let parts = template.split('/').map(|part| {
        if !part.starts_with('{') {
            return Ok(part.to_owned());
        }
        let name = names.next().copied().unwrap_or_default();
        // A path with these leads elsewhere, however they are written: away from one label to all of them.
        if matches!(name, "" | "." | "..") {
            return Err(Fault::Refused {
                why: format!("nothing on GitHub can be addressed by the name `{name}`"),
                next: "give it another name".to_owned(),
            });
        }
        Ok(utf8_percent_encode(name, PLAIN).to_string())
    });
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::route::{self, REMOVE_LABEL, REPOSITORY_BY_ID};
    use super::*;

    fn of() -> Name {
        Name::parse("octocat/hello-world").expect("a name")
    }

    #[test]
    fn a_name_is_one_part_of_the_path_whatever_is_in_it() {
        for (name, written) in [
            ("bug", "bug"),
            ("iteration:1", "iteration%3A1"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("good first issue", "good%20first%20issue"),
            ("50%", "50%25"),
            ("é", "%C3%A9"),
            ("...", "..."),
        ] {
            let call = Call::new(&REMOVE_LABEL, &of(), &["7", name], About::Issue(7)).expect("a call");
            assert_eq!(call.path, format!("/repos/octocat/hello-world/issues/7/labels/{written}"));
        }
        let by_id = Call::new(&REPOSITORY_BY_ID, &of(), &["42"], About::Repository).expect("a call");
        assert_eq!(by_id.path, "/repositories/42");
    }

    #[test]
    fn a_name_that_would_lead_to_another_path_is_refused() {
        for name in ["", ".", ".."] {
            let refused = Call::new(&REMOVE_LABEL, &of(), &["7", name], About::Issue(7)).expect_err(name);
            assert!(matches!(refused, Fault::Refused { .. }), "{refused:?}");
        }
    }

    #[test]
    fn every_route_has_its_places_filled_when_it_is_given_as_many_names() {
        for route in route::ALL {
            let ours = if route.path.starts_with("/repos/") { 2 } else { 0 };
            let names = vec!["x"; route.path.matches('{').count() - ours];
            let call = Call::new(route, &of(), &names, About::Repository).expect("a call");
            assert!(!call.path.contains(['{', '}']), "{}", call.path);
        }
    }
}
