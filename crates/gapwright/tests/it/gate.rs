//! The gate by command, where there is nothing to judge yet: figures, records of others, and words that cannot be given.

use serde_json::Value;

use crate::program::Home;

#[test]
fn loops_are_played_through_with_figures_of_ones_own() {
    let home = Home::new();
    let figures = ["gate", "simulate", "--bad-percent", "5", "--bad-percent", "0", "--loops", "200", "--within", "300"];
    let told = home.json(&figures);
    let rates = told["rates"].as_array().expect("rates");
    let of = |at: usize, field: &str| rates[at][field].as_f64().expect("a share");
    assert!((of(0, "streak_exact") - 0.72).abs() < 0.01, "{told}");
    assert!(of(0, "opened_played") <= of(0, "streak_played") && of(0, "streak_played") < 1.0, "{told}");
    assert!(of(1, "streak_exact") > 0.999 && of(1, "opened_played") > 0.999, "{told}");
    assert!(home.ok(&figures).contains("a row of 50, and a bound of 6.0 % over the last 200, within 300 outcomes"));
    let never = ["gate", "simulate", "--bad-percent", "0", "--window", "40", "--loops", "10"];
    assert_eq!((&home.json(&never)["can_open"], &told["can_open"]), (&false.into(), &true.into()));
    assert!(home.ok(&never).contains("no loop ever opens the gate with these figures"));
    for (flag, value) in [("--loops", "0"), ("--bad-percent", "101"), ("--streak", "0"), ("--within", "10001")] {
        assert!(home.fails(2, &["gate", "simulate", flag, value]).contains("cannot be played through"), "{flag}");
    }
}

#[test]
fn what_is_no_record_or_no_stratum_is_refused() {
    let home = Home::with_database();
    home.write("no.json", "{\"record\": {\"at\": 1}}");
    assert!(home.fails(2, &["gate", "explain", "--record", "no.json"]).contains("this is no record of the gate"));
    home.fails(2, &["gate", "explain", "--record", "nowhere.json"]);
    home.fails(3, &["gate", "explain", "7"]);
    let arm = ["gate", "arm", "0123456789ab", "--reason"];
    assert!(home.fails(3, &[&arm[..], &["it has shown enough"]].concat()).contains("there is no stratum"));
    home.fails(2, &[&arm[..], &["yes"]].concat());
    for one in [&["gate", "shadow", "0123456789ab"][..], &["gate", "simulate", "--stratum", "0123456789ab"]] {
        assert!(home.fails(3, one).contains("there is no stratum"), "{one:?}");
    }
    home.fails(3, &["gate", "revert", "7", "--reason", "it broke the build"]);
    assert_eq!(home.ok(&["gate", "disarm", "--all", "--reason", "a quiet week"]), "nothing was armed\n");
    assert_eq!(home.json(&["gate", "show"])["strata"], Value::Array(Vec::new()));
    assert!(home.ok(&["gate", "show"]).contains("no stratum was met yet"));
}
