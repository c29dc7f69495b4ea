//! What an agent finds around it, and what others see of it.

use std::collections::BTreeSet;

use domain::agent::Role;
use runner::{Agent, Brief, Home, How, Limits};

use super::{Place, TOKEN, claude, codex, limits, shell};

/// What a shell sets by itself.
const SHELLS: [&str; 4] = ["OLDPWD", "PWD", "SHLVL", "_"];

async fn check_environment(agent: &Agent, own: &[&str]) {
    // The test's own environment is full: cargo's is in it.
    let ended = Place::new().run(agent, "env | cut -d= -f1 >env.txt; cat env.txt >&2; exit 1").await;
    let names: BTreeSet<_> = ended.error.unwrap_or_default().lines().map(str::to_owned).collect();
    let mut expect: BTreeSet<_> = ["ANTHROPIC_API_KEY", "HOME", "LANG", "PATH", "PLAY", "TERM", "TMPDIR"].into();
    expect.extend(own);
    let names: BTreeSet<_> = names.iter().map(String::as_str).filter(|name| !SHELLS.contains(name)).collect();
    assert_eq!(names, expect, "{agent:?}");
}

#[tokio::test]
async fn the_environment_holds_what_is_allowed_and_nothing_else() {
    check_environment(&claude(), &["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER"]).await;
    check_environment(&codex(), &["CODEX_HOME", "GAPWRIGHT_TOKEN"]).await;
    let ours = ["CLAIM", "JOB", "MCP_CONFIG", "MCP_URL", "ROLE", "TOKEN_FILE", "WORKSPACE"];
    let ours = ours.map(|name| format!("GAPWRIGHT_{name}"));
    check_environment(&shell(), &ours.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn the_token_is_in_no_argument_and_not_in_the_workspace() {
    for agent in [claude(), codex(), shell()] {
        let place = Place::new();
        let play = "tr '\\0' '\\n' </proc/$$/cmdline >seen.txt; pwd >>seen.txt; find . -type f >&2; exit 1";
        let ended = place.run(&agent, play).await;
        assert_eq!(ended.error.as_deref(), Some("./seen.txt"), "{agent:?}");
        let seen = std::fs::read_to_string(place.path("workspace/seen.txt")).expect("what it saw");
        assert!(seen.contains(&place.path("workspace").display().to_string()), "{seen}");
        assert!(!seen.contains(TOKEN), "{seen}");
        assert!(!format!("{:?}", place.brief("")).contains(TOKEN), "a token is never told");
    }
}

#[tokio::test]
async fn its_home_is_private_and_gone_with_it() {
    let place = Place::new();
    let look = "cd $HOME; stat -c '%a %n' . * .codex/*; echo $HOME; chmod 500 . ; chmod 700 .";
    let ended = place.run(&shell(), look).await;
    let home = ended.last_words.lines().last().unwrap_or_default().to_owned();
    assert!(home.starts_with(&place.path("homes").display().to_string()), "{}", ended.last_words);
    for line in ["700 .", "600 mcp.json", "600 token"] {
        assert!(ended.last_words.lines().any(|found| found == line), "{}", ended.last_words);
    }
    assert!(!std::path::Path::new(&home).exists(), "its home is left");
}

#[tokio::test]
async fn a_command_finds_the_server_its_job_and_the_prompt() {
    let place = Place::new();
    let play = "cat; for v in JOB CLAIM ROLE MCP_URL; do eval echo \\$GAPWRIGHT_$v; done; cat $GAPWRIGHT_TOKEN_FILE; echo; cat $GAPWRIGHT_MCP_CONFIG";
    let ended = place.run(&shell(), play).await;
    let config = r#"{"mcpServers":{"gapwright":{"headers":{"Authorization":"Bearer gapw_the_token_of_this_job"},"type":"http","url":"http://127.0.0.1:9/mcp"}}}"#;
    let expect = format!("gojob-1\nclaim-1\nimplementer\nhttp://127.0.0.1:9/mcp\n{TOKEN}\n{config}");
    assert_eq!((ended.how, ended.last_words), (How::Exited(0), expect));
}

/// The words of the command line, its home as `HOME`.
fn words(agent: &Agent, role: Role, model: Option<&str>, limits: Limits) -> String {
    let place = Place { role, ..Place::new() };
    let brief = Brief { model: model.map(str::to_owned), turns_max: model.map(|_| 40), ..place.brief("") };
    let home = Home::make(agent, &brief).expect("a home");
    let command = agent.command(&brief, &limits, &home);
    let words: Vec<_> = command.as_std().get_args().map(|word| word.to_str().expect("a text")).collect();
    words.join(" ").replace(home.path().to_str().expect("a path"), "HOME")
}

#[test]
fn the_command_lines_are_those_that_were_tried_with_the_real_agents() {
    let limited = Limits { micro_usd: Some(1_500_000), ..limits() };
    let told = "--output-format stream-json --verbose --include-partial-messages --no-session-persistence";
    let begin = "-p --mcp-config HOME/mcp.json --strict-mcp-config --restricted --tools";
    assert_eq!(
        words(&claude(), Role::Implementer, Some("sonnet"), limited),
        format!(
            "{begin} Read,Grep,Glob,Edit,Write,Bash,ToolSearch --allowedTools Bash,mcp__gapwright --permission-mode acceptEdits \
             --permission-prompts none {told} --model=sonnet --max-turns=40 --max-budget-usd=1.500000"
        )
    );
    assert_eq!(
        words(&claude(), Role::Reviewer, None, limits()),
        format!(
            "{begin} Read,Grep,Glob,ToolSearch --allowedTools Read,Grep,Glob,mcp__gapwright --permission-mode dontAsk \
             --permission-prompts none {told}"
        )
    );
    let begin = "exec --json --skip-git-repo-check --ephemeral --strict-config --sandbox";
    let words = |role, model| words(&codex(), role, model, limited);
    assert_eq!(words(Role::Implementer, Some("gpt-5.5")), format!("{begin} workspace-write --model=gpt-5.5 -"));
    assert_eq!(words(Role::Merger, None), format!("{begin} read-only -"));
}

#[tokio::test]
async fn codex_finds_the_server_and_its_rules_in_its_home() {
    let ended = Place::new().run(&codex(), "cat $CODEX_HOME/config.toml >&2; exit 1").await;
    let config = ended.error.unwrap_or_default();
    for line in [
        "url = \"http://127.0.0.1:9/mcp\"",
        "bearer_token_env_var = \"GAPWRIGHT_TOKEN\"",
        "base_url = \"https://api.openai.com/v1\"",
        "inherit = \"core\"",
        "required = true",
    ] {
        assert!(config.lines().any(|found| found == line), "{config}");
    }
    assert!(!config.contains(TOKEN));
}
