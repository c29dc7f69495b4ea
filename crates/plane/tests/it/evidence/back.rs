//! The way back: what went wrong closes its gate, lowers the level, and is taken back by a pull request.

use domain::level::Level;
use domain::time::Span;
use forge::{AccountKind, CheckState};

use super::races::git;
use crate::home::REPO;
use crate::pulls::ground::{Ground, olga};
use crate::pulls::pulls;

async fn is_armed(ground: &Ground<'_>) -> bool {
    let stratum = ground.stratum().await.id();
    let mut tx = ground.given.world.store().read().await.expect("a look");
    store::gate::said(&mut tx, &stratum).await.expect("a look").is_some_and(|said| said.what == "armed")
}

/// The pull request that takes one back.
async fn revert(ground: &Ground<'_>) -> store::automerge::Revert {
    let id = ground.pull_of(&ground.gap).await.id;
    let mut tx = ground.given.world.store().read().await.expect("a look");
    store::automerge::revert_of(&mut tx, &id).await.expect("a look").expect("it is to be taken back")
}

pulls!(a_check_that_fails_on_the_base_closes_the_gate_and_opens_a_revert_within_five_minutes, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("red").await;
    assert!(is_armed(ground).await);
    ground.check_at(&ground.merge_commit().await, CheckState::Fail, "12 tests, 1 failed").await;
    let failed_at = ground.given.world.hand.now();
    // Its next look comes with the forge's interval, of five minutes at most.
    ground.given.pass(Span::mins(4));
    for _ in 0..60 {
        ground.settle().await;
    }
    assert!(!is_armed(ground).await, "its gate is closed");
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str(), found.seq), ("unchanged", "bad", 2), "{}", found.why);
    let back = revert(ground).await;
    assert_eq!(back.state, "open", "{back:?}");
    assert!(ground.given.world.hand.now().since(failed_at) <= Span::secs(302));
    let there = ground.given.home(REPO).forge.pull(back.number.expect("a number")).await.expect("it is there");
    assert_eq!((there.author.kind, there.base.branch.as_str()), (AccountKind::Us, "main"));
    assert!(there.body.contains("on the base, ci/test failed"), "{}", there.body);

    // A person merges it, and then it is known that it was taken back.
    ground.merge_number("ann", there.number, &there.head.commit).await;
    ground.later(Span::mins(10)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("reverted", "bad"), "{}", found.why);
    assert_eq!(ground.level().await, Level::Automerge, "one closes its own gate");
    let standing = ground.given.plane.show_gate(&olga(), None).await.expect("shown").remove(0);
    assert_eq!(standing.record.track().streak, 0, "the row begins anew");
});

async fn red_before(ground: &mut Ground<'_>) {
    ground.armed().await;
    ground.merged_by_itself("late").await;
    let merge = ground.merge_commit().await;
    let (done, parent) = git(&ground.path("home.git"), &["rev-parse", &format!("{merge}^1")]);
    assert!(done, "{parent}");
    ground.check_at(parent.trim(), CheckState::Fail, "12 tests, 1 failed").await;
    ground.check_at(&merge, CheckState::Fail, "12 tests, 1 failed").await;
    ground.later(Span::hours(3)).await;
    assert!(is_armed(ground).await, "it is not its doing");
    assert_eq!(ground.found().await.map(|found| found.weight).as_deref(), Some("auto"));
    let rows = crate::given::journal(&ground.given.plane).await;
    let told = |row: &&store::journal::Row| row.object.starts_with("channel:") && row.after.contains("unchecked");
    assert_eq!(rows.iter().filter(told).count(), 1, "people are told that nobody can tell");
}

mod what_failed_on_the_base_before_it_as_well_is_told_and_closes_nothing {
    crate::pulls::engines!(Local, super::red_before);
}

