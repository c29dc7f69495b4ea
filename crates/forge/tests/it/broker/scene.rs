//! Where merges are looked at: a home with pull requests, real git, and a broker beside it that has seen nothing of it yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::time::{Span, Time};
use forge::broker::{Broker, Landed, Landing, Settings as OfBroker, Undone};
use forge::git::Commit;
use forge::github::{Auth, GitHub, Pace, Settings as OfGitHub};
use forge::local::{Local, Settings as OfLocal};
use forge::{Forge, Method, PullState, Remote};
use harness::github::{Access, GitHub as Fake};
use harness::plane::START;
use harness::{On, World};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::stage::{REPO, branch};
use crate::exam::new_pull;
use crate::exam::workshop::{Change, Workshop};

/// No pace: nobody is to be spared here.
const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 100_000, per_hour: 100_000 };

/// A home, somebody who works there, and our broker.
pub(crate) struct Scene {
    pub(crate) forge: Arc<dyn Forge>,
    pub(crate) broker: Broker,
    pub(crate) workshop: Arc<Workshop>,
    /// What is given back at the end.
    world: Option<World>,
    _fake: Option<Fake>,
    folder: TempDir,
}

impl Scene {
    /// The local home.
    pub(crate) async fn local() -> Self {
        let world = World::new(On::Sqlite).await;
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home.git");
        let settings = OfLocal { name: REPO.to_owned(), repository: Some(home.clone()) };
        let local = Local::new(world.store().clone(), settings, StdRng::seed_from_u64(7)).expect("a home");
        local.repository().await.expect("a repository");
        Self::of(Arc::new(local), home.display().to_string(), folder, (Some(world), None)).await
    }

    /// GitHub.
    pub(crate) async fn github() -> Self {
        let moment = Arc::new(AtomicI64::new(START.0));
        let fake = Fake::start_at(Arc::clone(&moment)).await;
        fake.repo(REPO);
        fake.limit(1_000_000);
        let auth = Auth::Token(fake.token("gapwright-bot", Access::Write).into());
        let settings = OfGitHub {
            api: fake.url(),
            pace: AT_ONCE,
            pause: Duration::from_millis(1),
            timeout: Duration::from_secs(20),
            ..OfGitHub::new(REPO, auth, Arc::new(move || Time(moment.load(Ordering::Relaxed))))
        };
        let forge = GitHub::new(settings).expect("a client");
        let token = fake.token("ann", Access::Write);
        let origin = format!("http://x-access-token:{token}@{}/{REPO}.git", fake.addr());
        Self::of(Arc::new(forge), origin, tempfile::tempdir().expect("a folder"), (None, Some(fake))).await
    }

    async fn of(
        forge: Arc<dyn Forge>,
        origin: String,
        folder: TempDir,
        (world, fake): (Option<World>, Option<Fake>),
    ) -> Self {
        let settings = OfBroker { wire: Duration::from_secs(30), ..OfBroker::default() };
        let broker = Broker::open(&folder.path().join("broker.git"), settings).await.expect("a broker");
        let workshop = tokio::task::spawn_blocking(move || Workshop::at(&origin)).await.expect("git works");
        Self { forge, broker, workshop: Arc::new(workshop), world, _fake: fake, folder }
    }

    /// Ends it.
    pub(crate) async fn leave(self) {
        drop((self.forge, self.workshop));
        if let Some(world) = self.world {
            world.discard().await;
        }
    }

    pub(crate) async fn remote(&self) -> Remote {
        self.forge.remote().await.expect("a remote")
    }

