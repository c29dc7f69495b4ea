//! Trouble on the way: what nobody knows the end of is settled by reading, nothing is doubled, and nothing is lost.

use domain::gap::Priority;
use domain::mirror::{SETTLE, marker};
use domain::time::Span;
use harness::github::{Fault, Reason};
use store::issue::State;

use crate::given::operator;
use crate::home::{Given, POLL, REPO, US, on_github};

pub(crate) const ISSUES: &str = "/repos/ann/website/issues";
pub(crate) const COMMENTS: &str = "/repos/ann/website/issues/*/comments";

/// Sweeps and polls until what nobody knows the end of is settled.
async fn settle(given: &Given<'_>) {
    for _ in 0..3 {
        given.poll().await;
        // It fails for as long as it is to leave the forge alone.
        drop(given.plane.sweep().await);
        given.tick().await;
    }
}

/// A sweep that meets trouble.
pub(crate) async fn fails(given: &Given<'_>) -> String {
    given.pass(Span::secs(1));
    given.plane.sweep().await.expect_err("trouble")
}

pub(crate) async fn row(given: &Given<'_>, name: &str) -> store::issue::Mirrored {
    given.show(name).await.issue.expect("an issue as we know it")
}

/// Opening an issue under a fault: it is sent so often, and in the end there is one.
async fn opened_under(given: &Given<'_>, name: &str, fault: Fault, times: usize) {
    given.report(name).await;
    given.github().fault(1, "POST", ISSUES, fault.clone());
    let before = given.github().count("POST", "/issues");
    given.pass(Span::secs(1));
    drop(given.plane.sweep().await);
    settle(given).await;
    assert_eq!(given.github().count("POST", "/issues") - before, times, "{fault:?}: how often it is sent");
    given.faces(name, None, &[]).await;
    let issue = row(given, name).await;
    assert_eq!((issue.state, issue.number), (State::Known, Some(given.number(name).await)));
}

on_github!(an_issue_that_was_opened_without_an_answer_is_found_and_not_opened_again, async |given| {
    let faults = [Fault::After(500), Fault::After(502), Fault::DropAfter, Fault::Truncated, Fault::CutBody];
    for (n, fault) in faults.into_iter().enumerate() {
        opened_under(given, &format!("gap-{n}x"), fault, 1).await;
    }
});

on_github!(an_issue_that_was_not_opened_is_opened_once_that_is_certain, async |given| {
    for (n, fault) in [Fault::Before(500), Fault::DropBefore].into_iter().enumerate() {
        opened_under(given, &format!("gap-{n}x"), fault, 2).await;
    }
});

on_github!(a_list_that_is_behind_does_not_open_an_issue_twice, async |given| {
    given.report("a-gap").await;
    given.github().fault(1, "POST", ISSUES, Fault::SilentAfter);
    dies(given, "POST", "/issues").await;
    given.restart();
    // Lists from before it was opened, for as long as a forge may be behind.
    for _ in 0..3 {
        given.github().fault(1, "GET", ISSUES, Fault::Stale);
        given.pass(Span(SETTLE.0 / 4));
        given.plane.sweep().await.expect("a sweep");
    }
    settle(given).await;
    assert_eq!(given.github().count("POST", "/issues"), 1);
    assert!(given.issue("a-gap").await.open);
});

on_github!(a_plane_that_dies_between_writing_down_and_opening_opens_it_later, async |given| {
    given.report("a-gap").await;
    given.github().fault(1, "POST", ISSUES, Fault::Silent);
    dies(given, "POST", "/issues").await;
    assert_eq!((row(given, "a-gap").await.state, given.issues().await.len()), (State::Opening, 0));
    given.restart();
    settle(given).await;
    given.faces("a-gap", None, &[]).await;
});

