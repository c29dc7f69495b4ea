//! Lists come in one order on both engines, page by page, and a prefix is taken letter for letter.

use domain::lock::Lock;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};

/// Keys that any collation but the plainest puts in another order, or that a pattern would misread.
const KEYS: [&str; 22] = [
    "a",
    "A",
    "b",
    "B",
    "aa",
    "a-b",
    "a_b",
    "a%b",
    "ab",
    "a b",
    "%",
    "%_",
    "_",
    "_x",
    "é",
    "e",
    "z",
    "ß",
    "ключ",
    "🔒",
    "🔒🔑",
    "pr-fix-17",
];

async fn put(world: &World, key: &str, token: i64, expires_at: Time) {
    let mut tx = world.store().begin().await.expect("a transaction");
    let lock = Lock {
        key: key.into(),
        lock_id: format!("id-of-{key}"),
        holder: "ann".into(),
        principal: "ann".into(),
        fencing_token: token,
        acquired_at: START,
        expires_at,
    };
    store::lock::put(&mut tx, &lock).await.expect("a row");
    tx.commit().await.expect("a commit");
}

/// Walks the list by pages of `limit` and gives the keys.
async fn walk(world: &World, prefix: &str, limit: i64) -> Vec<String> {
    let mut tx = world.store().read().await.expect("a look");
    let (mut keys, mut after) = (Vec::new(), (i64::MIN, String::new()));
    loop {
        let page = store::lock::list(&mut tx, prefix, (after.0, &after.1), limit).await.expect("a page");
        let Some(last) = page.last() else { return keys };
        after = (last.expires_at.0, last.key.clone());
        keys.extend(page.into_iter().map(|lock| lock.key));
    }
}

both!(a_list_has_one_total_order_whatever_the_page, async |world| {
    world.spoil();
    for (token, key) in KEYS.iter().enumerate() {
        // Three moments, so that most locks share one and the key decides.
        let expires_at = START + Span::secs(10 + i64::try_from(key.len() % 3).expect("small"));
        put(world, key, i64::try_from(token).expect("small") + 1, expires_at).await;
    }
    let mut expected = KEYS.to_vec();
    expected.sort_by_key(|key| (key.len() % 3, *key));
    for limit in [1, 2, 3, 7, 100] {
        assert_eq!(walk(world, "", limit).await, expected, "by pages of {limit}");
    }
});

both!(a_prefix_is_literal, async |world| {
    world.spoil();
    for (token, key) in KEYS.iter().enumerate() {
        put(world, key, i64::try_from(token).expect("small") + 1, START + Span::secs(10)).await;
    }
    for prefix in ["", "%", "_", "%_", "a", "a_", "a%", "A", "é", "к", "🔒", "🔒🔑", "\\", "*", "a?", "pr-fix-", "none"]
    {
        let mut expected: Vec<_> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(walk(world, prefix, 5).await, expected, "{prefix:?}");
    }
});

both!(an_expired_lock_is_not_listed, async |world| {
    world.spoil();
    put(world, "later", 1, START + Span(1)).await;
    put(world, "now", 2, START).await;
    put(world, "earlier", 3, START - Span(1)).await;
    assert_eq!(walk(world, "", 5).await, ["later"]);
});
