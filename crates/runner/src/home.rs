//! An agent's home for one run: a private folder with its configuration, which is gone when the run is.
//!
//! It lies outside the workspace, so that nothing in it can be committed, and its path is in the environment of every
//! process of the run, by which those are known.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;

use crate::agent::{Agent, Brief};

/// The variable in which Codex finds the token.
pub(crate) const TOKEN_VARIABLE: &str = "GAPWRIGHT_TOKEN";
/// Where Codex's provider is when the operator names no other.
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// A private folder for one agent.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// Makes one with the configuration of this agent, which only we can read.
    pub fn make(agent: &Agent, brief: &Brief) -> io::Result<Self> {
        let private = fs::Permissions::from_mode(0o700);
        let home = Self(tempfile::Builder::new().prefix("gapwright-").permissions(private).tempdir_in(&brief.homes)?);
        fs::create_dir(home.scratch())?;
        match agent {
            Agent::Claude { .. } => write(&home.mcp(), &mcp(brief))?,
            Agent::Codex { .. } => {
                fs::create_dir(home.codex())?;
                write(&home.codex().join("config.toml"), &codex(brief))?;
            }
            Agent::Command { .. } => {
                write(&home.mcp(), &mcp(brief))?;
                write(&home.token(), brief.mcp.token.expose_secret())?;
            }
        }
        Ok(home)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// For temporary files.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// The configuration of the server in the form that Claude Code and many others read.
    pub(crate) fn mcp(&self) -> PathBuf {
        self.path().join("mcp.json")
    }

    /// The token alone.
    pub(crate) fn token(&self) -> PathBuf {
        self.path().join("token")
    }

    /// Codex's own folder.
    pub(crate) fn codex(&self) -> PathBuf {
        self.path().join(".codex")
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn mcp(brief: &Brief) -> String {
    let bearer = format!("Bearer {}", brief.mcp.token.expose_secret());
    let server = json!({"type": "http", "url": brief.mcp.url, "headers": {"Authorization": bearer}});
    json!({"mcpServers": {"gapwright": server}}).to_string()
}

/// A provider by name, for the built-in one does not read a key from the environment. Commands see no key and no token,
/// and write nowhere but in the workspace and the run's own temporary folder. Without the server it does not begin.
fn codex(brief: &Brief) -> String {
    // A JSON string is a TOML string: TOML knows every escape of JSON.
    let base = json!(brief.environment.passed("OPENAI_BASE_URL").unwrap_or(OPENAI_BASE_URL));
    let url = json!(brief.mcp.url);
    format!(
        r#"model_provider = "gapwright"
approval_policy = "never"
web_search = "disabled"
project_doc_max_bytes = 0
check_for_update_on_startup = false

[model_providers.gapwright]
name = "gapwright"
base_url = {base}
wire_api = "responses"
env_key = "OPENAI_API_KEY"

[mcp_servers.gapwright]
url = {url}
bearer_token_env_var = "{TOKEN_VARIABLE}"
required = true
default_tools_approval_mode = "approve"

[shell_environment_policy]
inherit = "core"

[sandbox_workspace_write]
exclude_slash_tmp = true

[analytics]
enabled = false
"#
    )
}
