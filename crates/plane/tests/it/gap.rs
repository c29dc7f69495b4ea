//! Gaps: captured wherever they are said, kept for ever, ranked by what they block, and moved by what happens.

use domain::gap::{Gap, Priority, Severity, Sighting, Source, State};
use domain::refusal::Code;
use domain::time::Span;
use futures::{StreamExt, stream};
use harness::{World, both};
use plane::gap::Shown;
use plane::job::Completion;
use plane::page::Ask;
use store::gap::Which;

use crate::given::{ann, bob, code, complete, due, end, hourly, operator, refused, register, take, walk, wish};

/// How many agents report at once.
const AGENTS: usize = 32;

pub(crate) fn sighting(name: &str, job: Option<&str>) -> Sighting {
    let reason = "needed it".to_owned();
    Sighting { reason, job: job.map(str::to_owned), ..Sighting::named("mcp-tool", name) }
}

pub(crate) async fn report(world: &World, seen: Sighting) {
    world.plane.report_gap(&ann(), seen).await.expect("recorded");
}

pub(crate) async fn show(world: &World, name: &str) -> Shown {
    world.plane.show_gap(&ann(), name, &Ask::default()).await.expect("a gap")
}

pub(crate) async fn live(world: &World) -> Vec<Gap> {
    let page = world.plane.list_gaps(&ann(), Which::Live, None, &Ask::default()).await.expect("a list");
    page.items.into_iter().map(|ranked| ranked.gap).collect()
}

pub(crate) fn names(gaps: &[Gap]) -> Vec<&str> {
    gaps.iter().map(|gap| gap.key.name.as_str()).collect()
}

/// A run of a job that ends so and says so.
pub(crate) async fn run(world: &World, job: &str, status: &str, summary: &str) {
    world.plane.trigger_job(&ann(), job).await.expect("an answer").expect("a job");
    let held = take(&world.plane, &ann(), crate::given::named(job)).await;
    let done = Completion { summary: Some(summary.to_owned()), ..end(&held, status) };
    world.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
}

both!(a_completion_records_gaps_from_its_argument_and_from_its_summary, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let summary = "Done.\nBLOCKING-GAP[kind=adr]: decide-retention - nobody knows\nBLOCKING-GAP: list-deploys – none";
    let gaps = vec![Sighting { source: Source::Completion, ..sighting("show-rollout", None) }];
    let done = Completion { summary: Some(summary.into()), gaps, ..end(&job, "error: blocked") };
    let done = world.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
    assert_eq!(done.gaps, 3);
    for (name, kind, source) in [
        ("show-rollout", "mcp-tool", "completion"),
        ("decide-retention", "adr", "marker"),
        ("list-deploys", "unspecified", "marker"),
    ] {
        let shown = show(world, name).await;
        let seen = &shown.sightings.items[0];
        let found = (seen.kind.as_str(), seen.source.as_str(), seen.job.as_deref(), seen.principal.as_str());
        assert_eq!(found, (kind, source, Some("j"), "ann"), "{name}");
        assert!(seen.claim_id.is_some());
    }
});

both!(a_stale_completion_records_no_gap, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    world.hand.advance(Span::mins(1));
    let done = Completion { gaps: vec![sighting("show-rollout", None)], ..end(&job, "ok") };
    world.plane.complete_job(&ann(), done).await.expect("an answer").expect_err("stale");
    assert!(live(world).await.is_empty());
});

both!(gaps_are_ranked_by_the_distinct_registered_jobs_that_they_block, async |world| {
    for job in ["a", "b", "c"] {
        register(&world.plane, hourly(job)).await;
    }
    for (name, jobs) in [
        ("often", vec!["a", "a", "a", "a"]),
        ("wide", vec!["a", "b", "c"]),
        ("once", vec!["a"]),
        ("invented", vec!["x1", "x2", "x3", "x4", "x5"]),
    ] {
        for job in jobs {
            report(world, sighting(name, Some(job))).await;
        }
        world.hand.advance(Span::secs(1));
    }
    let lines: Vec<_> = live(world).await.iter().map(|gap| (gap.key.name.clone(), gap.jobs, gap.sightings)).collect();
    let expected = [("wide", 3, 3), ("often", 1, 4), ("once", 1, 1), ("invented", 0, 5)];
    assert_eq!(lines, expected.map(|(name, jobs, sightings)| (name.to_owned(), jobs, sightings)));
    let invented = show(world, "invented").await;
    assert!(invented.blocked.iter().all(|blocked| blocked.registered == 0), "jobs that nobody knows are told as such");
});

