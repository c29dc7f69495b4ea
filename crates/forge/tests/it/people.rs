//! What people do with pull requests of the local home, each under their own name, and what they may not.

use forge::local::Decision;
use forge::{
    AccountKind, Closed, Edit, Fault, Forge as _, IssueState, Method, NewPull, NewReview, PullState, Remark,
    ReviewState,
};
use harness::both;
use store::local::{Who, review};

use crate::exam::new_pull;
use crate::exam::workshop::Change;
use crate::local::{house, words};

fn to(state: IssueState) -> Edit {
    Edit { state: Some(state), ..Edit::default() }
}

fn read(commit: &str, body: &str) -> NewReview {
    NewReview { commit: commit.into(), body: body.into(), remarks: Vec::new() }
}

both!(a_person_does_everything_with_a_pull_request_under_their_own_name, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let (number, head) = (pull.number, pull.head.commit.as_str());
    let ann = house.local.acting("ann").expect("a person");
    ann.add_label(number, "manual").await.expect("a label");
    ann.remove_label(number, "manual").await.expect("no label");
    ann.comment(number, "why?").await.expect("a comment");
    for (decision, body) in [(Decision::Comment, "hm"), (Decision::RequestChanges, "no"), (Decision::Approve, "")] {
        ann.decide(number, &read(head, body), decision).await.expect("a review");
    }
    ann.edit_issue(number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("closed");
    ann.edit_issue(number, &to(IssueState::Open)).await.expect("opened");
    let merged = ann.merge(number, head, Method::Squash, "By ann").await.expect("a merge");
    let events = house.local.events(Some(number), 0).await.expect("events");
    let by_ann =
        events.iter().filter(|event| (event.actor.login.as_str(), event.actor.kind) == ("ann", AccountKind::Person));
    let told: Vec<_> = by_ann.map(|event| event.what.as_str()).collect();
    let reviewed = ["reviewed", "changes requested", "approved"];
    assert_eq!(
        told,
        [&["labeled", "unlabeled", "commented"][..], &reviewed, &["closed", "reopened", "merged"]].concat()
    );
    assert_eq!(events.len(), told.len() + 1, "we opened it, and nothing else");
    let states: Vec<_> = house.local.reviews(number).await.expect("reviews").iter().map(|one| one.state).collect();
    assert_eq!(states, [ReviewState::Commented, ReviewState::ChangesRequested, ReviewState::Approved]);
    let pull = house.read(number).await;
    assert_eq!(
        (pull.ended_by.as_ref(), pull.state),
        (Some(ann.me()), PullState::Merged { commit: Some(merged.commit) })
    );
    assert_eq!(house.workshop.ask(&["log", "-1", "--format=%cn", "main"]), "ann");
});

both!(we_decide_nothing_and_nobody_decides_about_their_own, async |world| {
    let house = house(world).await;
    let ann = house.local.acting("ann").expect("a person");
    let ours = house.pull("fix/ours").await;
    house.workshop.commit("fix/hers", &[Change::text("b.txt", "b\n")]);
    let hers = ann.open_pull(&NewPull { title: "Hers".into(), ..new_pull("fix/hers") }).await.expect("a pull request");
    for decision in [Decision::Approve, Decision::RequestChanges] {
        for (who, pull) in [(&house.local, &ours), (&house.local, &hers), (&ann, &hers)] {
            let (why, next) = words(who.decide(pull.number, &read(&pull.head.commit, "so"), decision).await);
            assert!(why.contains("decides nothing") && next.contains("comment"), "{why}: {next}");
        }
    }
    for (who, pull) in [(&house.local, &hers), (&ann, &hers), (&ann, &ours)] {
        who.decide(pull.number, &read(&pull.head.commit, "so"), Decision::Comment).await.expect("a comment");
    }
    let bob = house.local.acting("bob").expect("a person");
    bob.decide(hers.number, &read(&hers.head.commit, "good"), Decision::Approve).await.expect("an approval");
    for decision in [Decision::Comment, Decision::RequestChanges] {
        words(bob.decide(hers.number, &read(&hers.head.commit, " "), decision).await);
    }
    let unread = read(&ours.head.commit, "good");
    assert!(matches!(bob.decide(hers.number, &unread, Decision::Approve).await, Err(Fault::Stale { .. })));
});

