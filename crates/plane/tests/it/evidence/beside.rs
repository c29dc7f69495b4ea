//! Two servers over one store and one home: what one is about to do, the other does in between. It is done once all the same.

use std::sync::Arc;

use domain::pull::State;
use domain::time::Span;
use plane::Plane;
use plane::mirror::Home;

use super::given::rules;
use super::racing::{Before, Racing};
use crate::home::{REPO, beside};
use crate::pulls::ground::{Ground, olga};

/// Has both servers go through homes that count what is asked; gives the second.
async fn two(ground: &mut Ground<'_>) -> (Arc<Racing>, Arc<Racing>, Plane) {
    let mut rules = rules();
    rules.merges_per_day = 100_000;
    let mut homes = Vec::new();
    let mut through = Vec::new();
    for _ in 0..2 {
        let racing = Arc::new(Racing::new(Arc::clone(&ground.given.home(REPO).forge)));
        let forge = Arc::clone(&racing) as _;
        homes.push(Home { broker: Some(ground.broker().await), forge, ..ground.given.home(REPO) });
        through.push(racing);
    }
    let (second, first) = (homes.pop().expect("a home"), homes.pop().expect("a home"));
    let others = rules.clone();
    ground
        .restart_with(|settings| {
            settings.rules.gate = rules;
            settings.home = Some(first);
        })
        .await;
    let other = beside(ground.given.world, 7, |settings| {
        settings.rules.gate = others;
        settings.home = Some(second);
    });
    let (of_other, own) = (through.pop().expect("a home"), through.pop().expect("a home"));
    (own, of_other, other)
}

async fn merge_once(ground: &mut Ground<'_>) {
    ground.armed().await;
    let (own, of_other, other) = two(ground).await;
    // Before the last question, before some of those that come first, and long after the first server went silent.
    let moments = [Before::Named("merge"), Before::After(0), Before::After(8), Before::After(16)];
    for (n, (when, held)) in moments.into_iter().flat_map(|when| [(when, false), (when, true)]).enumerate() {
        ground.undrawn(&format!("twice-{n}")).await;
        let asked = own.times("merge") + of_other.times("merge");
        let (second, hand) = (other.clone(), ground.given.world.hand.clone());
        own.before(
            when,
            Box::new(move || {
                Box::pin(async move {
                    if held {
                        hand.advance(Span::mins(16));
                    }
                    second.watch_pulls().await.expect("a pass");
                })
            }),
        );
        ground.given.pass(Span::mins(16));
        ground.poll().await;
        let done = own.done_before();
        own.undone();
        ground.later(Span::mins(16)).await;
        assert_eq!(ground.state().await, State::Merged, "{when:?} {held} {done:?}");
        assert_eq!(ground.merged_by().await, Some(forge::AccountKind::Us));
        // The forge is asked by two only where the first was held up after its last look: then it has refused one of them.
        let asked = own.times("merge") + of_other.times("merge") - asked;
        let most = if held && done == Some("merge") { 2 } else { 1 };
        assert!((1..=most).contains(&asked), "it was asked {asked} times: {when:?} {held} {done:?}");
        let found = ground.found().await.expect("an outcome");
        assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("unchanged", "auto"), "{}", found.why);
    }
}

mod two_servers_that_look_at_once_merge_once {
    crate::pulls::engines!(Local, super::merge_once);
}

async fn revert_once(ground: &mut Ground<'_>) {
    ground.armed().await;
    let (own, of_other, other) = two(ground).await;
    let moments = [Before::Named("pulls_by_head"), Before::Named("remote"), Before::Named("open_pull")];
    let mut gaps = Vec::new();
    for n in 0..moments.len() {
        ground.undrawn(&format!("odd-{n}")).await;
        ground.given.pass(Span::mins(16));
        ground.poll().await;
        ground.settle().await;
        assert_eq!(ground.merged_by().await, Some(forge::AccountKind::Us));
        gaps.push(ground.gap.clone());
    }
    for (gap, when) in gaps.into_iter().zip(moments) {
        ground.gap = gap;
        let asked = own.times("open_pull") + of_other.times("open_pull");
        let number = ground.number().await.to_string();
        ground.given.plane.revert_pull(&olga(), &number, "it does not do what we want").await.expect("to be");
        let second = other.clone();
        own.before(
            when,
            Box::new(move || {
                Box::pin(async move {
                    second.tend_outcomes().await.expect("a pass");
                })
            }),
        );
        ground.settle().await;
        assert!(own.done_before().is_some(), "{when:?}");
        ground.later(Span::mins(5)).await;
        assert_eq!(own.times("open_pull") + of_other.times("open_pull") - asked, 1, "it is opened once: {when:?}");
    }
}

mod two_servers_that_take_back_at_once_open_one_revert {
    crate::pulls::engines!(Local, super::revert_once);
}
