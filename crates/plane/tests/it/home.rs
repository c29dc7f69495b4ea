//! Homes of issues, for cases: a GitHub over the wire, or the local one; a plane that mirrors to it; and people who act
//! there by hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::gap::{Gap, Key, Sighting};
use domain::mirror::marked;
use domain::time::{Span, Time};
use forge::github::{Auth, GitHub, Pace};
use forge::local::Local;
use forge::{Closed, Edit, Forge, IssueState};
use harness::github::{Access, GitHub as Fake, Reason};
use harness::{On, World};
use plane::gap::Shown;
use plane::mirror::Home;
use plane::page::Ask;
use plane::{Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::given::{ann, operator};

/// The repository of most cases.
pub(crate) const REPO: &str = "ann/website";

/// Who we are on GitHub.
pub(crate) const US: &str = "gapwright-bot";

/// What webhooks are signed with.
pub(crate) const SECRET: &str = "a secret that nobody guesses, of some length";

/// How often everything is read.
pub(crate) const POLL: Span = Span::mins(5);

/// No pace: nobody is to be spared here.
pub(crate) const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 1_000_000, per_hour: 1_000_000 };

/// Which home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    Local,
}

/// A plane that mirrors its gaps, and the home that it mirrors them to.
pub(crate) struct Given<'w> {
    pub(crate) world: &'w World,
    pub(crate) plane: Plane,
    pub(crate) place: Place,
    token: String,
    restarts: u64,
}

/// A home, as people see it.
pub(crate) enum Place {
    GitHub(Box<Fake>),
    Local(Local),
}

/// An issue as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: i64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) open: bool,
    /// `completed` or `not_planned`, where it is closed.
    pub(crate) reason: Option<String>,
    pub(crate) labels: Vec<String>,
    /// What was said there, the oldest first.
    pub(crate) comments: Vec<String>,
}

impl Seen {
    pub(crate) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|name| name == label)
    }

    /// How it stands, and its labels of ours but the one that all have.
    pub(crate) fn face(&self) -> (Option<&str>, Vec<&str>) {
        let labels = self.labels.iter().map(String::as_str).filter(|name| *name != "capability-gap").collect();
        (self.reason.as_deref().filter(|_| !self.open), labels)
    }
}

impl<'w> Given<'w> {
    /// A home with nothing in it, at the level propose.
    pub(crate) async fn new(world: &'w World, kind: Kind) -> Self {
        let given = Self::observing(world, kind).await;
        given.raise().await;
        given
    }

    /// The same at the level observe.
    pub(crate) async fn observing(world: &'w World, kind: Kind) -> Self {
        Self::standing(world, kind, None).await
    }

    /// The same with branches in this folder, where it is the local home.
    pub(crate) async fn standing(world: &'w World, kind: Kind, folder: Option<PathBuf>) -> Self {
        let (place, token) = match kind {
            Kind::GitHub => {
                let fake = Fake::start_at(world.moment()).await;
                fake.repo(REPO);
                fake.hook("http://127.0.0.1:9", SECRET);
                let token = fake.token(US, Access::Write);
                (Place::GitHub(Box::new(fake)), token)
            }
            Kind::Local => {
                let settings = forge::local::Settings { name: REPO.to_owned(), repository: folder };
                let local = Local::new(world.store().clone(), settings, StdRng::seed_from_u64(7)).expect("a home");
                (Place::Local(local), String::new())
            }
        };
        let home = home(world, &place, &token, REPO);
        let plane = beside(world, 99, |settings| settings.home = Some(home));
        Self { world, plane, place, token, restarts: 0 }
    }

    /// The fake GitHub.
    pub(crate) fn github(&self) -> &Fake {
        match &self.place {
            Place::GitHub(fake) => fake,
            Place::Local(_) => panic!("this case is for GitHub"),
        }
    }

    /// A home as another process would set it up, for a repository.
    pub(crate) fn home(&self, repo: &str) -> Home {
        home(self.world, &self.place, &self.token, repo)
    }

