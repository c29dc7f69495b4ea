//! Pull requests, reviews, checks and workflows, asked of every home.

use domain::time::Span;
use forge::{
    AccountKind, CheckState, Closed, Edit, Fault, FileChange, Issue, IssueState, Method, NewCheck, NewPull, NewReview,
    Pull, PullState, Remark, Status,
};

use crate::exam::workshop::Change;
use crate::exam::{Home, homes, new_pull};

/// Reads until the home knows whether it can be merged: it may take a while to find out.
async fn known(home: &Home, number: i64) -> Pull {
    for _ in 0..20 {
        let pull = home.forge.pull(number).await.expect("the pull request");
        if pull.mergeable.is_some() {
            return pull;
        }
        home.hand.wait(Span::secs(5));
    }
    panic!("whether {number} can be merged is never known")
}

fn not_so<T: std::fmt::Debug>(answer: &Result<T, Fault>) {
    assert!(matches!(answer, Err(Fault::Stale { .. } | Fault::Refused { .. })), "{answer:?}");
}

fn change(path: &str, status: Status, (additions, deletions): (i64, i64)) -> FileChange {
    FileChange { path: path.to_owned(), previous: None, status, additions, deletions }
}

fn to(state: IssueState) -> Edit {
    Edit { state: Some(state), ..Edit::default() }
}

homes!(a_pull_request_is_opened_listed_and_read_back_as_it_was, async |home| {
    let commit = home.hand.commit("fix/one", &[Change::text("a.txt", "a\n")]).await;
    let base = home.hand.tip("main").await.expect("a branch");
    let before = home.issue("Before", &[]).await;
    let opened = home.pull("fix/one").await;
    assert!(opened.number > before.number, "issues and pull requests share their numbers");
    assert_eq!((opened.title.as_str(), opened.body.as_str()), ("Change by fix/one", "Why. <!-- gapwright:run:7 -->"));
    assert_eq!((&opened.state, opened.draft), (&PullState::Open, false));
    assert_eq!((opened.head.branch.as_str(), &opened.head.commit), ("fix/one", &commit));
    assert_eq!((opened.base.branch.as_str(), &opened.base.commit), ("main", &base));
    assert_eq!(opened.author.kind, AccountKind::Us);
    let read = known(home, opened.number).await;
    assert_eq!(read, Pull { mergeable: Some(true), updated_at: read.updated_at, ..opened.clone() });
    let listed: Vec<_> = home.forge.pulls().await.expect("pull requests");
    assert_eq!(
        listed.iter().map(|pull| (pull.number, &pull.head)).collect::<Vec<_>>(),
        [(opened.number, &opened.head)]
    );
    assert_eq!(home.forge.our_issues().await.expect("issues"), [before], "it is no issue");
});

homes!(a_pull_request_is_labelled_commented_edited_closed_and_opened_again_as_an_issue_is, async |home| {
    home.hand.commit("fix/one", &[Change::text("a.txt", "a\n")]).await;
    let number = home.pull("fix/one").await.number;
    home.forge.add_label(number, "claude").await.expect("a label");
    home.hand.label(number, "manual").await;
    home.hand.comment(number, "looks good").await;
    let edit = Edit { title: Some("After".to_owned()), ..Edit::default() };
    home.forge.edit_issue(number, &edit).await.expect("an edit");
    let pull = home.forge.pull(number).await.expect("the pull request");
    assert_eq!((pull.title.as_str(), pull.labels.join(" ").as_str()), ("After", "claude manual"));
    assert_eq!(home.forge.comments(number, None).await.expect("comments").len(), 1);
    for _ in 0..2 {
        home.forge.edit_issue(number, &to(IssueState::Closed(Closed::NotPlanned))).await.expect("closed");
        assert_eq!(home.forge.pull(number).await.expect("the pull request").state, PullState::Closed);
        assert_eq!(home.forge.pulls().await.expect("pull requests"), []);
        home.forge.edit_issue(number, &to(IssueState::Open)).await.expect("opened");
        assert_eq!(home.forge.pull(number).await.expect("the pull request").state, PullState::Open);
    }
});

