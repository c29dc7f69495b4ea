//! A home with branches, a broker, and the four agents of the pipeline, each an instance of its own.

use std::path::PathBuf;

use domain::agent::{Principal, Role};
use domain::budget::Caps;
use domain::job::Job;
use domain::pull::plan::Approach;
use domain::pull::{Category, Finding, MergeVerdict, Plan, Pull, Review, Severity, Stage, State, Verdict};
use domain::time::Span;
use forge::Forge as _;
use forge::broker::{self, Broker};
use forge::local::Decision;
use harness::World;
use plane::job::Claim;
use plane::mirror::Home;
use plane::pull::{Fingerprint, Handed, HandedIn, Reviewed, Work};
use plane::{Call, No, Settings};
use tempfile::TempDir;

use crate::given::{claim, claim_id, operator};
use crate::home::{Given, Kind, Place, REPO};

/// The gap of most cases.
pub(crate) const GAP: &str = "list-deploys";

/// A plane at the level pipeline, its home and its agents.
pub(crate) struct Ground<'w> {
    pub(crate) given: Given<'w>,
    pub(crate) caps: Caps,
    /// The gap whose pull request is meant.
    pub(crate) gap: String,
    folder: TempDir,
}

/// An agent of a stage, by a name: each name is a principal, and a lineage of its own.
pub(crate) fn agent(stage: Stage, name: &str) -> Call {
    let mut by = Principal::local(name, stage.role());
    by.lineage = format!("token-of-{name}");
    Call { by, tool: stage.tool(), request_id: format!("request-of-{name}"), idempotency: None }
}

/// The agent that works in a stage in most cases.
pub(crate) fn usual(stage: Stage) -> Call {
    agent(stage, &format!("the-{stage}"))
}

/// By what each agent is told from others.
pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint { model: "m-1".to_owned(), prompt: "9f86d081884c7d65".to_owned() }
}

/// A turn that was taken.
pub(crate) struct Taken {
    pub(crate) by: Call,
    pub(crate) job: Job,
    pub(crate) claim: String,
}

impl<'w> Ground<'w> {
    pub(crate) async fn new(world: &'w World, kind: Kind) -> Self {
        Self::with(world, kind, Caps::default()).await
    }

    pub(crate) async fn with(world: &'w World, kind: Kind, caps: Caps) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let branches = Some(folder.path().join("home.git"));
        let given = Given::standing(world, kind, branches).await;
        let mut ground = Self { given, caps, gap: GAP.to_owned(), folder };
        ground.restart().await;
        for _ in 0..2 {
            ground.given.raise().await;
        }
        ground
    }

    /// Another plane over the same store, home and broker.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    pub(crate) async fn restart_with(&mut self, set: impl FnOnce(&mut Settings)) {
        let home = Home { broker: Some(self.broker().await), ..self.given.home(REPO) };
        let caps = self.caps.clone();
        self.given.restart_with(|settings| {
            settings.home = Some(home);
            settings.rules.caps = caps;
            set(settings);
        });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn broker(&self) -> Broker {
        Broker::open(&self.path("broker.git"), broker::Settings::default()).await.expect("a broker")
    }

    /// A gap with an issue on which people let agents act, taken up.
    pub(crate) async fn taken_up(&self, name: &str) -> Pull {
        self.given.open(&[name]).await;
        self.given.label(name, "claude").await;
        self.given.poll().await;
        assert_eq!(self.given.plane.tend_pulls().await.expect("a pass"), 1, "{name} is taken up");
        self.pull_of(name).await
    }

    /// Looks at the forge once more, a second later.
    pub(crate) async fn watch(&self) {
        self.given.pass(Span::secs(1));
        self.given.plane.watch_pulls().await.expect("a pass");
    }

    /// The same after so much time that everything is looked at.
    pub(crate) async fn poll(&self) {
        self.given.poll().await;
        self.watch().await;
    }

    pub(crate) async fn pull_of(&self, name: &str) -> Pull {
        let mut tx = self.given.world.store().read().await.expect("a look");
        let key = domain::gap::Key { kind: "mcp-tool".into(), name: name.into() };
        let mut found = store::pull::of_gap(&mut tx, &key, 1).await.expect("a look");
        found.remove(0).pull
    }

    /// How the pull request of most cases stands.
    pub(crate) async fn state(&self) -> State {
        self.pull_of(&self.gap).await.state
    }

    pub(crate) async fn number(&self) -> i64 {
        self.pull_of(&self.gap).await.there.number.expect("it is on the forge")
    }

    pub(crate) async fn head(&self) -> String {
        self.pull_of(&self.gap).await.head().expect("a change").to_owned()
    }

