//! Issues and comments, asked of every home.

use domain::time::Span;
use forge::{AccountKind, Closed, Edit, Fault, IssueState, NewIssue};

use crate::exam::homes;

fn to(state: IssueState) -> Edit {
    Edit { state: Some(state), ..Edit::default() }
}

homes!(an_issue_that_we_opened_is_listed_and_read_back_as_it_was, async |home| {
    let new = NewIssue {
        title: "It is slow".to_owned(),
        body: "Since noon.\n\n<!-- gapwright:gap:01 -->\n\u{1f40c} \"quoted\" & <b>bold</b>".to_owned(),
        labels: vec!["gap".to_owned(), "claude".to_owned()],
    };
    let opened = home.forge.open_issue(&new).await.expect("an issue");
    assert_eq!((opened.title.as_str(), opened.body.as_str()), (new.title.as_str(), new.body.as_str()));
    assert_eq!((opened.state, opened.comments), (IssueState::Open, 0));
    assert_eq!(opened.labels, ["claude", "gap"]);
    assert_eq!(opened.author.kind, AccountKind::Us);
    assert_eq!(opened.author, home.forge.repository().await.expect("a repository").me);
    assert_eq!(home.forge.issue(opened.number).await.expect("the issue"), opened);
    assert_eq!(home.forge.our_issues().await.expect("issues"), [opened]);
});

homes!(an_issue_that_somebody_else_opened_is_read_and_is_not_ours, async |home| {
    let number = home.hand.open_issue("Theirs").await;
    let ours = home.issue("Ours", &[]).await;
    let theirs = home.forge.issue(number).await.expect("an issue");
    assert_eq!((theirs.author.login, theirs.author.kind), (home.hand.login(), AccountKind::Person));
    assert_eq!(theirs.title, "Theirs");
    assert_eq!(home.forge.our_issues().await.expect("issues"), [ours]);
});

homes!(an_edit_changes_what_it_names_and_may_be_repeated, async |home| {
    let issue = home.issue("Before", &["gap"]).await;
    home.hand.wait(Span::secs(5));
    let edit = Edit { title: Some("After".to_owned()), ..Edit::default() };
    for _ in 0..2 {
        home.forge.edit_issue(issue.number, &edit).await.expect("an edit");
        let now = home.forge.issue(issue.number).await.expect("the issue");
        assert_eq!((now.title.as_str(), &now.body, &now.labels), ("After", &issue.body, &issue.labels));
        assert!(now.updated_at > issue.updated_at && now.created_at == issue.created_at);
    }
    let edit = Edit { body: Some("another".to_owned()), ..Edit::default() };
    home.forge.edit_issue(issue.number, &edit).await.expect("an edit");
    let now = home.forge.issue(issue.number).await.expect("the issue");
    assert_eq!((now.title.as_str(), now.body.as_str()), ("After", "another"));
});

homes!(an_issue_is_closed_with_each_reason_and_opened_again, async |home| {
    let issue = home.issue("Comes and goes", &[]).await;
    for reason in [Closed::Completed, Closed::NotPlanned, Closed::Duplicate] {
        let closed = IssueState::Closed(reason);
        home.forge.edit_issue(issue.number, &to(closed)).await.expect("closed");
        assert_eq!(home.forge.issue(issue.number).await.expect("the issue").state, closed);
        home.forge.edit_issue(issue.number, &to(IssueState::Open)).await.expect("opened");
        assert_eq!(home.forge.issue(issue.number).await.expect("the issue").state, IssueState::Open);
    }
    home.hand.close(issue.number, Closed::NotPlanned).await;
    let ours = home.forge.our_issues().await.expect("issues");
    assert_eq!(ours[0].state, IssueState::Closed(Closed::NotPlanned), "a closed one is listed too");
});

homes!(comments_are_read_from_a_moment_on_oldest_first, async |home| {
    let issue = home.issue("Talk", &[]).await;
    home.hand.comment(issue.number, "first").await;
    home.hand.wait(Span::secs(5));
    let ours = home.forge.comment(issue.number, "second <!-- gapwright:1 -->").await.expect("a comment");
    home.hand.wait(Span::secs(5));
    home.hand.comment(issue.number, "third").await;
    let all = home.forge.comments(issue.number, None).await.expect("comments");
    let said: Vec<_> = all.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(said, ["first", "second <!-- gapwright:1 -->", "third"]);
    assert_eq!(all[1], ours);
    let kinds: Vec<_> = all.iter().map(|comment| comment.author.kind).collect();
    assert_eq!(kinds, [AccountKind::Person, AccountKind::Us, AccountKind::Person]);
    let since = home.forge.comments(issue.number, Some(ours.updated_at)).await.expect("comments");
    assert_eq!(since, all[1..]);
    let since = home.forge.comments(issue.number, Some(ours.updated_at + Span::secs(1))).await.expect("comments");
    assert_eq!(since, all[2..]);
    assert_eq!(home.forge.issue(issue.number).await.expect("the issue").comments, 3);
});

homes!(a_deleted_issue_is_gone_and_its_number_is_never_given_again, async |home| {
    let first = home.issue("First", &["gap"]).await;
    home.hand.delete(first.number).await;
    let missing = first.number + 1_000;
    for number in [first.number, missing] {
        let read = home.forge.issue(number).await;
        assert!(matches!(read, Err(Fault::Gone { .. })), "{read:?}");
        let edited = home.forge.edit_issue(number, &to(IssueState::Open)).await;
        assert!(matches!(edited, Err(Fault::Gone { .. })), "{edited:?}");
        let commented = home.forge.comment(number, "anybody?").await;
        assert!(matches!(commented, Err(Fault::Gone { .. })), "{commented:?}");
        let labeled = home.forge.add_label(number, "gap").await;
        assert!(matches!(labeled, Err(Fault::Gone { .. })), "{labeled:?}");
        let comments = home.forge.comments(number, None).await;
        assert!(matches!(comments, Err(Fault::Gone { .. })), "{comments:?}");
    }
    assert_eq!(home.forge.our_issues().await.expect("issues"), []);
    let second = home.issue("Second", &[]).await;
    assert!(second.number > first.number);
});
