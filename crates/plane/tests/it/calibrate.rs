//! Calibration: shadow reviews are kept as they were answered, what they add up to holds for one reviewer and for a while, and
//! what a reviewer said is held against what people did.

use domain::calibration::corpus;
use domain::calibration::measure::Share;
use domain::calibration::rule::GOOD_FOR;
use domain::calibration::seed::{self, What};
use domain::gap::Key;
use domain::gate::{Fingerprint, Risk};
use domain::pull::{Category, Change, Finding, Instance, Pull, Review, Reviewers, Severity, Stage, State, Verdict};
use domain::refusal::Code;
use domain::time::{Span, Time};
use harness::{World, both};
use plane::calibrate::{NewTrial, Reviewer};
use serde_json::json;
use store::outcome::Found;
use store::pull::word;

use crate::given::{ann, code, operator, refused};

/// Two runs.
const RUN: &str = "01M8HNVJW35JR43428FKYWD3TX";
const ANOTHER_RUN: &str = "01M8HNVJVCBAR87QRAHKCH6ZTH";

fn reviewer(prompt: &str) -> Fingerprint {
    Fingerprint { principal: "rita".to_owned(), model: "m-1".to_owned(), prompt: prompt.to_owned() }
}

fn finding(path: &str, line: i64, category: Category) -> Finding {
    Finding { path: path.to_owned(), line: Some(line), severity: Severity::Major, category, text: "no".to_owned() }
}

/// What somebody says who catches every defect, and nothing else.
fn perfect(trial: seed::Trial) -> NewTrial {
    let case = corpus::case(trial.case).expect("a case");
    let (verdict, findings) = match trial.what {
        What::Seeded => (Verdict::RequestChanges, vec![finding(&case.path, case.lines[0], Category::Correctness)]),
        What::Clean => (Verdict::Approve, Vec::new()),
    };
    NewTrial { reviewer: reviewer("p-1"), trial, review: Review { verdict, summary: "read it".to_owned(), findings } }
}

async fn known(world: &World) -> Vec<Reviewer> {
    world.plane.report_calibration(&ann(), Time(0)).await.expect("a report")
}

fn share(k: u32, n: u32) -> Share {
    Share { k, n }
}

both!(a_full_set_makes_a_reviewer_calibrated_for_a_while_and_no_other, async |world| {
    let trials: Vec<_> = seed::plan(40, |_| 0).into_iter().map(perfect).collect();
    assert_eq!(trials.len(), 90);
    for half in trials.chunks(45) {
        world.plane.keep_trials(&operator(), RUN, half.to_vec()).await.expect("kept");
        world.hand.advance(Span::mins(1));
    }
    let ended = world.hand.now() - Span::mins(1);
    let other = NewTrial { reviewer: reviewer("p-2"), ..trials[0].clone() };
    world.plane.keep_trials(&operator(), ANOTHER_RUN, vec![other]).await.expect("kept");

    let both = known(world).await;
    let [one, two] = &both[..] else { panic!("{both:?}") };
    assert_eq!((&one.by, one.trials, &one.calibrated), (&reviewer("p-1"), 90, &Ok(ended + GOOD_FOR)));
    let report = &one.report;
    assert_eq!((report.recall, report.false_alarms, report.flips), (share(40, 40), share(0, 20), share(0, 20)));
    assert_eq!(report.retests, share(10, 10));
    assert_eq!((&two.by, two.trials), (&reviewer("p-2"), 1));
    assert!(two.calibrated.is_err(), "another prompt is another reviewer: {two:?}");

    world.hand.advance(GOOD_FOR);
    let late = known(world).await;
    let lacks = late[0].calibrated.as_ref().expect_err("it is over");
    assert!(lacks.iter().any(|why| why.contains("holds for 90 days")), "{lacks:?}");
});

