//! Claims that are kept and claims that are lost, a forge that is away, a branch that moves, and a worker that is stopped.

use domain::budget::Amount;
use domain::job::State;
use domain::switch::Scope;

use super::*;

/// Runs until somebody else is done with what the test does when the agent says `ready`.
async fn meanwhile(worker: &Worker, does: impl AsyncFnOnce(&CancellationToken)) -> Outcome {
    let (ready, stop) = (CancellationToken::new(), CancellationToken::new());
    let watch = |news: News| {
        if matches!(&news, News::Agent(progress) if progress.line == runner::Line::Said("ready".to_owned())) {
            ready.cancel();
        }
    };
    let (worked, ()) = tokio::join!(worker.one(&stop, watch), async {
        ready.cancelled().await;
        does(&stop).await;
    });
    job(worked.expect("an answer"))
}

/// Has work to hand in, says that it is ready, and then never ends.
fn hangs() -> Agent {
    sh(&format!("echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; echo ready; while :; do sleep 600; done"))
}

/// Has work to hand in, says that it is ready, and goes on when the gate is opened.
fn waits(yard: &Yard) -> Agent {
    assert!(Command::new("mkfifo").arg(yard.path("gate")).status().expect("mkfifo").success());
    sh(&format!("echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; echo ready; read go <$YARD/gate"))
}

async fn open_the_gate(yard: &Yard) {
    tokio::fs::write(yard.path("gate"), "go\n").await.expect("it goes on");
}

