//! The audit: sealed into a chain that names whatever was changed.

use domain::agent::Role;
use domain::lock::Shorten;
use domain::refusal::Code;
use domain::time::Span;
use harness::{World, both, call};
use plane::journal::Verified;
use store::Arg::Text;

use crate::given::{ann, code, journal, operator, walk};

/// Three blocks of three entries each, and two that wait to be sealed.
async fn written(world: &World) {
    for n in 0..11 {
        world.plane.acquire_lock(&ann(), &format!("k{n:02}"), "h", Span::mins(1)).await.expect("a lock");
        world.hand.advance(Span(1));
        if n % 3 == 2 {
            assert_eq!(world.plane.seal_journal().await.expect("sealed"), 3);
        }
    }
}

async fn verify(world: &World) -> Verified {
    world.plane.verify_journal(&operator(), None).await.expect("a verdict")
}

/// Changes the store behind everybody's back and gives what verifying finds.
async fn tampered(world: &World, statements: &[&'static str]) -> Vec<String> {
    world.spoil();
    let mut tx = world.open().await.begin().await.expect("a transaction");
    for sql in statements {
        let changed = tx.run(sql, &[]).await.expect(sql);
        assert!(changed > 0 || !sql.starts_with("UPDATE"), "{sql} changed nothing");
    }
    tx.commit().await.expect("a commit");
    verify(world).await.faults
}

both!(inv_10_an_untouched_journal_verifies_from_its_first_block_on, async |world| {
    assert_eq!(verify(world).await.faults, Vec::<String>::new(), "an empty one too");
    written(world).await;
    let found = verify(world).await;
    assert_eq!((found.blocks, found.entries, found.unsealed, found.faults.len()), (3, 11, 2, 0));
    let head = found.head;
    assert_eq!(world.plane.seal_journal().await.expect("sealed"), 2);
    assert_eq!(world.plane.seal_journal().await.expect("sealed"), 0, "nothing waits");
    assert_ne!(verify(world).await.head, head);
});

both!(inv_10_a_chain_that_was_built_anew_does_not_have_the_head_that_was_kept, async |world| {
    let faults =
        async |kept: &str| world.plane.verify_journal(&operator(), Some(kept)).await.expect("a verdict").faults.len();
    let none = verify(world).await.head;
    written(world).await;
    let kept = verify(world).await.head;
    assert_eq!(world.plane.seal_journal().await.expect("sealed"), 2);
    assert_eq!((faults(&none).await, faults(&kept).await), (0, 0), "the chain went on from both");
    assert_eq!(tampered(world, &["UPDATE journal SET block = NULL", "DELETE FROM journal_block"]).await.len(), 0);
    world.hand.advance(Span(1));
    assert_eq!(world.plane.seal_journal().await.expect("sealed"), 11);
    assert_eq!((verify(world).await.faults.len(), faults(&kept).await), (0, 1));
});

both!(inv_10_a_change_to_any_word_of_any_entry_is_named, async |world| {
    written(world).await;
    let (first, last) = {
        let rows = journal(&world.plane).await;
        (rows[1].clone(), rows[10].clone())
    };
    assert!(first.block.is_some() && last.block.is_none());
    for (sql, undo) in [
        ("UPDATE journal SET id = 'x' || substr(id, 2) WHERE id = $1", "UPDATE journal SET id = $1 WHERE id LIKE 'x%'"),
        ("UPDATE journal SET at = at + 1 WHERE id = $1", "UPDATE journal SET at = at - 1 WHERE id = $1"),
        ("UPDATE journal SET principal = 'anm' WHERE id = $1", "UPDATE journal SET principal = 'ann' WHERE id = $1"),
        ("UPDATE journal SET role = 'routinf' WHERE id = $1", "UPDATE journal SET role = 'routine' WHERE id = $1"),
        ("UPDATE journal SET tool = 'exan' WHERE id = $1", "UPDATE journal SET tool = 'exam' WHERE id = $1"),
        (
            "UPDATE journal SET object = object || '.' WHERE id = $1",
            "UPDATE journal SET object = substr(object, 1, length(object) - 1) WHERE id = $1",
        ),
        ("UPDATE journal SET before = ' ' WHERE id = $1", "UPDATE journal SET before = '' WHERE id = $1"),
        (
            "UPDATE journal SET after = after || ' ' WHERE id = $1",
            "UPDATE journal SET after = substr(after, 1, length(after) - 1) WHERE id = $1",
        ),
        (
            "UPDATE journal SET request_id = 'request-of-anm' WHERE id = $1",
            "UPDATE journal SET request_id = 'request-of-ann' WHERE id = $1",
        ),
        (
            "UPDATE journal SET hash = 'x' || hash WHERE id = $1",
            "UPDATE journal SET hash = substr(hash, 2) WHERE id = $1",
        ),
    ] {
        for row in [&first, &last] {
            let change = async |sql| {
                let mut tx = world.store().begin().await.expect("a transaction");
                assert_eq!(tx.run(sql, &[Text(&row.id)]).await.expect(sql), 1, "{sql}");
                tx.commit().await.expect("a commit");
            };
            change(sql).await;
            let faults = verify(world).await.faults;
            assert!(faults.iter().any(|fault| fault.contains("was changed")), "{sql}: {faults:?}");
            change(undo).await;
            assert_eq!(verify(world).await.faults, Vec::<String>::new(), "{undo}");
        }
    }
});

both!(inv_10_a_changed_entry_with_a_hash_to_match_is_named_by_its_block, async |world| {
    written(world).await;
    let mut row = journal(&world.plane).await.swap_remove(4);
    "bob".clone_into(&mut row.principal);
    let hash = row.entry().hash();
    let mut tx = world.store().begin().await.expect("a transaction");
    let forge = "UPDATE journal SET principal = 'bob', hash = $2 WHERE id = $1";
    assert_eq!(tx.run(forge, &[Text(&row.id), Text(&hash)]).await.expect(forge), 1);
    tx.commit().await.expect("a commit");
    world.spoil();
    assert_eq!(verify(world).await.faults, ["block 2 does not have the hash of its entries"]);
});

both!(inv_10_a_dropped_entry_is_named, async |world| {
    written(world).await;
    let gone = tampered(world, &["DELETE FROM journal WHERE block = 2 AND object = 'lock:k04'"]).await;
    assert_eq!(gone[0], "block 2 sealed 3 entries and has 2");
});

both!(inv_10_an_inserted_entry_is_named, async |world| {
    written(world).await;
    let insert = "INSERT INTO journal SELECT 'x' || substr(id, 2), at, principal, role, tool, object, before, after, request_id, hash, block
                    FROM journal WHERE object = 'lock:k04'";
    let found = tampered(world, &[insert]).await;
    assert!(found.iter().any(|fault| fault == "block 2 sealed 3 entries and has 4"), "{found:?}");
});

both!(inv_10_an_entry_moved_to_another_block_is_named, async |world| {
    written(world).await;
    let found = tampered(world, &["UPDATE journal SET block = 3 WHERE object = 'lock:k04'"]).await;
    assert!(found.len() >= 2, "both blocks are named: {found:?}");
});

both!(inv_10_an_entry_taken_out_of_its_block_is_named, async |world| {
    written(world).await;
    let found = tampered(world, &["UPDATE journal SET block = NULL WHERE object = 'lock:k04'"]).await;
    assert_eq!(found[0], "block 2 sealed 3 entries and has 2");
});

both!(inv_10_a_dropped_block_is_named, async |world| {
    written(world).await;
    let found = tampered(world, &["DELETE FROM journal_block WHERE seq = 2"]).await;
    assert!(found.contains(&"block 3 follows block 1".to_owned()), "{found:?}");
    assert!(found.contains(&"3 entries name a block that does not exist".to_owned()), "{found:?}");
});

both!(inv_10_entries_of_no_block_are_named_wherever_it_would_be, async |world| {
    written(world).await;
    let found = tampered(
        world,
        &[
            "UPDATE journal SET block = -9223372036854775807 WHERE object = 'lock:k00'",
            "UPDATE journal SET block = 0 WHERE object = 'lock:k01'",
            "DELETE FROM journal_block WHERE seq = 2",
            "UPDATE journal SET block = 4 WHERE object = 'lock:k06'",
            "UPDATE journal SET block = 9223372036854775807 WHERE object = 'lock:k07'",
        ],
    )
    .await;
    assert!(found.contains(&"7 entries name a block that does not exist".to_owned()), "{found:?}");
});

both!(inv_10_reordered_blocks_are_named, async |world| {
    written(world).await;
    let found = tampered(
        world,
        &[
            "UPDATE journal_block SET seq = 99 WHERE seq = 1",
            "UPDATE journal_block SET seq = 1 WHERE seq = 2",
            "UPDATE journal_block SET seq = 2 WHERE seq = 99",
            "UPDATE journal SET block = 99 WHERE block = 1",
            "UPDATE journal SET block = 1 WHERE block = 2",
            "UPDATE journal SET block = 2 WHERE block = 99",
        ],
    )
    .await;
    assert!(found.iter().any(|fault| fault.starts_with("block 1 does not carry the hash")), "{found:?}");
});

both!(inv_10_a_change_to_any_word_of_a_block_is_named, async |world| {
    written(world).await;
    for (sql, undo) in [
        (
            "UPDATE journal_block SET previous = '1' || substr(previous, 2) WHERE seq = 1",
            "UPDATE journal_block SET previous = '0' || substr(previous, 2) WHERE seq = 1",
        ),
        (
            "UPDATE journal_block SET entries = entries + 1 WHERE seq = 2",
            "UPDATE journal_block SET entries = entries - 1 WHERE seq = 2",
        ),
        (
            "UPDATE journal_block SET hash = 'x' || hash WHERE seq = 3",
            "UPDATE journal_block SET hash = substr(hash, 2) WHERE seq = 3",
        ),
        (
            "UPDATE journal_block SET hash = 'x' || hash WHERE seq = 1",
            "UPDATE journal_block SET hash = substr(hash, 2) WHERE seq = 1",
        ),
        ("UPDATE journal_block SET seq = 7 WHERE seq = 3", "UPDATE journal_block SET seq = 3 WHERE seq = 7"),
        (
            "UPDATE journal_block SET sealed_at = sealed_at + 1 WHERE seq = 2",
            "UPDATE journal_block SET sealed_at = sealed_at - 1 WHERE seq = 2",
        ),
    ] {
        assert_ne!(tampered(world, &[sql]).await, Vec::<String>::new(), "{sql}");
        assert_eq!(tampered(world, &[undo]).await, Vec::<String>::new(), "{undo}");
    }
});

both!(two_replicas_that_seal_at_once_make_one_chain, async |world| {
    let replica = world.replica().await;
    for round in 0..10 {
        for n in 0..5 {
            world.plane.acquire_lock(&ann(), &format!("k{round}-{n}"), "h", Span::mins(1)).await.expect("a lock");
        }
        let (a, b) = tokio::join!(world.plane.seal_journal(), replica.seal_journal());
        assert_eq!(a.expect("sealed") + b.expect("sealed"), 5, "round {round}");
    }
    let found = verify(world).await;
    assert_eq!((found.entries, found.unsealed, found.faults.len()), (50, 0, 0));
});

both!(only_an_operator_reads_the_journal, async |world| {
    for role in [Role::Viewer, Role::Routine, Role::Reviewer] {
        let by = call(role, "ann", "exam");
        assert_eq!(code(world.plane.verify_journal(&by, None).await), Code::Forbidden);
        assert_eq!(code(world.plane.tail_journal(&by, &plane::page::Ask::default()).await), Code::Forbidden);
        assert_eq!(code(world.plane.export_journal(&by, &plane::page::Ask::default()).await), Code::Forbidden);
    }
});

both!(the_journal_is_walked_both_ways_without_loss_or_repetition, async |world| {
    for n in 0..40 {
        let granted = world.plane.acquire_lock(&ann(), &format!("k{n}"), "h", Span::mins(1)).await.expect("a lock");
        let plane::lock::Acquired::Granted(lock) = granted else { panic!("it is free") };
        world
            .plane
            .extend_lock(&ann(), &lock.lock_id, Span::mins(2), Shorten::Never)
            .await
            .expect("an answer")
            .expect("extended");
    }
    let mut latest_first = walk(7, async |ask| world.plane.tail_journal(&operator(), ask).await).await;
    latest_first.reverse();
    assert_eq!(latest_first.len(), 80);
    assert_eq!(walk(11, async |ask| world.plane.export_journal(&operator(), ask).await).await, latest_first);
});

both!(no_handle_is_written_into_the_journal, async |world| {
    crate::given::register(&world.plane, crate::given::due("j")).await;
    let job = crate::given::take(&world.plane, &ann(), crate::given::wish()).await;
    let granted = world.plane.acquire_lock(&ann(), "k", "h", Span::mins(1)).await.expect("a lock");
    let plane::lock::Acquired::Granted(lock) = granted else { panic!("it is free") };
    let rows = format!("{:?}", journal(&world.plane).await);
    assert!(!rows.contains(&lock.lock_id) && !rows.contains(&crate::given::claim_id(&job)), "{rows}");
});
