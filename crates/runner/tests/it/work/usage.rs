//! What is booked: what an agent is known to have used, and where that is not known, all that was set aside.

use domain::budget::Amount;

use super::*;
use crate::{claude, print};

/// Claude Code, which plays this and prints what it used.
fn meters(yard: &Yard, play: &str) -> Settings {
    let around = [("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()), ("PLAY".to_owned(), play.to_owned())];
    let environment = Environment::pick(around, &["PLAY".to_owned()]);
    Settings { environment, ..yard.settings(Stage::Implementer, claude()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_booked_and_nothing_more() {
    let yard = Yard::new(Level::Propose).await;
    let play = format!("echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; {}", print("claude-works.jsonl"));
    let outcome = yard.works_with(meters(&yard, &play)).await;
    assert_eq!(outcome.end, End::HandedIn);
    let pull = yard.pull().await;
    assert_eq!(pull.stored.pull.booked, Amount { tokens: 23_665, micro_usd: 48_034 });
    assert_eq!(outcome.usage.map(|usage| (usage.tokens(), usage.micro_usd)), Some((23_665, Some(48_034))));
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_booked_as_all_that_was_set_aside() {
    let all = domain::budget::Caps::default().of_run(Stage::Implementer);
    let cut = format!("{} | head -n -1; kill -KILL $$", print("claude-works.jsonl"));
    let kinds: [fn(&Yard, &str) -> Settings; 2] = [meters, |yard, play| yard.settings(Stage::Implementer, sh(play))];
    for (settings, play) in kinds.into_iter().zip([cut.as_str(), "exit 0"]) {
        let yard = Yard::new(Level::Propose).await;
        let outcome = yard.works_with(settings(&yard, play)).await;
        assert!(matches!(outcome.end, End::Failed(_)), "{outcome:?}");
        assert_eq!(yard.pull().await.stored.pull.booked, all, "{play}");
        yard.end().await;
    }
}

/// A key that ran out would cost every attempt of every job.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_work_costs_no_attempt_and_no_money_and_is_told_as_the_runner_s_fault() {
    for play in [format!("{}; exit 1", print("claude-nobody.jsonl")), "echo 'out of luck' >&2; exit 1".to_owned()] {
        let yard = Yard::new(Level::Propose).await;
        let outcome = yard.works_with(meters(&yard, &play)).await;
        assert!(matches!(&outcome.end, End::Broken(why) if why.contains("without one turn")), "{outcome:?}");
        assert_eq!(yard.run(&outcome.job).await.outcome, domain::job::Outcome::Deferred);
        assert_eq!(yard.pull().await.stored.pull.booked, Amount::ZERO, "{play}");
        yard.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_uses_more_than_was_set_aside_is_ended_and_counted() {
    let small = Amount { tokens: 20_000, micro_usd: 1_000_000 };
    let yard =
        Yard::with(Level::Propose, |settings| settings.rules.caps.run = Stage::ALL.map(|stage| (stage, small))).await;
    let play = format!("echo x >src/a.rs; {COMMIT}; {}; while :; do sleep 600; done", print("claude-works.jsonl"));
    let outcome = yard.works_with(meters(&yard, &play)).await;
    yard.failed(&outcome, "killed: it used 23665 tokens, and 20000 were set aside").await;
    let pull = yard.pull().await.stored.pull;
    assert_eq!((pull.excesses, pull.booked.tokens), (1, 23_665));
    yard.end().await;
}
