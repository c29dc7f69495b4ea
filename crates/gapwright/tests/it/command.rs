//! The commands over nouns, by what they print and how they exit.

use serde_json::{Value, json};

use crate::program::{Home, LOOKS};

#[test]
fn a_job_is_added_listed_shown_triggered_and_removed() {
    let home = Home::new();
    let added = home.json(&["jobs", "add", "digest", "--kind", "report", "--every", "1h", "--payload", "{\"a\":1}"]);
    assert_eq!(added["job"]["state"], "idle");
    let listed = home.json(&["jobs", "list"]);
    let job = &listed["jobs"][0];
    assert_eq!(
        (&job["name"], &job["payload_bytes"], &job["interval_secs"]),
        (&json!("digest"), &json!(7), &json!(3600))
    );
    assert_eq!(home.json(&["jobs", "list", "--due"])["jobs"], json!([]));
    home.ok(&["jobs", "trigger", "digest"]);
    assert_eq!(home.json(&["jobs", "list", "--due"])["jobs"][0]["name"], "digest");
    let whole = home.json(&["jobs", "show", "digest"]);
    assert_eq!((&whole["state"], &whole["payload"]), (&json!("ready"), &json!({"a": 1})));
    assert!(home.ok(&["jobs", "show", "digest"]).contains("state          ready"));
    home.ok(&["jobs", "remove", "digest"]);
    home.fails(3, &["jobs", "show", "digest"]);
}

#[test]
fn a_list_is_walked_by_its_cursor() {
    let home = Home::new();
    for name in ["a", "b", "c"] {
        home.ok(&["jobs", "add", name, "--kind", "x"]);
    }
    let first = home.json(&["jobs", "list", "--limit", "2"]);
    assert_eq!(first["jobs"].as_array().map(Vec::len), Some(2));
    let cursor = first["cursor"].as_str().expect("a cursor");
    assert!(home.ok(&["jobs", "list", "--limit", "2"]).ends_with(&format!("more: --cursor {cursor}\n")));
    let rest = home.json(&["jobs", "list", "--cursor", cursor]);
    assert_eq!((&rest["jobs"][0]["name"], &rest["cursor"]), (&json!("c"), &Value::Null));
    home.fails(2, &["jobs", "list", "--cursor", "zz"]);
    home.fails(2, &["jobs", "list", "--limit", "201"]);
}

/// The same no for people and for programs.
fn refused(home: &Home, code: i32, args: &[&str]) {
    let said = home.fails(code, args);
    assert!(said.contains("error:") || args == ["jobs"], "{args:?}: {said}");
    let ended = home.run(&[&["--json"], args].concat());
    assert_eq!(ended.code, code, "{args:?}");
    let document: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{args:?}: {ended:?}"));
    assert!(document["error"]["code"].is_string() && document["error"]["message"].is_string(), "{document}");
}

#[test]
fn the_exit_code_tells_what_kind_of_no_it_is() {
    let home = Home::with_database();
    home.ok(&["jobs", "add", "a", "--kind", "x"]);
    for (code, args) in [
        (2, &["jobs"][..]),
        (2, &["no-such-command"]),
        (2, &["jobs", "add", "b"]),
        (2, &["jobs", "add", " b", "--kind", "x"]),
        (2, &["jobs", "add", "b", "--kind", "x", "--payload", "[1]"]),
        (2, &["jobs", "add", "b", "--kind", "x", "--payload", "{"]),
        (2, &["jobs", "add", "b", "--kind", "x", "--priority", "1001"]),
        (2, &["jobs", "add", "b", "--kind", "x", "--next-run-at", "tomorrow"]),
        (2, &["jobs", "add", "b", "--kind", "x", "--every", "soon"]),
        (2, &["token", "create", "--role", "king", "--name", "a"]),
        (2, &["token", "create", "--role", "viewer", "--name", "a", "--ttl", "3661d"]),
        (3, &["jobs", "show", "b"]),
        (3, &["jobs", "trigger", "b"]),
        (3, &["jobs", "remove", "b"]),
        (3, &["locks", "show", "b"]),
        (3, &["locks", "break", "b"]),
        (3, &["runs", "show", "b"]),
        (3, &["gaps", "show", "b"]),
        (2, &["gaps", "list", "--state", "lost"]),
        (2, &["gaps", "wontfix", "b", "--reason", "short"]),
        (3, &["gaps", "wontfix", "b", "--reason", "nobody needs it"]),
        (3, &["gaps", "merge", "b", "c"]),
        (3, &["gaps", "distinct", "b", "c"]),
        (2, &["gaps", "priority", "b", "urgent"]),
        (3, &["gaps", "priority", "b", "high"]),
        (5, &["level", "raise"]),
        (2, &["level", "raise", "--override", "short"]),
        (5, &["level", "lower"]),
        (2, &["level", "lower", "--to", "nowhere"]),
        (3, &["kinds", "show", "b"]),
        (3, &["kinds", "accept", "b"]),
        (3, &["issues", "show", "1"]),
        (3, &["issues", "close", "1"]),
        (3, &["issues", "label", "1", "claude"]),
        (3, &["schedules", "trigger", "b"]),
        (3, &["token", "revoke", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]),
        (3, &["man", "jobs", "nothing"]),
        (4, &["notify", "test", "--channel", "nowhere"]),
        (5, &["jobs", "add", "a", "--kind", "x"]),
    ] {
        refused(&home, code, args);
    }
}

