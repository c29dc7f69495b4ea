//! Secrets are taken from the environment and from files of their own, and never printed.

use crate::program::{Ended, Home, LOOKS};

const SECRET: &str = "s3cretS3cret";

fn silent(ended: &Ended) {
    assert!(!ended.out.contains(SECRET) && !ended.err.contains(SECRET), "{ended:?}");
}

#[test]
fn no_secret_is_printed_by_any_command() {
    let secret = |prefix: &str| format!("{prefix}{SECRET}");
    let home = Home::with_database()
        .set("GAPWRIGHT__NOTIFY__DISCORD_TOKEN", SECRET)
        .set("GAPWRIGHT__NOTIFY__SIGNING_SECRET", SECRET)
        .set("GAPWRIGHT__DEAD_MANS_SWITCH__PING_URL", &secret("http://127.0.0.1:1/"))
        .set("GAPWRIGHT__ALERTS__PROD__KIND", "prometheus")
        .set("GAPWRIGHT__ALERTS__PROD__URL", "http://127.0.0.1:1")
        .set("GAPWRIGHT__ALERTS__PROD__TOKEN", SECRET)
        .set("GAPWRIGHT__NOTIFY__CHANNELS__HOOK__URL", &secret("webhook+http://127.0.0.1:1/"))
        .set("GAPWRIGHT__NOTIFY__CHANNELS__CHAT__URL", &secret("slack+http://127.0.0.1:1/"))
        .set("GAPWRIGHT__LOG__LEVEL", "trace");
    for args in [
        &["config", "show"][..],
        &["config", "show", "--origin"],
        &["--json", "config", "show", "--origin"],
        &["doctor"],
        &["--json", "doctor"],
        &["jobs", "list"],
        &["notify", "test", "--channel", "hook"],
        &["--json", "notify", "test", "--channel", "chat"],
        &["audit", "tail"],
        &["audit", "export"],
    ] {
        silent(&home.run(args));
    }
    let shown = home.json(&["config", "show"]);
    for key in ["notify.discord_token", "dead_mans_switch.ping_url", "alerts.prod.token", "notify.channels.hook.url"] {
        assert_eq!(shown[key], "(secret)", "{key}");
    }
}

#[test]
fn a_password_in_the_databases_address_is_not_printed() {
    let home = Home::new().set("GAPWRIGHT__DATABASE__URL", &format!("postgres://ann:{SECRET}@127.0.0.1:1/x"));
    for args in [&["config", "show", "--origin"][..], &["doctor"], &["jobs", "list"], &["serve"]] {
        silent(&home.run(args));
    }
    assert_eq!(home.json(&["config", "show"])["database.url"], "postgres://ann:(secret)@127.0.0.1:1/x");
    let flag = home.run(&["--database", &format!("postgres://ann:{SECRET}@127.0.0.1:1/x"), "jobs", "list"]);
    silent(&flag);
    assert_eq!(flag.code, 2);
    assert!(flag.err.contains("GAPWRIGHT__DATABASE__URL"), "{flag:?}");
}

#[test]
fn a_value_that_is_refused_is_not_repeated_when_it_is_a_secret() {
    for file in [
        format!("[notify]\ndiscord_token = \"{SECRET}\"\n"),
        format!("[dead_mans_switch]\nping_url = \"http://{SECRET}\"\n"),
        format!("[alerts.prod]\ntoken = \"{SECRET}\"\n"),
        format!("[notify.channels.ops]\nurl = [\"{SECRET}\"]\n"),
        format!("[notify.channels.ops]\nurl = \"nothing://{SECRET}\"\n"),
        format!("[alerts.prod]\nkind = \"prometheus\"\nurl = \"http://a:{SECRET}@b\"\n"),
        format!("[server]\npublic_url = \"http://a:{SECRET}@b\"\n"),
        format!("[database]\nurl = \"mysql://a:{SECRET}@b\"\n"),
    ] {
        let home = Home::new();
        home.ok(&["migrate"]);
        home.write("gapwright.toml", &file);
        for args in [&["jobs", "list"][..], &["config", "show"], &["doctor"]] {
            silent(&home.run(args));
        }
        assert_ne!(home.run(&["jobs", "list"]).code, 0, "{file}");
    }
}

