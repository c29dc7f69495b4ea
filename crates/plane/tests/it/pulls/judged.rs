//! What counts as judged: all of it was shown, to somebody else, who had not been told before, at this head.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::refusal::Code;
use domain::time::Span;
use forge::CheckState;
use plane::pull::{Fingerprint, Handed, Reviewed};

use super::ground::{GAP, adds, adds_at, agent, review, usual};
use super::{only_github, pulls};
use crate::given::{due, end, journal, refused};
use crate::home::REPO;

/// A file that has a NUL, of which no difference shows anything.
const HIDDEN: &str = "diff --git a/src/hidden.rs b/src/hidden.rs
new file mode 100644
index 0000000000000000000000000000000000000000..e6e4fdd74e2099a78c4a3f29d5584ba6bb475867
GIT binary patch
literal 12
TcmYexQ%Ka%RH&}yV&DP*71;vQ

literal 0
HcmV?d00001

";

pulls!(what_no_difference_shows_is_for_a_person_to_look_at, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    ground.hand_in_patch(&taken, HIDDEN).await.expect("a change");
    ground.watch().await;
    ground.review(Verdict::Approve, None).await;
    let done = ground.judge(MergeVerdict::ApproveForHuman).await;
    assert_eq!(done.state, "needs_visual", "whatever the verdict: {}", ground.pull_of(GAP).await.why);
});

pulls!(a_difference_that_cannot_be_shown_whole_is_not_taken, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    let long = "x".repeat(700);
    let lines: Vec<&str> = (0..390).map(|_| long.as_str()).collect();
    let refusal = refused(ground.hand_in_patch(&taken, &adds_at("src/long.rs", &lines)).await);
    assert_eq!(refusal.code, Code::UnfitChange, "{refusal:?}");
    assert!(refusal.message.contains("nobody could judge"), "{refusal:?}");
    assert_eq!(ground.branches().await, ["main"]);
});

pulls!(who_was_told_what_it_is_for_is_not_blind_any_more_whatever_claim_it_takes, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let severe = review(Verdict::RequestChanges, Some("one"));
    let first = ground.hand_in_review(&taken, &severe).await.expect("a first pass");
    assert!(matches!(first, Reviewed::First { .. }));
    let plane = &ground.given.plane;
    plane.defer_job(&taken.by, &taken.claim, Span::secs(1), "once more").await.expect("an answer").expect("put off");
    ground.given.pass(Span::secs(2));
    plane.tend_lines().await.expect("a pass");
    let again = ground.take(Stage::Reviewer).await;
    assert!(!ground.work(&again).await.blind, "it was told");
    let milder = ground.hand_in_review(&again, &review(Verdict::Approve, None)).await;
    assert_eq!(refused(milder).code, Code::InvalidArgument, "it may only raise");
    let done = ground.hand_in_review(&again, &severe).await.expect("its word");
    assert!(matches!(done, Reviewed::Final(_)), "{done:?}");
});

pulls!(who_may_have_pushed_does_not_review, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    let second = agent(Stage::Implementer, "second");
    let taken = ground.try_take(&second, Stage::Implementer).await.expect("a turn");
    ground.push("by-the-second").await;
    let plane = &ground.given.plane;
    plane.complete_job(&taken.by, end(&taken.job, "error: it broke")).await.expect("an answer").expect("ended");
    ground.poll().await;
    let pull = ground.pull_of(GAP).await;
    assert_eq!(
        (pull.state, pull.iteration),
        (State::NeedsReview, 1),
        "what is pushed while a revision is wanted is a round"
    );
    assert!(ground.try_take(&agent(Stage::Reviewer, "second"), Stage::Reviewer).await.is_none());
    assert!(ground.try_take(&usual(Stage::Reviewer), Stage::Reviewer).await.is_some());
});

pulls!(pushes_go_round_no_more_often_than_hand_ins, async |ground| {
    ground.opened().await;
    for round in 1..=3 {
        ground.review(Verdict::RequestChanges, Some("one")).await;
        ground.push(&format!("round{round}")).await;
        ground.poll().await;
        assert_eq!(ground.pull_of(GAP).await.iteration, round);
    }
    ground.review(Verdict::RequestChanges, Some("one")).await;
    assert_eq!(ground.state().await, State::Capped);
});

