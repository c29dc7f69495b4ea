//! Where the broker is tried: a GitHub or a plain repository behind it, an agent before it, and a server elsewhere that
//! keeps whatever it hears.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use forge::Remote;
use forge::broker::{Broker, Run, Settings, Source, View, Workspace};
use forge::git::{Bare, Branch, Commit, Hand, Person};
use harness::github::{Access, GitHub as Fake};
use harness::plane::START;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The repository behind the fake GitHub.
pub(crate) const REPO: &str = "ann/website";

/// The branch of the agent's work.
pub(crate) const BRANCH: &str = "gapwright/fix-one";

pub(crate) fn branch(name: &str) -> Branch {
    Branch::parse(name).expect("a branch")
}

pub(crate) fn run() -> Run {
    Run::parse("run-1").expect("a name")
}

pub(crate) fn person() -> Person {
    Person { name: "Agent \"A\" One".into(), email: "agent@example.com".into() }
}

pub(crate) fn hand() -> Hand {
    Hand { author: person(), committer: person(), at: START }
}

/// A broker, what is behind it, and a folder for everything.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) broker: Broker,
    pub(crate) remote: Remote,
    pub(crate) fake: Option<Fake>,
}

impl Stage {
    /// With a plain repository behind it, in which there is a file.
    pub(crate) async fn plain() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home.git");
        Bare::open(&home, &hand()).await.expect("a repository");
        let url = home.display().to_string();
        let stage = Self::before(folder, Remote { url: url.clone(), credential: None, pulls: None }, None).await;
        let workshop = crate::exam::workshop::Workshop::at(&url);
        workshop.commit("main", &[crate::exam::workshop::Change::text("README.md", "# A repository\n")]);
        stage
    }

    /// With a GitHub behind it.
    pub(crate) async fn github() -> Self {
        let fake = Fake::start().await;
        fake.repo(REPO);
        let token = fake.token("ann", Access::Write);
        let (url, pulls) = (format!("{}/{REPO}.git", fake.url()), Some("refs/pull".to_owned()));
        let remote = Remote { url, credential: Some(SecretString::from(token)), pulls };
        Self::before(tempfile::tempdir().expect("a folder"), remote, Some(fake)).await
    }

    async fn before(folder: TempDir, remote: Remote, fake: Option<Fake>) -> Self {
        let settings = Settings { wire: Duration::from_secs(30), ..Settings::default() };
        let broker = Broker::open(&folder.path().join("broker.git"), settings).await.expect("a broker");
        Self { folder, broker, remote, fake }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tip of a branch of the home, which is brought here.
    pub(crate) async fn fetched(&self, name: &str) -> Commit {
        let fetched = self.broker.fetch(&self.remote, &[Source::Branch(branch(name))]).await.expect("fetched");
        fetched.into_iter().next().flatten().expect("a branch")
    }

    /// An agent at work on a branch from `main`.
    pub(crate) async fn agent(&self) -> Agent {
        self.agent_in("work").await
    }

    pub(crate) async fn agent_in(&self, folder: &str) -> Agent {
        let base = self.fetched("main").await;
        let view = View::Work { commit: &base, branch: &branch(BRANCH), base: &base };
        let workspace = self.broker.workspace(&self.at(folder), view, &person()).await.expect("a workspace");
        Agent { workspace }
    }

    /// A program that leaves a trace, and the trace.
    pub(crate) fn trap(&self) -> Trap {
        let (program, trace) = (self.at("trap"), self.at("trace"));
        let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 0\n", trace.display());
        std::fs::write(&program, script).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        Trap { program, trace }
    }
}

/// A program that must not run.
pub(crate) struct Trap {
    pub(crate) program: PathBuf,
    trace: PathBuf,
}

impl Trap {
    pub(crate) fn path(&self) -> String {
        self.program.display().to_string()
    }

    pub(crate) fn sprung(&self) -> bool {
        self.trace.exists()
    }
}

/// Somebody who may write everything in a workspace.
pub(crate) struct Agent {
    pub(crate) workspace: Workspace,
}

impl Agent {
    pub(crate) fn folder(&self) -> &Path {
        self.workspace.folder()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    pub(crate) fn write(&self, path: &str, says: impl AsRef<[u8]>) {
        let at = self.at(path);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
        std::fs::write(at, says).expect("a file");
    }

    /// Commits everything that is there.
    pub(crate) fn commit(&self, message: &str) -> Commit {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> Commit {
        Commit::parse(&self.git(&["rev-parse", "HEAD"])).expect("a commit")
    }

    pub(crate) fn config(&self, key: &str, value: &str) {
        self.git(&["config", "--add", key, value]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    pub(crate) fn git_with(&self, args: &[&str], input: &str) -> String {
        let told = self.tried(args, input.as_bytes());
        assert!(told.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8_lossy(&told.stdout).trim().to_owned()
    }

    /// Runs git as whoever works there would, however it ends.
    pub(crate) fn tried(&self, args: &[&str], input: &[u8]) -> std::process::Output {
        use std::io::Write as _;
        let mut git = Command::new("git");
        git.args(args).current_dir(self.folder()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut git = git.spawn().expect("git runs");
        // Who does not read it says so at its end.
        let _ = git.stdin.take().expect("its input").write_all(input);
        git.wait_with_output().expect("git ends")
    }
}

/// What a server elsewhere answers.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// This status, and nothing else.
    Status(u16),
    /// That it is to be asked there, with the same path.
    Elsewhere(String),
    /// Nothing, ever. It knows when whoever asked has gone.
    Nothing,
    /// What it was shown, as an error.
    Echo,
}

/// A server that keeps whatever it hears.
pub(crate) struct Ear {
    pub(crate) addr: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    /// How many are there.
    guests: watch::Sender<usize>,
}

impl Ear {
    pub(crate) async fn open(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let guests = watch::Sender::new(0);
        let (keeps, counts) = (Arc::clone(&heard), guests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (says, keeps, counts) = (says.clone(), Arc::clone(&keeps), counts.clone());
                counts.send_modify(|guests| *guests += 1);
                tokio::spawn(async move {
                    answer(stream, says, keeps).await;
                    counts.send_modify(|guests| *guests -= 1);
                });
            }
        });
        Self { addr, heard, guests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The heads of all requests.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everybody who came has gone.
    pub(crate) async fn deserted(&self) {
        drop(self.guests.subscribe().wait_for(|guests| *guests == 0).await.expect("it is open"));
    }

    pub(crate) fn heard_a_credential(&self) -> bool {
        self.heard().iter().any(|head| head.to_lowercase().contains("authorization"))
    }
}

async fn answer(mut stream: TcpStream, says: Says, heard: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut piece = [0; 4_096];
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => head.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let answer = match says {
        Says::Status(status) => {
            let ask = if status == 401 { "www-authenticate: Basic realm=\"x\"\r\n" } else { "" };
            format!("HTTP/1.1 {status} x\r\n{ask}content-length: 0\r\nconnection: close\r\n\r\n")
        }
        Says::Elsewhere(to) => {
            format!("HTTP/1.1 302 x\r\nlocation: {to}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Says::Nothing => {
            while stream.read(&mut [0; 4_096]).await.is_ok_and(|count| count > 0) {}
            return;
        }
        Says::Echo => {
            let shown = head.lines().find(|line| line.to_lowercase().starts_with("authorization")).unwrap_or_default();
            let says = format!("you said {shown}");
            let length = says.len();
            format!(
                "HTTP/1.1 403 x\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{says}"
            )
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}
