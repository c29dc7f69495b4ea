//! What an agent may know of the environment around it: a way to programs, a language, and the variables of its model's
//! provider that an operator named. Everything else, the operator's own credentials first, stays out.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

/// The variables that are passed on when they are set: the keys and addresses of the models that we know, and the way
/// out of a network.
pub const PROVIDERS: [&str; 11] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "SSL_CERT_FILE",
];

/// Where programs are found when nobody says.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// An agent's share of the environment.
#[derive(Debug, Clone)]
pub struct Environment {
    path: String,
    lang: String,
    term: String,
    passed: Vec<(String, SecretString)>,
}

impl Environment {
    /// Where programs are looked for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Picks from `variables`: `PATH`, `LANG`, `TERM`, [`PROVIDERS`], and what the operator names in `also`.
    /// The path keeps only absolute folders: another would be one of the workspace, where anyone may have put a program.
    pub fn pick(variables: impl IntoIterator<Item = (String, String)>, also: &[String]) -> Self {
        let mut picked =
            Self { path: PATH.to_owned(), lang: "C.UTF-8".to_owned(), term: "dumb".to_owned(), passed: Vec::new() };
        for (name, value) in variables {
            match name.as_str() {
                "PATH" => picked.path = absolute(&value),
                "LANG" => picked.lang = value,
                "TERM" => picked.term = value,
                _ if PROVIDERS.contains(&name.as_str()) || also.contains(&name) => {
                    picked.passed.push((name, SecretString::from(value)));
                }
                _ => {}
            }
        }
        picked
    }

    /// A variable that is passed on.
    pub(crate) fn passed(&self, name: &str) -> Option<&str> {
        self.passed.iter().find(|(passed, _)| passed == name).map(|(_, value)| value.expose_secret())
    }

    /// Makes it the whole environment of a command. What is set afterwards wins.
    pub(crate) fn give(&self, command: &mut Command) {
        command.env_clear();
        command.envs(self.passed.iter().map(|(name, value)| (name, value.expose_secret())));
        command.env("PATH", &self.path).env("LANG", &self.lang).env("TERM", &self.term);
    }
}

fn absolute(path: &str) -> String {
    let folders: Vec<_> = path.split(':').filter(|folder| Path::new(folder).is_absolute()).collect();
    if folders.is_empty() { PATH.to_owned() } else { folders.join(":") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(variables: &[(&str, &str)], also: &[&str]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::pick(variables, &also.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_what_is_named_is_picked() {
        let around = [("ANTHROPIC_API_KEY", "k"), ("GITHUB_TOKEN", "t"), ("MY_MODEL", "m"), ("LD_PRELOAD", "/x.so")];
        let picked = pick(&around, &["MY_MODEL"]);
        let names: Vec<_> = picked.passed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ANTHROPIC_API_KEY", "MY_MODEL"]);
        assert!(!format!("{picked:?}").contains("\"k\""), "a key is never told");
    }

    #[test]
    fn the_path_has_no_folder_of_the_workspace() {
        assert_eq!(pick(&[("PATH", ".:/usr/bin::bin:/bin:../x")], &[]).path, "/usr/bin:/bin");
        assert_eq!(pick(&[("PATH", ".")], &[]).path, PATH);
    }
}