both!(whether_a_defect_was_cited_is_read_and_what_is_no_answer_is_refused, async |world| {
    let plan = seed::plan(12, |_| 0);
    let seeded = |trial: &&seed::Trial| trial.what == What::Seeded && trial.repeat == 0;
    let good = perfect(*plan.iter().find(seeded).expect("one with a defect"));
    let keep = async |new: NewTrial| world.plane.keep_trials(&operator(), RUN, vec![new]).await;
    let mut beside = good.clone();
    beside.review.findings[0].line = Some(1_000_000);
    for new in [good.clone(), beside] {
        keep(new).await.expect("kept");
    }
    let mut tx = world.store().read().await.expect("a look");
    let rows = store::trial::since(&mut tx, Time(0), 10).await.expect("rows");
    drop(tx);
    let mut cited: Vec<_> = rows.iter().map(|row| (row.approved, row.cited)).collect();
    cited.sort_unstable();
    assert_eq!(cited, [(0, 0), (0, 1)]);

    let unknown = NewTrial { reviewer: reviewer(""), ..good.clone() };
    assert!(refused(keep(unknown).await).message.contains("does not say its model and the hash of its prompt"));
    let nobody = NewTrial { reviewer: Fingerprint { principal: " ".to_owned(), ..reviewer("p-1") }, ..good.clone() };
    assert_eq!(code(keep(nobody).await), Code::InvalidArgument);
    let nowhere = NewTrial { trial: seed::Trial { case: "nowhere", ..good.trial }, ..good.clone() };
    assert_eq!(code(keep(nowhere).await), Code::NotFound);
    let mut many = good.clone();
    many.review.findings = vec![many.review.findings[0].clone(); 51];
    assert_eq!(code(keep(many).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.keep_trials(&operator(), RUN, Vec::new()).await), Code::InvalidArgument);
    let too_many = vec![good.clone(); 201];
    assert_eq!(code(world.plane.keep_trials(&operator(), RUN, too_many).await), Code::InvalidArgument);
    assert_eq!(code(world.plane.keep_trials(&ann(), RUN, vec![good]).await), Code::Forbidden);
});

/// A pull request at a head, as the store has it.
async fn pull(world: &World, name: &str, (state, head): (State, &str)) -> Pull {
    let gap = Key { kind: "mcp-tool".to_owned(), name: name.to_owned() };
    let (id, now) = (format!("pull-{name}"), world.hand.now());
    let begun = Pull::begin(id, gap, 1, "acme/shop".to_owned(), Reviewers::Bots, now);
    let change = Change {
        branch: format!("gapwright/{name}"),
        head: head.to_owned(),
        onto: "main".to_owned(),
        base: "b".repeat(40),
        title: "feat: it".to_owned(),
        body: "it".to_owned(),
        files: 1,
        lines: 2,
        visual: None,
        protected: None,
        risk: Risk::default(),
    };
    let pull = Pull { state, change: Some(change), ..begun };
    let mut tx = world.store().begin().await.expect("a transaction");
    assert!(store::pull::add(&mut tx, &pull).await.expect("a row"));
    tx.commit().await.expect("a commit");
    pull
}

/// What the reviewer says of it at its head.
async fn says(world: &World, pull: &Pull, verdict: Verdict, findings: Vec<Finding>) {
    let by = reviewer("p-1");
    let who = Instance { principal: by.principal, run: "claim".to_owned(), lineage: "token".to_owned() };
    let review = Review { verdict, summary: "read it".to_owned(), findings };
    let new = word::New {
        pull,
        stage: Stage::Reviewer,
        pass: word::Pass::Final,
        who: &who,
        model: &by.model,
        prompt: &by.prompt,
        verdict: verdict.name(),
        body: json!(review).to_string(),
    };
    let id = domain::id::mint(world.hand.now(), world.plane.draw());
    let mut tx = world.store().begin().await.expect("a transaction");
    word::append(&mut tx, &id, new).await.expect("a row");
    tx.commit().await.expect("a commit");
}

