//! What people, and those who only seem to, do on the forge; and what is said there once.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use forge::{CheckState, Forge as _};
use harness::github::Access;

use super::ground::{GAP, usual};
use super::{only_github, pulls};
use crate::home::{Place, REPO};

pulls!(a_label_that_somebody_changed_is_recorded_and_put_back, async |ground| {
    ground.opened().await;
    ground.label("ann", "bot-approved-needs-human").await;
    ground.unlabel("ann", "needs-bot-review").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::NeedsReview, "labels show how it stands, and never say it");
    let mut shows = ground.shows().await;
    shows.sort();
    assert_eq!(shows, ["iteration:0", "needs-bot-review"]);
    let rows = crate::given::journal(&ground.given.plane).await;
    let spoofs = rows.iter().filter(|row| row.after.contains("\"spoofed\"")).count();
    assert_eq!(spoofs, 2, "one for each label, once");
    ground.poll().await;
    let rows = crate::given::journal(&ground.given.plane).await;
    assert_eq!(rows.iter().filter(|row| row.after.contains("\"spoofed\"")).count(), 2);
});

only_github!(somebody_who_may_only_triage_steers_nothing, async |ground| {
    ground.opened().await;
    let Place::GitHub(fake) = &ground.given.place else { unreachable!("it is GitHub") };
    fake.grant("mallory", REPO, Access::Triage);
    for (label, put_back) in [("manual", false), ("wontfix", false)] {
        ground.label("mallory", label).await;
        ground.poll().await;
        assert_eq!(ground.labels().await.iter().any(|known| known == label), put_back, "{label} is taken off again");
        assert_eq!(ground.state().await, State::NeedsReview);
        assert_eq!(ground.pull_of(GAP).await.hold, None);
    }
    ground.unlabel("mallory", "claude").await;
    ground.poll().await;
    assert!(ground.labels().await.iter().any(|known| known == "claude"), "it is put back");
    assert_eq!(ground.pull_of(GAP).await.hold, None);
});

pulls!(taking_the_opt_in_off_keeps_agents_away, async |ground| {
    ground.opened().await;
    ground.unlabel("ann", "claude").await;
    ground.poll().await;
    assert!(ground.try_take(&usual(Stage::Reviewer), Stage::Reviewer).await.is_none());
    assert!(!ground.labels().await.iter().any(|known| known == "claude"), "it is not put back");
});

pulls!(a_person_s_review_sends_it_back, async |ground| {
    ground.approved().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    ground.draft("more").await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(what_a_person_asked_for_at_the_cap_is_revised_when_it_goes_on, async |ground| {
    ground.caps = domain::budget::Caps { iterations: 0, ..domain::budget::Caps::default() };
    ground.restart().await;
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    assert_eq!(ground.state().await, State::Capped);
    ground.watch().await;
    ground.caps = domain::budget::Caps::default();
    ground.restart().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Capped, "it is remembered, and nobody works on it");
    ground.unlabel("ann", "max-iterations-reached").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
    ground.draft("more").await;
    assert_eq!(ground.state().await, State::NeedsReview);
});

pulls!(what_a_person_asked_for_beyond_the_cap_is_revised_when_it_goes_on, async |ground| {
    ground.caps = domain::budget::Caps { iterations: 0, ..domain::budget::Caps::default() };
    ground.restart().await;
    ground.approved().await;
    ground.request_changes("ann").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::Capped);
    let (olga, id) = (super::ground::olga(), ground.pull_of(GAP).await.id);
    ground.given.plane.resume_pull(&olga, &id, "once more, please").await.expect("resumed");
    assert_eq!(ground.state().await, State::ChangesRequested);
});

pulls!(changes_asked_for_as_it_is_let_go_on_are_made, async |ground| {
    ground.opened().await;
    let (olga, id) = (super::ground::olga(), ground.pull_of(GAP).await.id);
    ground.given.plane.stop_pull(&olga, &id, "not now, a release is cut").await.expect("stopped");
    ground.watch().await;
    ground.request_changes("ann").await;
    ground.unlabel("ann", "requires-human").await;
    ground.poll().await;
    assert_eq!(ground.state().await, State::ChangesRequested);
});

pulls!(wontfix_ends_it_with_its_gap, async |ground| {
    ground.opened().await;
    ground.label("ann", "wontfix").await;
    ground.poll().await;
    assert_eq!((ground.state().await, ground.given.state(GAP).await), (State::Closed, "wontfix"));
});

