//! Messages: only to allowed channels, written with what implies them, delivered at least once.

use domain::notice::Level;
use domain::refusal::Code;
use domain::time::Span;
use harness::discord::Mood;
use harness::{Discord, World, both};
use plane::Plane;
use plane::page::Ask;

use crate::given::{ann, code, journal, operator};

/// A plane with the channel `ops`, its default, and `other`, both at this Discord.
async fn plane(world: &World, discord: &Discord) -> Plane {
    let channels = vec![discord.channel("ops"), discord.channel("other")];
    let set = |settings: &mut plane::Settings| {
        settings.channels = channels;
        "ops".clone_into(&mut settings.default_channel);
    };
    world.replica_with(set).await
}

async fn say(plane: &Plane, text: &str) -> String {
    plane.notify(&ann(), text, Level::Info, None).await.expect("queued").id
}

async fn state(plane: &Plane, id: &str) -> (String, i64) {
    let mut tx = plane.store().read().await.expect("a look");
    let row = store::outbox::find(&mut tx, id).await.expect("an answer").expect("a message");
    (row.state, row.attempts)
}

both!(a_channel_that_is_not_allowed_is_refused_and_nothing_is_written, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    for channel in ["elsewhere", "", "OPS", "123456", "log"] {
        let answer = plane.notify(&ann(), "hello", Level::Info, Some(channel)).await;
        assert_eq!(code(answer), Code::ChannelNotAllowed, "{channel:?}");
    }
    for text in ["", " \n", &"x".repeat(64 * 1024 + 1)] {
        assert_eq!(code(plane.notify(&ann(), text, Level::Info, None).await), Code::InvalidArgument);
    }
    assert_eq!(plane.deliver().await.expect("delivered").sent, 0);
    assert!(journal(&plane).await.is_empty() && discord.arrived().is_empty());
});

both!(a_message_goes_to_the_default_channel_or_the_one_that_is_named_by_name_or_by_id, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let id = plane.settings().channel(Some("other")).and_then(notify::Channel::discord_id).expect("an id").to_string();
    for (channel, level, arrives_at) in
        [(None, Level::Info, "ops"), (Some("other"), Level::Warn, "other"), (Some(id.as_str()), Level::Error, "other")]
    {
        let queued = plane.notify(&ann(), "hello", level, channel).await.expect("queued");
        assert_eq!(queued.channel, arrives_at);
    }
    assert_eq!(plane.deliver().await.expect("delivered").sent, 3);
    let mut taken = discord.taken();
    taken.sort();
    assert_eq!(taken, ["hello", "⚠️ hello", "🔴 hello"]);
});

both!(inv_6_a_message_is_written_with_its_audit_row_or_not_at_all, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let id = say(&plane, "hello").await;
    let rows = journal(&plane).await;
    assert_eq!((rows.len(), rows[0].object.as_str()), (1, "channel:ops"));
    assert!(rows[0].after.contains(&id), "{}", rows[0].after);
    assert_eq!(state(&plane, &id).await, ("pending".into(), 0));
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("DROP TABLE outbox", &[]).await.expect("a broken store");
    tx.commit().await.expect("a commit");
    plane.notify(&ann(), "lost", Level::Info, None).await.expect_err("there is no outbox");
    assert_eq!(journal(&plane).await.len(), 1, "no audit row without its message");
    world.spoil();
});

both!(a_message_that_was_queued_before_a_restart_is_delivered_after_it, async |world| {
    let discord = Discord::start().await;
    let before = plane(world, &discord).await;
    let id = say(&before, "hello").await;
    drop(before);
    let after = plane(world, &discord).await;
    assert_eq!(after.deliver().await.expect("delivered").sent, 1);
    assert_eq!(state(&after, &id).await, ("sent".into(), 1));
    assert_eq!(discord.taken(), ["hello"]);
});