    /// Takes the turn of a stage, if there is one.
    pub(crate) async fn try_take(&self, by: &Call, stage: Stage) -> Option<Taken> {
        let wish = Claim { holder: "worker".into(), ttl: Span::mins(10), kind: Some(stage.name().into()), name: None };
        let job = claim(&self.given.plane, by, wish).await?;
        let claim = claim_id(&job);
        Some(Taken { by: by.clone(), job, claim })
    }

    pub(crate) async fn take(&self, stage: Stage) -> Taken {
        self.try_take(&usual(stage), stage).await.unwrap_or_else(|| panic!("a {stage} has a turn"))
    }

    pub(crate) async fn work(&self, taken: &Taken) -> Work {
        self.given.plane.show_work(&taken.by, &taken.claim).await.expect("the work")
    }

    pub(crate) async fn plan(&self) -> HandedIn {
        let taken = self.take(Stage::Planner).await;
        self.hand_in_plan(&taken).await.expect("a plan")
    }

    pub(crate) async fn hand_in_plan(&self, taken: &Taken) -> Result<HandedIn, No> {
        self.given.plane.submit_plan(&taken.by, &taken.claim, plan(), fingerprint()).await
    }

    /// Drafts the change, or revises it: a file of this name.
    pub(crate) async fn draft(&self, file: &str) -> HandedIn {
        let taken = self.take(Stage::Implementer).await;
        self.hand_in_patch(&taken, &adds(file)).await.expect("a change")
    }

    pub(crate) async fn hand_in_patch(&self, taken: &Taken, patch: &str) -> Result<HandedIn, No> {
        let handed = Handed::Patch(patch.to_owned());
        let (words, answer) = (("feat: list deploys", "It lists them."), Some("done as asked".to_owned()));
        self.given.plane.submit_change(&taken.by, &taken.claim, handed, words, answer, fingerprint()).await
    }

    /// Hands in the commit at the tip of its branch.
    pub(crate) async fn hand_in_branch(&self, taken: &Taken, head: &str) -> Result<HandedIn, No> {
        let name = self.pull_of(&self.gap).await.change.expect("a change").branch;
        let handed = Handed::Branch { name, head: head.to_owned() };
        let (words, answer) = (("feat: list deploys", "It lists them."), Some("done as asked".to_owned()));
        self.given.plane.submit_change(&taken.by, &taken.claim, handed, words, answer, fingerprint()).await
    }

    /// Reviews the change in two passes.
    pub(crate) async fn review(&self, verdict: Verdict, cited: Option<&str>) -> HandedIn {
        let taken = self.take(Stage::Reviewer).await;
        let review = review(verdict, cited);
        let first = self.hand_in_review(&taken, &review).await.expect("a first pass");
        assert!(matches!(first, Reviewed::First { .. }), "{first:?}");
        match self.hand_in_review(&taken, &review).await.expect("a second pass") {
            Reviewed::Final(done) => done,
            first @ Reviewed::First { .. } => panic!("{first:?}"),
        }
    }

    pub(crate) async fn hand_in_review(&self, taken: &Taken, review: &Review) -> Result<Reviewed, No> {
        let head = self.head().await;
        let (plane, by) = (&self.given.plane, fingerprint());
        plane.submit_review(&taken.by, &taken.claim, &head, review.clone(), by).await
    }

    pub(crate) async fn judge(&self, verdict: MergeVerdict) -> HandedIn {
        let taken = self.take(Stage::Merger).await;
        self.hand_in_verdict(&taken, verdict).await.expect("a verdict")
    }

    pub(crate) async fn hand_in_verdict(&self, taken: &Taken, verdict: MergeVerdict) -> Result<HandedIn, No> {
        let head = self.head().await;
        let (plane, by) = (&self.given.plane, fingerprint());
        plane.submit_merge_verdict(&taken.by, &taken.claim, &head, (verdict, "it coheres"), by).await
    }

    /// From nothing to a pull request that awaits its review.
    pub(crate) async fn opened(&self) -> i64 {
        self.taken_up(&self.gap).await;
        self.plan().await;
        let file = if self.gap == GAP { "one" } else { &self.gap };
        self.draft(file).await;
        self.watch().await;
        assert_eq!(self.state().await, State::NeedsReview);
        self.number().await
    }

    /// And on to one that a person is to merge.
    pub(crate) async fn approved(&self) -> i64 {
        let number = self.opened().await;
        self.bots_approve().await;
        number
    }

    /// The reviewer and the merger would have it merged.
    pub(crate) async fn bots_approve(&self) {
        self.review(Verdict::Approve, None).await;
        self.judge(MergeVerdict::ApproveForHuman).await;
        self.watch().await;
    }