    /// The same with another token.
    pub(crate) fn home_as(&self, token: &str) -> Home {
        home(self.world, &self.place, token, REPO)
    }

    /// The same, where writes go at this pace.
    pub(crate) fn home_at(&self, pace: Pace) -> Home {
        Home { forge: Arc::new(client(self.world, self.github(), &self.token, REPO, pace)), ..self.home(REPO) }
    }

    /// The plane dies, and another stands in its place over the same store.
    pub(crate) fn restart(&mut self) {
        let home = self.home(REPO);
        self.restart_with(|settings| settings.home = Some(home));
    }

    /// The same with other settings.
    pub(crate) fn restart_with(&mut self, set: impl FnOnce(&mut Settings)) {
        self.restarts += 1;
        self.plane = beside(self.world, 99 + self.restarts, set);
    }

    pub(crate) async fn raise(&self) {
        self.plane.raise_level(&operator(), Some("this case is about what is done there")).await.expect("propose");
    }

    /// Time passes.
    pub(crate) fn pass(&self, span: Span) {
        self.world.hand.advance(span);
    }

    /// One tick of the mirror, a second later.
    pub(crate) async fn tick(&self) {
        self.pass(Span::secs(1));
        self.plane.tend_mirror().await.expect("a tick");
    }

    /// A tick after so much time that everything is read.
    pub(crate) async fn poll(&self) {
        self.pass(POLL);
        self.tick().await;
    }

    /// One sweep and a tick.
    pub(crate) async fn sweep(&self) -> String {
        self.pass(Span::secs(1));
        let told = self.plane.sweep().await.expect("a sweep");
        self.tick().await;
        // What people do from now on is of another second.
        self.pass(Span::secs(1));
        told
    }

    pub(crate) async fn report(&self, name: &str) {
        self.report_of(Sighting { reason: "needed it".to_owned(), ..Sighting::named("mcp-tool", name) }).await;
    }

    pub(crate) async fn report_of(&self, seen: Sighting) {
        self.plane.report_gap(&ann(), seen).await.expect("recorded");
    }

    /// Reports gaps and opens their issues.
    pub(crate) async fn open(&self, names: &[&str]) {
        for name in names {
            self.report(name).await;
        }
        self.sweep().await;
        for name in names {
            assert!(self.issue(name).await.open, "{name} has its issue");
        }
    }

    pub(crate) async fn show(&self, name: &str) -> Shown {
        self.plane.show_gap(&ann(), name, &Ask::default()).await.expect("a gap")
    }

    pub(crate) async fn gap(&self, name: &str) -> Gap {
        self.show(name).await.gap
    }

    pub(crate) async fn state(&self, name: &str) -> &'static str {
        self.gap(name).await.state.name()
    }

    /// Every issue there, by number.
    pub(crate) async fn issues(&self) -> Vec<Seen> {
        match &self.place {
            Place::GitHub(fake) => fake.issues(REPO).into_iter().map(of_github).collect(),
            Place::Local(local) => {
                let mut seen = Vec::new();
                for issue in local.issues(0).await.expect("issues") {
                    let comments = local.comments(issue.number, None).await.expect("comments");
                    seen.push(of_local(issue, comments));
                }
                seen
            }
        }
    }

    /// The issues of a gap.
    pub(crate) async fn issues_of(&self, name: &str) -> Vec<Seen> {
        let of = |issue: &Seen| marked(&issue.body).is_some_and(|key| key.name == name);
        self.issues().await.into_iter().filter(of).collect()
    }

    /// The one issue of a gap.
    pub(crate) async fn issue(&self, name: &str) -> Seen {
        let mut issues = self.issues_of(name).await;
        assert_eq!(issues.len(), 1, "{name}: {issues:?}");
        issues.remove(0)
    }

    pub(crate) async fn number(&self, name: &str) -> i64 {
        self.issue(name).await.number
    }

    /// How the issue of a gap stands, and its labels of ours but the one that all have.
    pub(crate) async fn faces(&self, name: &str, reason: Option<&str>, labels: &[&str]) {
        let issue = self.issue(name).await;
        let mut expected = labels.to_vec();
        expected.sort_unstable();
        assert_eq!(issue.face(), (reason, expected), "the issue of {name}");
        assert!(issue.has("capability-gap"));
    }
}