/// What became of it, first as unknown and then as it holds.
async fn became(world: &World, pull: &Pull, outcome: &str, weight: &str) {
    let mut tx = world.store().begin().await.expect("a transaction");
    for (seq, outcome) in [(1, "unknown"), (2, outcome)] {
        let found = Found {
            id: format!("{}-{seq}", pull.id),
            pull: pull.id.clone(),
            seq,
            outcome: outcome.to_owned(),
            weight: weight.to_owned(),
            stratum: String::new(),
            repo: pull.repo.clone(),
            gap_kind: pull.gap.kind.clone(),
            ended_at: world.hand.now().0,
            at: world.hand.now().0,
            by: "joan".to_owned(),
            why: String::new(),
            evidence: "{}".to_owned(),
        };
        store::outcome::append(&mut tx, &found).await.expect("a row");
    }
    tx.commit().await.expect("a commit");
}

both!(what_a_reviewer_said_at_last_is_held_against_what_people_did, async |world| {
    use Verdict::{Approve, RequestChanges};
    // Rows without everything else that a pull request has.
    world.spoil();
    for (name, verdict, outcome, weight) in [
        ("a", Approve, "unchanged", "good"),
        ("b", Approve, "edited", "bad"),
        ("c", RequestChanges, "closed", "bad"),
        ("d", RequestChanges, "unchanged_content", "good"),
        ("e", Approve, "unknown", "unknown"),
        ("f", Approve, "unchanged", "auto"),
        // Nobody looked; and it had been sent back before.
        ("g", Approve, "unchanged", "neither"),
        ("h", Approve, "unchanged", "bad"),
    ] {
        let pull = pull(world, name, (State::Closed, &name.repeat(40))).await;
        // What was said before does not count.
        let earlier = if verdict == Approve { RequestChanges } else { Approve };
        says(world, &pull, earlier, Vec::new()).await;
        says(world, &pull, verdict, Vec::new()).await;
        became(world, &pull, outcome, weight).await;
    }
    let all = known(world).await;
    let [one] = &all[..] else { panic!("{all:?}") };
    let of = &one.standing;
    assert_eq!((of.leniency, of.strictness), (share(2, 3), share(1, 2)));
    assert_eq!((of.base, of.agreement, of.kappa), (share(2, 5), share(2, 5), Some(-2.0 / 13.0)));
    assert_eq!(of.approved.map(|(_, share)| (share.k, share.n)), [(1, 3), (2, 3), (0, 3), (0, 3)]);
    assert_eq!((of.unknown, one.by_itself, one.trials), (2, 1, 0));
    assert_eq!(one.by_kind.keys().collect::<Vec<_>>(), ["mcp-tool"]);
    assert_eq!(&one.by_kind["mcp-tool"], of);
    assert!(one.disposed.is_empty() && one.calibrated.is_err());
    world.hand.advance(Span::days(10));
    let since = world.hand.now() - Span::days(1);
    assert!(world.plane.report_calibration(&ann(), since).await.expect("a report").is_empty(), "it is long ago");
});

both!(a_finding_is_addressed_dismissed_or_seen_by_nobody, async |world| {
    use Category::{Security, Tests};
    world.spoil();
    let (first, second) = ("1".repeat(40), "2".repeat(40));
    let revised = pull(world, "revised", (State::ChangesRequested, &second)).await;
    let before = Change { head: first.clone(), ..revised.change.clone().expect("a change") };
    let before = Pull { change: Some(before), ..revised.clone() };
    let found = vec![finding("a.rs", 1, Security), finding("b.rs", 2, Tests)];
    says(world, &before, Verdict::RequestChanges, found).await;
    says(world, &revised, Verdict::RequestChanges, vec![finding("b.rs", 9, Tests)]).await;
    let merged = pull(world, "merged", (State::Merged, &first)).await;
    says(world, &merged, Verdict::Approve, vec![finding("c.rs", 1, Tests)]).await;
    let all = known(world).await;
    let disposed: Vec<_> = all[0].disposed.iter().map(|of| (of.category, of.addressed, of.unseen)).collect();
    // Of the tests one was repeated, one was merged as it was, and one waits.
    assert_eq!(disposed, [(Security, share(1, 1), 0), (Tests, share(0, 2), 1)]);
});
