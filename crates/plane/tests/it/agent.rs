//! Who may ask, and what: tokens, and the table of every verb and role.

use domain::agent::{Principal, Role, read_token};
use domain::check_in::Phase;
use domain::gap::Sighting;
use domain::lock::Shorten;
use domain::notice::Level;
use domain::refusal::Code;
use domain::time::Span;
use harness::{World, both, call};
use plane::agent::Grant;
use plane::job::Upsert;
use plane::kind::Verdict;
use plane::page::Ask;
use plane::{Call, No};
use store::gap::Which;

use crate::given::{ann, code, due, end, operator, register, take, walk, wish};

fn grant(role: Role) -> Grant {
    Grant { principal: "ann".into(), role, kinds: vec!["digest".into(), "audit".into()], life: Span::hours(1) }
}

both!(a_token_stands_for_its_principal_role_and_kinds, async |world| {
    assert!(!world.plane.has_tokens().await.expect("an answer"));
    let (text, token) = world.plane.create_token(&operator(), grant(Role::Reviewer)).await.expect("a token");
    let principal = world.plane.authenticate(&text).await.expect("known");
    let kinds = vec!["digest".into(), "audit".into()];
    assert_eq!(
        principal,
        Principal {
            name: "ann".into(),
            role: Role::Reviewer,
            kinds,
            token: token.id.clone(),
            lineage: token.id.clone(),
            claim: None,
            metered: false,
        }
    );
    assert!(world.plane.has_tokens().await.expect("an answer"));
    let rows = format!("{:?}", crate::given::journal(&world.plane).await);
    assert!(!rows.contains(&text) && rows.contains(&token.id), "the text is shown once and kept nowhere");
    assert_eq!(token.created_by, "olga");
});

both!(a_revoked_expired_unknown_or_malformed_token_is_refused, async |world| {
    let (revoked, row) = world.plane.create_token(&operator(), grant(Role::Routine)).await.expect("a token");
    let (expiring, _) = world.plane.create_token(&operator(), grant(Role::Routine)).await.expect("a token");
    world.plane.revoke_token(&operator(), &row.id).await.expect("revoked");
    assert_eq!(code(world.plane.revoke_token(&operator(), &row.id).await), Code::NotFound);
    assert_eq!(code(world.plane.authenticate(&revoked).await), Code::Unauthenticated);
    world.hand.advance(Span(3_599_999));
    world.plane.authenticate(&expiring).await.expect("still good");
    world.hand.advance(Span(1));
    assert_eq!(code(world.plane.authenticate(&expiring).await), Code::Unauthenticated);
    let stranger = domain::agent::mint_token(world.hand.now(), (1, 2)).text;
    read_token(&stranger).expect("well formed");
    let (id, _) = read_token(&expiring).expect("well formed");
    let forged = domain::agent::mint_token(harness::plane::START, (7, 7))
        .text
        .replace(&read_token(&domain::agent::mint_token(harness::plane::START, (7, 7)).text).expect("ours").0, &id);
    for text in [stranger.as_str(), &forged, "", "gapw_", "Bearer x", "' OR ''='"] {
        assert_eq!(code(world.plane.authenticate(text).await), Code::Unauthenticated, "{text:?}");
    }
});

both!(a_token_that_the_program_makes_for_itself_is_nobodys_first, async |world| {
    for own in [domain::job::CANARY, plane::agent::DOCTOR] {
        let grant = Grant { principal: own.to_owned(), ..grant(Role::Routine) };
        world.plane.create_token(&operator(), grant).await.expect("a token");
        assert!(!world.plane.has_tokens().await.expect("an answer"), "{own}");
    }
});

both!(a_token_that_makes_no_sense_is_not_made, async |world| {
    for bad in [
        Grant { principal: String::new(), ..grant(Role::Routine) },
        Grant { kinds: vec!["a,b".into()], ..grant(Role::Routine) },
        Grant { kinds: vec![String::new()], ..grant(Role::Routine) },
        Grant { life: Span::ZERO, ..grant(Role::Routine) },
        Grant { life: Span(-1), ..grant(Role::Routine) },
        Grant { life: Span::days(3_661), ..grant(Role::Routine) },
    ] {
        assert_eq!(code(world.plane.create_token(&operator(), bad.clone()).await), Code::InvalidArgument, "{bad:?}");
    }
    assert!(!world.plane.has_tokens().await.expect("an answer"));
});