    /// The labels that it shows on the forge.
    pub(crate) async fn labels(&self) -> Vec<String> {
        let number = self.number().await;
        self.given.home(REPO).forge.pull(number).await.expect("it is there").labels
    }

    /// The branches on the forge.
    pub(crate) async fn branches(&self) -> Vec<String> {
        let folder = self.path("home.git");
        let listed = match &self.given.place {
            Place::GitHub(fake) => return fake.branches(REPO),
            Place::Local(_) => forge::git::Bare::existing(&folder).await.expect("a repository"),
        };
        let refs = listed.refs(&["refs/heads"]).await.expect("branches");
        let mut names: Vec<_> = refs.into_keys().map(|name| name.replace("refs/heads/", "")).collect();
        names.sort();
        names
    }

    /// Those of them that say how it stands.
    pub(crate) async fn shows(&self) -> Vec<String> {
        let ours = domain::label::OF_PULLS.map(domain::label::Role::name);
        self.labels().await.into_iter().filter(|label| ours.contains(&label.as_str())).collect()
    }
}

/// What people do by hand on the pull request.
impl Ground<'_> {
    pub(crate) async fn label(&self, who: &str, label: &str) {
        let number = self.number().await;
        match &self.given.place {
            Place::GitHub(fake) => fake.as_person(who, REPO).silently().label(number, label),
            Place::Local(local) => harness::local::label(local, who, number, label).await,
        }
    }

    pub(crate) async fn unlabel(&self, who: &str, label: &str) {
        let number = self.number().await;
        match &self.given.place {
            Place::GitHub(fake) => fake.as_person(who, REPO).silently().unlabel(number, label),
            Place::Local(local) => {
                local.acting(who).expect("a person").remove_label(number, label).await.expect("a label off it");
            }
        }
    }

    pub(crate) async fn merge(&self, who: &str) {
        self.merge_at(who, &self.head().await).await;
    }

    /// Merges it at a commit, which is its head on the forge.
    pub(crate) async fn merge_at(&self, who: &str, head: &str) {
        self.merge_number(who, self.number().await, head).await;
    }

    /// Somebody who has no right to write merges it, or another program: on GitHub a rule may let them.
    pub(crate) async fn merge_as_stranger(&self) {
        let (number, head) = (self.number().await, self.head().await);
        match &self.given.place {
            Place::GitHub(fake) => drop(fake.as_person("renovate[bot]", REPO).silently().merge(number, "squash")),
            // Under the name of the server itself, which did not do it.
            Place::Local(local) => {
                local.merge(number, &head, forge::Method::Squash, "list deploys").await.expect("a merge");
            }
        }
    }

    pub(crate) async fn merge_number(&self, who: &str, number: i64, head: &str) {
        match &self.given.place {
            Place::GitHub(fake) => drop(fake.as_person(who, REPO).silently().merge(number, "squash")),
            Place::Local(local) => {
                let person = local.acting(who).expect("a person");
                person.merge(number, head, forge::Method::Squash, "list deploys").await.expect("a merge");
            }
        }
    }

    /// A person takes back what it added, by a pull request that says nothing of it.
    pub(crate) async fn take_back_by_hand(&self) {
        self.merge_patch("ann", &takes(&self.gap)).await;
    }

    /// A person merges a patch of their own.
    pub(crate) async fn merge_patch(&self, who: &str, patch: &str) {
        let branch = format!("gapwright/by-hand-{}", self.gap);
        let commit = self.push_patch(&branch, "main", patch).await;
        let number = match &self.given.place {
            Place::GitHub(fake) => fake.as_person(who, REPO).silently().open_pull("tidy up", &branch, "main"),
            Place::Local(local) => {
                let new = forge::NewPull {
                    title: "tidy up".into(),
                    body: "as said".into(),
                    head: branch,
                    base: "main".into(),
                    draft: false,
                };
                local.acting(who).expect("a person").open_pull(&new).await.expect("a pull request").number
            }
        };
        self.merge_number(who, number, &commit).await;
    }

    pub(crate) async fn close(&self, who: &str) {
        self.close_number(who, self.number().await).await;
    }

    pub(crate) async fn close_number(&self, who: &str, number: i64) {
        match &self.given.place {
            Place::GitHub(fake) => {
                fake.as_person(who, REPO).silently().close(number, harness::github::Reason::NotPlanned);
            }
            Place::Local(local) => {
                self.stand(local, who, number, forge::IssueState::Closed(forge::Closed::NotPlanned)).await;
            }
        }
    }

    pub(crate) async fn reopen(&self, who: &str) {
        let number = self.number().await;
        match &self.given.place {
            Place::GitHub(fake) => fake.as_person(who, REPO).silently().reopen(number),
            Place::Local(local) => self.stand(local, who, number, forge::IssueState::Open).await,
        }
    }

    async fn stand(&self, local: &forge::local::Local, who: &str, number: i64, state: forge::IssueState) {
        let edit = forge::Edit { state: Some(state), ..forge::Edit::default() };
        local.acting(who).expect("a person").edit_issue(number, &edit).await.expect("an edit");
    }

    pub(crate) async fn request_changes(&self, who: &str) {
        let number = self.number().await;
        match &self.given.place {
            Place::GitHub(fake) => drop(fake.as_person(who, REPO).silently().review(number, "REQUEST_CHANGES", "no")),
            Place::Local(local) => {
                let new = forge::NewReview { commit: self.head().await, body: "no".into(), remarks: vec![] };
                let person = local.acting(who).expect("a person");
                person.decide(number, &new, Decision::RequestChanges).await.expect("a review");
            }
        }
    }

    /// Somebody pushes a file to the branch of the pull request; gives the commit.
    pub(crate) async fn push(&self, file: &str) -> String {
        let change = self.pull_of(&self.gap).await.change.expect("a change");
        self.push_onto(&change.branch, &change.branch, file).await
    }

    /// Somebody pushes a file, upon the tip of one branch, onto another; gives the commit.
    pub(crate) async fn push_onto(&self, branch: &str, from: &str, file: &str) -> String {
        self.push_patch(branch, from, &adds(file)).await
    }

    /// Somebody pushes a patch, upon the tip of one branch, onto another; gives the commit.
    pub(crate) async fn push_patch(&self, branch: &str, from: &str, patch: &str) -> String {
        let broker = Broker::open(&self.path("somebody.git"), broker::Settings::default()).await.expect("a broker");
        let remote = self.given.home(REPO).forge.remote().await.expect("a remote");
        let named = |name| forge::git::Branch::parse(name).expect("a branch");
        let (is_new, branch) = (from != branch, named(branch));
        let tips = broker.fetch(&remote, &[broker::Source::Branch(named(from))]).await.expect("fetched");
        let at = tips[0].clone().expect("it is there");
        let person = forge::git::Person { name: "joan".into(), email: "joan@example.com".into() };
        let hand = forge::git::Hand { author: person.clone(), committer: person, at: self.given.world.hand.now() };
        let run = broker::Run::parse("somebody").expect("a run");
        let made = broker.apply(&run, &at, patch.as_bytes(), &hand, "somebody's").await.expect("applied");
        let broker::Applied::Commit(commit) = made else { panic!("{made:?}") };
        let expected = if is_new { None } else { Some(&at) };
        let pushed = broker.push(&remote, &branch, expected, &commit).await.expect("pushed");
        assert_eq!(pushed, broker::Pushed::Done);
        commit.as_str().to_owned()
    }
}

