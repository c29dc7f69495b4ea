//! Settings: who wins, where each comes from, and what is refused.

use serde_json::json;

use crate::program::Home;

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let home = Home::new();
    home.write(
        "gapwright.toml",
        "[server]\ndrain_secs = 1\ncalls_per_principal = 2\n[database]\nurl = \"sqlite:file.db\"\n",
    );
    let home = home.set("GAPWRIGHT__SERVER__DRAIN_SECS", "2").set("GAPWRIGHT__DATABASE__URL", "sqlite:env.db");
    let shown = home.json(&["--database", "flag.db", "config", "show", "--origin"]);
    let of = |key: &str| (shown[key]["value"].clone(), shown[key]["origin"].as_str().expect("an origin").to_owned());
    assert_eq!(of("database.url"), (json!("sqlite:flag.db"), "flag --database".to_owned()));
    let variable = "environment variable GAPWRIGHT__SERVER__DRAIN_SECS";
    assert_eq!(of("server.drain_secs"), (json!(2), variable.to_owned()));
    let (value, origin) = of("server.calls_per_principal");
    assert_eq!(value, json!(2));
    assert!(origin.starts_with("file ") && origin.ends_with("gapwright.toml"), "{origin}");
    assert_eq!(of("mcp.tool_prefix"), (json!("monolith-agent-"), "default".to_owned()));
}

#[test]
fn one_file_is_read_the_one_that_was_asked_for_first() {
    let home = Home::new();
    home.write("gapwright.toml", "[server]\ndrain_secs = 1\n");
    home.write("a.toml", "[retention]\nkeep = \"2d\"\n");
    home.write("b.toml", "[retention]\nkeep = \"3d\"\n");
    let home = home.set("GAPWRIGHT_CONFIG", "a.toml");
    let keep = |args: &[&str]| {
        let shown = home.json(&[args, &["config", "show"]].concat());
        (shown["retention.keep"].clone(), shown["server.drain_secs"].clone())
    };
    assert_eq!(keep(&[]), (json!("2d"), json!(8)));
    assert_eq!(keep(&["--config", "b.toml"]), (json!("3d"), json!(8)));
    assert!(home.fails(2, &["--config", "c.toml", "config", "show"]).contains("c.toml: No such file"));
    let said = home.fails(2, &["--config", "..", "config", "show"]);
    assert!(said.contains("Is a directory") && said.contains("hint: check --config"), "{said}");
}

#[test]
fn a_list_and_a_name_with_hyphens_can_be_set_in_the_environment() {
    let home = Home::new()
        .set("GAPWRIGHT__SERVER__ALLOWED_HOSTS", "a.example, b.example")
        .set("GAPWRIGHT__SCHEDULE__DEAD_MANS_SWITCH", "every 2m")
        .set("GAPWRIGHT__WATCH__DIGEST__EVERY", "7d");
    let shown = home.json(&["config", "show"]);
    assert_eq!(shown["server.allowed_hosts"], json!(["a.example", "b.example"]));
    assert_eq!(shown["schedule.dead-mans-switch"], json!("every 2m"));
    assert_eq!(shown["watch.digest.every"], json!("7d"));
}

#[test]
fn an_unknown_key_is_refused_with_its_origin_and_the_nearest_one() {
    for (file, key, near) in [
        ("[server]\nlisen = \"x\"\n", "server.lisen", "server.listen"),
        ("[sever]\nlisten = \"x\"\n", "sever.listen", "server.listen"),
        ("[notify.channels.ops]\nulr = \"x\"\n", "notify.channels.ops.ulr", "notify.channels.ops.url"),
        ("[alerts.prod]\ntoken_fil = \"x\"\n", "alerts.prod.token_fil", "alerts.prod.token_file"),
        ("server = 5\n", "server", "server."),
    ] {
        let home = Home::new();
        home.write("gapwright.toml", file);
        let said = home.fails(2, &["config", "show"]);
        assert!(said.contains(&format!("there is no setting {key}\n")), "{said}");
        assert!(said.contains("gapwright.toml") && said.contains(&format!("did you mean {near}")), "{said}");
    }
    let home = Home::new().set("GAPWRIGHT__SERVER__LISENT", "x");
    let said = home.fails(2, &["jobs", "list"]);
    assert!(said.contains("GAPWRIGHT__SERVER__LISENT") && said.contains("did you mean server.listen"), "{said}");
}

#[test]
fn a_key_that_is_near_to_none_is_told_no_other() {
    let home = Home::new();
    home.write("gapwright.toml", "[schedule]\nfoo = \"every 1h\"\n");
    let said = home.fails(2, &["config", "show"]);
    assert!(said.contains("there is no setting schedule.foo") && !said.contains("did you mean"), "{said}");
}

#[test]
fn a_webhook_without_a_key_is_told_which_setting_it_needs() {
    let home = Home::with_database().set("GAPWRIGHT__NOTIFY__CHANNELS__HOOK__URL", "webhook+http://127.0.0.1:1/x");
    let said = home.fails(2, &["notify", "test", "--channel", "hook"]);
    assert!(said.contains("notify.signing_secret_file or GAPWRIGHT__NOTIFY__SIGNING_SECRET"), "{said}");
}

