//! Both ways: what people do on an issue happens to its gap, and what the gap becomes is written on its issue. At both
//! homes by the same text, and by reading alone: no webhook tells of anything.

use domain::gap::Priority;
use domain::job::Register;
use domain::label::{Names, Role};
use domain::time::Span;
use forge::Closed;
use plane::job::{Completion, Upsert};

use crate::given::{ann, complete, end, hourly, named, operator, reason, refused, register, take};
use crate::home::{Given, homes};

homes!(an_issue_closed_as_done_is_merged_and_the_next_success_of_the_blocked_job_proves_it, async |given| {
    for job in ["blocked", "other"] {
        register(&given.plane, hourly(job)).await;
    }
    run(given, "blocked", "error: blocked", "BLOCKING-GAP[kind=mcp-tool]: list-deploys - x").await;
    given.sweep().await;
    given.close("list-deploys", Closed::Completed).await;
    given.poll().await;
    assert_eq!(given.state("list-deploys").await, "merged");
    given.pass(Span::secs(1));
    run(given, "other", "ok", "").await;
    assert_eq!(given.state("list-deploys").await, "merged", "another job proves nothing");
    run(given, "blocked", "ok", "").await;
    assert_eq!(given.state("list-deploys").await, "proven");
    given.tick().await;
    given.faces("list-deploys", Some("completed"), &[]).await;
    let said = given.issue("list-deploys").await.comments;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].ends_with("Proven: `the job blocked succeeded`."), "{said:?}");
    given.pass(Span::secs(1));
    run(given, "blocked", "error: again", "BLOCKING-GAP[kind=mcp-tool]: list-deploys - again").await;
    given.tick().await;
    given.faces("list-deploys", None, &[]).await;
    assert_eq!(given.issue("list-deploys").await.comments.len(), 2, "and it says why it is open again");
    assert_eq!(given.issues().await.len(), 1);
});

/// A run of a job that ends so and says so.
async fn run(given: &Given<'_>, job: &str, status: &str, summary: &str) {
    given.plane.trigger_job(&ann(), job).await.expect("an answer").expect("a job");
    let held = take(&given.plane, &ann(), named(job)).await;
    let done = Completion { summary: Some(summary.to_owned()), ..end(&held, status) };
    given.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
}

homes!(an_issue_closed_as_not_planned_will_not_be_worked_on_until_it_is_opened_again, async |given| {
    given.open(&["a-gap"]).await;
    given.close("a-gap", Closed::NotPlanned).await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
    given.report("a-gap").await;
    given.sweep().await;
    assert_eq!((given.state("a-gap").await, given.issues().await.len()), ("wontfix", 1));
    given.reopen("a-gap").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "open");
    given.faces("a-gap", None, &[]).await;
});

homes!(the_label_wontfix_closes_and_without_it_the_gap_is_open_again, async |given| {
    given.open(&["a-gap"]).await;
    given.label("a-gap", "wontfix").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
    given.pass(Span::secs(1));
    given.unlabel("a-gap", "wontfix").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "open");
    given.faces("a-gap", None, &[]).await;
});

homes!(the_label_requires_human_stops_work_until_it_is_taken_off, async |given| {
    given.open(&["a-gap"]).await;
    given.label("a-gap", "requires-human").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "requires_human");
    given.faces("a-gap", None, &["requires-human"]).await;
    given.unlabel("a-gap", "requires-human").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "open");
});

homes!(a_priority_comes_from_its_label_and_a_new_one_takes_the_place_of_the_old, async |given| {
    given.open(&["a-gap"]).await;
    for (label, priority) in
        [("priority:high", Priority::High), ("priority:low", Priority::Low), ("priority:critical", Priority::Critical)]
    {
        given.label("a-gap", label).await;
        given.poll().await;
        assert_eq!(given.gap("a-gap").await.priority, Some(priority));
        given.faces("a-gap", None, &[label]).await;
        given.pass(Span::secs(1));
    }
    given.unlabel("a-gap", "priority:critical").await;
    given.poll().await;
    assert_eq!(given.gap("a-gap").await.priority, None);
});

