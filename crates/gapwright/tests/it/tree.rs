//! What may be in the dependency tree, as `deny.toml` says, asked of cargo itself and without a network.
//!
//! Advisories are not asked for here: they are news, and CI asks for them with cargo-deny.

use std::process::Command;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde_json::Value;

fn rules() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deny.toml");
    Figment::from(Toml::file_exact(file)).extract().expect("deny.toml")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}

/// Every package that our targets are built of, and that is not ours.
fn packages(rules: &Value) -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--locked", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // Those that a build on this machine has fetched; CI asks cargo-deny for the others too.
    for target in texts(&rules["graph"]["targets"]).iter().filter(|target| target.contains("linux")) {
        cargo.args(["--filter-platform", target]);
    }
    let told = cargo.output().expect("cargo");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut document: Value = serde_json::from_slice(&told.stdout).expect("metadata");
    let Value::Array(packages) = document["packages"].take() else { panic!("no packages") };
    let others: Vec<_> = packages.into_iter().filter(|package| !package["source"].is_null()).collect();
    assert!(others.len() > 100, "{} packages", others.len());
    others
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

/// Whether an expression of licences can be met by allowed ones.
fn may(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    assert_eq!(words.next(), None, "{expression} was not read to its end");
    met
}

type Words<'t> = std::iter::Peekable<std::str::SplitWhitespace<'t>>;

fn any(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let licence = words.next().expect("a licence");
    if licence == "(" {
        let met = any(words, allowed);
        assert_eq!(words.next(), Some(")"));
        return met;
    }
    if words.next_if_eq(&"WITH").is_some() {
        let exception = words.next().expect("an exception");
        return allowed.contains(&format!("{licence} WITH {exception}").as_str());
    }
    allowed.contains(&licence)
}

#[test]
fn an_expression_of_licences_is_met_as_it_is_written() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"];
    for expression in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "GPL-3.0 OR (MIT AND Unicode-3.0)",
    ] {
        assert!(may(expression, &allowed), "{expression}");
    }
    for expression in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND GPL-3.0", "MIT WITH LLVM-exception"] {
        assert!(!may(expression, &allowed), "{expression}");
    }
}

#[test]
fn every_package_has_an_allowed_licence_and_comes_from_the_registry() {
    let rules = rules();
    let allowed = texts(&rules["licenses"]["allow"]);
    let refused: Vec<_> = packages(&rules)
        .iter()
        .filter_map(|package| {
            let licence = package["license"].as_str().unwrap_or("none");
            let source = package["source"].as_str().unwrap_or_default();
            let fine = may(licence, &allowed) && source.starts_with("registry+");
            (!fine).then(|| format!("{} under {licence} from {source}", name(package)))
        })
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn there_is_one_tls_stack_with_one_provider() {
    let rules = rules();
    let packages = packages(&rules);
    let banned = rules["bans"]["deny"].as_array().expect("a list");
    let banned: Vec<_> = banned.iter().map(|ban| ban["crate"].as_str().expect("a name")).collect();
    for stack in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs"] {
        assert!(banned.contains(&stack), "deny.toml lets {stack} in");
    }
    let met: Vec<_> = packages.iter().map(name).filter(|name| banned.contains(name)).collect();
    assert_eq!(met, Vec::<&str>::new());
    for once in ["rustls", "ring"] {
        assert_eq!(packages.iter().filter(|package| name(package) == once).count(), 1, "{once}");
    }
}
