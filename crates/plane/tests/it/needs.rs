//! What needs a person: each sort comes with its condition and goes with it, the most pressing first.

use domain::agent::Role;
use domain::budget::{self, Amount};
use domain::check_in::Phase;
use domain::fire::{self, Fire};
use domain::gap::{Gap, Key, Sighting};
use domain::id;
use domain::job::Outcome;
use domain::need::{Need, UNCLAIMED_AFTER};
use domain::notice::Level;
use domain::pull::{Hold, Pull, Reviewers, State};
use domain::switch::Scope;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both, call, keyed};
use plane::Plane;
use plane::overview::{NEEDS_SHOWN, Needed, Needs};
use plane::settings::Watch;
use store::Arg::{Int, Text};
use store::automerge::Revert;
use store::outcome::Found;
use store::{Fault, Tx};

use crate::given::{ann, claim_id, complete, due, named, operator, register, take};

async fn needs(plane: &Plane) -> Needs {
    plane.list_needs(&call(Role::Viewer, "eve", "exam")).await.expect("needs")
}

/// What needs a person, each by its sort and name.
async fn found(plane: &Plane) -> Vec<(Need, String)> {
    needs(plane).await.items.into_iter().map(|needed| (needed.need, needed.name)).collect()
}

/// The one thing that needs a person.
async fn only(plane: &Plane) -> Needed {
    let Needs { mut items, more } = needs(plane).await;
    assert_eq!((items.len(), more), (1, vec![]), "{items:?}");
    items.remove(0)
}

#[track_caller]
fn is(needed: &Needed, need: Need, (name, about): (&str, &str), since: Time) {
    let found = (needed.need, needed.name.as_str(), needed.about.as_str(), needed.since);
    assert_eq!(found, (need, name, about, since));
}

async fn nothing(plane: &Plane) {
    assert_eq!(found(plane).await, [], "nothing needs anybody");
}

async fn write<T>(world: &World, deed: impl AsyncFnOnce(&mut Tx) -> Result<T, Fault>) -> T {
    let mut tx = world.store().begin().await.expect("a transaction");
    let done = deed(&mut tx).await.expect("a write");
    tx.commit().await.expect("a commit");
    done
}

/// A pull request that stands so since a moment.
fn pull(id: &str, state: State, since: Time) -> Pull {
    let gap = Key { kind: "adr".into(), name: id.into() };
    Pull { state, ..Pull::begin(id.into(), gap, 1, "ann/website".into(), Reviewers::Bots, since) }
}

async fn add(world: &World, pull: &Pull) {
    assert!(write(world, async |tx| store::pull::add(tx, pull).await).await, "{} is there already", pull.id);
}

/// Writes a pull request anew, as it stands by now.
async fn now(world: &World, pull: &Pull) {
    write(world, async |tx| {
        let was = store::pull::load(tx, &pull.id).await?.expect("it is there");
        store::pull::write(tx, &was, pull, &was.seen).await
    })
    .await;
}

/// Asks people by a job of this name; gives the id of the question.
async fn ask(plane: &Plane, job: &str) -> String {
    register(plane, due(job)).await;
    let held = take(plane, &ann(), named(job)).await;
    let options = vec!["this".to_owned(), "that".to_owned()];
    let question = format!("{job}: which of both?");
    plane.ask_operator(&ann(), &claim_id(&held), &question, options).await.expect("asked").id
}

both!(a_question_needs_somebody_until_it_is_answered_or_expires, async |world| {
    nothing(&world.plane).await;
    let id = ask(&world.plane, "j").await;
    is(&only(&world.plane).await, Need::Decide, (&id, "j: which of both?"), START);
    world.plane.answer_decision(&operator(), &id, 2).await.expect("answered");
    nothing(&world.plane).await;
    world.hand.advance(Span::mins(1));
    let id = ask(&world.plane, "other").await;
    is(&only(&world.plane).await, Need::Decide, (&id, "other: which of both?"), START + Span::mins(1));
    world.hand.advance(domain::decision::LIFE);
    world.plane.tend_decisions().await.expect("a pass");
    let left: Vec<_> = found(&world.plane).await.into_iter().filter(|(need, _)| *need == Need::Decide).collect();
    assert_eq!(left, [], "nobody can answer it any more");
});

