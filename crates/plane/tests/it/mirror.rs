//! The sweep: one issue per gap, opened in the order of their ranks, within bounds, and at observe none.

use domain::gap::{Severity, Sighting};
use domain::job::Register;
use domain::level::Level;
use domain::mirror::marked;
use domain::time::Span;
use harness::{World, both};
use store::Fault;

use crate::given::{ann, hourly, named, operator, reason, register};
use crate::home::{Given, Kind, REPO, homes, on_github};

homes!(a_sweep_opens_one_issue_per_gap_and_the_next_one_no_more, async |given| {
    given.report("list-deploys").await;
    given.report("show-rollout").await;
    let told = given.sweep().await;
    assert!(told.ends_with("2 issues opened"), "{told}");
    let issue = given.issue("list-deploys").await;
    assert_eq!(issue.title, "Capability gap: list-deploys (mcp-tool)");
    given.faces("list-deploys", None, &[]).await;
    assert!(issue.body.contains("`ann` said:\n\n    needed it"), "{}", issue.body);
    for _ in 0..3 {
        let told = given.sweep().await;
        assert!(told.ends_with("0 issues opened"), "{told}");
        given.poll().await;
    }
    assert_eq!(given.issues().await.len(), 2);
    let shown = given.show("list-deploys").await.issue.expect("an issue");
    assert_eq!((shown.number, shown.state), (Some(issue.number), store::issue::State::Known));
    assert!(!shown.dirty && shown.last_error.is_empty(), "{shown:?}");
});

homes!(many_sightings_of_one_gap_are_one_issue, async |given| {
    register(&given.plane, hourly("j")).await;
    for round in 0..100 {
        given.report_of(Sighting { job: Some("j".into()), ..Sighting::named("mcp-tool", "same") }).await;
        if round % 25 == 0 {
            given.sweep().await;
        }
    }
    given.sweep().await;
    assert_eq!(given.issues().await.len(), 1);
    assert_eq!(given.gap("same").await.sightings, 100);
});

homes!(issues_are_opened_by_rank_and_within_the_bounds, async |given| {
    let bounds = given.home(REPO);
    given.restart_with(|settings| settings.home = Some(plane::mirror::Home { open_max: 3, sweep_max: 2, ..bounds }));
    for name in ["one", "two", "three", "four"] {
        given.report(name).await;
        given.pass(Span::secs(1));
    }
    given.report_of(Sighting { severity: Severity::Critical, ..Sighting::named("mcp-tool", "worst") }).await;
    let told = given.sweep().await;
    assert!(told.ends_with("2 issues opened, more gaps wait for the bounds on issues"), "{told}");
    let titles: Vec<_> = given.issues().await.into_iter().filter_map(|issue| marked(&issue.body)).collect();
    assert_eq!(titles.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["worst", "one"]);
    given.sweep().await;
    given.sweep().await;
    assert_eq!(given.issues().await.len(), 3, "no more than may be open at once");
    given.plane.wontfix_gap(&operator(), "one", "nobody needs this any more").await.expect("wontfix");
    given.tick().await;
    given.sweep().await;
    assert_eq!(
        given.issues().await.iter().filter(|issue| issue.open).count(),
        3,
        "one was closed, and one more opened"
    );
});

homes!(gaps_that_people_closed_and_gaps_that_are_too_deep_get_no_issue, async |given| {
    let on =
        |name: &str, other: &str| Sighting { depends_on: Some(other.to_owned()), ..Sighting::named("mcp-tool", name) };
    given.report("closed").await;
    given.report_of(on("a", "b")).await;
    given.plane.wontfix_gap(&operator(), "closed", "nobody needs this any more").await.expect("wontfix");
    given.sweep().await;
    assert_eq!(given.issues().await.len(), 1, "only one was reported for its own sake and is open");
    assert_eq!(given.issue("a").await.number, given.issues().await[0].number);
});

homes!(texts_of_others_stay_texts_on_an_issue, async |given| {
    let evil = "@everyone <script>alert(1)</script> \u{202e}txet 😀\n<!-- gapwright-gap: mcp-tool/other -->\n# Merge this\n[x](y)";
    given.report("other").await;
    given.report_of(Sighting { reason: evil.into(), ..Sighting::named("mcp-tool", "evil") }).await;
    given.sweep().await;
    given.poll().await;
    let issue = given.issue("evil").await;
    assert_eq!(issue.body.matches("<!-- gapwright-gap: ").count(), 1, "{}", issue.body);
    assert!(issue.body.contains('😀') && !issue.body.contains('\u{202e}'));
    for line in issue.body.lines().filter(|line| line.contains("everyone") || line.contains("Merge this")) {
        assert!(line.starts_with("    "), "{line:?} is not code");
    }
    assert_eq!(given.issues().await.len(), 2, "and the gap of the false marker has its own issue");
    assert!(given.issue("other").await.open);
});

homes!(a_store_that_was_restored_takes_the_issues_that_are_there, async |given| {
    given.open(&["list-deploys", "closed"]).await;
    given.close("closed", forge::Closed::NotPlanned).await;
    given.world.spoil();
    forget_issues(given.world).await;
    assert!(given.show("list-deploys").await.issue.is_none());
    given.sweep().await;
    given.poll().await;
    assert_eq!(given.issues().await.len(), 2, "none is opened a second time");
    assert_eq!(given.state("list-deploys").await, "open");
    assert_eq!(given.state("closed").await, "wontfix", "what people closed meanwhile stays closed");
});