/// What people do by hand; nobody tells of it.
impl Given<'_> {
    pub(crate) async fn label(&self, name: &str, label: &str) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => fake.as_person("ann", REPO).silently().label(number, label),
            Place::Local(local) => {
                local.make_label(&forge::Label::plain(label)).await.expect("a label");
                person(local).add_label(number, label).await.expect("a label on it");
            }
        }
    }

    pub(crate) async fn unlabel(&self, name: &str, label: &str) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => fake.as_person("ann", REPO).silently().unlabel(number, label),
            Place::Local(local) => person(local).remove_label(number, label).await.expect("a label off it"),
        }
    }

    pub(crate) async fn close(&self, name: &str, why: Closed) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => {
                let reason = match why {
                    Closed::Completed | Closed::Unsaid => Reason::Completed,
                    Closed::NotPlanned => Reason::NotPlanned,
                    Closed::Duplicate => Reason::Duplicate,
                };
                fake.as_person("ann", REPO).silently().close(number, reason);
            }
            Place::Local(local) => stand(local, number, IssueState::Closed(why)).await,
        }
    }

    pub(crate) async fn reopen(&self, name: &str) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => fake.as_person("ann", REPO).silently().reopen(number),
            Place::Local(local) => stand(local, number, IssueState::Open).await,
        }
    }

    pub(crate) async fn comment(&self, name: &str, text: &str) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => drop(fake.as_person("ann", REPO).silently().comment(number, text)),
            Place::Local(local) => drop(person(local).comment(number, text).await.expect("a comment")),
        }
    }

    pub(crate) async fn delete(&self, name: &str) {
        let number = self.number(name).await;
        match &self.place {
            Place::GitHub(fake) => fake.as_person("ann", REPO).silently().delete_issue(number),
            Place::Local(local) => person(local).delete_issue(number).await.expect("a deletion"),
        }
    }

    pub(crate) async fn rename_label(&self, name: &str, new: &str) {
        match &self.place {
            Place::GitHub(fake) => fake.as_person("ann", REPO).silently().rename_label(name, new),
            Place::Local(local) => person(local).rename_label(name, new).await.expect("a new name"),
        }
    }
}

fn person(local: &Local) -> Local {
    local.acting("ann").expect("a person")
}

async fn stand(local: &Local, number: i64, state: IssueState) {
    let edit = Edit { state: Some(state), ..Edit::default() };
    person(local).edit_issue(number, &edit).await.expect("an edit");
}

fn of_github(issue: harness::github::Issue) -> Seen {
    Seen {
        number: issue.number,
        title: issue.title,
        body: issue.body,
        open: issue.open,
        reason: issue.reason,
        labels: issue.labels,
        comments: issue.comments.into_iter().map(|comment| comment.body).collect(),
    }
}

fn of_local(issue: forge::Issue, comments: Vec<forge::Comment>) -> Seen {
    let reason = match issue.state {
        IssueState::Open | IssueState::Closed(Closed::Unsaid) => None,
        IssueState::Closed(Closed::Completed) => Some("completed"),
        IssueState::Closed(Closed::NotPlanned) => Some("not_planned"),
        IssueState::Closed(Closed::Duplicate) => Some("duplicate"),
    };
    Seen {
        number: issue.number,
        title: issue.title,
        body: issue.body,
        open: issue.state == IssueState::Open,
        reason: reason.map(str::to_owned),
        labels: issue.labels,
        comments: comments.into_iter().map(|comment| comment.body).collect(),
    }
}

