//! Gaps among gaps: what stands for what, what waits for what, and what is closed together.

use domain::gap::relation::Together as Advice;
use domain::gap::{Gap, Priority, Severity, Sighting};
use domain::refusal::Code;
use domain::time::Span;
use harness::both;
use plane::gap::Shown;
use plane::page::Ask;

use crate::gap::{live, names, report, show, sighting};
use crate::given::{ann, bob, code, hourly, operator, refused, register};

both!(a_duplicate_counts_for_the_gap_that_stands_for_it, async |world| {
    for job in ["a", "b", "c"] {
        register(&world.plane, hourly(job)).await;
    }
    report(world, sighting("list-deploys", Some("a"))).await;
    report(world, sighting("list-deploys", Some("b"))).await;
    report(world, sighting("deploys-list", Some("b"))).await;
    report(world, sighting("deploys-list", Some("c"))).await;
    world.plane.tend_gaps().await.expect("compared");
    let proposals = world.plane.list_likeness(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!(proposals.len(), 1, "proposed, and not merged: {proposals:?}");
    assert_eq!(live(world).await.len(), 2);
    let merged = world.plane.merge_gaps(&operator(), "deploys-list", "list-deploys").await.expect("merged");
    assert_eq!(merged.jobs, 3, "each job once");
    assert_eq!(world.plane.list_likeness(&ann(), &Ask::default()).await.expect("a list").items, []);
    register(&world.plane, hourly("d")).await;
    let told = world.plane.report_gap(&bob(), sighting("deploys-list", Some("d"))).await.expect("recorded");
    assert_eq!((told.gap.as_str(), told.jobs), ("mcp-tool/list-deploys", 4));
    let into = show(world, "list-deploys").await;
    assert_eq!((into.gap.sightings, into.duplicates), (5, vec!["mcp-tool/deploys-list".to_owned()]));
    world.plane.reopen_gap(&operator(), "deploys-list", "they are two after all").await.expect("two again");
    assert_eq!(show(world, "list-deploys").await.gap.jobs, 2);
    assert_eq!(show(world, "deploys-list").await.gap.jobs, 3);
});

both!(a_merge_by_mistake_leaves_nothing_behind_once_both_are_parted, async |world| {
    register(&world.plane, hourly("a")).await;
    report(world, sighting("list-deploys", Some("a"))).await;
    world.hand.advance(Span::secs(1));
    report(world, Sighting { severity: Severity::Critical, ..sighting("show-rollout", Some("a")) }).await;
    for (gap, on) in [("show-rollout", "read-cluster"), ("watch-deploys", "show-rollout"), ("list-deploys", "read-git")]
    {
        report(world, Sighting { depends_on: Some(on.to_owned()), ..sighting(gap, None) }).await;
    }
    let by = operator();
    world.plane.prioritize_gap(&by, "show-rollout", Some(Priority::High)).await.expect("a rank");
    world.plane.prioritize_gap(&by, "list-deploys", Some(Priority::Low)).await.expect("a rank");
    let around = async |name: &str| {
        let Shown { gap, depends_on, needed_by, .. } = show(world, name).await;
        (gap, depends_on, needed_by)
    };
    let before = around("list-deploys").await;
    let others = (around("read-cluster").await, around("watch-deploys").await, around("read-git").await);
    world.plane.merge_gaps(&by, "show-rollout", "list-deploys").await.expect("merged");
    let (gap, depends_on, needed_by) = around("list-deploys").await;
    assert_eq!((gap.severity, gap.priority), (Severity::Critical, Some(Priority::High)));
    assert_eq!((depends_on.len(), needed_by), (2, vec!["mcp-tool/watch-deploys".to_owned()]));
    world.plane.reopen_gap(&by, "show-rollout", "they are two after all").await.expect("two again");
    assert_eq!(around("list-deploys").await, before);
    assert_eq!((around("read-cluster").await, around("watch-deploys").await, around("read-git").await), others);
    let (again, depends_on, needed_by) = around("show-rollout").await;
    assert_eq!((again.severity, again.priority), (Severity::Critical, Some(Priority::High)));
    assert_eq!((depends_on, needed_by), (vec!["mcp-tool/read-cluster".into()], vec!["mcp-tool/watch-deploys".into()]));
    let list = live(world).await;
    let list: Vec<_> = list.into_iter().filter(|gap| gap.jobs > 0).collect();
    assert_eq!(names(&list), ["show-rollout", "list-deploys"]);
});

both!(a_merge_does_not_bring_back_how_bad_a_gap_was_before_it_was_closed, async |world| {
    register(&world.plane, hourly("a")).await;
    report(world, Sighting { severity: Severity::Critical, ..sighting("list-deploys", Some("a")) }).await;
    report(world, sighting("deploys-list", Some("a"))).await;
    world.hand.advance(Span::secs(1));
    world.plane.close_gap(&operator(), "list-deploys", "the tool is there now").await.expect("merged");
    world.hand.advance(Span::secs(1));
    report(world, sighting("list-deploys", None)).await;
    assert_eq!(show(world, "list-deploys").await.gap.severity, Severity::Blocking);
    world.plane.merge_gaps(&operator(), "deploys-list", "list-deploys").await.expect("merged");
    assert_eq!(show(world, "list-deploys").await.gap.severity, Severity::Blocking);
});

both!(what_waits_for_a_duplicate_waits_for_what_stands_for_it, async |world| {
    let on =
        |name: &str, other: &str| Sighting { depends_on: Some(format!("mcp-tool/{other}")), ..sighting(name, None) };
    report(world, on("upper", "dup")).await;
    report(world, sighting("dup", None)).await;
    report(world, on("into", "upper")).await;
    let merged = world.plane.merge_gaps(&operator(), "dup", "into").await.expect("merged");
    assert_eq!(merged.left_out, ["mcp-tool/upper waits for mcp-tool/into"]);
    let again = world.plane.merge_gaps(&operator(), "dup", "into").await.expect("merged already");
    assert_eq!((again.jobs, again.left_out), (merged.jobs, Vec::<String>::new()));
    let upper = show(world, "upper").await;
    assert_eq!(upper.depends_on, Vec::<String>::new(), "into waits for upper, so that upper cannot wait for it");
    report(world, on("other", "dup")).await;
    assert_eq!(show(world, "other").await.depends_on, ["mcp-tool/into"]);
});

both!(merges_that_meet_make_no_chain, async |world| {
    for name in ["a", "b", "c"] {
        report(world, sighting(name, None)).await;
    }
    let other = world.replica().await;
    let (by, also) = (operator(), operator());
    let (one, two) = tokio::join!(world.plane.merge_gaps(&by, "a", "b"), other.merge_gaps(&also, "b", "c"));
    assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    // INV-16 tells of a chain when the world is checked.
});

both!(depths_follow_what_rises_to_the_top, async |world| {
    let on =
        |name: &str, other: &str| Sighting { depends_on: Some(format!("mcp-tool/{other}")), ..sighting(name, None) };
    report(world, on("a", "b")).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    // b waits for c, and c for d, though nobody reported b or c for their own sake.
    for (gap, other) in [("b", "c"), ("c", "d")] {
        let key = |name: &str| domain::gap::Key { kind: "mcp-tool".into(), name: name.into() };
        let depth = if other == "c" { 2 } else { 3 };
        let below = Gap { depth, ..Gap::new(key(other), world.hand.now()) };
        store::gap::add(&mut tx, &below).await.expect("a gap");
        store::gap::edge::add(&mut tx, &key(gap), &key(other), store::gap::edge::Why::Met).await.expect("an edge");
    }
    tx.commit().await.expect("a commit");
    let depth = async |name: &str| show(world, name).await.gap.depth;
    assert_eq!((depth("b").await, depth("c").await, depth("d").await), (1, 2, 3));
    assert!(show(world, "d").await.too_deep);
    report(world, sighting("b", None)).await;
    assert_eq!((depth("b").await, depth("c").await, depth("d").await), (0, 1, 2));
    assert!(!show(world, "d").await.too_deep);
});

both!(merging_refuses_what_makes_no_sense, async |world| {
    for name in ["one", "two", "three"] {
        report(world, sighting(name, None)).await;
    }
    let merge = async |a: &str, b: &str| world.plane.merge_gaps(&operator(), a, b).await;
    assert_eq!(code(merge("one", "one").await), Code::InvalidArgument);
    assert_eq!(code(merge("one", "nobody").await), Code::NotFound);
    merge("one", "two").await.expect("merged");
    assert_eq!(code(merge("one", "three").await), Code::WrongState, "a duplicate already");
    assert_eq!(code(merge("two", "three").await), Code::WrongState, "it stands for another");
    assert_eq!(code(merge("two", "one").await), Code::InvalidArgument, "one is two by now");
    let into = merge("three", "one").await.expect("merged").into;
    assert_eq!(into, "mcp-tool/two", "what is merged into a duplicate goes to what stands for it");
});

both!(proposals_that_a_person_refused_are_not_made_again, async |world| {
    report(world, sighting("list-deploys", None)).await;
    report(world, sighting("deploys-list", None)).await;
    assert_eq!(world.plane.tend_gaps().await.expect("compared"), 1);
    assert!(world.plane.tell_gaps_apart(&operator(), "deploys-list", "list-deploys").await.expect("told"));
    assert!(!world.plane.tell_gaps_apart(&operator(), "deploys-list", "list-deploys").await.expect("told before"));
    report(world, sighting("list-deploy", None)).await;
    assert_eq!(world.plane.tend_gaps().await.expect("compared"), 2, "the new one is like both");
});

both!(a_gap_cannot_wait_for_itself_near_or_far, async |world| {
    let on = |name: &str, other: &str| Sighting { depends_on: Some(other.to_owned()), ..sighting(name, None) };
    assert_eq!(refused(world.plane.report_gap(&ann(), on("a", "a")).await).field.as_deref(), Some("depends_on"));
    assert!(live(world).await.is_empty(), "what is refused leaves nothing");
    report(world, on("a", "mcp-tool/b")).await;
    report(world, on("b", "mcp-tool/c")).await;
    assert_eq!(code(world.plane.report_gap(&ann(), on("c", "a")).await), Code::InvalidArgument);
    let shown = show(world, "b").await;
    assert_eq!((shown.depends_on, shown.needed_by), (vec!["mcp-tool/c".to_owned()], vec!["mcp-tool/a".to_owned()]));
    report(world, on("b", "unheard-of")).await;
    assert_eq!(
        show(world, "unheard-of").await.gap.key.kind,
        "mcp-tool",
        "of a name alone the kind is that of what waits for it"
    );
});

both!(two_edges_that_close_a_cycle_together_do_not_both_stand, async |world| {
    for name in ["a", "b"] {
        report(world, sighting(name, None)).await;
    }
    let other = world.replica().await;
    let on = |name: &str, other: &str| Sighting { depends_on: Some(other.to_owned()), ..sighting(name, None) };
    let (by, also) = (ann(), bob());
    let (one, two) = tokio::join!(world.plane.report_gap(&by, on("a", "b")), other.report_gap(&also, on("b", "a")));
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
});

both!(a_gap_is_as_deep_as_what_waits_for_it_and_too_deep_beyond_two_hops, async |world| {
    let on = |name: &str, other: &str| Sighting { depends_on: Some(other.to_owned()), ..sighting(name, None) };
    for (name, other) in [("a", "mcp-tool/b"), ("b", "mcp-tool/c"), ("c", "mcp-tool/d")] {
        // Of those that are only named, nobody said that they block a job.
        report(world, on(name, other)).await;
    }
    assert_eq!(show(world, "d").await.gap.depth, 1, "each of a, b and c was reported for its own sake");
    let depths: Vec<_> = live(world).await.into_iter().map(|gap| (gap.key.name, gap.depth)).collect();
    assert!(depths.iter().filter(|(name, _)| name != "d").all(|(_, depth)| *depth == 0), "{depths:?}");
});

both!(gaps_of_one_job_go_together_only_when_everything_is_known, async |world| {
    register(&world.plane, hourly("j")).await;
    let sized = |name: &str, lines| Sighting { area: Some("docs".into()), lines, ..sighting(name, Some("j")) };
    report(world, sized("a", Some(100))).await;
    report(world, sized("b", None)).await;
    let advice = |shown: Shown| shown.together[0].advice.clone();
    let unsaid = advice(show(world, "a").await);
    assert!(matches!(unsaid, Advice::Sequence { .. }), "{unsaid:?}");
    report(world, sized("b", Some(300))).await;
    assert_eq!(advice(show(world, "a").await), Advice::Batch);
});

both!(a_job_blocked_through_a_duplicate_is_told_together_with_what_stands_for_it, async |world| {
    register(&world.plane, hourly("j")).await;
    for name in ["deploys", "recent-deploys", "flaky-tests"] {
        report(world, sighting(name, (name != "deploys").then_some("j"))).await;
    }
    world.plane.merge_gaps(&operator(), "recent-deploys", "deploys").await.expect("merged");
    let depends = Sighting { depends_on: Some("flaky-tests".into()), ..sighting("deploys", None) };
    report(world, depends).await;
    for name in ["deploys", "flaky-tests"] {
        let told = show(world, name).await.together;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].gaps, ["mcp-tool/deploys", "mcp-tool/flaky-tests"]);
        let Advice::Sequence { order, .. } = &told[0].advice else { panic!("{told:?}") };
        assert_eq!(order, &["mcp-tool/flaky-tests", "mcp-tool/deploys"]);
    }
    assert_eq!(show(world, "recent-deploys").await.together, []);
});

