//! What cases of evidence begin with: pull requests that bots approved, checks, reviewers that are calibrated, and a gate that
//! asks for little, so that a case is short. What the figures of the defaults mean is tested in `domain`.

use domain::calibration::seed::{self, What};
use domain::gate::{Area, Asks, Draw, Phase, Rules, Stratum, Word};
use domain::level::Level;
use domain::outcome::Outcome;
use domain::pull::State;
use domain::time::Span;
use forge::{CheckState, NewCheck};
use store::outcome::Found;
use store::trial::Trial;

use crate::home::REPO;
use crate::pulls::ground::{Ground, fingerprint, olga};

/// The check that must pass.
pub(crate) const CHECK: &str = "ci/test";

/// Long enough to have read a few lines.
pub(crate) const READ: Span = Span::mins(10);

/// A gate that asks for three in a row over a day.
pub(crate) fn rules() -> Rules {
    Rules {
        asks: Asks { streak: 3, window: 200, bad_max: 0.65 },
        days: 0,
        soak: Span::days(1),
        shadow: 1,
        ramp: (0, 0),
        merges_per_day: 2,
        checks: vec![CHECK.to_owned()],
        ..Rules::default()
    }
}

impl Ground<'_> {
    /// The same with a gate that asks for little.
    pub(crate) async fn with_gate(&mut self, rules: Rules) {
        self.restart_with(|settings| settings.rules.gate = rules).await;
    }

    /// A pull request of another gap that bots approved and whose checks passed.
    pub(crate) async fn checked(&mut self, gap: &str) -> i64 {
        gap.clone_into(&mut self.gap);
        let number = self.approved().await;
        assert_eq!(self.state().await, State::NeedsHuman, "{gap}");
        self.check(CheckState::Pass, "12 tests passed").await;
        self.check_base(CheckState::Pass, "12 tests passed").await;
        number
    }

    /// Puts the check on the tip of the base.
    pub(crate) async fn check_base(&self, state: CheckState, title: &str) {
        let remote = self.given.home(REPO).forge.remote().await.expect("a remote");
        let main = forge::git::Branch::parse("main").expect("a branch");
        let tips = self.broker().await.fetch(&remote, &[forge::broker::Source::Branch(main)]).await.expect("fetched");
        self.check_at(tips[0].as_ref().expect("it is there").as_str(), state, title).await;
    }

    /// The same, and it was not drawn for a person.
    pub(crate) async fn undrawn(&mut self, gap: &str) {
        for n in 0..20 {
            self.checked(&format!("{gap}-{n}")).await;
            let id = self.pull_of(&self.gap).await.id;
            let mut tx = self.given.world.store().read().await.expect("a look");
            let secret = store::gate::secret(&mut tx).await.expect("a look").expect("it was at the gate");
            drop(tx);
            if Draw::of(&secret, &id).person(Phase::Full).is_none() {
                return;
            }
            self.merge("ann").await;
            self.poll().await;
            self.settle().await;
        }
        panic!("twenty in a row were drawn for a person");
    }

    /// One that merged by itself: those before it were drawn for a person, who merged them, and nothing else was in the way.
    pub(crate) async fn merged_by_itself(&mut self, prefix: &str) {
        for n in 0..12 {
            self.checked(&format!("{prefix}-gap-{n}")).await;
            self.poll().await;
            if self.state().await == State::Merged {
                self.settle().await;
                assert_eq!(self.merged_by().await, Some(forge::AccountKind::Us));
                return;
            }
            let again = self.explained().await.again.expect("it was at the gate");
            assert_eq!((again.word, again.would), (Word::Person, true), "{}", again.why());
            self.given.pass(READ);
            self.merge("ann").await;
            self.poll().await;
            self.settle().await;
        }
        panic!("twelve in a row were drawn for a person");
    }

    /// Puts the check on its head.
    pub(crate) async fn check(&self, state: CheckState, title: &str) {
        self.check_at(&self.head().await, state, title).await;
    }

    pub(crate) async fn check_at(&self, commit: &str, state: CheckState, title: &str) {
        let new = NewCheck {
            name: CHECK.to_owned(),
            commit: commit.to_owned(),
            state,
            external_id: CHECK.to_owned(),
            title: title.to_owned(),
            summary: String::new(),
        };
        self.given.home(REPO).forge.put_check(&new).await.expect("a check");
    }

    /// A person reads it and merges it as it is.
    pub(crate) async fn taken(&mut self, gap: &str) -> Found {
        self.checked(gap).await;
        self.given.pass(READ);
        // The gate says what it would do.
        self.poll().await;
        assert_eq!(self.state().await, State::NeedsHuman);
        self.merge("ann").await;
        self.poll().await;
        self.outcome().await
    }

    /// What became of it, once that is found out.
    pub(crate) async fn outcome(&self) -> Found {
        self.settle().await;
        self.found().await.unwrap_or_else(|| panic!("{} has an outcome", self.gap))
    }

    pub(crate) async fn found(&self) -> Option<Found> {
        let id = self.pull_of(&self.gap).await.id;
        let mut tx = self.given.world.store().read().await.expect("a look");
        store::outcome::latest(&mut tx, &id).await.expect("a look")
    }

    /// Finds out what became of everything that ended.
    pub(crate) async fn settle(&self) {
        self.given.pass(Span::secs(1));
        self.given.plane.tend_outcomes().await.expect("a pass");
    }

    /// The forge's clock shows another time than ours.
    pub(crate) fn forge_is_ahead(&self, by: Span) {
        let crate::home::Place::GitHub(fake) = &self.given.place else { panic!("it has no clock of its own") };
        fake.ahead(by);
    }

    /// Everything that is seldom looked at is looked at.
    pub(crate) async fn later(&self, span: Span) {
        self.given.pass(span);
        self.poll().await;
        self.settle().await;
    }

    /// The stratum of the pull requests of this case.
    pub(crate) async fn stratum(&self) -> Stratum {
        let mut tx = self.given.world.store().read().await.expect("a look");
        let mut strata = store::gate::strata(&mut tx, 10).await.expect("a look");
        assert_eq!(strata.len(), 1, "{strata:?}");
        strata.remove(0)
    }

    /// The reviewer finds every defect of a full set.
    pub(crate) async fn calibrated(&self) {
        let by = fingerprint();
        let mut seed = 7_u64;
        let draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below.max(1)
        };
        let mut tx = self.given.world.store().begin().await.expect("a write");
        for (n, trial) in seed::plan(40, draw).into_iter().enumerate() {
            let seeded = trial.what == What::Seeded;
            let defect = domain::calibration::corpus::case(trial.case).expect("a case").defect;
            let row = Trial {
                id: format!("trial{n}"),
                at: tx.now().0,
                run: "run".into(),
                principal: "the-reviewer".into(),
                model: by.model.clone(),
                prompt: by.prompt.clone(),
                subject: trial.case.into(),
                defect: if seeded { defect.name().into() } else { String::new() },
                framing: trial.framing.name().into(),
                repeat: i64::from(trial.repeat),
                approved: i64::from(!seeded),
                cited: i64::from(seeded),
                verdict: if seeded { "REQUEST_CHANGES" } else { "APPROVE" }.into(),
                findings: "[]".into(),
            };
            store::trial::append(&mut tx, &row).await.expect("a trial");
        }
        tx.commit().await.expect("kept");
    }

    /// Evidence enough: three that people took as they were, a day ago, and a reviewer that is calibrated.
    pub(crate) async fn proven(&mut self) {
        self.with_gate(rules()).await;
        self.calibrated().await;
        for gap in ["one-gap", "two-gap", "three-gap"] {
            let found = self.taken(gap).await;
            assert_eq!(
                (found.outcome().expect("a word"), found.weight.as_str()),
                (Outcome::Unchanged, "good"),
                "{}",
                found.why
            );
        }
        self.later(Span::days(1)).await;
    }

    /// Four that people took as they were a while ago, which the gate would have merged: written as rows, for cases in which
    /// how they came about does not matter.
    async fn written_down(&self) -> Stratum {
        let by = |principal: &str| domain::gate::Fingerprint {
            principal: principal.to_owned(),
            model: fingerprint().model,
            prompt: fingerprint().prompt,
        };
        let stratum = Stratum {
            repo: REPO.to_owned(),
            kind: "mcp-tool".to_owned(),
            area: Area::Code,
            author: by("the-implementer"),
            reviewer: by("the-reviewer"),
            policy: domain::visual::Policy::default().digest(),
        };
        let mut tx = self.given.world.store().begin().await.expect("a write");
        store::gate::keep_stratum(&mut tx, &stratum).await.expect("a stratum");
        let now = tx.now().0;
        for n in 0..4 {
            let (id, at) = (format!("before{n}"), now - Span::days(3).0 + n);
            let found = Found {
                id: id.clone(),
                pull: id.clone(),
                seq: 1,
                outcome: "unchanged".into(),
                weight: "good".into(),
                stratum: stratum.id(),
                repo: REPO.into(),
                gap_kind: "mcp-tool".into(),
                ended_at: at,
                at: at + Span::days(1).0,
                by: "ann".into(),
                why: "it was merged as it was judged".into(),
                evidence: "{}".into(),
            };
            store::outcome::append(&mut tx, &found).await.expect("an outcome");
            let judged = store::gate::Judged {
                id: id.clone(),
                pull: id,
                at: at - 1,
                head: "h".into(),
                stratum: stratum.id(),
                word: "person".into(),
                would: 1,
                record: "{}".into(),
                judgement: "{}".into(),
            };
            store::gate::append(&mut tx, &judged).await.expect("a judgement");
        }
        tx.commit().await.expect("kept");
        stratum
    }

    /// Evidence enough, and then the level and an operator's word.
    pub(crate) async fn armed(&mut self) {
        self.with_gate(rules()).await;
        self.calibrated().await;
        let stratum = self.written_down().await.id();
        self.given
            .plane
            .raise_level(&olga(), Some("this case is about what merges by itself"))
            .await
            .expect("automerge");
        self.given.plane.arm_gate(&olga(), &stratum, "olga", "this case is about it").await.expect("armed");
    }

    pub(crate) async fn level(&self) -> Level {
        let mut tx = self.given.world.store().read().await.expect("a look");
        store::level::current(&mut tx).await.expect("a level").0
    }

    /// Why the pull request does or does not merge, by the record that is kept.
    pub(crate) async fn explained(&self) -> plane::gate::Explained {
        let id = self.pull_of(&self.gap).await.id;
        let explained = self.given.plane.explain_gate(&olga(), &id).await.expect("explained");
        assert!(explained.judged.is_none() || explained.same, "the record judges the same: {explained:?}");
        explained
    }

    /// Why it is not merged, by the record that is kept.
    pub(crate) async fn why(&self) -> String {
        self.explained().await.again.map_or_else(|| "it was never at the gate".to_owned(), |again| again.why())
    }

    /// The commit as which it was merged.
    pub(crate) async fn merge_commit(&self) -> String {
        let there = self.given.home(REPO).forge.pull(self.number().await).await.expect("it is there");
        match there.state {
            forge::PullState::Merged { commit: Some(commit) } => commit,
            other @ (forge::PullState::Open | forge::PullState::Closed | forge::PullState::Merged { commit: None }) => {
                panic!("it is {other:?}")
            }
        }
    }

    /// Whoever has merged it.
    pub(crate) async fn merged_by(&self) -> Option<forge::AccountKind> {
        let there = self.given.home(REPO).forge.pull(self.number().await).await.expect("it is there");
        there.ended_by.map(|account| account.kind)
    }
}
