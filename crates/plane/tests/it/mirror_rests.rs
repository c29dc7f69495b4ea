//! What the forge will not do or cannot show, and how fast we write: what is left alone for it, for how long, and what goes
//! on all the while.

use domain::gap::Priority;
use domain::mirror::SETTLE;
use domain::pace::Pace;
use domain::time::Span;
use harness::github::{Access, Fault};
use store::issue::State;

use crate::given::operator;
use crate::home::{AT_ONCE, Given, POLL, on_github};
use crate::mirror_trouble::{COMMENTS, ISSUES, fails, row};

on_github!(nothing_goes_out_while_the_forge_wants_to_be_left_alone_not_even_after_a_restart, async |given| {
    given.open(&["a-gap"]).await;
    given.report("b-gap").await;
    given.github().fault(1, "POST", ISSUES, Fault::Secondary { after_secs: 120 });
    let told = fails(given).await;
    assert!(told.contains("enough of our requests"), "{told}");
    let before = given.github().arrived().len();
    given.close_as_done("a-gap").await;
    for _ in 0..3 {
        given.restart();
        given.pass(Span::secs(30));
        given.tick().await;
        given.plane.try_forge_again().await.expect("done");
        let why = given.plane.sweep().await.expect_err("nothing is opened");
        assert!(why.contains("left in peace until"), "{why}");
    }
    let after = given.github().arrived();
    assert_eq!(after.len(), before, "{:?}", after.last());
    given.pass(Span::secs(60));
    given.tick().await;
    given.sweep().await;
    assert_eq!(given.issues().await.len(), 2, "what was certainly not opened is opened when it may be");
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "merged");
});

impl Given<'_> {
    async fn close_as_done(&self, name: &str) {
        self.close(name, forge::Closed::Completed).await;
    }
}

on_github!(a_token_without_rights_opens_nothing_and_says_what_it_lacks, async |given| {
    given.report("a-gap").await;
    let token = given.github().token("reader", Access::Read);
    let home = given.home_as(&token);
    given.restart_with(|settings| settings.home = Some(home));
    let told = fails(given).await;
    assert!(told.contains("does not allow us this") && told.contains("issues: read and write"), "{told}");
    assert!(given.issues().await.is_empty());
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert!(known.last_error.contains("give the token or the App these rights"), "{known:?}");
    given.pass(Span::mins(2));
    given.restart();
    given.sweep().await;
    given.faces("a-gap", None, &[]).await;
});

on_github!(a_label_that_may_not_be_put_on_sets_one_issue_aside_and_no_other, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    let by = operator();
    given.plane.prioritize_gap(&by, "a-gap", Some(Priority::High)).await.expect("a rank");
    given.plane.prioritize_gap(&by, "b-gap", Some(Priority::Low)).await.expect("a rank");
    let path = format!("{ISSUES}/{}/labels", given.number("a-gap").await);
    given.github().fault(1, "POST", &path, Fault::Refused(422, "Validation Failed"));
    given.tick().await;
    given.faces("b-gap", None, &["priority:low"]).await;
    assert!(row(given, "a-gap").await.last_error.contains("Validation Failed"));
    given.pass(SETTLE);
    given.tick().await;
    given.faces("a-gap", None, &["priority:high"]).await;
    assert_eq!(row(given, "a-gap").await.last_error, "");
});

on_github!(an_issue_that_the_forge_fails_to_show_keeps_no_other_from_being_read, async |given| {
    given.open(&["a-gap", "b-gap", "c-gap"]).await;
    given.comment("a-gap", "something that breaks it").await;
    let path = format!("{ISSUES}/{}/comments", given.number("a-gap").await);
    given.github().fault(1_000, "GET", &path, Fault::Before(502));
    given.label("b-gap", "wontfix").await;
    given.report("d-gap").await;
    given.poll().await;
    assert_eq!(given.state("b-gap").await, "wontfix");
    assert!(row(given, "a-gap").await.last_error.contains("502"));
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert_eq!((known.last_error.as_str(), known.failures), ("", 0), "all the rest was read");
    given.sweep().await;
    assert!(given.issue("d-gap").await.open, "and what waits gets its issue");
    given.github().well();
    given.poll().await;
    assert_eq!(row(given, "a-gap").await.last_error, "");
    assert_eq!(given.show("a-gap").await.comments.len(), 1);
});