homes!(what_operators_say_of_a_gap_is_written_on_its_issue, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    let (plane, by) = (given.plane.clone(), operator());
    plane.prioritize_gap(&by, "a-gap", Some(Priority::High)).await.expect("a rank");
    given.tick().await;
    given.faces("a-gap", None, &["priority:high"]).await;
    plane.wontfix_gap(&by, "a-gap", "nobody needs this any more").await.expect("wontfix");
    plane.prioritize_gap(&by, "a-gap", None).await.expect("a rank");
    given.tick().await;
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
    plane.reopen_gap(&by, "a-gap", "somebody does after all").await.expect("open");
    given.tick().await;
    given.faces("a-gap", None, &[]).await;
    plane.merge_gaps(&by, "a-gap", "b-gap").await.expect("merged");
    given.tick().await;
    given.faces("a-gap", Some("not_planned"), &[]).await;
    let said = given.issue("a-gap").await.comments;
    assert!(said.len() == 1 && said[0].ends_with("A duplicate: `the same as mcp-tool/b-gap`."), "{said:?}");
    given.faces("b-gap", None, &[]).await;
});

homes!(what_was_written_is_nobodys_act_at_the_next_look, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.tick().await;
    for _ in 0..3 {
        given.poll().await;
    }
    let events: Vec<_> = given.show("a-gap").await.events.into_iter().map(|event| event.event).collect();
    assert_eq!(events, ["wontfix"]);
});

homes!(what_people_write_is_kept_each_once_and_what_we_write_is_not, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    given.comment("a-gap", "I need this <b>badly</b>").await;
    given.poll().await;
    given.pass(Span::secs(1));
    given.comment("a-gap", "and so do I").await;
    given.plane.merge_gaps(&operator(), "a-gap", "b-gap").await.expect("merged");
    for _ in 0..3 {
        given.poll().await;
    }
    assert_eq!(given.issue("a-gap").await.comments.len(), 3);
    let kept = given.show("a-gap").await.comments;
    let kept: Vec<_> = kept.iter().map(|comment| (comment.author.as_str(), comment.body.as_str())).collect();
    assert_eq!(kept, [("ann", "and so do I"), ("ann", "I need this <b>badly</b>")]);
});

homes!(a_label_that_people_renamed_is_the_same_label, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.tick().await;
    given.pass(Span::secs(1));
    given.rename_label("wontfix", "will-not-do").await;
    given.rename_label("capability-gap", "missing").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    let issue = given.issue("a-gap").await;
    assert_eq!(issue.labels, ["missing", "will-not-do"], "none is put on under its old name");
    given.plane.reopen_gap(&operator(), "a-gap", "somebody does after all").await.expect("open");
    given.tick().await;
    assert_eq!(given.issue("a-gap").await.labels, ["missing"]);
    given.label("a-gap", "will-not-do").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix", "and it means the same");
    given.report("later").await;
    given.sweep().await;
    assert_eq!(given.issue("later").await.labels, ["missing"]);
});

homes!(a_label_that_was_renamed_a_moment_ago_is_not_made_again, async |given| {
    given.open(&["a-gap"]).await;
    given.label("a-gap", "priority:high").await;
    given.poll().await;
    given.unlabel("a-gap", "priority:high").await;
    given.poll().await;
    given.rename_label("priority:high", "soon").await;
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::High)).await.expect("a rank");
    given.tick().await;
    assert_eq!(given.issue("a-gap").await.labels, ["capability-gap", "soon"]);
});

homes!(hands_off_means_that_nothing_is_written_and_all_is_taken_in, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    given.label("a-gap", "manual").await;
    given.poll().await;
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::High)).await.expect("a rank");
    given.plane.merge_gaps(&operator(), "a-gap", "b-gap").await.expect("merged");
    given.poll().await;
    given.faces("a-gap", None, &["manual"]).await;
    assert_eq!(given.issue("a-gap").await.comments, Vec::<String>::new());
    given.plane.reopen_gap(&operator(), "a-gap", "they are two after all").await.expect("open");
    given.close("a-gap", Closed::NotPlanned).await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix", "what people do there still counts");
    given.faces("a-gap", Some("not_planned"), &["manual"]).await;
    given.pass(Span::secs(1));
    given.unlabel("a-gap", "manual").await;
    given.poll().await;
    given.poll().await;
    given.faces("a-gap", Some("not_planned"), &["priority:high", "wontfix"]).await;
    assert_eq!(given.issue("a-gap").await.comments.len(), 1, "what was to be said is said now");
});

