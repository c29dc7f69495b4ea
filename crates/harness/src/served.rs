//! The real binary, serving, to be asked, killed and started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A serving process. Dropped, it is killed.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// Where it answers, without `/mcp`.
    pub url: String,
}

/// How to start one.
#[derive(Debug, Clone)]
pub struct Program {
    binary: PathBuf,
    folder: PathBuf,
    database: String,
    port: u16,
    environment: Vec<(String, String)>,
}

impl Program {
    /// The binary over a database, with its log and its working folder in `folder`, on a port of its own that it keeps
    /// over restarts.
    pub fn new(binary: &Path, folder: &Path, database: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            database: database.to_owned(),
            port: free.expect("a free port").port(),
            environment: Vec::new(),
        }
    }

    /// The same program with one more variable in its otherwise empty environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn serve(&self) -> Served {
        let mut child =
            self.command(&["serve"]).stdout(Stdio::piped()).stderr(self.log()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        loop {
            match lines.next_line().await {
                Ok(Some(line)) if line.starts_with("ready at ") => break,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                    panic!("the server ended before it was ready: {}", log.lines().last().unwrap_or_default());
                }
            }
        }
        // Its output is read on, so that it never waits for a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Served { child, url: format!("http://127.0.0.1:{}", self.port) }
    }

    /// A token for a principal, made by the command line.
    pub async fn token(&self, role: &str, name: &str) -> String {
        let made = self
            .command(&["--json", "token", "create", "--role", role, "--name", name])
            .output()
            .await
            .expect("a token");
        let answer: serde_json::Value = serde_json::from_slice(&made.stdout).expect("an answer in JSON");
        answer["token"].as_str().unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
    }

    /// What it says that it is.
    pub async fn version(&self) -> String {
        let said = self.command(&["--version"]).output().await.expect("a version");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .current_dir(&self.folder)
            .env_clear()
            .env("GAPWRIGHT__DATABASE__URL", &self.database)
            .env("GAPWRIGHT__SERVER__LISTEN", format!("127.0.0.1:{}", self.port))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn log(&self) -> Stdio {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"));
        log.expect("a log").into()
    }
}

impl Served {
    /// Kills it as a power switch would its process: at once, without a word. Waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}