both!(tokens_are_walked_without_loss_or_repetition, async |world| {
    for _ in 0..23 {
        world.plane.create_token(&operator(), grant(Role::Viewer)).await.expect("a token");
    }
    let tokens = walk(4, async |ask| world.plane.list_tokens(&operator(), ask).await).await;
    let ids: std::collections::BTreeSet<_> = tokens.iter().map(|token| token.id.clone()).collect();
    assert_eq!((tokens.len(), ids.len()), (23, 23));
});

both!(a_token_that_has_ended_is_not_in_force, async |world| {
    let (_, kept) = world.plane.create_token(&operator(), grant(Role::Viewer)).await.expect("a token");
    let (_, revoked) = world.plane.create_token(&operator(), grant(Role::Viewer)).await.expect("a token");
    let brief = Grant { life: Span::mins(1), ..grant(Role::Viewer) };
    world.plane.create_token(&operator(), brief).await.expect("a token");
    world.plane.revoke_token(&operator(), &revoked.id).await.expect("an end");
    world.hand.advance(Span::mins(1));
    let in_force = walk(1, async |ask| world.plane.list_tokens_in_force(&operator(), ask).await).await;
    assert_eq!(in_force, [kept]);
    assert_eq!(walk(2, async |ask| world.plane.list_tokens(&operator(), ask).await).await.len(), 3);
});

/// Whether an answer says that the caller may not ask.
fn forbidden<T>(answer: &Result<T, No>) -> bool {
    matches!(answer, Err(No::Refusal(refusal)) if refusal.code == Code::Forbidden)
}

