//! Every request we make of GitHub, in one table: what it is, whether it may be repeated, and which right it takes.

use reqwest::Method;

/// What a request does, by which is decided what may be done when no clear answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It changes nothing.
    Read,
    /// It changes something, and a second time nothing more.
    Repeat,
    /// It does something once, under a condition that a second one would not meet: read before it is tried again.
    Guarded,
    /// It makes something, and a second time another one: look for the first before it is tried again.
    Create,
}

/// How requests of a class are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    /// How often it is sent at most, while it is not known whether it was done.
    pub(super) tries: u32,
    /// Whether it waits for its turn among the writes.
    pub(super) lane: bool,
}

/// How often what may be repeated is sent at most: enough for a hiccup, too few to add to an outage.
const TRIES: u32 = 3;

impl Class {
    pub(super) const fn policy(self) -> Policy {
        match self {
            Self::Read => Policy { tries: TRIES, lane: false },
            Self::Repeat => Policy { tries: TRIES, lane: true },
            Self::Guarded | Self::Create => Policy { tries: 1, lane: true },
        }
    }
}

/// One kind of request.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    /// The path with places for names, which are filled in their order; `{owner}` and `{repo}` are ours.
    pub(super) path: &'static str,
    pub(super) class: Class,
    /// What an App or a token needs for it.
    pub(super) right: &'static str,
}

/// A right of every App and token.
const METADATA: &str = "metadata: read";
const ISSUES: &str = "issues: read and write";
const PULLS: &str = "pull requests: read and write";
const CONTENTS_READ: &str = "contents: read";
const CONTENTS: &str = "contents: read and write";
const CHECKS_READ: &str = "checks: read";
const CHECKS: &str = "checks: read and write (an App's right only)";
const STATUSES_READ: &str = "commit statuses: read";
const STATUSES: &str = "commit statuses: read and write";

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident: $method:ident $path:literal, $class:ident, $right:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: Route =
            Route { method: Method::$method, path: $path, class: Class::$class, right: $right };)*

        /// All of them.
        #[cfg(test)]
        pub(super) const ALL: &[Route] = &[$($name),*];
    };
}

routes! {
    // Who we are.
    USER: GET "/user", Read, METADATA;
    USER_BY_LOGIN: GET "/users/{username}", Read, METADATA;
    APP: GET "/app", Read, "a GitHub App's key";
    INSTALLATION: GET "/repos/{owner}/{repo}/installation", Read, "a GitHub App's key";
    /// Makes a token, and a second time another, which harms nothing: both end within the hour.
    MINT: POST "/app/installations/{installation_id}/access_tokens", Read, "a GitHub App's key";

    // The repository.
    REPOSITORY: GET "/repos/{owner}/{repo}", Read, METADATA;
    REPOSITORY_BY_ID: GET "/repositories/{repository_id}", Read, METADATA;
    PERMISSION: GET "/repos/{owner}/{repo}/collaborators/{username}/permission", Read, METADATA;
    WORKFLOWS: GET "/repos/{owner}/{repo}/contents/.github/workflows", Read, CONTENTS_READ;
    WORKFLOW: GET "/repos/{owner}/{repo}/contents/.github/workflows/{name}", Read, CONTENTS_READ;

    // Labels. One that is made twice is refused the second time, and is then there as it was wished.
    LABELS: GET "/repos/{owner}/{repo}/labels", Read, ISSUES;
    LABEL: GET "/repos/{owner}/{repo}/labels/{name}", Read, ISSUES;
    MAKE_LABEL: POST "/repos/{owner}/{repo}/labels", Repeat, ISSUES;

    // Issues. Labels are added and taken away one by one: to set them all would undo what a person does meanwhile.
    ISSUES_OF: GET "/repos/{owner}/{repo}/issues", Read, ISSUES;
    ISSUE: GET "/repos/{owner}/{repo}/issues/{issue_number}", Read, ISSUES;
    OPEN_ISSUE: POST "/repos/{owner}/{repo}/issues", Create, ISSUES;
    EDIT_ISSUE: PATCH "/repos/{owner}/{repo}/issues/{issue_number}", Repeat, ISSUES;
    ADD_LABEL: POST "/repos/{owner}/{repo}/issues/{issue_number}/labels", Repeat, ISSUES;
    /// What happened to it, without what was said: the timeline has every comment, review and commit as well, and says no
    /// more of labels.
    EVENTS: GET "/repos/{owner}/{repo}/issues/{issue_number}/events", Read, ISSUES;
    REMOVE_LABEL: DELETE "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}", Repeat, ISSUES;
    COMMENTS: GET "/repos/{owner}/{repo}/issues/{issue_number}/comments", Read, ISSUES;
    COMMENT: POST "/repos/{owner}/{repo}/issues/{issue_number}/comments", Create, ISSUES;

    // Pull requests.
    PULLS_OF: GET "/repos/{owner}/{repo}/pulls", Read, PULLS;
    PULL: GET "/repos/{owner}/{repo}/pulls/{pull_number}", Read, PULLS;
    OPEN_PULL: POST "/repos/{owner}/{repo}/pulls", Create, PULLS;
    FILES: GET "/repos/{owner}/{repo}/pulls/{pull_number}/files", Read, PULLS;
    MERGE: PUT "/repos/{owner}/{repo}/pulls/{pull_number}/merge", Guarded, CONTENTS;
    REVIEWS: GET "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", Read, PULLS;
    REVIEW: POST "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", Create, PULLS;

    // Checks.
    CHECKS_OF: GET "/repos/{owner}/{repo}/commits/{ref}/check-runs", Read, CHECKS_READ;
    PUT_CHECK: POST "/repos/{owner}/{repo}/check-runs", Create, CHECKS;
    /// All of them, and not GitHub's sum: only this list is told with its order and its pages.
    STATUSES_OF: GET "/repos/{owner}/{repo}/commits/{ref}/statuses", Read, STATUSES_READ;
    /// The latest of a context counts: one that is sent again may take the place of what was said meanwhile.
    PUT_STATUS: POST "/repos/{owner}/{repo}/statuses/{sha}", Create, STATUSES;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_something_is_sent_once_and_what_reads_waits_for_nobody() {
        for route in ALL {
            let policy = route.class.policy();
            let (get, mint) = (route.method == Method::GET, route.path == MINT.path);
            assert_eq!(route.class == Class::Read, get || mint, "{}", route.path);
            assert_eq!(policy.lane, !(get || mint), "{}", route.path);
        }
        for once in [OPEN_ISSUE, COMMENT, OPEN_PULL, REVIEW, PUT_CHECK, PUT_STATUS, MERGE] {
            assert_eq!(once.class.policy().tries, 1, "{}", once.path);
        }
        for again in [MAKE_LABEL, ADD_LABEL, REMOVE_LABEL, EDIT_ISSUE] {
            assert_eq!(again.class.policy().tries, TRIES, "{}", again.path);
        }
    }
}
