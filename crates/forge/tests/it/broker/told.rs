//! What is told of a change: the change itself has no say in it.

use forge::broker::{Added, Message};

use super::stage::{Stage, run};

#[tokio::test(flavor = "multi_thread")]
async fn attributes_of_the_change_hide_nothing() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write(".gitattributes", "* -diff -text\n*.rs linguist-generated\n");
    agent.write("evil.rs", "fn evil() {}\n");
    agent.write("README.md", "# Changed\n");
    let head = agent.commit("hidden");
    assert!(!agent.git(&["diff", "HEAD~1"]).contains("fn evil"), "the naive see nothing");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let base = agent.workspace.base();
    let diff = stage.broker.diff(base, &head, 1 << 20).await.expect("a diff");
    for part in ["+fn evil() {}\n", "--- a/README.md\n+++ b/README.md\n", "-# A repository\n+# Changed\n"] {
        assert!(diff.text.contains(part), "{}", diff.text);
    }
    let seen = stage.broker.inspect(base, &head).await.expect("an inspection");
    assert_eq!((seen.lines, seen.binary.len()), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_this_machine_and_of_the_broker_change_no_diff() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("a.txt", "a\n");
    let head = agent.commit("a");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let base = agent.workspace.base();
    let plain = stage.broker.diff(base, &head, 1 << 20).await.expect("a diff");
    let trap = stage.trap();
    let config = format!(
        "[diff]\n\texternal = {0}\n\tnoprefix = true\n\tmnemonicPrefix = true\n\torderFile = /etc/passwd\n\
         [color]\n\tui = always\n\tdiff = always\n[core]\n\tabbrev = 4\n\tpager = {0}\n",
        trap.path()
    );
    let at = stage.at("broker.git/config");
    let was = std::fs::read_to_string(&at).expect("a file");
    std::fs::write(&at, was + &config).expect("a file");
    assert_eq!(stage.broker.diff(base, &head, 1 << 20).await, Ok(plain));
    assert!(!trap.sprung());
}

/// A secret in a file with a NUL in it is seen by whoever looks for it, though no diff shows it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_is_told_file_by_file_though_it_counts_as_binary() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write("odd \"é\".txt", "one\n+++ b/elsewhere\n@@ -1 +1 @@\n");
    agent.write("nul.rs", b"let key = 1;\n\0\n");
    agent.write("README.md", "# A repository\nmore\n");
    let head = agent.commit("added");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection");
    let added = |path: &str, text: &str| Added { path: path.to_owned(), text: text.to_owned() };
    let expected = [
        added("README.md", "more\n"),
        added("nul.rs", "let key = 1;\n\0\n"),
        added("odd \"é\".txt", "one\n+++ b/elsewhere\n@@ -1 +1 @@\n"),
    ];
    assert_eq!(seen.added, expected);
    assert_eq!(seen.binary, ["nul.rs"]);
    assert_eq!((seen.largest_blob, seen.files, seen.lines), (32, 3, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_moves_is_told_on_both_sides() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.git(&["mv", "README.md", "other.txt"]);
    let head = agent.commit("moved");
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection");
    let raw = String::from_utf8(seen.raw).expect("a text");
    let paths: Vec<_> = raw.split('\0').skip(1).step_by(2).collect();
    assert_eq!(paths, ["README.md", "other.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_told_with_who_says_them() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.git(&["commit", "--quiet", "--allow-empty", "--message", "one\n\nwhy\n"]);
    let by = "--author=Bea <bea@example.com>";
    agent.git(&["commit", "--quiet", "--allow-empty", by, "--allow-empty-message", "--message", ""]);
    let head = agent.head();
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection");
    let us = "Agent \"A\" One <agent@example.com>";
    let expected = [
        Message { by: format!("Bea <bea@example.com>\n{us}"), text: String::new() },
        Message { by: format!("{us}\n{us}"), text: "one\n\nwhy".to_owned() },
    ];
    assert_eq!(seen.messages, expected);
    assert_eq!((seen.commits, seen.files, seen.descends), (2, 0, true));
}
