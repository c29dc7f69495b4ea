//! What a person does by hand with a pull request of the local home: allowed by who asks, by how it stands and by the commit
//! that they looked at; done once; in the audit before it is done and after.

use domain::agent::Role;
use domain::pull::State;
use domain::refusal::{Code, Refusal};
use forge::local::Local;
use forge::{Forge as _, Method, PullState, ReviewState};
use harness::{call, keyed};
use plane::No;
use plane::pull::{ByHand, Hand, Handled};
use serde_json::Value;

use super::ground::{GAP, Ground, olga};
use crate::given::{journal, refused};
use crate::home::{Place, REPO};

/// The same on both engines, at home alone: on GitHub people act there.
macro_rules! at_home {
    ($name:ident, async |$ground:ident| $case:block) => {
        async fn $name($ground: &mut crate::pulls::ground::Ground<'_>) $case

        mod $name {
            crate::pulls::engines!(Local, super::$name);
        }
    };
}

/// Where a person acts.
fn local<'a>(ground: &'a Ground<'_>) -> &'a Local {
    match &ground.given.place {
        Place::Local(local) => local,
        Place::GitHub(_) => panic!("this case is for the local home"),
    }
}

/// Does it as ann, of a commit, or of the one that was judged.
async fn handle(ground: &Ground<'_>, number: i64, head: Option<&str>, act: &ByHand) -> Result<Handled, No> {
    let hand = Hand { local: local(ground), login: "ann", head };
    ground.given.plane.handle_pull(&olga(), hand, number, act).await
}

/// What the audit says of acts by hand, each with how it is; of one moment there is no order.
async fn noted(ground: &Ground<'_>) -> Vec<(String, String)> {
    let rows = journal(&ground.given.plane).await;
    let told = rows.iter().filter_map(|row| serde_json::from_str::<Value>(&row.after).ok());
    let text = |after: &Value, field: &str| after[field].as_str().map(str::to_owned);
    let mut told: Vec<_> = told.filter_map(|after| Some((text(&after, "by_hand")?, text(&after, "is")?))).collect();
    told.sort();
    told
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut told: Vec<_> = told.iter().map(|(what, is)| ((*what).to_owned(), (*is).to_owned())).collect();
    told.sort();
    told
}

fn merge() -> ByHand {
    ByHand::Merge(Method::Squash)
}

async fn there(ground: &Ground<'_>, number: i64) -> PullState {
    local(ground).pull(number).await.expect("it is there").state
}

at_home!(only_operators_do_anything_by_hand, async |ground| {
    let number = ground.opened().await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        for act in [merge(), ByHand::Close, ByHand::Approve(String::new()), ByHand::Comment("hello".into())] {
            let hand = Hand { local: local(ground), login: "ann", head: None };
            let answer = ground.given.plane.handle_pull(&call(role, "eve", "exam"), hand, number, &act).await;
            assert_eq!(refused(answer).code, Code::Forbidden, "{role} {act:?}");
        }
    }
    assert_eq!(noted(ground).await, [], "nothing was even asked for");
    assert_eq!(there(ground, number).await, PullState::Open);
});

at_home!(a_merge_by_hand_is_in_the_name_of_the_person_and_is_taken_in_with_the_next_look, async |ground| {
    let number = ground.approved().await;
    let head = ground.head().await;
    let done = handle(ground, number, Some(&head), &merge()).await.expect("merged");
    assert_eq!((done.number, done.onto.as_str()), (number, "main"));
    let pull = local(ground).pull(number).await.expect("it is there");
    assert_eq!(pull.state, PullState::Merged { commit: done.commit.clone() });
    assert!(done.commit.is_some());
    let events = local(ground).events(Some(number), 0).await.expect("events");
    let merged: Vec<_> =
        events.iter().filter(|event| event.what == "merged").map(|event| event.actor.login.as_str()).collect();
    assert_eq!(merged, ["ann"]);
    assert_eq!(noted(ground).await, pairs(&[("merged", "asked"), ("merged", "done")]));
    ground.watch().await;
    assert_eq!((ground.state().await, ground.given.state(GAP).await), (State::Merged, "merged"));
});

