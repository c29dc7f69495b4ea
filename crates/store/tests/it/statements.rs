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
