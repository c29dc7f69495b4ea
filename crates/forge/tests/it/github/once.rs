//! What may be sent again and what is sent once, whatever becomes of it.

use std::time::Duration;

use domain::time::Time;
use forge::github::{GitHub, Settings};
use forge::{CheckState, Edit, Fault, Forge as _, Label, Method, NewCheck, NewPull, NewReview};
use futures::future::{BoxFuture, FutureExt as _};
use harness::github::{Arrived, Fault as Wrong};
use tokio::net::TcpStream;

use super::{REPO, World, name, new_issue};

/// Something to do, and the request that does it.
struct Deed {
    method: &'static str,
    path: &'static str,
    act: for<'a> fn(&'a GitHub, &'a Ground) -> BoxFuture<'a, Result<(), Fault>>,
}

/// What is there to do it with.
struct Ground {
    issue: i64,
    pull: i64,
    head: String,
}

impl Ground {
    async fn new(world: &World) -> Self {
        let mona = world.fake.as_person("mona", REPO);
        mona.make_label("there", "ffffff");
        let issue = mona.open("there", "", &["there"]);
        let head = mona.commit("fix", &[("a.txt", Some("1\n"))]);
        mona.commit("other", &[("b.txt", Some("1\n"))]);
        let pull = world.github().open_pull(&new_pull("fix")).await.expect("opened").number;
        Self { issue, pull, head }
    }
}

fn new_pull(head: &str) -> NewPull {
    let text = |text: &str| text.to_owned();
    NewPull { title: text("t"), body: text("b"), head: text(head), base: text("main"), draft: false }
}

/// What makes or merges something.
const ONCE: [Deed; 6] = [
    Deed {
        method: "POST",
        path: "/issues",
        act: |github, _| async { github.open_issue(&new_issue("once")).await.map(drop) }.boxed(),
    },
    Deed {
        method: "POST",
        path: "/issues/*/comments",
        act: |github, on| async { github.comment(on.issue, "once").await.map(drop) }.boxed(),
    },
    Deed {
        method: "POST",
        path: "/pulls",
        act: |github, _| async { github.open_pull(&new_pull("other")).await.map(drop) }.boxed(),
    },
    Deed {
        method: "PUT",
        path: "/pulls/*/merge",
        act: |github, on| async { github.merge(on.pull, &on.head, Method::Squash, "t").await.map(drop) }.boxed(),
    },
    Deed {
        method: "POST",
        path: "/pulls/*/reviews",
        act: |github, on| {
            async {
                let review = NewReview { commit: on.head.clone(), body: "once".to_owned(), remarks: vec![] };
                github.review(on.pull, &review).await.map(drop)
            }
            .boxed()
        },
    },
    Deed {
        method: "POST",
        path: "/check-runs",
        act: |github, on| {
            async {
                let [name, external_id, title, summary] = ["n", "e", "t", "s"].map(str::to_owned);
                let (commit, state) = (on.head.clone(), CheckState::Pass);
                github.put_check(&NewCheck { name, commit, state, external_id, title, summary }).await.map(drop)
            }
            .boxed()
        },
    },
];

/// What makes something by a token alone.
const ONCE_BY_TOKEN: [Deed; 1] = [Deed { path: "/statuses/*", ..ONCE[5] }];

/// What changes something, and a second time nothing more.
const AGAIN: [Deed; 4] = [
    Deed {
        method: "POST",
        path: "/labels",
        act: |github, _| {
            async {
                let [id, name, color, description] = ["", "new", "ffffff", ""].map(str::to_owned);
                github.make_label(&Label { id, name, color, description }).await.map(drop)
            }
            .boxed()
        },
    },
    Deed { method: "POST", path: "/issues/*/labels", act: |github, on| github.add_label(on.issue, "there") },
    Deed { method: "DELETE", path: "/issues/*/labels/*", act: |github, on| github.remove_label(on.issue, "there") },
    Deed {
        method: "PATCH",
        path: "/issues/*",
        act: |github, on| {
            async {
                let edit = Edit { title: Some("new".to_owned()), ..Edit::default() };
                github.edit_issue(on.issue, &edit).await
            }
            .boxed()
        },
    },
];

