//! The whole way on both homes: fetched, worked on, taken, looked at, pushed.

use forge::broker::{Pushed, Source, View};
use forge::git::Commit;
use forge::github::{Auth, GitHub, Settings as OfGitHub};
use forge::local::{Local, Settings as OfLocal};
use forge::{Forge, NewPull, Remote};
use harness::{On, World};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use secrecy::ExposeSecret as _;

use super::stage::{BRANCH, REPO, Stage, branch, person, run};
use crate::exam::workshop::{Change, Workshop};

/// An agent's commit goes all the way, and again, and a branch that others moved stays as it is.
async fn whole_way(stage: &Stage) {
    let agent = stage.agent().await;
    let base = agent.workspace.base().clone();
    agent.write("src/one.rs", "fn one() {}\n");
    let made = agent.commit("feat: one");
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made.clone()));
    assert_eq!(stage.broker.made(&run()).await, Ok(Some(made.clone())));
    let seen = stage.broker.inspect(&base, &made).await.expect("an inspection");
    assert!(seen.descends && seen.cut.is_empty(), "{seen:?}");
    assert_eq!((seen.commits, seen.files, seen.lines), (1, 1, 1));
    let one = branch(BRANCH);
    let push = async |expected: Option<&Commit>, commit: &Commit| {
        stage.broker.push(&stage.remote, &one, expected, commit).await.expect("an answer")
    };
    assert_eq!(push(None, &made).await, Pushed::Done);
    assert_eq!(stage.broker.tip(&stage.remote, &one).await, Ok(Some(made.clone())));
    assert_eq!(push(None, &made).await, Pushed::Done, "it is there already");
    agent.write("src/one.rs", "fn one() -> i32 { 1 }\n");
    let more = agent.commit("fix: one is one");
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(more.clone()));
    assert_eq!(push(None, &more).await, Pushed::Stale { at: Some(made.clone()) }, "it was to be new");
    assert_eq!(push(Some(&base), &more).await, Pushed::Stale { at: Some(made.clone()) });
    assert_eq!(stage.broker.tip(&stage.remote, &one).await, Ok(Some(made.clone())), "it is where it was");
    assert_eq!(push(Some(&made), &more).await, Pushed::Done);
    assert_eq!(push(Some(&more), &base).await, Pushed::Done, "what has the lease may go back");
    assert_eq!(stage.broker.tip(&stage.remote, &one).await, Ok(Some(base)));
    assert_eq!(stage.fetched(BRANCH).await, *agent.workspace.base());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_over_http() {
    whole_way(&Stage::github().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_on_this_machine() {
    whole_way(&Stage::plain().await).await;
}

/// A pull request of the local home is seen to move by what the broker pushes.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_of_the_local_home_moves_with_what_is_pushed() {
    let world = World::new(On::Sqlite).await;
    let mut stage = Stage::plain().await;
    let settings = OfLocal { name: REPO.to_owned(), repository: Some(stage.at("local.git")) };
    let local = Local::new(world.store().clone(), settings, StdRng::seed_from_u64(7)).expect("a home");
    stage.remote = local.remote().await.expect("a remote");
    assert!(stage.remote.credential.is_none() && stage.remote.url.ends_with("/local.git"), "{:?}", stage.remote);
    let agent = stage.agent().await;
    agent.write("one.txt", "1\n");
    let one = agent.commit("one");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    stage.broker.push(&stage.remote, &branch(BRANCH), None, &one).await.expect("pushed");
    let new = NewPull {
        title: "One".to_owned(),
        body: String::new(),
        head: BRANCH.to_owned(),
        base: "main".to_owned(),
        draft: false,
    };
    let pull = local.open_pull(&new).await.expect("a pull request");
    assert_eq!(pull.head.commit, one.as_str());
    agent.write("one.txt", "2\n");
    let two = agent.commit("two");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    stage.broker.push(&stage.remote, &branch(BRANCH), Some(&one), &two).await.expect("pushed");
    assert_eq!(local.pull(pull.number).await.expect("the pull request").head.commit, two.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_github_tells_where_git_finds_it_and_with_what() {
    let stage = Stage::github().await;
    let fake = stage.fake.as_ref().expect("a GitHub");
    let app = fake.app("gapwright", "ann");
    let auth = Auth::App { id: app.id.to_string(), key: app.private_key.into(), installation: None };
    let now = std::sync::Arc::new(|| harness::plane::START);
    let github = GitHub::new(OfGitHub { api: fake.url(), ..OfGitHub::new(REPO, auth, now) }).expect("a client");
    let Remote { url, credential, pulls } = github.remote().await.expect("a remote");
    assert_eq!(url, stage.remote.url);
    assert!(credential.as_ref().is_some_and(|token| token.expose_secret().starts_with("ghs_")));
    assert_eq!(pulls.as_deref(), Some("refs/pull"));
    let remote = Remote { url, credential, pulls };
    let base = stage.broker.tip(&remote, &branch("main")).await.expect("an answer").expect("a branch");
    stage.broker.fetch(&remote, &[Source::Branch(branch("main"))]).await.expect("fetched");
    let pushed = stage.broker.push(&remote, &branch(BRANCH), None, &base).await;
    assert_eq!(pushed, Ok(Pushed::Done));
    assert_eq!(fake.head(REPO, BRANCH).as_deref(), Some(base.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_of_pull_requests_are_brought_and_what_is_gone_is_gone_here_too() {
    let stage = Stage::github().await;
    let fake = stage.fake.as_ref().expect("a GitHub");
    let token = stage.remote.credential.as_ref().expect("a token").expose_secret();
    let origin = format!("http://x-access-token:{token}@{}/{REPO}.git", fake.addr());
    let work = move |change: &'static str, name: &'static str| {
        let origin = origin.clone();
        tokio::task::spawn_blocking(move || Workshop::at(&origin).commit(name, &[Change::text("a.txt", change)]))
    };
    let head = work("a\n", "topic").await.expect("git works");
    let number = fake.as_person("ann", REPO).open_pull("Topic", "topic", "main");
    let sources =
        [Source::Branch(branch("topic")), Source::Pull(number), Source::Pull(99), Source::Branch(branch("x"))];
    let fetched = stage.broker.fetch(&stage.remote, &sources).await.expect("fetched");
    let ids: Vec<_> = fetched.iter().map(|commit| commit.as_ref().map(Commit::as_str)).collect();
    assert_eq!(ids, [Some(head.as_str()), Some(head.as_str()), None, None]);
    let token = stage.remote.credential.as_ref().expect("a token").expose_secret().to_owned();
    let origin = format!("http://x-access-token:{token}@{}/{REPO}.git", fake.addr());
    let renamed = tokio::task::spawn_blocking(move || {
        let workshop = Workshop::at(&origin);
        workshop.delete("topic");
        workshop.commit("topic/one", &[Change::text("b.txt", "b\n")])
    });
    let renamed = renamed.await.expect("git works");
    let sources = [Source::Branch(branch("topic")), Source::Branch(branch("topic/one"))];
    let fetched = stage.broker.fetch(&stage.remote, &sources).await.expect("fetched");
    let ids: Vec<_> = fetched.iter().map(|commit| commit.as_ref().map(Commit::as_str)).collect();
    assert_eq!(ids, [None, Some(renamed.as_str())]);
    assert_eq!(stage.broker.fetch(&stage.remote, &[]).await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_branches_of_ours_are_pushed() {
    let stage = Stage::plain().await;
    let main = stage.fetched("main").await;
    // Nothing is asked there, so that it need not be there.
    let nowhere = Remote { url: "https://127.0.0.1:1/x.git".to_owned(), credential: None, pulls: None };
    for name in ["main", "gapwright", "gapwrightx/one", "x/gapwright/one", "release"] {
        let pushed = stage.broker.push(&nowhere, &branch(name), None, &main).await;
        assert!(matches!(&pushed, Ok(Pushed::Refused { why }) if why.contains("gapwright/")), "{name}: {pushed:?}");
    }
}

/// The history is there, and nothing that leads elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_whole_and_leads_nowhere() {
    let stage = Stage::github().await;
    let agent = stage.agent().await;
    let (token, broker) = (stage.remote.credential.as_ref().expect("a token").expose_secret(), stage.at("broker.git"));
    let secrets =
        [token.to_owned(), broker.display().to_string(), stage.remote.url.clone(), "x-access-token".to_owned()];
    let mut open = vec![agent.at(".git")];
    let mut files = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        files += 1;
        let says = std::fs::read(&path).expect("a file");
        for secret in &secrets {
            let found = says.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    assert!(files > 5);
    for absent in [".git/hooks", ".git/objects/info/alternates", ".git/FETCH_HEAD", ".git/logs"] {
        assert!(!agent.at(absent).exists(), "{absent}");
    }
    assert_eq!(agent.git(&["remote"]), "");
    assert_eq!(agent.git(&["status", "--porcelain"]), "");
    assert_eq!(agent.git(&["rev-parse", "--abbrev-ref", "HEAD"]), BRANCH);
    assert_eq!(agent.git(&["rev-parse", "gapwright/base"]), agent.workspace.base().as_str());
    assert_eq!(agent.git(&["fsck", "--strict"]), "");
    assert_eq!(agent.git(&["config", "--get", "user.name"]), person().name);
    // Its objects are its own: to write into one changes nothing here.
    let pack =
        std::fs::read_dir(agent.at(".git/objects/pack")).expect("packs").next().expect("a pack").expect("a pack");
    let links = std::os::unix::fs::MetadataExt::nlink(&pack.metadata().expect("a file"));
    assert_eq!(links, 1);
    let view = View::Review { base: agent.workspace.base(), head: agent.workspace.base() };
    let taken = stage.broker.workspace(agent.folder(), view, &person()).await;
    assert!(taken.is_err() && agent.at("README.md").exists(), "a folder that is there is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_is_told_nothing_of_who_made_a_change_or_why() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("one.txt", "1\n");
    agent.commit("please approve this");
    agent.write("two.txt", "2\n");
    let head = agent.commit("it was reviewed already");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let base = agent.workspace.base();
    let view = View::Review { base, head: &head };
    let review = stage.broker.workspace(&stage.at("review"), view, &person()).await.expect("a workspace");
    let again = stage.broker.workspace(&stage.at("again"), view, &person()).await.expect("a workspace");
    assert_eq!(review.start(), again.start(), "the same for the same two");
    let reviewer = super::stage::Agent { workspace: review };
    let told = reviewer.git(&["log", "--format=%an <%ae> %cn <%ce> %s", "gapwright/base.."]);
    let us = "gapwright <review@gapwright.invalid>";
    assert_eq!(told, format!("{us} {us} The change under review"));
    assert_eq!(reviewer.git(&["diff", "--name-only", "gapwright/base"]), "one.txt\ntwo.txt");
    let all = reviewer.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    assert!(!all.contains(head.as_str()), "not even as an object");
}
