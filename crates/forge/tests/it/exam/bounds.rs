//! Bounds, asked of every home: at the bound it is taken, one beyond it is refused and nothing has happened.

use forge::{Edit, Fault, Label, NewIssue};

use crate::exam::homes;

fn new(title: usize, body: usize) -> NewIssue {
    NewIssue { title: "é".repeat(title), body: "b".repeat(body), labels: Vec::new() }
}

fn assert_refused<T: std::fmt::Debug>(answer: &Result<T, Fault>) {
    let Err(Fault::Refused { why, next }) = answer else { panic!("it is not refused: {answer:?}") };
    assert!(!why.is_empty() && !next.is_empty());
}

homes!(a_title_and_a_body_have_their_bounds, async |home| {
    let issue = home.forge.open_issue(&new(256, 65_536)).await.expect("the largest issue");
    assert_eq!((issue.title.chars().count(), issue.body.len()), (256, 65_536));
    for too_much in [new(257, 1), new(0, 1), new(1, 65_537)] {
        assert_refused(&home.forge.open_issue(&too_much).await);
    }
    let edits = [
        Edit { title: Some("t".repeat(257)), ..Edit::default() },
        Edit { body: Some("b".repeat(65_537)), ..Edit::default() },
    ];
    for edit in edits {
        assert_refused(&home.forge.edit_issue(issue.number, &edit).await);
    }
    assert_refused(&home.forge.comment(issue.number, &"c".repeat(65_537)).await);
    home.forge.comment(issue.number, &"c".repeat(65_536)).await.expect("the longest comment");
    assert_eq!(home.forge.our_issues().await.expect("issues").len(), 1);
});

homes!(a_label_has_50_characters_at_most, async |home| {
    let issue = home.issue("Labelled", &[]).await;
    home.forge.add_label(issue.number, &"l".repeat(50)).await.expect("the longest name");
    assert_refused(&home.forge.add_label(issue.number, &"l".repeat(51)).await);
    let wrong =
        Label { id: String::new(), name: "l".repeat(51), color: "d73a4a".to_owned(), description: String::new() };
    assert_refused(&home.forge.make_label(&wrong).await);
    let wrong = Label { name: "color".to_owned(), color: "red".to_owned(), ..wrong };
    assert_refused(&home.forge.make_label(&wrong).await);
    let wrong = Label { color: "d73a4a".to_owned(), description: "d".repeat(101), ..wrong };
    assert_refused(&home.forge.make_label(&wrong).await);
});

homes!(an_issue_has_100_labels_at_most, async |home| {
    let labels: Vec<_> = (0..100).map(|label| format!("label-{label:03}")).collect();
    let full = NewIssue { labels, ..new(1, 1) };
    let issue = home.forge.open_issue(&full).await.expect("an issue with 100 labels");
    assert_eq!(issue.labels, full.labels);
    assert_refused(&home.forge.add_label(issue.number, "one-more").await);
    home.forge.add_label(issue.number, "label-007").await.expect("it has that one");
    assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, full.labels);
});