/// What changes nothing.
const READS: [Deed; 10] = [
    Deed { method: "GET", path: "", act: |github, _| async { github.repository().await.map(drop) }.boxed() },
    Deed { method: "GET", path: "/labels", act: |github, _| async { github.labels().await.map(drop) }.boxed() },
    Deed { method: "GET", path: "/issues", act: |github, _| async { github.our_issues().await.map(drop) }.boxed() },
    Deed {
        method: "GET",
        path: "/issues/*",
        act: |github, on| async { github.issue(on.issue).await.map(drop) }.boxed(),
    },
    Deed {
        method: "GET",
        path: "/issues/*/comments",
        act: |github, on| async { github.comments(on.issue, Some(Time(0))).await.map(drop) }.boxed(),
    },
    Deed { method: "GET", path: "/pulls", act: |github, _| async { github.pulls().await.map(drop) }.boxed() },
    Deed { method: "GET", path: "/pulls/*", act: |github, on| async { github.pull(on.pull).await.map(drop) }.boxed() },
    Deed {
        method: "GET",
        path: "/pulls/*/files",
        act: |github, on| async { github.files(on.pull).await.map(drop) }.boxed(),
    },
    Deed {
        method: "GET",
        path: "/commits/*/check-runs",
        act: |github, on| async { github.checks(&on.head).await.map(drop) }.boxed(),
    },
    Deed {
        method: "GET",
        path: "/commits/*/statuses",
        act: |github, on| async { github.checks(&on.head).await.map(drop) }.boxed(),
    },
];

impl Deed {
    fn by_token(&self) -> bool {
        ONCE_BY_TOKEN.iter().any(|deed| deed.path == self.path)
    }

    /// Where it can be done.
    async fn world(&self) -> World {
        if self.by_token() { World::with_token().await } else { World::with_app().await }
    }

    fn path(&self) -> String {
        format!("/repos/{REPO}{}", self.path)
    }

    /// Its requests that arrived.
    fn arrived(&self, world: &World) -> Vec<Arrived> {
        let parts = self.path().split('/').count();
        let ending = self.path.rsplit('/').next().unwrap_or_default();
        let same = |path: &str| path.split('/').count() == parts && (ending == "*" || path.ends_with(ending));
        world.fake.arrived().into_iter().filter(|one| one.method == self.method && same(&one.path)).collect()
    }

    /// Does it while this goes wrong so often: what came of it, how many requests arrived, and how many were done.
    async fn done(&self, world: &World, on: &Ground, times: usize, wrong: &Wrong) -> (Result<(), Fault>, usize, usize) {
        let github = world.met().await;
        world.fake.fault(times, self.method, &self.path(), wrong.clone());
        let result = (self.act)(&github, on).await;
        world.fake.well();
        let arrived = self.arrived(world);
        (result, arrived.len(), arrived.iter().filter(|one| one.done).count())
    }
}

#[tokio::test]
async fn what_makes_something_is_sent_once_and_not_known_to_be_done_without_a_clear_answer() {
    for deed in ONCE.iter().chain(&ONCE_BY_TOKEN) {
        for wrong in [Wrong::After(500), Wrong::DropAfter, Wrong::Truncated] {
            let world = deed.world().await;
            let ground = Ground::new(&world).await;
            let (result, count, done) = deed.done(&world, &ground, 9, &wrong).await;
            let fault = result.expect_err("no clear answer");
            let came = (name(&fault), count, done);
            assert_eq!(came, ("unknown", 1, 1), "{} {}, {wrong:?}: {fault:?}", deed.method, deed.path);
        }
    }
    let world = World::with_token().await;
    for wrong in [Wrong::Before(500), Wrong::Before(408), Wrong::After(502), Wrong::DropBefore, Wrong::CutBody] {
        let on = Ground { issue: 1, pull: 1, head: String::new() };
        let (result, count, _) = ONCE[0].done(&world, &on, 9, &wrong).await;
        let fault = result.expect_err("no clear answer");
        assert_eq!((name(&fault), count), ("unknown", 1), "{wrong:?}: {fault:?}");
    }
}