both!(what_a_review_says_of_lines_is_kept_with_it, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let ann = house.local.acting("ann").expect("a person");
    let remark = Remark { path: "a.txt".into(), line: 1, body: "why?".into() };
    let new = NewReview { remarks: vec![remark.clone()], ..read(&pull.head.commit, "") };
    let id = ann.decide(pull.number, &new, Decision::Approve).await.expect("an approval");
    assert_eq!(house.local.remarks(id).await, Ok(vec![remark]));
    assert_eq!(house.local.remarks(id + 1_000).await, Ok(Vec::new()));
});

both!(who_ended_it_is_not_told_when_only_git_knows_of_it, async |world| {
    let house = house(world).await;
    let ann = house.local.acting("ann").expect("a person");
    let merged = house.pull("fix/merged").await;
    house.workshop.merge("fix/merged", "main");
    let read = house.read(merged.number).await;
    assert_eq!(read.ended_by, None);
    assert!(read.ended_at.is_some(), "when it was first seen");
    house.workshop.commit("fix/gone", &[Change::text("b.txt", "b\n")]);
    let gone = house.local.open_pull(&new_pull("fix/gone")).await.expect("a pull request");
    house.workshop.delete("fix/gone");
    let read = house.read(gone.number).await;
    assert_eq!((read.state, read.ended_by), (PullState::Closed, None));
    // A person may be called as the program is.
    let git = house.local.acting("git").expect("a person");
    house.workshop.commit("fix/closed", &[Change::text("c.txt", "c\n")]);
    let closed = ann.open_pull(&new_pull("fix/closed")).await.expect("a pull request");
    git.edit_issue(closed.number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("closed");
    assert_eq!(house.read(closed.number).await.ended_by.as_ref(), Some(git.me()));
    let found = house.local.pulls_by_head("fix/closed").await.expect("pull requests");
    assert_eq!(found[0].ended_by.as_ref(), Some(git.me()), "lists say it here too");
});

both!(a_branch_that_has_moved_or_was_merged_by_hand_is_told_as_git_has_it, async |world| {
    let house = house(world).await;
    house.pull("fix/one").await;
    let moved = house.workshop.commit("fix/one", &[Change::text("a.txt", "moved")]);
    let found = house.local.pulls_by_head("fix/one").await.expect("pull requests");
    assert_eq!((found[0].head.commit.as_str(), found[0].mergeable), (moved.as_str(), Some(true)));
    house.workshop.merge("fix/one", "main");
    let found = house.local.pulls_by_head("fix/one").await.expect("pull requests");
    assert_eq!(found[0].state, PullState::Merged { commit: None });
});

both!(more_reviews_than_are_read_are_refused_and_not_cut, async |world| {
    let house = house(world).await;
    let number = house.pull("fix/one").await.number;
    let ann = Who { login: "ann", kind: "person" };
    for (ids, whole) in [(1..1_001, true), (1_001..1_002, false)] {
        let mut tx = world.store().begin().await.expect("a transaction");
        for id in ids {
            let new = review::New { author: ann, commit: "c", body: "b", state: "approved" };
            review::add(&mut tx, "ann/website", (10_000 + id, number), new).await.expect("a row");
        }
        tx.commit().await.expect("a commit");
        let reviews = house.local.reviews(number).await;
        if whole {
            assert_eq!(reviews.expect("reviews").len(), 1_000);
        } else {
            assert!(words(reviews).0.contains("more reviews"));
        }
    }
});