both!(a_pull_request_in_a_persons_hands_needs_them_until_it_moves_or_is_held, async |world| {
    let theirs = [
        (State::NeedsHuman, Need::Merge),
        (State::NeedsVisual, Need::LookAt),
        (State::Proposed, Need::Review),
        (State::Capped, Need::Unstop),
        (State::RequiresHuman, Need::Unstop),
    ];
    let since = START - Span::mins(3);
    let one = pull("one", State::Planning, since);
    add(world, &one).await;
    for (state, need) in theirs {
        now(world, &Pull { state, ..one.clone() }).await;
        is(&only(&world.plane).await, need, ("one", "adr/one"), since);
        for hold in Hold::ALL {
            now(world, &Pull { state, hold: Some(hold), ..one.clone() }).await;
            nothing(&world.plane).await;
        }
    }
    for state in State::ALL.into_iter().filter(|state| theirs.iter().all(|(person, _)| person != state)) {
        now(world, &Pull { state, ..one.clone() }).await;
        nothing(&world.plane).await;
    }
});

both!(a_pull_request_is_told_by_its_title_once_it_has_one, async |world| {
    let change = domain::pull::Change {
        branch: "gapwright/adr.one-1".into(),
        head: "a".repeat(40),
        onto: "main".into(),
        base: "b".repeat(40),
        title: "feat: one".into(),
        body: "It is one.".into(),
        files: 1,
        lines: 2,
        visual: None,
        protected: None,
        risk: domain::gate::Risk::default(),
    };
    add(world, &Pull { change: Some(change), ..pull("one", State::NeedsHuman, START) }).await;
    is(&only(&world.plane).await, Need::Merge, ("one", "feat: one"), START);
});

both!(what_is_to_be_taken_back_is_told_from_its_opening_until_it_is_taken_back, async |world| {
    add(world, &pull("one", State::Merged, START)).await;
    let moved = async |state: &str, number, error: &str| {
        let done = write(world, async |tx| {
            let was = store::automerge::revert_of(tx, "one").await?.expect("it is there");
            let now = Revert { state: state.into(), number, error: error.into(), ..was.clone() };
            store::automerge::move_revert(tx, &was, &now).await
        });
        assert!(done.await, "{state}");
    };
    assert!(write(world, async |tx| store::automerge::revert(tx, "one", "back/one", "it went wrong").await).await);
    nothing(&world.plane).await;
    moved("sending", None, "").await;
    nothing(&world.plane).await;
    moved("dropped", None, "").await;
    nothing(&world.plane).await;
    moved("dropped", None, "it conflicts").await;
    let by_hand = "by hand, because it went wrong: it conflicts";
    is(&only(&world.plane).await, Need::TakeBack, ("one", by_hand), START);
    let since = world.hand.now();
    world.hand.set(START + domain::gate::BUDGET_SPAN);
    nothing(&world.plane).await;
    world.hand.set(since);
    moved("open", Some(7), "").await;
    is(&only(&world.plane).await, Need::TakeBack, ("one", "#7 takes it back, because it went wrong"), START);
    world.hand.set(START + domain::gate::BUDGET_SPAN);
    assert_eq!(only(&world.plane).await.need, Need::TakeBack, "what waits for somebody to merge it waits for ever");
    world.hand.set(since);
    let mut found = Found {
        id: id::mint(START, 9),
        pull: "one".into(),
        seq: 1,
        outcome: "unchanged".into(),
        weight: "good".into(),
        stratum: "s".into(),
        repo: "ann/website".into(),
        gap_kind: "adr".into(),
        ended_at: START.0,
        at: START.0,
        by: "ann".into(),
        why: "as it was merged".into(),
        evidence: "{}".into(),
    };
    write(world, async |tx| store::outcome::append(tx, &found).await).await;
    assert_eq!(only(&world.plane).await.need, Need::TakeBack, "it is as it was merged");
    found = Found { id: id::mint(START, 10), seq: 2, outcome: "reverted".into(), weight: "bad".into(), ..found };
    write(world, async |tx| store::outcome::append(tx, &found).await).await;
    nothing(&world.plane).await;
});