both!(one_critical_gap_comes_before_one_that_blocks_ten_jobs, async |world| {
    for n in 0..10 {
        let job = format!("j{n}");
        register(&world.plane, hourly(&job)).await;
        report(world, sighting("wide", Some(&job))).await;
    }
    report(world, Sighting { severity: Severity::Critical, ..sighting("deep", Some("j0")) }).await;
    assert_eq!(names(&live(world).await), ["deep", "wide"]);
    let (_, low) = world.plane.prioritize_gap(&operator(), "deep", Some(Priority::Low)).await.expect("a rank");
    assert_eq!((low, names(&live(world).await)), (2, vec!["wide", "deep"]), "a person's word replaces a reporter's");
    for explained in world.plane.explain_gaps(&ann(), &Ask::default()).await.expect("a list").items {
        let sum: i64 = explained.terms.iter().map(|term| term.points).sum();
        assert_eq!(sum, explained.gap.standing().rank(), "{:?}", explained.terms);
    }
});

both!(ten_thousand_sightings_of_one_gap_are_one_gap, async |world| {
    register(&world.plane, hourly("j")).await;
    let reports = (0..10_000).map(|_| report(world, sighting("same", Some("j"))));
    stream::iter(reports).buffer_unordered(AGENTS).collect::<()>().await;
    let gaps = live(world).await;
    assert_eq!((gaps.len(), gaps[0].sightings, gaps[0].jobs), (1, 10_000, 1));
});

both!(a_job_is_no_longer_blocked_once_it_succeeds_without_the_gap, async |world| {
    register(&world.plane, hourly("j")).await;
    run(world, "j", "error: blocked", "BLOCKING-GAP[kind=mcp-tool]: list-deploys - x").await;
    assert_eq!(show(world, "list-deploys").await.gap.jobs, 1);
    run(world, "j", "ok", "BLOCKING-GAP[kind=mcp-tool]: list-deploys - still").await;
    assert_eq!(show(world, "list-deploys").await.gap.jobs, 1, "it said so once more");
    run(world, "j", "ok", "all well").await;
    let shown = show(world, "list-deploys").await;
    assert_eq!((shown.gap.jobs, shown.gap.state), (0, State::Open), "an open gap is not closed by a way around it");
});

both!(only_the_next_success_of_a_blocked_job_after_the_merge_proves_a_gap, async |world| {
    for job in ["blocked", "other"] {
        register(&world.plane, hourly(job)).await;
    }
    run(world, "blocked", "error: blocked", "BLOCKING-GAP: list-deploys - x").await;
    world.plane.trigger_job(&ann(), "blocked").await.expect("an answer");
    let early = take(&world.plane, &ann(), crate::given::named("blocked")).await;
    world.hand.advance(Span::secs(1));
    world.plane.close_gap(&operator(), "list-deploys", "it is there by now").await.expect("merged");
    complete(&world.plane, &ann(), &early, "ok").await;
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Merged, "a run that began before proves nothing");
    run(world, "other", "ok", "").await;
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Merged, "nor does another job");
    run(world, "blocked", "error: something else", "").await;
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Merged, "nor a failure");
    world.hand.advance(Span::secs(1));
    run(world, "blocked", "ok", "").await;
    let shown = show(world, "list-deploys").await;
    assert_eq!(shown.gap.state, State::Proven);
    assert_eq!(shown.events[0].event, "proved");
    run(world, "blocked", "error: again", "BLOCKING-GAP: list-deploys - again").await;
    let shown = show(world, "list-deploys").await;
    assert_eq!((shown.gap.state, shown.gap.reopened), (State::Open, 1), "seen again, it opens again");
});

both!(what_people_closed_only_people_open, async |world| {
    report(world, sighting("a-gap", None)).await;
    let why = "nobody needs this any more";
    world.plane.wontfix_gap(&operator(), "a-gap", why).await.expect("wontfix");
    report(world, sighting("a-gap", None)).await;
    let shown = show(world, "a-gap").await;
    assert_eq!((shown.gap.state, shown.gap.sightings), (State::WontFix, 2), "counted, and still closed");
    assert!(live(world).await.is_empty());
    world.hand.advance(Span::secs(1));
    world.plane.reopen_gap(&operator(), "mcp-tool/a-gap", "somebody does after all").await.expect("open");
    let shown = show(world, "a-gap").await;
    assert_eq!(shown.gap.state, State::Open);
    assert_eq!((shown.events[1].event.as_str(), shown.events[1].why.as_str()), ("wontfix", why));
    assert_eq!(
        refused(world.plane.reopen_gap(&operator(), "a-gap", "once more for luck").await).code,
        Code::WrongState
    );
    assert_eq!(code(world.plane.wontfix_gap(&operator(), "a-gap", "short").await), Code::InvalidArgument);
});

