//! From the pipeline to merging by itself.

use domain::gate::Word;
use domain::level::Level;
use domain::outcome::Outcome;
use domain::pull::State;
use domain::refusal::Code;
use domain::time::Span;
use forge::AccountKind;

use super::given::rules;
use crate::given::refused;
use crate::pulls::ground::{Ground, olga};
use crate::pulls::pulls;

pulls!(a_stratum_that_has_shown_enough_merges_by_itself_once_it_is_armed, async |ground| {
    ground.proven().await;
    // The gate says what it would do, and a person does it.
    ground.checked("shadow-gap").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsHuman);
    let again = ground.explained().await.again.expect("it was at the gate");
    assert_eq!((again.word, again.would), (Word::Person, true), "{}", again.why());
    ground.given.pass(super::given::READ);
    ground.merge("ann").await;
    ground.poll().await;
    assert_eq!(ground.outcome().await.weight, "good");
    let standing = ground.given.plane.show_gate(&olga(), None).await.expect("shown").remove(0);
    assert_eq!((standing.record.shadow.agreed, standing.record.shadow.wrong), (1, 0));

    let moved = ground.given.plane.raise_level(&olga(), None).await.expect("on evidence, without a reason");
    assert_eq!((moved.now.as_str(), moved.overridden), ("automerge", false));
    ground.checked("unarmed-gap").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsHuman, "the level alone merges nothing");
});

pulls!(what_merges_by_itself_is_what_was_approved_and_is_written_down_with_its_record, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("auto").await;
    assert_eq!(ground.merged_by().await, Some(AccountKind::Us));
    let explained = ground.explained().await;
    let judged = explained.judged.expect("a record");
    assert_eq!(judged.word, "merge");
    assert_eq!(Some(judged.head.as_str()), ground.pull_of(&ground.gap).await.head());
    let found = ground.outcome().await;
    assert_eq!(
        (found.outcome().expect("a word"), found.weight.as_str()),
        (Outcome::Unchanged, "auto"),
        "{}",
        found.why
    );
    let rows = crate::given::journal(&ground.given.plane).await;
    let told = rows.iter().filter(|row| row.object.starts_with("channel:") && row.after.contains("automerged")).count();
    assert_eq!(told, 1, "the operator is told once");
    let locks = ground.given.plane.list_locks(&olga(), None, &plane::page::Ask::default()).await.expect("locks");
    assert!(locks.items.is_empty(), "the lock was given back: {locks:?}");
    assert_eq!(ground.given.state(&ground.gap).await, "merged");
});

pulls!(an_operator_s_word_needs_evidence_and_ends_after_ninety_days, async |ground| {
    ground.with_gate(rules()).await;
    ground.taken("one-gap").await;
    let stratum = ground.stratum().await.id();
    let arm = async |ground: &Ground<'_>| {
        ground.given.plane.arm_gate(&olga(), &stratum, "olga", "this case is about it").await
    };
    assert_eq!(refused(arm(ground).await).code, Code::WrongState, "one is no streak");
    ground.calibrated().await;
    for gap in ["two-gap", "three-gap"] {
        ground.taken(gap).await;
    }
    assert_eq!(refused(arm(ground).await).code, Code::WrongState, "they are not old enough");
    ground.given.pass(Span::days(1));
    assert_eq!(refused(arm(ground).await).code, Code::WrongState, "nobody has looked whether they still stand");
    ground.settle().await;
    let armed = arm(ground).await.expect("armed");
    assert_eq!(armed.until, ground.given.world.hand.now() + Span::days(90));
    let is_armed = async |ground: &Ground<'_>| {
        let standing = ground.given.plane.show_gate(&olga(), Some(&stratum)).await.expect("shown").remove(0);
        let armed = standing.judgement.items.into_iter().find(|item| item.what == "armed").expect("asked");
        armed.is == domain::outcome::Answer::Pass
    };
    assert!(is_armed(ground).await);
    ground.given.pass(Span::days(90));
    assert!(!is_armed(ground).await, "it has ended");
    let unknown = ground.given.plane.arm_gate(&olga(), "nothing", "olga", "this case is about it").await;
    assert_eq!(refused(unknown).code, Code::NotFound);
    assert_eq!(ground.level().await, Level::Pipeline);
});

pulls!(no_more_merge_in_a_day_than_the_cap_lets_by, async |ground| {
    ground.armed().await;
    let mut rules = rules();
    rules.merges_per_day = 1;
    ground.with_gate(rules).await;
    ground.merged_by_itself("auto").await;
    let merged = ground.gap.clone();
    ground.settle().await;
    let mut waited = 0;
    for n in 0..4 {
        ground.checked(&format!("more-gap-{n}")).await;
        ground.poll().await;
        assert_eq!(ground.state().await, State::NeedsHuman, "the day's cap was spent by {merged}");
        let again = ground.explained().await.again.expect("it was at the gate");
        let capped = again.items.iter().any(|item| item.what == "cap" && item.is != domain::outcome::Answer::Pass);
        assert!(capped && again.would, "{}", again.why());
        waited += usize::from(again.word == Word::Later);
        ground.merge("ann").await;
        ground.poll().await;
    }
    assert!(waited > 0, "one of them was not drawn for a person");
});