pulls!(a_check_does_not_outlive_what_it_says, async |ground| {
    ground.approved().await;
    let (forge, head) = (ground.given.home(REPO).forge, ground.head().await);
    let stands = async || {
        let checks = forge.checks(&head).await.expect("checks");
        checks.into_iter().rfind(|check| check.name == "gapwright/review").expect("ours").state
    };
    assert_eq!(stands().await, CheckState::Pass);
    ground.request_changes("ann").await;
    ground.poll().await;
    ground.watch().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    assert_ne!(stands().await, CheckState::Pass, "its head is the same, and it is not approved any more");
});

pulls!(what_a_person_asks_for_reaches_the_implementer, async |ground| {
    ground.approved().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    let taken = ground.take(Stage::Implementer).await;
    assert_eq!(ground.work(&taken).await.people, [("ann".to_owned(), "no".to_owned())]);
});

only_github!(what_begins_anew_after_the_forge_refused_it_can_be_finished, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    let crate::home::Place::GitHub(fake) = &ground.given.place else { unreachable!("it is GitHub") };
    fake.fault(1, "POST", "/repos/ann/website/pulls", harness::github::Fault::Before(422));
    ground.watch().await;
    assert_eq!(ground.state().await, State::RequiresHuman);
    let id = ground.pull_of(GAP).await.id;
    ground.given.plane.resume_pull(&super::ground::olga(), &id, "its rules were mended").await.expect("resumed");
    ground.plan().await;
    ground.draft("two").await;
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsReview);
    assert_eq!(ground.given.home(REPO).forge.pulls().await.expect("a list").len(), 1);
});

only_github!(one_that_was_stopped_before_it_was_opened_is_not_opened, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    let id = ground.pull_of(GAP).await.id;
    ground.given.plane.stop_pull(&super::ground::olga(), &id, "it is not wanted now").await.expect("stopped");
    ground.poll().await;
    assert_eq!(ground.given.home(REPO).forge.pulls().await.expect("a list").len(), 0);
});

pulls!(a_verdict_for_another_pull_request_changes_neither, async |ground| {
    ground.opened().await;
    ground.taken_up("read-logs").await;
    ground.plan().await;
    ground.draft("two").await;
    ground.watch().await;
    let one = ground.try_take(&usual(Stage::Reviewer), Stage::Reviewer).await.expect("a turn");
    let own = one.job.pull.clone().expect("its pull request");
    let all = [ground.pull_of(GAP).await, ground.pull_of("read-logs").await];
    let other = all.iter().find(|pull| pull.id != own).expect("the other");
    let head = other.head().expect("a change");
    let approve = review(Verdict::Approve, None);
    let plane = &ground.given.plane;
    let wrong = plane.submit_review(&one.by, &one.claim, head, approve, Fingerprint::default()).await;
    assert_eq!(refused(wrong).code, Code::StaleHead);
    for pull in &all {
        let now = ground.pull_of(&pull.gap.name).await;
        assert_eq!((now.state, now.head()), (State::NeedsReview, pull.head()));
    }
    let rows = journal(plane).await;
    let noted = rows.iter().rfind(|row| row.object == format!("claim:{}", one.claim)).expect("an audit row");
    assert!(noted.after.contains("stale_head"), "{}", noted.after);
});

pulls!(what_is_refused_is_in_the_audit_and_holds_no_secret, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    let key = "ghp_q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo";
    let foreign = Handed::Branch { name: "main".into(), head: "0".repeat(40) };
    refused(ground.hand_in_patch(&taken, &adds_at("src/key.rs", &[&format!("// {key}")])).await);
    refused(ground.hand_in_patch(&taken, &adds("x").replace("100644", "120000")).await);
    let plane = &ground.given.plane;
    let (words, by) = (("feat: a", "b"), Fingerprint::default());
    refused(plane.submit_change(&taken.by, &taken.claim, foreign, words, None, by.clone()).await);
    let secret = (key, "b");
    refused(plane.submit_change(&taken.by, &taken.claim, Handed::Patch(adds("x")), secret, None, by).await);
    let rows = journal(plane).await;
    let noted: Vec<_> = rows.iter().filter(|row| row.object == format!("claim:{}", taken.claim)).collect();
    assert_eq!(noted.len(), 4, "{noted:?}");
    assert!(noted.iter().all(|row| row.after.contains("refused") && row.principal == "the-implementer"), "{noted:?}");
    assert!(!format!("{rows:?}").contains(key), "a secret is kept nowhere");
    assert_eq!(ground.branches().await, ["main"]);
});

