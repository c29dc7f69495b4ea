//! Runs that are ended, and what they started with them.

use std::time::Duration;

use runner::{How, Limits, Line, Source, Why};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Place, Pulse, claude, limits, print, ready, shell};

/// Long enough to begin, and short to wait for.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn who_hangs_is_ended_at_the_deadline() {
    let ended = Place::new().run_within(&claude(), "exec sleep 600", Limits { wall: SHORT, ..limits() }).await;
    assert_eq!((ended.how, ended.usage.source), (How::Killed(Why::Deadline), Source::Unknown));
}

#[tokio::test]
async fn who_does_not_hear_is_killed_after_the_grace() {
    let place = Place::new();
    let pulse = Pulse::new(&place);
    let play = pulse.deathless();
    let (ended, _) = place.run_until_ready(&shell(), &play, Limits { grace: SHORT, ..limits() }).await;
    assert_eq!(ended.how, How::Killed(Why::Lost));
    pulse.ends().await;
}

#[tokio::test]
async fn who_is_asked_to_end_may_say_what_it_used() {
    let play = format!(
        "trap '{}; exit 0' TERM; echo '{READY}'; sleep 600 & wait",
        print("claude-works.jsonl").replace('\'', "")
    );
    let (ended, _) = Place::new().run_until_ready(&claude(), &play, limits()).await;
    assert_eq!((ended.how, ended.usage.complete), (How::Killed(Why::Lost), true));
    assert_eq!(ended.usage.micro_usd, Some(48_034));
}

/// What Claude Code prints when the model says so.
const READY: &str = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"ready"}],"usage":{"input_tokens":7,"output_tokens":1}},"parent_tool_use_id":null}"#;

#[tokio::test]
async fn a_lost_claim_ends_a_run_with_what_it_used_so_far() {
    let play = format!("echo '{READY}'; exec sleep 600");
    let (ended, seen) = Place::new().run_until_ready(&claude(), &play, limits()).await;
    assert_eq!(ended.how, How::Killed(Why::Lost));
    assert_eq!((ended.usage.tokens(), ended.usage.source, ended.usage.complete), (8, Source::Measured, false));
    assert_eq!(seen.last().map(|progress| (&progress.line, progress.usage.tokens())), Some((&ready(), 8)));
}

#[tokio::test]
async fn a_claim_that_is_lost_already_ends_a_run_at_once() {
    let lost = CancellationToken::new();
    lost.cancel();
    let ended = runner::run(&shell(), &Place::new().brief("exec sleep 600"), limits(), lost, |_| {}).await;
    assert_eq!(ended.expect("it starts").how, How::Killed(Why::Lost));
}

#[tokio::test]
async fn a_budget_of_tokens_ends_a_run_in_the_middle() {
    // The second message exceeds it; what follows is never reached.
    let play = format!("{} | head -n 24; exec sleep 600", print("claude-works.jsonl"));
    let ended = Place::new().run_within(&claude(), &play, Limits { tokens: Some(6_000), ..limits() }).await;
    assert_eq!(ended.how, How::Killed(Why::Tokens));
    assert!((6_001..23_665).contains(&ended.usage.tokens()) && !ended.usage.complete, "{ended:?}");
}

#[tokio::test]
async fn a_budget_that_turns_out_exceeded_at_the_end_is_exceeded() {
    let play = format!("{}; exit 1", print("claude-costs.jsonl"));
    let ended = Place::new().run_within(&claude(), &play, Limits { micro_usd: Some(20_000), ..limits() }).await;
    assert_eq!((ended.how, ended.usage.micro_usd), (How::Killed(Why::Cost), Some(23_620)));
    assert_eq!(ended.error.as_deref(), Some("Reached maximum budget ($0.02)"));
    let exactly = Limits { micro_usd: Some(23_620), ..limits() };
    assert_eq!(Place::new().run_within(&claude(), &play, exactly).await.how, How::Exited(1));
}

#[tokio::test]
async fn a_flood_ends_a_run() {
    for flood in ["yes", "yes >&2", "cat /dev/zero", "trap '' TERM PIPE; while :; do echo x 2>/dev/null; done"] {
        let few = Limits { output_bytes: 200_000, grace: SHORT, ..limits() };
        let ended = Place::new().run_within(&shell(), flood, few).await;
        assert_eq!(ended.how, How::Killed(Why::Flood), "{flood}");
        assert!(ended.last_words.chars().count() <= runner::SAID_MAX);
    }
}

#[tokio::test]
async fn who_left_the_group_and_does_not_hear_dies_with_it() {
    let place = Place::new();
    let pulse = Pulse::new(&place);
    // The group hears and is gone at once; the other has a session of its own.
    let play = format!("setsid sh -c \"{}\" & wait", pulse.deathless().replace('$', "\\$"));
    let (ended, _) = place.run_until_ready(&shell(), &play, limits()).await;
    assert_eq!(ended.how, How::Killed(Why::Lost));
    pulse.ends().await;
}

#[tokio::test]
async fn who_outlives_an_agent_that_ended_well_dies_too_and_holds_nobody_up() {
    // In its group and without our mark, and the other way round.
    for own in ["env -i", "setsid"] {
        let place = Place::new();
        let pulse = Pulse::new(&place);
        // It keeps the agent's output open.
        let left = format!("{own} sh -c \"{}\" &", pulse.deathless_telling(">$TMPDIR/begun"));
        let play = format!("mkfifo $TMPDIR/begun; {left} read word <$TMPDIR/begun; echo $word");
        let ended = place.run(&shell(), &play).await;
        assert_eq!((ended.how, ended.last_words.as_str()), (How::Exited(0), "ready"), "{own}");
        pulse.ends().await;
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_nobody() {
    let place = Place::new();
    let pulse = Pulse::new(&place);
    let brief = place.brief(&format!("setsid sh -c \"{}\" & wait", pulse.deathless()));
    let (tell, mut told) = mpsc::unbounded_channel();
    let running = tokio::spawn(async move {
        let watch = |progress: runner::Progress| tell.send(progress.line).expect("a listener");
        runner::run(&shell(), &brief, limits(), CancellationToken::new(), watch).await
    });
    assert_eq!(told.recv().await, Some(Line::Said("ready".to_owned())));
    running.abort();
    assert!(running.await.expect_err("it was dropped").is_cancelled());
    pulse.ends().await;
    assert_eq!(std::fs::read_dir(place.path("homes")).expect("a folder").count(), 0, "its home is left");
}
