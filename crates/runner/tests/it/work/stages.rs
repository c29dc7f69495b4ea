//! Each stage, handed in as it is meant to be.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_becomes_a_pull_request_that_waits_for_a_person() {
    let yard = Yard::new(Level::Pipeline).await;
    for (stage, play, state) in [
        (Stage::Planner, "plans", "implementing"),
        (Stage::Implementer, "drafts", "needs_review"),
        (Stage::Reviewer, "asks_for_changes", "changes_requested"),
        (Stage::Implementer, "drafts", "needs_review"),
        (Stage::Reviewer, "approves", "approved"),
        (Stage::Merger, "judges", "needs_human"),
    ] {
        let outcome = yard.works(stage, talks(play)).await;
        assert_eq!(outcome.end, End::HandedIn, "{play}: {:?}", yard.run(&outcome.job).await);
        assert_eq!(yard.pull().await.stored.pull.state.name(), state, "{play}");
        yard.is_in_the_journal(&outcome.job, stage.tool()).await;
    }
    let pull = yard.pull().await.stored.pull;
    let change = pull.change.expect("a change");
    assert_eq!((change.title.as_str(), change.body.as_str()), ("feat: list what was deployed", "Nobody could see it."));
    let answers = yard.pull().await.words.into_iter().filter(|word| word.body.contains("\"answer\":\"Mended.\""));
    assert_eq!(answers.count(), 1, "what the revision says answers");
    assert_eq!((pull.iteration, change.branch.as_str()), (1, BRANCH));
    assert_eq!(yard.git(&["rev-parse", &format!("refs/heads/{BRANCH}")]), change.head);
    assert_eq!(yard.git(&["log", "-1", "--format=%an <%ae>", BRANCH]), "python3 <python3@gapwright.invalid>");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_folder_is_handed_in_where_nothing_was_committed() {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, sh("echo 'pub fn a() {}' >src/a.rs; rm src/lib.rs")).await;
    assert_eq!(outcome.end, End::HandedIn);
    let change = yard.pull().await.stored.pull.change.expect("a change");
    assert_eq!(change.title, format!("Close the gap mcp-tool/{GAP}"));
    assert_eq!(change.body, "The agent left no description.");
    assert_eq!(yard.git(&["ls-tree", "-r", "--name-only", BRANCH]), "src/a.rs");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_implementer_that_hands_in_by_itself_is_left_at_that() {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, talks("patches")).await;
    assert_eq!(outcome.end, End::HandedIn);
    assert_eq!(yard.pull().await.stored.pull.change.expect("a change").body, "By a patch.");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_due_is_said() {
    let yard = Yard::new(Level::Pipeline).await;
    let worker = yard.worker("merger-one", yard.settings(Stage::Merger, talks("judges"))).await;
    let worked = worker.one(&CancellationToken::new(), |_| {}).await;
    assert_eq!(worked, Ok(Worked::Nothing("nothing_due".to_owned())));
    yard.end().await;
}

/// Tells everything that an agent finds around it.
const LOOKS: &str = "cat; env; cat $GAPWRIGHT_MCP_CONFIG; git log --all --format='%an %ae %B'; git for-each-ref; git ls-files; \
                     cat .git/config; cat src/*; git status --short; pwd";

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_finds_nothing_that_says_what_the_change_is_for() {
    let yard = Yard::new(Level::Pipeline).await;
    assert_eq!(yard.works(Stage::Planner, talks("plans")).await.end, End::HandedIn);
    assert_eq!(yard.works(Stage::Implementer, talks("drafts")).await.end, End::HandedIn);
    for (name, origin) in [("one", Origin::Folder(yard.path("home.git"))), ("two", Origin::Forge(yard.place.forge()))] {
        let worker = yard.worker_at(origin, name, yard.settings(Stage::Reviewer, sh(LOOKS))).await;
        let outcome = job(worker.one(&CancellationToken::new(), |_| {}).await.expect("an answer"));
        assert!(matches!(&outcome.end, End::Failed(why) if why.contains("without handing anything in")), "{outcome:?}");
        let found = yard.run(&outcome.job).await.summary.expect("what it found");
        assert!(found.contains("pub fn list()") && found.contains("The change under review"), "{found}");
        for secret in [GAP, "feat: list", "Nobody could see", "python3", "nobody could see", "home.git"] {
            assert!(!found.contains(secret), "{secret} is told: {found}");
        }
        // It is given out again after a while.
        yard.pass(Span::hours(1)).await;
    }
    yard.end().await;
}