pulls!(two_that_go_wrong_within_28_days_take_everything_back, async |ground| {
    let mut rules = super::given::rules();
    rules.merges_per_day = 100;
    ground.armed().await;
    ground.with_gate(rules).await;
    ground.merged_by_itself("first").await;
    let first = ground.gap.clone();
    ground.merged_by_itself("second").await;
    let second = std::mem::replace(&mut ground.gap, first);
    ground.take_back_by_hand().await;
    ground.later(Span::mins(10)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!(found.outcome, "reverted", "{}", found.why);
    assert!(!is_armed(ground).await);
    assert_eq!(ground.level().await, Level::Automerge);
    ground.gap = second;
    ground.take_back_by_hand().await;
    ground.later(Span::mins(10)).await;
    assert_eq!(ground.found().await.map(|found| found.outcome).as_deref(), Some("reverted"));
    assert_eq!(ground.level().await, Level::Pipeline, "the watch lowers the level by itself");
});

pulls!(an_operator_has_a_merge_taken_back, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("odd").await;
    let number = ground.number().await.to_string();
    let back =
        ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("taken back");
    assert_eq!(back.state, "waiting");
    assert!(!is_armed(ground).await, "its gate stays open");
    ground.settle().await;
    let opened = revert(ground).await;
    assert_eq!(opened.state, "open");
    ground.settle().await;
    assert_eq!(revert(ground).await.number, opened.number, "it is opened once");
    let again =
        ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("the same");
    assert_eq!(again.number, opened.number);

    // What it would change can be read before it is merged.
    let there = opened.number.expect("a number");
    let shown = ground.given.plane.show_difference(&olga(), &there.to_string()).await.expect("a difference");
    assert_eq!((shown.id, shown.repo.as_str(), shown.takes_back), (None, REPO, Some(opened.pull)));
    assert!(shown.complete && shown.text.contains(&format!("--- a/src/{}.rs", ground.gap)), "{}", shown.text);

    // A person closes it, and it may be wanted once more.
    ground.close_number("ann", there).await;
    ground.later(Span::mins(10)).await;
    let closed = revert(ground).await;
    assert_eq!((closed.state.as_str(), closed.number), ("dropped", None), "{closed:?}");
    assert_eq!(closed.error, "", "that is what a person wanted");
    ground.given.plane.revert_pull(&olga(), &number, "it does not, after all").await.expect("once more");
    ground.settle().await;
    let anew = revert(ground).await;
    assert!(anew.state == "open" && anew.number.is_some_and(|number| number != there), "{anew:?}");
});

pulls!(what_takes_a_merge_back_is_looked_at_until_somebody_merges_it, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("slow").await;
    let number = ground.number().await.to_string();
    ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("taken back");
    ground.settle().await;
    let opened = revert(ground).await.number.expect("a number");
    ground.later(Span::days(40)).await;
    assert_eq!(ground.found().await.map(|found| found.outcome).as_deref(), Some("unchanged"));
    let there = ground.given.home(REPO).forge.pull(opened).await.expect("it is there");
    ground.merge_number("ann", opened, &there.head.commit).await;
    ground.later(Span::hours(2)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("reverted", "bad"), "{}", found.why);
});

pulls!(what_conflicts_with_what_came_since_is_taken_back_by_hand, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("deep").await;
    let gap = ground.gap.clone();
    let more = format!(
        "diff --git a/src/{gap}.rs b/src/{gap}.rs\n--- a/src/{gap}.rs\n+++ b/src/{gap}.rs\n@@ -1,3 +1,3 @@\n-{gap}\n+1\n two\n three\n"
    );
    ground.merge_patch("ann", &more).await;
    let number = ground.number().await.to_string();
    ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("taken back");
    ground.settle().await;
    let back = revert(ground).await;
    assert_eq!((back.state.as_str(), back.number), ("dropped", None), "{back:?}");
    let rows = crate::given::journal(&ground.given.plane).await;
    assert!(
        rows.iter().any(|row| row.object.starts_with("channel:") && row.after.contains("\"kind\":\"revert.dropped"))
    );
});

/// Writes down that one is about to be merged, as a server does that dies right after.
async fn sent(ground: &Ground<'_>) {
    let pull = ground.pull_of(&ground.gap).await;
    let change = pull.change.clone().expect("a change");
    let mut tx = ground.given.world.store().begin().await.expect("a write");
    let row = store::automerge::Automerge {
        id: format!("sent-{}", pull.id),
        pull: pull.id,
        repo: pull.repo,
        onto: change.onto,
        head: change.head,
        stratum: ground.stratum().await.id(),
        record: "none".into(),
        state: "sending".into(),
        at: tx.now().0,
        bad: 0,
        why: String::new(),
    };
    assert!(store::automerge::begin(&mut tx, &row).await.expect("a row"), "nothing else is in flight");
    tx.commit().await.expect("kept");
}