#[tokio::test]
async fn what_was_certainly_not_done_is_said_to_be_so() {
    for deed in ONCE.iter().chain(&ONCE_BY_TOKEN) {
        let world = deed.world().await;
        let ground = Ground::new(&world).await;
        for (wrong, said) in [
            (Wrong::Secondary { after_secs: 30 }, "later"),
            (Wrong::TooMany { after_secs: 30 }, "later"),
            (Wrong::Limited(403), "later"),
            // An App is given another one.
            (Wrong::Unauthorized, if deed.by_token() { "refused" } else { "later" }),
            (Wrong::Refused(403, "Resource not accessible by integration"), "refused"),
            (Wrong::Refused(422, "Validation Failed"), "refused"),
        ] {
            let (result, count, done) = deed.done(&world, &ground, 9, &wrong).await;
            let fault = result.expect_err("not done");
            let came = (name(&fault), count, done);
            assert_eq!(came, (said, 1, 0), "{} {}, {wrong:?}: {fault:?}", deed.method, deed.path);
        }
    }
}

#[tokio::test]
async fn what_makes_something_is_not_known_to_be_done_when_there_is_no_answer_in_time() {
    let world = World::with_token().await;
    let github = world.met_with(Settings { timeout: Duration::from_secs(1), ..world.settings() }).await;
    for (wrong, issues) in [(Wrong::Silent, 0), (Wrong::SilentAfter, 1)] {
        world.fake.fault(1, "POST", &format!("/repos/{REPO}/issues"), wrong);
        let fault = github.open_issue(&new_issue("once")).await.expect_err("no answer");
        assert_eq!(name(&fault), "unknown", "{fault:?}");
        assert_eq!(world.fake.issues(REPO).len(), issues);
    }
    assert_eq!(world.count(), 2);
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated_until_it_is_known_to_be_done() {
    let world = World::with_app().await;
    let ground = Ground::new(&world).await;
    for deed in AGAIN.iter().chain(&READS) {
        for wrong in [Wrong::Before(503), Wrong::DropBefore] {
            let (result, count, _) = deed.done(&world, &ground, 2, &wrong).await;
            assert_eq!((result, count), (Ok(()), 3), "{} {}, {wrong:?}", deed.method, deed.path);
        }
        // Where the first is done, the second may be told so.
        for wrong in [Wrong::After(500), Wrong::DropAfter, Wrong::Truncated] {
            let (result, count, _) = deed.done(&world, &ground, 2, &wrong).await;
            assert_eq!(result, Ok(()), "{} {}, {wrong:?}", deed.method, deed.path);
            assert!((1..=3).contains(&count), "{} {}, {wrong:?}: {count}", deed.method, deed.path);
        }
    }
}

#[tokio::test]
async fn what_is_repeated_in_vain_says_whether_it_may_have_been_done() {
    let world = World::with_app().await;
    let ground = Ground::new(&world).await;
    for (deeds, said) in [(&AGAIN[..], "unknown"), (&READS[..], "later")] {
        for deed in deeds {
            for wrong in [Wrong::Before(500), Wrong::DropBefore, Wrong::DropAfter] {
                let (result, count, _) = deed.done(&world, &ground, 9, &wrong).await;
                let fault = result.expect_err("in vain");
                assert_eq!((name(&fault), count), (said, 3), "{} {}, {wrong:?}: {fault:?}", deed.method, deed.path);
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_no_clear_answer_came_to_is_not_said_to_be_undone_by_a_limit_that_follows() {
    let world = World::with_token().await;
    let github = world.met().await;
    let number = world.fake.as_person("mona", REPO).open("there", "", &[]);
    let path = format!("/repos/{REPO}/issues/{number}");
    world.fake.fault(1, "PATCH", &path, Wrong::After(500));
    world.fake.fault(1, "PATCH", &path, Wrong::TooMany { after_secs: 30 });
    let edit = Edit { title: Some("new".to_owned()), ..Edit::default() };
    let fault = github.edit_issue(number, &edit).await.expect_err("limited");
    assert_eq!((name(&fault), world.count()), ("unknown", 2), "{fault:?}");
    assert_eq!(world.fake.issue(REPO, number).title, "new");
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_done() {
    let mut world = World::with_token().await;
    let github = world.met().await;
    world.fake.down();
    // Its last breath may still take a connection.
    while TcpStream::connect(world.fake.addr()).await.is_ok() {}
    for fault in [
        github.open_issue(&new_issue("once")).await.expect_err("nobody there"),
        github.add_label(1, "x").await.expect_err("nobody there"),
        github.issue(1).await.expect_err("nobody there"),
    ] {
        assert!(matches!(fault, Fault::Later { after: None, .. }), "{fault:?}");
    }
    world.fake.up().await;
    github.open_issue(&new_issue("once")).await.expect("it is back");
    assert_eq!(world.fake.issues(REPO).len(), 1);
}
