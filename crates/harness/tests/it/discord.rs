//! The fake Discord: its moods, its death, and its return on the same port.

use domain::notice::Level;
use domain::time::{Span, Time};
use harness::Discord;
use harness::discord::Mood;
use notify::{Message, Outcome};

fn message(text: &str) -> Message {
    Message { id: format!("id-of-{text}"), level: Level::Info, text: text.into(), link: None, created_at: Time(0) }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_by_its_mood_and_remembers_what_arrived() {
    let discord = Discord::start().await;
    let channel = discord.channel("ops");
    assert_eq!(channel.send(&message("one")).await, Outcome::Sent);
    discord.feel(Mood::Limited { times: 2, after_secs: 1.5 });
    for _ in 0..2 {
        let limited = channel.send(&message("two")).await;
        assert!(matches!(limited, Outcome::Later { after: Some(Span(1_500)), .. }), "{limited:?}");
    }
    assert_eq!(channel.send(&message("two")).await, Outcome::Sent);
    discord.feel(Mood::Broken);
    let broken = channel.send(&message("three")).await;
    assert!(matches!(broken, Outcome::Later { after: None, .. }), "{broken:?}");
    discord.feel(Mood::Forbidding);
    let forbidden = channel.send(&message("three")).await;
    assert!(matches!(forbidden, Outcome::Barred { .. }), "{forbidden:?}");
    discord.feel(Mood::Refusing);
    let refused = channel.send(&message("three")).await;
    assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
    discord.feel(Mood::Slow);
    discord.release();
    assert_eq!(channel.send(&message("four")).await, Outcome::Sent);
    discord.await_count(8).await;
    assert_eq!(discord.taken(), ["one", "two", "four"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_with_its_connections_and_comes_back_where_it_was() {
    let mut discord = Discord::start().await;
    let channel = discord.channel("ops");
    assert_eq!(channel.send(&message("one")).await, Outcome::Sent);
    let addr = discord.addr();
    discord.down();
    let down = channel.send(&message("two")).await;
    assert!(matches!(down, Outcome::Later { after: None, .. }), "{down:?}");
    discord.up().await;
    assert_eq!(discord.addr(), addr);
    assert_eq!(channel.send(&message("two")).await, Outcome::Sent);
    assert_eq!(discord.taken(), ["one", "two"]);
}