/// Looks again until it is so.
async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let looked = async {
        while !is().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(super::super::PATIENCE, looked).await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

impl Yard {
    /// Until when the job of the implementer is held.
    async fn held_until(&self) -> Option<domain::time::Time> {
        let jobs = self.plane.list_jobs(&operator(), false, Some("implementer"), &Ask::default()).await.expect("jobs");
        match &jobs.items.first().expect("a job").job.state {
            State::Held(claim) => Some(claim.expires_at),
            State::Idle | State::Waiting | State::Ready | State::Dead => None,
        }
    }

    /// The claim of the implementer's job.
    async fn claim(&self) -> String {
        let jobs = self.plane.list_jobs(&operator(), false, Some("implementer"), &Ask::default()).await.expect("jobs");
        match &jobs.items.first().expect("a job").job.state {
            State::Held(claim) => claim.id.clone(),
            state @ (State::Idle | State::Waiting | State::Ready | State::Dead) => panic!("{state:?}"),
        }
    }

    async fn booked(&self) -> Amount {
        self.pull().await.stored.pull.booked
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_outlives_its_first_time_by_renewals_is_handed_in() {
    let yard = Yard::new(Level::Propose).await;
    let agent = waits(&yard);
    let settings = Settings { ttl: Duration::from_secs(3), ..yard.settings(Stage::Implementer, agent) };
    let worker = yard.worker("implementer-one", settings).await;
    let outcome = meanwhile(&worker, async |_| {
        // Most of what it has goes by, and it is renewed, until it is twice as old as it could be without.
        for _ in 0..3 {
            let was = yard.held_until().await;
            yard.world.hand.advance(Span::secs(2));
            until("a renewal", async || yard.held_until().await > was).await;
        }
        open_the_gate(&yard).await;
    });
    let outcome = outcome.await;
    assert_eq!((outcome.end, outcome.took > Duration::from_secs(3)), (End::HandedIn, true));
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_let_go_on_is_not_pushed() {
    let yard = Yard::new(Level::Propose).await;
    let agent = waits(&yard);
    let worker = yard.worker("implementer-one", yard.settings(Stage::Implementer, agent)).await;
    let outcome = meanwhile(&worker, async |_| {
        yard.plane.turn_off(&operator(), Scope::All, "not today, by a test").await.expect("off");
        open_the_gate(&yard).await;
    });
    let outcome = outcome.await;
    assert!(matches!(&outcome.end, End::Barred(why) if why.contains("does not let it go on")), "{outcome:?}");
    assert_eq!(yard.branches(), Vec::<String>::new(), "something was pushed");
    assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
    yard.is_tidy();
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_asks_people_has_put_its_job_off_and_lost_nothing() {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, talks("asks")).await;
    assert!(matches!(&outcome.end, End::Deferred(why) if why.contains("wait for an answer")), "{outcome:?}");
    assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_another_worker_has_by_now_is_let_go() {
    let yard = Yard::new(Level::Propose).await;
    let settings = Settings { ttl: Duration::from_secs(3), ..yard.settings(Stage::Implementer, hangs()) };
    let slow = yard.worker("slow", settings).await;
    let gate = yard.path("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().expect("mkfifo").success());
    let waits = sh(&format!("echo 'pub fn b() {{}}' >src/b.rs; {COMMIT}; echo ready; read go <$YARD/gate"));
    let quick = yard.worker("quick", yard.settings(Stage::Implementer, waits)).await;
    let gone = CancellationToken::new();
    let (first, second) = tokio::join!(
        async {
            let first = meanwhile(&slow, async |_| {
                // The machine of the first stands still for a while.
                yard.world.hand.advance(Span::mins(10));
                gone.cancel();
            });
            let first = first.await;
            tokio::fs::write(&gate, "go\n").await.expect("the second goes on");
            first
        },
        async {
            gone.cancelled().await;
            job(quick.one(&CancellationToken::new(), |_| {}).await.expect("an answer"))
        },
    );
    assert_eq!((&first.end, &second.end, &second.job), (&End::Lost, &End::HandedIn, &first.job));
    yard.is_tidy();
    assert_eq!(
        yard.git(&["ls-tree", "-r", "--name-only", BRANCH]),
        "src/b.rs\nsrc/lib.rs",
        "the first's commit is nowhere"
    );
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_ran_out_is_lost_and_its_agent_ended() {
    let yard = Yard::new(Level::Propose).await;
    let settings = Settings { ttl: Duration::from_secs(3), ..yard.settings(Stage::Implementer, hangs()) };
    let worker = yard.worker("slow", settings).await;
    let outcome = meanwhile(&worker, async |_| yard.world.hand.advance(Span::mins(10))).await;
    assert_eq!(outcome.end, End::Lost);
    assert_eq!(yard.branches(), Vec::<String>::new());
    yard.is_tidy();
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_one_broker_do_not_get_one_job() {
    let yard = Yard::new(Level::Propose).await;
    let one = yard.worker("one", yard.settings(Stage::Implementer, talks("drafts"))).await;
    let two = yard.worker("two", yard.settings(Stage::Implementer, talks("drafts"))).await;
    let stop = CancellationToken::new();
    let (one, two) = tokio::join!(one.one(&stop, |_| {}), two.one(&stop, |_| {}));
    let ends = [one.expect("an answer"), two.expect("an answer")];
    let worked = ends.iter().filter(|end| matches!(end, Worked::Job(outcome) if outcome.end == End::HandedIn)).count();
    let idle = ends.iter().filter(|end| matches!(end, Worked::Nothing(_))).count();
    assert_eq!((worked, idle), (1, 1), "{ends:?}");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_gives_its_job_back() {
    let yard = Yard::new(Level::Propose).await;
    let worker = yard.worker("one", yard.settings(Stage::Implementer, hangs())).await;
    let outcome = meanwhile(&worker, async |stop| stop.cancel()).await;
    assert_eq!(outcome.end, End::Stopped);
    let run = yard.run(&outcome.job).await;
    assert_eq!((run.outcome, yard.branches()), (domain::job::Outcome::Deferred, Vec::new()));
    yard.is_in_the_journal(&outcome.job, "defer-routine-job").await;
    yard.is_tidy();
    yard.pass(Span::mins(2)).await;
    assert_eq!(yard.works(Stage::Implementer, talks("drafts")).await.end, End::HandedIn);
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_away_costs_no_attempt() {
    let yard = Yard::new(Level::Propose).await;
    // Before the agent begins, and after it has ended.
    let away = |yard: &Yard| std::fs::rename(yard.path("home.git"), yard.path("away.git")).expect("away");
    let back = |yard: &Yard| std::fs::rename(yard.path("away.git"), yard.path("home.git")).expect("back");
    for play in ["", "mv $YARD/home.git $YARD/away.git"] {
        if play.is_empty() {
            away(&yard);
        }
        let agent = sh(&format!("echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; {play}"));
        let worker = yard.worker("implementer-one", yard.settings(Stage::Implementer, agent)).await;
        let outcome = job(worker.one(&CancellationToken::new(), |_| {}).await.expect("an answer"));
        assert!(matches!(outcome.end, End::Deferred(_)), "{outcome:?}");
        back(&yard);
        yard.is_tidy();
        assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
        assert_eq!(yard.branches(), Vec::<String>::new());
        if play.is_empty() {
            assert_eq!(yard.booked().await, Amount::ZERO, "no agent was started, and nothing is booked");
        }
        yard.pass(Span::mins(5)).await;
    }
    let outcome = yard.works(Stage::Implementer, talks("drafts")).await;
    assert_eq!((outcome.end, yard.run(&outcome.job).await.attempt), (End::HandedIn, 1));
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_moved_meanwhile_is_not_overwritten() {
    let yard = Yard::new(Level::Propose).await;
    let play = format!("echo x >src/a.rs; {COMMIT}; git -C $YARD/home.git branch {BRANCH} main");
    let outcome = yard.works(Stage::Implementer, sh(&play)).await;
    assert!(matches!(&outcome.end, End::Failed(why) if why.contains("moved meanwhile")), "{outcome:?}");
    assert_eq!(yard.git(&["rev-parse", BRANCH]), yard.git(&["rev-parse", "main"]));
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_made_outlasts_a_forge_that_is_away_for_a_while() {
    let yard = Yard::new(Level::Propose).await;
    let (home, away) = (yard.path("home.git"), yard.path("away.git"));
    let agent =
        sh(&format!("echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; mv $YARD/home.git $YARD/away.git; echo ready"));
    let patience = Duration::from_secs(30);
    let settings = Settings { patience, ..yard.settings(Stage::Implementer, agent) };
    let worker = yard.worker("implementer-one", settings).await;
    let outcome = meanwhile(&worker, async |_| {
        // Longer than a few tries take.
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        for _ in 0..2 {
            tick.tick().await;
        }
        std::fs::rename(&away, &home).expect("back");
    });
    assert_eq!(outcome.await.end, End::HandedIn);
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_somebody_else_put_there_is_not_overwritten() {
    let yard = Yard::new(Level::Propose).await;
    let tree = yard.git(&["rev-parse", "main^{tree}"]);
    let by = |address: &str| {
        let by = format!("user.email={address}");
        yard.git(&["-c", "user.name=x", "-c", &by, "commit-tree", "-p", "main", "-m", "x", &tree])
    };
    for at in [yard.git(&["rev-parse", "main"]), by("mona@example.com")] {
        yard.git(&["branch", "--force", BRANCH, &at]);
        let outcome = yard.works(Stage::Implementer, talks("drafts")).await;
        assert!(matches!(&outcome.end, End::Failed(why) if why.contains("not by us")), "{outcome:?}");
        assert_eq!((yard.git(&["rev-parse", BRANCH]), yard.booked().await), (at, Amount::ZERO));
        yard.pass(Span::hours(24)).await;
    }
    // One that a runner of ours left on another machine.
    yard.git(&["branch", "--force", BRANCH, &by("an-agent@gapwright.invalid")]);
    assert_eq!(yard.works(Stage::Implementer, talks("drafts")).await.end, End::HandedIn);
    let head = yard.pull().await.stored.pull.change.expect("a change").head;
    assert_eq!(yard.git(&["rev-parse", BRANCH]), head);
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_a_run_left_that_was_broken_off_after_its_push_is_no_obstacle() {
    let yard = Yard::new(Level::Propose).await;
    // The push is done, and nobody says so.
    assert!(Command::new("mkfifo").arg(yard.path("gate")).status().expect("mkfifo").success());
    let hook = yard.path("home.git/hooks/post-receive");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    std::fs::write(&hook, format!("#!/bin/sh\nread go <{}\n", yard.path("gate").display())).expect("a hook");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    // It has another name than we gave it, so that only what was written down tells.
    let agent = sh(&format!("git config user.email mona@example.com; echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}"));
    let worker = yard.worker("implementer-one", yard.settings(Stage::Implementer, agent)).await;
    let stop = CancellationToken::new();
    let (worked, ()) = tokio::join!(worker.one(&stop, |_| {}), async {
        until("the push", async || yard.branches() == [BRANCH]).await;
        stop.cancel();
    });
    assert_eq!(job(worked.expect("an answer")).end, End::Stopped);
    std::fs::remove_file(hook).expect("no hook any more");
    yard.pass(Span::mins(2)).await;
    assert_eq!(yard.works(Stage::Implementer, talks("drafts")).await.end, End::HandedIn);
    let head = yard.pull().await.stored.pull.change.expect("a change").head;
    assert_eq!(yard.git(&["rev-parse", BRANCH]), head);
    yard.end().await;
}

/// Nobody but itself knows what a plain command spends: the server, which it tells, is asked again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_command_that_says_it_spent_more_than_was_set_aside_is_killed_and_counted() {
    let yard = Yard::new(Level::Propose).await;
    // So long that it is not its renewal that tells.
    let settings = Settings { ttl: Duration::from_mins(3), ..yard.settings(Stage::Implementer, hangs()) };
    let (renewed, worker) = (settings.ttl / 3, yard.worker("implementer-one", settings).await);
    let all = domain::budget::Caps::default().of_run(Stage::Implementer);
    let outcome = meanwhile(&worker, async |_| {
        let by = call(Role::Implementer, "implementer-one", "report-usage");
        let told = (Some(all.tokens + 1), Some(1));
        yard.plane.report_usage(&by, &yard.claim().await, told.0, told.1).await.expect("reported");
    });
    let outcome = outcome.await;
    yard.failed(&outcome, "killed: it spent more than was set aside for it").await;
    assert!(outcome.took < renewed, "{:?}", outcome.took);
    let pull = yard.pull().await.stored.pull;
    assert_eq!((pull.excesses, pull.booked), (1, Amount { tokens: all.tokens + 1, micro_usd: 1 }));
    yard.is_tidy();
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_by_a_plain_command_that_spent_too_much_is_not_pushed() {
    let yard = Yard::new(Level::Pipeline).await;
    for (stage, play) in
        [(Stage::Planner, "plans"), (Stage::Implementer, "drafts"), (Stage::Reviewer, "asks_for_changes")]
    {
        assert_eq!(yard.works(stage, talks(play)).await.end, End::HandedIn, "{play}");
    }
    let head = yard.git(&["rev-parse", BRANCH]);
    let worker = yard.worker("implementer-two", yard.settings(Stage::Implementer, waits(&yard))).await;
    let outcome = meanwhile(&worker, async |_| {
        let by = call(Role::Implementer, "implementer-two", "report-usage");
        let claim = yard.claim().await;
        yard.plane.report_usage(&by, &claim, Some(100_000_000), None).await.expect("reported");
        open_the_gate(&yard).await;
    });
    let End::Failed(why) = outcome.await.end else { panic!("it is taken") };
    assert!(why.contains("it spent more than was set aside"), "{why}");
    assert_eq!(yard.git(&["rev-parse", BRANCH]), head, "nothing of it is on the forge");
    yard.pass(Span::secs(1)).await;
    assert_eq!(yard.pull().await.stored.pull.state.name(), "changes_requested");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_people_take_back_is_given_back_and_not_lost() {
    let yard = Yard::new(Level::Pipeline).await;
    let settings = Settings { ttl: Duration::from_secs(3), ..yard.settings(Stage::Planner, hangs()) };
    let worker = yard.worker("planner-one", settings).await;
    let id = yard.pull().await.stored.pull.id;
    let outcome = meanwhile(&worker, async |_| {
        yard.plane.stop_pull(&operator(), &id, "not now, a release is cut").await.expect("stopped");
    });
    let outcome = outcome.await;
    assert!(matches!(&outcome.end, End::Barred(_)), "{outcome:?}");
    assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
    yard.plane.resume_pull(&operator(), &id, "the release is out").await.expect("resumed");
    assert_eq!(yard.works(Stage::Planner, talks("plans")).await.end, End::HandedIn);
    yard.end().await;
}