homes!(what_a_pull_request_changes_is_told_file_by_file, async |home| {
    let long = "a line that stays\n".repeat(40);
    let before = [
        Change::text("changed.txt", "one\ntwo\n"),
        Change::text("moved.txt", &long),
        Change::text("removed.txt", "gone\n"),
        Change::text("run.sh", "#!/bin/sh\n"),
        Change::text("kept.txt", "kept\n"),
    ];
    home.hand.commit("main", &before).await;
    let changes = [
        Change::text("changed.txt", "one\nthree\nfour\n"),
        Change::Move("moved.txt", "folder/new name é.txt"),
        Change::Remove("removed.txt"),
        Change::Runnable("run.sh"),
        Change::text("added.txt", "a\nb\n"),
        Change::Write("picture.bin", vec![0, 159, 146, 150, 0, 1]),
    ];
    home.hand.commit("fix/one", &changes).await;
    let pull = home.pull("fix/one").await;
    // What happens on the base afterwards is no change of the pull request.
    home.hand.commit("main", &[Change::text("kept.txt", "changed elsewhere\n")]).await;
    let mut files = home.forge.files(pull.number).await.expect("files");
    assert!(files.complete);
    let mode = files.files.pop().expect("the file that may be run now");
    // GitHub says no more than that it is not as it was.
    assert!(matches!(mode.status, Status::Other | Status::Modified), "{mode:?}");
    assert_eq!(mode, change("run.sh", mode.status, (0, 0)));
    let moved = FileChange {
        previous: Some("moved.txt".to_owned()),
        ..change("folder/new name é.txt", Status::Renamed, (0, 0))
    };
    let expected = [
        change("added.txt", Status::Added, (2, 0)),
        change("changed.txt", Status::Modified, (2, 1)),
        moved,
        change("picture.bin", Status::Added, (0, 0)),
        change("removed.txt", Status::Removed, (0, 1)),
    ];
    assert_eq!(files.files, expected);
});

homes!(a_pull_request_is_merged_by_each_method_with_its_head_and_not_with_another, async |home| {
    for (branch, method) in [("fix/a", Method::Merge), ("fix/b", Method::Squash), ("fix/c", Method::Rebase)] {
        let path: &'static str = branch.rsplit('/').next().unwrap_or_default();
        let first = home.hand.commit(branch, &[Change::text(path, "1\n")]).await;
        let head = home.hand.commit(branch, &[Change::text(path, "2\n")]).await;
        let pull = home.pull(branch).await;
        known(home, pull.number).await;
        let base = home.hand.tip("main").await;
        for wrong in [first.as_str(), base.as_deref().expect("a branch")] {
            let stale = home.forge.merge(pull.number, wrong, method, "A change").await;
            assert!(matches!(stale, Err(Fault::Stale { .. })), "{stale:?}");
        }
        assert_eq!(home.hand.tip("main").await, base, "nothing was merged");
        let merged = home.forge.merge(pull.number, &head, method, "A change").await.expect("a merge");
        assert_eq!(home.hand.tip("main").await.as_ref(), Some(&merged.commit));
        let after = home.forge.pull(pull.number).await.expect("the pull request");
        assert_eq!(after.state, PullState::Merged { commit: Some(merged.commit) });
        assert_eq!(after.head.commit, head);
        not_so(&home.forge.merge(pull.number, &head, method, "A change").await);
    }
    assert_eq!(home.forge.pulls().await.expect("pull requests"), []);
});

homes!(what_conflicts_is_not_mergeable_and_not_merged, async |home| {
    home.hand.commit("main", &[Change::text("a.txt", "one\n")]).await;
    let head = home.hand.commit("fix/one", &[Change::text("a.txt", "two\n")]).await;
    let base = home.hand.commit("main", &[Change::text("a.txt", "three\n")]).await;
    let pull = home.pull("fix/one").await;
    assert_eq!(known(home, pull.number).await.mergeable, Some(false));
    for method in [Method::Merge, Method::Squash, Method::Rebase] {
        not_so(&home.forge.merge(pull.number, &head, method, "A change").await);
    }
    assert_eq!(home.hand.tip("main").await, Some(base));
    assert_eq!(home.forge.pull(pull.number).await.expect("the pull request").state, PullState::Open);
});

homes!(neither_a_draft_nor_a_closed_pull_request_is_merged, async |home| {
    let drafted = home.hand.commit("fix/draft", &[Change::text("a.txt", "a\n")]).await;
    let draft = NewPull { draft: true, ..new_pull("fix/draft") };
    let draft = home.forge.open_pull(&draft).await.expect("a draft");
    assert!(draft.draft && home.forge.pull(draft.number).await.expect("the draft").draft);
    let closed_at = home.hand.commit("fix/closed", &[Change::text("b.txt", "b\n")]).await;
    let closed = home.pull("fix/closed").await;
    home.hand.close(closed.number, Closed::NotPlanned).await;
    let base = home.hand.tip("main").await;
    not_so(&home.forge.merge(draft.number, &drafted, Method::Squash, "A draft").await);
    not_so(&home.forge.merge(closed.number, &closed_at, Method::Squash, "A closed one").await);
    assert_eq!(home.hand.tip("main").await, base);
});

homes!(a_branch_has_one_open_pull_request_and_must_exist, async |home| {
    home.hand.commit("fix/one", &[Change::text("a.txt", "a\n")]).await;
    let refused = async |new: &NewPull| {
        let answer = home.forge.open_pull(new).await;
        let Err(Fault::Refused { why, next }) = answer else { panic!("it is not refused: {answer:?}") };
        assert!(!why.is_empty() && !next.is_empty());
    };
    refused(&new_pull("fix/never-pushed")).await;
    refused(&NewPull { base: "never-there".to_owned(), ..new_pull("fix/one") }).await;
    let first = home.pull("fix/one").await;
    refused(&new_pull("fix/one")).await;
    home.hand.close(first.number, Closed::NotPlanned).await;
    let second = home.pull("fix/one").await;
    assert!(second.number > first.number, "one that is closed is in nobody's way");
    refused(&NewPull { title: "t".repeat(257), ..new_pull("fix/one") }).await;
});

