//! Programs we did not write, each on a port and in a directory of its own, and gone with the test.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::{client, until};

/// A running monitor; dropping it kills it and waits until it is gone.
pub(crate) struct Outside {
    child: Child,
    dir: TempDir,
    _port: TcpSocket,
    pub(crate) url: String,
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is ours while the socket lives: nobody is given it, and whoever connects is refused until a program
/// that was told of it listens (which `SO_REUSEADDR` allows, as nothing here does).
pub(crate) fn reserved() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

/// Alertmanager, with a route and nobody to notify.
pub(crate) async fn alertmanager() -> Outside {
    let config = ("alertmanager.yml", "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n");
    start("prometheus-alertmanager", "prometheus-alertmanager", &[config], |dir, address| {
        vec![
            format!("--config.file={}", dir.join("alertmanager.yml").display()),
            format!("--storage.path={}", dir.join("data").display()),
            format!("--web.listen-address={address}"),
            "--cluster.listen-address=".to_owned(),
        ]
    })
    .await
}

/// Prometheus, with these alerting rules, looked at every second.
pub(crate) async fn prometheus(rules: &str) -> Outside {
    let config = ("prometheus.yml", "global: { evaluation_interval: 1s }\nrule_files: [rules.yml]\n");
    start("prometheus", "prometheus", &[config, ("rules.yml", rules)], |dir, address| {
        vec![
            format!("--config.file={}", dir.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address={address}"),
        ]
    })
    .await
}

async fn start(
    program: &str,
    package: &str,
    files: &[(&str, &str)],
    args: impl Fn(&Path, &str) -> Vec<String>,
) -> Outside {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect(name);
    }
    let (port, address) = reserved();
    let address = address.to_string();
    let log = File::create(dir.path().join("log")).expect("a log");
    let spawned = Command::new(Path::new("/usr/bin").join(program))
        .args(args(dir.path(), &address))
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn();
    let child = spawned.unwrap_or_else(|fault| {
        assert!(fault.kind() != ErrorKind::NotFound, "/usr/bin/{program} is missing: apt-get install {package}");
        panic!("/usr/bin/{program} does not start: {fault}")
    });
    let mut outside = Outside { child, dir, _port: port, url: format!("http://{address}") };
    let (client, ready) = (client(), format!("{}/-/ready", outside.url));
    until(&format!("{program} is ready"), || {
        let ended = outside.child.try_wait().expect("a child");
        assert!(ended.is_none(), "{program} ended: {}", outside.log());
        let asked = client.get(&ready).send();
        async { asked.await.ok().filter(|answer| answer.status().is_success()) }
    })
    .await;
    outside
}

impl Outside {
    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}