both!(a_job_that_found_a_way_around_proves_nothing_while_another_is_blocked, async |world| {
    for job in ["around", "blocked"] {
        register(&world.plane, hourly(job)).await;
        run(world, job, "error: blocked", "BLOCKING-GAP: list-deploys - x").await;
    }
    run(world, "around", "ok", "").await;
    world.hand.advance(Span::secs(1));
    world.plane.close_gap(&operator(), "list-deploys", "it is there by now").await.expect("merged");
    world.hand.advance(Span::secs(1));
    run(world, "around", "ok", "").await;
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Merged);
    run(world, "blocked", "ok", "").await;
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Proven);
});

both!(what_is_told_of_a_run_before_the_merge_opens_nothing, async |world| {
    register(&world.plane, hourly("j")).await;
    run(world, "j", "error: blocked", "BLOCKING-GAP: list-deploys - x").await;
    world.hand.advance(Span::secs(1));
    world.plane.close_gap(&operator(), "list-deploys", "it is there by now").await.expect("merged");
    world.hand.advance(Span::hours(6));
    let late = Sighting { job: Some("j".into()), ..Sighting::named("unspecified", "list-deploys") };
    world.plane.report_gap(&bob(), late).await.expect("recorded");
    let shown = show(world, "list-deploys").await;
    assert_eq!((shown.gap.state, shown.gap.sightings), (State::Merged, 2), "the last run of the job was before");
    let news = Sighting::named("unspecified", "list-deploys");
    world.plane.report_gap(&bob(), news).await.expect("recorded");
    assert_eq!(show(world, "list-deploys").await.gap.state, State::Open, "of no job, it is of now");
});

both!(a_name_that_two_kinds_share_is_never_guessed, async |world| {
    report(world, sighting("deploys", None)).await;
    report(world, Sighting { kind: "adr".into(), ..sighting("deploys", None) }).await;
    let refusal = refused(world.plane.show_gap(&ann(), "deploys", &Ask::default()).await);
    assert_eq!(
        (refusal.code, refusal.hint.as_str()),
        (Code::InvalidArgument, "name one of adr/deploys, mcp-tool/deploys")
    );
    assert_eq!(show(world, "adr/deploys").await.gap.key.kind, "adr");
    // A key is found however many kinds share the name.
    for n in 0..25 {
        report(world, Sighting::named(&format!("kind-{n}a"), "deploys")).await;
    }
    assert_eq!(show(world, "mcp-tool/deploys").await.gap.key.kind, "mcp-tool");
    let depends = Sighting { depends_on: Some("deploys".into()), ..sighting("x", None) };
    assert_eq!(refused(world.plane.report_gap(&ann(), depends).await).field.as_deref(), Some("depends_on"));
});

both!(markers_that_cannot_be_read_are_kept_and_shown, async |world| {
    register(&world.plane, hourly("j")).await;
    run(world, "j", "error: x", "BLOCKING-GAP: we need something that lists deploys\nBLOCKING-GAP[kind=adr: x").await;
    let kept = world.plane.list_unreadable(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|seen| seen.reason == "we need something that lists deploys"), "{kept:?}");
    assert!(live(world).await.is_empty());
    assert_eq!(world.plane.inventory(&ann()).await.expect("an inventory").unreadable, 2);
});

both!(a_summary_of_64_kib_of_markers_loses_nothing_unsaid, async |world| {
    register(&world.plane, hourly("j")).await;
    let markers: Vec<_> = (0..3_000).map(|n| format!("BLOCKING-GAP: gap-{n}x - why")).collect();
    let summary = markers.join("\n");
    run(world, "j", "error: x", &summary[..65_000]).await;
    assert_eq!(walk(200, async |ask| world.plane.list_gaps(&ann(), Which::Live, None, ask).await).await.len(), 99);
    let kept = world.plane.list_unreadable(&ann(), &Ask::default()).await.expect("a list").items;
    assert!(kept[0].reason.contains("more markers were left unread"), "{kept:?}");
});

