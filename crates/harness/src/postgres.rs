//! A Postgres of the tests' own: started on first use, one for all of a run, gone with it; a fresh database per test.
//!
//! Under `cargo test` a run is the test binary, under nextest the runner, whose tests are processes of their own and
//! share its server. A shell script that watches the run stops the server and clears up, however the run ended. With
//! `GAPWRIGHT_TEST_POSTGRES` a server that somebody else started is used instead. Either way it must be on a loopback
//! address, so that no test can reach a database that people use, and only databases made here are ever written to.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::{User, geteuid};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use store::{Clock, Store};
use tokio::sync::OnceCell;

/// Names a server to use instead of one of our own.
const VARIABLE: &str = "GAPWRIGHT_TEST_POSTGRES";

/// Where Debian and its kin put each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// How often a start is tried: the free port that was found may be taken before the server binds it.
const STARTS_MAX: usize = 3;

/// Makes and runs a server in `$home` until `$owner` is gone or the file `stop` appears.
const SCRIPT: &str = r#"
bin=$1 home=$2 port=$3 owner=$4
cd "$home" || exit 1
{ "$bin/initdb" -D data -U gapwright --auth=trust --locale=C --encoding=UTF8 --data-checksums --no-sync &&
  "$bin/pg_ctl" -D data -l server.log -w \
    -o "-h 127.0.0.1 -p $port -k '' -c fsync=on -c max_connections=300" start
} >start.log 2>&1 </dev/null || { echo failed; cat start.log server.log 2>/dev/null; exit 1; }
echo ready
exec >/dev/null
while [ -d "/proc/$owner" ] && [ ! -e stop ]; do sleep 0.1; done
"$bin/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1
cd / && rm -rf "$home"
"#;

/// A database of one test.
#[derive(Debug)]
pub struct Database {
    /// Where it is.
    pub url: String,
    name: String,
}

/// A server of one test's own, which it may stop.
#[derive(Debug)]
pub struct Private {
    /// Where its first database is; nothing is migrated.
    pub url: String,
    home: PathBuf,
}

/// A fresh database with the newest schema.
pub async fn database() -> Database {
    static SERVER: OnceCell<String> = OnceCell::const_new();
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(async || server().await).await;
    let template = TEMPLATE.get_or_init(async || template(server).await).await;
    let name = format!("test_{}_{}_{}", run_name(), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    order(server, format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await;
    Database { url: format!("{server}/{name}"), name }
}

/// A fresh database without any table.
pub async fn empty_database() -> Database {
    let Database { url, name } = database().await;
    let server = server_of(&url);
    order(server, format!("DROP DATABASE \"{name}\"")).await;
    order(server, format!("CREATE DATABASE \"{name}\" TEMPLATE template0")).await;
    Database { url, name }
}

impl Database {
    /// Drops it, whoever is connected. A test that fails leaves its database for people to look at.
    pub async fn discard(self) {
        order(server_of(&self.url), format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name)).await;
    }

    /// Runs a statement for the whole database, such as one that makes it read-only.
    pub async fn alter(&self, what: &str) {
        order(server_of(&self.url), format!("ALTER DATABASE \"{}\" {what}", self.name)).await;
    }
}

impl Private {
    /// Starts a server for this test alone.
    pub async fn start() -> Self {
        let home = tempfile::Builder::new().prefix("gapwright-postgres-").tempdir().expect("a folder").keep();
        let started = home.clone();
        let server = tokio::task::spawn_blocking(move || start(&started, std::process::id())).await.expect("a start");
        Self { url: format!("{server}/postgres"), home }
    }

    /// Tells its keeper to stop it as a crash would, without a word to its clients. Returns at once.
    pub fn stop(&self) {
        File::create(self.home.join("stop")).expect("a word to its keeper");
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // The folder may be gone already.
        drop(File::create(self.home.join("stop")));
    }
}

/// Refuses an address that is not on this machine's loopback. The engine's own reader is asked, so that no spelling of
/// an address can be understood in two ways.
pub fn loopback(url: &str) -> Result<(), String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| format!("{VARIABLE} cannot be read: {error}"))?;
    let host = options.get_host();
    let local = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if local && options.get_socket().is_none() {
        return Ok(());
    }
    Err(format!("tests use a Postgres on a loopback address only, and {host} is none"))
}

/// The address of the run's server, without a database.
async fn server() -> String {
    if let Some(url) = variable(VARIABLE) {
        loopback(&url).unwrap_or_else(|why| panic!("{why}"));
        return server_of(&url).to_owned();
    }
    let (home, owner) = if let Some(run) = variable("NEXTEST_RUN_ID") {
        (std::env::temp_dir().join(format!("gapwright-postgres-{run}")), std::os::unix::process::parent_id())
    } else {
        let home = tempfile::Builder::new().prefix("gapwright-postgres-").tempdir().expect("a folder");
        (home.keep(), std::process::id())
    };
    tokio::task::spawn_blocking(move || shared(&home, owner)).await.expect("a server")
}

