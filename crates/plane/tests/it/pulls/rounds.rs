//! The rounds that agents had in a pull request: each with what it cost, how it ended, how long it took, and what was handed in.

use domain::job::Outcome;
use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::time::Span;
use plane::pull::{Reviewed, Round};

use super::ground::{GAP, Ground, adds, olga, review};
use super::pulls;

async fn rounds(ground: &Ground<'_>) -> Vec<Round> {
    let (plane, id) = (&ground.given.plane, ground.pull_of(GAP).await.id);
    let shown = plane.show_pull(&olga(), &id).await.expect("it");
    plane.show_rounds(&olga(), &shown).await.expect("its rounds")
}

/// What was said in each in a word, and in which round of revisions.
fn said(rounds: &[Round]) -> Vec<Option<(&str, i64)>> {
    rounds.iter().map(|round| round.word.as_ref().map(|word| (word.verdict.as_str(), word.iteration))).collect()
}

pulls!(each_round_shows_its_stage_its_verdict_and_its_revision_in_order, async |ground| {
    // Each turn begins later than the one before.
    let later = |ground: &Ground<'_>| ground.given.pass(Span::secs(1));
    ground.taken_up(GAP).await;
    ground.plan().await;
    later(ground);
    ground.draft("one").await;
    ground.watch().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    ground.watch().await;
    ground.draft("two").await;
    later(ground);
    ground.review(Verdict::Approve, None).await;
    later(ground);
    ground.judge(MergeVerdict::ApproveForHuman).await;
    let rounds = rounds(ground).await;
    let stages: Vec<_> = rounds.iter().map(|round| round.spent.stage).collect();
    let (draft, read) = (Stage::Implementer, Stage::Reviewer);
    assert_eq!(stages, [Stage::Planner, draft, read, draft, read, Stage::Merger]);
    let told = said(&rounds);
    assert_eq!(told[2], Some((Verdict::RequestChanges.name(), 0)));
    assert_eq!(told[4], Some((Verdict::Approve.name(), 1)));
    assert_eq!(told[5], Some((MergeVerdict::ApproveForHuman.name(), 1)));
    for (round, stage) in rounds.iter().zip(stages) {
        assert_eq!(round.principal, format!("the-{stage}"));
        let run = round.run.as_ref().expect("it has ended");
        assert_eq!(
            (run.outcome, &run.claim_id, &run.principal),
            (Outcome::Ok, &round.spent.claim_id, &round.principal)
        );
        let word = round.word.as_ref().expect("something was handed in");
        assert_eq!((word.claim_id.as_str(), word.pass.as_str()), (round.spent.claim_id.as_str(), "final"));
    }
    let findings: Vec<_> = rounds.iter().map(|round| round.findings.as_ref().map(Vec::len)).collect();
    assert_eq!(findings, [None, None, Some(1), None, Some(0), None], "only reviews find anything, or nothing");
    assert_eq!(rounds[2].findings.as_ref().expect("a review")[0].path, "src/one.rs");
});

pulls!(minutes_that_were_begun_are_counted_once_a_round_has_ended, async |ground| {
    ground.taken_up(GAP).await;
    assert_eq!(rounds(ground).await.len(), 0, "nobody has had it");
    let taken = ground.take(Stage::Planner).await;
    let at_work = rounds(ground).await.pop().expect("a round");
    assert_eq!((at_work.run.as_ref(), at_work.minutes(), at_work.word.as_ref()), (None, None, None));
    assert_eq!(at_work.principal, "the-planner", "who is at work is known");
    ground.given.pass(Span::mins(2));
    ground.hand_in_plan(&taken).await.expect("a plan");
    let taken = ground.take(Stage::Implementer).await;
    ground.given.pass(Span(120_001));
    ground.hand_in_patch(&taken, &adds("one")).await.expect("a change");
    ground.watch().await;
    ground.review(Verdict::Approve, None).await;
    let minutes: Vec<_> = rounds(ground).await.iter().map(Round::minutes).collect();
    assert_eq!(minutes, [Some(2), Some(3), Some(0)], "who hands in at once took no minute");
});

pulls!(what_a_reviewer_says_before_it_knows_what_the_change_is_for_does_not_count, async |ground| {
    ground.opened().await;
    let taken = ground.take(Stage::Reviewer).await;
    let first = ground.hand_in_review(&taken, &review(Verdict::Approve, None)).await;
    assert!(matches!(first.expect("a first pass"), Reviewed::First { .. }));
    let last = rounds(ground).await.pop().expect("a round");
    assert_eq!((last.spent.stage, last.word, last.findings), (Stage::Reviewer, None, None));
    let last = ground.hand_in_review(&taken, &review(Verdict::RequestChanges, Some("one"))).await;
    assert!(matches!(last.expect("a second pass"), Reviewed::Final(_)));
    let last = rounds(ground).await.pop().expect("a round");
    assert_eq!(last.word.map(|word| word.verdict).as_deref(), Some(Verdict::RequestChanges.name()));
    assert_eq!(last.findings.map(|findings| findings.len()), Some(1), "and what it says then does");
});

pulls!(a_round_is_known_by_what_it_spent_once_it_says_so_of_both, async |ground| {
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let last = async || rounds(ground).await.pop().expect("a round");
    let tell = async |tokens, micro_usd| {
        let plane = &ground.given.plane;
        plane.report_usage(&taken.by, &taken.claim, tokens, micro_usd).await.expect("reported");
    };
    assert!(!last().await.is_known(), "all that was set aside counts");
    tell(Some(4), None).await;
    assert!(!last().await.is_known(), "what it cost is not known");
    tell(None, Some(0)).await;
    let round = last().await;
    assert!(round.is_known());
    assert_eq!((round.spent.spend.tokens, round.spent.spend.micro_usd), (Some(4), Some(0)));
});

pulls!(a_round_that_fell_silent_or_was_given_back_is_one_without_a_word, async |ground| {
    ground.taken_up(GAP).await;
    ground.take(Stage::Planner).await;
    ground.given.pass(Span::mins(11));
    ground.given.plane.tend_lines().await.expect("a pass");
    ground.given.pass(Span::mins(11));
    let taken = ground.take(Stage::Planner).await;
    let options = vec!["this".to_owned(), "that".to_owned()];
    let plane = &ground.given.plane;
    let asked = plane.ask_operator(&taken.by, &taken.claim, "which of both?", options).await.expect("asked");
    plane.answer_decision(&olga(), &asked.id, 1).await.expect("answered");
    ground.plan().await;
    let rounds = rounds(ground).await;
    let ends: Vec<_> = rounds.iter().map(|round| round.run.as_ref().map(|run| run.outcome)).collect();
    assert_eq!(ends, [Some(Outcome::Lost), Some(Outcome::Deferred), Some(Outcome::Ok)]);
    let words: Vec<_> = rounds.iter().map(|round| round.word.is_some()).collect();
    assert_eq!(words, [false, false, true]);
    assert_eq!(ground.state().await, State::Implementing);
    assert!(rounds.iter().all(|round| round.principal == "the-planner"));
});
