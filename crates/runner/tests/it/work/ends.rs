//! How runs end that hand nothing in: each is told for what it was, and counts, or not.

use super::*;

async fn check(agent: Agent, why: &str) {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, agent).await;
    yard.failed(&outcome, why).await;
    // It is given out once more.
    assert_eq!(yard.pull().await.stored.pull.state.name(), "implementing");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_nothing() {
    check(sh("exit 0"), "without handing anything in by submit-change, and told no usage").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_crashes_though_it_has_committed() {
    check(sh(&format!("echo x >a; {COMMIT}; echo 'out of luck' >&2; exit 3")), "exit code 3: out of luck").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_by_a_signal() {
    check(sh("kill -KILL $$"), "crashed by the signal 9").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_past_its_deadline() {
    let yard = Yard::with(Level::Propose, |settings| settings.rules.caps.wall = Span::secs(1)).await;
    let outcome = yard.works(Stage::Implementer, sh("trap '' TERM; echo x >a; while :; do sleep 600; done")).await;
    yard.failed(&outcome, "killed: it was not done after 1 s").await;
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_program_is_not_there_is_put_off_for_others() {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, Agent::Command { argv: vec!["no-such-program".to_owned()] }).await;
    assert!(matches!(&outcome.end, End::Broken(why) if why.contains("no-such-program")), "{outcome:?}");
    assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
    yard.is_in_the_journal(&outcome.job, "defer-routine-job").await;
    assert_eq!(yard.pull().await.stored.pull.booked, domain::budget::Amount::ZERO, "it used nothing");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_s_job_is_put_off_for_others() {
    let yard = Yard::new(Level::Propose).await;
    let settings = Settings { repo: "ann/other".to_owned(), ..yard.settings(Stage::Implementer, talks("drafts")) };
    let outcome = yard.works_with(settings).await;
    assert!(matches!(&outcome.end, End::Broken(why) if why.contains("ann/other")), "{outcome:?}");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_failures_leave_it_to_a_person() {
    let yard = Yard::new(Level::Propose).await;
    for turn in 1..=3 {
        let outcome = yard.works(Stage::Implementer, sh("exit 1")).await;
        assert!(matches!(outcome.end, End::Failed(_)), "{turn}");
        yard.pass(Span::hours(24)).await;
    }
    assert_eq!(yard.pull().await.stored.pull.state.name(), "requires_human");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_and_who_is_not_there_are_told_apart() {
    let yard = Yard::new(Level::Propose).await;
    let settings = yard.settings(Stage::Implementer, talks("drafts"));
    let strange = async |url: &str, token: &str| {
        let client = Client::new(url, SecretString::from(token.to_owned()), yard.chance()).expect("a client");
        let origin = Origin::Folder(yard.path("home.git"));
        let worker = Worker::open(client, origin, &yard.path("worker.git"), settings.clone()).await.expect("a worker");
        worker.one(&CancellationToken::new(), |_| {}).await
    };
    assert_eq!(strange(&yard.url, "gapw_nobody").await, Err(runner::Trouble::Stranger));
    let viewer = yard.token(Role::Viewer, "viewer").await;
    let refused = strange(&yard.url, &viewer).await;
    assert!(matches!(&refused, Err(runner::Trouble::Refused { code, .. }) if code == "forbidden"), "{refused:?}");
    let nowhere = strange("http://127.0.0.1:9/mcp", &viewer).await;
    assert!(matches!(nowhere, Err(runner::Trouble::Lost(_))), "{nowhere:?}");
    yard.end().await;
}
