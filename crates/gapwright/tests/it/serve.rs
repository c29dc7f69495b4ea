//! A server from its start to its end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::program::Home;

#[test]
fn the_first_start_shows_a_token_once_and_how_to_connect() {
    let home = Home::new();
    let server = home.serve(&[]);
    let line = |start: &str| server.said.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
    let token = line("token: ").expect("a token");
    assert_eq!(line("mcp url: "), Some(format!("{}/mcp", server.url)));
    let connect = format!(
        "claude mcp add --transport http gapwright {}/mcp --header \"Authorization: Bearer {token}\"",
        server.url
    );
    assert!(server.said.lines().any(|line| line == connect), "{}", server.said);
    let first = &home.json(&["token", "list"])["tokens"][0];
    assert_eq!((&first["name"], &first["role"]), (&"claude-routine-agent".into(), &"routine".into()));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait().0, Some(0));

    let again = home.serve(&[]);
    assert!(!again.said.contains("gapw_"), "{}", again.said);
    assert!(again.said.contains("gapwright token create --role routine --name NAME"), "{}", again.said);
}

#[test]
fn what_the_program_asks_itself_with_is_not_the_first_token() {
    let home = Home::new();
    for own in ["gapwright-doctor", "gapwright-canary"] {
        home.ok(&["token", "create", "--role", "viewer", "--name", own]);
    }
    assert!(home.serve(&[]).said.contains("\ntoken: gapw_"));
}

#[test]
fn sigterm_ends_it_in_order_and_in_time() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let home = Home::new();
        let server = home.serve(&[]);
        server.signal(signal);
        let (code, took) = server.wait();
        assert_eq!(code, Some(0), "{signal}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(home.json(&["audit", "verify"])["unsealed"], 0);
    }
}

#[test]
fn a_second_signal_ends_it_now() {
    let home = Home::new();
    let server = home.serve(&["--insecure-no-auth"]);
    // A request whose body never comes keeps the first signal's drain waiting; it is under way once it is asked for.
    let mut slow = TcpStream::connect(server.address()).expect("a connection");
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\n\
                content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    slow.write_all(head.as_bytes()).expect("half a request");
    let mut asked = String::new();
    BufReader::new(&slow).read_line(&mut asked).expect("an answer");
    assert_eq!(asked, "HTTP/1.1 100 Continue\r\n");
    server.signal(Signal::SIGTERM);
    // The listener is gone once the first signal was taken.
    while TcpStream::connect(server.address()).is_ok() {
        std::thread::yield_now();
    }
    server.signal(Signal::SIGTERM);
    let (code, took) = server.wait();
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_second_server_on_the_same_port_says_so() {
    let home = Home::new();
    let server = home.serve(&[]);
    let said = home.fails(1, &["serve", "--listen", server.address()]);
    assert!(said.contains(server.address()) && said.contains("--listen ADDRESS:PORT"), "{said}");
}

#[test]
fn nobody_is_served_without_authentication_beyond_this_machine() {
    let home = Home::new();
    let said = home.fails(2, &["serve", "--listen", "0.0.0.0:0", "--insecure-no-auth"]);
    assert!(said.contains("without authentication"), "{said}");
    let server = home.serve(&["--insecure-no-auth"]);
    assert!(!server.said.contains("token:"), "{}", server.said);
    let connect = format!("claude mcp add --transport http gapwright {}/mcp", server.url);
    assert!(server.said.lines().any(|line| line == connect), "{}", server.said);
}

#[test]
fn a_catalogue_that_a_gateway_would_thin_is_not_served() {
    let home = Home::new().set("GAPWRIGHT__MCP__TOOL_PREFIX", "Bad_Prefix;");
    let said = home.fails(2, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("mcp.tool_prefix") && said.contains("small letters, digits and hyphens"), "{said}");
}

#[test]
fn the_scheduled_jobs_are_kept_as_configured_and_the_heartbeat_is_watched() {
    let home = Home::new().set("GAPWRIGHT__SCHEDULE__OUTBOX", "");
    let server = home.serve(&[]);
    let listed = home.json(&["schedules", "list"]);
    let names: Vec<_> = listed["scheduled_jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| job["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        ["agent-mcp-heartbeat", "daily-digest", "dead-mans-switch", "fire-routines", "register-jobs", "retention"]
    );
    home.ok(&["schedules", "trigger", "retention"]);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait().0, Some(0));
    let routines = home.json(&["routines", "list"]);
    let heartbeat = &routines["routines"][0];
    assert_eq!((&heartbeat["name"], &heartbeat["every_secs"]), (&"agent-mcp-heartbeat".into(), &3_600.into()));
    assert_eq!(heartbeat["grace_secs"], 900);
}

#[test]
fn a_scheduled_run_is_in_the_log_when_it_failed_and_not_when_it_went_well() {
    let home = Home::new().set("GAPWRIGHT__SERVER__PUBLIC_URL", "http://127.0.0.1:1");
    let server = home.serve(&[]);
    let status = |name: &str| {
        let listed = home.json(&["schedules", "list"]);
        let jobs = listed["scheduled_jobs"].as_array().expect("jobs").iter();
        jobs.filter(|job| job["name"] == name).find_map(|job| job["last_status"].as_str().map(str::to_owned))
    };
    while status("outbox").is_none() || status("agent-mcp-heartbeat").is_none() {
        std::thread::yield_now();
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait().0, Some(0));
    let log = std::fs::read_to_string(home.path().join("log")).expect("a log");
    assert!(log.contains("\"message\":\"a scheduled run failed\",\"job\":\"agent-mcp-heartbeat\""), "{log}");
    assert!(!log.contains("\"job\":\"outbox\""), "{log}");
}
