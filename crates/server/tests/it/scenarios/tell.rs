//! Scenario 1: notify. The heartbeat Routine counts the locks and says so, whatever Discord does meanwhile.

use domain::time::Span;
use harness::both;
use harness::discord::Mood;
use serde_json::json;

use super::{Ground, Routine};
use crate::asked::refused;

const ROUTINE: &str = "agent-mcp-heartbeat-routine";

/// The prompt of agent-mcp-heartbeat, as it is written.
async fn heartbeat(ann: &Routine) -> String {
    ann.checks_in(ROUTINE, "start").await;
    let (mut count, mut cursor) = (0, None::<String>);
    loop {
        let mut asked = json!({"limit": 1});
        if let Some(cursor) = &cursor {
            asked["cursor"] = json!(cursor);
        }
        let page = ann.does("list-locks", asked).await;
        count += page["locks"].as_array().expect("locks").len();
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let told = ann.does("notify", json!({"message": format!("agent-mcp heartbeat: {count} active locks")})).await;
    assert_eq!((&told["queued"], &told["channel"]), (&json!(true), &json!("ops")));
    ann.checks_in(ROUTINE, "end").await;
    told["id"].as_str().expect("an id").to_owned()
}

both!(scenario_1_notify, async |world| {
    let ground = Ground::new(world).await;
    let (ann, bob) = (ground.routine("ann").await, ground.routine("bob").await);
    for key in ["pr-fix-1", "gh-issue-2"] {
        bob.locks(key, 3_600).await.expect("a free lock");
    }
    bob.locks("stuck-job-x", 1).await.expect("a free lock");
    world.hand.advance(Span::secs(2));
    // Discord is out of order while the Routine runs: it does not notice, and nothing is lost.
    ground.discord.feel(Mood::Broken);
    let sent = heartbeat(&ann).await;
    assert_eq!(ground.told().await, Vec::<String>::new());
    assert!(ground.ended(ROUTINE).await);
    ground.discord.feel(Mood::Well);
    world.hand.advance(Span::hours(1));
    assert_eq!(ground.told().await, ["agent-mcp heartbeat: 2 active locks"], "those that are live");
    let mut tx = ground.plane.store().read().await.expect("a look");
    let row = store::outbox::find(&mut tx, &sent).await.expect("a look").expect("the message");
    assert_eq!((row.state.as_str(), row.channel.as_str()), ("sent", "ops"));
    assert!(row.attempts >= 2, "{row:?}");
    drop(tx);
    assert_eq!(ground.tools_of("ann").await, ["check-in", "check-in", "notify"]);
    levels_and_places(&ground, &ann).await;
    ground.end().await;
});

/// How loud a message is, that it is told once however often it is asked for, and that it goes nowhere else.
async fn levels_and_places(ground: &Ground, ann: &Routine) {
    for (level, at) in [("warn", 1), ("error", 2)] {
        for _ in 0..2 {
            ann.does("notify", json!({"message": "look", "level": level, "idempotency_key": level})).await;
        }
        let told = ground.told().await;
        assert_eq!(told.len(), 1 + at, "a repeated call says it once: {told:?}");
    }
    let told = ground.told().await;
    assert_eq!(told[1..], ["\u{26a0}\u{fe0f} look", "\u{1f534} look"]);
    let elsewhere = refused(&ann.client, "notify", json!({"message": "look", "channel": "elsewhere"})).await;
    assert_eq!(elsewhere, ("channel_not_allowed".to_owned(), "channel".to_owned()));
    assert_eq!(ground.told().await.len(), 3);
}