both!(a_message_whose_delivery_died_with_its_process_is_delivered_again, async |world| {
    let discord = Discord::start().await;
    discord.feel(Mood::Silent);
    let process = harness::Process::start();
    let (opener, channel) = (world.opener(), discord.channel("ops"));
    process.begin(async move {
        let set = |settings: &mut plane::Settings| {
            (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
        };
        let plane = opener.replica(set).await;
        say(&plane, "hello").await;
        drop(plane.deliver().await);
    });
    discord.await_count(1).await;
    process.kill();
    discord.feel(Mood::Well);
    let plane = plane(world, &discord).await;
    assert_eq!(plane.deliver().await.expect("delivered").sent, 0, "it is left to whoever took it, for a minute");
    world.hand.advance(Span::mins(1));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(discord.taken(), ["hello"]);
});

both!(two_replicas_deliver_each_message_once, async |world| {
    let discord = Discord::start().await;
    let (one, other) = (plane(world, &discord).await, plane(world, &discord).await);
    for n in 0..50 {
        say(&one, &format!("m{n}")).await;
    }
    let (a, b) = tokio::join!(one.deliver(), other.deliver());
    assert_eq!(a.expect("delivered").sent + b.expect("delivered").sent, 50);
    let mut taken = discord.taken();
    taken.sort();
    taken.dedup();
    assert_eq!((taken.len(), discord.arrived().len()), (50, 50));
});

both!(a_429_is_obeyed_to_the_millisecond_by_all_that_waits_for_the_channel, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    for text in ["one", "two", "three"] {
        say(&plane, text).await;
        // Within one millisecond their order is left to chance.
        world.hand.advance(Span(1));
    }
    plane.notify(&ann(), "elsewhere", Level::Info, Some("other")).await.expect("queued");
    discord.feel(Mood::Limited { times: 1, after_secs: 64.57 });
    let other_first = plane.deliver().await.expect("delivered");
    // Either channel may have met the limit first; the other's message, if any, has gone through.
    assert!(other_first.sent <= 3 && other_first.later >= 1, "{other_first:?}");
    let seen = discord.arrived().len();
    world.hand.advance(Span(64_569));
    assert_eq!(plane.deliver().await.expect("delivered"), plane::deliver::Delivered::default());
    assert_eq!(discord.arrived().len(), seen, "nobody knocks while it asked for peace");
    world.hand.advance(Span(1));
    plane.deliver().await.expect("delivered");
    let taken: Vec<_> = discord.taken().into_iter().filter(|text| text != "elsewhere").collect();
    assert_eq!(taken, ["one", "two", "three"], "in the order in which they were written");
});

// Found by this exam: a message that was written while a channel had asked for peace was sent at once, ahead of the
// ones that waited.
both!(a_message_written_while_a_channel_asked_for_peace_waits_behind_the_others, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    say(&plane, "one").await;
    discord.feel(Mood::Limited { times: 1, after_secs: 30.0 });
    assert_eq!(plane.deliver().await.expect("delivered").later, 1);
    world.hand.advance(Span::secs(29));
    say(&plane, "two").await;
    plane.notify(&ann(), "elsewhere", Level::Info, Some("other")).await.expect("queued");
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1, "the other channel's only");
    assert_eq!(discord.arrived().len(), 2);
    world.hand.advance(Span::secs(1));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 2);
    assert_eq!(discord.taken(), ["elsewhere", "one", "two"]);
});

both!(an_hour_of_silence_loses_nothing_and_repeats_nothing, async |world| {
    let mut discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    discord.down();
    let mut said = Vec::new();
    for minute in 0..60 {
        let text = format!("minute {minute}");
        say(&plane, &text).await;
        said.push(text);
        assert_eq!(plane.deliver().await.expect("delivered").sent, 0);
        world.hand.advance(Span::mins(1));
    }
    discord.up().await;
    world.hand.advance(Span::mins(1));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 60);
    assert_eq!(discord.taken(), said);
});

both!(a_message_is_given_up_after_72_hours_and_is_a_dead_letter, async |world| {
    let discord = Discord::start().await;
    discord.feel(Mood::Broken);
    let plane = plane(world, &discord).await;
    let id = say(&plane, "hello").await;
    for hour in 0..72 {
        assert_eq!(plane.deliver().await.expect("delivered").dead, 0, "hour {hour}");
        world.hand.advance(Span::hours(1));
    }
    assert_eq!(plane.deliver().await.expect("delivered").dead, 1);
    assert_eq!(state(&plane, &id).await, ("dead".into(), 73));
    let letters = plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!((letters.len(), letters[0].source, letters[0].id.as_str()), (1, "outbox", id.as_str()));
    assert!(letters[0].error.contains("500"), "{}", letters[0].error);
});

both!(a_message_that_is_refused_is_a_dead_letter_at_once_and_the_next_one_goes_through, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let refused = say(&plane, "one").await;
    discord.feel(Mood::Refusing);
    assert_eq!(plane.deliver().await.expect("delivered").dead, 1);
    discord.feel(Mood::Well);
    let next = say(&plane, "two").await;
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!((state(&plane, &refused).await.0, state(&plane, &next).await.0), ("dead".into(), "sent".into()));
});

/// A plane that knows nothing but this channel.
async fn knowing(world: &World, channel: notify::Channel) -> Plane {
    let name = channel.name().to_owned();
    world.replica_with(|settings| (settings.channels, settings.default_channel) = (vec![channel], name)).await
}

