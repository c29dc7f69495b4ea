//! The rows of the local home: guards, counters and names that are one.

use harness::both;
use store::Fault;
use store::local::{Who, event, issue, label, pull, review};

const ANN: Who<'static> = Who { login: "ann", kind: "person" };
const REPO: &str = "ann/website";

fn a_pull(number: i64, head: &str) -> pull::Row {
    pull::Row {
        number,
        state: "open".into(),
        stage: "ready".into(),
        head_branch: head.into(),
        head_commit: "h1".into(),
        base_branch: "main".into(),
        base_commit: "b1".into(),
        merge_commit: None,
    }
}

both!(numbers_and_ids_are_counted_up_and_not_given_twice, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    assert!(matches!(store::local::next_number(&mut tx, REPO).await, Err(Fault::Corrupt { .. })));
    assert!(store::local::add(&mut tx, REPO, "id").await.expect("a repository"));
    assert!(!store::local::add(&mut tx, REPO, "other").await.expect("it is there"));
    assert_eq!(store::local::find(&mut tx, REPO).await.expect("a look").expect("a row").id, "id");
    for counted in 1..=3 {
        assert_eq!(store::local::next_number(&mut tx, REPO).await.expect("a number"), counted);
        assert_eq!(store::local::next_id(&mut tx, REPO).await.expect("an id"), counted);
    }
});

both!(an_issue_is_written_only_over_the_revision_that_was_decided_on, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let new = issue::New { kind: "issue", title: "t", body: "b", author: ANN };
    issue::add(&mut tx, REPO, 1, new).await.expect("a row");
    let row = issue::load(&mut tx, REPO, 1).await.expect("a look").expect("a row");
    let edited = issue::Row { title: "other".into(), ..row.clone() };
    issue::write(&mut tx, REPO, &edited).await.expect("a write");
    for stale in [&row, &edited] {
        assert!(matches!(issue::write(&mut tx, REPO, stale).await, Err(Fault::Conflict)));
        assert!(matches!(issue::remove(&mut tx, REPO, stale).await, Err(Fault::Conflict)));
    }
    let row = issue::find(&mut tx, REPO, 1).await.expect("a look").expect("a row");
    assert_eq!((row.title.as_str(), row.revision), ("other", 2));
    issue::remove(&mut tx, REPO, &row).await.expect("removed");
    assert_eq!(issue::find(&mut tx, REPO, 1).await.expect("a look"), None);
});

both!(a_pull_request_ends_once_and_a_merge_is_stronger_than_a_close, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    for number in 1..=2 {
        let new = issue::New { kind: "pull", title: "t", body: "b", author: ANN };
        issue::add(&mut tx, REPO, number, new).await.expect("a row");
    }
    pull::add(&mut tx, REPO, &a_pull(1, "fix/one")).await.expect("a row");
    assert_eq!(pull::by_head(&mut tx, REPO, "fix/one").await.expect("a look"), Some(1));
    pull::seen(&mut tx, REPO, &a_pull(1, "fix/one"), "h2").await.expect("it moved");
    let stale = pull::seen(&mut tx, REPO, &a_pull(1, "fix/one"), "h3").await;
    assert!(matches!(stale, Err(Fault::Conflict)), "{stale:?}");
    pull::end(&mut tx, REPO, 1, ("h2", "b2"), None).await.expect("closed");
    assert!(matches!(pull::end(&mut tx, REPO, 1, ("h9", "b9"), None).await, Err(Fault::Conflict)));
    pull::add(&mut tx, REPO, &a_pull(2, "fix/one")).await.expect("the branch is free");
    pull::end(&mut tx, REPO, 1, ("h2", "b2"), Some("m")).await.expect("it was merged in the meantime");
    assert!(matches!(pull::end(&mut tx, REPO, 1, ("h2", "b2"), Some("n")).await, Err(Fault::Conflict)));
    assert!(matches!(pull::reopen(&mut tx, REPO, 1, "h2").await, Err(Fault::Conflict)));
    let row = pull::find(&mut tx, REPO, 1).await.expect("a look").expect("a row");
    assert_eq!((row.merge_commit.as_deref(), row.base_commit.as_str()), (Some("m"), "b2"));
    tx.commit().await.expect("a commit");
    let mut tx = world.store().begin().await.expect("a transaction");
    let taken = pull::add(&mut tx, REPO, &a_pull(3, "fix/one")).await;
    assert!(matches!(taken, Err(Fault::Taken(_))), "{taken:?}");
});