#[test]
fn a_variable_that_kubernetes_sets_for_a_service_of_our_name_is_none_of_ours() {
    let home = Home::new().set("GAPWRIGHT_PORT", "tcp://10.0.0.1:7878").set("GAPWRIGHT_SERVICE_HOST", "10.0.0.1");
    home.ok(&["config", "show"]);
}

#[test]
fn a_value_of_a_wrong_type_or_out_of_its_bounds_is_refused_by_key_origin_and_expectation() {
    for (file, words) in [
        ("[server]\ndrain_secs = \"x\"\n", ["server.drain_secs", "expected a whole number"]),
        ("[server]\ndrain_secs = 9\n", ["server.drain_secs", "from 0 to 8"]),
        ("[server]\ndrain_secs = -1\n", ["server.drain_secs", "from 0 to 8"]),
        ("[server]\ncalls_per_principal = 0\n", ["server.calls_per_principal", "from 1 to 1024"]),
        ("[server]\nstreams_per_principal = 1025\n", ["server.streams_per_principal", "from 1 to 1024"]),
        ("[server]\nstreams = 0\n", ["server.streams", "from 1 to 10000"]),
        ("[server]\ninsecure_no_auth = \"yes\"\n", ["server.insecure_no_auth", "expected true or false"]),
        ("[server]\nallowed_hosts = \"a\"\n", ["server.allowed_hosts", "expected a list"]),
        ("[server]\nallowed_hosts = [\"http://a\"]\n", ["server.allowed_hosts", "host names"]),
        ("[server]\nlisten = \"localhost\"\n", ["server.listen", "an address and a port"]),
        ("[server]\npublic_url = \"https://a/mcp\"\n", ["server.public_url", "without /mcp"]),
        ("[mcp]\ntool_prefix = \"Bad_;\"\n", ["\"Bad_;\"", "mcp.tool_prefix makes no sense"]),
        ("[mcp]\ntool_prefix = \"a2345678901234567890123456789012345678901-\"\n", ["mcp.tool_prefix", "at most "]),
        ("[notify]\ndefault_channel = \"ops\"\n", ["notify.default_channel", "one of the channels log"]),
        ("[notify]\ndiscord_api = \"a/b\"\n", ["notify.discord_api", "host:port"]),
        ("[log]\nformat = \"xml\"\n", ["log.format", "auto, json or text"]),
        ("[log]\nlevel = \"info,=\"\n", ["log.level", "a level"]),
        ("[watch.digest]\nevery = \"1 day\"\n", ["watch.digest.every", "such as 30s"]),
        ("[schedule]\noutbox = \"5m\"\n", ["schedule.outbox", "write it as `every 5m`"]),
        ("[schedule]\noutbx = \"every 5m\"\n", ["schedule.outbx", "did you mean schedule.outbox"]),
        ("[fire.cloud]\nkind = \"\"\n", ["fire.cloud.kind", "such as implementer"]),
        ("[fire.cloud]\nkind = \"a\"\nurl = \"http://a/fire\"\n", ["fire.cloud.url", "on this machine"]),
        (
            "[fire.cloud]\nkind = \"a\"\nurl = \"https://a/fire\"\nper_day = 0\n",
            ["fire.cloud.per_day", "from 1 to 1000"],
        ),
        ("[fire.cloud]\nknd = \"a\"\n", ["fire.cloud.knd", "did you mean fire.cloud.kind"]),
        ("[retention]\nkeep = \"1m\"\n", ["retention.keep", "from 1h to 3660d"]),
        ("[pipeline]\npulls_max = 0\n", ["pipeline.pulls_max", "from 1 to 100"]),
        ("[pipeline]\niterations_max = 4\n", ["pipeline.iterations_max", "from 0 to 3"]),
        ("[pipeline]\nfiles_max = 0\n", ["pipeline.files_max", "from 1 to 10000"]),
        ("[pipeline]\nrun_minutes = 1441\n", ["pipeline.run_minutes", "from 1 to 1440"]),
        ("[pipeline]\nplanner_tokens_max = -1\n", ["pipeline.planner_tokens_max", "from 1 to 1000000000000"]),
        ("[pipeline]\nday_usd_max = 1000001\n", ["pipeline.day_usd_max", "from 1 to 1000000"]),
        ("[pipeline]\nday_usd_max = \"300\"\n", ["pipeline.day_usd_max", "expected a whole number"]),
        ("[pipeline]\nreviewer_usd_max = 61\n", ["pipeline.reviewer_usd_max", "at most what pipeline.pull_usd_max is"]),
        ("[pipeline]\nmerger_tokens_max = 12000001\n", ["pipeline.merger_tokens_max", "which is 12000000"]),
        ("[pipeline]\npull_usd_max = 301\n", ["pipeline.pull_usd_max", "at most what pipeline.day_usd_max is"]),
        ("[pipeline]\nbranch_prefix = \"ma\"\n", ["pipeline.branch_prefix", "such as gapwright/"]),
        ("[pipeline]\nbranch_prefix = \"a..b/\"\n", ["pipeline.branch_prefix", "such as gapwright/"]),
        ("[pipeline]\nbranch_prefx = \"a/\"\n", ["pipeline.branch_prefx", "did you mean pipeline.branch_prefix"]),
        ("[forge]\nbroker = \"broker.git\"\n", ["forge.broker", "begins at the root"]),
        ("[forge]\ngit = \"/a/b.git\"\nbroker = \"/a/b.git\"\n", ["forge.broker", "another folder than forge.git"]),
        ("[forge.labels]\nopt_in = \"iteration:0\"\n", ["forge.labels.opt_in", "forge.labels.iteration_0"]),
        ("[scheduled_run]\ndeadline = \"2h\"\n", ["scheduled_run.deadline", "from 1s to 1h"]),
    ] {
        let home = Home::new();
        home.write("gapwright.toml", file);
        let said = home.fails(2, &["config", "show"]);
        for word in words.into_iter().chain(["gapwright.toml"]) {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_place_and_without_its_text() {
    let home = Home::new();
    home.write("gapwright.toml", "[server]\nlisten = s3cret\n");
    let said = home.fails(2, &["config", "show"]);
    assert!(said.contains("gapwright.toml") && said.contains("line 2") && !said.contains("s3cret"), "{said}");
}

#[test]
fn an_alert_source_that_cannot_be_asked_is_refused() {
    for (file, words) in [
        ("[alerts.prod]\nkind = \"nagios\"\nurl = \"http://a\"\n", "alerts.prod cannot be asked"),
        ("[alerts.prod]\nkind = \"prometheus\"\nurl = \"a\"\n", "http or https"),
    ] {
        let home = Home::new();
        home.write("gapwright.toml", file);
        let said = home.fails(2, &["config", "show"]);
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

#[test]
fn a_channel_that_cannot_be_used_is_refused_by_who_would_send() {
    for (variable, address, words) in [
        ("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL", "https://example.com", "the channel ops cannot be used"),
        ("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL", "", "notify.channels.ops.url"),
        ("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL_FILE", "missing", "notify.channels.ops.url_file"),
    ] {
        let home = Home::with_database().set(variable, address);
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["notify", "test"], &["mcp"]] {
            let said = home.fails(2, args);
            assert!(said.contains(words), "{args:?}: {words:?} is not in {said}");
        }
    }
}

#[test]
fn a_variable_that_only_looks_like_a_setting_is_refused_with_the_one_it_means() {
    let home = Home::with_database().set("GAPWRIGHT_SERVER_LISTEN", "127.0.0.1:1");
    let said = home.fails(2, &["jobs", "list"]);
    assert!(said.contains("nobody reads the environment variable GAPWRIGHT_SERVER_LISTEN"), "{said}");
    assert!(said.contains("did you mean GAPWRIGHT__SERVER__LISTEN?"), "{said}");
}

#[test]
fn every_label_of_ours_has_a_name_that_can_be_set() {
    let shown = Home::new().json(&["config", "show"]);
    for role in domain::label::Role::ALL {
        assert_eq!(shown[format!("forge.labels.{}", role.key())], role.name(), "{role:?}");
    }
}

#[test]
fn the_budgets_in_the_manual_are_those_that_the_rules_begin_with() {
    let shown = Home::new().json(&["config", "show"]);
    let caps = domain::budget::Caps::default();
    let runs = caps.run.iter().map(|(stage, amount)| (stage.name(), *amount));
    for (name, amount) in runs.chain([("pull", caps.pull), ("day", caps.day)]) {
        assert_eq!(shown[format!("pipeline.{name}_tokens_max")], amount.tokens, "{name}");
        assert_eq!(shown[format!("pipeline.{name}_usd_max")], amount.micro_usd / 1_000_000, "{name}");
    }
    let rules = plane::settings::Rules::default();
    for (key, value) in [
        ("pipeline.iterations_max", caps.iterations),
        ("pipeline.files_max", caps.files),
        ("gaps.lines_max", caps.lines),
        ("pipeline.run_minutes", caps.wall.0 / 60_000),
        ("pipeline.pulls_max", rules.pulls_max),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    assert_eq!(shown["pipeline.branch_prefix"], rules.branch_prefix);
}

#[test]
fn the_manual_is_a_file_to_start_from() {
    let home = Home::new();
    let manual = home.ok(&["config", "default"]);
    let bare = home.json(&["config", "show"]);
    home.write("gapwright.toml", &manual);
    assert_eq!(home.json(&["config", "show"]), bare);
    let keys: Vec<_> =
        bare.as_object().expect("an object").iter().map(|(key, value)| format!("{key} = {value}")).collect();
    insta::assert_snapshot!("default_settings", keys.join("\n"));
}