at_home!(what_is_said_of_another_commit_than_the_head_is_refused_before_it_is_asked_for, async |ground| {
    let number = ground.approved().await;
    let judged = ground.head().await;
    let other = "1".repeat(40);
    let of_a_commit = [merge(), ByHand::RequestChanges("say why".into()), ByHand::Approve(String::new())];
    for act in &of_a_commit {
        let refusal = refused(handle(ground, number, Some(&other), act).await);
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::StaleHead, Some("head")), "{act:?}");
    }
    // Somebody pushes, and the server has yet to look.
    let pushed = ground.push("somebody").await;
    for act in &of_a_commit {
        for head in [None, Some(judged.as_str())] {
            let refusal = refused(handle(ground, number, head, act).await);
            assert_eq!(refusal.code, Code::StaleHead, "{act:?} of {head:?}");
        }
    }
    assert_eq!(noted(ground).await, []);
    // Whoever looked at what was pushed may merge it.
    handle(ground, number, Some(&pushed), &merge()).await.expect("merged");
});

at_home!(what_is_said_of_no_commit_is_done_whatever_the_head, async |ground| {
    let number = ground.opened().await;
    ground.push("somebody").await;
    let other = "1".repeat(40);
    for act in [ByHand::Comment("hello".into()), ByHand::Close, ByHand::Reopen] {
        let done = handle(ground, number, Some(&other), &act).await.expect("done");
        assert_eq!(done, Handled { number, onto: "main".into(), commit: None }, "{act:?}");
    }
});

at_home!(each_act_is_done_or_refused_as_it_stands_on_the_forge, async |ground| {
    let number = ground.opened().await;
    let acts = || [merge(), ByHand::Close, ByHand::Reopen];
    let codes = async |ground: &Ground<'_>, acts: &[ByHand]| {
        let mut codes = Vec::new();
        for act in acts {
            let answer = handle(ground, number, None, act).await;
            codes.push(answer.is_err().then(|| refused(answer)).map(|Refusal { code, .. }| code));
        }
        codes
    };
    let state = PullState::Open;
    assert_eq!(
        (there(ground, number).await, codes(ground, &acts()[2..]).await),
        (state, vec![None]),
        "it is open already"
    );
    assert_eq!(codes(ground, &acts()[1..2]).await, [None]);
    assert_eq!(there(ground, number).await, PullState::Closed);
    assert_eq!(
        codes(ground, &acts()[..2]).await,
        [Some(Code::WrongState), None],
        "closed is not merged, and is closed once"
    );
    assert_eq!(there(ground, number).await, PullState::Closed);
    assert_eq!(codes(ground, &acts()[2..]).await, [None]);
    assert_eq!(there(ground, number).await, PullState::Open);
    assert_eq!(codes(ground, &acts()[..1]).await, [None]);
    let merged = there(ground, number).await;
    assert!(matches!(merged, PullState::Merged { .. }), "{merged:?}");
    assert_eq!(codes(ground, &acts()).await, [Some(Code::WrongState); 3], "what is merged stays merged");
    assert_eq!(there(ground, number).await, merged);
    assert_eq!(codes(ground, &[ByHand::Comment("well done".into())]).await, [None]);
    let told = noted(ground).await;
    let asked = told.iter().filter(|(_, is)| is == "asked").count();
    let ended = told.iter().filter(|(_, is)| is == "done" || is == "not done").count();
    assert_eq!((asked, ended), (10, 10), "each was asked for, and each has its end: {told:?}");
});

at_home!(what_makes_no_sense_is_told_as_not_done, async |ground| {
    let number = ground.opened().await;
    for (act, code) in [
        (ByHand::Comment(" ".into()), Code::InvalidArgument),
        (ByHand::RequestChanges(String::new()), Code::InvalidArgument),
    ] {
        assert_eq!(refused(handle(ground, number, None, &act).await).code, code, "{act:?}");
    }
    let told = [
        ("commented", "asked"),
        ("commented", "not done"),
        ("changes requested", "asked"),
        ("changes requested", "not done"),
    ];
    assert_eq!(noted(ground).await, pairs(&told));
    let refusal = refused(handle(ground, 9_999, None, &ByHand::Close).await);
    assert_eq!(refusal.code, Code::NotFound, "one that is not there is not even asked for");
    let hand = Hand { local: local(ground), login: "not a login", head: None };
    let refusal = refused(ground.given.plane.handle_pull(&olga(), hand, number, &ByHand::Close).await);
    assert_eq!(refusal.code, Code::InvalidArgument);
    assert_eq!(noted(ground).await.len(), 4);
    assert_eq!(there(ground, number).await, PullState::Open);
});

