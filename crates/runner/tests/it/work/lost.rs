//! Claims that are lost, a forge that is away, a branch that moves, and a worker that is stopped.

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
async fn a_branch_that_a_broken_off_run_left_is_no_obstacle() {
    let yard = Yard::new(Level::Propose).await;
    yard.git(&["branch", BRANCH, "main"]);
    assert_eq!(yard.works(Stage::Implementer, talks("drafts")).await.end, End::HandedIn);
    let head = yard.pull().await.stored.pull.change.expect("a change").head;
    assert_eq!(yard.git(&["rev-parse", BRANCH]), head);
    yard.end().await;
}
