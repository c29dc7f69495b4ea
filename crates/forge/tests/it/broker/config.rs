//! What an agent's own repository says that would run programs or lead elsewhere. None of it does, and the last lines of
//! each test show that it would have.

use forge::broker::{Pushed, Trouble};
use forge::git::Commit;

use super::stage::{Agent, BRANCH, Ear, Says, Stage, Trap, branch, hand, run};

/// An agent that has set its traps.
struct Lair {
    stage: Stage,
    agent: Agent,
    trap: Trap,
    ear: Ear,
}

impl Lair {
    async fn new() -> Self {
        let stage = Stage::github().await;
        let (agent, trap, ear) = (stage.agent().await, stage.trap(), Ear::open(Says::Status(200)).await);
        agent.write("one.txt", "1\n");
        agent.commit("one");
        Self { stage, agent, trap, ear }
    }

    /// Takes what the agent did in every way, and pushes it; nothing ran and nobody else heard anything.
    async fn survived(&self) -> Commit {
        let Self { stage, agent, trap, ear } = self;
        let broker = &stage.broker;
        let base = agent.workspace.base();
        let taken = broker.take(&agent.workspace, &run()).await.expect("taken");
        agent.write("two.txt", "2\n");
        let made = broker.snapshot(&agent.workspace, &run(), &taken, &hand(), "snapshot").await.expect("a snapshot");
        let made = made.expect("a change");
        let seen = broker.inspect(base, &made).await.expect("an inspection");
        assert!(seen.descends && seen.cut.is_empty(), "{seen:?}");
        let diff = broker.diff(base, &made, 1 << 20).await.expect("a diff");
        for line in ["+1\n", "+2\n"] {
            assert!(diff.text.contains(line), "{}", diff.text);
        }
        let pushed = broker.push(&stage.remote, &branch(BRANCH), None, &made).await;
        assert_eq!(pushed, Ok(Pushed::Done));
        stage.fetched(BRANCH).await;
        assert!(!trap.sprung(), "a program of the agent's ran");
        assert_eq!(ear.heard(), Vec::<String>::new());
        made
    }

    /// Does as somebody would who is not careful; the trap springs.
    fn naive(&self, args: &[&str]) {
        self.agent.tried(args, b"protocol=http\nhost=example.com\n\n");
        assert!(self.trap.sprung(), "the trap is none: git {args:?}");
    }

