//! What is told piece by piece in a house: the gate and what its strata have shown, reviewers who were tried, pull requests in
//! every state with all that agents said and spent, questions to people. Put there by the store's own statements.

use domain::budget::{self, Amount, Spend};
use domain::calibration::seed::{Defect, Framing};
use domain::decision::{self, Decision};
use domain::gate::{Candidate, Draw, Past, Record, Rules, Shadow, Stratum};
use domain::job::{Outcome as Ended, Run};
use domain::level::Level;
use domain::outcome::{Answer, End, Evidence, Hand};
use domain::pull::plan::Approach;
use domain::pull::{Event, Instance, Plan, Pull, Reviewers, Stage, State, There, Verdict};
use domain::time::{Span, Time};
use serde_json::json;
use store::Tx;
use store::gate::{Judged, Said};
use store::level::Change as OfLevel;
use store::pull::word::Pass;
use store::pull::{event, hand, word};
use store::spend;
use store::trial::Trial;

use crate::ground::Ground;
use crate::house::{self, REPOSITORY, REVIEWERS, Size};
use crate::registry;

/// How many trials each reviewer had.
const TRIALS: usize = 300;

/// Of how many questions nobody has answered yet.
const OPEN: usize = 20;

/// Who had a turn in a pull request, in order.
const TURNS: [Stage; 6] =
    [Stage::Planner, Stage::Implementer, Stage::Reviewer, Stage::Implementer, Stage::Reviewer, Stage::Merger];

/// The id of a pull request whose whole story is there, by its number.
pub(crate) fn id(number: usize) -> String {
    format!("pull-{number:05}")
}

/// The number of one that waits for a person, with everything around it.
pub(crate) fn told() -> usize {
    State::ALL.iter().position(|state| *state == State::NeedsHuman).expect("a state")
}

/// What was read of how a pull request ended.
pub(crate) fn evidence() -> Evidence {
    Evidence {
        judged: Some(house::digits(8)[24..].to_owned()),
        approved: true,
        others: false,
        sent_back: false,
        end: End::Closed,
        by: Hand::Person,
        login: Some("somebody".to_owned()),
        looked_ms: Some(300_000),
        ended_at: None,
        found_at: None,
        lines: 120,
        checks: Answer::Pass,
    }
}

/// What the gate judges.
pub(crate) fn record(now: Time, stratum: Option<Stratum>, past: Vec<Past>, candidate: Option<Candidate>) -> Record {
    Record {
        at: now,
        rules: Rules::default(),
        stratum,
        past,
        calibrated: Answer::Pass,
        arm: None,
        shadow: Shadow::default(),
        autos: Vec::new(),
        level: Level::Pipeline.name().to_owned(),
        off: None,
        today: 0,
        in_flight: None,
        candidate,
    }
}

pub(crate) async fn fill(ground: &Ground, size: Size) {
    let mut tx = ground.store.begin().await.expect("a transaction");
    gate(&mut tx).await;
    trials(&mut tx).await;
    decisions(&mut tx, size).await;
    tx.commit().await.expect("on disk");
    for number in 0..size.pulls {
        let mut tx = ground.store.begin().await.expect("a transaction");
        tell(&mut tx, number).await;
        tx.commit().await.expect("on disk");
    }
}

/// The level at which agents make pull requests, and strata of which every sixth was armed.
async fn gate(tx: &mut Tx) {
    let now = tx.now();
    for (seq, pair) in (1..).zip([Level::Observe, Level::Propose, Level::Pipeline].windows(2)) {
        let change = OfLevel {
            seq,
            at: (now - Span::days(60)).0 + seq,
            was: pair[0].name().to_owned(),
            now: pair[1].name().to_owned(),
            by: "operator".to_owned(),
            reason: "there is enough evidence".to_owned(),
            overridden: 0,
            evidence: "[]".to_owned(),
        };
        store::level::append(tx, &change).await.expect("a level");
    }
    for (at, stratum) in house::strata().iter().enumerate() {
        store::gate::keep_stratum(tx, stratum).await.expect("a stratum");
        if at % 6 == 0 {
            let said = Said {
                stratum: stratum.id(),
                seq: 1,
                what: "armed".to_owned(),
                at: (now - Span::days(10)).0,
                until: (now + Span::days(80)).0,
                by: "operator".to_owned(),
                owner: "somebody".to_owned(),
                reason: "its streak is long enough".to_owned(),
                evidence: "{}".to_owned(),
            };
            store::gate::say(tx, &said).await.expect("a word");
        }
    }
}