on_github!(what_the_forge_fails_with_one_after_the_other_is_a_forge_that_fails, async |given| {
    let names = ["a-gap", "b-gap", "c-gap", "d-gap", "e-gap"];
    given.open(&names).await;
    for name in names {
        given.comment(name, "a comment").await;
    }
    given.github().fault(1_000, "GET", COMMENTS, Fault::Before(502));
    given.github().forget_arrived();
    given.poll().await;
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert!(known.last_error.contains("502") && known.failures == 1, "{known:?}");
    assert_eq!(given.github().count("GET", "/comments"), 4 * 3, "four issues, each asked three times");
    given.pass(POLL);
    given.plane.tend_mirror().await.expect("a tick");
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert_eq!(known.failures, 2);
    assert_eq!(known.rest_until - given.world.hand.now().0, Span::mins(2).0, "twice as long as before");
});

on_github!(a_sweep_says_that_the_forge_is_left_in_peace_and_a_new_process_tries_at_once, async |given| {
    given.report("a-gap").await;
    given.github().fault(1_000, "GET", "/repos/ann/website", Fault::Refused(401, "Bad credentials"));
    given.tick().await;
    given.pass(Span::secs(1));
    let why = given.plane.sweep().await.expect_err("left in peace");
    assert!(why.contains("Bad credentials") && why.contains("left in peace until"), "{why}");
    given.github().well();
    given.restart();
    given.plane.try_forge_again().await.expect("done");
    given.sweep().await;
    assert!(given.issue("a-gap").await.open);
    // What the forge asked for itself is kept, whoever is started anew.
    given.github().fault(1, "GET", "/repos/ann/website", Fault::Secondary { after_secs: 120 });
    given.poll().await;
    given.restart();
    given.plane.try_forge_again().await.expect("done");
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert_eq!(known.rest_until - given.world.hand.now().0, Span::secs(120).0);
});

on_github!(our_own_pace_keeps_nobody_from_reading, async |given| {
    given.report("a-gap").await;
    let home = given.home_at(Pace { per_minute: 2, ..AT_ONCE });
    given.restart_with(|settings| settings.home = Some(home));
    given.report("b-gap").await;
    let told = given.sweep().await;
    assert!(told.contains("1 issues opened, more gaps wait"), "our label and one issue are two writes: {told}");
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    given.comment("a-gap", "and yet").await;
    given.poll().await;
    given.faces("a-gap", None, &[]).await;
    assert_eq!(given.show("a-gap").await.comments.len(), 1, "it is read all the same");
    assert_eq!(row(given, "a-gap").await.last_error, "");
    let known = given.plane.show_repository(&operator()).await.expect("a look").expect("a repository");
    assert_eq!((known.last_error.as_str(), known.rest_until), ("", 0));
    given.restart();
    given.pass(SETTLE);
    given.poll().await;
    given.faces("a-gap", Some("not_planned"), &["wontfix"]).await;
});

on_github!(an_issue_that_is_refused_keeps_no_other_gap_waiting, async |given| {
    for name in ["a-gap", "b-gap", "c-gap"] {
        given.report(name).await;
        given.pass(Span::secs(1));
    }
    given.github().fault(1, "POST", ISSUES, Fault::Refused(422, "Validation Failed"));
    let told = given.sweep().await;
    assert!(told.contains("2 issues opened, one was refused: ") && told.contains("Validation Failed"), "{told}");
    assert_eq!(row(given, "a-gap").await.state, State::Refused);
    assert!(given.issue("b-gap").await.open && given.issue("c-gap").await.open);
    given.plane.reopen_gap(&operator(), "a-gap", "it may be opened now").await.expect("open");
    given.pass(SETTLE);
    given.sweep().await;
    assert!(given.issue("a-gap").await.open);
});

on_github!(a_write_that_is_refused_again_and_again_is_tried_less_and_less, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.prioritize_gap(&operator(), "a-gap", Some(Priority::High)).await.expect("a rank");
    let path = format!("{ISSUES}/{}/labels", given.number("a-gap").await);
    given.github().fault(1_000, "POST", &path, Fault::Refused(403, "Resource not accessible by integration"));
    given.github().forget_arrived();
    for _ in 0..60 {
        given.pass(Span::mins(1));
        given.plane.tend_mirror().await.expect("a tick");
    }
    let tries = given.github().count("POST", "/labels");
    assert!((4..=9).contains(&tries), "in an hour, after 1, 2, 4, 8 and then 15 minutes: {tries}");
    given.github().well();
    given.pass(Span::mins(15));
    given.tick().await;
    given.faces("a-gap", None, &["priority:high"]).await;
    assert_eq!((row(given, "a-gap").await.failures, row(given, "a-gap").await.last_error), (0, String::new()));
});
