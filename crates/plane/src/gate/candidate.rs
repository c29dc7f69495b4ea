//! A pull request as it comes to the gate: read anew, live, with `manual` as the last of all. What could not be read is left
//! out, which closes the gate.

use std::collections::BTreeMap;

use domain::gate::{Base, Candidate, Check, Draw, Live, Measured};
use domain::label::{Names, Role};
use domain::outcome::Answer;
use domain::pull::Change;
use domain::time::Span;
use forge::{AccountKind, Fault, Pull as There, PullState, Review, ReviewState};
use store::pull::Stored;
use store::seeded::bug;

use crate::mirror::{Failed, Home};
use crate::outcome::check;
use crate::{No, Plane};

/// By which labels a pull request is somebody's, or not yet anybody's: with one of them none merges by itself.
const BARRING: [Role; 7] = [
    Role::NeedsReview,
    Role::ChangesRequested,
    Role::NeedsVisual,
    Role::ClosedByBot,
    Role::MaxIterations,
    Role::RequiresHuman,
    Role::WontFix,
];

/// The same of the issue of its gap.
const BARRING_ISSUE: [Role; 2] = [Role::RequiresHuman, Role::WontFix];

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
            wanted: reviews.as_deref().and_then(wanted),
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

/// Whether a person wants changes, by the last decision of each; none where one of them is not known.
fn wanted(reviews: &[Review]) -> Option<bool> {
    let mut last = BTreeMap::new();
    let people = reviews.iter().filter(|review| review.author.kind == AccountKind::Person);
    for review in people.filter(|review| review.state != ReviewState::Commented) {
        last.insert(&review.author.id, review.state);
    }
    if last.values().any(|state| *state == ReviewState::Other) {
        return None;
    }
    Some(last.values().any(|state| *state == ReviewState::ChangesRequested))
}

/// What a base would be that is as good as the change itself.
fn of_head(head: Option<&str>, checks: Option<&Vec<Check>>) -> Option<Base> {
    Some(Base { tip: head?.to_owned(), checks: checks.cloned() })
}

/// The checks of a commit; none where the forge certainly will not tell.
async fn checks(home: &Home, commit: &str) -> Result<Option<Vec<Check>>, Failed> {
    Ok(known(home.forge.checks(commit).await)?.map(|all| all.into_iter().map(check).collect()))
}

/// What could be read; none where the forge certainly will not tell. What may be told later is asked again then.
fn known<T>(answer: Result<T, Fault>) -> Result<Option<T>, Failed> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(fault @ (Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. })) => Err(fault.into()),
        Err(Fault::Unknown { .. } | Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. }) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use forge::Account;

    use super::*;

    #[test]
    fn the_last_decision_of_each_person_counts_and_one_that_is_not_known_is_not_known() {
        use ReviewState::{Approved, ChangesRequested, Commented, Dismissed, Other};
        for (said, wants) in [
            (&[][..], Some(false)),
            (&[("ann", Approved)], Some(false)),
            (&[("ann", ChangesRequested)], Some(true)),
            (&[("ann", ChangesRequested), ("ann", Commented)], Some(true)),
            (&[("ann", ChangesRequested), ("ann", Approved)], Some(false)),
            (&[("ann", ChangesRequested), ("bob", Approved)], Some(true)),
            (&[("ann", ChangesRequested), ("ann", Dismissed)], Some(false)),
            (&[("ann", Other)], None),
        ] {
            let review = |(id, state): &(&str, ReviewState)| Review {
                id: 1,
                commit: None,
                state: *state,
                body: String::new(),
                author: Account { id: (*id).into(), login: (*id).into(), kind: AccountKind::Person },
                at: Time(0),
            };
            let reviews: Vec<_> = said.iter().map(review).collect();
            assert_eq!(wanted(&reviews), wants, "{said:?}");
        }
    }
}