async fn trials(tx: &mut Tx) {
    let now = tx.now();
    for number in 0..REVIEWERS * TRIALS {
        let by = house::fingerprint("reviewer", number % REVIEWERS);
        let nth = number / REVIEWERS;
        let defect = if nth.is_multiple_of(3) { "" } else { Defect::ALL[nth % Defect::ALL.len()].name() };
        let trial = Trial {
            id: format!("trial-{number}"),
            at: (now - Span::days(20)).0 + i64::try_from(number).expect("a number"),
            run: format!("trials-{}", nth / 100),
            principal: by.principal,
            model: by.model,
            prompt: by.prompt,
            subject: format!("case-{}", nth / 2),
            defect: defect.to_owned(),
            framing: Framing::ALL[nth % Framing::ALL.len()].name().to_owned(),
            repeat: i64::try_from(nth % 2).expect("a number"),
            approved: i64::from(defect.is_empty() || nth % 20 == 1),
            cited: i64::from(!defect.is_empty()),
            verdict: Verdict::Approve.name().to_owned(),
            findings: "[]".to_owned(),
        };
        store::trial::append(tx, &trial).await.expect("a trial");
    }
}

async fn decisions(tx: &mut Tx, size: Size) {
    let now = tx.now();
    for number in 0..size.decisions {
        let asked_at = now - Span::mins(i64::try_from(number).expect("a number"));
        let answered = decision::State::Answered { option: 1, by: "operator".to_owned(), at: asked_at + Span::mins(5) };
        let decision = Decision {
            id: format!("decision-{number}"),
            job: house::job(i64::try_from(number).expect("a number")),
            pull: None,
            principal: format!("agent-{}", number % 50),
            question: "The two logs say different things about who was first. Which of them is to be believed?"
                .to_owned(),
            options: ["The log of the server", "The log of the worker", "Neither"].map(str::to_owned).to_vec(),
            asked_at,
            expires_at: asked_at + decision::LIFE,
            state: if number < OPEN { decision::State::Open } else { answered },
        };
        store::decision::add(tx, &decision).await.expect("a question");
    }
}

fn pull(number: usize, now: Time) -> Pull {
    let at = i64::try_from(number).expect("a number");
    let state = State::ALL[number % State::ALL.len()];
    let open = !matches!(state, State::Planning | State::Implementing | State::Opening);
    let url = format!("https://forge.example/{REPOSITORY}/pulls/{}", at + 1);
    let there = There { number: Some(at + 1), url, labels: vec!["gapwright".to_owned(), "iteration:1".to_owned()] };
    let head = format!("{number:08x}{}", &house::digits(9)[32..]);
    Pull {
        state,
        iteration: 1,
        there: if open { there } else { There::default() },
        change: (state != State::Planning).then(|| house::change(&head, &format!("close the gap number {number}"))),
        booked: Amount { tokens: 61_000, micro_usd: 910_000 },
        why: "it came to this by itself".to_owned(),
        changed_at: now - Span::mins(at),
        ..Pull::begin(
            id(number),
            registry::key(at * 3 + 1),
            1,
            REPOSITORY.to_owned(),
            Reviewers::Bots,
            now - Span::days(1),
        )
    }
}

/// A pull request with all that was said, spent and done.
async fn tell(tx: &mut Tx, number: usize) {
    let now = tx.now();
    let pull = pull(number, now);
    assert!(store::pull::add(tx, &pull).await.expect("a pull request"));
    for (turn, stage) in TURNS.into_iter().enumerate() {
        take(tx, &pull, turn, stage).await;
    }
    let came = [
        (Event::Planned, State::Planning, State::Implementing),
        (Event::Drafted, State::Implementing, State::Opening),
        (Event::Opened, State::Opening, State::NeedsReview),
        (Event::ChangesRequested, State::NeedsReview, State::ChangesRequested),
        (Event::Pushed, State::ChangesRequested, State::NeedsReview),
        (Event::Approved, State::NeedsReview, State::Approved),
        (Event::Passed, State::Approved, pull.state),
    ];
    for (at, (event, was, now)) in came.into_iter().enumerate() {
        let new = event::New { pull: &pull.id, event, states: (was, now), by: "agent-1", why: "it was handed in" };
        event::append(tx, &format!("{}-event-{at}", pull.id), new).await.expect("an event");
    }
    judge(tx, &pull, number).await;
}

