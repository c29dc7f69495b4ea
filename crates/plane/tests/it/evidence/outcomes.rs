//! What became of pull requests, by what git and the forge tell. The shapes of merges are tried in `forge`, against real git.

use domain::outcome::Outcome;
use domain::pull::State;
use domain::time::Span;
use forge::CheckState;

use super::given::{READ, rules};
use crate::pulls::ground::{Ground, olga};
use crate::pulls::{everywhere, only_github, pulls};

async fn is(ground: &Ground<'_>, outcome: Outcome, weight: &str) {
    let found = ground.outcome().await;
    assert_eq!(
        (found.outcome().expect("a word"), found.weight.as_str()),
        (outcome, weight),
        "{}: {}",
        ground.gap,
        found.why
    );
}

everywhere!(what_a_person_took_as_it_was_judged_counts_once_it_was_read_and_its_checks_passed, async |ground| {
    ground.with_gate(rules()).await;
    let found = ground.taken("read-gap").await;
    assert_eq!((found.outcome.as_str(), found.weight.as_str(), found.by.as_str()), ("unchanged", "good", "ann"));
    ground.settle().await;
    assert_eq!(ground.found().await, Some(found), "it is written down once");

    // Nobody reads it in a second.
    ground.checked("quick-gap").await;
    ground.merge("ann").await;
    ground.poll().await;
    is(ground, Outcome::Unchanged, "neither").await;

    // A check that passed without a test has shown nothing.
    ground.checked("empty-gap").await;
    ground.check(CheckState::Pass, "0 tests").await;
    ground.given.pass(READ);
    ground.merge("ann").await;
    ground.poll().await;
    is(ground, Outcome::Unchanged, "neither").await;

    let counts = ground.given.plane.count_outcomes(&olga(), domain::time::Time(0)).await.expect("counted");
    assert_eq!(counts.all.get(&Outcome::Unchanged), Some(&3), "{counts:?}");
});

pulls!(what_people_changed_closed_or_took_back_counts_against_it, async |ground| {
    ground.with_gate(rules()).await;
    ground.checked("pushed-gap").await;
    ground.push("somebody").await;
    ground.given.pass(READ);
    // Merged as it is now, before anything of it is judged anew.
    let head = {
        let there = ground.given.home(crate::home::REPO).forge.pull(ground.number().await).await.expect("it");
        there.head.commit
    };
    ground.merge_at("ann", &head).await;
    ground.poll().await;
    is(ground, Outcome::Edited, "bad").await;

    // What bots had not approved says nothing of what they approve.
    "early-gap".clone_into(&mut ground.gap);
    ground.opened().await;
    ground.merge("ann").await;
    ground.poll().await;
    is(ground, Outcome::Unchanged, "neither").await;

    ground.checked("closed-gap").await;
    ground.close("ann").await;
    ground.poll().await;
    is(ground, Outcome::Closed, "bad").await;
});

pulls!(what_a_bot_or_nobody_known_merged_says_nothing, async |ground| {
    ground.with_gate(rules()).await;
    ground.checked("bot-gap").await;
    ground.given.pass(READ);
    ground.merge_as_stranger().await;
    ground.poll().await;
    is(ground, Outcome::Unchanged, "neither").await;
});

pulls!(what_is_taken_back_within_its_soak_is_a_row_of_its_own, async |ground| {
    ground.with_gate(rules()).await;
    let first = ground.taken("back-gap").await;
    assert_eq!(first.weight, "good");
    ground.later(Span::hours(2)).await;
    assert_eq!(ground.found().await.map(|found| found.seq), Some(1), "it stands");
    ground.take_back_by_hand().await;
    ground.later(Span::hours(2)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.seq, found.outcome.as_str(), found.weight.as_str()), (2, "reverted", "bad"), "{}", found.why);
    let mut tx = ground.given.world.store().read().await.expect("a look");
    let all = store::outcome::of(&mut tx, &found.pull, 10).await.expect("rows");
    assert_eq!(all.last(), Some(&first), "what was written down stays as it was");
});

