//! The home on GitHub: a narrow client of our own, of one repository.
//!
//! | subject | file |
//! |---|---|
//! | what may be repeated, which right it takes | `route` |
//! | one request, once | `call`, `wire` |
//! | pace, limits, tries | `lane`, `limit`, `line` |
//! | tokens | `gate`, `jwt` |
//! | what its clock shows | `clock` |
//! | lists, what was said last, what a refusal means | `ask`, `cache`, `refusal` |
//! | where git finds it | `remote` |
//! | the nouns | `repository`, `label`, `issue`, `comment`, `pull`, `review`, `check`, `status` |
//! | what GitHub tells by itself | `webhook` |

mod answer;
mod ask;
mod cache;
mod call;
mod check;
mod clock;
mod comment;
mod gate;
mod issue;
mod jwt;
mod label;
mod lane;
mod limit;
mod line;
mod pull;
mod refusal;
mod remote;
mod repository;
mod review;
mod route;
mod settings;
mod status;
pub mod webhook;
mod wire;

use std::fmt;
use std::sync::{Arc, OnceLock};

use domain::time::{Span, Time};
use tokio::sync::Mutex;

pub use domain::pace::Pace;
pub use settings::{Auth, Bad, Now, PACE, Settings};

use self::cache::Cache;
use self::clock::Clock;
use self::gate::Gate;
use self::lane::Lane;
use self::limit::Breaker;
use self::line::Line;
use self::settings::Name;
use self::wire::Wire;
use crate::{
    Account, Answer, Check, Comment, Edit, Files, Forge, Issue, Label, LabelEvents, Merged, Method, NewCheck, NewIssue,
    NewPull, NewReview, Pull, Remote, Repository, Review, SourceFile,
};

/// One repository on GitHub. Clones share everything: the token, the limits, the lane of the writes, what was said last.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    repository: Name,
    api: String,
    line: Line,
    gate: Gate,
    cache: Cache,
    /// Who we are, once GitHub has said it.
    me: Mutex<Option<Account>>,
    /// The repository's id, once it was read.
    id: OnceLock<i64>,
}

impl GitHub {
    /// A client; nothing is asked yet. Makes rustls use ring in this process, unless it uses something already.
    ///
    /// # Errors
    /// When a setting cannot be used, or no certificates of authorities are found on this machine.
    pub fn new(settings: Settings) -> Result<Self, Bad> {
        let Settings { api, repository, auth, pace, shared, timeout, pause, now } = settings;
        let (repository, api) = (Name::parse(&repository)?, settings::api(&api)?);
        let (wire, gate) = (Wire::new(&api, timeout)?, Gate::new(&auth)?);
        let lane = Lane::new(pace, shared.map(|store| (store, format!("github {repository}"))));
        let line = Line { wire, breaker: Breaker::default(), clock: Clock::default(), lane, pause, now };
        let (api, cache) = (String::from(api), Cache::default());
        let (me, id) = (Mutex::default(), OnceLock::new());
        Ok(Self { inner: Arc::new(Inner { repository, api, line, gate, cache, me, id }) })
    }
}

impl Forge for GitHub {
    fn apart(&self, now: Time) -> Option<Span> {
        self.inner.line.clock.apart(now)
    }

    fn repository(&self) -> Answer<'_, Repository> {
        Box::pin(self.inner.repository())
    }

    fn may_write<'a>(&'a self, who: &'a Account) -> Answer<'a, bool> {
        Box::pin(self.inner.may_write(who))
    }

    fn labels(&self) -> Answer<'_, Vec<Label>> {
        Box::pin(self.inner.labels())
    }

    fn make_label<'a>(&'a self, label: &'a Label) -> Answer<'a, Label> {
        Box::pin(self.inner.make_label(label))
    }

    fn our_issues(&self) -> Answer<'_, Vec<Issue>> {
        Box::pin(self.inner.our_issues())
    }

    fn issue(&self, number: i64) -> Answer<'_, Issue> {
        Box::pin(self.inner.issue(number))
    }

    fn open_issue<'a>(&'a self, new: &'a NewIssue) -> Answer<'a, Issue> {
        Box::pin(self.inner.open_issue(new))
    }

    fn edit_issue<'a>(&'a self, number: i64, edit: &'a Edit) -> Answer<'a, ()> {
        Box::pin(self.inner.edit_issue(number, edit))
    }

    fn add_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        Box::pin(self.inner.add_label(number, label))
    }

    fn remove_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        Box::pin(self.inner.remove_label(number, label))
    }

    fn label_events(&self, number: i64) -> Answer<'_, LabelEvents> {
        Box::pin(self.inner.label_events(number))
    }

    fn comments(&self, number: i64, since: Option<Time>) -> Answer<'_, Vec<Comment>> {
        Box::pin(self.inner.comments(number, since))
    }

    fn comment<'a>(&'a self, number: i64, body: &'a str) -> Answer<'a, Comment> {
        Box::pin(self.inner.comment(number, body))
    }

    fn workflows(&self) -> Answer<'_, Vec<SourceFile>> {
        Box::pin(self.inner.workflows())
    }

    fn pulls(&self) -> Answer<'_, Vec<Pull>> {
        Box::pin(self.inner.pulls())
    }

    fn pulls_by_head<'a>(&'a self, branch: &'a str) -> Answer<'a, Vec<Pull>> {
        Box::pin(self.inner.pulls_by_head(branch))
    }

    fn pull(&self, number: i64) -> Answer<'_, Pull> {
        Box::pin(self.inner.pull(number))
    }

    fn open_pull<'a>(&'a self, new: &'a NewPull) -> Answer<'a, Pull> {
        Box::pin(self.inner.open_pull(new))
    }

    fn files(&self, number: i64) -> Answer<'_, Files> {
        Box::pin(self.inner.files(number))
    }

    fn merge<'a>(&'a self, number: i64, head: &'a str, method: Method, title: &'a str) -> Answer<'a, Merged> {
        Box::pin(self.inner.merge(number, head, method, title))
    }

    fn review<'a>(&'a self, number: i64, new: &'a NewReview) -> Answer<'a, i64> {
        Box::pin(self.inner.review(number, new))
    }

    fn reviews(&self, number: i64) -> Answer<'_, Vec<Review>> {
        Box::pin(self.inner.reviews(number))
    }

    fn put_check<'a>(&'a self, new: &'a NewCheck) -> Answer<'a, Check> {
        Box::pin(self.inner.put_check(new))
    }

    fn checks<'a>(&'a self, commit: &'a str) -> Answer<'a, Vec<Check>> {
        Box::pin(self.inner.checks(commit))
    }

    fn remote(&self) -> Answer<'_, Remote> {
        Box::pin(self.inner.remote())
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { repository, api, .. } = &*self.inner;
        f.debug_struct("GitHub").field("api", api).field("repository", repository).finish_non_exhaustive()
    }
}