pulls!(the_names_of_turns_are_the_server_s_to_give, async |ground| {
    let name = format!("planner:mcp-tool/{GAP}:1.1");
    let plane = &ground.given.plane;
    let taken = plane.register_job(&crate::given::ann(), due(&name), plane::job::Upsert::Never).await;
    assert_eq!(refused(taken).code, Code::InvalidArgument);
    ground.taken_up(GAP).await;
    ground.plan().await;
});

pulls!(no_turn_is_held_for_longer_than_a_run_may_take, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let plane = &ground.given.plane;
    let mut renewed = 0;
    let refusal = loop {
        ground.given.pass(Span::mins(9));
        match plane.renew_job(&taken.by, &taken.claim, Span::mins(10), None).await {
            Ok(Ok(_)) => renewed += 1,
            Ok(Err(stale)) => panic!("stale after {renewed}: {stale:?}"),
            Err(no) => break refused::<()>(Err(no)),
        }
    };
    assert_eq!((refusal.code, renewed), (Code::OverBudget, 9), "an hour, and half of one to hand in");
});

pulls!(no_turn_is_taken_for_longer_either, async |ground| {
    ground.taken_up(GAP).await;
    let wish = plane::job::Claim { holder: "w".into(), ttl: Span::hours(20), kind: Some("planner".into()), name: None };
    let job = crate::given::claim(&ground.given.plane, &usual(Stage::Planner), wish).await.expect("a turn");
    let domain::job::State::Held(claim) = job.state else { panic!("not held") };
    assert_eq!(claim.expires_at.since(claim.claimed_at), Span::mins(90));
});

pulls!(where_somebody_meters_an_agent_its_own_word_is_not_taken, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let plane = &ground.given.plane;
    for (metered, taken_in) in [(true, false), (false, true)] {
        let (text, _) = plane.delegate_claim(&taken.by, &taken.claim, metered).await.expect("a token");
        let by = plane.authenticate(&text).await.expect("known");
        let call = plane::Call { by, tool: "report-usage", request_id: "r".into(), idempotency: None };
        assert_eq!(plane.report_usage(&call, &taken.claim, Some(1), Some(0)).await.is_ok(), taken_in, "{metered}");
    }
});

