//! Budgets, switches, questions, and tokens for one claim alone.

use domain::agent::Role;
use domain::budget::{Amount, Caps};
use domain::pull::{Stage, State, Verdict};
use domain::refusal::Code;
use domain::switch::Scope;
use domain::time::Span;

use super::ground::{GAP, Ground, olga, review, usual};
use super::pulls;
use crate::given::{end, reason, refused};
use crate::home::Kind;

fn small(pull: i64, day: i64) -> Caps {
    let amount = |tokens| Amount { tokens, micro_usd: tokens };
    Caps { run: Stage::ALL.map(|stage| (stage, amount(10))), pull: amount(pull), day: amount(day), ..Caps::default() }
}

pulls!(a_claim_sets_its_part_aside_and_what_is_not_known_counts_as_spent, async |ground| {
    ground.caps = small(32, 1_000);
    ground.restart().await;
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let budget = ground.given.plane.my_budget(&taken.by, &taken.claim).await.expect("a budget");
    assert_eq!((budget.run.tokens, budget.pull.tokens, budget.iterations), (10, 32, 3));
    let budget = ground.given.plane.report_usage(&taken.by, &taken.claim, Some(4), Some(1)).await.expect("reported");
    assert_eq!(budget.run, Amount { tokens: 6, micro_usd: 9 });
    ground.given.plane.report_usage(&taken.by, &taken.claim, Some(2), Some(0)).await.expect("reported");
    ground.hand_in_plan(&taken).await.expect("a plan");
    assert_eq!(ground.pull_of(GAP).await.booked, Amount { tokens: 4, micro_usd: 1 }, "it never becomes less");
    ground.draft("one").await;
    assert_eq!(ground.pull_of(GAP).await.booked, Amount { tokens: 14, micro_usd: 11 }, "nobody said what it spent");
    // Who handed in may still say what it spent, and nobody else.
    let plane = &ground.given.plane;
    plane.report_usage(&taken.by, &taken.claim, Some(6), Some(2)).await.expect("reported late");
    assert_eq!(ground.pull_of(GAP).await.booked, Amount { tokens: 16, micro_usd: 12 });
    let other = plane.report_usage(&usual(Stage::Merger), &taken.claim, Some(0), Some(0)).await;
    assert_eq!(refused(other).code, Code::StaleClaim);
    ground.watch().await;
    ground.review(Verdict::Approve, None).await;
    assert_eq!(ground.pull_of(GAP).await.booked.tokens, 26);
    assert!(ground.try_take(&usual(Stage::Merger), Stage::Merger).await.is_none(), "too little is left");
    let pull = ground.pull_of(GAP).await;
    assert_eq!(pull.state, State::RequiresHuman, "{}", pull.why);
});

pulls!(what_a_run_spent_is_booked_though_it_is_told_after_its_hand_in, async |ground| {
    ground.caps = small(1_000, 1_000);
    ground.restart().await;
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let plane = &ground.given.plane;
    let tell = async |tokens, micro_usd| plane.report_usage(&taken.by, &taken.claim, tokens, micro_usd).await;
    tell(Some(2), None).await.expect("reported");
    ground.hand_in_plan(&taken).await.expect("a plan");
    assert_eq!(ground.pull_of(GAP).await.booked, Amount { tokens: 2, micro_usd: 10 });
    tell(Some(6), Some(4)).await.expect("reported");
    tell(Some(1), Some(1)).await.expect("reported");
    assert_eq!(ground.pull_of(GAP).await.booked, Amount { tokens: 6, micro_usd: 4 }, "it never becomes less");
    let day = plane.show_budget(&olga()).await.expect("today").booked;
    assert_eq!(day, Amount { tokens: 6, micro_usd: 4 });
    for tokens in [11, 12] {
        tell(Some(tokens), None).await.expect("reported");
        assert_eq!(ground.pull_of(GAP).await.excesses, 1, "a run counts once");
    }
    let stranger = plane.report_usage(&usual(Stage::Reviewer), &taken.claim, Some(0), Some(0)).await;
    assert_eq!(refused(stranger).code, Code::StaleClaim, "only whoever held the claim tells");
    ground.given.pass(Span::mins(61));
    assert_eq!(refused(tell(Some(20), None).await).code, Code::StaleClaim, "it is too late");
});

pulls!(of_a_run_that_fell_silent_all_that_was_set_aside_counts_as_spent, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    ground.given.plane.report_usage(&taken.by, &taken.claim, Some(1), Some(1)).await.expect("reported");
    ground.given.pass(Span::mins(11));
    ground.given.plane.tend_lines().await.expect("a pass");
    assert_eq!(ground.pull_of(GAP).await.booked, ground.caps.of_run(Stage::Planner), "whatever it said before");
});