    /// Git works while others are served.
    pub(crate) async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Workshop) -> T + Send + 'static) -> T {
        let workshop = Arc::clone(&self.workshop);
        tokio::task::spawn_blocking(move || work(&workshop)).await.expect("git works")
    }

    /// Commits one file to a branch, as often as there are texts.
    pub(crate) async fn commits(&self, name: &'static str, path: &'static str, texts: &[&'static str]) -> Commit {
        let texts = texts.to_vec();
        let all = move |workshop: &Workshop| {
            let one = |_, text| Some(workshop.commit(name, &[Change::text(path, text)]));
            texts.into_iter().fold(None, one)
        };
        commit(&self.work(all).await.expect("a commit"))
    }

    /// What git says in the clone of whoever works there, which knows all that is there.
    pub(crate) async fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "").await
    }

    /// As [`Self::git`], with something to read.
    pub(crate) async fn git_with(&self, args: &[&str], input: &str) -> String {
        let (args, input) = (args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>(), input.to_owned());
        let all = move |workshop: &Workshop| {
            workshop.git(&["fetch", "--quiet", "--prune", "origin"]);
            workshop.git_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), &input)
        };
        self.work(all).await
    }

    /// A commit of a tree upon these, which is nowhere yet.
    pub(crate) async fn made(&self, tree: &str, parents: &[&Commit], message: &str) -> Commit {
        let mut args = vec!["commit-tree", tree, "-m", message];
        args.extend(parents.iter().flat_map(|parent| ["-p", parent.as_str()]));
        commit(&self.git(&args).await)
    }

    /// A tree with one file more.
    pub(crate) async fn with_file(&self, tree: &str, path: &str, text: &str) -> String {
        let blob = self.git_with(&["hash-object", "-w", "--stdin"], text).await;
        let listed = self.git(&["ls-tree", tree]).await;
        self.git_with(&["mktree"], format!("{listed}\n100644 blob {blob}\t{path}\n").trim_start()).await
    }

    /// Leaves a commit alone with the broker, without what is in it, as whoever is killed while they fetch it may.
    pub(crate) async fn leave_alone(&self, id: &Commit) {
        let says = self.git(&["cat-file", "commit", id.as_str()]).await + "\n";
        let broker = self.folder.path().join("broker.git").display().to_string();
        let left = self.git_with(&["--git-dir", &broker, "hash-object", "-t", "commit", "-w", "--stdin"], &says).await;
        assert_eq!(left, id.as_str());
    }

    /// Puts a branch at a commit, wherever it was.
    pub(crate) async fn push(&self, to: &Commit, name: &'static str) {
        let to = to.as_str().to_owned();
        self.work(move |workshop| workshop.push(&to, name)).await;
    }

    pub(crate) async fn tip(&self, name: &'static str) -> Commit {
        commit(&self.work(move |workshop| workshop.tip(name)).await.expect("a branch"))
    }

    pub(crate) async fn open(&self, head: &str) -> i64 {
        self.forge.open_pull(&new_pull(head)).await.expect("a pull request").number
    }

    /// Merges a pull request as it is by now.
    pub(crate) async fn merge(&self, number: i64, method: Method) -> Commit {
        let head = self.forge.pull(number).await.expect("the pull request").head.commit;
        commit(&self.forge.merge(number, &head, method, "In short").await.expect("a merge").commit)
    }

    /// What is found of a merge that the home tells of.
    pub(crate) async fn landed(&self, number: i64, approved: &Commit) -> Option<Landed> {
        let pull = self.forge.pull(number).await.expect("the pull request");
        let PullState::Merged { commit: Some(merge) } = &pull.state else { panic!("{:?}", pull.state) };
        self.found(number, &commit(merge), approved, &commit(&pull.head.commit)).await
    }

    pub(crate) async fn found(&self, number: i64, merge: &Commit, approved: &Commit, head: &Commit) -> Option<Landed> {
        let base = branch("main");
        let landing = Landing { number, base: &base, merge, approved, head };
        self.broker.landed(&self.remote().await, landing).await.expect("an answer")
    }

    pub(crate) async fn undone(&self, merge: &Commit, parent: &Commit, number: i64) -> Undone {
        let (remote, base) = (self.remote().await, branch("main"));
        self.broker.undone(&remote, &base, merge, parent, (REPO, number)).await.expect("an answer")
    }
}

pub(crate) fn commit(id: &str) -> Commit {
    Commit::parse(id).expect("a commit")
}

/// A test for each home out of one case.
macro_rules! scenes {
    ($name:ident, async |$scene:ident| $case:block) => {
        async fn $name($scene: &$crate::broker::scene::Scene) $case

        mod $name {
            $crate::broker::scene::scenes!(@on $name local);
            $crate::broker::scene::scenes!(@on $name github);
        }
    };
    (@on $name:ident $home:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $home() {
            let scene = $crate::broker::scene::Scene::$home().await;
            super::$name(&scene).await;
            scene.leave().await;
        }
    };
}
pub(crate) use scenes;
