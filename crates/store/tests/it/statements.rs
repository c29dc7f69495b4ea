//! One text for both engines: each takes every statement as it stands in the source.

use harness::both;

#[expect(clippy::print_stdout, reason = "how much was proved belongs into the log of the proof")]
fn tell(count: usize, engine: harness::On) {
    println!("{count} statements prepare on {engine:?}");
}

both!(every_statement_prepares, async |world| {
    let mut refused = Vec::new();
    let mut count = 0;
    for (file, name, sql) in store::statements() {
        count += 1;
        if let Err(fault) = world.store().prepare(sql).await {
            refused.push(format!("store::{file}::{name}: {fault}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count >= 80, "only {count} statements are listed");
    tell(count, world.on());
});

/// A file of statements that nobody lists would be prepared by nobody.
#[test]
fn every_file_with_statements_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let listed: std::collections::BTreeSet<_> = store::statements().map(|(file, _, _)| file.to_owned()).collect();
    let mut written = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        if text.lines().any(|line| line == "statements! {") {
            written.insert(path.file_stem().expect("a name").to_string_lossy().into_owned());
        }
    }
    assert_eq!(listed, written);
}

/// Architecture, invariant 4: words that mean something on one engine only do not appear.
#[test]
fn no_statement_speaks_the_dialect_of_one_engine() {
    let banned =
        ["now()", "::", "ilike", " glob ", "->", "array[", "any(", "strftime", "unixepoch", "datetime(", "rowid"];
    for (file, name, sql) in store::statements() {
        let folded = sql.to_ascii_lowercase();
        let found: Vec<_> = banned.iter().filter(|word| folded.contains(*word)).collect();
        assert!(found.is_empty(), "store::{file}::{name} says {found:?}");
    }
}
