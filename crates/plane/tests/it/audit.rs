//! The audit as people look into it: by what was changed, by whom, and by which tool; each entry once, the latest first.

use domain::agent::Role;
use domain::lock::Shorten;
use domain::time::Span;
use harness::{World, both, call};
use plane::lock::Acquired;
use plane::page::Ask;
use store::journal::{LOOKED_AT_MAX, Look, Row};

use crate::given::{journal, operator, walk};

/// Entries of three people by three tools on a few locks, several at each moment.
async fn written(world: &World) {
    for n in 0..24 {
        let by = call(Role::Routine, ["ann", "bob", "ann b"][n % 3], ["lock", "page lock", "loc"][n / 2 % 3]);
        let key = format!("k{}", n % 4);
        let answer = world.plane.acquire_lock(&by, &key, "h", Span::mins(1)).await.expect("an answer");
        let Acquired::Granted(lock) = answer else { panic!("{key} is free") };
        let extended = world.plane.extend_lock(&by, &lock.lock_id, Span::mins(2), Shorten::Never).await;
        extended.expect("an answer").expect("extended");
        world.plane.release_lock(&by, &lock.lock_id).await.expect("an answer").expect("released");
        if n % 5 == 4 {
            world.hand.advance(Span(1));
        }
    }
}

/// Walks a look by pages of `limit`.
async fn look(world: &World, asked: &Look, limit: i64) -> Vec<Row> {
    walk(limit, async |ask| world.plane.look_into_journal(&operator(), asked, ask).await).await
}

/// Every look at these: each may be left open.
fn looks() -> Vec<Look> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut looks = Vec::new();
    for object in ["", "lock:k1", "lock:k", "lock:K1", "%"] {
        for principal in ["", "ann", "bob", "ann b", "an", "%"] {
            for tool in ["", "lock", "page lock", "loc", "_oc"] {
                looks.push(Look { object: some(object), principal: some(principal), tool: some(tool) });
            }
        }
    }
    looks
}

fn fits(row: &Row, look: &Look) -> bool {
    let is = |asked: &Option<String>, text: &str| asked.as_deref().is_none_or(|asked| asked == text);
    is(&look.object, &row.object) && is(&look.principal, &row.principal) && is(&look.tool, &row.tool)
}

both!(each_look_into_the_audit_gives_each_of_its_entries_once_the_latest_first, async |world| {
    written(world).await;
    let mut all = journal(&world.plane).await;
    all.reverse();
    assert_eq!(all.len(), 72);
    let mut found = 0;
    for asked in looks() {
        let expected: Vec<_> = all.iter().filter(|row| fits(row, &asked)).cloned().collect();
        found += usize::from(!expected.is_empty());
        for limit in [1, 5, 200] {
            assert_eq!(look(world, &asked, limit).await, expected, "{asked:?} by pages of {limit}");
        }
    }
    assert_eq!(found, 23, "whole words are asked for, and a part of one finds nothing");
});

both!(what_is_written_between_two_pages_moves_none_of_the_rest, async |world| {
    written(world).await;
    for asked in [
        Look::default(),
        Look { object: Some("lock:k1".into()), ..Look::default() },
        Look { principal: Some("ann".into()), tool: Some("lock".into()), ..Look::default() },
    ] {
        let expected = look(world, &asked, 200).await;
        let mut pages = 0;
        let walked = walk(5, async |ask| {
            let page = world.plane.look_into_journal(&operator(), &asked, ask).await;
            world.hand.advance(Span(1));
            let by = call(Role::Routine, "ann", "lock");
            let key = if pages == 0 { "k1" } else { "k3" };
            let Acquired::Granted(lock) = world.plane.acquire_lock(&by, key, "h", Span::mins(1)).await? else {
                panic!("{key} is free")
            };
            world.plane.release_lock(&by, &lock.lock_id).await?.expect("released");
            pages += 1;
            page
        });
        assert_eq!(walked.await, expected, "{asked:?}");
        assert!(pages > 1, "{asked:?}");
    }
});

both!(a_page_looks_at_so_many_entries_and_goes_on_from_the_last, async |world| {
    world.spoil();
    written(world).await;
    world.hand.advance(Span(1));
    let many = "INSERT INTO journal (id, at, principal, role, tool, object, before, after, request_id, hash)
                SELECT 'z' || CAST(10000 + a.shard * 128 + b.shard * 2 + c.shard AS TEXT), $1, 'zoe', 'routine', 'lock', 'lock:z',
                       '', '', '', ''
                  FROM fence AS a CROSS JOIN fence AS b CROSS JOIN fence AS c
                 WHERE c.shard < 2 AND a.shard * 128 + b.shard * 2 + c.shard < $2";
    let mut tx = world.store().begin().await.expect("a transaction");
    let args = [store::Arg::Int(world.hand.now().0), store::Arg::Int(LOOKED_AT_MAX)];
    assert_eq!(i64::try_from(tx.run(many, &args).await.expect("rows")), Ok(LOOKED_AT_MAX));
    tx.commit().await.expect("a commit");
    let of_bob = Look { principal: Some("bob".into()), ..Look::default() };
    let ask = Ask::new(Some(100), None).expect("a page");
    let first = world.plane.look_into_journal(&operator(), &of_bob, &ask).await.expect("a page");
    assert_eq!(first.items, [], "all that was looked at is of somebody else");
    let ask = Ask::new(Some(100), first.cursor.as_deref()).expect("it says how far it came");
    let second = world.plane.look_into_journal(&operator(), &of_bob, &ask).await.expect("a page");
    assert_eq!((second.items.len(), second.cursor), (24, None));
    // By what was changed there is an index, and nothing is passed over.
    let of_k1 = Look { object: Some("lock:k1".into()), ..Look::default() };
    let page = world.plane.look_into_journal(&operator(), &of_k1, &Ask::default()).await.expect("a page");
    assert_eq!((page.items.len(), page.cursor), (18, None));
});
