//! Cloud Routines that are started for jobs that are due: once each, by the name of the job alone, and never again where
//! nobody can tell whether it was.

use domain::fire::{CLAIM_WITHIN, Fire, SHOW_WITHIN, State};
use domain::refusal::Code;
use domain::time::Span;
use harness::trigger::Mood;
use harness::{Trigger, World, both};
use plane::Plane;
use plane::page::Ask;
use plane::settings::Trigger as Routine;
use serde_json::json;

use crate::given::{ann, claim, due, journal, named, operator, refused, register};
use crate::scheduled::{ring, runs};

const NAME: &str = "fire-routines";

/// A plane that starts the Routine `cloud` for jobs of the kind `digest`, so often a day.
async fn plane(world: &World, trigger: &Trigger, per_day: i64) -> Plane {
    let routine = Routine {
        routine: "cloud".into(),
        kind: "digest".into(),
        url: trigger.url(),
        token: "sk-ant-oat01-test".into(),
        per_day,
    };
    let plane = world
        .replica_with(|settings| {
            settings.schedule = [(NAME.to_owned(), "every 1m".to_owned())].into();
            settings.fires = vec![routine];
        })
        .await;
    plane.sync_schedule().await.expect("a schedule");
    plane
}

async fn fires(plane: &Plane) -> Vec<Fire> {
    plane.list_fires(&operator(), &Ask::default()).await.expect("a list").items
}

/// The state of each, the earliest first.
async fn states(plane: &Plane) -> Vec<State> {
    fires(plane).await.into_iter().rev().map(|fire| fire.state).collect()
}

/// The texts that wait for the operator.
async fn told(world: &World) -> Vec<String> {
    let mut tx = world.store().read().await.expect("a look");
    let rows: Vec<(String,)> = tx.all("SELECT text FROM outbox ORDER BY id", &[]).await.expect("messages");
    rows.into_iter().map(|(text,)| text).collect()
}

async fn pass(world: &World, plane: &Plane) {
    world.hand.advance(Span::mins(1));
    plane.tend_lines().await.expect("a pass");
    ring(plane).await;
}

both!(a_routine_is_started_once_for_a_job_that_is_due_and_told_its_name_alone, async |world| {
    let trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 5).await;
    register(&plane, due("one")).await;
    register(&plane, domain::job::Register { kind: "other".into(), ..due("not-its-kind") }).await;
    for _ in 0..5 {
        pass(world, &plane).await;
    }
    let arrived = trigger.arrived();
    assert_eq!(trigger.told(), ["one"]);
    assert_eq!(arrived[0].body, json!({"text": "one"}), "and nothing else");
    assert_eq!(
        (arrived[0].bearer.as_str(), arrived[0].beta.as_str()),
        ("sk-ant-oat01-test", "experimental-cc-routine-2026-04-01")
    );
    let fire = fires(&plane).await.remove(0);
    assert_eq!((fire.state, fire.session.as_str()), (State::Started, "session_1"));
    assert_eq!(fire.url, "https://claude.ai/code/session_1");
    let wish = plane::job::Claim { ttl: Span::mins(10), ..named("one") };
    claim(&plane, &ann(), wish).await.expect("claimed");
    pass(world, &plane).await;
    assert_eq!(states(&plane).await, [State::Over], "the claim settles it");
    let rows = journal(&plane).await;
    assert_eq!(rows.iter().filter(|row| row.object == format!("fire:{}", fire.id)).count(), 3, "asked, started, over");
    assert!(rows.iter().all(|row| !format!("{row:?}").contains("sk-ant")), "no secret is in the audit");
});

