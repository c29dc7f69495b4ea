//! The agents that we can run, and the exact command line of each.
//!
//! The prompt is always on standard input and the token always in a file or a variable: neither is ever an argument,
//! which every user of the machine may read, and nothing passes through a shell.

use std::path::{Path, PathBuf};

use domain::agent::Role;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

use crate::environment::Environment;
use crate::home::{Home, TOKEN_VARIABLE};
use crate::run::Limits;

/// The longest text that names an agent, in bytes.
pub const AGENT_TEXT_MAX: usize = 4_096;

/// An agent's command line interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code; checked with 2.1.330.
    Claude {
        /// The program: a name that is looked up, or an absolute path.
        program: PathBuf,
    },
    /// Codex; checked with 0.169.0.
    Codex {
        /// The program: a name that is looked up, or an absolute path.
        program: PathBuf,
    },
    /// Anything else. It is told by variables where everything is, and what it uses is unknown.
    Command {
        /// The program and its arguments, at least one word.
        argv: Vec<String>,
    },
}

/// What an agent is to do, for whom, and with what.
#[derive(Debug, Clone)]
pub struct Brief {
    /// The name of the job.
    pub job: String,
    /// The claim on it.
    pub claim: String,
    /// The part that the agent plays.
    pub role: Role,
    /// The folder it works in, an absolute path.
    pub workspace: PathBuf,
    /// The folder in which its private home is made, an absolute path outside the workspace.
    pub homes: PathBuf,
    /// The server that it may ask.
    pub mcp: Mcp,
    /// What it is told first.
    pub prompt: String,
    /// What it may do to the workspace.
    pub tools: Tools,
    /// The model, where the agent lets one choose; otherwise the agent's own choice.
    pub model: Option<String>,
    /// The most turns, where the agent counts them, which is Claude Code alone.
    pub turns_max: Option<u32>,
    /// What it gets to know of the environment around it.
    pub environment: Environment,
}

/// Our own server, as one agent reaches it.
#[derive(Debug, Clone)]
pub struct Mcp {
    /// Its address, such as `http://127.0.0.1:8717/mcp`.
    pub url: String,
    /// The token for this job only.
    pub token: SecretString,
}

/// What an agent may do to its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// Reads files.
    Read,
    /// Reads and writes files and runs commands.
    Write,
}

impl Tools {
    /// Only who implements writes.
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Implementer => Self::Write,
            Role::Viewer | Role::Routine | Role::Planner | Role::Reviewer | Role::Merger | Role::Operator => Self::Read,
        }
    }
}

/// Why a text names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAgent {
    /// There is nothing in it.
    #[error("no agent is named: say claude, codex or a command line")]
    Empty,
    /// It is longer than any command line should be.
    #[error("the command line is longer than {AGENT_TEXT_MAX} bytes")]
    Long,
    /// It does not fall into words.
    #[error("the command line has a quote that is not closed, or ends in a backslash")]
    Quotes,
    /// The program is in a folder that depends on where we are, which for an agent is a workspace.
    #[error("the program {0:?} is neither a name nor an absolute path")]
    Relative(String),
}

impl Agent {
    /// The program that is started: a name that is looked up, or an absolute path.
    pub fn program(&self) -> &Path {
        match self {
            Self::Claude { program } | Self::Codex { program } => program,
            Self::Command { argv } => Path::new(argv.first().map_or("", String::as_str)),
        }
    }

    /// Whether its own stream tells us what it uses; otherwise its own word is all there is.
    pub const fn is_metered(&self) -> bool {
        match self {
            Self::Claude { .. } | Self::Codex { .. } => true,
            Self::Command { .. } => false,
        }
    }

    /// Reads `claude`, `codex`, an absolute path to either, or a command line, which is split as a shell would split it
    /// and then run without one.
    pub fn parse(text: &str) -> Result<Self, BadAgent> {
        if text.len() > AGENT_TEXT_MAX {
            return Err(BadAgent::Long);
        }
        let argv = shlex::split(text).ok_or(BadAgent::Quotes)?;
        let program = PathBuf::from(argv.first().filter(|word| !word.is_empty()).ok_or(BadAgent::Empty)?);
        if program.components().count() > 1 && !program.is_absolute() || program.file_name().is_none() {
            return Err(BadAgent::Relative(program.display().to_string()));
        }
        let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Ok(match (name, argv.len()) {
            ("claude", 1) => Self::Claude { program },
            ("codex", 1) => Self::Codex { program },
            _ => Self::Command { argv },
        })
    }

    /// Its name in records: `claude`, `codex`, or the program of a command.
    pub fn name(&self) -> &str {
        match self {
            Self::Claude { .. } => "claude",
            Self::Codex { .. } => "codex",
            Self::Command { argv } => argv.first().map_or("", String::as_str),
        }
    }

