//! The runner's command line: whom it asks, what it says, how it ends. What it does to a job is tried in its own crate.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::Home;

/// A folder whose forge has a repository, with a planner's token in the file `token`.
fn home() -> Home {
    let home = Home::new();
    let git = home.path().join("home.git").display().to_string();
    let home = home.set("GAPWRIGHT__FORGE__GIT", &git);
    let made = home.json(&["token", "create", "--role", "planner", "--name", "a-planner"]);
    home.write("token", made["token"].as_str().expect("a token"));
    home
}

const WORK: [&str; 8] = ["work", "--kind", "planner", "--agent", "true", "--folder", "work", "--once"];

#[test]
fn nothing_due_is_said_and_ends_well() {
    let home = home();
    let server = home.serve(&[]);
    let known = [&WORK[..], &["--server", &server.url, "--token-file", "token"]].concat();
    assert_eq!(home.ok(&known), "nothing to do: nothing_due\n");
    let document = home.json(&known);
    assert_eq!((&document["event"], &document["reason"]), (&"nothing".into(), &"nothing_due".into()));
    let folder = std::fs::metadata(home.path().join("work/local.git")).expect("its own broker");
    assert!(folder.is_dir());
}

#[test]
fn who_is_not_known_and_what_is_not_there_have_codes_of_their_own() {
    let home = home();
    let server = home.serve(&[]);
    let url = ["--server", &server.url];
    assert!(home.fails(2, &[&WORK[..], &url].concat()).contains("GAPWRIGHT_WORK_TOKEN"));
    home.write("wrong", "gapw_nobody");
    let told = home.fails(4, &[&WORK[..], &url, &["--token-file", "wrong"]].concat());
    assert!(told.contains("does not take the token"), "{told}");
    let nowhere = [&WORK[..], &["--server", "http://127.0.0.1:9", "--token-file", "token"]].concat();
    assert!(home.fails(75, &nowhere).contains("does not answer"));
    assert!(
        home.fails(2, &["work", "--kind", "digest", "--agent", "true"])
            .contains("planner, implementer, reviewer, merger")
    );
    assert!(home.fails(2, &["work", "--kind", "planner", "--agent", "./claude"]).contains("absolute path"));
    let viewer = home.json(&["token", "create", "--role", "viewer", "--name", "a-viewer"]);
    home.write("viewer", viewer["token"].as_str().expect("a token"));
    home.fails(4, &[&WORK[..], &url, &["--token-file", "viewer"]].concat());
}

#[test]
fn a_signal_ends_it_and_says_so() {
    let home = home();
    let server = home.serve(&[]);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut work = Command::new(env!("CARGO_BIN_EXE_gapwright"));
        work.args(["work", "--kind", "planner", "--agent", "true", "--folder", "work", "--token-file", "token"]);
        work.args(["--server", &server.url]).current_dir(home.path()).env_clear().env("HOME", home.path());
        work.env("GAPWRIGHT__FORGE__GIT", home.path().join("home.git")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut work = work.spawn().expect("it starts");
        let mut lines = BufReader::new(work.stdout.take().expect("its output")).lines();
        let ready = lines.next().expect("a line").expect("a text");
        assert_eq!(ready, "ready for jobs of the kind planner");
        let id = Pid::from_raw(i32::try_from(work.id()).expect("an id"));
        kill(id, signal).expect("it is there");
        assert_eq!(work.wait().expect("an end").code(), Some(130), "{signal}");
    }
}
