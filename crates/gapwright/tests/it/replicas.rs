//! Two replicas over one Postgres, sixteen worker processes, ten thousand jobs: each is claimed once.

use std::collections::BTreeSet;
use std::process::Stdio;

use domain::job::{Job, Register};
use domain::time::Time;
use harness::served::Program;
use store::{Clock, Store};
use tokio::process::Command;

const JOBS: usize = 10_000;
const PROCESSES: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_processes_claim_ten_thousand_jobs_once_each_from_two_replicas() {
    let database = harness::postgres::empty_database().await;
    let folder = tempfile::tempdir().expect("a folder");
    let program = |name: &str| {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).expect("a folder");
        Program::new(env!("CARGO_BIN_EXE_gapwright").as_ref(), &own, &database.url)
            .with("GAPWRIGHT__SERVER__CALLS_PER_PRINCIPAL", "32")
    };
    let (one, two) = (program("one"), program("two"));
    let served = [one.serve().await, two.serve().await];
    register(&database.url).await;
    let token = one.token("routine", "workers").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/claim_all.py");
    let workers = (0..PROCESSES).map(|number| {
        let mut worker = Command::new("python3");
        worker.args([script, &served[number % 2].url, &format!("worker-{number}")]);
        worker.env("TOKEN", &token).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        async move { worker.output().await.expect("python3 runs") }
    });
    let mut claimed = Vec::new();
    let mut least = usize::MAX;
    for output in futures::future::join_all(workers).await {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let names: Vec<_> = String::from_utf8(output.stdout).expect("names").lines().map(str::to_owned).collect();
        least = least.min(names.len());
        claimed.extend(names);
    }
    let distinct: BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (JOBS, JOBS));
    assert!(least > 0, "every process had its share");
    let store = Store::open(&database.url, Clock::default()).await.expect("the store opens");
    assert_eq!(harness::invariants::broken(&store).await, Vec::<String>::new());
    for replica in served {
        replica.kill().await;
    }
}

/// All of them in one transaction, as a restore would bring them.
async fn register(url: &str) {
    let store = Store::open(url, Clock::default()).await.expect("the store opens");
    let mut tx = store.begin().await.expect("a transaction");
    let now = tx.now();
    for number in 0..JOBS {
        let new = Register {
            name: format!("job-{number:05}"),
            kind: "load".to_owned(),
            interval: None,
            payload: None,
            next_run_at: Some(Time(0)),
            priority: 0,
            max_attempts: None,
            created_by: "test".to_owned(),
            gap: None,
            pull: None,
        };
        assert!(store::job::add(&mut tx, &Job::register(new, 0, now)).await.expect("added"));
    }
    tx.commit().await.expect("committed");
    store.close().await;
}
