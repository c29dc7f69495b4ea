//! Agents that mean harm, and agents that make what nobody may hand in: nothing of it is pushed, and nothing of it runs.

use super::*;

async fn refused(play: &str, why: &str) {
    let yard = Yard::new(Level::Propose).await;
    let outcome = yard.works(Stage::Implementer, sh(play)).await;
    yard.failed(&outcome, why).await;
    yard.end().await;
}

async fn refused_commit(play: &str, why: &str) {
    refused(&format!("{play}\n{COMMIT}"), why).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_out_of_the_tree() {
    refused_commit("ln -s /etc/passwd src/users", "is a symbolic link").await;
    // As it stands in the folder, too.
    refused("ln -s ../../../etc/passwd src/users", "is a symbolic link").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_in_it() {
    let play =
        "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),vendor && git commit -qm 'feat: vendor'";
    refused(play, "is another repository").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files() {
    refused_commit("mkdir many; cd many; seq 10000 | split -l 1 -a 5 - f; cd ..", "and 40 are the most").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_more_than_a_mebibyte() {
    refused_commit("head -c 1048577 /dev/zero >src/blob.bin", "and 1048576 are the most").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_anybody_can_be_shown() {
    let line = "seq 300 | while read n; do head -c 1000 /dev/zero | tr '\\0' x; echo; done >src/wide.rs";
    refused_commit(line, "its difference has more than 204800 bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret() {
    let (head, tail) = ("ghp_", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
    refused_commit(&format!("echo 'token = \"{head}{tail}\"' >src/key.rs"), "has what looks like").await;
    // In a commit that a later one takes back, its message tells.
    let play = format!("echo x >src/a.rs; git add -A; git commit -qm 'feat: {head}{tail}'");
    refused(&play, "has what looks like").await;
}

/// Every commit is pushed, and not only what the last one leaves.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_commit_takes_away_again() {
    let (head, tail) = ("ghp_", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
    for (makes, why) in [
        (format!("echo 'token = \"{head}{tail}\"' >src/key.rs"), "take it out of every commit"),
        ("ln -s /etc/passwd src/key.rs".to_owned(), "is a symbolic link"),
        ("head -c 1048577 /dev/zero >src/key.rs".to_owned(), "every one of its commits counts"),
    ] {
        let first = format!("{makes}; git add -A; git commit -qm 'feat: key'");
        refused_commit(&format!("{first}; git rm -q --force src/key.rs; echo 'pub fn a() {{}}' >src/a.rs"), why).await;
    }
    // Nor what a merge leaves behind.
    let side = format!("git checkout -qb side; echo '{head}{tail}' >key; git add -A; git commit -qm 'feat: key'");
    let play = format!(
        "{side}; git checkout -q {BRANCH}; echo 'pub fn a() {{}}' >src/a.rs; {COMMIT}; git merge -qs ours -m 'feat: both' side"
    );
    refused(&play, "take it out of every commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history() {
    let play = "git checkout -q --orphan other; echo x >src/a.rs; git add -A; git commit -qm 'feat: anew'";
    refused(play, "nothing in common").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_repository_any_more() {
    refused("rm -rf .git; echo x >src/a.rs", "what the agent left is not taken").await;
    refused("rm -rf .git; ln -s $YARD/home.git .git", "what the agent left is not taken").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_would_run_programs_runs_none() {
    let yard = Yard::new(Level::Propose).await;
    let canary = "touch $YARD/canary; exit 1";
    let play = format!(
        r#"echo 'pub fn a() {{}}' >src/a.rs
{COMMIT}
printf '#!/bin/sh\n{canary}\n' >.git/run; chmod +x .git/run
for hook in pre-push post-checkout reference-transaction pre-commit post-index-change update pre-receive; do
    mkdir -p .git/hooks; cp .git/run .git/hooks/$hook
done
cat >>.git/config <<EOF
[core]
	fsmonitor = $PWD/.git/run
	hooksPath = $PWD/.git/hooks
	sshCommand = $PWD/.git/run
	pager = $PWD/.git/run
[credential]
	helper = !$PWD/.git/run
[url "$YARD/elsewhere.git"]
	insteadOf = $YARD/home.git
	pushInsteadOf = $YARD/home.git
[filter "run"]
	clean = $PWD/.git/run
	smudge = $PWD/.git/run
[diff]
	external = $PWD/.git/run
[uploadpack]
	packObjectsHook = $PWD/.git/run
[include]
	path = $PWD/.git/more
EOF
echo '* filter=run diff=run' >.git/info/attributes || {{ mkdir .git/info; echo '* filter=run' >.git/info/attributes; }}
cp -r $YARD/home.git $YARD/elsewhere.git"#
    );
    let outcome = yard.works(Stage::Implementer, sh(&play)).await;
    assert_eq!(outcome.end, End::HandedIn, "{:?}", yard.run(&outcome.job).await);
    assert!(!yard.path("canary").exists(), "a program of the agent's ran");
    assert_eq!(yard.branches(), [BRANCH]);
    let elsewhere = std::fs::read_dir(yard.path("elsewhere.git/refs/heads")).expect("a folder").flatten();
    let elsewhere: Vec<_> = elsewhere.map(|entry| entry.file_name()).collect();
    assert!(!elsewhere.contains(&"gapwright".into()), "it was pushed elsewhere");
    yard.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_s_token_opens_nothing_but_its_job() {
    let yard = Yard::new(Level::Propose).await;
    let claims = r#"for tool in claim-routine-job complete-routine-job list-routine-jobs delegate-claim renew-routine-job; do
        curl -s -X POST $GAPWRIGHT_MCP_URL -H "Authorization: Bearer $(cat $GAPWRIGHT_TOKEN_FILE)" -H 'Content-Type: application/json' \
            -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' \
            -H "Mcp-Name: monolith-agent-$tool" \
            -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"monolith-agent-'$tool'","arguments":{"claim_id":"'$GAPWRIGHT_CLAIM'","holder":"w","ttl_secs":60,"name":"x","status":"ok"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}' | grep -o '"code":"[a-z_]*"'
    done"#;
    let outcome = yard.works(Stage::Implementer, sh(claims)).await;
    let told = yard.run(&outcome.job).await.summary.expect("what it was told");
    assert_eq!(told.lines().filter(|line| line.contains("forbidden")).count(), 5, "{told}");
    yard.end().await;
}