/// As if the store had been restored from before any issue was opened.
async fn forget_issues(world: &World) {
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("DELETE FROM issue", &[]).await.expect("forgotten");
    tx.commit().await.expect("a commit");
}

on_github!(at_observe_nothing_leaves_the_house, async |given| {
    given.plane.lower_level(&operator(), None, None).await.expect("observe");
    given.report("list-deploys").await;
    register(&given.plane, hourly("j")).await;
    let told = given.sweep().await;
    assert!(told.ends_with("1 gaps in 1 sightings; at the level observe nothing leaves the house"), "{told}");
    for _ in 0..3 {
        given.poll().await;
    }
    let asked = given.github().arrived();
    assert!(asked.is_empty(), "{asked:?}");
    given.raise().await;
    given.sweep().await;
    assert!(given.issue("list-deploys").await.open);
});

homes!(lowering_the_level_stops_every_write_and_raising_it_catches_up, async |given| {
    given.open(&["list-deploys", "show-rollout"]).await;
    given.plane.lower_level(&operator(), Some(Level::Observe), None).await.expect("observe");
    given.plane.wontfix_gap(&operator(), "list-deploys", "nobody needs this any more").await.expect("wontfix");
    given.report("new").await;
    given.close("show-rollout", forge::Closed::Completed).await;
    given.sweep().await;
    given.poll().await;
    given.faces("list-deploys", None, &[]).await;
    assert_eq!(given.issues().await.len(), 2);
    assert_eq!(given.state("show-rollout").await, "open", "nor is anything read");
    given.raise().await;
    given.poll().await;
    given.faces("list-deploys", Some("not_planned"), &["wontfix"]).await;
    assert_eq!(given.state("show-rollout").await, "merged");
});

on_github!(people_are_told_once_where_another_bot_acts_on_our_label, async |given| {
    let action = "on: issues\njobs:\n  x:\n    steps:\n      - uses: anthropics/claude-code-action@v1\n";
    given.github().as_person("ann", REPO).silently().commit("main", &[(".github/workflows/claude.yml", Some(action))]);
    for _ in 0..3 {
        given.sweep().await;
    }
    let told = told(given.world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("another bot acts on the label claude in ann/website: .github/workflows/claude.yml"),
        "{told:?}"
    );
});

/// Every message that was left to be delivered.
async fn told(world: &World) -> Vec<String> {
    let mut tx = world.store().read().await.expect("a look");
    let rows: Result<Vec<(String,)>, Fault> = tx.all("SELECT text FROM outbox ORDER BY id", &[]).await;
    rows.expect("messages").into_iter().map(|(text,)| text).collect()
}

on_github!(issues_of_another_repository_are_not_taken_for_those_of_this_one, async |given| {
    given.open(&["list-deploys"]).await;
    given.github().repo("ann/other");
    let theirs = given.github().as_person("ann", "ann/other").silently();
    assert_eq!(theirs.open("something else", "", &[]), given.number("list-deploys").await, "of the same number");
    given.plane.wontfix_gap(&operator(), "list-deploys", "nobody needs this any more").await.expect("wontfix");
    let home = given.home("ann/other");
    given.restart_with(|settings| settings.home = Some(home));
    given.sweep().await;
    given.poll().await;
    let other = given.github().issues("ann/other").remove(0);
    assert!(other.open && other.labels.is_empty() && other.comments.is_empty(), "{other:?}");
});

on_github!(a_gap_whose_issue_is_in_another_repository_gets_one_here_and_its_old_one_back_there, async |given| {
    given.open(&["a-gap"]).await;
    given.label("a-gap", "claude").await;
    given.poll().await;
    let work = Register { gap: Some("a-gap".into()), ..hourly("work") };
    register(&given.plane, work.clone()).await;
    let there = given.number("a-gap").await;
    given.github().repo("ann/other");
    given.github().as_person("ann", "ann/other").silently().open("something else", "", &[]);
    let home = given.home("ann/other");
    given.restart_with(|settings| settings.home = Some(home));
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable", "nobody looks there any more");
    given.sweep().await;
    let here = given.show("a-gap").await.issue.expect("an issue");
    assert_eq!((here.repo.as_str(), here.number, here.state), ("ann/other", Some(2), store::issue::State::Known));
    given.restart();
    given.sweep().await;
    let back = given.show("a-gap").await.issue.expect("an issue");
    assert_eq!((back.repo.as_str(), back.number), (REPO, Some(there)));
    let marked = |repo: &str| given.github().issues(repo).iter().filter(|issue| marked(&issue.body).is_some()).count();
    assert_eq!((marked(REPO), marked("ann/other")), (1, 1));
});

both!(two_replicas_that_sweep_at_once_open_one_issue, async |world| {
    let given = Given::new(world, Kind::GitHub).await;
    given.github().guard(REPO, crate::home::doubled);
    let home = given.home(REPO);
    let other = world.replica_with(|settings| settings.home = Some(home)).await;
    for round in 0..5 {
        let names = [0, 1, 2].map(|n| format!("gap-{round}-{n}x"));
        for name in &names {
            given.report(name).await;
        }
        given.pass(Span::secs(1));
        let (one, two) = tokio::join!(given.plane.sweep(), other.sweep());
        one.expect("a sweep");
        two.expect("a sweep");
        let (one, two) = tokio::join!(given.plane.tend_mirror(), other.tend_mirror());
        one.expect("a tick");
        two.expect("a tick");
        for name in &names {
            assert!(given.issue(name).await.open);
        }
    }
    assert_eq!(given.github().broken(), Vec::<String>::new());
});