pulls!(a_run_that_spent_more_than_was_set_aside_is_not_held_on_and_hands_nothing_in, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let plane = &ground.given.plane;
    plane.report_usage(&taken.by, &taken.claim, Some(100_000_000), None).await.expect("reported");
    let renewed = plane.renew_job(&taken.by, &taken.claim, Span::mins(10), None).await;
    assert_eq!(refused(renewed).code, Code::OverBudget, "it is not held on either");
    let approve = review(Verdict::Approve, None);
    assert_eq!(refused(ground.hand_in_review(&taken, &approve).await).code, Code::OverBudget);
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(what_a_person_asked_for_outlives_a_stop, async |ground| {
    ground.approved().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    let (plane, olga) = (&ground.given.plane, super::ground::olga());
    let id = ground.pull_of(GAP).await.id;
    plane.stop_pull(&olga, &id, "not now, a release is cut").await.expect("stopped");
    let done = plane.resume_pull(&olga, &id, "the release is out").await.expect("resumed");
    assert_eq!((done.state.as_str(), done.iteration), ("changes_requested", 0));
    ground.draft("more").await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(an_answer_holds_for_the_whole_pull_request, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let plane = &ground.given.plane;
    let options = vec!["the API".to_owned(), "the command line".to_owned()];
    let asked = plane.ask_operator(&taken.by, &taken.claim, "Which of both?", options).await.expect("asked");
    let answered = plane.answer_decision(&super::ground::olga(), &asked.id, 2).await.expect("answered");
    ground.plan().await;
    let next = ground.take(Stage::Implementer).await;
    assert_eq!(ground.work(&next).await.decisions, [answered]);
    ground.hand_in_patch(&next, &adds("one")).await.expect("a change");
    ground.watch().await;
    let reviewer = ground.take(Stage::Reviewer).await;
    assert_eq!(ground.work(&reviewer).await.decisions, [], "a reviewer is not told what it is for");
});

pulls!(a_turn_that_is_over_is_not_triggered, async |ground| {
    ground.taken_up(GAP).await;
    let name = ground.pull_of(GAP).await.job().expect("a turn");
    let (plane, olga) = (&ground.given.plane, super::ground::olga());
    plane.trigger_job(&olga, &name).await.expect("an answer").expect("it is due");
    ground.plan().await;
    assert_eq!(refused(plane.trigger_job(&olga, &name).await).code, Code::WrongState);
});

pulls!(who_may_not_take_what_is_due_is_told_why, async |ground| {
    ground.opened().await;
    let wish =
        |kind: &str| plane::job::Claim { holder: "w".into(), ttl: Span::mins(1), kind: Some(kind.into()), name: None };
    let plane = &ground.given.plane;
    for (by, kind, why) in [
        (agent(Stage::Implementer, "other"), "reviewer", "forbidden"),
        (agent(Stage::Reviewer, "the-implementer"), "reviewer", "same_instance"),
        (usual(Stage::Merger), "merger", "nothing_due"),
    ] {
        assert_eq!(crate::given::reason(plane, &by, wish(kind)).await, why);
    }
});

pulls!(a_branch_that_somebody_else_put_there_is_not_overwritten_by_a_patch, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let branch = ground.pull_of(GAP).await.branch("gapwright/");
    let theirs = ground.push_onto(&branch, "main", "by_hand").await;
    let taken = ground.take(Stage::Implementer).await;
    let refusal = refused(ground.hand_in_patch(&taken, &adds("one")).await);
    assert!(refusal.code == Code::UnfitChange && refusal.message.contains("not by us"), "{refusal:?}");
    let remote = ground.given.home(REPO).forge.remote().await.expect("a remote");
    let named = forge::git::Branch::parse(&branch).expect("a branch");
    let there = ground.broker().await.tip(&remote, &named).await.expect("asked").expect("it is there");
    assert_eq!(there.as_str(), theirs);
});

pulls!(a_commit_of_another_pull_request_is_no_first_change, async |ground| {
    ground.opened().await;
    let other = ground.pull_of(GAP).await.change.expect("a change");
    ground.taken_up("another-gap").await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    let words = ("feat: list deploys", "It lists them.");
    let plane = &ground.given.plane;
    let mine = ground.pull_of("another-gap").await.branch("gapwright/");
    for (name, head, what) in [(mine, other.head, "commit"), (other.branch, "0".repeat(40), "branch")] {
        let handed = Handed::Branch { name, head };
        let done = plane.submit_change(&taken.by, &taken.claim, handed, words, None, Fingerprint::default()).await;
        let refusal = refused(done);
        assert!(refusal.message.contains(&format!("another pull request has this very {what}")), "{refusal:?}");
    }
    assert_eq!(ground.pull_of("another-gap").await.state, State::Implementing);
    assert_eq!(ground.pull_of(GAP).await.hold, None);
});

pulls!(a_question_of_a_reviewer_s_is_its_own, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let plane = &ground.given.plane;
    let options = vec!["yes".to_owned(), "no".to_owned()];
    let asked = plane.ask_operator(&taken.by, &taken.claim, "Is it worth it?", options).await.expect("asked");
    plane.answer_decision(&super::ground::olga(), &asked.id, 1).await.expect("answered");
    ground.review(Verdict::Approve, None).await;
    let merger = ground.take(Stage::Merger).await;
    assert_eq!(ground.work(&merger).await.decisions, []);
});