#[test]
fn what_is_said_of_pull_requests_that_are_not_there_is_refused_by_its_kind() {
    let home = Home::with_database();
    for (code, args) in [
        (3, &["pulls", "show", "1"][..]),
        (3, &["pulls", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]),
        (3, &["pulls", "diff", "1"]),
        (2, &["pulls", "list", "--state", "lost"]),
        (2, &["pulls", "list", "--state", "merged", "--all"]),
        (2, &["pulls", "resume", "1", "--reason", "short"]),
        (3, &["pulls", "resume", "1", "--reason", "it is fine by now"]),
        (3, &["pulls", "stop", "1", "--reason", "nobody reviews it"]),
        (2, &["pulls", "release", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]),
        (2, &["pulls", "release", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--made", "--not-made"]),
        (3, &["pulls", "release", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--made"]),
        (3, &["pulls", "merge", "1"]),
        (2, &["pulls", "merge", "one"]),
        (2, &["pulls", "merge", "1", "--method", "octopus"]),
        (2, &["pulls", "merge", "1", "--by", "gapwright"]),
        (3, &["pulls", "close", "1"]),
        (3, &["pulls", "comment", "1", "--message", "hello"]),
        (2, &["pulls", "request-changes", "1"]),
        (3, &["decisions", "answer", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "1"]),
        (2, &["decisions", "answer", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "first"]),
        (2, &["switch", "off", "everything", "--reason", "a quiet night"]),
        (2, &["switch", "off", "all", "--reason", "short"]),
        (3, &["switch", "on", "all"]),
    ] {
        refused(&home, code, args);
    }
}

#[test]
fn every_answer_is_one_json_document() {
    let home = Home::with_database();
    let others = [&["migrate"][..], &["config", "show", "--origin"], &["config", "default"], &["notify", "test"]];
    for args in LOOKS.into_iter().chain(others) {
        assert!(home.json(args).is_object(), "{args:?}");
    }
}

#[test]
fn a_token_is_shown_once_and_its_hash_never() {
    let home = Home::new();
    let made =
        home.json(&["token", "create", "--role", "implementer", "--name", "ann", "--kind", "fix", "--kind", "doc"]);
    let text = made["token"].as_str().expect("a token").to_owned();
    assert!(text.starts_with("gapw_"), "{text}");
    assert_eq!((&made["role"], &made["kinds"]), (&json!("implementer"), &json!(["fix", "doc"])));
    let id = made["id"].as_str().expect("an id");
    for args in [&["token", "list"][..], &["--json", "token", "list"], &["audit", "export"]] {
        let listed = home.ok(args);
        assert!(listed.contains(id) && !listed.contains(&text), "{listed}");
        assert!(!listed.contains("\"hash\"") || args[0] == "audit", "{listed}");
    }
    let fields: Vec<_> =
        home.json(&["token", "list"])["tokens"][0].as_object().expect("fields").keys().cloned().collect();
    assert_eq!(fields, ["created_at", "created_by", "expires_at", "id", "kinds", "name", "revoked_at", "role"]);
    home.ok(&["token", "revoke", id]);
    assert_eq!(home.json(&["token", "list"])["tokens"], json!([]), "what is revoked is not in force");
    assert!(home.json(&["token", "list", "--all"])["tokens"][0]["revoked_at"].is_string());
    home.fails(3, &["token", "revoke", id]);
}

#[test]
fn a_message_is_sent_and_its_fate_is_told() {
    let home = Home::with_database();
    let ended = home.run(&["notify", "test", "--message", "hello there"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "sent to log\n"));
    assert!(ended.err.contains("hello there"), "{ended:?}");
    let home = home
        .set("GAPWRIGHT__NOTIFY__CHANNELS__HOOK__URL", "webhook+http://127.0.0.1:1/x")
        .set("GAPWRIGHT__NOTIFY__SIGNING_SECRET", "k-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    assert!(home.fails(75, &["notify", "test", "--channel", "hook"]).contains("could not take it"));
}

#[tokio::test]
async fn a_message_that_was_given_up_is_listed_and_queued_again() {
    let discord = harness::Discord::start().await;
    discord.feel(harness::discord::Mood::Refusing);
    let home = Home::with_database()
        .set("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL", "discord://1234567890")
        .set("GAPWRIGHT__NOTIFY__DISCORD_TOKEN", "a.bot.token")
        .set("GAPWRIGHT__NOTIFY__DISCORD_API", &discord.addr().to_string());
    let test = ["notify", "test", "--channel", "ops"];
    home.fails(1, &test);
    let letter = home.json(&["dead-letters"])["dead_letters"][0].clone();
    assert_eq!((&letter["source"], &letter["attempts"]), (&json!("outbox"), &json!(1)));
    let id = letter["id"].as_str().expect("an id");
    home.ok(&["notify", "retry", id]);
    assert_eq!(home.json(&["dead-letters"])["dead_letters"], json!([]));
    assert!(home.fails(3, &["notify", "retry", id]).contains("hint: see gapwright dead-letters"));
    discord.feel(harness::discord::Mood::Well);
    home.ok(&test);
    discord.await_count(2).await;
}

#[tokio::test]
async fn a_test_after_a_mend_arrives_at_once_and_so_does_what_waits() {
    let discord = harness::Discord::start().await;
    let home = Home::with_database()
        .set("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL", "discord://1234567890")
        .set("GAPWRIGHT__NOTIFY__DISCORD_TOKEN", "a.bot.token")
        .set("GAPWRIGHT__NOTIFY__DISCORD_API", &discord.addr().to_string());
    let test = |text| ["notify", "test", "--channel", "ops", "--message", text];
    discord.feel(harness::discord::Mood::Forbidding);
    for text in ["one", "two", "three"] {
        let said = home.fails(75, &test(text));
        assert!(said.contains("403 Forbidden") && said.contains("a server tries again from "), "{said}");
    }
    discord.feel(harness::discord::Mood::Well);
    home.ok(&test("four"));
    let mut taken = discord.taken();
    taken.sort();
    assert_eq!(taken, ["four", "one", "three", "two"]);
}

#[test]
fn who_did_it_and_by_which_command_is_in_the_audit() {
    let home = Home::new();
    home.ok(&["jobs", "add", "a", "--kind", "x"]);
    let entry = &home.json(&["audit", "tail"])["entries"][0];
    assert_eq!(
        (&entry["tool"], &entry["role"], &entry["object"]),
        (&json!("cli jobs add"), &json!("operator"), &json!("job:a"))
    );
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("users").expect("this user");
    assert_eq!(entry["principal"], user.name);
}

#[test]
fn what_is_not_there_is_named_with_where_to_look() {
    let home = Home::with_database();
    let nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (args, named, next) in [
        (&["jobs", "show", "zz"][..], "zz", "see gapwright jobs list"),
        (&["jobs", "trigger", "zz"], "zz", "see gapwright jobs list"),
        (&["jobs", "remove", "zz"], "zz", "see gapwright jobs list"),
        (&["locks", "show", "zz"], "zz", "see gapwright locks list"),
        (&["locks", "break", "zz"], "zz", "see gapwright locks list"),
        (&["runs", "show", "zz"], "zz", "see gapwright runs list"),
        (&["gaps", "show", "zz"], "zz", "see gapwright gaps list"),
        (&["schedules", "trigger", "zz"], "zz", "see gapwright schedules list"),
        (&["token", "revoke", nobody], nobody, "see gapwright token list"),
        (&["man", "zz"], "zz", "gapwright --help"),
    ] {
        let said = home.fails(3, args);
        let (what, rest) = said.split_once('\n').expect("lines");
        assert!(what.starts_with("error: ") && what.contains(named), "{args:?}: {said}");
        assert!(rest.contains(&format!("hint: {next}")), "{args:?}: {said}");
    }
}

#[test]
fn a_job_that_nobody_triggers_is_never_due_and_says_so() {
    let home = Home::new();
    for args in [&["jobs", "add", "a", "--kind", "x"][..], &["jobs", "add", "b", "--kind", "x", "--every", "1h"]] {
        let said = home.ok(args);
        assert!(said.contains(&format!("gapwright jobs trigger \"{}\"", args[2])), "{said}");
    }
    let said = home.ok(&["jobs", "add", "c", "--kind", "x", "--next-run-at", "2026-01-01T00:00:00Z"]);
    assert_eq!(said, "c is ready\n");
}

#[test]
fn a_negative_limit_of_attempts_is_refused_in_our_words() {
    let said = Home::new().fails(2, &["jobs", "add", "c", "--kind", "x", "--max-attempts", "-1"]);
    assert!(said.contains("max_attempts is -1") && said.contains("or 0 for no limit"), "{said}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_told_whole_to_programs_too() {
    let home = Home::new();
    for (args, message, hint) in [
        (
            &["jobs", "add"][..],
            "the following required arguments were not provided: --kind <KIND>, <NAME>",
            "write gapwright jobs add --kind <KIND> <NAME>",
        ),
        (&["jobs"], "a command is missing", "write gapwright jobs [OPTIONS] <COMMAND>"),
        (&["jbos"], "unrecognized subcommand 'jbos'", "a similar subcommand exists: 'jobs'"),
        (
            &["jobs", "list", "--limit", "x"],
            "invalid value 'x' for '--limit <N>': write a whole number from 1 to 200",
            "see gapwright --help",
        ),
        (
            &["jobs", "list", "--limi", "5"],
            "unexpected argument '--limi' found",
            "a similar argument exists: '--limit'",
        ),
    ] {
        let ended = home.run(&[&["--json"], args].concat());
        let document: Value = serde_json::from_str(&ended.out).expect("a document");
        let error = json!({"code": "invalid_argument", "message": message, "hint": hint});
        assert_eq!((ended.code, &document["error"]), (2, &error), "{args:?}");
    }
}

#[test]
fn what_is_held_has_the_same_fields_here_and_over_mcp() {
    let home = Home::new();
    home.ok(&["jobs", "add", "a", "--kind", "x", "--every", "1h", "--next-run-at", "2026-01-01T00:00:00Z"]);
    let server = home.serve(&["--insecure-no-auth"]);
    let client = harness::mcp::Client::new(&server.url, "");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ask = |tool: &str, arguments: Value| match runtime.block_on(client.call(tool, arguments)) {
        harness::mcp::Answer::Ok(answer) => answer,
        no @ (harness::mcp::Answer::Refused(_) | harness::mcp::Answer::Unknown(_)) => panic!("{tool}: {no:?}"),
    };
    ask("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 60}));
    ask("claim-routine-job", json!({"holder": "h", "ttl_secs": 60, "name": "a"}));
    let said = home.fails(5, &["jobs", "remove", "a"]);
    assert!(said.contains("why: it may work in ") && !said.contains("ms\n"), "{said}");
    for (tool, command, noun) in
        [("list-routine-jobs", ["jobs", "list"], "jobs"), ("list-locks", ["locks", "list"], "locks")]
    {
        let (there, here) = (ask(tool, json!({})), home.json(&command));
        let of = |list: &Value| {
            list[noun].as_array().expect("a list").iter().find(|item| item["name"] != "gapwright-canary").cloned()
        };
        let (there, here) = (of(&there).expect("one"), of(&here).expect("one"));
        for (field, value) in there.as_object().expect("fields").iter().filter(|(field, _)| *field != "untrusted") {
            assert_eq!(&here[field], value, "{field} of {command:?}");
        }
    }
}
