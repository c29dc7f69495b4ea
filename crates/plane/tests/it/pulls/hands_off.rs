//! Where nobody may act: people said hands off, or an operator switched it off. It holds at once, whoever works meanwhile.

use domain::pull::{Hold, Stage, State, Verdict};
use domain::refusal::Code;
use domain::switch::Scope;
use forge::PullState;
use harness::github::{Access, sign};
use plane::webhook::{Delivery, Received};

use super::ground::{GAP, adds, olga, usual};
use super::{everywhere, only_github, pulls};
use crate::given::{journal, refused};
use crate::home::{Place, REPO, SECRET};

everywhere!(wontfix_closes_it_with_its_gap_and_then_it_is_still, async |ground| {
    let number = ground.opened().await;
    ground.label("ann", "wontfix").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Closed);
    assert_eq!(ground.given.state(GAP).await, "wontfix");
    let there = ground.given.home(REPO).forge.pull(number).await.expect("it is there");
    assert_eq!(there.state, PullState::Closed, "it is closed there too");
    let moved = async || {
        let rows = journal(&ground.given.plane).await;
        rows.iter().filter(|row| row.object.starts_with("gap:") || row.object.starts_with("pull:")).count()
    };
    let before = moved().await;
    for _ in 0..3 {
        ground.poll().await;
    }
    assert_eq!(moved().await, before, "what has ended is ended once");
});

only_github!(what_somebody_forged_long_ago_is_put_back_all_the_same, async |ground| {
    ground.opened().await;
    let Place::GitHub(fake) = &ground.given.place else { unreachable!("it is GitHub") };
    fake.grant("mallory", REPO, Access::Triage);
    for label in ["wontfix", "manual"] {
        // The look that meets the deed meets a push too, and writes nothing.
        ground.label("mallory", label).await;
        ground.push(&format!("beside-{label}")).await;
        for _ in 0..2 {
            ground.poll().await;
        }
        let pull = ground.pull_of(GAP).await;
        assert_eq!((pull.state, pull.hold), (State::NeedsReview, None), "{label}");
        assert!(!ground.labels().await.iter().any(|known| known == label), "{label} is taken off");
    }
});

only_github!(a_webhook_makes_it_hold_at_once, async |ground| {
    let number = ground.opened().await;
    let Place::GitHub(fake) = &ground.given.place else { unreachable!("it is GitHub") };
    fake.forget_all();
    fake.as_person("ann", REPO).label(number, "manual");
    let sent = fake.waiting();
    assert!(!sent.is_empty(), "the forge tells");
    for one in sent {
        let body = one.payload.to_string().into_bytes();
        let signature = sign(SECRET, &body);
        let delivery = Delivery { id: &one.guid, event: one.event, signature: Some(&signature), body: &body };
        assert_eq!(ground.given.plane.receive_webhook(delivery).await.expect("taken"), Received::Queued);
    }
    ground.given.plane.tend_mirror().await.expect("a tick");
    ground.given.plane.watch_pulls().await.expect("a pass");
    assert_eq!(ground.pull_of(GAP).await.hold, Some(Hold::OptedOut), "without a poll");
    assert!(ground.try_take(&usual(Stage::Reviewer), Stage::Reviewer).await.is_none());
});

only_github!(nothing_that_waits_is_said_where_people_say_hands_off, async |ground| {
    let number = ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    ground.label("ann", "manual").await;
    ground.watch().await;
    assert_eq!(ground.pull_of(GAP).await.hold, Some(Hold::OptedOut));
    let reviews = ground.given.home(REPO).forge.reviews(number).await.expect("reviews");
    assert_eq!(reviews.len(), 0, "people's word comes before ours");
});

everywhere!(people_who_take_it_back_before_there_is_a_pull_request_are_heard, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.given.unlabel(GAP, "claude").await;
    ground.given.poll().await;
    ground.watch().await;
    assert!(
        !ground.given.issue(GAP).await.body.contains("## Plan"),
        "nothing is written into what is not ours to act on"
    );
    assert!(ground.try_take(&usual(Stage::Implementer), Stage::Implementer).await.is_none());
    ground.given.label(GAP, "claude").await;
    ground.given.poll().await;
    ground.given.pass(domain::time::Span::mins(6));
    ground.draft("one").await;
    ground.given.unlabel(GAP, "claude").await;
    ground.given.poll().await;
    ground.watch().await;
    assert_eq!((ground.state().await, ground.pull_of(GAP).await.there.number), (State::Opening, None));
    ground.given.label(GAP, "claude").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

everywhere!(what_is_switched_off_is_not_pushed_whoever_works_on_it, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    let plane = &ground.given.plane;
    for scope in ["all", "repo:ann/website"] {
        let scope = Scope::parse(scope).expect("a scope");
        plane.turn_off(&olga(), scope.clone(), "something is wrong").await.expect("off");
        assert_eq!(refused(plane.my_budget(&taken.by, &taken.claim).await).code, Code::SwitchedOff);
        assert_eq!(refused(ground.hand_in_patch(&taken, &adds("one")).await).code, Code::SwitchedOff);
        assert_eq!(ground.branches().await, ["main"]);
        plane.turn_on(&olga(), scope).await.expect("on");
    }
    ground.hand_in_patch(&taken, &adds("one")).await.expect("handed in");
});

everywhere!(what_is_switched_off_is_not_written_to_issues_either, async |ground| {
    ground.taken_up(GAP).await;
    let scope = Scope::parse("all").expect("a scope");
    ground.given.plane.turn_off(&olga(), scope.clone(), "something is wrong").await.expect("off");
    ground.given.report("read-logs").await;
    let told = ground.given.sweep().await;
    assert!(told.contains("switched off"), "{told}");
    let known = async || ground.given.issues().await.len();
    assert_eq!(known().await, 1);
    ground.given.label(GAP, "wontfix").await;
    ground.given.poll().await;
    assert_eq!(ground.given.state(GAP).await, "wontfix", "people are heard all the same");
    ground.given.plane.turn_on(&olga(), scope).await.expect("on");
    ground.given.sweep().await;
    assert_eq!(known().await, 2);
});

pulls!(what_an_agent_may_still_do_is_nothing_once_its_turn_is_over, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    let taken = ground.take(Stage::Implementer).await;
    let plane = &ground.given.plane;
    plane.my_budget(&taken.by, &taken.claim).await.expect("a budget");
    ground.close("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Closed);
    assert_eq!(refused(plane.my_budget(&taken.by, &taken.claim).await).code, Code::StaleHead);
    let renewed = plane.renew_job(&taken.by, &taken.claim, domain::time::Span::mins(9), None).await;
    assert_eq!(refused(renewed).code, Code::StaleHead, "whoever works on it is told by its next heartbeat");
});