    /// The command that does what the brief says, within its limits, at home in `home`; the prompt is yet to be written
    /// to its standard input.
    pub fn command(&self, brief: &Brief, limits: &Limits, home: &Home) -> Command {
        let mut command = match self {
            Self::Claude { program } => claude(program, brief, limits, home),
            Self::Codex { program } => codex(program, brief),
            Self::Command { argv } => {
                let mut command = Command::new(argv.first().map_or("", String::as_str));
                command.args(argv.iter().skip(1));
                command
            }
        };
        command.current_dir(&brief.workspace);
        brief.environment.give(&mut command);
        command.env("HOME", home.path()).env("TMPDIR", home.scratch());
        match self {
            Self::Claude { .. } => {
                command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("DISABLE_AUTOUPDATER", "1");
            }
            Self::Codex { .. } => {
                command.env("CODEX_HOME", home.codex()).env(TOKEN_VARIABLE, brief.mcp.token.expose_secret());
            }
            Self::Command { .. } => {
                command.env("GAPWRIGHT_MCP_URL", &brief.mcp.url).env("GAPWRIGHT_MCP_CONFIG", home.mcp());
                command.env("GAPWRIGHT_TOKEN_FILE", home.token());
                command.env("GAPWRIGHT_JOB", &brief.job).env("GAPWRIGHT_CLAIM", &brief.claim);
                command.env("GAPWRIGHT_ROLE", brief.role.name()).env("GAPWRIGHT_WORKSPACE", &brief.workspace);
            }
        }
        command
    }
}

/// `--restricted` keeps the settings, hooks and servers of the workspace out, which whoever wrote the pull request may
/// have written, and its file tools in. Partial messages tell what a turn costs when it ends, not when it begins.
fn claude(program: &Path, brief: &Brief, limits: &Limits, home: &Home) -> Command {
    let mut command = Command::new(program);
    command.arg("-p").arg("--mcp-config").arg(home.mcp()).args(["--strict-mcp-config", "--restricted"]);
    // ToolSearch finds the tools of the server, whose descriptions are not loaded at first.
    let (tools, allowed, mode) = match brief.tools {
        Tools::Read => ("Read,Grep,Glob,ToolSearch", "Read,Grep,Glob,mcp__gapwright", "dontAsk"),
        Tools::Write => ("Read,Grep,Glob,Edit,Write,Bash,ToolSearch", "Bash,mcp__gapwright", "acceptEdits"),
    };
    command.args(["--tools", tools, "--allowedTools", allowed]);
    command.args(["--permission-mode", mode, "--permission-prompts", "none"]);
    command.args(["--output-format", "stream-json", "--verbose", "--include-partial-messages"]);
    command.arg("--no-session-persistence");
    if let Some(model) = &brief.model {
        command.arg(format!("--model={model}"));
    }
    if let Some(turns) = brief.turns_max {
        command.arg(format!("--max-turns={turns}"));
    }
    if let Some(micro_usd) = limits.micro_usd {
        let micro_usd = micro_usd.max(0);
        command.arg(format!("--max-budget-usd={}.{:06}", micro_usd / 1_000_000, micro_usd % 1_000_000));
    }
    command
}

/// The server, its address and the rest of the rules are in the configuration in its home.
fn codex(program: &Path, brief: &Brief) -> Command {
    let mut command = Command::new(program);
    command.args(["exec", "--json", "--skip-git-repo-check", "--ephemeral", "--strict-config"]);
    let sandbox = match brief.tools {
        Tools::Read => "read-only",
        Tools::Write => "workspace-write",
    };
    command.args(["--sandbox", sandbox]);
    if let Some(model) = &brief.model {
        command.arg(format!("--model={model}"));
    }
    command.arg("-");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &Agent) {
        assert_eq!(Agent::parse(text).as_ref(), Ok(expect), "{text}");
    }

    fn check_bad(text: &str, why: &BadAgent) {
        assert_eq!(Agent::parse(text).as_ref(), Err(why), "{text}");
    }

    fn command(argv: &[&str]) -> Agent {
        Agent::Command { argv: argv.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn an_agent_is_named_by_a_word_a_path_or_a_command_line() {
        check("claude", &Agent::Claude { program: "claude".into() });
        check(" /opt/bin/claude ", &Agent::Claude { program: "/opt/bin/claude".into() });
        check("codex", &Agent::Codex { program: "codex".into() });
        check("claude --bare", &command(&["claude", "--bare"]));
        check("aider --message 'two words' $HOME", &command(&["aider", "--message", "two words", "$HOME"]));
    }

    #[test]
    fn what_names_no_agent_says_why() {
        check_bad("", &BadAgent::Empty);
        check_bad("''", &BadAgent::Empty);
        check_bad("sh -c 'half", &BadAgent::Quotes);
        check_bad("./claude", &BadAgent::Relative("./claude".to_owned()));
        check_bad("bin/agent", &BadAgent::Relative("bin/agent".to_owned()));
        check_bad("..", &BadAgent::Relative("..".to_owned()));
        check_bad(&"x".repeat(AGENT_TEXT_MAX + 1), &BadAgent::Long);
    }

    #[test]
    fn only_the_implementer_writes() {
        let writers: Vec<_> = Role::ALL.into_iter().filter(|role| Tools::of(*role) == Tools::Write).collect();
        assert_eq!(writers, [Role::Implementer]);
    }
}