both!(a_label_has_one_name_whatever_its_case_and_keeps_its_id, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let row = |id: &str, name: &str| label::Row {
        id: id.into(),
        name: name.into(),
        color: "d73a4a".into(),
        description: String::new(),
    };
    assert!(label::add(&mut tx, REPO, &row("1", "Éclair")).await.expect("a row"));
    assert!(!label::add(&mut tx, REPO, &row("2", "éCLAIR")).await.expect("it is taken"));
    assert_eq!(label::by_name(&mut tx, REPO, "ÉCLAIR").await.expect("a look").expect("a row").id, "1");
    assert!(label::put_on(&mut tx, REPO, 7, "1").await.expect("a label"));
    assert!(!label::put_on(&mut tx, REPO, 7, "1").await.expect("it is on"));
    assert!(label::rename(&mut tx, REPO, "1", "cake").await.expect("renamed"));
    assert!(!label::rename(&mut tx, REPO, "9", "pie").await.expect("there is none"));
    assert_eq!(label::worn(&mut tx, REPO, 1, 9).await.expect("labels"), [(7, "cake".to_owned())]);
    assert!(label::take_off(&mut tx, REPO, 7, "1").await.expect("no label"));
    assert!(!label::take_off(&mut tx, REPO, 7, "1").await.expect("it is off"));
});

both!(the_latest_changes_of_labels_and_the_last_ending_are_told_of_each_number, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    store::local::add(&mut tx, REPO, "id").await.expect("a repository");
    for (number, what, detail) in [
        (1, "labeled", "a"),
        (1, "commented", "9"),
        (1, "closed", ""),
        (1, "unlabeled", "a"),
        (2, "labeled", "b"),
        (2, "merged", "m"),
        (1, "labeled", "c"),
        (1, "reopened", ""),
    ] {
        event::add(&mut tx, REPO, Some(number), ANN, what, detail).await.expect("a row");
    }
    for (limit, expected) in [(9, vec!["c", "a", "a"]), (2, vec!["c", "a"])] {
        let rows = event::labelling(&mut tx, REPO, 1, limit).await.expect("a look");
        assert_eq!(rows.iter().map(|row| row.detail.as_str()).collect::<Vec<_>>(), expected);
    }
    for (number, expected) in [(1, Some("closed")), (2, Some("merged")), (3, None)] {
        let row = event::ending(&mut tx, REPO, number).await.expect("a look");
        assert_eq!(row.as_ref().map(|row| row.what.as_str()), expected);
    }
});

both!(pull_requests_of_a_branch_are_found_open_or_not, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    for (number, head) in [(3, "fix/one"), (1, "fix/one"), (2, "fix/two")] {
        let new = issue::New { kind: "pull", title: "t", body: "b", author: ANN };
        issue::add(&mut tx, REPO, number, new).await.expect("a row");
        pull::add(&mut tx, REPO, &a_pull(number, head)).await.expect("a row");
        pull::end(&mut tx, REPO, number, ("h", "b"), None).await.expect("closed");
    }
    for (limit, expected) in [(9, vec![1, 3]), (1, vec![1])] {
        let rows = pull::of_head(&mut tx, REPO, "fix/one", limit).await.expect("a look");
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), expected);
    }
    assert_eq!(pull::of_head(&mut tx, "ann/other", "fix/one", 9).await.expect("a look"), []);
});

both!(a_review_decides_one_of_four_things_and_those_from_before_said_something, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let new = |state| review::New { author: ANN, commit: "c", body: "b", state };
    for (id, state) in [(1, "approved"), (2, "changes_requested"), (3, "dismissed")] {
        review::add(&mut tx, REPO, (id, 7), new(state)).await.expect("a row");
    }
    // As a program that does not know of decisions writes it.
    let old = "INSERT INTO local_review (repository, id, number, commit_id, body, author, author_kind, created_at)
               VALUES ($1, 4, 7, 'c', 'b', 'ann', 'person', 0)";
    tx.run(old, &[store::Arg::Text(REPO)]).await.expect("a row");
    let rows = review::list(&mut tx, REPO, 7, 9).await.expect("a look");
    let states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["approved", "changes_requested", "dismissed", "commented"]);
    assert_eq!(review::list(&mut tx, REPO, 7, 2).await.expect("a look").len(), 2);
    let ours = review::New { author: Who { login: "gapwright", kind: "us" }, ..new("commented") };
    review::add(&mut tx, REPO, (5, 7), ours).await.expect("a row");
    let of_people = review::of_people(&mut tx, REPO, 7, 3).await.expect("a look");
    assert_eq!(of_people.iter().map(|row| row.id).collect::<Vec<_>>(), [4, 3, 2], "the latest of people");
    assert!(review::add(&mut tx, REPO, (6, 7), new("splendid")).await.is_err());
});