on_github!(a_plane_that_dies_between_opening_and_writing_down_finds_it, async |given| {
    given.report("a-gap").await;
    given.github().fault(1, "POST", ISSUES, Fault::SilentAfter);
    dies(given, "POST", "/issues").await;
    assert_eq!((row(given, "a-gap").await.state, given.issues().await.len()), (State::Opening, 1));
    given.restart();
    given.poll().await;
    assert_eq!(row(given, "a-gap").await.state, State::Known);
    settle(given).await;
    assert_eq!(given.github().count("POST", "/issues"), 1);
    given.faces("a-gap", None, &[]).await;
});

/// A sweep whose process dies while it waits for the answer to a request that nobody will answer.
async fn dies(given: &Given<'_>, method: &'static str, ending: &'static str) {
    let plane = given.plane.clone();
    let sweep = tokio::spawn(async move { plane.sweep().await });
    given.github().await_arrived(1, move |one| one.method == method && one.path.ends_with(ending)).await;
    sweep.abort();
    assert!(sweep.await.expect_err("it died").is_cancelled());
}

on_github!(a_repository_that_moved_is_not_written_to_until_its_new_name_is_configured, async |given| {
    given.open(&["a-gap"]).await;
    given.comment("a-gap", "please").await;
    given.poll().await;
    let github = given.github();
    github.as_person("ann", REPO).silently().rename_repo("site");
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.report("b-gap").await;
    given.pass(Span::secs(1));
    given.plane.tend_mirror().await.expect("a tick");
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert_eq!(known.moved_to, "ann/site");
    given.pass(POLL);
    drop(given.plane.sweep().await);
    assert_eq!(github.issues("ann/site").len(), 1);
    assert!(github.issues("ann/site")[0].open);
    let home = given.home("ann/site");
    given.restart_with(|settings| settings.home = Some(home));
    given.pass(POLL);
    given.sweep().await;
    given.poll().await;
    let issues = given.github().issues("ann/site");
    assert_eq!(issues.len(), 2, "the old one was followed, and the new gap has its own");
    assert_eq!((issues[0].open, issues[0].reason.as_deref()), (false, Some("not_planned")));
    assert_eq!(given.show("a-gap").await.comments.len(), 1);
});

on_github!(a_repository_whose_name_somebody_else_took_is_left_alone, async |given| {
    given.open(&["a-gap"]).await;
    let github = given.github();
    github.as_person("ann", REPO).silently().rename_repo("site");
    github.repo(REPO);
    let theirs = github.as_person("ann", REPO).silently();
    theirs.open("something else", "", &[]);
    github.forget_arrived();
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.report("b-gap").await;
    for _ in 0..3 {
        given.tick().await;
        given.pass(POLL);
        drop(given.plane.sweep().await);
    }
    assert!(github.arrived().iter().all(|one| one.method == "GET"), "nothing is written there");
    let theirs = github.issues(REPO);
    assert!(theirs.len() == 1 && theirs[0].open && theirs[0].labels.is_empty(), "{theirs:?}");
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert!(known.last_error.contains("another repository stands under the name ann/website"), "{known:?}");
    let home = given.home("ann/site");
    given.restart_with(|settings| settings.home = Some(home));
    given.sweep().await;
    given.poll().await;
    let issues = given.github().issues("ann/site");
    assert_eq!((issues.len(), issues[0].open), (2, false), "{issues:?}");
});

on_github!(an_issue_that_was_transferred_is_gone, async |given| {
    given.open(&["a-gap"]).await;
    let github = given.github();
    github.repo("ann/elsewhere");
    given.pass(Span::mins(2));
    github.as_person("ann", REPO).silently().transfer_issue(given.number("a-gap").await, "ann/elsewhere");
    settle(given).await;
    let issue = row(given, "a-gap").await;
    assert_eq!(issue.state, State::Gone);
    assert!(issue.last_error.contains("moved to"), "{}", issue.last_error);
    assert!(given.issues().await.is_empty());
});

