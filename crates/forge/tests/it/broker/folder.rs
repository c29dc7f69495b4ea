//! What an agent's folder is that it should not be: a `.git` that leads elsewhere, objects of others, links out of it.

use std::os::unix::fs::symlink;
use std::process::Command;

use forge::broker::Trouble;
use forge::git::Commit;

use super::stage::{Agent, Stage, hand, run};

async fn refused(stage: &Stage, agent: &Agent) -> String {
    let before = stage.broker.made(&run()).await.expect("an answer");
    let taken = stage.broker.take(&agent.workspace, &run()).await;
    let Err(Trouble::Unfit(why)) = taken else { panic!("it was taken: {taken:?}") };
    assert_eq!(stage.broker.made(&run()).await, Ok(before), "nothing is kept of it");
    why
}

async fn unsnapped(stage: &Stage, agent: &Agent) -> String {
    let made = stage.broker.snapshot(&agent.workspace, &run(), agent.workspace.base(), &hand(), "m").await;
    let Err(Trouble::Unfit(why)) = made else { panic!("it was made: {made:?}") };
    why
}

/// Another repository, with a secret in it; its folder, its commit and the secret's blob.
fn another(stage: &Stage) -> (std::path::PathBuf, Commit, String) {
    let folder = stage.at("another");
    std::fs::create_dir(&folder).expect("a folder");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=bea", "-c", "user.email=bea@example.com"]).args(args).current_dir(&folder);
        let told = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().expect("git runs");
        assert!(told.status.success(), "git {args:?}");
        String::from_utf8(told.stdout).expect("a text").trim().to_owned()
    };
    git(&["init", "--quiet", "."]);
    std::fs::write(folder.join("secret.txt"), "another's secret\n").expect("a file");
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "secret"]);
    let commit = Commit::parse(&git(&["rev-parse", "HEAD"])).expect("a commit");
    let blob = git(&["rev-parse", "HEAD:secret.txt"]);
    (folder, commit, blob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_that_is_a_file_or_a_link_is_not_followed() {
    let stage = Stage::plain().await;
    let (another, _, _) = another(&stage);
    for leads in ["/etc".to_owned(), stage.at("broker.git").display().to_string(), another.display().to_string()] {
        let agent = stage.agent_in(&format!("work{}", leads.len())).await;
        std::fs::remove_dir_all(agent.at(".git")).expect("gone");
        agent.write(".git", format!("gitdir: {leads}\n"));
        assert_eq!(refused(&stage, &agent).await, "its .git is no folder", "{leads}");
        std::fs::remove_file(agent.at(".git")).expect("gone");
        symlink(&leads, agent.at(".git")).expect("a link");
        assert_eq!(refused(&stage, &agent).await, "its .git is no folder", "{leads}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_others_that_the_agent_points_to_are_not_taken() {
    let stage = Stage::plain().await;
    let (another, commit, blob) = another(&stage);
    let agent = stage.agent().await;
    let theirs = another.join(".git/objects");
    agent.write(".git/objects/info/alternates", format!("{}\n", theirs.display()));
    // A tree of its own around a file of theirs.
    let tree = agent.git_with(&["mktree"], &format!("100644 blob {blob}\tmine.txt\n"));
    let base = agent.workspace.base().as_str();
    let head = agent.git(&["commit-tree", &tree, "-p", base, "-m", "mine"]);
    agent.git(&["reset", "--quiet", "--soft", &head]);
    assert_eq!(agent.git(&["cat-file", "-p", "HEAD:mine.txt"]), "another's secret", "the naive would take it");
    refused(&stage, &agent).await;
    // Or their whole commit.
    agent.git(&["reset", "--quiet", "--soft", commit.as_str()]);
    refused(&stage, &agent).await;
    std::fs::remove_file(agent.at(".git/objects/info/alternates")).expect("gone");
    // Or by links to their objects, one or all.
    let loose = |at: std::path::PathBuf| at.join(&blob[..2]).join(&blob[2..]);
    let mine = agent.at(".git/objects");
    std::fs::create_dir_all(mine.join(&blob[..2])).expect("a folder");
    symlink(loose(theirs.clone()), loose(mine.clone())).expect("a link");
    agent.git(&["reset", "--quiet", "--soft", &head]);
    assert!(refused(&stage, &agent).await.contains("is no file"));
    std::fs::remove_dir_all(mine.join(&blob[..2])).expect("gone");
    symlink(theirs.join(&blob[..2]), mine.join(&blob[..2])).expect("a link");
    refused(&stage, &agent).await;
    std::fs::remove_dir_all(&mine).expect("gone");
    symlink(&theirs, &mine).expect("a link");
    assert_eq!(refused(&stage, &agent).await, "its objects are in no folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_the_broker_are_not_reached_by_pointing_to_them() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let objects = stage.at("broker.git/objects");
    agent.write(".git/objects/info/alternates", format!("{}\n", objects.display()));
    agent.write("one.txt", "1\n");
    let made = agent.commit("one");
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made.clone()));
    let listed = std::fs::read_dir(stage.at("broker.git/scratch")).expect("a folder").count();
    assert_eq!(listed, 0, "nothing is left of what was copied");
    let seen = stage.broker.inspect(agent.workspace.base(), &made).await.expect("an inspection");
    assert_eq!((seen.files, seen.commits), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_names_no_commit_of_the_agents_is_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("one.txt", "1\n");
    agent.commit("one");
    let tree = agent.git(&["rev-parse", "HEAD^{tree}"]);
    let nowhere = "0123456789012345678901234567890123456789";
    for head in [
        "",
        "ref: refs/heads/none",
        "ref: refs/heads/../../HEAD",
        "ref: ../../../../etc/passwd",
        "ref: /etc/passwd",
        "ref: refs/heads/-x",
        "ref: refs/tags/x",
        &tree,
        nowhere,
        &"a".repeat(2_000),
    ] {
        agent.write(".git/HEAD", format!("{head}\n"));
        refused(&stage, &agent).await;
    }
    std::fs::remove_file(agent.at(".git/HEAD")).expect("gone");
    symlink("/etc/hostname", agent.at(".git/HEAD")).expect("a link");
    assert_eq!(refused(&stage, &agent).await, "its HEAD names no commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_found_wherever_git_keeps_it() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("one.txt", "1\n");
    let made = agent.commit("one");
    agent.git(&["pack-refs", "--all"]);
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made.clone()));
    agent.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made));
    // All in one pack, the objects that it was given too.
    agent.write("two.txt", "2\n");
    let made = agent.commit("two");
    agent.git(&["gc", "--quiet", "--prune=now"]);
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_what_its_name_says_is_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("one.txt", "1\n");
    agent.write("two.txt", "2\n");
    agent.commit("one");
    let at = |path: &str| {
        let blob = agent.git(&["rev-parse", &format!("HEAD:{path}")]);
        agent.at(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))
    };
    let (one, two) = (at("one.txt"), at("two.txt"));
    let mut writable = std::fs::metadata(&one).expect("a file").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o644);
    std::fs::set_permissions(&one, writable).expect("a mode");
    std::fs::copy(&two, &one).expect("copied");
    refused(&stage, &agent).await;
    std::fs::write(&one, "no object at all").expect("a file");
    refused(&stage, &agent).await;
    // And an index that lies about a pack is not believed: it is made anew.
    std::fs::remove_file(&one).expect("gone");
    agent.git(&["hash-object", "-w", "one.txt"]);
    agent.git(&["repack", "--quiet", "-d"]);
    let made = agent.head();
    let packs = std::fs::read_dir(agent.at(".git/objects/pack")).expect("packs");
    for entry in packs.map(|entry| entry.expect("an entry").path()) {
        if entry.extension().is_some_and(|ending| ending == "idx") {
            std::fs::remove_file(&entry).expect("gone");
            std::fs::write(&entry, "lies").expect("a file");
        }
    }
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(made));
}

