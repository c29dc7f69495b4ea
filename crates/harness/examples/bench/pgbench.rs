//! The same statements through pgbench: what Postgres itself gives.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::figures::Quantiles;
use crate::ground::Ground;
use crate::load::{Round, Window};
use crate::machine::Used;
use crate::workers::{AUDITED, Way};

/// What the scripts' variables hold: as long as what the plane writes.
const VALUES: [(&str, &str); 14] = [
    ("seq", "0"),
    ("claim", "0"),
    ("claimed_at", "0"),
    ("held", "held"),
    ("ready", "ready"),
    ("ok", "ok"),
    ("holder", "worker-0"),
    ("principal", "agent-0"),
    ("role", "routine"),
    ("tool", "claim-routine-job"),
    ("summary", "rebased on main, mended the test that failed, answered two threads; all checks are green"),
    ("request", "0123456789abcdef0123456789abcdef"),
    ("hash", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("audited", AUDITED),
];

/// A script with the store's own statements in it.
pub(crate) fn script(scripts: &Path, way: Way, ground: &Ground) -> PathBuf {
    let name = match way {
        Way::Two => "claim-complete.sql",
        Way::One => "complete-and-claim.sql",
    };
    let template = std::fs::read_to_string(scripts.join(name)).expect("a script");
    let written = ground.file(name);
    let lines: Vec<_> =
        template.lines().map(|line| line.strip_prefix('@').map_or_else(|| line.to_owned(), statement)).collect();
    std::fs::write(&written, lines.join("\n") + "\n").expect("a script written");
    written
}

/// A statement of the store by `file.NAME`, with its arguments in place.
fn statement(line: &str) -> String {
    let (name, args) = line.split_once(' ').unwrap_or((line, ""));
    let found = store::statements().find(|(file, statement, _)| name == format!("{file}.{statement}"));
    let Some((_, _, sql)) = found else { panic!("the store has no statement {name}") };
    // From the last on, so that $1 is not found in $10.
    let args: Vec<_> = args.split(", ").enumerate().collect();
    let filled =
        args.into_iter().rev().fold(sql.to_owned(), |sql, (place, arg)| sql.replace(&format!("${}", place + 1), arg));
    assert!(!filled.contains('$'), "{name} has more arguments than its line in bench/*.sql gives it");
    filled
}

/// One round by so many clients.
pub(crate) async fn round(ground: &Ground, script: &Path, clients: usize, window: Window) -> Round {
    let log = ground.file("pgbench");
    let seconds = (window.warm + window.measured).as_secs_f64().ceil();
    let mut command = Command::new("pgbench");
    command
        .args(["--no-vacuum", "--protocol=prepared", "--log"])
        .arg(format!("--log-prefix={}", log.display()))
        .arg(format!("--client={clients}"))
        .arg(format!("--jobs={}", clients.min(2)))
        .arg(format!("--time={seconds}"))
        .arg(format!("--file={}", script.display()))
        .args(VALUES.iter().map(|(name, value)| format!("--define={name}={value}")))
        .arg(&ground.url)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let watched = ground.watched(None);
    let before = Used::now(watched);
    let output = command.output().await.expect("pgbench runs");
    let used = Used::now(watched).since(before);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let failed = errors.lines().filter(|line| line.contains("error") || line.contains("aborted")).count();
    let why = errors.lines().rfind(|line| line.contains("error")).unwrap_or_default().to_owned();
    let cycles = cycles(&log);
    let all = cycles.len() as f64;
    let first = cycles.iter().map(|(end, _)| *end).min().unwrap_or_default();
    let counted: Vec<_> = cycles.into_iter().filter(|(end, _)| *end >= first + window.warm).collect();
    let last = counted.iter().map(|(end, _)| *end).max().unwrap_or_default();
    let took = last.saturating_sub(first + window.warm).as_secs_f64().max(0.001);
    let rate = counted.len() as f64 / took;
    let cycle = Quantiles::of(counted.into_iter().map(|(_, micros)| micros).collect());
    Round { rate, cycle, used, cycles: all, failed, why, ..Round::default() }
}

/// When each cycle ended and how many microseconds it took, from pgbench's own log, which is removed.
fn cycles(log: &Path) -> Vec<(Duration, u32)> {
    let (folder, prefix) = (log.parent().expect("a folder"), log.file_name().expect("a name").to_string_lossy());
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut cycles = Vec::new();
    for file in files
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{prefix}."))))
    {
        let text = std::fs::read_to_string(&file).expect("a log");
        cycles.extend(text.lines().filter_map(cycle));
        std::fs::remove_file(file).expect("the log removed");
    }
    cycles
}

/// `client transaction microseconds script seconds microseconds`
fn cycle(line: &str) -> Option<(Duration, u32)> {
    let mut words = line.split(' ').skip(2);
    let took = words.next()?.parse().ok()?;
    let (seconds, micros): (u64, u32) = (words.nth(1)?.parse().ok()?, words.next()?.parse().ok()?);
    Some((Duration::new(seconds, micros * 1_000), took))
}