homes!(a_head_moves_with_a_push_and_what_was_read_before_is_stale, async |home| {
    let before = home.hand.commit("fix/one", &[Change::text("a.txt", "1\n")]).await;
    let opened = home.pull("fix/one").await;
    home.hand.wait(Span::secs(5));
    let after = home.hand.commit("fix/one", &[Change::text("a.txt", "2\n")]).await;
    let pull = known(home, opened.number).await;
    assert_eq!(pull.head.commit, after);
    assert!(pull.updated_at > opened.updated_at);
    assert_eq!(home.forge.pulls().await.expect("pull requests")[0].head.commit, after);
    let stale = home.forge.merge(opened.number, &before, Method::Squash, "A change").await;
    assert!(matches!(stale, Err(Fault::Stale { .. })), "{stale:?}");
});

homes!(a_review_says_what_it_says_of_its_commit, async |home| {
    let commit = home.hand.commit("fix/one", &[Change::text("a.txt", "1\n2\n3\n")]).await;
    let number = home.pull("fix/one").await.number;
    let remark = Remark { path: "a.txt".to_owned(), line: 2, body: "why?".to_owned() };
    let new = NewReview { commit: commit.clone(), body: "Two things.".to_owned(), remarks: vec![remark.clone()] };
    let first = home.forge.review(number, &new).await.expect("a review");
    let again = NewReview { remarks: Vec::new(), ..new };
    assert!(home.forge.review(number, &again).await.expect("a review") > first);
    let said = home.hand.reviews(number).await;
    let words = "Two things.".to_owned();
    assert_eq!(said, [(commit.clone(), words.clone(), vec![remark]), (commit, words, Vec::new())]);
});

homes!(a_check_is_found_again_by_its_external_id_or_by_its_name_where_it_keeps_none, async |home| {
    let commit = home.hand.commit("fix/one", &[Change::text("a.txt", "1\n")]).await;
    assert_eq!(home.forge.checks(&commit).await.expect("checks"), []);
    let states = [CheckState::Running, CheckState::Pass, CheckState::Fail, CheckState::Neutral];
    for (place, state) in states.into_iter().enumerate() {
        let new = NewCheck {
            name: format!("gapwright/{place}"),
            commit: commit.clone(),
            state,
            external_id: format!("check-{place}"),
            title: "In a line".to_owned(),
            summary: "At length.".to_owned(),
        };
        let put = home.forge.put_check(&new).await.expect("a check");
        let shown = if home.keeps_checks || state != CheckState::Neutral { state } else { CheckState::Running };
        let external_id = if home.keeps_checks { new.external_id.as_str() } else { "" };
        assert_eq!(
            (&put.name, &put.commit, put.state, put.external_id.as_str(), &put.title),
            (&new.name, &commit, shown, external_id, &new.title)
        );
        let checks = home.forge.checks(&commit).await.expect("checks");
        let found = checks.iter().find(|one| (&one.external_id, &one.name) == (&put.external_id, &new.name));
        assert_eq!(found, Some(&put));
        assert_eq!(checks.len(), place + 1);
    }
    let other = home.hand.commit("fix/one", &[Change::text("a.txt", "2\n")]).await;
    assert_eq!(home.forge.checks(&other).await.expect("checks"), [], "a push has no check");
});

homes!(the_workflows_of_the_default_branch_are_read_as_texts, async |home| {
    assert_eq!(home.forge.workflows().await.expect("workflows"), []);
    let changes = [
        Change::text(".github/workflows/ci.yml", "on: push\n# é\n"),
        Change::text(".github/workflows/a.yaml", "on: pull_request\n"),
        Change::text(".github/other.yml", "nothing\n"),
    ];
    home.hand.commit("main", &changes).await;
    home.hand.commit("fix/one", &[Change::text(".github/workflows/later.yml", "on: push\n")]).await;
    let read = home.forge.workflows().await.expect("workflows");
    let read: Vec<_> = read.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    assert_eq!(
        read,
        [(".github/workflows/a.yaml", "on: pull_request\n"), (".github/workflows/ci.yml", "on: push\n# é\n")]
    );
});

homes!(an_issue_is_no_pull_request_and_a_pull_request_is_an_issue_too, async |home| {
    let issue = home.issue("An issue", &[]).await;
    for gone in [issue.number, issue.number + 1_000] {
        let pull = home.forge.pull(gone).await;
        assert!(matches!(pull, Err(Fault::Gone { .. })), "{pull:?}");
        let files = home.forge.files(gone).await;
        assert!(matches!(files, Err(Fault::Gone { .. })), "{files:?}");
    }
    home.hand.commit("fix/one", &[Change::text("a.txt", "1\n")]).await;
    let pull = home.pull("fix/one").await;
    let Issue { number, title, .. } = home.forge.issue(pull.number).await.expect("the same as an issue");
    assert_eq!((number, title), (pull.number, pull.title));
});
