//! A forge that fails, at every step: nothing is made twice, nothing is lost, and what nobody can tell an operator says.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::time::Span;
use harness::github::{Fault, GitHub as Fake};

use super::ground::{GAP, Ground, olga};
use super::only_github;
use crate::home::{Place, REPO};

fn fake<'g>(ground: &'g Ground<'_>) -> &'g Fake {
    match &ground.given.place {
        Place::GitHub(fake) => fake,
        Place::Local(_) => panic!("this case is for GitHub"),
    }
}

/// So much time that whatever is in doubt is settled, and looked at by whoever stands there then.
async fn settle(ground: &mut Ground<'_>) {
    for _ in 0..4 {
        ground.given.pass(Span::mins(3));
        ground.restart().await;
        ground.watch().await;
    }
}

only_github!(a_pull_request_that_was_opened_without_an_answer_is_found_and_not_opened_again, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    fake(ground).fault(1, "POST", "/repos/ann/website/pulls", Fault::DropAfter);
    ground.watch().await;
    assert_eq!(ground.state().await, State::Opening, "nobody knows yet");
    settle(ground).await;
    assert_eq!(fake(ground).count("POST", "/repos/ann/website/pulls"), 1, "it is opened once");
    assert_eq!(ground.state().await, State::NeedsReview);
});

only_github!(what_is_said_without_an_answer_is_said_once, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    fake(ground).fault(1, "POST", "/repos/ann/website/pulls/*/reviews", Fault::DropAfter);
    ground.watch().await;
    settle(ground).await;
    let number = ground.number().await;
    assert_eq!(fake(ground).reviews(REPO, number).len(), 1, "it is said once");
});

only_github!(what_was_never_taken_is_made_later, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    fake(ground).fault(3, "POST", "/repos/ann/website/pulls", Fault::Before(502));
    ground.watch().await;
    settle(ground).await;
    settle(ground).await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

only_github!(what_the_forge_refuses_to_open_is_a_person_s, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    fake(ground).fault(1, "POST", "/repos/ann/website/pulls", Fault::Before(422));
    ground.watch().await;
    let pull = ground.pull_of(GAP).await;
    assert_eq!(pull.state, State::RequiresHuman, "{}", pull.why);
});

only_github!(a_forge_that_is_down_takes_nothing_and_loses_nothing, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    fake(ground).fault(50, "*", "**", Fault::Before(503));
    ground.watch().await;
    // What is known here is enough to review by.
    let review = super::ground::review(Verdict::Approve, None);
    ground.hand_in_review(&taken, &review).await.expect("a first pass");
    ground.hand_in_review(&taken, &review).await.expect("a second pass");
    assert_eq!(ground.state().await, State::Approved);
    ground.judge(MergeVerdict::ApproveForHuman).await;
    fake(ground).well();
    settle(ground).await;
    assert!(ground.shows().await.contains(&"bot-approved-needs-human".to_owned()));
});

only_github!(what_nobody_can_tell_an_operator_says, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    // It never arrives, and nobody ever says so.
    fake(ground).fault(20, "POST", "/repos/ann/website/pulls/*/reviews", Fault::DropBefore);
    for _ in 0..14 {
        settle(ground).await;
    }
    let unknown = {
        let mut tx = ground.given.world.store().read().await.expect("a look");
        store::pull::say::unknown(&mut tx, (i64::MAX, ""), 10).await.expect("a list")
    };
    assert_eq!(unknown.len(), 1, "it is held, and not tried for ever");
    fake(ground).well();
    let plane = &ground.given.plane;
    plane.release(&olga(), &unknown[0].id, false).await.expect("released");
    settle(ground).await;
    let number = ground.number().await;
    assert_eq!(fake(ground).reviews(REPO, number).len(), 1);
});
