//! Gaps: captured wherever they are said, kept for ever, and listed by how much they block.

use domain::gap::{Severity, Sighting, Source};
use domain::refusal::Code;
use domain::time::Span;
use harness::both;
use plane::job::Completion;
use plane::page::Ask;

use crate::given::{ann, code, end, hourly, register, take, walk, wish};

fn sighting(name: &str, job: Option<&str>) -> Sighting {
    Sighting {
        kind: "mcp-tool".into(),
        name: Some(name.into()),
        reason: "needed it".into(),
        job: job.map(str::to_owned),
        depends_on: None,
        severity: Severity::Blocking,
        source: Source::Report,
    }
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
        let seen = world.plane.show_gap(&ann(), name, &Ask::default()).await.expect("a gap").items;
        let seen = &seen[0];
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
    assert!(world.plane.list_gaps(&ann(), &Ask::default()).await.expect("a list").items.is_empty());
});

both!(gaps_are_listed_by_distinct_jobs_then_by_sightings, async |world| {
    for (name, jobs) in [("often", vec!["a", "a", "a", "a"]), ("wide", vec!["a", "b", "c"]), ("once", vec!["a"])] {
        for job in jobs {
            world.plane.report_gap(&ann(), sighting(name, Some(job))).await.expect("recorded");
        }
    }
    world.plane.report_gap(&ann(), sighting("nobody", None)).await.expect("recorded");
    let lines = world.plane.list_gaps(&ann(), &Ask::default()).await.expect("a list").items;
    let lines: Vec<_> = lines.iter().map(|line| (line.name.as_str(), line.jobs, line.sightings)).collect();
    assert_eq!(lines, [("wide", 3, 3), ("often", 1, 4), ("once", 1, 1), ("nobody", 0, 1)]);
});

both!(an_unreadable_job_or_dependency_is_refused_and_an_unknown_gap_is_not_found, async |world| {
    let bad = Sighting { depends_on: Some("\u{0}".into()), ..sighting("x", None) };
    assert_eq!(code(world.plane.report_gap(&ann(), bad).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.report_gap(&ann(), sighting("x", Some(""))).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.show_gap(&ann(), "x", &Ask::default()).await), Code::NotFound);
});

both!(a_gap_reported_between_two_pages_hides_no_other, async |world| {
    for name in ["a", "b", "c", "d"] {
        world.plane.report_gap(&ann(), sighting(name, Some("j"))).await.expect("recorded");
        world.hand.advance(Span::secs(1));
    }
    let page = async |cursor: Option<&str>| {
        let ask = Ask::new(Some(2), cursor).expect("a page");
        let page = world.plane.list_gaps(&ann(), &ask).await.expect("a page");
        (page.items.into_iter().map(|line| line.name).collect::<Vec<_>>(), page.cursor)
    };
    let (first, cursor) = page(None).await;
    for job in ["j", "k"] {
        world.plane.report_gap(&ann(), sighting("new", Some(job))).await.expect("recorded");
    }
    let (second, _) = page(cursor.as_deref()).await;
    assert_eq!((first, second), (vec!["a".into(), "b".into()], vec!["c".into(), "d".into()]));
});

both!(a_forged_cursor_of_the_gaps_is_refused, async |world| {
    for place in [
        "[-1,\"\"]",
        "[9223372036854775807,\"\"]",
        "[0,0,0,\"a\"]",
        "[0,0,0,\"a\\u0000\",\"b\"]",
        "[0.5,0,0,\"\",\"\"]",
    ] {
        let ask = Ask::new(None, Some(&hex::encode(place)));
        let answer = match ask {
            Ok(ask) => world.plane.list_gaps(&ann(), &ask).await.map(drop),
            Err(refusal) => Err(refusal.into()),
        };
        assert_eq!(code(answer), Code::InvalidArgument, "{place}");
    }
});

both!(many_gaps_and_sightings_are_walked_without_loss_or_repetition, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    for n in 0..500 {
        let seen = sighting(&format!("gap-{:02}", n % 50), Some(&format!("j{}", n % 7)));
        store::gap::append(&mut tx, &format!("id{n:04}"), &seen, None, "ann").await.expect("a row");
    }
    tx.commit().await.expect("a commit");
    for limit in [1, 7, 200] {
        let lines = walk(limit, async |ask| world.plane.list_gaps(&ann(), ask).await).await;
        let names: std::collections::BTreeSet<_> = lines.iter().map(|line| line.name.clone()).collect();
        assert_eq!((lines.len(), names.len()), (50, 50), "by pages of {limit}");
    }
    let seen = walk(3, async |ask| world.plane.show_gap(&ann(), "gap-07", ask).await).await;
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.id.clone()).collect();
    assert_eq!((seen.len(), ids.len()), (10, 10));
});