pulls!(a_day_s_budget_stops_new_claims_and_begins_anew_at_midnight, async |ground| {
    ground.caps = small(1_000, 20);
    ground.restart().await;
    ground.taken_up(GAP).await;
    ground.plan().await;
    ground.draft("one").await;
    ground.watch().await;
    let name = ground.pull_of(GAP).await.job().expect("a turn");
    let wish =
        || plane::job::Claim { holder: "worker".into(), ttl: Span::mins(1), kind: None, name: Some(name.clone()) };
    assert_eq!(reason(&ground.given.plane, &usual(Stage::Reviewer), wish()).await, "over_budget");
    assert_eq!(ground.state().await, State::NeedsReview, "it waits for tomorrow");
    ground.given.pass(Span::hours(24));
    ground.take(Stage::Reviewer).await;
});

pulls!(whoever_keeps_spending_more_than_was_set_aside_is_stopped_and_its_gap_left_to_a_person, async |ground| {
    ground.caps = small(1_000, 1_000);
    ground.restart().await;
    ground.taken_up(GAP).await;
    for round in 1..=2 {
        let taken = ground.take(Stage::Planner).await;
        ground.given.plane.report_usage(&taken.by, &taken.claim, Some(11), None).await.expect("reported");
        let status = "error: killed, for it spent more than was set aside";
        ground.given.plane.complete_job(&taken.by, end(&taken.job, status)).await.expect("ended").expect("not stale");
        assert_eq!(ground.pull_of(GAP).await.excesses, round);
        ground.given.pass(Span::secs(31));
    }
    assert_eq!(ground.state().await, State::RequiresHuman);
    assert_eq!(ground.given.state(GAP).await, "requires_human");
});

pulls!(what_is_switched_off_begins_no_work_and_writes_nothing, async |ground| {
    ground.opened().await;
    let plane = &ground.given.plane;
    let taken = ground.take(Stage::Reviewer).await;
    for scope in ["all", "kind:reviewer", "repo:ann/website"] {
        let scope = Scope::parse(scope).expect("a scope");
        assert!(plane.turn_off(&olga(), scope.clone(), "something is wrong").await.expect("off"));
        let (off, held) = plane.list_switches(&olga()).await.expect("a list");
        assert_eq!((off.len(), held.len()), (1, 1), "what still runs is told");
        let name = ground.pull_of(GAP).await.job().expect("a turn");
        let wish = plane::job::Claim { holder: "w".into(), ttl: Span::mins(1), kind: None, name: Some(name) };
        let why = reason(plane, &usual(Stage::Reviewer), wish).await;
        let covers_claims = matches!(scope, Scope::All | Scope::Kind(_));
        assert_eq!(why, if covers_claims { "switched_off" } else { "held" }, "{scope}");
        assert!(plane.turn_on(&olga(), scope).await.expect("on"));
    }
    // What runs goes on to its end.
    let done = ground.hand_in_review(&taken, &review(Verdict::Approve, None)).await;
    done.expect("it is taken");
    plane.turn_off(&olga(), Scope::All, "something is wrong").await.expect("off");
    let before = ground.labels().await;
    ground.unlabel("ann", "needs-bot-review").await;
    ground.poll().await;
    assert_ne!(ground.labels().await, before, "nothing is put back");
    plane.turn_on(&olga(), Scope::All).await.expect("on");
    ground.poll().await;
    let (mut now, mut before) = (ground.labels().await, before);
    now.sort();
    before.sort();
    assert_eq!(now, before);
});

pulls!(nobody_takes_what_is_switched_off, async |ground| {
    ground.taken_up(GAP).await;
    let plane = &ground.given.plane;
    for scope in ["all", "kind:planner", "repo:ann/website"] {
        let scope = Scope::parse(scope).expect("a scope");
        plane.turn_off(&olga(), scope.clone(), "something is wrong").await.expect("off");
        let wish = plane::job::Claim {
            holder: "w".into(),
            ttl: Span::mins(1),
            kind: None,
            name: Some(ground.pull_of(GAP).await.job().expect("a turn")),
        };
        assert_eq!(reason(plane, &usual(Stage::Planner), wish).await, "switched_off");
        plane.turn_on(&olga(), scope).await.expect("on");
    }
    ground.given.pass(Span::mins(6));
    ground.take(Stage::Planner).await;
});

