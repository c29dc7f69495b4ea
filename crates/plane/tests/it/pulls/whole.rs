//! A pull request from the gap to the merge, and back by people.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::refusal::Code;
use domain::time::Span;

use super::ground::{GAP, adds, agent, review};
use super::{everywhere, pulls};
use crate::given::{ann, end, refused};

everywhere!(a_gap_becomes_a_pull_request_that_a_person_merges, async |ground| {
    let pull = ground.taken_up(GAP).await;
    assert_eq!((pull.state, pull.nth), (State::Planning, 1));
    let done = ground.plan().await;
    assert_eq!(done.state, "implementing");
    ground.poll().await;
    assert!(ground.given.issue(GAP).await.body.contains("## Plan"), "the plan stands in the issue");
    assert_eq!(ground.given.state(GAP).await, "planned");
    let done = ground.draft("one").await;
    assert_eq!((done.state.as_str(), done.number), ("opening", None));
    assert_eq!(ground.given.state(GAP).await, "in_review");
    ground.watch().await;
    assert_eq!(ground.state().await, State::NeedsReview);
    let mut shows = ground.shows().await;
    shows.sort();
    assert_eq!(shows, ["iteration:0", "needs-bot-review"]);
    let labels = ground.labels().await;
    for label in ["capability-gap", "claude", "claude-routine-attempted"] {
        assert!(labels.iter().any(|known| known == label), "{label} in {labels:?}");
    }
    ground.review(Verdict::RequestChanges, Some("one")).await;
    ground.watch().await;
    assert_eq!(ground.shows().await.len(), 2);
    assert!(ground.shows().await.contains(&"bot-requested-changes".to_owned()));
    let done = ground.draft("two").await;
    assert_eq!((done.state.as_str(), done.iteration), ("needs_review", 1));
    ground.review(Verdict::Approve, None).await;
    assert_eq!(ground.state().await, State::Approved);
    let done = ground.judge(MergeVerdict::ApproveForHuman).await;
    assert_eq!(done.state, "needs_human");
    ground.watch().await;
    let mut shows = ground.shows().await;
    shows.sort();
    assert_eq!(shows, ["bot-approved-needs-human", "iteration:1"]);
    let rows = crate::given::journal(&ground.given.plane).await;
    let told =
        rows.iter().filter(|row| row.object.starts_with("channel:") && row.after.contains("needs_human")).count();
    assert_eq!(told, 1, "the operator is told once");
    ground.merge("joan").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Merged);
    assert_eq!(ground.given.state(GAP).await, "merged");
});

pulls!(what_a_person_pushes_takes_every_verdict_back, async |ground| {
    ground.approved().await;
    assert_eq!(ground.state().await, State::NeedsHuman);
    let head = ground.push("somebody").await;
    ground.poll().await;
    let pull = ground.pull_of(GAP).await;
    assert_eq!((pull.state, pull.head(), pull.iteration), (State::NeedsReview, Some(head.as_str()), 0));
    assert!(ground.shows().await.contains(&"needs-bot-review".to_owned()));
});