/// Another plane over the world's store.
pub(crate) fn beside(world: &World, seed: u64, set: impl FnOnce(&mut Settings)) -> Plane {
    Plane::new(world.store().clone(), harness::plane::settings(set), StdRng::seed_from_u64(seed))
}

/// A home, set up anew: a client that knows nothing of what was asked before.
pub(crate) fn home(world: &World, place: &Place, token: &str, repo: &str) -> Home {
    let forge: Arc<dyn Forge> = match place {
        Place::Local(local) => Arc::new(local.clone()),
        Place::GitHub(fake) => Arc::new(client(world, fake, token, repo, AT_ONCE)),
    };
    let webhook_secret = Some(SECRET.into());
    Home { forge, repo: repo.to_owned(), poll: POLL, open_max: 50, sweep_max: 10, broker: None, webhook_secret }
}

fn client(world: &World, fake: &Fake, token: &str, repo: &str, pace: Pace) -> GitHub {
    let moment = world.moment();
    let now = Arc::new(move || Time(moment.load(Ordering::Relaxed)));
    let settings = forge::github::Settings {
        api: fake.url(),
        pace,
        pause: Duration::from_millis(1),
        timeout: Duration::from_secs(20),
        ..forge::github::Settings::new(repo, Auth::Token(token.to_owned().into()), now)
    };
    GitHub::new(settings).expect("a client")
}

/// Tells of a gap that has two open issues.
pub(crate) fn doubled(issues: &[harness::github::Issue]) -> Option<String> {
    let mut open: Vec<Key> = issues.iter().filter(|one| one.open).filter_map(|one| marked(&one.body)).collect();
    open.sort();
    open.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| format!("{} has two open issues", pair[0]))
}

/// Holds a case over a home in a fresh world; at no moment has a gap two open issues.
pub(crate) async fn examine(on: On, kind: Kind, case: impl AsyncFnOnce(&mut Given<'_>)) {
    let world = World::new(on).await;
    let mut given = Given::new(&world, kind).await;
    if let Place::GitHub(fake) = &given.place {
        fake.guard(REPO, doubled);
    }
    case(&mut given).await;
    if let Place::GitHub(fake) = &given.place {
        assert_eq!(fake.broken(), Vec::<String>::new());
    }
    drop(given);
    world.check().await;
    world.discard().await;
}

/// Two tests out of a case for GitHub: `name::sqlite` and `name::postgres`.
macro_rules! on_github {
    ($name:ident, async |$given:ident| $case:block) => {
        async fn $name($given: &mut $crate::home::Given<'_>) $case

        mod $name {
            $crate::home::engines!(GitHub, super::$name);
        }
    };
}

/// Two tests out of a case for the local home: `name::sqlite` and `name::postgres`.
macro_rules! at_home {
    ($name:ident, async |$given:ident| $case:block) => {
        async fn $name($given: &mut $crate::home::Given<'_>) $case

        mod $name {
            $crate::home::engines!(Local, super::$name);
        }
    };
}

/// Four tests out of a case for both homes: `name::github::sqlite` and so on.
macro_rules! homes {
    ($name:ident, async |$given:ident| $case:block) => {
        async fn $name($given: &mut $crate::home::Given<'_>) $case

        mod $name {
            mod github {
                $crate::home::engines!(GitHub, super::super::$name);
            }
            mod local {
                $crate::home::engines!(Local, super::super::$name);
            }
        }
    };
}

macro_rules! engines {
    ($kind:ident, $case:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn sqlite() {
            let kind = $crate::home::Kind::$kind;
            $crate::home::examine(harness::On::Sqlite, kind, async |given| $case(given).await).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let kind = $crate::home::Kind::$kind;
            $crate::home::examine(harness::On::Postgres, kind, async |given| $case(given).await).await;
        }
    };
}

pub(crate) use {at_home, engines, homes, on_github};