/// Starts the server in `home` unless another process of this run has.
fn shared(home: &Path, owner: u32) -> String {
    std::fs::create_dir_all(home).expect("a folder for the server");
    let mut file =
        File::options().create(true).truncate(false).read(true).write(true).open(home.join("url")).expect("a file");
    file.lock().expect("a lock among this run's processes");
    let mut url = String::new();
    file.read_to_string(&mut url).expect("an address");
    if url.is_empty() {
        url = start(home, owner);
        file.write_all(url.as_bytes()).expect("an address written");
    }
    url
}

/// Starts a server in `home`, to be stopped when the process `owner` is gone.
fn start(home: &Path, owner: u32) -> String {
    let bin = programs();
    let mut word = String::new();
    for _ in 0..STARTS_MAX {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a free port").port();
        let mut script = Command::new("/bin/sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&bin).arg(home).arg(port.to_string()).arg(owner.to_string());
        // A group of its own: an interrupt at the terminal must not end it before it has cleared up.
        script.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if geteuid().is_root() {
            // Postgres refuses to run as root.
            let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
            let user = user.expect("a user postgres or nobody");
            std::os::unix::fs::chown(home, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .expect("the folder given away");
            script.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut keeper = script.spawn().expect("a shell");
        let mut told = BufReader::new(keeper.stdout.take().expect("its words"));
        // Waits for the keeper's end, which comes with the server's.
        std::thread::spawn(move || keeper.wait());
        word.clear();
        told.read_line(&mut word).expect("a word");
        if word.trim() == "ready" {
            return format!("postgres://gapwright@127.0.0.1:{port}");
        }
        told.read_to_string(&mut word).expect("its reasons");
        drop(std::fs::remove_dir_all(home.join("data")));
    }
    panic!("Postgres did not start in {}: {word}", home.display())
}

/// The folder of the newest version's programs.
fn programs() -> PathBuf {
    let found = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        bin.join("initdb").exists().then_some((version, bin))
    });
    let Some((_, bin)) = found.max() else {
        panic!("no Postgres in {VERSIONS}: run `apt-get install -y postgresql`, or set {VARIABLE}")
    };
    bin
}

/// A migrated database to copy, made once per run.
async fn template(server: &str) -> String {
    let name = format!("template_{}", run_name());
    let mut admin = connect(server).await;
    // Held until the connection closes; another process of this run may be making it.
    admin.execute("SELECT pg_advisory_lock(771)").await.expect("the template's lock");
    let made = format!("SELECT 1 FROM pg_database WHERE datname = '{name}' AND datistemplate");
    if admin.fetch_optional(AssertSqlSafe(made)).await.expect("a catalogue").is_none() {
        for statement in
            [format!("DROP DATABASE IF EXISTS \"{name}\""), format!("CREATE DATABASE \"{name}\" TEMPLATE template0")]
        {
            admin.execute(AssertSqlSafe(statement)).await.expect("a database for the template");
        }
        let store = Store::open(&format!("{server}/{name}"), Clock::default()).await.expect("the template");
        store.migrate().await.expect("a migrated template");
        store.close().await;
        let seal = format!("ALTER DATABASE \"{name}\" WITH IS_TEMPLATE true");
        admin.execute(AssertSqlSafe(seal)).await.expect("a sealed template");
    }
    admin.close().await.expect("the end of the template's lock");
    name
}

/// A name for this run, fit for a database.
fn run_name() -> String {
    let run = variable("NEXTEST_RUN_ID").map(|id| id.chars().filter(char::is_ascii_alphanumeric).take(12).collect());
    run.unwrap_or_else(|| std::process::id().to_string())
}

/// An address without its database.
fn server_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find(['/', '?']).map_or(url, |end| &url[..host + end])
}

async fn order(server: &str, statement: String) {
    let mut admin = connect(server).await;
    if let Err(error) = admin.execute(AssertSqlSafe(statement.clone())).await {
        panic!("{statement}: {error}");
    }
    admin.close().await.expect("a farewell");
}

async fn connect(server: &str) -> PgConnection {
    let url = format!("{server}/postgres");
    loopback(&url).expect("a loopback address");
    let options = PgConnectOptions::from_str(&url).expect("an address");
    let connected = tokio::time::timeout(Duration::from_secs(30), options.connect()).await;
    connected.expect("an answer within 30 s").expect("a Postgres")
}

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment alone")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
