//! Labels, asked of every home.

use forge::{Closed, IssueState, Label};

use crate::exam::homes;

fn label(name: &str) -> Label {
    Label {
        id: String::new(),
        name: name.to_owned(),
        color: "d73a4a".to_owned(),
        description: "what it is for".to_owned(),
    }
}

homes!(a_label_is_made_once_and_given_as_it_is_afterwards, async |home| {
    let made = home.forge.make_label(&label("Needs-Review")).await.expect("a label");
    assert_eq!((made.name.as_str(), made.color.as_str()), ("Needs-Review", "d73a4a"));
    assert_eq!(made.description, "what it is for");
    assert!(!made.id.is_empty());
    let again = Label { color: "000000".to_owned(), ..label("Needs-Review") };
    assert_eq!(home.forge.make_label(&again).await.expect("the label"), made);
    assert!(home.forge.labels().await.expect("labels").contains(&made));
});

homes!(names_that_differ_in_case_only_are_one_label, async |home| {
    let made = home.forge.make_label(&label("Claude")).await.expect("a label");
    assert_eq!(home.forge.make_label(&label("cLAUDE")).await.expect("the label"), made);
    let issue = home.issue("Labelled", &["claude"]).await;
    assert_eq!(issue.labels, ["Claude"]);
    home.forge.add_label(issue.number, "CLAUDE").await.expect("a label");
    assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, ["Claude"]);
    home.forge.remove_label(issue.number, "claude").await.expect("no label");
    assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, Vec::<String>::new());
    let named = home.forge.labels().await.expect("labels");
    assert_eq!(named.iter().filter(|label| label.name.eq_ignore_ascii_case("claude")).count(), 1);
});

homes!(a_label_is_put_on_and_taken_off_as_often_as_one_likes, async |home| {
    let issue = home.issue("Labelled", &["kept"]).await;
    for _ in 0..2 {
        home.forge.add_label(issue.number, "claude").await.expect("a label");
        assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, ["claude", "kept"]);
    }
    for _ in 0..2 {
        home.forge.remove_label(issue.number, "claude").await.expect("no label");
        assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, ["kept"]);
    }
    home.forge.remove_label(issue.number, "never-made").await.expect("it is not there already");
});

homes!(a_label_that_is_missing_is_made_by_whoever_puts_it_on, async |home| {
    let issue = home.issue("Labelled", &["by-opening"]).await;
    home.forge.add_label(issue.number, "by-adding").await.expect("a label");
    home.hand.label(issue.number, "by hand").await;
    let worn = home.forge.issue(issue.number).await.expect("the issue").labels;
    assert_eq!(worn, ["by hand", "by-adding", "by-opening"]);
    let made: Vec<_> = home.forge.labels().await.expect("labels").into_iter().map(|label| label.name).collect();
    assert!(worn.iter().all(|name| made.contains(name)), "{made:?}");
});

homes!(a_renamed_label_keeps_its_id_and_is_seen_on_its_issues, async |home| {
    let made = home.forge.make_label(&label("claude")).await.expect("a label");
    let issue = home.issue("Labelled", &["claude"]).await;
    home.hand.rename_label("claude", "assistant").await;
    assert_eq!(home.forge.issue(issue.number).await.expect("the issue").labels, ["assistant"]);
    let labels = home.forge.labels().await.expect("labels");
    let renamed = labels.iter().find(|label| label.id == made.id).expect("the label");
    assert_eq!(renamed.name, "assistant");
    assert!(!labels.iter().any(|label| label.name == "claude"));
});

homes!(labels_stay_on_an_issue_that_is_closed, async |home| {
    let issue = home.issue("Labelled", &["claude"]).await;
    home.hand.close(issue.number, Closed::Completed).await;
    let closed = home.forge.issue(issue.number).await.expect("the issue");
    assert_eq!((closed.state, closed.labels), (IssueState::Closed(Closed::Completed), vec!["claude".to_owned()]));
});