pulls!(what_was_closed_and_then_merged_is_corrected_by_a_row, async |ground| {
    ground.with_gate(rules()).await;
    ground.checked("again-gap").await;
    ground.close("ann").await;
    ground.poll().await;
    is(ground, Outcome::Closed, "bad").await;
    ground.reopen("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsReview);
    ground.merge("ann").await;
    ground.poll().await;
    let found = ground.outcome().await;
    assert_eq!((found.seq, found.outcome.as_str()), (2, "unchanged"));
});

only_github!(what_ends_while_our_clock_is_wrong_is_no_older_than_the_forge_says, async |ground| {
    ground.with_gate(rules()).await;
    // Ours was turned back by five days.
    ground.forge_is_ahead(Span::days(5));
    let found = ground.taken("early-gap").await;
    let ended = ground.given.world.hand.now() + Span::days(5);
    assert!(ended.since(domain::time::Time(found.ended_at)) < Span::hours(1), "{found:?}");
    // A look by a clock that is wrong does not tell how old it is.
    ground.later(Span::days(7)).await;
    assert_eq!(streak(ground).await, 0);
    ground.forge_is_ahead(Span::ZERO);
    ground.later(Span::hours(1)).await;
    assert_eq!(streak(ground).await, 1);
});

only_github!(the_look_that_counts_is_made_though_the_clocks_were_apart_when_it_was_due, async |ground| {
    let default = domain::gate::Rules::default().soak;
    ground.with_gate(domain::gate::Rules { soak: default, ..rules() }).await;
    assert_eq!(ground.taken("long-gap").await.weight, "good");
    ground.forge_is_ahead(Span::hours(1));
    ground.later(Span(default.0 + Span::hours(2).0)).await;
    assert_eq!(streak(ground).await, 0, "nobody can tell how old it is");
    ground.forge_is_ahead(Span::ZERO);
    ground.later(Span::hours(2)).await;
    assert_eq!(streak(ground).await, 1);
});

only_github!(what_was_closed_and_then_merged_is_corrected_though_the_forge_is_ahead, async |ground| {
    ground.with_gate(rules()).await;
    ground.forge_is_ahead(Span::days(2));
    ground.checked("ahead-gap").await;
    ground.close("ann").await;
    ground.poll().await;
    is(ground, Outcome::Closed, "bad").await;
    ground.reopen("ann").await;
    ground.poll().await;
    ground.merge("ann").await;
    ground.poll().await;
    let found = ground.outcome().await;
    assert_eq!((found.seq, found.outcome.as_str()), (2, "unchanged"), "{}", found.why);
});

/// The base is put back to before a merge, is restored, and then the merge is taken back.
async fn lost_and_found(ground: &mut Ground<'_>) {
    ground.with_gate(rules()).await;
    assert_eq!(ground.taken("lost-gap").await.weight, "good");
    let (merge, home) = (ground.merge_commit().await, ground.path("home.git"));
    let put = |to: String| assert!(super::races::git(&home, &["update-ref", "refs/heads/main", &to]).0);
    put(format!("{merge}^1"));
    ground.later(Span::hours(2)).await;
    assert_eq!(ground.found().await.map(|found| found.outcome).as_deref(), Some("unknown"));
    put(merge);
    ground.take_back_by_hand().await;
    ground.later(Span::hours(2)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("reverted", "bad"), "{}", found.why);
}

mod what_could_not_be_found_for_a_while_is_looked_at_all_the_same {
    crate::pulls::engines!(Local, super::lost_and_found);
}

pulls!(a_good_one_counts_once_it_was_looked_at_after_its_soak, async |ground| {
    ground.with_gate(super::given::rules()).await;
    let found = ground.taken("quiet-gap").await;
    assert_eq!(found.weight, "good", "{}", found.why);
    // No server runs until its soak is over.
    ground.given.pass(Span::days(2));
    assert_eq!(streak(ground).await, 0, "nobody looked whether it still stands");
    ground.settle().await;
    assert_eq!(streak(ground).await, 1);
});

async fn streak(ground: &Ground<'_>) -> i64 {
    ground.given.plane.show_gate(&olga(), None).await.expect("shown").remove(0).record.track().streak
}

pulls!(what_is_written_down_late_is_looked_at_for_what_came_since, async |ground| {
    ground.with_gate(rules()).await;
    ground.checked("late-gap").await;
    ground.given.pass(READ);
    ground.merge("ann").await;
    ground.poll().await;
    // It was taken back before anybody wrote down that it was merged.
    ground.take_back_by_hand().await;
    ground.given.pass(Span::days(20));
    let found = ground.outcome().await;
    assert_eq!((found.seq, found.outcome.as_str(), found.weight.as_str()), (2, "reverted", "bad"), "{}", found.why);
});

pulls!(what_people_sent_back_though_bots_had_approved_it_counts_against_it, async |ground| {
    ground.with_gate(rules()).await;
    ground.checked("sent-gap").await;
    ground.poll().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    ground.draft("mended").await;
    ground.watch().await;
    ground.bots_approve().await;
    assert_eq!(ground.state().await, State::NeedsHuman);
    ground.check(CheckState::Pass, "12 tests passed").await;
    ground.given.pass(READ);
    ground.merge("ann").await;
    ground.poll().await;
    is(ground, Outcome::Unchanged, "bad").await;
});