pulls!(verdicts_are_shown_with_the_commit_that_they_are_about, async |ground| {
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    let first = ground.head().await;
    ground.watch().await;
    ground.draft("two").await;
    ground.bots_approve().await;
    ground.poll().await;
    let forge = ground.given.home(REPO).forge;
    let checks = |head: String| {
        let forge = forge.clone();
        async move { forge.checks(&head).await.expect("checks").into_iter().map(|check| check.state).collect::<Vec<_>>() }
    };
    assert_eq!(checks(first.clone()).await, [CheckState::Fail]);
    assert_eq!(checks(ground.head().await).await.last(), Some(&CheckState::Pass));
    let reviews = forge.reviews(ground.number().await).await.expect("reviews");
    assert_eq!(reviews.len(), 2, "one for each verdict, and none twice");
    assert!(reviews.iter().all(|review| review.state == forge::ReviewState::Commented), "no bot approves");
    assert!(reviews[0].body.contains("REQUEST_CHANGES") && reviews[0].commit.as_deref() == Some(first.as_str()));
});

pulls!(a_change_that_may_show_is_a_person_s_to_look_at_whatever_the_verdict, async |ground| {
    ground.taken_up(GAP).await;
    ground.plan().await;
    let taken = ground.take(Stage::Implementer).await;
    ground
        .hand_in_patch(&taken, &super::ground::adds_at("web/app.css", &["a { color: red }"]))
        .await
        .expect("a change");
    ground.watch().await;
    ground.review(Verdict::Approve, None).await;
    let done = ground.judge(MergeVerdict::ApproveForHuman).await;
    assert_eq!(done.state, "needs_visual");
    ground.watch().await;
    assert!(ground.shows().await.contains(&"requires-manual-visual-review".to_owned()));
});

pulls!(two_pull_requests_with_one_head_are_both_held, async |ground| {
    ground.approved().await;
    let change = ground.pull_of(GAP).await.change.expect("a change");
    let forge = ground.given.home(REPO).forge;
    let broker = ground.broker().await;
    let remote = forge.remote().await.expect("a remote");
    let twin = forge::git::Branch::parse("gapwright/twin").expect("a branch");
    let head = forge::git::Commit::parse(&change.head).expect("a commit");
    broker.push(&remote, &twin, None, &head).await.expect("pushed");
    let new = forge::NewPull {
        title: "a twin".into(),
        body: "the same".into(),
        head: "gapwright/twin".into(),
        base: change.onto.clone(),
        draft: false,
    };
    let other = forge.open_pull(&new).await.expect("opened");
    ground.poll().await;
    assert_eq!(ground.pull_of(GAP).await.hold, Some(domain::pull::Hold::SharedHead));
    let last = forge.checks(&change.head).await.expect("checks").pop().expect("a check");
    assert!(matches!(last.state, CheckState::Neutral | CheckState::Running), "it passes nothing: {last:?}");
    let closed = forge::IssueState::Closed(forge::Closed::NotPlanned);
    let edit = forge::Edit { state: Some(closed), ..forge::Edit::default() };
    forge.edit_issue(other.number, &edit).await.expect("closed");
    ground.poll().await;
    ground.watch().await;
    assert_eq!(ground.pull_of(GAP).await.hold, None);
});

pulls!(a_merge_before_anybody_reviewed_is_a_merge_all_the_same, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    ground.merge("joan").await;
    ground.poll().await;
    assert_eq!((ground.state().await, ground.given.state(GAP).await), (State::Merged, "merged"));
    let review = super::ground::review(Verdict::Approve, None);
    assert!(ground.hand_in_review(&taken, &review).await.is_err(), "nobody reviews what is merged");
});

pulls!(a_pull_request_that_nobody_asked_for_is_never_touched, async |ground| {
    ground.approved().await;
    let forge = ground.given.home(REPO).forge;
    let broker = ground.broker().await;
    let remote = forge.remote().await.expect("a remote");
    let head = forge::git::Commit::parse(&ground.head().await).expect("a commit");
    let branch = forge::git::Branch::parse("gapwright/theirs").expect("a branch");
    broker.push(&remote, &branch, None, &head).await.expect("pushed");
    ground.push("own").await;
    let theirs = match &ground.given.place {
        Place::GitHub(fake) => fake.as_person("joan", REPO).silently().open_pull("theirs", "gapwright/theirs", "main"),
        Place::Local(local) => {
            let new = forge::NewPull {
                title: "theirs".into(),
                body: String::new(),
                head: "gapwright/theirs".into(),
                base: "main".into(),
                draft: false,
            };
            local.acting("joan").expect("a person").open_pull(&new).await.expect("opened").number
        }
    };
    ground.poll().await;
    ground.poll().await;
    let there = forge.pull(theirs).await.expect("it is there");
    assert!(there.labels.is_empty() && there.state == forge::PullState::Open, "{there:?}");
    assert_eq!(forge.reviews(theirs).await.expect("reviews").len(), 0);
    assert_eq!(forge.comments(theirs, None).await.expect("comments").len(), 0);
});