pulls!(a_verdict_on_a_head_that_is_gone_is_refused_by_name, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let old = ground.head().await;
    ground.push("somebody").await;
    ground.poll().await;
    let (plane, verdict) = (&ground.given.plane, review(Verdict::Approve, None));
    let late = plane.submit_review(&taken.by, &taken.claim, &old, verdict, plane::pull::Fingerprint::default()).await;
    assert_eq!(refused(late).code, Code::StaleHead);
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(a_verdict_on_a_head_that_somebody_left_is_refused, async |ground| {
    ground.opened().await;
    ground.review(Verdict::Approve, None).await;
    let taken = ground.take(Stage::Merger).await;
    let other = "0123456789012345678901234567890123456789";
    let (plane, none) = (&ground.given.plane, plane::pull::Fingerprint::default());
    let verdict = (MergeVerdict::ApproveForHuman, "it coheres");
    let late = plane.submit_merge_verdict(&taken.by, &taken.claim, other, verdict, none).await;
    assert_eq!(refused(late).code, Code::StaleHead);
    assert_eq!(ground.state().await, State::Approved);
});

pulls!(one_instance_in_two_stages_is_refused_by_name, async |ground| {
    ground.opened().await;
    let gave_up = ground.try_take(&agent(Stage::Reviewer, "whoever"), Stage::Reviewer).await.expect("a turn");
    let status = end(&gave_up.job, "error: it was too hard");
    ground.given.plane.complete_job(&gave_up.by, status).await.expect("ended").expect("not stale");
    ground.given.pass(Span::secs(31));
    for same in [agent(Stage::Reviewer, "the-implementer"), {
        let mut by = agent(Stage::Reviewer, "another name");
        "token-of-the-planner".clone_into(&mut by.by.lineage);
        by
    }] {
        assert!(ground.try_take(&same, Stage::Reviewer).await.is_none(), "{same:?}");
        let name = ground.pull_of(GAP).await.job().expect("a turn");
        let wish = plane::job::Claim { holder: "worker".into(), ttl: Span::mins(1), kind: None, name: Some(name) };
        assert_eq!(crate::given::reason(&ground.given.plane, &same, wish).await, "same_instance");
    }
    ground.review(Verdict::Approve, None).await;
    // Who took a turn and handed nothing in has no part in it.
    assert!(ground.try_take(&agent(Stage::Merger, "whoever"), Stage::Merger).await.is_some());
});

pulls!(three_rounds_and_then_a_person_decides, async |ground| {
    ground.opened().await;
    for round in 1..=3 {
        ground.review(Verdict::RequestChanges, Some("one")).await;
        let done = ground.draft(&format!("round{round}")).await;
        assert_eq!(done.iteration, round);
    }
    let done = ground.review(Verdict::RequestChanges, Some("one")).await;
    assert_eq!((done.state.as_str(), done.iteration), ("capped", 3));
    ground.watch().await;
    assert!(ground.shows().await.contains(&"max-iterations-reached".to_owned()));
    assert!(ground.try_take(&super::ground::usual(Stage::Implementer), Stage::Implementer).await.is_none());
    ground.unlabel("ann", "max-iterations-reached").await;
    ground.poll().await;
    let pull = ground.pull_of(GAP).await;
    assert_eq!((pull.state, pull.epoch, pull.iteration), (State::NeedsReview, 1, 0));
});

pulls!(an_agent_that_ends_without_handing_in_has_failed_and_after_three_times_a_person_decides, async |ground| {
    ground.taken_up(GAP).await;
    for attempt in 1..=3 {
        let taken = ground.take(Stage::Planner).await;
        let ok = ground.given.plane.complete_job(&taken.by, end(&taken.job, "ok")).await;
        assert_eq!(refused(ok).code, Code::WrongState, "{attempt}");
        let done = ground.given.plane.complete_job(&taken.by, end(&taken.job, "error: it was too hard")).await;
        done.expect("an answer").expect("not stale");
        ground.given.pass(Span::secs(31));
    }
    let pull = ground.pull_of(GAP).await;
    assert_eq!(pull.state, State::RequiresHuman, "{}", pull.why);
    assert!(pull.why.contains("used its attempts up"), "{}", pull.why);
    assert!(ground.try_take(&super::ground::usual(Stage::Planner), Stage::Planner).await.is_none());
    let resumed = ground.given.plane.resume_pull(&super::ground::olga(), &pull.id, "let it try once more").await;
    assert_eq!(resumed.expect("resumed").state, "planning");
    ground.take(Stage::Planner).await;
});

pulls!(at_the_level_propose_people_alone_review, async |ground| {
    let lowered = ground.given.plane.lower_level(&super::ground::olga(), None, None).await;
    assert_eq!(lowered.expect("lowered").now, "propose");
    assert_eq!(ground.taken_up(GAP).await.state, State::Implementing);
    ground.draft("one").await;
    ground.watch().await;
    assert_eq!((ground.state().await, ground.shows().await), (State::Proposed, vec!["iteration:0".to_owned()]));
    assert!(ground.try_take(&super::ground::usual(Stage::Reviewer), Stage::Reviewer).await.is_none());
    ground.request_changes("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    let done = ground.draft("two").await;
    assert_eq!((done.state.as_str(), done.iteration), ("proposed", 1));
    ground.merge("joan").await;
    ground.poll().await;
    assert_eq!((ground.state().await, ground.given.state(GAP).await), (State::Merged, "merged"));
});

pulls!(a_level_that_is_lowered_keeps_agents_from_what_was_begun_above_it, async |ground| {
    ground.opened().await;
    let plane = &ground.given.plane;
    plane.lower_level(&super::ground::olga(), None, None).await.expect("lowered");
    assert!(ground.try_take(&super::ground::usual(Stage::Reviewer), Stage::Reviewer).await.is_none());
    ground.given.raise().await;
    ground.given.pass(Span::mins(6));
    ground.take(Stage::Reviewer).await;
});

pulls!(what_people_will_live_without_is_closed_on_the_forge_too, async |ground| {
    ground.opened().await;
    let plane = &ground.given.plane;
    plane.wontfix_gap(&super::ground::olga(), GAP, "nobody needs this any more").await.expect("settled");
    assert_eq!(ground.state().await, State::Closed);
    ground.watch().await;
    ground.poll().await;
    let there = ground.given.home(crate::home::REPO).forge.pull(ground.number().await).await.expect("it is there");
    assert_eq!(there.state, forge::PullState::Closed);
    assert_eq!(ground.state().await, State::Closed, "that we closed it opens nothing");
});

pulls!(people_close_it_and_open_it_again, async |ground| {
    ground.opened().await;
    ground.close("joan").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Closed);
    assert_eq!(ground.given.state(GAP).await, "open", "an attempt that failed");
    ground.reopen("joan").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(a_reviewer_that_closes_it_ends_it_and_the_gap_is_open_again, async |ground| {
    ground.opened().await;
    let done = ground.review(Verdict::Close, None).await;
    assert_eq!(done.state, "wontfix");
    ground.watch().await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::WontFix);
    assert_eq!(ground.given.state(GAP).await, "open");
    assert_eq!(ground.shows().await, ["bot-closed-wontfix", "iteration:0"]);
    assert_eq!(ground.given.plane.tend_pulls().await.expect("a pass"), 1, "another try");
    assert_eq!(ground.pull_of(GAP).await.nth, 2);
});

pulls!(hands_off_is_honoured_at_once, async |ground| {
    ground.opened().await;
    ground.label("ann", "manual").await;
    ground.poll().await;
    assert!(ground.try_take(&super::ground::usual(Stage::Reviewer), Stage::Reviewer).await.is_none());
    let before = ground.labels().await;
    ground.poll().await;
    assert_eq!(ground.labels().await, before);
    ground.unlabel("ann", "manual").await;
    ground.poll().await;
    ground.given.pass(Span::mins(6));
    ground.take(Stage::Reviewer).await;
});

pulls!(a_blind_reviewer_learns_what_it_is_for_only_after_its_first_verdict, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let blind = ground.work(&taken).await;
    assert_eq!((blind.description, blind.plan, blind.words.len()), (None, None, 0));
    assert!(blind.reports.is_empty() && blind.comments.is_empty());
    let (diff, whole) = blind.diff.expect("a difference");
    assert!(whole && diff.contains("+two"), "{diff}");
    ground.hand_in_review(&taken, &review(Verdict::RequestChanges, Some("one"))).await.expect("a first pass");
    let then = ground.work(&taken).await;
    assert_eq!(then.description.map(|told| told.title).as_deref(), Some("feat: list deploys"));
    let milder = ground.hand_in_review(&taken, &review(Verdict::Approve, None)).await;
    assert_eq!(refused(milder).code, Code::InvalidArgument);
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(a_verdict_for_another_pull_request_is_refused_by_name, async |ground| {
    ground.opened().await;
    ground.taken_up("read-logs").await;
    let planner = ground.take(Stage::Planner).await;
    let mut by = planner.by.clone();
    by.by.role = domain::agent::Role::Operator;
    let head = ground.head().await;
    let wrong = ground
        .given
        .plane
        .submit_review(&by, &planner.claim, &head, review(Verdict::Approve, None), plane::pull::Fingerprint::default())
        .await;
    assert!(matches!(refused(wrong).code, Code::WrongJob | Code::StaleHead));
    let reviewer = ground.take(Stage::Reviewer).await;
    let routine = ann();
    let foreign = ground.given.plane.submit_plan(
        &routine,
        &reviewer.claim,
        super::ground::plan(),
        plane::pull::Fingerprint::default(),
    );
    assert_eq!(refused(foreign.await).code, Code::Forbidden);
});

pulls!(a_change_that_is_not_fit_is_refused_and_pushes_nothing_that_counts, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    let lines: Vec<String> = (0..401).map(|line| format!("line {line}")).collect();
    let large: Vec<&str> = lines.iter().map(String::as_str).collect();
    for (patch, code) in [
        (super::ground::adds_at("src/large.rs", &large), Code::OverBudget),
        (super::ground::adds_at("src/key.rs", &["// ghp_q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo"]), Code::UnfitChange),
        (adds("x").replace("100644", "120000"), Code::UnfitChange),
        ("no patch at all".to_owned(), Code::UnfitChange),
    ] {
        let refusal = refused(ground.hand_in_patch(&taken, &patch).await);
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert_eq!(ground.state().await, State::Implementing);
        assert_eq!(ground.branches().await, ["main"], "nothing is pushed that should not be");
    }
    ground.hand_in_patch(&taken, &adds("x")).await.expect("a change that is fit");
});
