//! A pull request as it comes to the gate: read anew, live, with `manual` as the last of all. What could not be read is left
//! out, which closes the gate.

use domain::gate::{BARRING, BARRING_ISSUE, Base, Candidate, Check, Decision, Draw, Live, Measured, changes_wanted};
use domain::label::{Names, Role};
use domain::outcome::Answer;
use domain::pull::Change;
use domain::time::Span;
use forge::{AccountKind, Pull as There, PullState, Review, ReviewState};
use store::pull::Stored;
use store::seeded::bug;

use crate::mirror::{Failed, Home, known};
use crate::outcome::checks;
use crate::{No, Plane};

impl Plane {
    /// Reads one anew.
    pub(super) async fn candidate(&self, home: &Home, stored: &Stored, draw: Draw) -> Result<Candidate, Failed> {
        let pull = &stored.pull;
        let mut tx = self.store.read().await?;
        let history = crate::outcome::history(&mut tx, &pull.id).await?;
        let names = crate::mirror::names(&mut tx, &pull.repo, &self.settings.rules.labels).await?;
        let issue = store::issue::find(&mut tx, &pull.gap).await?.and_then(|issue| issue.number);
        drop(tx);
        let said = history.judged();
        let (measured, tip) = self.measured(home, pull.change.as_ref()).await?.unzip();
        let base = match tip {
            None => None,
            Some(tip) => Some(Base { checks: checks(home, &tip).await?, tip }),
        };
        let at_head = match pull.head() {
            None => None,
            Some(head) => checks(home, head).await?,
        };
        let live = match (pull.there.number, issue) {
            (None, _) | (_, None) => None,
            (Some(number), Some(issue)) => self.live(home, (number, issue), &names).await?,
        };
        Ok(Candidate {
            id: pull.id.clone(),
            number: pull.there.number,
            state: pull.state,
            hold: pull.hold,
            gap: Answer::Unknown("it was not looked at yet".to_owned()),
            ours: pull.head().map(str::to_owned),
            onto: pull.change.as_ref().map(|change| change.onto.clone()),
            reviewed: said.reviewed,
            passed: said.passed,
            handed_in: said.handed_in,
            others: history.has_others(),
            live,
            measured,
            base: if bug("onto-anything") { of_head(pull.head(), at_head.as_ref()) } else { base },
            checks: at_head,
            draw,
        })
    }

    /// What our own git reads of the change, by the policy that stands now, and of the tip of the branch that it goes into.
    async fn measured(&self, home: &Home, change: Option<&Change>) -> Result<Option<(Measured, String)>, Failed> {
        let (Some(change), Some(broker)) = (change, home.broker.as_ref()) else { return Ok(None) };
        let Some(remote) = known(home.forge.remote().await)? else { return Ok(None) };
        let Some(repository) = known(home.forge.repository().await)? else { return Ok(None) };
        let onto = (change.onto.as_str(), repository.default_branch.as_str());
        match self.read_branch(home, broker, &remote, &change.branch, onto).await {
            Ok((read, tip)) => {
                let measured = Measured {
                    head: read.head,
                    lines: read.lines,
                    files: read.files,
                    visual: read.visual,
                    protected: read.protected,
                    risk: read.risk,
                };
                Ok(Some((measured, tip.as_str().to_owned())))
            }
            Err(No::Refusal(refusal)) => {
                tracing::debug!(why = refusal.message, "a change at the gate could not be read");
                Ok(None)
            }
            Err(no @ No::Fault(_)) => Err(no.into()),
        }
    }

    /// How it stands on the forge: its reviews and the others first, then the issue of its gap, and itself, with its labels, last.
    async fn live(&self, home: &Home, (number, issue): (i64, i64), names: &Names) -> Result<Option<Live>, Failed> {
        let reviews = known(home.forge.reviews(number).await)?;
        let Some(others) = known(home.forge.pulls().await)? else { return Ok(None) };
        let Some(issue) = known(home.forge.issue(issue).await)? else { return Ok(None) };
        let Some(there) = known(home.forge.pull(number).await)? else { return Ok(None) };
        let apart = if bug("any-clock") { Some(Span::ZERO) } else { home.forge.apart(self.moment().await?) };
        let shares = |other: &There| other.number != number && other.head.commit == there.head.commit;
        let has = |role| names.has(&there.labels, role);
        let barring = BARRING.into_iter().find(|role| has(*role));
        let barring = barring.or_else(|| BARRING_ISSUE.into_iter().find(|role| names.has(&issue.labels, *role)));
        Ok(Some(Live {
            open: there.state == PullState::Open,
            draft: there.draft,
            mergeable: there.mergeable,
            wanted: reviews.and_then(|all| changes_wanted(all.iter().filter_map(decision))),
            shared: others.iter().any(shares),
            shown: has(Role::NeedsHuman),
            barring: barring.map(|role| names.of(role).to_owned()),
            opted_in: has(Role::OptIn),
            opted_out: has(Role::OptOut) || names.has(&issue.labels, Role::OptOut),
            apart_ms: apart.map(|apart| apart.0),
            head: there.head.commit,
            onto: there.base.branch,
        }))
    }
}

/// What a review decides, where it is a person's.
fn decision(review: &Review) -> Option<(&str, Decision)> {
    let decision = match review.state {
        ReviewState::Approved => Decision::Approved,
        ReviewState::ChangesRequested => Decision::ChangesRequested,
        ReviewState::Dismissed => Decision::Dismissed,
        ReviewState::Other => Decision::Unknown,
        ReviewState::Commented => return None,
    };
    let is_person = review.author.kind == AccountKind::Person;
    is_person.then_some((review.author.id.as_str(), decision))
}

/// What a base would be that is as good as the change itself.
fn of_head(head: Option<&str>, checks: Option<&Vec<Check>>) -> Option<Base> {
    Some(Base { tip: head?.to_owned(), checks: checks.cloned() })
}