/// Asks every verb as `by` and gives those that it may use.
async fn allowed(world: &World, by: &Call) -> Vec<&'static str> {
    let (plane, ask) = (&world.plane, Ask::default());
    let id = domain::id::mint(world.hand.now(), 1);
    let seen = Sighting::named("adr", "x");
    let minute = Span::mins(1);
    let held = take(plane, &operator(), wish()).await;
    let table = [
        ("acquire_lock", forbidden(&plane.acquire_lock(by, &by.by.name, "h", minute).await)),
        ("extend_lock", forbidden(&plane.extend_lock(by, &id, minute, Shorten::Never).await)),
        ("release_lock", forbidden(&plane.release_lock(by, &id).await)),
        ("break_lock", forbidden(&plane.break_lock(by, "nobody").await)),
        ("list_locks", forbidden(&plane.list_locks(by, None, &ask).await)),
        ("register_job", forbidden(&plane.register_job(by, due("table"), Upsert::Replace).await)),
        ("deregister_job", forbidden(&plane.deregister_job(by, "nobody").await)),
        ("trigger_job", forbidden(&plane.trigger_job(by, "nobody").await)),
        ("claim_job", forbidden(&plane.claim_job(by, crate::given::named("nobody")).await)),
        ("renew_job", forbidden(&plane.renew_job(by, &id, minute, None).await)),
        ("defer_job", forbidden(&plane.defer_job(by, &id, minute, "r").await)),
        ("complete_job", forbidden(&plane.complete_job(by, end(&held, "ok")).await)),
        ("complete_and_claim", forbidden(&plane.complete_and_claim(by, end(&held, "ok"), wish()).await)),
        ("list_jobs", forbidden(&plane.list_jobs(by, false, None, &ask).await)),
        ("show_job", forbidden(&plane.show_job(by, "nobody").await)),
        ("list_runs", forbidden(&plane.list_runs(by, None, &ask).await)),
        ("show_run", forbidden(&plane.show_run(by, &id).await)),
        ("notify", forbidden(&plane.notify(by, "hello", Level::Info, None).await)),
        ("requeue_message", forbidden(&plane.requeue_message(by, "nobody").await)),
        ("report_gap", forbidden(&plane.report_gap(by, seen).await)),
        ("list_gaps", forbidden(&plane.list_gaps(by, Which::Live, None, &ask).await)),
        ("show_gap", forbidden(&plane.show_gap(by, "x", &ask).await)),
        ("explain_gaps", forbidden(&plane.explain_gaps(by, &ask).await)),
        ("list_unreadable", forbidden(&plane.list_unreadable(by, &ask).await)),
        ("list_likeness", forbidden(&plane.list_likeness(by, &ask).await)),
        ("inventory", forbidden(&plane.inventory(by).await)),
        ("wontfix_gap", forbidden(&plane.wontfix_gap(by, "x", "nobody needs it").await)),
        ("close_gap", forbidden(&plane.close_gap(by, "x", "it is there now").await)),
        ("reopen_gap", forbidden(&plane.reopen_gap(by, "x", "somebody needs it").await)),
        ("prioritize_gap", forbidden(&plane.prioritize_gap(by, "x", None).await)),
        ("merge_gaps", forbidden(&plane.merge_gaps(by, "x", "y").await)),
        ("tell_gaps_apart", forbidden(&plane.tell_gaps_apart(by, "x", "y").await)),
        ("show_level", forbidden(&plane.show_level(by).await)),
        ("raise_level", forbidden(&plane.raise_level(by, Some("no reason at all")).await)),
        (
            "raise_level_from",
            forbidden(&plane.raise_level_from(by, domain::level::Level::Observe, Some("no reason at all")).await),
        ),
        ("lower_level", forbidden(&plane.lower_level(by, None, None).await)),
        ("list_kinds", forbidden(&plane.list_kinds(by, &ask).await)),
        ("show_kind", forbidden(&plane.show_kind(by, "x").await)),
        ("judge_kind", forbidden(&plane.judge_kind(by, "x", Verdict::Accept).await)),
        ("show_repository", forbidden(&plane.show_repository(by).await)),
        ("check_in", forbidden(&plane.check_in(by, "digest", Phase::End).await)),
        ("list_routines", forbidden(&plane.list_routines(by).await)),
        ("watch_routines", forbidden(&plane.watch_routines(by).await)),
        ("stuck_jobs", forbidden(&plane.stuck_jobs(by, minute, &ask).await)),
        ("dead_letters", forbidden(&plane.dead_letters(by, &ask).await)),
        ("firing_alerts", forbidden(&plane.firing_alerts(by).await)),
        ("trigger_scheduled", forbidden(&plane.trigger_scheduled(by, "nobody").await)),
        ("list_scheduled", forbidden(&plane.list_scheduled(by, &ask).await)),
        ("stuck_scheduled", forbidden(&plane.stuck_scheduled(by, minute, &ask).await)),
        ("orphan_scheduled", forbidden(&plane.orphan_scheduled(by, &ask).await)),
        ("create_token", forbidden(&plane.create_token(by, grant(Role::Viewer)).await)),
        ("list_tokens", forbidden(&plane.list_tokens(by, &ask).await)),
        ("revoke_token", forbidden(&plane.revoke_token(by, &id).await)),
        ("tail_journal", forbidden(&plane.tail_journal(by, &ask).await)),
        ("export_journal", forbidden(&plane.export_journal(by, &ask).await)),
        ("verify_journal", forbidden(&plane.verify_journal(by, None).await)),
    ];
    table.into_iter().filter(|(_, forbidden)| !forbidden).map(|(verb, _)| verb).collect()
}

const READS: [&str; 22] = [
    "list_locks",
    "list_jobs",
    "show_job",
    "list_runs",
    "show_run",
    "list_gaps",
    "show_gap",
    "explain_gaps",
    "list_unreadable",
    "list_likeness",
    "inventory",
    "show_level",
    "list_kinds",
    "show_kind",
    "show_repository",
    "list_routines",
    "stuck_jobs",
    "dead_letters",
    "firing_alerts",
    "list_scheduled",
    "stuck_scheduled",
    "orphan_scheduled",
];
const WORK: [&str; 15] = [
    "acquire_lock",
    "extend_lock",
    "release_lock",
    "register_job",
    "deregister_job",
    "trigger_job",
    "claim_job",
    "renew_job",
    "defer_job",
    "complete_job",
    "complete_and_claim",
    "notify",
    "report_gap",
    "check_in",
    "trigger_scheduled",
];
const RULE: [&str; 19] = [
    "break_lock",
    "requeue_message",
    "wontfix_gap",
    "close_gap",
    "reopen_gap",
    "prioritize_gap",
    "merge_gaps",
    "tell_gaps_apart",
    "raise_level",
    "raise_level_from",
    "lower_level",
    "judge_kind",
    "watch_routines",
    "create_token",
    "list_tokens",
    "revoke_token",
    "tail_journal",
    "export_journal",
    "verify_journal",
];