on_github!(an_issue_that_is_not_seen_yet_is_not_gone, async |given| {
    given.report("a-gap").await;
    given.github().fault(1, "GET", "/repos/ann/website/issues/*", Fault::Refused(404, "Not Found"));
    given.sweep().await;
    assert_eq!(row(given, "a-gap").await.state, State::Known);
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.pass(SETTLE);
    given.tick().await;
    given.pass(SETTLE);
    given.tick().await;
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
});

on_github!(a_look_from_before_the_last_change_tells_nothing, async |given| {
    given.open(&["a-gap"]).await;
    let one = format!("{ISSUES}/{}", given.number("a-gap").await);
    let (plane, by) = (given.plane.clone(), operator());
    plane.wontfix_gap(&by, "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.tick().await;
    // Of the same second, and shown as if the last write had not been.
    given.github().fault(1, "GET", &one, Fault::Stale);
    plane.prioritize_gap(&by, "a-gap", Some(Priority::Low)).await.expect("a rank");
    plane.tend_mirror().await.expect("a tick");
    assert_eq!(given.state("a-gap").await, "wontfix");
    given.pass(SETTLE);
    given.tick().await;
    given.faces("a-gap", Some("not_planned"), &["priority:low", "wontfix"]).await;
    given.github().fault(1, "GET", ISSUES, Fault::Stale);
    plane.sweep().await.expect("a sweep");
    assert_eq!(given.gap("a-gap").await.priority, Some(Priority::Low));
    for _ in 0..3 {
        given.poll().await;
    }
    given.faces("a-gap", Some("not_planned"), &["priority:low", "wontfix"]).await;
    let events: Vec<_> = given.show("a-gap").await.events.into_iter().map(|event| event.event).collect();
    assert_eq!(events, ["wontfix"], "nobody else did anything");
});

on_github!(what_a_person_takes_back_before_we_saw_our_own_write_stays_taken_back, async |given| {
    given.open(&["a-gap"]).await;
    let number = given.number("a-gap").await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    // Only lists are answered, so that it is written to and not looked at again.
    given.github().fault(9, "GET", &format!("{ISSUES}/{number}"), Fault::Refused(451, "not now"));
    given.poll().await;
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
    given.pass(Span::secs(5));
    let ann = given.github().as_person("ann", REPO).silently();
    ann.reopen(number);
    ann.unlabel(number, "wontfix");
    given.github().well();
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "open");
    given.faces("a-gap", None, &[]).await;
});

on_github!(a_write_that_did_not_happen_is_made_again, async |given| {
    given.open(&["a-gap"]).await;
    let one = format!("{ISSUES}/{}", given.number("a-gap").await);
    for fault in [Fault::Before(500), Fault::DropBefore, Fault::After(502), Fault::DropAfter] {
        given.github().fault(3, "PATCH", &one, fault.clone());
        given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
        given.tick().await;
        given.pass(POLL);
        given.tick().await;
        given.pass(SETTLE);
        given.tick().await;
        given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
        given.plane.reopen_gap(&operator(), "a-gap", "somebody does after all").await.expect("open");
        given.pass(SETTLE);
        given.tick().await;
        given.faces("a-gap", None, &[]).await;
    }
});

on_github!(a_note_whose_arrival_nobody_knows_is_said_once, async |given| {
    let faults = [Fault::After(500), Fault::DropAfter, Fault::Truncated, Fault::Before(500), Fault::DropBefore];
    for (n, fault) in faults.into_iter().enumerate() {
        let (one, other) = (format!("one-{n}x"), format!("other-{n}x"));
        given.open(&[&one, &other]).await;
        given.github().fault(1, "POST", COMMENTS, fault.clone());
        given.plane.merge_gaps(&operator(), &one, &other).await.expect("merged");
        given.tick().await;
        for _ in 0..3 {
            given.pass(SETTLE);
            given.tick().await;
        }
        let said = given.issue(&one).await.comments;
        assert_eq!(said.len(), 1, "{fault:?}: {said:?}");
    }
});