both!(a_message_to_a_channel_that_this_process_lacks_waits_for_one_that_has_it, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let id = plane.notify(&ann(), "hello", Level::Info, Some("other")).await.expect("queued").id;
    for _ in 0..3 {
        let left = world.plane.deliver().await.expect("delivered");
        assert_eq!((left.dead, left.elsewhere), (0, 1));
        world.hand.advance(Span::hours(20));
    }
    assert_eq!(state(&plane, &id).await, ("pending".into(), 0), "not tried, and not given up");
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(discord.taken(), ["hello"]);
});

both!(messages_to_a_channel_that_this_process_lacks_keep_no_others_waiting, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    for n in 0..25 {
        plane.notify(&ann(), &format!("m{n}"), Level::Info, Some("other")).await.expect("queued");
    }
    world.hand.advance(Span(1));
    say(&plane, "hello").await;
    let knows_ops = knowing(world, discord.channel("ops")).await;
    let done = knows_ops.deliver().await.expect("delivered");
    assert_eq!((done.sent, done.elsewhere), (1, 25));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 25, "nobody else had taken them");
});

both!(a_message_to_a_channel_that_nobody_has_is_a_dead_letter_after_72_hours, async |world| {
    let discord = Discord::start().await;
    let before = plane(world, &discord).await;
    let id = before.notify(&ann(), "hello", Level::Info, Some("other")).await.expect("queued").id;
    world.hand.advance(Span(domain::effect::LIFE_MAX.0 - 1));
    assert_eq!(world.plane.deliver().await.expect("delivered").dead, 0);
    world.hand.advance(Span(1));
    let done = world.plane.deliver().await.expect("delivered");
    assert_eq!((done.dead, done.elsewhere), (1, 0));
    assert_eq!(state(&before, &id).await, ("dead".into(), 0));
    let letters = before.dead_letters(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!(letters[0].error, "no server that delivers has the channel other, and it waited for 3d");
});

both!(a_message_that_needs_a_mended_configuration_is_delivered_after_it, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let id = say(&plane, "hello").await;
    discord.feel(Mood::Forbidding);
    for hour in 0..24 {
        assert_eq!(plane.deliver().await.expect("delivered").later, 1, "hour {hour}");
        world.hand.advance(Span::hours(1));
    }
    discord.feel(Mood::Well);
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(state(&plane, &id).await, ("sent".into(), 25));
});

both!(a_message_that_its_receiver_forbids_does_not_keep_the_others_waiting, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    discord.feel(Mood::Censoring("drop table"));
    let poison = say(&plane, "drop table").await;
    for _ in 0..3 {
        assert_eq!(plane.deliver().await.expect("delivered").later, 1);
        world.hand.advance(Span::mins(10));
    }
    assert_eq!(plane.deliver().await.expect("delivered").later, 1);
    for hour in 0..71 {
        world.hand.advance(Span(1));
        let news = say(&plane, &format!("hour {hour}")).await;
        plane.deliver().await.expect("delivered");
        assert_eq!(state(&plane, &news).await.0, "sent", "hour {hour}");
        world.hand.advance(Span::hours(1));
    }
    assert_eq!(state(&plane, &poison).await.0, "pending", "it may still be mended");
});

both!(a_message_that_is_forbidden_while_others_arrive_never_lays_its_channel_to_rest, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    discord.feel(Mood::Censoring("drop table"));
    let mut poisons = Vec::new();
    for text in ["drop table a", "news", "drop table b", "more news", "drop table c", "the last news"] {
        let id = say(&plane, text).await;
        plane.deliver().await.expect("delivered");
        world.hand.advance(Span(1));
        if text.starts_with("drop") { poisons.push(id) } else { assert_eq!(state(&plane, &id).await.0, "sent") }
    }
    world.hand.advance(Span::mins(10));
    assert_eq!(plane.deliver().await.expect("delivered").later, 3, "each is tried for itself");
    let news = say(&plane, "news after them").await;
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(state(&plane, &news).await, ("sent".into(), 1));
});

both!(a_channel_that_forbids_two_in_a_row_rests_and_then_tries_those_that_have_not_been, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    discord.feel(Mood::Censoring("drop table"));
    for text in ["drop table a", "drop table b", "news"] {
        say(&plane, text).await;
        world.hand.advance(Span(1));
    }
    assert_eq!(plane.deliver().await.expect("delivered").later, 3);
    assert_eq!(discord.arrived().len(), 2, "the third waits");
    world.hand.advance(Span(599_999));
    assert_eq!(plane.deliver().await.expect("delivered"), plane::deliver::Delivered::default());
    world.hand.advance(Span(1));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(discord.taken(), ["news"]);
});