/// A plan of two ways.
pub(crate) fn plan() -> Plan {
    let approach = |name: &str, lines| Approach { name: name.to_owned(), about: "it works".to_owned(), lines };
    Plan {
        approaches: vec![approach("small", 10), approach("large", 200)],
        chosen: "small".to_owned(),
        steps: "1. write it\n2. test it".to_owned(),
    }
}

/// A patch that adds a file of code with a few lines.
pub(crate) fn adds(file: &str) -> String {
    adds_at(&format!("src/{file}.rs"), &[file, "two", "three"])
}

/// A patch that adds a file.
pub(crate) fn adds_at(path: &str, lines: &[&str]) -> String {
    let text: Vec<_> = lines.iter().map(|line| format!("+{line}")).collect();
    let text = text.join("\n");
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{text}\n",
        lines.len()
    )
}

/// A patch that takes away what [`adds`] adds.
pub(crate) fn takes(file: &str) -> String {
    format!(
        "diff --git a/src/{file}.rs b/src/{file}.rs\ndeleted file mode 100644\n--- a/src/{file}.rs\n+++ /dev/null\n@@ -1,3 +0,0 \
         @@\n-{file}\n-two\n-three\n"
    )
}

/// A review, which cites the second line of a file.
pub(crate) fn review(verdict: Verdict, cited: Option<&str>) -> Review {
    let finding = |file: &str| Finding {
        path: format!("src/{file}.rs"),
        line: Some(2),
        severity: Severity::Major,
        category: Category::Complexity,
        text: "no need of it".to_owned(),
    };
    Review { verdict, summary: "read it".to_owned(), findings: cited.into_iter().map(finding).collect() }
}

/// An operator, to say things.
pub(crate) fn olga() -> Call {
    let mut call = operator();
    call.by.role = Role::Operator;
    call
}
