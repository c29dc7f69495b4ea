//! What is shown to a reviewer: for each trial a gap, and a pull request that comes about as every other does. Who plans and who
//! implements are scripts; the server, its forge and git are real.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use domain::agent::{Principal, Role};
use domain::calibration::{corpus, seed};
use domain::gap::Sighting;
use domain::job::State;
use domain::label;
use domain::pull::Plan;
use domain::pull::plan::Approach;
use domain::time::Span;
use forge::{Forge as _, Label};
use plane::Call;
use plane::job::{Claim, Claimed};
use plane::pull::{Fingerprint, Handed};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::ground::{Commit, Ground};
use crate::command::house::{GLANCE, House, YOU};
use crate::command::issues::{self, failure as of_forge};
use crate::config::machine_time;
use crate::failure::Failure;

/// The kind of the gaps.
const KIND: &str = "improvement";

/// Why the level is raised without evidence.
const REASON: &str = "nothing of it leaves the folder, which is thrown away";

/// For how long a script claims.
const TTL: Span = Span::mins(10);

/// A trial, and the gap that stands for it.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) trial: seed::Trial,
    /// The gap's key.
    pub(super) gap: String,
}

/// Which pull request is which trial.
pub(super) type Open = Mutex<BTreeMap<String, usize>>;

/// Reports a gap for each trial, in order, has issues opened for them, and lets agents act on those.
pub(super) async fn prepare(house: &House, trials: &[seed::Trial]) -> Result<Vec<Staged>, Failure> {
    for _ in 0..2 {
        house.plane.raise_level(&house.call(), Some(REASON)).await?;
    }
    let (mut staged, mut names) = (Vec::new(), BTreeSet::new());
    for trial in trials {
        let case = case(trial)?;
        let plain = slug(&case.title);
        let fresh = (1..).map(|nth| if nth == 1 { plain.clone() } else { format!("{plain}-{nth}") });
        let name = fresh.into_iter().find(|name| names.insert(name.clone())).unwrap_or_default();
        let seen = Sighting { reason: case.about.clone(), ..Sighting::named(KIND, &name) };
        house.plane.report_gap(&house.call(), seen).await?;
        staged.push(Staged { trial: *trial, gap: format!("{KIND}/{name}") });
    }
    house.plane.sweep().await.map_err(|why| Failure::new("the issues were not opened").why(why))?;
    let you = house.local.acting(YOU).map_err(of_forge)?;
    let name = house.plane.label_names().await.of(label::Role::OptIn).to_owned();
    let label = you.make_label(&Label::plain(name)).await.map_err(of_forge)?;
    for issue in house.local.issues(0).await.map_err(of_forge)? {
        you.add_label(issue.number, &label.name).await.map_err(of_forge)?;
        issues::hurry(house.plane.store(), &house.config, issue.number).await?;
    }
    Ok(staged)
}

/// The words of a title as a name.
fn slug(title: &str) -> String {
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}

fn case(trial: &seed::Trial) -> Result<&'static corpus::Case, Failure> {
    corpus::case(trial.case).ok_or_else(|| Failure::new(format!("there is no case {:?}", trial.case)))
}

/// The scripts that plan and implement.
pub(super) struct Scripts<'a> {
    pub(super) house: &'a House,
    pub(super) ground: &'a Ground,
    pub(super) staged: &'a [Staged],
    pub(super) open: &'a Open,
    /// Whose name none of them may have: nobody stands in two stages.
    pub(super) reviewer: &'a str,
}

impl Scripts<'_> {
    /// Takes one turn after the other, until every change was handed in, or it is told to stop.
    pub(super) async fn work(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let (mut left, mut clock) = (self.staged.len(), interval(GLANCE));
        while left > 0 && !stop.is_cancelled() {
            let planned = self.plan().await?;
            let drafted = self.draft().await?;
            left -= usize::from(drafted);
            if !planned && !drafted {
                stop.run_until_cancelled(clock.tick()).await;
            }
        }
        Ok(())
    }

    fn call(&self, role: Role) -> Call {
        let name = ["1", "2"].map(|nth| format!("{role}-{nth}"));
        let name = name.iter().find(|name| *name != self.reviewer).map_or("", String::as_str);
        // As if each had a token of its own.
        Call { by: Principal { lineage: name.to_owned(), ..Principal::local(name, role) }, ..self.house.call() }
    }

    /// Claims a turn of a stage; gives its claim.
    async fn claim(&self, call: &Call) -> Result<Option<String>, Failure> {
        let kind = Some(call.by.role.name().to_owned());
        let wish = Claim { holder: call.by.name.clone(), ttl: TTL, kind, name: None };
        let Claimed::Job(job) = self.house.plane.claim_job(call, wish).await? else { return Ok(None) };
        let State::Held(claim) = job.state else { return Ok(None) };
        Ok(Some(claim.id))
    }

    async fn plan(&self) -> Result<bool, Failure> {
        let call = self.call(Role::Planner);
        let Some(claim) = self.claim(&call).await? else { return Ok(false) };
        let approach =
            |name: &str, about: &str, lines| Approach { name: name.to_owned(), about: about.to_owned(), lines };
        let plan = Plan {
            approaches: vec![
                approach("in place", "The file that is concerned is changed, and nothing else.", 20),
                approach("a module of its own", "It would be kept apart, and used from one place only.", 80),
            ],
            chosen: "in place".to_owned(),
            steps: "1. change the file\n2. read the difference once more".to_owned(),
        };
        self.house.plane.submit_plan(&call, &claim, plan, Fingerprint::default()).await?;
        Ok(true)
    }

    /// Commits the change of a trial, and hands it in.
    async fn draft(&self) -> Result<bool, Failure> {
        let call = self.call(Role::Implementer);
        let Some(claim) = self.claim(&call).await? else { return Ok(false) };
        let work = self.house.plane.show_work(&call, &claim).await?;
        if work.pull.change.is_some() {
            // It was reviewed: nothing is made of what that says.
            return Ok(false);
        }
        let gap = work.pull.gap.to_string();
        let at = self.staged.iter().position(|staged| staged.gap == gap);
        let at = at.ok_or_else(|| Failure::new(format!("{gap} stands for no trial")))?;
        let seed::Trial { what, framing, .. } = self.staged[at].trial;
        let case = case(&self.staged[at].trial)?;
        let (title, body) = (framing.title(&case.title), framing.description(&case.about));
        // Each at another moment, so that the same change once more is another commit.
        let ago = i64::try_from(self.staged.len() - at).unwrap_or_default();
        let moment = machine_time().0 / 1_000 - 60 * ago;
        let (branch, text) = (work.branch.as_str(), case.after(what));
        let commit = Commit { branch, path: &case.path, text, title: &title, body: &body, at: moment };
        let head = self.ground.commit(&commit).await?;
        // Before it is handed in: a reviewer may have it at once.
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(work.pull.id.clone(), at);
        let handed = Handed::Branch { name: work.branch, head };
        let words = (title.as_str(), body.as_str());
        self.house.plane.submit_change(&call, &claim, handed, words, None, Fingerprint::default()).await?;
        Ok(true)
    }
}