both!(one_run_reports_a_gap_once_by_argument_and_marker, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let gaps =
        vec![Sighting { source: Source::Completion, reason: "as said".into(), ..sighting("list-deploys", None) }];
    let summary = Some("BLOCKING-GAP[kind=mcp-tool]: list-deploys - as marked".to_owned());
    let done = Completion { summary, gaps, ..end(&job, "error: x") };
    let done = world.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
    let shown = show(world, "list-deploys").await;
    assert_eq!((done.gaps, shown.gap.sightings), (1, 1));
    assert_eq!(shown.sightings.items[0].reason, "as said");
});

both!(a_completion_with_a_gap_that_waits_for_itself_is_refused_by_its_place_and_can_be_repeated, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let circular = Sighting { depends_on: Some("b".into()), ..sighting("b", None) };
    let done = Completion { gaps: vec![sighting("a", None), circular], ..end(&job, "ok") };
    let refusal = refused(world.plane.complete_job(&ann(), done).await);
    assert_eq!(refusal.field.as_deref(), Some("gaps[1].depends_on"));
    assert!(live(world).await.is_empty());
    complete(&world.plane, &ann(), &job, "ok").await;
});

both!(the_inventory_sums_up_by_kind_and_outcome, async |world| {
    register(&world.plane, due("j")).await;
    report(world, sighting("a", Some("j"))).await;
    report(world, sighting("b", None)).await;
    report(world, Sighting { lines: Some(40), ..Sighting::named("adr", "c") }).await;
    world.plane.wontfix_gap(&operator(), "b", "nobody needs this").await.expect("wontfix");
    let inventory = world.plane.inventory(&ann()).await.expect("an inventory");
    assert_eq!(inventory.kinds_left, 0);
    let kinds: Vec<_> =
        inventory.kinds.iter().map(|kind| (kind.kind.as_str(), kind.gaps, kind.jobs, kind.lines)).collect();
    assert_eq!(kinds, [("mcp-tool", 2, 1, None), ("adr", 1, 0, Some(40))]);
    assert_eq!(inventory.kinds[0].outcomes, [("open".to_owned(), 1), ("wontfix".to_owned(), 1)].into());
    assert_eq!(inventory.days.iter().map(|day| day.sightings).sum::<i64>(), 3);
});

both!(ranks_follow_the_jobs_when_those_change, async |world| {
    for (job, priority) in [("low", 0), ("high", 0)] {
        register(&world.plane, domain::job::Register { priority, ..hourly(job) }).await;
    }
    report(world, sighting("first", Some("low"))).await;
    world.hand.advance(Span::secs(1));
    report(world, sighting("second", Some("high"))).await;
    assert_eq!(names(&live(world).await), ["first", "second"]);
    let high = domain::job::Register { priority: 50, ..hourly("high") };
    world.plane.register_job(&ann(), high, plane::job::Upsert::Replace).await.expect("a job");
    world.plane.deregister_job(&ann(), "low").await.expect("an answer").expect("removed");
    world.hand.advance(Span::mins(16));
    world.plane.tend_gaps().await.expect("counted");
    let ranks: Vec<_> = live(world).await.iter().map(|gap| (gap.key.name.clone(), gap.standing().rank())).collect();
    assert_eq!(ranks, [("second".to_owned(), 60), ("first".to_owned(), 0)]);
});

both!(a_job_name_or_dependency_that_cannot_be_one_is_refused, async |world| {
    let bad = Sighting { depends_on: Some("\u{0}".into()), ..sighting("x", None) };
    assert_eq!(code(world.plane.report_gap(&ann(), bad).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.report_gap(&ann(), sighting("x", Some(""))).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.show_gap(&ann(), "x", &Ask::default()).await), Code::NotFound);
});

both!(a_gap_reported_between_two_pages_hides_no_other, async |world| {
    for name in ["a", "b", "c", "d"] {
        report(world, sighting(name, None)).await;
        world.hand.advance(Span::secs(1));
    }
    let page = async |cursor: Option<&str>| {
        let ask = Ask::new(Some(2), cursor).expect("a page");
        let page = world.plane.list_gaps(&ann(), Which::Live, None, &ask).await.expect("a page");
        (page.items.into_iter().map(|ranked| ranked.gap.key.name).collect::<Vec<_>>(), page.cursor)
    };
    let (first, cursor) = page(None).await;
    report(world, Sighting { severity: Severity::Critical, ..sighting("new", None) }).await;
    let (second, _) = page(cursor.as_deref()).await;
    assert_eq!((first, second), (vec!["a".into(), "b".into()], vec!["c".into(), "d".into()]));
});