both!(what_may_have_been_written_needs_somebody_to_say_whether_it_was, async |world| {
    add(world, &pull("one", State::NeedsReview, START)).await;
    let id = id::mint(START, 7);
    let unknown = write(world, async |tx| {
        store::pull::say::add(tx, &id, "one", "comment", ("head", "{}")).await?;
        let say = store::pull::say::load(tx, &id).await?.expect("it is there");
        store::pull::say::set(tx, &say, "unknown", "nobody answered").await
    });
    assert!(unknown.await.is_some());
    is(&only(&world.plane).await, Need::UnknownWrite, (&id, "comment of one"), START);
    world.plane.release(&operator(), &id, true).await.expect("released");
    nothing(&world.plane).await;
});

both!(what_may_have_been_started_needs_somebody_to_say_whether_it_was, async |world| {
    register(&world.plane, due("j")).await;
    let fire = Fire {
        id: id::mint(START, 8),
        routine: "cloud".into(),
        job: "j".into(),
        due_at: START,
        fence: 0,
        state: fire::State::Unknown,
        tries: 1,
        tried_at: START - Span::secs(5),
        rests_until: Time(0),
        session: String::new(),
        url: String::new(),
        error: "not reached".into(),
    };
    assert!(write(world, async |tx| store::fire::add(tx, &fire).await).await);
    is(&only(&world.plane).await, Need::UnknownStart, (&fire.id, "cloud for j"), START - Span::secs(5));
    world.plane.release_fire(&operator(), &fire.id, false).await.expect("released");
    nothing(&world.plane).await;
});

both!(a_day_s_budget_that_is_spent_is_told_until_midnight, async |world| {
    let cap = world.plane.settings().rules.caps.day;
    let book = async |amount: Amount| {
        let sql = "INSERT INTO spend_day (day, tokens, micro_usd) VALUES ($1, $2, $3)
                   ON CONFLICT (day) DO UPDATE SET tokens = excluded.tokens, micro_usd = excluded.micro_usd";
        let args = [Int(budget::day(START)), Int(amount.tokens), Int(amount.micro_usd)];
        write(world, async |tx| tx.run(sql, &args).await).await;
    };
    book(Amount { tokens: cap.tokens - 1, micro_usd: cap.micro_usd - 1 }).await;
    nothing(&world.plane).await;
    book(Amount { micro_usd: 0, ..cap }).await;
    is(&only(&world.plane).await, Need::Spent, ("$0.00", ""), START);
    book(Amount { tokens: 0, ..cap }).await;
    is(&only(&world.plane).await, Need::Spent, (&cap.dollars(), ""), START);
    world.hand.set(budget::tomorrow(START) - Span(1));
    assert_eq!(only(&world.plane).await.need, Need::Spent);
    world.hand.advance(Span(1));
    nothing(&world.plane).await;
});

both!(a_job_that_nobody_takes_for_half_an_hour_is_told_until_somebody_does, async |world| {
    register(&world.plane, due("j")).await;
    world.hand.advance(UNCLAIMED_AFTER);
    nothing(&world.plane).await;
    world.hand.advance(Span(1));
    let needed = only(&world.plane).await;
    assert_eq!((needed.need, needed.since), (Need::Unclaimed, START));
    take(&world.plane, &ann(), named("j")).await;
    nothing(&world.plane).await;
});