async fn sending(ground: &Ground<'_>) -> String {
    let id = ground.pull_of(&ground.gap).await.id;
    let mut tx = ground.given.world.store().read().await.expect("a look");
    store::automerge::of(&mut tx, &id).await.expect("a look").expect("it was written down").state
}

pulls!(a_merge_of_which_nobody_heard_the_end_is_settled_by_reading_and_watched_all_the_same, async |ground| {
    ground.armed().await;
    // The server died after the forge had merged it.
    ground.undrawn("lost-gap").await;
    sent(ground).await;
    let (number, head) = (ground.number().await, ground.head().await);
    let forge = ground.given.home(REPO).forge;
    forge.merge(number, &head, forge::Method::Merge, "list deploys").await.expect("a merge");
    ground.poll().await;
    assert_eq!(ground.outcome().await.weight, "auto");
    assert_eq!(sending(ground).await, "merged");
    ground.check_at(&ground.merge_commit().await, CheckState::Fail, "12 tests, 1 failed").await;
    ground.later(Span::mins(5)).await;
    assert!(!is_armed(ground).await, "it was watched");
});

pulls!(a_merge_that_was_never_asked_for_blocks_nothing, async |ground| {
    ground.armed().await;
    // The server died before it asked, and a person closed it.
    ground.undrawn("dead-gap").await;
    sent(ground).await;
    ground.close("ann").await;
    ground.later(Span::mins(3)).await;
    assert_eq!(sending(ground).await, "dropped");
    assert_eq!(ground.outcome().await.outcome, "closed");
});

pulls!(a_branch_that_somebody_else_put_where_a_revert_is_to_be_is_not_taken_for_it, async |ground| {
    ground.armed().await;
    ground.merged_by_itself("taken").await;
    let pull = ground.pull_of(&ground.gap).await;
    ground.push_onto(&format!("gapwright/revert.{}", pull.id), "main", "not-a-revert").await;
    let number = ground.number().await.to_string();
    ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("taken back");
    ground.settle().await;
    let back = revert(ground).await;
    assert_eq!((back.state.as_str(), back.number), ("dropped", None), "{back:?}");
    assert!(back.error.contains("somebody else"), "{}", back.error);
});

/// Somebody puts the base back to before it, as nobody should.
async fn gone(ground: &mut Ground<'_>) {
    ground.armed().await;
    ground.merged_by_itself("lost").await;
    let merge = ground.merge_commit().await;
    let (done, _) = git(&ground.path("home.git"), &["update-ref", "refs/heads/main", &format!("{merge}^1")]);
    assert!(done);
    ground.given.pass(Span::mins(6));
    ground.settle().await;
    assert_eq!(ground.found().await.map(|found| found.seq), Some(1), "what is read may lag behind for a while");
    assert!(is_armed(ground).await);
    ground.later(Span::mins(10)).await;
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str(), found.seq), ("unknown", "unknown", 2), "{}", found.why);
    assert!(!is_armed(ground).await, "what we merged and nobody can find counts against it");
    ground.later(Span::mins(10)).await;
    assert_eq!(ground.found().await.map(|found| found.seq), Some(2), "it is written down once");
}

/// It failed on the base, and then somebody put that back to before it.
async fn failed_and_gone(ground: &mut Ground<'_>) {
    ground.armed().await;
    ground.merged_by_itself("both").await;
    let merge = ground.merge_commit().await;
    ground.check_at(&merge, CheckState::Fail, "12 tests, 1 failed").await;
    ground.later(Span::mins(6)).await;
    assert_eq!(ground.found().await.map(|found| found.weight).as_deref(), Some("bad"));
    let (done, _) = git(&ground.path("home.git"), &["update-ref", "refs/heads/main", &format!("{merge}^1")]);
    assert!(done);
    for _ in 0..4 {
        ground.later(Span::mins(10)).await;
    }
    let found = ground.found().await.expect("an outcome");
    assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("unknown", "bad"), "what was bad stays bad");
}

mod what_was_bad_stays_bad_though_nobody_can_find_it_any_more {
    crate::pulls::engines!(Local, super::failed_and_gone);
}

mod what_merged_by_itself_and_is_gone_from_the_base_closes_its_gate {
    crate::pulls::engines!(Local, super::gone);
}