both!(a_forged_cursor_of_the_gaps_is_refused, async |world| {
    for place in ["[-1,\"\"]", "[9223372036854775807,\"\"]", "[0,0,\"a\\u0000\"]", "[0.5,0,\"\"]", "[0,0,0]"] {
        let ask = Ask::new(None, Some(&hex::encode(place)));
        let answer = match ask {
            Ok(ask) => world.plane.list_gaps(&ann(), Which::Live, None, &ask).await.map(drop),
            Err(refusal) => Err(refusal.into()),
        };
        assert_eq!(code(answer), Code::InvalidArgument, "{place}");
    }
});

both!(many_gaps_and_sightings_are_walked_without_loss_or_repetition, async |world| {
    for n in 0..100 {
        report(world, sighting(&format!("gap-{:02}a", n % 50), None)).await;
    }
    for limit in [1, 7, 200] {
        let gaps = walk(limit, async |ask| world.plane.list_gaps(&ann(), Which::All, None, ask).await).await;
        let names: std::collections::BTreeSet<_> = gaps.iter().map(|ranked| ranked.gap.key.name.clone()).collect();
        assert_eq!((gaps.len(), names.len()), (50, 50), "by pages of {limit}");
    }
    let seen = walk(1, async |ask| Ok(world.plane.show_gap(&ann(), "gap-07a", ask).await?.sightings)).await;
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.id.clone()).collect();
    assert_eq!((seen.len(), ids.len()), (2, 2));
});

both!(lists_are_of_the_state_and_kind_that_was_asked_for, async |world| {
    report(world, sighting("a", None)).await;
    report(world, Sighting::named("adr", "b")).await;
    world.plane.wontfix_gap(&operator(), "b", "nobody needs this").await.expect("wontfix");
    let list = async |which, kind| {
        let page = world.plane.list_gaps(&ann(), which, kind, &Ask::default()).await.expect("a list");
        page.items.into_iter().map(|ranked| ranked.gap.key.name).collect::<Vec<_>>()
    };
    assert_eq!(list(Which::Live, None).await, ["a"]);
    assert_eq!(list(Which::All, None).await, ["b", "a"], "of one moment, by their keys");
    assert_eq!(list(Which::In(State::WontFix), None).await, ["b"]);
    assert_eq!(list(Which::In(State::WontFix), Some("mcp-tool")).await, Vec::<String>::new());
    assert_eq!(list(Which::All, Some("adr")).await, ["b"]);
    assert_eq!(list(Which::Live, Some("adr")).await, Vec::<String>::new());
});

both!(what_was_reported_before_there_were_gaps_is_taken_over, async |world| {
    for job in ["a", "b"] {
        register(&world.plane, hourly(job)).await;
    }
    for (name, job, severity) in [
        ("list-deploys", "a", Severity::Blocking),
        ("list-deploys", "b", Severity::Critical),
        ("list-deploys", "b", Severity::Minor),
        ("decide-retention", "a", Severity::Minor),
    ] {
        report(world, Sighting { severity, ..sighting(name, Some(job)) }).await;
        world.hand.advance(Span::secs(1));
    }
    let before = live(world).await;
    // As it was: sightings, and nothing made of them.
    let migration = include_str!("../../../../migrations/0002_gap_registry.sql");
    let taken_over = migration.split_once("-- What was reported before there were gaps.").expect("the last step").1;
    let mut tx = world.store().begin().await.expect("a transaction");
    for table in ["gap", "gap_job", "gap_event"] {
        let empty: &'static str = format!("DELETE FROM {table}").leak();
        tx.run(empty, &[]).await.expect("emptied");
    }
    let statements = taken_over.split(";\n").filter_map(|text| text.find("INSERT").map(|at| &text[at..]));
    for statement in statements {
        let statement: &'static str = statement.to_owned().leak();
        tx.run(statement, &[]).await.expect("taken over");
    }
    tx.commit().await.expect("a commit");
    world.plane.tend_gaps().await.expect("counted");
    assert_eq!(live(world).await, before);
});