both!(a_job_that_gave_up_is_told_until_it_is_triggered, async |world| {
    let once = domain::job::Register { max_attempts: Some(1), ..due("j") };
    register(&world.plane, once).await;
    take(&world.plane, &ann(), named("j")).await;
    nothing(&world.plane).await;
    world.hand.advance(Span::mins(1));
    assert_eq!(world.plane.tend_lines().await.expect("a pass"), 1, "its only attempt is lost");
    let last = world.plane.show_job(&ann(), "j").await.expect("the job").last.expect("a run");
    assert_eq!((last.outcome(), last.at), (Outcome::Lost, START + Span::mins(1)));
    is(&only(&world.plane).await, Need::DeadJob, ("j", &last.status), last.at);
    world.plane.trigger_job(&operator(), "j").await.expect("triggered");
    nothing(&world.plane).await;
});

both!(a_job_that_failed_is_told_until_it_is_due_again, async |world| {
    register(&world.plane, due("j")).await;
    let held = take(&world.plane, &ann(), named("j")).await;
    world.hand.advance(Span::secs(1));
    complete(&world.plane, &ann(), &held, "error: it does not build").await;
    is(&only(&world.plane).await, Need::FailingJob, ("j", "error: it does not build"), START + Span::secs(1));
    world.plane.trigger_job(&operator(), "j").await.expect("triggered");
    nothing(&world.plane).await;
    let held = take(&world.plane, &ann(), named("j")).await;
    nothing(&world.plane).await;
    complete(&world.plane, &ann(), &held, "ok").await;
    nothing(&world.plane).await;
});

both!(a_silent_routine_is_told_until_it_checks_in_with_its_end, async |world| {
    let watch = Watch { routine: "digest".into(), every: Span::hours(1), grace: Span::mins(10) };
    let plane = world.replica_with(|settings| settings.watch = vec![watch]).await;
    plane.watch_routines(&operator()).await.expect("a look");
    plane.check_in(&ann(), "unexpected", Phase::End).await.expect("noted");
    world.hand.advance(Span::mins(70));
    nothing(&plane).await;
    world.hand.advance(Span(1));
    is(&only(&plane).await, Need::SilentRoutine, ("digest", ""), START);
    plane.check_in(&ann(), "digest", Phase::Start).await.expect("noted");
    assert_eq!(only(&plane).await.name, "digest", "begun is not ended");
    plane.check_in(&ann(), "digest", Phase::End).await.expect("noted");
    nothing(&plane).await;
    let ended = world.hand.now();
    world.hand.advance(Span::hours(9));
    is(&only(&plane).await, Need::SilentRoutine, ("digest", ""), ended);
});

both!(a_message_that_was_given_up_is_told_until_it_is_queued_again, async |world| {
    let queued = world.plane.notify(&ann(), "hello", Level::Info, None).await.expect("queued");
    nothing(&world.plane).await;
    let give_up = "UPDATE outbox SET state = 'dead', ended_at = $2, last_error = 'gone' WHERE id = $1";
    let at = (START + Span::secs(2)).0;
    assert_eq!(write(world, async |tx| tx.run(give_up, &[Text(&queued.id), Int(at)]).await).await, 1);
    let about = format!("to {}", queued.channel);
    is(&only(&world.plane).await, Need::DeadMessage, (&queued.id, &about), Time(at));
    assert!(world.plane.requeue_message(&operator(), &queued.id).await.expect("queued"));
    nothing(&world.plane).await;
});

async fn report(plane: &Plane, name: &str) {
    let seen = Sighting { reason: "needed it".into(), ..Sighting::named("mcp-tool", name) };
    plane.report_gap(&keyed(&ann(), name, name), seen).await.expect("recorded");
}

both!(a_gap_that_agents_could_not_close_is_told_until_people_settle_it, async |world| {
    report(&world.plane, "x").await;
    nothing(&world.plane).await;
    write(world, async |tx| {
        let key = Key { kind: "mcp-tool".into(), name: "x".into() };
        let was = store::gap::load(tx, &key).await?.expect("it is there");
        let state = domain::gap::State::RequiresHuman;
        let gap = Gap { state, changed_at: START + Span::secs(4), ..was.gap.clone() };
        store::gap::write(tx, &was, &gap).await
    })
    .await;
    is(&only(&world.plane).await, Need::StrandedGap, ("mcp-tool/x", ""), START + Span::secs(4));
    world.plane.wontfix_gap(&operator(), "mcp-tool/x", "nobody needs it any more").await.expect("settled");
    nothing(&world.plane).await;
});