on_github!(a_note_that_met_a_limit_is_said_when_the_limit_is_over, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    given.github().fault(1, "POST", COMMENTS, Fault::Secondary { after_secs: 60 });
    given.plane.merge_gaps(&operator(), "a-gap", "b-gap").await.expect("merged");
    given.tick().await;
    assert!(given.issue("a-gap").await.comments.is_empty());
    given.restart();
    given.pass(SETTLE);
    given.tick().await;
    given.pass(SETTLE);
    given.tick().await;
    assert_eq!(given.issue("a-gap").await.comments.len(), 1);
});

on_github!(a_second_issue_that_came_late_is_closed_and_the_first_stays, async |given| {
    given.open(&["a-gap"]).await;
    let first = given.number("a-gap").await;
    let body = given.issue("a-gap").await.body;
    given.github().guard(REPO, |_| None);
    let us = given.github().as_person(US, REPO).silently();
    let second = us.open("Capability gap: a-gap (mcp-tool)", &body, &["capability-gap"]);
    let theirs = given.github().as_person("bob", REPO).silently().open("the same", &body, &[]);
    given.poll().await;
    let issue = |number| given.github().issue(REPO, number);
    assert!(issue(first).open && issue(theirs).open, "what others open is theirs");
    assert_eq!((issue(second).open, issue(second).reason.as_deref()), (false, Some("duplicate")));
    assert_eq!(row(given, "a-gap").await.number, Some(first));
});

on_github!(a_second_issue_that_will_not_close_does_not_stop_the_poll, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    let (first, body) = (given.number("b-gap").await, given.issue("a-gap").await.body);
    given.github().guard(REPO, |_| None);
    let us = given.github().as_person(US, REPO).silently();
    let second = us.open("Capability gap: a-gap (mcp-tool)", &body, &["capability-gap"]);
    let kept = us.open("Capability gap: a-gap (mcp-tool)", &body, &["capability-gap", "manual"]);
    given.github().as_person("ann", REPO).silently().close(first, Reason::NotPlanned);
    given.github().fault(1, "PATCH", &format!("{ISSUES}/{second}"), Fault::Refused(403, "Must have admin rights."));
    given.poll().await;
    let open = |number| given.github().issue(REPO, number).open;
    assert_eq!((given.state("b-gap").await, open(second)), ("wontfix", true), "the others are read");
    given.poll().await;
    assert_eq!((open(second), open(kept)), (false, true), "tried again, and hands off is hands off");
});

on_github!(a_marker_that_people_change_changes_nothing, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    let (a, b) = (given.issue("a-gap").await, given.issue("b-gap").await);
    let other = domain::gap::Key { kind: "mcp-tool".into(), name: "b-gap".into() };
    let ann = given.github().as_person("ann", REPO).silently();
    given.github().guard(REPO, |_| None);
    ann.rewrite(a.number, &marker(&other));
    given.poll().await;
    let open = |number| given.github().issue(REPO, number).open;
    assert!(open(a.number) && open(b.number));
    ann.rewrite(a.number, "nothing of ours is left");
    ann.close(a.number, Reason::NotPlanned);
    given.poll().await;
    given.sweep().await;
    assert_eq!((given.state("a-gap").await, given.state("b-gap").await), ("wontfix", "open"));
    assert_eq!(given.issues().await.len(), 2);
});

on_github!(a_label_that_was_deleted_is_put_on_again_and_reopens_nothing, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::High)).await.expect("a rank");
    given.tick().await;
    given.pass(Span::secs(1));
    let ann = given.github().as_person("ann", REPO).silently();
    for label in ["wontfix", "priority:high", "capability-gap"] {
        ann.delete_label(label);
    }
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    given.faces("a-gap", Some("not_planned"), &["priority:high", "wontfix"]).await;
    let color = |name: &str| {
        let labels = given.github().labels(REPO);
        labels.into_iter().find(|label| label.name == name).map(|label| label.color)
    };
    assert_eq!(color("wontfix").as_deref(), Some("ffffff"), "made as ours is, and not by being put on");
});
