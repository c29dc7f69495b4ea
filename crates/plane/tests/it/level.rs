//! The level of autonomy: its gate counts what the store holds, and nothing but an operator moves it.

use domain::gap::Sighting;
use domain::level::Level;
use domain::refusal::Code;
use domain::time::Span;
use harness::{World, both};
use store::gap::sighting::Under;

use crate::given::{ann, code, complete, hourly, operator, refused, register, take, wish};

/// Days on which a run ends, one after the other.
async fn use_it(world: &World, days: usize) {
    for _ in 0..days {
        let job = take(&world.plane, &ann(), wish()).await;
        complete(&world.plane, &ann(), &job, "ok").await;
        world.hand.advance(Span::days(1));
    }
}

async fn level(world: &World) -> Level {
    world.plane.show_level(&ann()).await.expect("a level").level
}

both!(everything_begins_at_observe_and_the_gate_says_what_is_missing, async |world| {
    let shown = world.plane.show_level(&ann()).await.expect("a level");
    assert_eq!((shown.level, shown.since, shown.next), (Level::Observe, None, Some(Level::Propose)));
    let gate: Vec<_> = shown.gate.iter().map(|item| (item.what, item.have, item.need)).collect();
    assert_eq!(gate, [("days in use", Some(0), 14), ("sightings that name a gap", Some(0), 5)]);
    let refusal = refused(world.plane.raise_level(&operator(), None).await);
    assert_eq!(refusal.code, Code::WrongState);
    assert!(refusal.message.ends_with("0 of 14 days in use, 0 of 5 sightings that name a gap"), "{}", refusal.message);
});

both!(fourteen_days_in_use_and_five_sightings_open_the_gate_and_no_less, async |world| {
    register(&world.plane, hourly("j")).await;
    use_it(world, 13).await;
    for n in 0..5 {
        world.plane.report_gap(&ann(), Sighting::named("adr", &format!("gap-{n}a"))).await.expect("recorded");
    }
    assert_eq!(code(world.plane.raise_level(&operator(), None).await), Code::WrongState);
    // Days that only pass are no days in use.
    world.hand.advance(Span::days(30));
    assert_eq!(code(world.plane.raise_level(&operator(), None).await), Code::WrongState);
    use_it(world, 1).await;
    let moved = world.plane.raise_level(&operator(), None).await.expect("open");
    assert_eq!((moved.now.as_str(), moved.overridden), ("propose", false));
    let change = &world.plane.show_level(&ann()).await.expect("a level").history[0];
    assert!(change.evidence.contains("\"have\":14") && change.evidence.contains("\"have\":5"), "{}", change.evidence);
    assert_eq!((change.by.as_str(), change.overridden), ("olga", 0));
});

both!(markers_that_name_nothing_do_not_open_the_gate, async |world| {
    register(&world.plane, hourly("j")).await;
    use_it(world, 14).await;
    for _ in 0..6 {
        let unreadable = Sighting { name: None, ..Sighting::named("adr", "") };
        let mut tx = world.store().begin().await.expect("a transaction");
        let id = domain::id::mint(world.hand.now(), world.plane.draw());
        store::gap::sighting::append(&mut tx, &id, &unreadable, Under::default(), "ann").await.expect("a row");
        tx.commit().await.expect("a commit");
    }
    let refusal = refused(world.plane.raise_level(&operator(), None).await);
    assert!(refusal.message.ends_with(": 0 of 5 sightings that name a gap"), "{}", refusal.message);
});

both!(a_written_reason_overrides_the_gate_and_is_kept_with_the_evidence, async |world| {
    assert_eq!(code(world.plane.raise_level(&operator(), Some("short")).await), Code::InvalidArgument);
    let why = "a trial on a repository of nobody's";
    let moved = world.plane.raise_level(&operator(), Some(why)).await.expect("overridden");
    assert!(moved.overridden);
    let change = &world.plane.show_level(&ann()).await.expect("a level").history[0];
    assert_eq!((change.reason.as_str(), change.overridden), (why, 1));
    assert!(change.evidence.contains("\"have\":0"), "{}", change.evidence);
    world.plane.raise_level(&operator(), Some("further, further")).await.expect("overridden once more");
    world.plane.raise_level(&operator(), Some("further, further, further")).await.expect("to the highest");
    let beyond = world.plane.raise_level(&operator(), Some("further, further, further, further")).await;
    assert_eq!(refused(beyond).message, "automerge is the highest level");
});

both!(going_back_is_one_act_and_the_way_up_begins_anew, async |world| {
    world.plane.raise_level(&operator(), Some("a trial, nothing more")).await.expect("overridden");
    assert_eq!(level(world).await, Level::Propose);
    assert_eq!(code(world.plane.lower_level(&operator(), Some(Level::Propose), None).await), Code::WrongState);
    world.plane.lower_level(&operator(), None, Some("it was too much noise")).await.expect("lowered");
    assert_eq!(level(world).await, Level::Observe);
    assert_eq!(code(world.plane.lower_level(&operator(), None, None).await), Code::WrongState);
    assert_eq!(code(world.plane.raise_level(&operator(), None).await), Code::WrongState);
});

both!(two_operators_who_saw_the_same_level_raise_it_by_one, async |world| {
    let other = world.replica().await;
    let (by, also) = (operator(), operator());
    let why = Some("both of us mean this one step");
    let (one, two) = tokio::join!(
        world.plane.raise_level_from(&by, Level::Observe, why),
        other.raise_level_from(&also, Level::Observe, why)
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
    assert_eq!(level(world).await, Level::Propose);
});