/// Commits whose parents are told otherwise by what lies beside them are what they are.
#[tokio::test(flavor = "multi_thread")]
async fn replaced_and_grafted_commits_are_taken_as_they_are() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let base = agent.workspace.base().clone();
    agent.git(&["checkout", "--quiet", "--orphan", "island"]);
    agent.write("one.txt", "1\n");
    let island = agent.commit("from nowhere");
    let tree = agent.git(&["rev-parse", "HEAD^{tree}"]);
    let pretty = agent.git(&["commit-tree", &tree, "-p", base.as_str(), "-m", "from the base"]);
    agent.git(&["replace", island.as_str(), &pretty]);
    assert_eq!(agent.git(&["rev-list", "--count", "HEAD"]), "3", "the naive are led astray");
    let taken = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    assert_eq!(taken, island);
    let seen = stage.broker.inspect(&base, &taken).await.expect("an inspection");
    assert!(!seen.descends, "{seen:?}");
    agent.git(&["replace", "-d", island.as_str()]);
    agent.write(".git/info/grafts", format!("{} {}\n", island.as_str(), base.as_str()));
    let taken = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    assert!(!stage.broker.inspect(&base, &taken).await.expect("an inspection").descends);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_does_not_come_from_the_base_says_so() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let base = agent.workspace.base().clone();
    let before = agent.git(&["rev-parse", "HEAD~1"]);
    agent.git(&["reset", "--quiet", "--hard", &before]);
    agent.write("one.txt", "1\n");
    agent.commit("beside it");
    let taken = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(&base, &taken).await.expect("an inspection");
    assert!(!seen.descends);
    let paths: Vec<_> = seen.raw.split(|byte| *byte == 0).skip(1).step_by(2).collect();
    assert_eq!(paths, [&b"README.md"[..], b"one.txt"], "what it takes away is told too");
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_that_git_finds_fault_with_are_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let base = agent.workspace.base().as_str().to_owned();
    let blob = agent.git_with(&["hash-object", "-w", "--stdin"], "[core]\n\tfsmonitor = id\n");
    let modules = "[submodule \"x\"]\n\tpath = x\n\turl = -u./evil\n";
    let modules = agent.git_with(&["hash-object", "-w", "--stdin"], modules);
    let inner = agent.git_with(&["mktree"], &format!("100644 blob {blob}\tconfig\n"));
    for (what, tree) in [
        ("hasDotgit", format!("040000 tree {inner}\t.git\n")),
        ("hasDotgit", format!("040000 tree {inner}\t.GIT\n")),
        ("hasDotgit", format!("040000 tree {inner}\tgit~1\n")),
        ("hasDotdot", format!("040000 tree {inner}\t..\n")),
        ("hasDot", format!("040000 tree {inner}\t.\n")),
        ("gitmodulesSymlink", format!("120000 blob {blob}\t.gitmodules\n")),
        ("gitmodulesUrl", format!("100644 blob {modules}\t.gitmodules\n")),
    ] {
        let tree = agent.git_with(&["mktree"], &tree);
        let head = agent.git(&["commit-tree", &tree, "-p", &base, "-m", "odd"]);
        agent.write(".git/HEAD", format!("{head}\n"));
        let why = refused(&stage, &agent).await;
        assert!(why.contains(what), "{what}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_submodules_are_told_by_their_modes() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    symlink("/etc/passwd", agent.at("link")).expect("a link");
    symlink("../../../..", agent.at("up")).expect("a link");
    agent.git(&["add", "link", "up"]);
    let base = agent.workspace.base().clone();
    agent.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", base.as_str())]);
    agent.git(&["commit", "--quiet", "--message", "pointers"]);
    let taken = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(&base, &taken).await.expect("an inspection");
    let raw = String::from_utf8_lossy(&seen.raw).into_owned();
    let fields: Vec<_> = raw.split('\0').collect();
    let modes: Vec<_> =
        fields.chunks(2).filter(|pair| pair.len() == 2).map(|pair| (&pair[0][1..14], pair[1])).collect();
    assert_eq!(modes, [("000000 120000", "link"), ("000000 160000", "sub"), ("000000 120000", "up")]);
    let secret = std::fs::read_to_string("/etc/passwd").expect("a file");
    let first = secret.lines().next().expect("a line");
    assert!(seen.added.iter().all(|added| !added.text.contains(first)), "what is behind a link is not read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_keeps_links_as_links_and_does_not_go_through_them() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let outside = stage.at("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("secret.txt"), "secret of this machine\n").expect("a file");
    agent.write("docs/guide.md", "guide\n");
    agent.commit("docs");
    let base = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    symlink(outside.join("secret.txt"), agent.at("one.txt")).expect("a link");
    std::fs::remove_dir_all(agent.at("docs")).expect("gone");
    std::fs::write(outside.join("guide.md"), "secret of this machine\n").expect("a file");
    symlink(&outside, agent.at("docs")).expect("a link");
    let made = stage.broker.snapshot(&agent.workspace, &run(), &base, &hand(), "m").await.expect("an answer");
    let made = made.expect("a change");
    let seen = stage.broker.inspect(&base, &made).await.expect("an inspection");
    let told = String::from_utf8_lossy(&seen.raw).into_owned();
    let (told, expected) = (told.matches(":000000 120000").count(), 2);
    assert_eq!(told, expected);
    for added in &seen.added {
        assert!(!added.text.contains("secret of this machine"), "{added:?}");
    }
    assert_eq!(seen.files, 3, "the file that was behind the link is gone: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_in_the_folder_is_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    std::fs::create_dir_all(agent.at("nested")).expect("a folder");
    agent.git(&["init", "--quiet", "nested"]);
    agent.write("nested/x.txt", "x\n");
    assert!(unsnapped(&stage, &agent).await.contains("nested/ is another repository"));
    std::fs::remove_dir_all(agent.at("nested")).expect("gone");
    // One that holds files of ours, and one that only says where it is.
    agent.write("src/deep/one.rs", "1\n");
    agent.commit("src");
    agent.git(&["init", "--quiet", "src"]);
    agent.write("src/deep/one.rs", "2\n");
    assert!(unsnapped(&stage, &agent).await.contains("another repository"));
    std::fs::remove_dir_all(agent.at("src/.git")).expect("gone");
    agent.write("src/.git", "gitdir: /etc\n");
    assert!(unsnapped(&stage, &agent).await.contains("another repository"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    std::fs::remove_file(agent.at("README.md")).expect("gone");
    let made = Command::new("mkfifo").arg(agent.at("README.md")).status().expect("mkfifo runs");
    assert!(made.success());
    assert!(unsnapped(&stage, &agent).await.contains("README.md is no file"));
}