pulls!(a_question_frees_its_slot_and_the_answer_reaches_the_next_attempt, async |ground| {
    ground.taken_up(GAP).await;
    let plane = &ground.given.plane;
    let taken = ground.take(Stage::Planner).await;
    let options = vec!["the API".to_owned(), "the command line".to_owned()];
    let asked = plane.ask_operator(&taken.by, &taken.claim, "Which of both?", options).await.expect("asked");
    assert!(ground.try_take(&usual(Stage::Planner), Stage::Planner).await.is_none(), "it waits");
    let answered = plane.answer_decision(&olga(), &asked.id, 2).await.expect("answered");
    assert_eq!(plane.answer_decision(&olga(), &asked.id, 2).await.expect("twice is once"), answered);
    assert_eq!(refused(plane.answer_decision(&olga(), &asked.id, 1).await).code, Code::WrongState);
    let again = ground.take(Stage::Planner).await;
    let work = ground.work(&again).await;
    assert_eq!(work.decisions, [answered]);
    assert_eq!(work.decisions[0].chosen(), Some("the command line"));
    assert_eq!(again.job.attempts, 1, "to ask is no attempt");
});

pulls!(a_question_that_nobody_answers_expires_and_the_next_attempt_is_told_so, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let options = vec!["yes".to_owned(), "no".to_owned()];
    let asked = ground.given.plane.ask_operator(&taken.by, &taken.claim, "Shall I?", options).await.expect("asked");
    ground.given.pass(Span::hours(24));
    assert_eq!(ground.given.plane.tend_decisions().await.expect("a pass"), 1);
    assert_eq!(refused(ground.given.plane.answer_decision(&olga(), &asked.id, 1).await).code, Code::WrongState);
    let again = ground.take(Stage::Planner).await;
    let told: Vec<_> = ground.work(&again).await.decisions.into_iter().map(|one| (one.question, one.state)).collect();
    assert_eq!(told, [("Shall I?".to_owned(), domain::decision::State::Expired)]);
});

pulls!(a_token_for_one_claim_does_that_claim_s_work_and_ends_with_it, async |ground| {
    ground.taken_up(GAP).await;
    let plane = &ground.given.plane;
    let taken = ground.take(Stage::Planner).await;
    let (text, token) = plane.delegate_claim(&taken.by, &taken.claim, false).await.expect("a token");
    assert_eq!(token.expires_at - token.created_at, Span::hours(24).0);
    let by = plane.authenticate(&text).await.expect("known");
    assert_eq!((by.role, by.lineage.as_str()), (Role::Planner, "token-of-the-planner"));
    let as_agent = plane::Call { by, tool: "submit-plan", request_id: "r".into(), idempotency: None };
    let other = plane::Call { tool: "claim-routine-job", ..as_agent.clone() };
    let wish = plane::job::Claim { holder: "w".into(), ttl: Span::mins(1), kind: None, name: None };
    assert_eq!(refused(plane.claim_job(&other, wish).await).code, Code::Forbidden);
    let plan = super::ground::plan();
    plane.submit_plan(&as_agent, &taken.claim, plan, plane::pull::Fingerprint::default()).await.expect("a plan");
    assert_eq!(refused(plane.authenticate(&text).await).code, Code::Unauthenticated, "it ended with the claim");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_of_the_budget_stops_new_work() {
    let world = harness::World::new(harness::On::Sqlite).await;
    world.spoil();
    let ground = Ground::new(&world, Kind::Local).await;
    ground.taken_up(GAP).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    let day = domain::budget::day(world.hand.now());
    store::spend::booked(&mut tx, day).await.expect("a day");
    store::spend::book(&mut tx, day, Amount { tokens: -5, micro_usd: 0 }).await.expect("spoilt");
    tx.commit().await.expect("written");
    let wish = plane::job::Claim { holder: "w".into(), ttl: Span::mins(1), kind: Some("planner".into()), name: None };
    let plane = &ground.given.plane;
    let answer = plane.claim_job(&usual(Stage::Planner), wish.clone()).await;
    let table = match &answer {
        Err(plane::No::Fault(store::Fault::Corrupt { table, .. })) => *table,
        other => panic!("a row that makes no sense is a fault: {other:?}"),
    };
    assert_eq!(table, "spend_day");
    let mut tx = world.store().begin().await.expect("a transaction");
    store::spend::book(&mut tx, day, Amount { tokens: 5, micro_usd: 0 }).await.expect("mended");
    tx.commit().await.expect("written");
    plane.claim_job(&usual(Stage::Planner), wish).await.expect("an answer");
}
