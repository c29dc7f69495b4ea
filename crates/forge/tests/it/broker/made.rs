//! Commits that are made of what an agent left: of its folder, of a patch.

use std::os::unix::fs::PermissionsExt as _;

use forge::broker::{Applied, Broker, Run, Settings, Trouble};
use forge::git::Commit;

use super::stage::{Agent, Stage, hand, run};

async fn snapped(stage: &Stage, agent: &Agent) -> Option<Commit> {
    stage.broker.snapshot(&agent.workspace, &run(), agent.workspace.base(), &hand(), "made\n").await.expect("an answer")
}

async fn paths(stage: &Stage, base: &Commit, head: &Commit) -> Vec<String> {
    let seen = stage.broker.inspect(base, head).await.expect("an inspection");
    let raw = String::from_utf8_lossy(&seen.raw).into_owned();
    let fields: Vec<_> = raw.split('\0').collect();
    fields.chunks(2).filter(|pair| pair.len() == 2).map(|pair| format!("{} {}", &pair[0][1..14], pair[1])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_becomes_a_commit_with_everything_but_what_is_ignored() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    assert_eq!(snapped(&stage, &agent).await, None, "nothing changed");
    agent.write(".gitignore", "target/\n*.log\n");
    agent.write("target/big.o", "object\n");
    agent.write("run.log", "log\n");
    agent.write("src/main.rs", "fn main() {}\r\n");
    agent.write("odd name \"é\".txt", "odd\n");
    agent.write("run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(agent.at("run.sh"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    std::fs::remove_file(agent.at("README.md")).expect("gone");
    agent.write("README.md/inside.txt", "a folder now\n");
    let made = snapped(&stage, &agent).await.expect("a change");
    let base = agent.workspace.base();
    let expected = [
        "000000 100644 .gitignore",
        "100644 000000 README.md",
        "000000 100644 README.md/inside.txt",
        "000000 100644 odd name \"é\".txt",
        "000000 100755 run.sh",
        "000000 100644 src/main.rs",
    ];
    assert_eq!(paths(&stage, base, &made).await, expected);
    let seen = stage.broker.inspect(base, &made).await.expect("an inspection");
    let main = seen.added.iter().find(|added| added.path == "src/main.rs").expect("the file");
    assert_eq!(main.text, "fn main() {}\r\n", "byte by byte");
    assert_eq!(seen.messages[0].text, "made");
    assert!(seen.descends && seen.commits == 1);
    assert_eq!(stage.broker.made(&run()).await, Ok(Some(made)));
    assert!(agent.git(&["log", "-1", "--format=%H"]).starts_with(base.as_str()), "the agent's branch stays");
    stage.broker.forget(&run()).await.expect("forgotten");
    stage.broker.forget(&run()).await.expect("twice");
    assert_eq!(stage.broker.made(&run()).await, Ok(None));
}

/// What the agent staged, hid or ignored for itself alone does not matter: the folder counts.
#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_index_and_excludes_hide_nothing() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("new.txt", "new\n");
    agent.write(".git/info/exclude", "new.txt\n");
    agent.git(&["update-index", "--assume-unchanged", "README.md"]);
    agent.write("README.md", "changed\n");
    assert_eq!(agent.git(&["status", "--porcelain"]), "", "the naive see nothing");
    let made = snapped(&stage, &agent).await.expect("a change");
    let expected = ["100644 100644 README.md", "000000 100644 new.txt"];
    assert_eq!(paths(&stage, agent.workspace.base(), &made).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_becomes_a_commit() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let base = agent.workspace.base().clone();
    agent.write("src/one.rs", "fn one() {}\n");
    agent.write("data.bin", [0_u8, 1, 2, 255].repeat(50));
    agent.write("README.md", "# Another\n");
    agent.git(&["add", "--all"]);
    let patch = agent.tried(&["diff", "--cached", "--binary"], b"").stdout;
    let run = Run::parse("patched").expect("a name");
    let applied = stage.broker.apply(&run, &base, &patch, &hand(), "by patch\n").await;
    let Ok(Applied::Commit(made)) = applied else { panic!("{applied:?}") };
    let expected = ["100644 100644 README.md", "000000 100644 data.bin", "000000 100644 src/one.rs"];
    assert_eq!(paths(&stage, &base, &made).await, expected);
    assert_eq!(stage.broker.made(&run).await, Ok(Some(made.clone())));
    let again = stage.broker.apply(&run, &made, &patch, &hand(), "again").await.expect("an answer");
    assert!(matches!(again, Applied::DoesNotApply(_)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_leads_out_of_the_tree_does_not_apply() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    std::os::unix::fs::symlink("/tmp", agent.at("link")).expect("a link");
    let base = agent.commit("a link");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let new = |path: &str| {
        format!("diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    };
    let modules = "diff --git a/.gitmodules b/.gitmodules\nnew file mode 100644\n--- /dev/null\n+++ b/.gitmodules\n\
                   @@ -0,0 +1,3 @@\n+[submodule \"x\"]\n+\tpath = x\n+\turl = -u./evil\n";
    for patch in [
        new("../outside"),
        new("a/../../outside"),
        new(".git/config"),
        new(".GIT/config"),
        new("a/.git/hooks/pre-push"),
        new("link/outside"),
        modules.to_owned(),
        "no patch at all".to_owned(),
        String::new(),
        new("x").replace("@@ -0,0 +1 @@", "@@ -9,9 +9,9 @@"),
        "x".repeat((8 << 20) + 1),
    ] {
        let head: String = patch.chars().take(80).collect();
        let applied = stage.broker.apply(&run(), &base, patch.as_bytes(), &hand(), "m").await.expect("an answer");
        assert!(matches!(&applied, Applied::DoesNotApply(why) if !why.is_empty()), "{head}: {applied:?}");
    }
    assert_eq!(stage.broker.made(&run()).await, Ok(Some(base)), "nothing is kept of them");
    let absolute = new("/etc/passwd");
    let applied =
        stage.broker.apply(&run(), &agent.head(), absolute.as_bytes(), &hand(), "m").await.expect("an answer");
    if let Applied::Commit(made) = applied {
        assert_eq!(paths(&stage, &agent.head(), &made).await, ["000000 100644 etc/passwd"], "inside the tree");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_a_plain_name() {
    for name in ["", "a/b", "..", "a.lock", "-x\n", "é", &"a".repeat(65)] {
        assert!(Run::parse(name).is_err(), "{name:?}");
    }
    assert!(Run::parse("01JZX0000000000000000000AA").is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_agents_are_taken_at_once_and_nothing_is_left_of_it() {
    let stage = Stage::plain().await;
    let mut agents = Vec::new();
    for number in 0..4 {
        let agent = stage.agent_in(&format!("work{number}")).await;
        agent.write("one.txt", format!("{number}\n"));
        agents.push((Run::parse(&format!("run-{number}")).expect("a name"), agent.commit("one"), agent));
    }
    let takes = agents.iter().map(|(run, _, agent)| stage.broker.take(&agent.workspace, run));
    let taken = futures::future::join_all(takes).await;
    for ((run, made, _), taken) in agents.iter().zip(taken) {
        assert_eq!(taken.as_ref(), Ok(made));
        assert_eq!(stage.broker.made(run).await.as_ref(), Ok(&Some(made.clone())));
    }
    assert_eq!(std::fs::read_dir(stage.at("broker.git/scratch")).expect("a folder").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_those_left_who_were_killed_is_swept_away_and_not_what_is_in_use() {
    let stage = Stage::plain().await;
    let (left, used) = (stage.at("broker.git/scratch/0"), stage.at("broker.git/scratch/1"));
    for folder in [&left, &used] {
        std::fs::create_dir_all(folder.join("objects")).expect("a folder");
        std::fs::write(folder.join("lock"), "").expect("a file");
    }
    let lock = std::fs::File::open(used.join("lock")).expect("a file");
    lock.try_lock().expect("a lock");
    Broker::open(&stage.at("broker.git"), Settings::default()).await.expect("the same broker");
    assert!(!left.exists() && used.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_made_empty_and_for_us_alone() {
    let stage = Stage::plain().await;
    let at = stage.at("other.git");
    Broker::open(&at, Settings::default()).await.expect("a broker");
    assert_eq!(std::fs::metadata(&at).expect("a folder").permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(at.join("refs/heads")).expect("a folder").count(), 0, "it has no commit");
    Broker::open(&at, Settings::default()).await.expect("the same");
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    let refused = Broker::open(&at, Settings::default()).await;
    assert!(matches!(refused, Err(Trouble::Git(forge::git::Trouble::Foreign(_)))), "{refused:?}");
}
