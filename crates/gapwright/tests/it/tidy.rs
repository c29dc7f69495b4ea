//! The rules of the house, as tests: what a linter cannot know.

use std::path::{Path, PathBuf};

/// The longest file, without tests: beyond it a file has more than one subject.
const FILE_LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Every file of ours below `folder` that ends so, with its path from the root and its text; at least one.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let found = below(folder, ending);
    assert!(!found.is_empty(), "no {ending} below {folder}");
    found
}

/// As [`files`], where none is fine too.
fn below(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(path) = open.pop() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "node_modules" | ".git" | ".cache") {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.is_file() && name.ends_with(ending) {
            let from_root = path.strip_prefix(&root).expect("below the root").display().to_string();
            found.push((from_root, std::fs::read_to_string(&path).expect("a text")));
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    files("crates", ".rs")
}

/// A file's lines up to its own tests. One that only names them, for they stand beside it, is counted whole.
fn product_lines(text: &str) -> usize {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count()
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|(path, text)| {
        // A module's tests stand beside it and are told of there.
        !path.ends_with("tests.rs") && !text.starts_with("//! ")
    });
    assert_eq!(silent.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_file_has_more_than_one_subject() {
    let long = sources().into_iter().filter(|(path, _)| !path.contains("/tests/") && !path.ends_with("tests.rs"));
    let long = long.filter(|(_, text)| product_lines(text) > FILE_LINES_MAX).map(|(path, _)| path);
    assert_eq!(long.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_name_is_a_shrug() {
    let shrugs = ["utils", "util", "common", "helpers", "helper", "misc", "manager", "service", "types"];
    let names = sources().into_iter().map(|(path, _)| path);
    let shrugged = names.filter(|path| path.split(['/', '.']).any(|part| shrugs.contains(&part)));
    assert_eq!(shrugged.collect::<Vec<_>>(), Vec::<String>::new());
}

/// What each crate of ours may build on.
const EDGES: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("notify", &["domain"]),
    ("alerts", &["domain"]),
    ("forge", &["domain", "store"]),
    ("plane", &["domain", "store", "notify", "alerts", "forge"]),
    ("server", &["domain", "store", "plane"]),
    ("runner", &["domain", "forge"]),
    ("gapwright", &["domain", "store", "notify", "alerts", "forge", "plane", "server", "runner"]),
    ("harness", &["domain", "store", "notify", "alerts", "forge", "plane"]),
];

/// The dependencies in one section of a manifest.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let rest = manifest.split(&format!("[{section}]")).nth(1).unwrap_or_default();
    let lines = rest.lines().skip(1).take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| {
            line.split(['.', ' ', '='])
                .next()
                .filter(|name| !name.is_empty() && !name.starts_with('#'))
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn the_edges_between_crates_run_one_way() {
    let ours: Vec<_> = EDGES.iter().map(|(name, _)| *name).collect();
    let mut folders: Vec<_> = std::fs::read_dir(root().join("crates"))
        .expect("crates")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    folders.sort();
    let mut named = ours.clone();
    named.sort_unstable();
    assert_eq!(folders, named, "a crate was added or removed: draw its edges");
    for (name, allowed) in EDGES {
        let manifest = std::fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).expect("a manifest");
        let edges = dependencies(&manifest, "dependencies");
        let wrong: Vec<_> =
            edges.iter().filter(|edge| ours.contains(&edge.as_str()) && !allowed.contains(&edge.as_str())).collect();
        assert!(wrong.is_empty(), "{name} builds on {wrong:?}");
    }
}

#[test]
fn the_domain_knows_no_world() {
    let manifest = std::fs::read_to_string(root().join("crates/domain/Cargo.toml")).expect("a manifest");
    let worldly = ["tokio", "sqlx", "reqwest", "axum", "rmcp", "rand", "tracing", "anyhow"];
    let known: Vec<_> =
        dependencies(&manifest, "dependencies").into_iter().filter(|name| worldly.contains(&name.as_str())).collect();
    assert_eq!(known, Vec::<String>::new());
    for (path, text) in files("crates/domain/src", ".rs") {
        assert!(!text.contains("async "), "{path} waits");
    }
}

#[test]
fn only_the_store_knows_sql_and_only_the_engine_knows_that_there_are_two() {
    for (path, text) in
        sources().into_iter().filter(|(path, _)| path.contains("/src/") && !path.starts_with("crates/harness"))
    {
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let sql = ["INSERT INTO ", "DELETE FROM ", "SELECT ", " FOR UPDATE"].iter().any(|word| code.contains(word));
        assert!(!sql || path.starts_with("crates/store/"), "{path} knows SQL");
        let engine = code.contains("use sqlx::sqlite") || code.contains("use sqlx::postgres");
        assert!(!engine || path.starts_with("crates/store/src/engine"), "{path} knows an engine");
    }
}

#[test]
fn every_file_of_the_store_lists_its_statements() {
    let listed = store::statements()
        .map(|(file, _, _)| format!("crates/store/src/{file}.rs"))
        .collect::<std::collections::BTreeSet<_>>();
    let with_statements =
        files("crates/store/src", ".rs").into_iter().filter(|(_, text)| text.contains("\nstatements! {"));
    assert_eq!(with_statements.map(|(path, _)| path).collect::<std::collections::BTreeSet<_>>(), listed);
}

#[test]
fn nothing_is_unfinished_ignored_or_slept_over() {
    // The words are put together here, so that this file does not find itself.
    let marks = [
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["#[ig", "nore"].concat(),
    ];
    for (path, text) in sources() {
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{path} has {mark}");
        }
    }
    let sleeps = ["sle", "ep("].concat();
    let allowed = [
        "crates/plane/src/chore.rs",
        "crates/forge/src/github/line.rs",
        "crates/server/src/health.rs",
        "crates/server/src/lib.rs",
        "crates/alerts/tests/it/",
        // A runner asks, tries and reports at intervals.
        "crates/runner/src/",
        "crates/gapwright/src/command/work.rs",
    ];
    for (path, text) in
        sources().into_iter().filter(|(path, _)| !allowed.iter().any(|allowed| path.starts_with(allowed)))
    {
        assert!(!text.contains(&sleeps), "{path} sleeps: wait for a signal");
    }
}

#[test]
fn the_project_names_no_machine_and_no_registry() {
    let hosts = [
        ["crates", ".io/"].concat(),
        ["npm", "js.org"].concat(),
        ["py", "pi.org"].concat(),
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
    ];
    let texts = ["rs", "md", "toml", "yml", "json", "py", "js", "mjs", "sql"].iter().flat_map(|ending| {
        let ending = format!(".{ending}");
        ["crates", "docs", "clients", "plugin", ".claude-plugin", "migrations", ".github"]
            .into_iter()
            .filter(|folder| root().join(folder).exists())
            .flat_map(move |folder| below(folder, &ending))
    });
    for (path, text) in texts {
        for host in &hosts {
            assert!(!text.contains(host.as_str()), "{path} names {host}");
        }
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for (path, text) in files(".", ".md") {
        let folder = root().join(&path).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://");
            assert!(elsewhere || folder.join(target).exists(), "{path} links to {target}");
        }
    }
}

#[test]
fn the_changelog_has_a_place_for_what_comes_next() {
    let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).expect("a changelog");
    assert!(changelog.contains("\n## Unreleased\n"));
}

#[test]
fn ci_runs_the_readmes_test_command_with_few_rights_and_pinned_actions() {
    let run = std::fs::read_to_string(root().join(".ci/run")).expect("what CI runs");
    assert!(run.lines().any(|line| line == "exec ./test"), "{run}");
    let ci = std::fs::read_to_string(root().join(".github/workflows/ci.yml")).expect("the workflow");
    assert!(ci.contains(" .ci/run\n"), "CI runs something else");
    for (path, text) in files(".github/workflows", ".yml") {
        assert!(text.contains("\npermissions: {}\n"), "{path} has rights that no job asked for");
        let jobs = text.matches("runs-on:").count();
        assert_eq!(text.matches("timeout-minutes:").count(), jobs, "{path} has a job that may run for ever");
        assert!(!text.contains(": write"), "{path} may write");
        for action in text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action) {
            let pin = action.split_once('@').map_or("", |(_, pin)| pin).split(' ').next().unwrap_or_default();
            assert!(pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path} uses {action}");
        }
    }
}