both!(a_message_that_goes_first_passes_a_rest_and_the_others_follow_when_it_is_ended, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let waits = say(&plane, "one").await;
    discord.feel(Mood::Limited { times: 1, after_secs: 3_600.0 });
    assert_eq!(plane.deliver().await.expect("delivered").later, 1);
    world.hand.advance(Span(1));
    let test = plane.notify(&operator(), "test", Level::Info, None).await.expect("queued");
    assert_eq!(plane.deliver().await.expect("delivered"), plane::deliver::Delivered::default());
    plane.deliver_first(&test).await.expect("tried");
    assert_eq!(state(&plane, &test.id).await, ("sent".into(), 1));
    assert_eq!(plane.deliver().await.expect("delivered").sent, 0, "what the channel asked for still holds");
    plane.end_rest("ops").await.expect("ended");
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert_eq!(state(&plane, &waits).await, ("sent".into(), 2));
});

both!(ending_a_rest_takes_nothing_out_of_anybodys_hands, async |world| {
    let discord = Discord::start().await;
    let (one, other) = (plane(world, &discord).await, plane(world, &discord).await);
    say(&one, "hello").await;
    discord.feel(Mood::Slow);
    let (sent, ()) = tokio::join!(one.deliver(), async {
        discord.await_count(1).await;
        other.end_rest("ops").await.expect("ended");
        assert_eq!(other.deliver().await.expect("delivered").sent, 0);
        discord.release();
    });
    assert_eq!((sent.expect("delivered").sent, discord.arrived().len()), (1, 1));
});

both!(a_slow_answer_is_waited_for_and_its_message_delivered_once, async |world| {
    let discord = Discord::start().await;
    let (one, other) = (plane(world, &discord).await, plane(world, &discord).await);
    say(&one, "hello").await;
    discord.feel(Mood::Slow);
    let (sent, ()) = tokio::join!(one.deliver(), async {
        discord.await_count(1).await;
        world.hand.advance(Span::secs(8));
        assert_eq!(other.deliver().await.expect("delivered").sent, 0);
        discord.release();
    });
    assert_eq!(sent.expect("delivered").sent, 1);
    world.hand.advance(Span::hours(1));
    assert_eq!(other.deliver().await.expect("delivered").sent, 0);
    assert_eq!(discord.taken(), ["hello"]);
});

both!(a_message_whose_turn_comes_late_is_not_delivered_by_another_replica_too, async |world| {
    let discord = Discord::start().await;
    let (one, other) = (plane(world, &discord).await, plane(world, &discord).await);
    for text in ["one", "two"] {
        say(&one, text).await;
        world.hand.advance(Span(1));
    }
    discord.feel(Mood::Slow);
    let (sent, ()) = tokio::join!(one.deliver(), async {
        discord.await_count(1).await;
        world.hand.advance(Span::secs(50));
        discord.release();
        discord.await_count(2).await;
        // More than a minute after both were taken, and less than one after the second's turn came.
        world.hand.advance(Span::secs(20));
        discord.feel(Mood::Well);
        assert_eq!(other.deliver().await.expect("delivered").sent, 0);
        discord.release();
    });
    assert_eq!(sent.expect("delivered").sent, 2);
    assert_eq!(discord.taken(), ["one", "two"]);
});

both!(a_message_that_was_given_up_is_delivered_when_an_operator_queues_it_again, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let id = say(&plane, "hello").await;
    assert!(!plane.requeue_message(&operator(), &id).await.expect("an answer"), "it waits already");
    discord.feel(Mood::Broken);
    world.hand.advance(Span::hours(72));
    assert_eq!(plane.deliver().await.expect("delivered").dead, 1);
    assert_eq!(code(plane.requeue_message(&ann(), &id).await), Code::Forbidden);
    assert!(plane.requeue_message(&operator(), &id).await.expect("an answer"));
    assert_eq!(state(&plane, &id).await, ("pending".into(), 0));
    for hour in 0..72 {
        assert_eq!(plane.deliver().await.expect("delivered").dead, 0, "its hours began anew: {hour}");
        world.hand.advance(Span::hours(1));
    }
    discord.feel(Mood::Well);
    assert_eq!(plane.deliver().await.expect("delivered").sent, 1);
    assert!(!plane.requeue_message(&operator(), &id).await.expect("an answer"), "it has arrived");
    assert!(!plane.requeue_message(&operator(), "nobody").await.expect("an answer"));
    let rows = journal(&plane).await;
    let again: Vec<_> = rows.iter().filter(|row| row.object == format!("message:{id}")).collect();
    assert!(again.len() == 1 && again[0].before.contains("500"), "{again:?}");
});

both!(the_running_plane_delivers_by_itself_as_soon_as_something_is_queued, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    let (stop, tasks) = (tokio_util::sync::CancellationToken::new(), tokio_util::task::TaskTracker::new());
    plane.start_chores(&stop, &tasks);
    say(&plane, "hello").await;
    discord.await_count(1).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    assert_eq!(discord.taken(), ["hello"]);
    assert!(plane.reports().all().values().all(|report| report.error.is_none()), "{:?}", plane.reports().all());
});