at_home!(the_same_key_does_an_act_once_and_answers_the_same, async |ground| {
    let number = ground.opened().await;
    let once = keyed(&olga(), "key", "comment");
    let act = ByHand::Comment("hello".into());
    let hand = || Hand { local: local(ground), login: "ann", head: None };
    let first = ground.given.plane.handle_pull(&once, hand(), number, &act).await.expect("said");
    for _ in 0..2 {
        let again = ground.given.plane.handle_pull(&once, hand(), number, &act).await.expect("said before");
        assert_eq!(again, first);
    }
    let said = local(ground).comments(number, None).await.expect("comments");
    let said: Vec<_> =
        said.iter().filter(|comment| comment.body == "hello").map(|comment| comment.author.login.as_str()).collect();
    assert_eq!(said, ["ann"]);
    assert_eq!(noted(ground).await, pairs(&[("commented", "asked"), ("commented", "done")]));
    let other = keyed(&olga(), "key", "merge");
    let reused = ground.given.plane.handle_pull(&other, hand(), number, &merge()).await;
    assert_eq!(refused(reused).code, Code::IdempotencyMismatch);
    let failed = keyed(&olga(), "another key", "empty");
    for _ in 0..2 {
        let empty = ground.given.plane.handle_pull(&failed, hand(), number, &ByHand::Comment(String::new())).await;
        assert_eq!(refused(empty).code, Code::InvalidArgument, "what was not done is tried again");
    }
    assert_eq!(there(ground, number).await, PullState::Open);
});

at_home!(a_merge_under_one_key_answers_with_its_commit_though_it_is_merged_by_now, async |ground| {
    let number = ground.approved().await;
    let head = ground.head().await;
    let once = keyed(&olga(), "key", "merge");
    let hand = || Hand { local: local(ground), login: "ann", head: Some(&head) };
    let first = ground.given.plane.handle_pull(&once, hand(), number, &merge()).await.expect("merged");
    ground.watch().await;
    assert_eq!(ground.given.plane.handle_pull(&once, hand(), number, &merge()).await.expect("merged before"), first);
    let fresh = keyed(&olga(), "another key", "merge");
    let twice = ground.given.plane.handle_pull(&fresh, hand(), number, &merge()).await;
    assert_eq!(refused(twice).code, Code::WrongState);
});

at_home!(reviews_by_hand_are_of_the_person_and_only_changes_wanted_move_it, async |ground| {
    let number = ground.approved().await;
    handle(ground, number, None, &ByHand::Approve(String::new())).await.expect("approved");
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsHuman, "an approval is said, and nothing more");
    handle(ground, number, None, &ByHand::RequestChanges("say why".into())).await.expect("asked for");
    ground.watch().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    let reviews = local(ground).reviews(number).await.expect("reviews");
    let of_ann = reviews.iter().filter(|review| review.author.login == "ann");
    let of_ann: Vec<_> = of_ann.map(|review| (review.state, review.body.as_str())).collect();
    assert_eq!(of_ann, [(ReviewState::Approved, ""), (ReviewState::ChangesRequested, "say why")]);
});

at_home!(what_is_closed_and_opened_by_hand_is_so_here_with_the_next_look, async |ground| {
    let number = ground.opened().await;
    handle(ground, number, None, &ByHand::Close).await.expect("closed");
    ground.watch().await;
    assert_eq!((ground.state().await, ground.given.state(GAP).await), (State::Closed, "open"));
    handle(ground, number, None, &ByHand::Reopen).await.expect("opened");
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

at_home!(only_what_is_of_the_local_forge_is_handled_here, async |ground| {
    let world = &ground.given.world;
    let at = |home: Option<Local>, repo: &str| {
        let repo = Some(repo.to_owned());
        world.replica_with(move |settings| (settings.local, settings.rules.repo) = (home, repo))
    };
    let there = at(None, REPO).await;
    let here = at(Some(local(ground).clone()), REPO).await;
    assert_eq!((here.is_here(REPO), here.is_here("ann/other"), here.is_here("")), (true, false, false));
    assert!(!there.is_here(REPO), "its forge is elsewhere");
});
