//! The forge down in each of the steps, and git with it: each time the fault is met, nothing counts that did not happen, and
//! once it is well again everything goes on from where it was.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::refusal::Code;
use domain::time::Span;
use forge::PullState;
use harness::github::{Fault, GitFault, GitHub as Fake};

use super::ground::{GAP, Ground, adds, review};
use super::only_github;
use crate::given::refused;
use crate::home::{Place, REPO};

fn fake<'g>(ground: &'g Ground<'_>) -> &'g Fake {
    match &ground.given.place {
        Place::GitHub(fake) => fake,
        Place::Local(_) => panic!("this case is for GitHub"),
    }
}

/// Everything fails from now on.
fn falls(ground: &Ground<'_>) {
    fake(ground).forget_arrived();
    fake(ground).fault(200, "*", "**", Fault::Before(503));
    fake(ground).fail_git(200, GitFault::Down);
}

/// Everything is well again; it failed in this step.
async fn rises(ground: &mut Ground<'_>, step: &str) {
    let met = fake(ground).arrived().iter().filter(|one| one.status == Some(503)).count();
    let git = 200 - fake(ground).git_faults_left();
    assert!(met + git > 0, "{step}: nothing was met");
    fake(ground).well();
    for _ in 0..4 {
        ground.given.pass(Span::mins(3));
        ground.restart().await;
        ground.watch().await;
    }
}

only_github!(down_while_a_plan_is_written, async |ground| {
    ground.taken_up(GAP).await;
    falls(ground);
    ground.plan().await;
    ground.watch().await;
    rises(ground, "the plan").await;
    assert!(ground.given.issue(GAP).await.body.contains("## Plan"));
});

only_github!(down_while_a_change_is_handed_in, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    falls(ground);
    assert_eq!(refused(ground.hand_in_patch(&taken, &adds("one")).await).code, Code::Unavailable);
    assert_eq!(ground.state().await, State::Implementing);
    rises(ground, "the change").await;
    assert_eq!(ground.branches().await, ["main"], "nothing was pushed");
    let taken = ground.take(Stage::Implementer).await;
    ground.hand_in_patch(&taken, &adds("one")).await.expect("a change");
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

only_github!(git_alone_is_down_and_an_answer_to_a_push_is_lost, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    fake(ground).fail_git(200, GitFault::Down);
    assert_eq!(refused(ground.hand_in_patch(&taken, &adds("one")).await).code, Code::Unavailable);
    fake(ground).well();
    // Each request of git's in turn is answered for the last time: one of them is the push itself.
    let mut lost_push = false;
    for passing in 0..12 {
        fake(ground).fail_git_after(passing, GitFault::Lost);
        let done = ground.hand_in_patch(&taken, &adds("one")).await;
        let was_met = fake(ground).git_faults_left() == 0;
        fake(ground).well();
        // Whether it arrived is read there.
        lost_push |= was_met && ground.branches().await.len() > 1;
        if done.is_ok() {
            break;
        }
        assert_eq!(refused(done).code, Code::Unavailable, "{passing}");
    }
    assert!(lost_push, "no answer to a push was lost");
    if ground.state().await == State::Implementing {
        ground.hand_in_patch(&taken, &adds("one")).await.expect("the same once more");
    }
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsReview);
    assert_eq!(ground.branches().await.len(), 2, "one branch, whatever was lost");
});

only_github!(down_while_it_is_opened, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    falls(ground);
    ground.watch().await;
    assert_eq!(ground.state().await, State::Opening);
    rises(ground, "the opening").await;
    assert_eq!(ground.state().await, State::NeedsReview);
    assert_eq!(ground.given.home(REPO).forge.pulls().await.expect("a list").len(), 1);
    assert!(ground.shows().await.contains(&"needs-bot-review".to_owned()));
});

only_github!(down_while_a_review_is_said, async |ground| {
    let number = ground.opened().await;
    falls(ground);
    ground.review(Verdict::RequestChanges, Some("one")).await;
    ground.watch().await;
    assert_eq!(ground.state().await, State::ChangesRequested, "it is known here");
    rises(ground, "the review").await;
    let forge = ground.given.home(REPO).forge;
    assert_eq!(forge.reviews(number).await.expect("reviews").len(), 1, "said once");
    assert!(ground.shows().await.contains(&"bot-requested-changes".to_owned()));
});

only_github!(down_while_a_revision_is_handed_in, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    let before = ground.head().await;
    let taken = ground.take(Stage::Implementer).await;
    falls(ground);
    assert_eq!(refused(ground.hand_in_patch(&taken, &adds("two")).await).code, Code::Unavailable);
    rises(ground, "the revision").await;
    assert_eq!((ground.head().await, ground.pull_of(GAP).await.iteration), (before, 0));
    ground.draft("two").await;
    assert_eq!(ground.pull_of(GAP).await.iteration, 1);
});

only_github!(down_while_a_push_is_read, async |ground| {
    ground.approved().await;
    let head = ground.push("somebody").await;
    fake(ground).fail_git(200, GitFault::Down);
    ground.poll().await;
    assert!(fake(ground).git_faults_left() < 200, "the push was to be read");
    assert_ne!(ground.head().await, head);
    fake(ground).well();
    for _ in 0..3 {
        ground.given.pass(Span::mins(16));
        ground.watch().await;
    }
    assert_eq!((ground.head().await, ground.state().await), (head, State::NeedsReview));
});

only_github!(down_while_work_is_looked_at_and_judged, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    falls(ground);
    let looked = ground.given.plane.show_work(&taken.by, &taken.claim).await;
    assert_eq!(refused(looked).code, Code::Unavailable, "what tests say of it cannot be read");
    let approve = review(Verdict::Approve, None);
    for _ in 0..2 {
        ground.hand_in_review(&taken, &approve).await.expect("what it may cite is known here");
    }
    ground.judge(MergeVerdict::Close).await;
    ground.watch().await;
    rises(ground, "the verdict").await;
    let number = ground.number().await;
    let there = ground.given.home(REPO).forge.pull(number).await.expect("it is there");
    assert_eq!((ground.state().await, there.state), (State::WontFix, PullState::Closed));
});