both!(every_verb_is_open_to_these_roles_and_to_no_other, async |world| {
    register(&world.plane, crate::given::hourly("held")).await;
    for role in Role::ALL {
        let mut expected = READS.to_vec();
        match role {
            Role::Viewer => {}
            Role::Routine | Role::Planner | Role::Implementer | Role::Reviewer | Role::Merger => expected.extend(WORK),
            Role::Operator => expected.extend(WORK.into_iter().chain(RULE)),
        }
        expected.sort_unstable();
        let mut found = allowed(world, &call(role, role.name(), "exam")).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{role}");
        world.hand.advance(Span::hours(2));
    }
});

/// Asks what pages are made of as `by` and gives what it may see.
async fn shown(world: &World, by: &Call) -> Vec<&'static str> {
    let (plane, ask) = (&world.plane, Ask::default());
    let (jobs, entries) = (store::job::look::Look::default(), store::journal::Look::default());
    let gap = domain::gap::Key { kind: "adr".into(), name: "x".into() };
    let table = [
        ("counts", forbidden(&plane.counts(by).await)),
        ("show_overview", forbidden(&plane.show_overview(by).await)),
        ("list_needs", forbidden(&plane.list_needs(by).await)),
        ("look_for_jobs", forbidden(&plane.look_for_jobs(by, &jobs, &ask).await)),
        ("list_board", forbidden(&plane.list_board(by).await)),
        ("list_pulls_of_gap", forbidden(&plane.list_pulls_of_gap(by, &gap, 1).await)),
        ("list_unknown", forbidden(&plane.list_unknown(by).await)),
        ("show_difference", forbidden(&plane.show_difference(by, "nothing").await)),
        ("list_switches", forbidden(&plane.list_switches(by).await)),
        ("list_decisions", forbidden(&plane.list_decisions(by, true, &ask).await)),
        ("show_gate", forbidden(&plane.show_gate(by, None).await)),
        ("list_done", forbidden(&plane.list_done(by, 1).await)),
        ("look_into_journal", forbidden(&plane.look_into_journal(by, &entries, &ask).await)),
        ("list_tokens_in_force", forbidden(&plane.list_tokens_in_force(by, &ask).await)),
        ("show_token", forbidden(&plane.show_token(by, &domain::id::mint(world.hand.now(), 2)).await)),
    ];
    table.into_iter().filter(|(_, forbidden)| !forbidden).map(|(verb, _)| verb).collect()
}

/// What of pages only operators see: who did what, and who may.
const CONFIDENTIAL: [&str; 4] = ["list_done", "look_into_journal", "list_tokens_in_force", "show_token"];

both!(whoever_reads_sees_how_things_stand_and_operators_alone_who_did_what, async |world| {
    let all = shown(world, &operator()).await;
    assert_eq!(all.len(), 15);
    let others: Vec<_> = all.iter().copied().filter(|verb| !CONFIDENTIAL.contains(verb)).collect();
    assert_eq!(others.len() + CONFIDENTIAL.len(), all.len());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        assert_eq!(shown(world, &call(role, role.name(), "exam")).await, others, "{role}");
    }
    // Whoever is here for one claim alone sees nothing but its work: a reviewer must not know what a change is for.
    for role in Role::ALL {
        let mut by = call(role, role.name(), "exam");
        by.by.claim = Some("claim".into());
        assert_eq!(shown(world, &by).await, Vec::<&str>::new(), "{role}");
    }
});

both!(a_caller_who_may_not_ask_leaves_no_trace, async |world| {
    let viewer = call(Role::Viewer, "eve", "exam");
    code(world.plane.acquire_lock(&viewer, "k", "h", Span::mins(1)).await);
    code(world.plane.register_job(&viewer, due("j"), Upsert::Never).await);
    code(world.plane.notify(&viewer, "hello", Level::Info, None).await);
    assert!(crate::given::journal(&world.plane).await.is_empty());
    assert!(world.plane.list_locks(&ann(), None, &Ask::default()).await.expect("a list").items.is_empty());
});

both!(a_caller_who_may_not_notify_is_not_told_which_channels_there_are, async |world| {
    let viewer = call(Role::Viewer, "eve", "exam");
    assert_eq!(code(world.plane.notify(&viewer, "hello", Level::Info, Some("elsewhere")).await), Code::Forbidden);
});