    fn heard_by_the_naive(&self, args: &[&str]) {
        self.agent.tried(args, b"");
        assert!(!self.ear.heard().is_empty(), "nobody is led astray: git {args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_helper_of_the_agents_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.config("credential.helper", &format!("!{}", lair.trap.path()));
    lair.survived().await;
    lair.naive(&["credential", "fill"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_agent_puts_in_the_place_of_another_is_not_gone_to() {
    let lair = Lair::new().await;
    let url = &lair.stage.remote.url;
    lair.agent.config(&format!("url.{}/.insteadOf", lair.ear.url()), url);
    lair.agent.config(&format!("url.{}/.pushInsteadOf", lair.ear.url()), url);
    lair.survived().await;
    lair.heard_by_the_naive(&["ls-remote", url]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_to_push_to_that_the_agent_gives_is_not_gone_to() {
    let lair = Lair::new().await;
    lair.agent.config("remote.origin.url", &lair.stage.remote.url);
    lair.agent.config("remote.origin.pushurl", &format!("{}/x.git", lair.ear.url()));
    lair.survived().await;
    lair.heard_by_the_naive(&["push", "origin", "HEAD"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_agents_is_not_gone_through() {
    let lair = Lair::new().await;
    lair.agent.config("http.proxy", &lair.ear.url());
    lair.survived().await;
    lair.heard_by_the_naive(&["ls-remote", "http://example.invalid/x.git"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_the_agents_do_not_run() {
    let lair = Lair::new().await;
    let hooks = lair.agent.at(".git/hooks");
    std::fs::create_dir_all(&hooks).expect("a folder");
    for hook in [
        "pre-push",
        "pre-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
        "pre-receive",
        "update",
        "post-update",
        "proc-receive",
        "push-to-checkout",
        "fsmonitor-watchman",
    ] {
        std::fs::copy(&lair.trap.program, hooks.join(hook)).expect("a hook");
    }
    lair.agent.config("core.hooksPath", &hooks.display().to_string());
    lair.survived().await;
    lair.naive(&["checkout", "--quiet", "-b", "other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_of_files_of_the_agents_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.config("core.fsmonitor", &lair.trap.path());
    lair.survived().await;
    lair.naive(&["status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_of_the_agents_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.config("core.sshCommand", &lair.trap.path());
    lair.agent.config("core.gitProxy", &lair.trap.path());
    lair.survived().await;
    lair.naive(&["ls-remote", "ssh://example.invalid/x.git"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_agents_do_not_run() {
    let lair = Lair::new().await;
    lair.agent.write(".gitattributes", "* filter=evil text eol=crlf\n");
    lair.agent.commit("attributes");
    for what in ["clean", "smudge", "process"] {
        lair.agent.config(&format!("filter.evil.{what}"), &lair.trap.path());
    }
    let made = lair.survived().await;
    let view = forge::broker::View::Work { commit: &made, branch: &branch(BRANCH), base: lair.agent.workspace.base() };
    let again = lair.stage.broker.workspace(&lair.stage.at("again"), view, &super::stage::person()).await;
    assert_eq!(std::fs::read(again.expect("a workspace").folder().join("two.txt")).expect("a file"), b"2\n");
    assert!(!lair.trap.sprung());
    lair.agent.write("three.txt", "3\n");
    lair.naive(&["add", "three.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_of_the_agents_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.config("diff.external", &lair.trap.path());
    lair.survived().await;
    lair.naive(&["diff", "HEAD~1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_of_the_agents_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.write(".gitattributes", "*.txt diff=evil\n");
    lair.agent.commit("attributes");
    lair.agent.config("diff.evil.textconv", &lair.trap.path());
    lair.agent.config("diff.evil.command", &lair.trap.path());
    lair.survived().await;
    lair.naive(&["diff", "HEAD~2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_the_agent_includes_are_not_read() {
    let lair = Lair::new().await;
    let included = lair.stage.at("included");
    std::fs::write(&included, format!("[core]\n\tfsmonitor = {}\n", lair.trap.path())).expect("a file");
    lair.agent.config("include.path", &included.display().to_string());
    lair.agent.config("includeIf.gitdir:/.path", &included.display().to_string());
    lair.survived().await;
    lair.naive(&["status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_for_the_refs_of_others_does_not_run() {
    let lair = Lair::new().await;
    let other = lair.stage.at("home-of-another.git");
    lair.agent.git(&["clone", "--quiet", "--bare", ".", &other.display().to_string()]);
    lair.agent.write(".git/objects/info/alternates", format!("{}/objects\n", other.display()));
    lair.agent.config("core.alternateRefsCommand", &lair.trap.path());
    lair.survived().await;
    lair.naive(&["rev-list", "--alternate-refs"]);
}

/// Git itself takes this from nobody's repository; here git is not even asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_packs_objects_does_not_run() {
    let lair = Lair::new().await;
    lair.agent.config("uploadpack.packObjectsHook", &lair.trap.path());
    lair.agent.config("uploadpack.allowAnySHA1InWant", "true");
    lair.survived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_not_fetched_from_where_the_agent_says() {
    let lair = Lair::new().await;
    let tree = lair.agent.git(&["rev-parse", "HEAD:one.txt"]);
    let blob = lair.agent.at(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]));
    std::fs::remove_file(blob).expect("an object");
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.promisor", "true"),
        ("protocol.ext.allow", "always"),
    ] {
        lair.agent.config(key, value);
    }
    lair.agent.config("remote.evil.url", &format!("ext::{}", lair.trap.path()));
    let taken = lair.stage.broker.take(&lair.agent.workspace, &run()).await;
    assert!(matches!(taken, Err(Trouble::Unfit(_))), "{taken:?}");
    assert!(!lair.trap.sprung());
    lair.naive(&["cat-file", "-p", &tree]);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_for_signatures_and_merges_do_not_run() {
    let lair = Lair::new().await;
    for (key, value) in [("commit.gpgSign", "true"), ("log.showSignature", "true"), ("core.pager", "cat")] {
        lair.agent.config(key, value);
    }
    for key in ["gpg.program", "merge.evil.driver", "core.editor", "core.askPass", "sequence.editor"] {
        lair.agent.config(key, &lair.trap.path());
    }
    lair.survived().await;
    lair.naive(&["commit", "--allow-empty", "--message", "signed"]);
}

/// Files elsewhere are not taken for the agent's.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_the_agent_names_as_its_own_is_not_read() {
    let lair = Lair::new().await;
    let elsewhere = lair.stage.at("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    std::fs::write(elsewhere.join("secret.txt"), "secret\n").expect("a file");
    lair.agent.config("core.worktree", &elsewhere.display().to_string());
    let made = lair.survived().await;
    let seen = lair.stage.broker.inspect(lair.agent.workspace.base(), &made).await.expect("an inspection");
    let paths: Vec<_> = seen.added.iter().map(|added| added.path.as_str()).collect();
    assert_eq!(paths, ["one.txt", "two.txt"]);
    assert!(lair.agent.git(&["status", "--porcelain"]).contains("secret.txt"), "the naive are led astray");
}
