//! Making on the forge what is to be made: each once. Whether one arrived of which nobody knows the end is read there, and
//! where reading does not tell either, an operator says.

use domain::mirror::SETTLE;
use domain::pull::State;
use domain::time::{Span, Time};
use forge::{AccountKind, CheckState, Edit, Fault, NewCheck, NewReview};
use futures::FutureExt;
use store::pull::Stored;
use store::pull::say::{self, Say};
use store::seeded::bug;

use super::is_silent;
use crate::mirror::{Failed, Home, Let, fault_line};
use crate::pull::say::{CHECK, Made, Shows, said};
use crate::{No, Plane};

/// How many things are made in one look.
const MADE_MAX: i64 = 20;

/// How often one is sent whose end nobody knows, before an operator is asked.
const TRIES_MAX: i64 = 5;

/// How far the forge's clock may be from ours where a comment is looked for.
const CLOCKS_APART: Span = Span::hours(1);

/// What came of a try.
enum Tried {
    /// It is there.
    Made,
    /// It cannot be made yet.
    NotYet,
    /// The forge will not have it.
    Refused(String),
}

impl Plane {
    /// Makes what is to be made for a pull request; true when something is left.
    pub(super) async fn make_all(&self, home: &Home, stored: &Stored) -> Result<bool, Failed> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let open = say::open(&mut tx, &stored.pull.id, MADE_MAX).await?;
        drop(tx);
        if open.is_empty() || is_silent(stored) || self.is_off(home).await? {
            return Ok(false);
        }
        if stored.pull.there.number.is_none() && !self.lets_agents_act(stored).await? {
            return Ok(true);
        }
        let (mut left, mut unsettled_check) = (false, false);
        for say in open {
            let made: Made = serde_json::from_str(&say.body).map_err(|_| store::Fault::Corrupt {
                table: "pull_say",
                column: "body",
                id: say.id.clone(),
            })?;
            let is_open = matches!(made, Made::Open { .. });
            if is_open && say.state == "waiting" && stored.pull.state != State::Opening {
                self.move_say(&say, "dropped", "it is not to be opened any more").await?;
                continue;
            }
            let is_check = matches!(made, Made::Check { .. });
            if is_check && unsettled_check {
                // The one before it could come later, and would stand.
                left = true;
                continue;
            }
            let done = if say.state == "sending" && !bug("send-again") {
                self.settle_say(home, stored, &say, &made, now).await?
            } else {
                self.send(home, stored, &say, &made).await?
            };
            left |= !done;
            unsettled_check |= is_check && !done;
            if !done && is_open {
                break;
            }
        }
        Ok(left)
    }

    /// Whether people let agents act on the gap, by the labels of its issue as they were last seen.
    async fn lets_agents_act(&self, stored: &Stored) -> Result<bool, No> {
        let gap = stored.pull.gap.clone();
        let looked = self.at_desk(crate::tend::own("watch-pulls"), move |desk| {
            let gap = gap.clone();
            async move { crate::mirror::lets_agents_act(desk.tx, &desk.rules, &gap).await }.boxed()
        });
        Ok(looked.await? == Let::Act)
    }

    /// Sends one; false when it is still to be made.
    async fn send(&self, home: &Home, stored: &Stored, say: &Say, made: &Made) -> Result<bool, Failed> {
        let Some(sending) = self.move_say(say, "sending", "").await? else { return Ok(false) };
        match self.make(home, stored, &sending, made).await {
            Ok(Tried::Made) => {
                self.move_say(&sending, "sent", "").await?;
                Ok(true)
            }
            Ok(Tried::NotYet) => {
                self.move_say(&sending, "waiting", "").await?;
                Ok(false)
            }
            Ok(Tried::Refused(why)) => self.refused(stored, &sending, made, why).await,
            Err(Failed::Forge(fault @ (Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. }))) => {
                self.move_say(&sending, "waiting", &fault_line(&fault)).await?;
                Err(fault.into())
            }
            Err(Failed::Forge(fault @ (Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. }))) => {
                self.refused(stored, &sending, made, fault_line(&fault)).await
            }
            // It stays as sending until reading tells.
            Err(failed) => Err(failed),
        }
    }

    /// Takes in that the forge will not have it. Of what nobody misses nothing more is said.
    async fn refused(&self, stored: &Stored, say: &Say, made: &Made, why: String) -> Result<bool, Failed> {
        tracing::warn!(pull = stored.pull.id, what = say.what, why, "the forge would not have it");
        self.move_say(say, "dropped", &why).await?;
        if matches!(made, Made::Open { .. }) {
            self.not_opened(&stored.pull.id, &why).await?;
        }
        Ok(true)
    }

    async fn make(&self, home: &Home, stored: &Stored, say: &Say, made: &Made) -> Result<Tried, Failed> {
        let number = stored.pull.there.number;
        match (made, number) {
            (Made::Open { title, body }, _) => self.open_pull(home, stored, title, body).await.map(|()| Tried::Made),
            (Made::Plan { plan }, _) => self.write_plan(home, stored, plan).await,
            (Made::Check { .. } | Made::Review { .. } | Made::Comment { .. }, None) => Ok(Tried::NotYet),
            (Made::Check { state, title, summary }, Some(_)) => {
                let state = match state {
                    Shows::Pass => CheckState::Pass,
                    Shows::Fail => CheckState::Fail,
                    Shows::Neutral => CheckState::Neutral,
                };
                let new = NewCheck {
                    name: CHECK.to_owned(),
                    commit: say.head.clone(),
                    state,
                    external_id: say.id.clone(),
                    title: title.clone(),
                    summary: summary.clone(),
                };
                home.forge.put_check(&new).await?;
                Ok(Tried::Made)
            }
            (Made::Review { body, remarks }, Some(number)) => {
                let remarks = remarks.iter().map(|remark| forge::Remark {
                    path: remark.path.clone(),
                    line: remark.line,
                    body: remark.body.clone(),
                });
                let body = format!("{}\n{body}", said(&say.id));
                let new = NewReview { commit: say.head.clone(), body, remarks: remarks.collect() };
                home.forge.review(number, &new).await?;
                Ok(Tried::Made)
            }
            (Made::Comment { body }, Some(number)) => {
                home.forge.comment(number, &format!("{}\n{body}", said(&say.id))).await?;
                Ok(Tried::Made)
            }
        }
    }

    /// Writes a plan into the issue of the gap: the same plan twice is one plan.
    async fn write_plan(&self, home: &Home, stored: &Stored, plan: &str) -> Result<Tried, Failed> {
        let mut tx = self.store.read().await?;
        let issue = store::issue::find(&mut tx, &stored.pull.gap).await?;
        drop(tx);
        let Some(number) = issue.filter(|issue| issue.repo == home.repo).and_then(|issue| issue.number) else {
            return Ok(if stored.pull.state.is_live() { Tried::NotYet } else { Tried::Refused("no issue".to_owned()) });
        };
        let seen = home.forge.issue(number).await?;
        let mut tx = self.store.read().await?;
        let names = crate::mirror::names(&mut tx, &home.repo, &self.settings.rules.labels).await?;
        drop(tx);
        if !domain::label::lets_agents_act(&names, &seen.labels) {
            return Ok(Tried::NotYet);
        }
        let body = domain::pull::plan::written_into(&seen.body, plan);
        if body.chars().count() > BODY_CHARS_MAX {
            return Ok(Tried::Refused("the issue has no room for the plan".to_owned()));
        }
        if body != seen.body {
            home.forge.edit_issue(number, &Edit { body: Some(body), ..Edit::default() }).await?;
        }
        Ok(Tried::Made)
    }

    /// Finds out whether one arrived; false while it is too early to tell, or it is to be sent again.
    async fn settle_say(
        &self,
        home: &Home,
        stored: &Stored,
        say: &Say,
        made: &Made,
        now: Time,
    ) -> Result<bool, Failed> {
        let tried = Time(say.tried_at);
        if now.since(tried) < Span(SETTLE.0 * 2) {
            return Ok(false);
        }
        let arrived = self.arrived(home, stored, say, made).await?;
        if arrived {
            self.move_say(say, "sent", "").await?;
            return Ok(true);
        }
        if say.tries >= TRIES_MAX {
            self.move_say(say, "unknown", "nobody can tell whether it was made").await?;
            self.tell_unknown(stored, say).await?;
            return Ok(true);
        }
        self.move_say(say, "waiting", "it was not there").await?;
        Ok(false)
    }

    async fn arrived(&self, home: &Home, stored: &Stored, say: &Say, made: &Made) -> Result<bool, Failed> {
        let marker = said(&say.id);
        let number = stored.pull.there.number;
        Ok(match (made, number) {
            (Made::Open { .. }, _) => !bug("open-pull-again") && self.find_opened(home, stored).await?,
            // To write it again does no harm.
            (Made::Plan { .. }, _) | (Made::Check { .. } | Made::Review { .. } | Made::Comment { .. }, None) => false,
            (Made::Check { title, .. }, Some(_)) => {
                // A home that keeps no name of ours for it shows what it says.
                let same = |check: &forge::Check| {
                    check.external_id == say.id
                        || (check.external_id.is_empty() && check.name == CHECK && title.starts_with(&check.title))
                };
                home.forge.checks(&say.head).await?.iter().any(same)
            }
            (Made::Review { .. }, Some(number)) => {
                let reviews = home.forge.reviews(number).await?;
                reviews.iter().any(|review| review.author.kind == AccountKind::Us && review.body.contains(&marker))
            }
            (Made::Comment { .. }, Some(number)) => {
                let since = Some(Time(say.tried_at) - CLOCKS_APART);
                let comments = home.forge.comments(number, since).await?;
                comments.iter().any(|comment| comment.author.kind == AccountKind::Us && comment.body.contains(&marker))
            }
        })
    }

    async fn move_say(&self, say: &Say, to: &'static str, error: &str) -> Result<Option<Say>, No> {
        let (say, error) = (say.clone(), error.to_owned());
        self.act
            .act(move |tx| {
                let (say, error) = (say.clone(), error.clone());
                async move { Ok(say::set(tx, &say, to, &error).await?) }.boxed()
            })
            .await
    }
}

/// The longest body of an issue, in characters.
const BODY_CHARS_MAX: usize = 65_536;