both!(a_start_of_which_nobody_can_tell_is_not_repeated_until_an_operator_says, async |world| {
    let trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 9).await;
    register(&plane, due("one")).await;
    for mood in [Mood::Lost, Mood::Says(502), Mood::Page] {
        let asked = trigger.told().len();
        trigger.feel(mood);
        pass(world, &plane).await;
        assert_eq!(trigger.told().len(), asked + 1, "{mood:?}");
        trigger.feel(Mood::Well);
        for _ in 0..20 {
            pass(world, &plane).await;
        }
        assert_eq!(trigger.told().len(), asked + 1, "{mood:?}: it may run");
        let fire = fires(&plane).await.remove(0);
        assert_eq!(fire.state, State::Unknown, "{mood:?}");
        let letters = plane.dead_letters(&operator(), &Ask::default()).await.expect("letters").items;
        assert_eq!(
            letters.iter().map(|letter| (letter.source, &letter.id)).collect::<Vec<_>>(),
            [("routine_start", &fire.id)]
        );
        assert_eq!(refused(plane.release_fire(&ann(), &fire.id, false).await).code, Code::Forbidden);
        plane.release_fire(&operator(), &fire.id, false).await.expect("released");
        assert_eq!(refused(plane.release_fire(&operator(), &fire.id, false).await).code, Code::WrongState);
        trigger.feel(mood);
    }
    let asks = told(world).await.into_iter().filter(|text| text.contains("nobody can tell")).count();
    assert_eq!(asks, 1, "people are asked once for one start");
    trigger.feel(Mood::Well);
    pass(world, &plane).await;
    assert_eq!(states(&plane).await, [State::Started], "it was not, and is started again");
    assert!(Span::mins(20) > SHOW_WITHIN);
});

both!(a_start_that_was_under_way_when_its_server_died_is_not_known, async |world| {
    let trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 9).await;
    register(&plane, due("one")).await;
    pass(world, &plane).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("UPDATE fire SET state = 'sending', session = '', url = ''", &[])
        .await
        .expect("as it was before the answer");
    tx.commit().await.expect("written");
    pass(world, &plane).await;
    assert_eq!((states(&plane).await, trigger.told().len()), (vec![State::Unknown], 1));
});

both!(a_refusal_rests_and_is_tried_again_and_what_is_not_reached_too, async |world| {
    let mut trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 9).await;
    register(&plane, due("one")).await;
    trigger.feel(Mood::Limited(600));
    pass(world, &plane).await;
    assert_eq!(states(&plane).await, [State::Refused]);
    let run = runs(&plane, NAME).await.pop().expect("a run");
    assert!(run.status.starts_with("error: 0 started") && run.status.contains("429"), "{}", run.status);
    trigger.feel(Mood::Well);
    for _ in 0..9 {
        pass(world, &plane).await;
    }
    assert_eq!(trigger.told().len(), 1, "it rests for ten minutes");
    for _ in 0..2 {
        pass(world, &plane).await;
    }
    assert_eq!((states(&plane).await, trigger.told().len()), (vec![State::Started], 2));
    let told = told(world).await;
    assert!(told.iter().any(|text| text.contains("cloud could not be started (status 429")), "{told:?}");
    register(&plane, due("two")).await;
    trigger.down();
    pass(world, &plane).await;
    assert_eq!(fires(&plane).await[0].error, "not reached");
    trigger.up().await;
    for _ in 0..3 {
        pass(world, &plane).await;
    }
    assert_eq!(trigger.told(), ["one", "one", "two"]);
});

both!(silence_is_told_once_and_the_day_has_its_cap, async |world| {
    let trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 2).await;
    for name in ["one", "two", "three"] {
        register(&plane, due(name)).await;
    }
    for _ in 0..40 {
        pass(world, &plane).await;
    }
    assert!(Span::mins(40) > CLAIM_WITHIN);
    let mut names = trigger.told();
    names.sort();
    assert_eq!(names, ["one", "three"], "in the order of their names, and no more than two a day");
    let told = told(world).await;
    let count = |part: &str| told.iter().filter(|text| text.contains(part)).count();
    assert_eq!((count("has not claimed it"), count("which is all that it may be")), (2, 1), "{told:?}");
    world.hand.advance(Span::days(1));
    pass(world, &plane).await;
    assert_eq!(trigger.told().len(), 3, "the next day has its own");
});

both!(what_is_switched_off_or_held_starts_nothing, async |world| {
    let trigger = Trigger::start().await;
    let plane = plane(world, &trigger, 9).await;
    register(&plane, due("one")).await;
    let scope = domain::switch::Scope::parse("kind:digest").expect("a scope");
    plane.turn_off(&operator(), scope.clone(), "it costs too much").await.expect("off");
    pass(world, &plane).await;
    assert_eq!(trigger.told().len(), 0);
    plane.turn_on(&operator(), scope).await.expect("on");
    claim(&plane, &ann(), named("one")).await.expect("claimed");
    ring(&plane).await;
    assert_eq!(trigger.told().len(), 0, "somebody holds it");
});