both!(of_pairs_that_may_be_the_same_one_is_told_and_that_there_are_more, async |world| {
    let plane = &world.plane;
    for name in ["deploys-list", "list-deploys", "logs-read", "read-logs"] {
        report(plane, name).await;
    }
    plane.tend_gaps().await.expect("compared");
    let Needs { items, more } = needs(plane).await;
    assert_eq!((items.len(), more), (1, vec![Need::MayBeSame]));
    let about = "mcp-tool/deploys-list and mcp-tool/list-deploys";
    is(&items[0], Need::MayBeSame, ("mcp-tool/deploys-list", about), START);
    plane.tell_gaps_apart(&operator(), "deploys-list", "list-deploys").await.expect("two");
    let about = "mcp-tool/logs-read and mcp-tool/read-logs";
    is(&only(plane).await, Need::MayBeSame, ("mcp-tool/logs-read", about), START);
    plane.merge_gaps(&operator(), "read-logs", "logs-read").await.expect("one");
    nothing(plane).await;
});

both!(what_is_switched_off_is_told_until_it_is_on_and_everything_comes_first, async |world| {
    let plane = &world.plane;
    let digest = Scope::Kind("digest".into());
    plane.turn_off(&operator(), digest.clone(), "its disk is full").await.expect("off");
    is(&only(plane).await, Need::SwitchedOff, ("kind:digest", "its disk is full"), START);
    world.hand.advance(Span(1));
    plane.turn_off(&operator(), Scope::All, "something is wrong").await.expect("off");
    let items = needs(plane).await.items;
    is(&items[0], Need::AllOff, ("all", "something is wrong"), START + Span(1));
    is(&items[1], Need::SwitchedOff, ("kind:digest", "its disk is full"), START);
    for scope in [Scope::All, digest] {
        plane.turn_on(&operator(), scope).await.expect("on");
    }
    nothing(plane).await;
});

both!(of_each_sort_a_few_are_told_in_order_and_of_which_there_is_more, async |world| {
    let few = i64::try_from(NEEDS_SHOWN).expect("small");
    let ago = |n: i64| START - Span::mins(n);
    for n in 0..few {
        add(world, &pull(&format!("merge {n}"), State::NeedsHuman, ago(n))).await;
        add(world, &pull(&format!("capped {n}"), State::Capped, ago(10 + n))).await;
        add(world, &pull(&format!("stopped {n}"), State::RequiresHuman, ago(20 - 2 * n))).await;
    }
    world.plane.turn_off(&operator(), Scope::All, "something is wrong").await.expect("off");
    let Needs { items, more } = needs(&world.plane).await;
    assert_eq!(more, [], "so many are shown to the last");
    let order: Vec<_> = items.iter().map(|needed| (needed.need, needed.since)).collect();
    assert!(order.is_sorted(), "{order:?}");
    let sorts = |sort| items.iter().filter(|needed| needed.need == sort).count();
    let counted = [Need::AllOff, Need::Merge, Need::Unstop].map(sorts);
    assert_eq!(counted, [1, NEEDS_SHOWN, 2 * NEEDS_SHOWN], "each state of those that have stopped by itself");
    add(world, &pull("the oldest", State::NeedsHuman, ago(99))).await;
    add(world, &pull("the youngest", State::Capped, START)).await;
    add(world, &pull("another", State::RequiresHuman, START)).await;
    let Needs { items, more } = needs(&world.plane).await;
    assert_eq!(more, [Need::Merge, Need::Unstop], "each sort once");
    let names: Vec<_> = items.iter().map(|needed| needed.name.as_str()).collect();
    assert_eq!(names.len(), 1 + 3 * NEEDS_SHOWN);
    assert_eq!(names[..2], ["all", "the oldest"]);
    for left_out in ["merge 0", "the youngest", "another"] {
        assert!(!names.contains(&left_out), "those that have waited longest are told: {names:?}");
    }
});
