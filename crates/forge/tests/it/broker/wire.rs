//! A forge that answers badly: nothing is shown to anybody else, and nothing is waited for for ever.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use forge::Remote;
use forge::broker::{Broker, Pushed, Settings, Source, Trouble};
use forge::git::{Commit, Trouble as OfGit};
use harness::github::Access;
use secrecy::SecretString;

use super::stage::{BRANCH, Ear, REPO, Says, Stage, branch, run};

const TOKEN: &str = "ghp_s3cret";

fn at(ear: &Ear) -> Remote {
    Remote {
        url: format!("{}/{REPO}.git", ear.url()),
        credential: Some(SecretString::from(TOKEN)),
        pulls: Some("refs/pull".to_owned()),
    }
}

/// A broker that has a commit to push.
async fn broker() -> (Stage, Commit) {
    let stage = Stage::plain().await;
    let main = stage.fetched("main").await;
    (stage, main)
}

/// Nothing came of anything that was asked; and it says no secret.
async fn nothing_came(broker: &Broker, remote: &Remote, main: &Commit) -> Trouble {
    let fetched = broker.fetch(remote, &[Source::Branch(branch("main"))]).await.expect_err("no fetch");
    let tip = broker.tip(remote, &branch("main")).await.expect_err("no tip");
    let pushed = broker.push(remote, &branch(BRANCH), None, main).await.expect_err("no push");
    for trouble in [&fetched, &tip, &pushed] {
        let told = format!("{trouble} {trouble:?}");
        assert!(!told.contains("s3cret") && !told.contains("eC1hY2Nlc3M"), "{told}");
    }
    assert_eq!(fetched, pushed);
    pushed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_on_to_another_is_not_followed_and_the_other_hears_nothing() {
    let (stage, main) = broker().await;
    let elsewhere = Ear::open(Says::Status(200)).await;
    let ear = Ear::open(Says::Elsewhere(elsewhere.url())).await;
    let trouble = nothing_came(&stage.broker, &at(&ear), &main).await;
    assert!(matches!(trouble, Trouble::Git(OfGit::Failed(_))), "{trouble:?}");
    assert!(ear.heard_a_credential(), "who was meant heard it");
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_another_credential_or_has_a_fault_is_told_at_once() {
    let (stage, main) = broker().await;
    for status in [401, 403, 404, 500, 503] {
        let ear = Ear::open(Says::Status(status)).await;
        let trouble = nothing_came(&stage.broker, &at(&ear), &main).await;
        let Trouble::Git(OfGit::Failed(why)) = trouble else { panic!("{status}: {trouble:?}") };
        assert!(why.contains("git ls-remote"), "{status}: {why}");
        let asked = ear.heard();
        let shown = asked.iter().filter(|head| head.contains("Basic eC1hY2Nlc3MtdG9rZW46Z2hwX3MzY3JldA==")).count();
        assert_eq!(shown, asked.len(), "with nothing but what it was given: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_the_secret_back_is_not_repeated() {
    let (stage, main) = broker().await;
    let ear = Ear::open(Says::Echo).await;
    let trouble = nothing_came(&stage.broker, &at(&ear), &main).await;
    assert!(trouble.to_string().contains("you said") && trouble.to_string().contains("Basic …"), "{trouble}");
    assert!(ear.heard_a_credential());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_given_up_and_nothing_is_left_at_work() {
    let (stage, main) = broker().await;
    let ear = Ear::open(Says::Nothing).await;
    let settings = Settings { wire: Duration::from_millis(300), ..Settings::default() };
    let broker = Broker::open(&stage.at("broker.git"), settings).await.expect("the same broker");
    let trouble = broker.push(&at(&ear), &branch(BRANCH), None, &main).await.expect_err("no push");
    assert_eq!(trouble, Trouble::Git(OfGit::Late("ls-remote".to_owned())));
    let trouble = broker.fetch(&at(&ear), &[Source::Pull(1)]).await.expect_err("no fetch");
    assert_eq!(trouble, Trouble::Git(OfGit::Late("ls-remote".to_owned())));
    // Those who carried it too: nobody else had the connections.
    ear.deserted().await;
}

/// A hook of the home's, which is the home's business.
fn home_hook(stage: &Stage, name: &str, does: &str) {
    let hooks = stage.at("home.git/hooks");
    std::fs::create_dir_all(&hooks).expect("a folder");
    std::fs::write(hooks.join(name), format!("#!/bin/sh\n{does}\n")).expect("a hook");
    std::fs::set_permissions(hooks.join(name), std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// The first question is answered, and what is pushed is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_an_answer_is_not_known_to_have_been_done() {
    let stage = Stage::plain().await;
    let main = stage.fetched("main").await;
    // Whoever would answer dies instead.
    home_hook(&stage, "pre-receive", "kill -9 $PPID");
    let pushed = stage.broker.push(&stage.remote, &branch(BRANCH), None, &main).await;
    assert_eq!(pushed, Err(Trouble::Git(OfGit::Late("push".to_owned()))));
    assert_eq!(stage.broker.tip(&stage.remote, &branch(BRANCH)).await, Ok(None), "which is then asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_home_refuses_is_told_with_its_reason() {
    let stage = Stage::plain().await;
    let main = stage.fetched("main").await;
    home_hook(&stage, "update", "exit 1");
    let pushed = stage.broker.push(&stage.remote, &branch(BRANCH), None, &main).await;
    assert!(matches!(&pushed, Ok(Pushed::Refused { why }) if why.contains("hook declined")), "{pushed:?}");
}

/// It moves after the push has seen where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_moves_meanwhile_is_left_where_it_is() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let main = agent.workspace.base();
    agent.write("one.txt", "1\n");
    let made = agent.commit("one");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let moves = format!("git update-ref refs/heads/{BRANCH} {}", main.as_str());
    home_hook(&stage, "pre-receive", &format!("unset GIT_QUARANTINE_PATH\n{moves}"));
    let pushed = stage.broker.push(&stage.remote, &branch(BRANCH), None, &made).await;
    assert_eq!(pushed, Ok(Pushed::Stale { at: Some(main.clone()) }));
    assert_eq!(stage.broker.tip(&stage.remote, &branch(BRANCH)).await, Ok(Some(main.clone())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_only_read_fetches_and_does_not_push() {
    let mut stage = Stage::github().await;
    let fake = stage.fake.as_ref().expect("a GitHub");
    let token = fake.token("bea", Access::Read);
    stage.remote.credential = Some(SecretString::from(token));
    let main = stage.fetched("main").await;
    let pushed = stage.broker.push(&stage.remote, &branch(BRANCH), None, &main).await;
    assert!(pushed.is_err(), "{pushed:?}");
    assert_eq!(stage.fake.as_ref().expect("a GitHub").head(REPO, BRANCH), None);
    assert_eq!(stage.broker.made(&run()).await, Ok(None));
}

/// While a push is under way, nobody who lists this machine's processes sees the token.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_what_processes_are_called() {
    let (stage, main) = broker().await;
    let ear = Ear::open(Says::Nothing).await;
    let remote = at(&ear);
    let pushing = tokio::spawn({
        let broker = stage.broker.clone();
        async move { broker.push(&remote, &branch(BRANCH), None, &main).await }
    });
    while ear.heard().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut seen = 0;
    for entry in std::fs::read_dir("/proc").expect("processes").filter_map(Result::ok) {
        let said = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if said.contains(&ear.addr.to_string()) {
            seen += 1;
            assert!(!said.contains("s3cret") && !said.contains("Z2hwX3MzY3JldA"), "{said}");
        }
    }
    assert!(seen > 0, "somebody is at work");
    pushing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_of_a_forge_is_refused_before_anything_runs() {
    let (stage, main) = broker().await;
    let trap = stage.trap();
    for url in [
        format!("ext::{}", trap.path()),
        "ssh://example.invalid/x.git".to_owned(),
        "http://example.invalid/x.git".to_owned(),
        format!("--upload-pack={}", trap.path()),
        format!("https://ann:{TOKEN}@example.invalid/x.git"),
    ] {
        let trouble = nothing_came(&stage.broker, &Remote { url, credential: None, pulls: None }, &main).await;
        assert!(matches!(trouble, Trouble::Git(OfGit::Name(_))), "{trouble:?}");
    }
    assert!(!trap.sprung());
}