homes!(names_of_labels_are_as_configured, async |given| {
    let home = given.home(crate::home::REPO);
    given.restart_with(|settings| {
        settings.home = Some(home);
        settings.rules.labels = Names::default().with(Role::WontFix, "never").with(Role::OptOut, "hands-off");
    });
    given.open(&["a-gap", "b-gap"]).await;
    given.label("a-gap", "wontfix").await;
    given.label("b-gap", "never").await;
    given.poll().await;
    assert_eq!((given.state("a-gap").await, given.state("b-gap").await), ("open", "wontfix"));
    given.pass(Span::secs(1));
    given.label("a-gap", "hands-off").await;
    given.poll().await;
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::Low)).await.expect("a rank");
    given.tick().await;
    given.faces("a-gap", None, &["hands-off", "wontfix"]).await;
});

homes!(an_issue_that_was_deleted_is_gone_and_its_gap_stays, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    given.pass(Span::mins(2));
    given.delete("a-gap").await;
    for _ in 0..3 {
        given.poll().await;
        given.sweep().await;
    }
    assert_eq!(given.issues().await.len(), 1, "people took it away, and nobody brings it back");
    let issue = given.show("a-gap").await.issue.expect("what became of it");
    assert_eq!(issue.state, store::issue::State::Gone);
    assert!(issue.last_error.ends_with("is not there any more"), "{}", issue.last_error);
    assert_eq!((given.state("a-gap").await, given.state("b-gap").await), ("open", "open"));
    let reopened = given.gap("a-gap").await.reopened;
    given.plane.reopen_gap(&operator(), "a-gap", "it was deleted by mistake").await.expect("open");
    assert_eq!(given.gap("a-gap").await.reopened, reopened, "it was open all the while");
    given.sweep().await;
    assert!(given.issue("a-gap").await.open, "a person who opens the gap again gets a new one");
});

homes!(a_gap_that_was_closed_after_its_issue_was_deleted_gets_a_new_one_when_it_is_opened_again, async |given| {
    given.open(&["a-gap"]).await;
    given.pass(Span::mins(2));
    given.delete("a-gap").await;
    given.poll().await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.plane.reopen_gap(&operator(), "a-gap", "somebody does after all").await.expect("open");
    given.sweep().await;
    assert!(given.issue("a-gap").await.open);
});

homes!(a_name_of_a_label_that_is_configured_anew_holds_and_the_old_one_does_not, async |given| {
    let work = |job: &str| Register { gap: Some("a-gap".into()), ..hourly(job) };
    given.open(&["a-gap"]).await;
    given.label("a-gap", "claude").await;
    given.poll().await;
    register(&given.plane, work("first")).await;
    let home = given.home(crate::home::REPO);
    given.restart_with(|settings| {
        settings.home = Some(home);
        settings.rules.labels = Names::default().with(Role::OptIn, "agents").with(Role::OptOut, "hands-off");
    });
    for _ in 0..2 {
        let refusal = refused(given.plane.register_job(&ann(), work("second"), Upsert::Never).await);
        assert!(refusal.hint.contains("agents") && refusal.hint.contains("hands-off"), "{}", refusal.hint);
        assert_eq!(reason(&given.plane, &ann(), named("first")).await, "gap_not_workable");
        given.poll().await;
    }
    given.label("a-gap", "agents").await;
    given.poll().await;
    register(&given.plane, work("second")).await;
    given.label("a-gap", "hands-off").await;
    given.poll().await;
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::Low)).await.expect("a rank");
    given.poll().await;
    given.faces("a-gap", None, &["agents", "claude", "hands-off"]).await;
});

homes!(opened_again_and_left_to_a_person_is_both, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.tick().await;
    given.pass(Span::mins(2));
    given.label("a-gap", "requires-human").await;
    given.reopen("a-gap").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "requires_human");
    given.poll().await;
    given.faces("a-gap", None, &["requires-human"]).await;
});

homes!(what_people_say_while_a_job_is_at_work_stands, async |given| {
    given.open(&["a-gap"]).await;
    given.label("a-gap", "claude").await;
    given.poll().await;
    let job = Register { gap: Some("a-gap".into()), ..hourly("work") };
    register(&given.plane, job).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    assert_eq!(given.state("a-gap").await, "in_progress");
    given.close("a-gap", Closed::NotPlanned).await;
    given.tick().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    given.pass(Span::secs(10));
    complete(&given.plane, &ann(), &held, "ok").await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix", "a person's word stands, however the run ended");
});