#[test]
fn a_secret_is_read_from_a_file_of_its_own_and_the_stronger_place_wins() {
    let home = Home::new();
    home.write("url", "sqlite:of-file.db\n");
    home.write("gapwright.toml", "[database]\nurl_file = \"url\"\n");
    home.ok(&["migrate"]);
    assert!(home.path().join("of-file.db").is_file());
    let home = home.set("GAPWRIGHT__DATABASE__URL", "sqlite:of-env.db");
    home.ok(&["migrate"]);
    assert!(home.path().join("of-env.db").is_file());
    let home = home.set("GAPWRIGHT__DATABASE__URL_FILE", "url");
    let said = home.fails(2, &["migrate"]);
    assert!(said.contains("both database.url and database.url_file are set"), "{said}");
}

#[test]
fn a_file_that_should_hold_a_secret_and_does_not_is_refused() {
    let home = Home::with_database();
    home.write("empty", "\n");
    for (file, why) in [("missing", "No such file"), ("empty", "it is empty")] {
        home.write("gapwright.toml", &format!("[dead_mans_switch]\nping_url_file = \"{file}\"\n"));
        let said = home.fails(2, &["serve", "--listen", "127.0.0.1:0"]);
        assert!(said.contains("dead_mans_switch.ping_url_file") && said.contains(why), "{said}");
    }
}

#[test]
fn a_secret_that_is_missing_stops_nobody_who_does_not_use_it() {
    let home = Home::with_database();
    home.write(
        "gapwright.toml",
        "[notify]\ndiscord_token_file = \"missing\"\n[notify.channels.ops]\nurl_file = \"missing\"\n\
         [alerts.prod]\nkind = \"prometheus\"\nurl = \"http://a\"\ntoken_file = \"missing\"\n\
         [dead_mans_switch]\nping_url_file = \"missing\"\n",
    );
    home.ok(&["jobs", "add", "a", "--kind", "x"]);
    home.ok(&["token", "create", "--role", "viewer", "--name", "a"]);
    let others = [&["jobs", "trigger", "a"][..], &["jobs", "remove", "a"], &["audit", "export"]];
    for args in LOOKS.into_iter().chain(others) {
        home.ok(args);
    }
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["notify", "test"], &["mcp"]] {
        assert!(home.fails(2, args).contains("cannot read the file"), "{args:?}");
    }
}

#[test]
fn a_secret_has_no_place_in_the_configuration_file() {
    for (file, key, variable) in [
        (
            "[notify.channels.ops]\nurl = \"slack://hooks/T0/B0/s3cretS3cret\"\n",
            "notify.channels.ops.url",
            "GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL",
        ),
        (
            "[notify.channels.ops]\nurl = \"discord://1/s3cretS3cret\"\n",
            "notify.channels.ops.url",
            "GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL",
        ),
        (
            "[notify.channels.ops]\nurl = \"ntfy://ntfy.example.com/s3cretS3cret\"\n",
            "notify.channels.ops.url",
            "GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL",
        ),
        ("[database]\nurl = \"postgres://a:s3cretS3cret@b/c\"\n", "database.url", "GAPWRIGHT__DATABASE__URL"),
        ("[notify]\nsigning_secret = \"s3cretS3cret\"\n", "notify.signing_secret", "GAPWRIGHT__NOTIFY__SIGNING_SECRET"),
        ("[alerts.prod]\ntoken = \"s3cretS3cret\"\n", "alerts.prod.token", "GAPWRIGHT__ALERTS__PROD__TOKEN"),
        ("[fire.cloud]\ntoken = \"s3cretS3cret\"\n", "fire.cloud.token", "GAPWRIGHT__FIRE__CLOUD__TOKEN"),
    ] {
        let home = Home::new();
        home.write("gapwright.toml", file);
        let ended = home.run(&["config", "show"]);
        silent(&ended);
        assert_eq!(ended.code, 2, "{file}: {ended:?}");
        assert!(ended.err.contains(&format!("the setting {key} may not stand in a configuration file")), "{ended:?}");
        assert!(ended.err.contains(&format!("{key}_file")) && ended.err.contains(variable), "{ended:?}");
    }
    let home = Home::with_database();
    home.write("gapwright.toml", "[notify.channels.a]\nurl = \"log://\"\n[notify.channels.b]\nurl = \"discord://1\"\n");
    home.ok(&["jobs", "list"]);
}
