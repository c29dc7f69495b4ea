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
    for play in [format!("{} | head -n -1; kill -KILL $$", print("claude-works.jsonl")), "exit 0".to_owned()] {
        let yard = Yard::new(Level::Propose).await;
        let outcome = yard.works_with(meters(&yard, &play)).await;
        assert!(matches!(outcome.end, End::Failed(_)), "{outcome:?}");
        assert_eq!(yard.pull().await.stored.pull.booked, all, "{play}");
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