both!(each_of_several_duplicates_gives_what_it_has_and_takes_it_back, async |world| {
    let by = operator();
    let on = |name: &str| Sighting { depends_on: Some("read-git".to_owned()), ..sighting(name, None) };
    report(world, sighting("stands", None)).await;
    for (name, priority) in [("one-dup", Priority::High), ("two-dup", Priority::Critical)] {
        report(world, on(name)).await;
        world.plane.prioritize_gap(&by, name, Some(priority)).await.expect("a rank");
        world.plane.merge_gaps(&by, name, "stands").await.expect("merged");
    }
    let stands = async || {
        let Shown { gap, depends_on, .. } = show(world, "stands").await;
        (gap.priority, depends_on.len())
    };
    assert_eq!(stands().await, (Some(Priority::Critical), 1));
    world.plane.reopen_gap(&by, "one-dup", "it is another after all").await.expect("parted");
    assert_eq!(stands().await, (Some(Priority::Critical), 1), "the other still says so");
    world.plane.reopen_gap(&by, "two-dup", "it is another after all").await.expect("parted");
    assert_eq!(stands().await, (None, 0));
    // What is said of the gap itself meanwhile is its own.
    world.plane.merge_gaps(&by, "one-dup", "stands").await.expect("merged");
    report(world, on("stands")).await;
    world.plane.prioritize_gap(&by, "stands", Some(Priority::Low)).await.expect("a rank");
    world.plane.reopen_gap(&by, "one-dup", "it is another after all").await.expect("parted");
    assert_eq!(stands().await, (Some(Priority::Low), 1));
});
