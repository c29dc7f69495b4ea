//! What single commits of a change do, and the whole does not: it is published all the same.

use forge::broker::{Cut, Inspection};

use super::stage::{Agent, Stage, branch, run};
use crate::exam::workshop::{Change, Workshop};

/// What is read of what an agent has committed.
async fn seen(stage: &Stage, agent: &Agent) -> Inspection {
    let head = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection")
}

/// The commit at the head, as it is told.
fn short(agent: &Agent) -> String {
    agent.head().as_str()[..10].to_owned()
}

fn told(path: &str, commit: &str) -> String {
    format!("{path} (in the commit {commit}: take it out of every commit)")
}

/// Path and text of what is added.
fn added(seen: &Inspection) -> Vec<(&str, &str)> {
    seen.added.iter().map(|added| (added.path.as_str(), added.text.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_commit_adds_and_the_next_takes_away_is_told_with_its_commit() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("key.txt", "a secret\n");
    agent.write("kept.txt", "kept\n");
    agent.commit("with a secret");
    let first = short(&agent);
    agent.git(&["rm", "--quiet", "key.txt"]);
    agent.write("kept.txt", "kept\nmore\n");
    agent.commit("without");
    let seen = seen(&stage, &agent).await;
    let told = told("key.txt", &first);
    assert_eq!(added(&seen), [("kept.txt", "kept\nmore\n"), (told.as_str(), "a secret\n")]);
    assert_eq!((seen.files, seen.commits, seen.cut.len()), (1, 2, 0), "the whole change stays what it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_a_repository_and_a_large_file_that_are_gone_again_are_told() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    std::os::unix::fs::symlink("/etc/passwd", agent.at("link")).expect("a link");
    agent.write("big.bin", "x".repeat(2 << 20));
    let other = format!("160000,{},other", agent.workspace.base().as_str());
    agent.git(&["update-index", "--add", "--cacheinfo", &other]);
    agent.git(&["add", "link", "big.bin"]);
    agent.git(&["commit", "--quiet", "--message", "much"]);
    let first = short(&agent);
    agent.git(&["rm", "--quiet", "--cached", "link", "other", "big.bin"]);
    for gone in ["link", "big.bin"] {
        std::fs::remove_file(agent.at(gone)).expect("removed");
    }
    agent.write("a.txt", "a\n");
    agent.commit("little");
    let seen = seen(&stage, &agent).await;
    assert_eq!((seen.largest_blob, seen.files), (2 << 20, 1));
    let raw = String::from_utf8(seen.raw).expect("a text");
    let fields: Vec<_> = raw.split('\0').collect();
    let paths: Vec<_> = fields.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(paths, ["a.txt", &told("link", &first), &told("other", &first)]);
    assert!(fields[2].starts_with(":000000 120000 ") && fields[4].starts_with(":000000 160000 "), "{raw:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_leaves_the_other_side_behind_does_not_hide_it() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("a.txt", "a\n");
    agent.commit("a");
    agent.git(&["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    agent.write("key.txt", "a secret\n");
    agent.commit("with a secret");
    let side = short(&agent);
    agent.git(&["checkout", "--quiet", super::stage::BRANCH]);
    agent.git(&["merge", "--quiet", "--strategy=ours", "--message", "ours", "side"]);
    let seen = seen(&stage, &agent).await;
    assert_eq!(added(&seen), [("a.txt", "a\n"), (told("key.txt", &side).as_str(), "a secret\n")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_without_a_beginning_in_common_does_not_hide_it_either() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("a.txt", "a\n");
    agent.commit("a");
    agent.git(&["checkout", "--quiet", "--orphan", "apart"]);
    agent.git(&["rm", "--quiet", "-r", "--force", "."]);
    agent.write("key.txt", "a secret\n");
    agent.commit("apart");
    let apart = short(&agent);
    agent.git(&["checkout", "--quiet", super::stage::BRANCH]);
    let ours = ["merge", "--quiet", "--strategy=ours", "--allow-unrelated-histories", "--message", "ours", "apart"];
    agent.git(&ours);
    let seen = seen(&stage, &agent).await;
    assert_eq!(added(&seen), [("a.txt", "a\n"), (told("key.txt", &apart).as_str(), "a secret\n")]);
}

/// People bring what was merged meanwhile into the branch of a change: it is no part of the change. What they write while
/// they settle a conflict is.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_counts_what_none_of_its_parents_has() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("README.md", "# A repository\nours\n");
    agent.commit("ours");
    Workshop::at(&stage.remote.url).commit(
        "main",
        &[Change::text("README.md", "# A repository\ntheirs\n"), Change::text("other.txt", "a known secret\n")],
    );
    let onto = stage.fetched("main").await;
    agent.git(&["fetch", "--quiet", &stage.remote.url, "main"]);
    let merge = ["-c", "merge.conflictStyle=merge", "merge", "--quiet", "--no-commit", "FETCH_HEAD"];
    agent.tried(&merge, b"");
    agent.write("README.md", "# A repository\nours\ntheirs\nof the merge\n");
    agent.commit("merged");
    let merge = short(&agent);
    agent.write("README.md", "# A repository\nours\ntheirs\n");
    agent.commit("settled");
    let head = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let base = stage.broker.parted(&onto, &head).await.expect("an answer").expect("a base");
    assert_eq!(base, onto);
    let seen = stage.broker.inspect(&base, &head).await.expect("an inspection");
    assert_eq!(added(&seen), [("README.md", "ours\n"), (told("README.md", &merge).as_str(), "of the merge\n")]);
    assert_eq!((seen.files, seen.cut.len()), (1, 0));
    let pushed = stage.broker.push(&stage.remote, &branch(super::stage::BRANCH), None, &head).await;
    assert_eq!(pushed, Ok(forge::broker::Pushed::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_of_too_many_is_not_looked_at_and_said_to_be_so() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("a.txt", "a\n");
    agent.commit("a");
    let tree = agent.git(&["rev-parse", "HEAD^{tree}"]);
    let head = agent.head().as_str().to_owned();
    // Parents that git itself would leave out as repeated are each another commit.
    let parents: Vec<_> = (0..150)
        .map(|number| {
            agent.git(&["commit-tree", "-m", &number.to_string(), "-p", &head, tree.trim()]).trim().to_owned()
        })
        .collect();
    let mut merge = head;
    for twice in ["one", "two", "three"] {
        let mut words = vec!["commit-tree", "-m", twice, "-p", &merge];
        words.extend(parents.iter().flat_map(|parent| ["-p", parent.as_str()]));
        words.push(tree.trim());
        let made = agent.git(&words).trim().to_owned();
        merge = made;
    }
    agent.git(&["reset", "--quiet", "--hard", &merge]);
    let seen = seen(&stage, &agent).await;
    assert_eq!(&seen.cut[..], [Cut::Commits]);
}

/// Its paths are arguments of git, of which a system takes so many bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_of_paths_without_end_is_not_looked_at_and_said_to_be_so() {
    for (files, cut) in [(2, vec![]), (40, vec![Cut::Added])] {
        let stage = Stage::plain().await;
        let agent = stage.agent().await;
        let deep = vec!["d".repeat(200); 9].join("/");
        let says = |text: &str| {
            for number in 0..files {
                agent.write(&format!("{deep}/{number}.txt"), format!("{text}\n"));
            }
        };
        says("one");
        let one = agent.commit("one").as_str().to_owned();
        agent.git(&["reset", "--quiet", "--hard", agent.workspace.base().as_str()]);
        says("two");
        let two = agent.commit("two").as_str().to_owned();
        says("of the merge");
        agent.git(&["add", "--all"]);
        let tree = agent.git(&["write-tree"]).trim().to_owned();
        let merge = agent.git(&["commit-tree", "-m", "merge", "-p", &one, "-p", &two, &tree]).trim().to_owned();
        agent.git(&["reset", "--quiet", "--hard", &merge]);
        assert_eq!(seen(&stage, &agent).await.cut, cut, "{files} files");
    }
}