/// One turn of an agent in it.
async fn take(tx: &mut Tx, pull: &Pull, turn: usize, stage: Stage) {
    let now = tx.now();
    let who = Instance {
        principal: format!("{stage}-{}", turn % REVIEWERS),
        run: format!("{}-claim-{turn}", pull.id),
        lineage: String::new(),
    };
    hand::append(tx, &pull.id, stage, &who).await.expect("a hand");
    let spent = Amount { tokens: 10_000, micro_usd: 150_000 };
    let row = spend::Row {
        claim_id: who.run.clone(),
        job: format!("{stage}:{}:1.{turn}", pull.id),
        pull: pull.id.clone(),
        stage,
        day: budget::day(now),
        spend: Spend { reserved: spent, tokens: Some(spent.tokens), micro_usd: Some(spent.micro_usd), settled: true },
        at: now.0 + i64::try_from(turn).expect("a number"),
    };
    spend::add(tx, &row).await.expect("a spend");
    let run = Run {
        claim_id: who.run.clone(),
        job: row.job,
        kind: stage.name().to_owned(),
        attempt: 1,
        fencing_token: 1,
        principal: who.principal.clone(),
        holder: who.principal.clone(),
        claimed_at: now - Span::mins(9),
        ended_at: now - Span::mins(2),
        outcome: Ended::Ok,
        status: "ok".to_owned(),
        summary: Some("it was handed in".to_owned()),
    };
    store::run::append(tx, &run).await.expect("a run");
    for (pass, verdict, body) in words(turn, stage) {
        let prompt = house::digits(turn % REVIEWERS);
        let new = word::New { pull, stage, pass, who: &who, model: "a-model-of-today", prompt: &prompt, verdict, body };
        let of_pass = if pass == Pass::First { "first" } else { "final" };
        word::append(tx, &format!("{}-word-{turn}-{of_pass}", pull.id), new).await.expect("a word");
    }
}

/// What is handed in in a turn: a reviewer says what it thinks before it knows what the change is for, too.
fn words(turn: usize, stage: Stage) -> Vec<(Pass, &'static str, String)> {
    match stage {
        Stage::Planner => {
            let approach =
                |name: &str, lines| Approach { name: name.to_owned(), about: "It does it. ".repeat(10), lines };
            let plan = Plan {
                approaches: vec![approach("a tool of its own", 120), approach("one more argument", 60)],
                chosen: "one more argument".to_owned(),
                steps: "Add the argument, say what it is for, and show by a test that it is heeded. ".repeat(8),
            };
            vec![(Pass::Final, "one more argument", json!(plan).to_string())]
        }
        Stage::Implementer => vec![(Pass::Final, "", "{}".to_owned())],
        Stage::Reviewer => {
            let (verdict, findings) = if turn < 3 { (Verdict::RequestChanges, 4) } else { (Verdict::Approve, 2) };
            let body = json!(house::review(verdict, findings)).to_string();
            vec![(Pass::First, verdict.name(), body.clone()), (Pass::Final, verdict.name(), body)]
        }
        Stage::Merger => vec![(Pass::Final, "APPROVE_FOR_HUMAN", "{}".to_owned())],
    }
}

/// What the gate said of it, where it has a number.
async fn judge(tx: &mut Tx, pull: &Pull, number: usize) {
    if pull.there.number.is_none() {
        return;
    }
    let stratum = house::strata().swap_remove(number % house::STRATA);
    let past = store::outcome::past(tx, &stratum.id(), 2_000).await.expect("what became of it");
    let candidate = Candidate {
        id: pull.id.clone(),
        number: pull.there.number,
        state: pull.state,
        hold: None,
        gap: Answer::Pass,
        ours: pull.head().map(str::to_owned),
        onto: Some("main".to_owned()),
        reviewed: pull.head().map(str::to_owned),
        passed: pull.head().map(str::to_owned),
        handed_in: pull.head().map(str::to_owned),
        others: false,
        live: None,
        measured: None,
        checks: None,
        base: None,
        draw: Draw::of("secret", &pull.id),
    };
    let record = record(tx.now(), Some(stratum.clone()), past, Some(candidate));
    let judgement = record.judge();
    let judged = Judged {
        id: format!("{}-record", pull.id),
        pull: pull.id.clone(),
        at: tx.now().0,
        head: pull.head().unwrap_or_default().to_owned(),
        stratum: stratum.id(),
        word: judgement.word.name().to_owned(),
        would: i64::from(judgement.would),
        record: json!(record).to_string(),
        judgement: json!(judgement).to_string(),
    };
    store::gate::append(tx, &judged).await.expect("a judgement");
}
