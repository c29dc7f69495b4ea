//! One issue held against its gap: what people did there happens to the gap, and what the gap has become is written there.

use domain::gap::Key;
use domain::label::{self, Names, Role};
use domain::mirror::{self, Act, Base, Known, Sent, Stand, Write};
use domain::pace;
use domain::time::{Span, Time};
use forge::{AccountKind, Closed, Edit, Fault, Issue, IssueState};
use futures::FutureExt;
use store::issue::{Comment, Mirrored, State, note};
use store::seeded::bug;

use super::{Failed, Home, OFF_FOR};
use crate::desk::Desk;
use crate::{No, Plane};

/// How often one issue is looked at in a row: as it is, after our writes, and once more where people were quicker.
const LOOKS_MAX: usize = 3;

/// How long nothing is written at most to an issue to which the forge refused to write.
const WRITES_REST_MAX: Span = Span::mins(15);

/// The longest comment that is kept, in characters: what a forge takes.
const COMMENT_CHARS_MAX: usize = 65_536;

impl Plane {
    /// Fetches the issue of a gap and holds both against each other.
    pub(super) async fn look_again(&self, home: &Home, key: &Key) -> Result<(), Failed> {
        match self.mirrored(key).await? {
            Some(Mirrored { state: State::Known, number: Some(number), repo, .. }) if repo == home.repo => {
                self.look_at(home, key, number).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Fetches an issue by its number and holds it against its gap.
    pub(crate) async fn look_at(&self, home: &Home, key: &Key, number: i64) -> Result<(), Failed> {
        let at = self.moment().await?;
        match home.forge.issue(number).await {
            Ok(issue) => self.sync(home, key, issue, at).await,
            Err(Fault::Gone { what }) => {
                let key = key.clone();
                let done = self.as_mirror(move |desk| gone(desk, key.clone(), what.clone(), at).boxed()).await;
                Ok(done?)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Holds an issue, as a look that began at `at` showed it, against its gap, until both are alike.
    pub(super) async fn sync(&self, home: &Home, key: &Key, seen: Issue, at: Time) -> Result<(), Failed> {
        let mut look = Look { seen, at, answered: false };
        for _ in 0..LOOKS_MAX {
            self.prepare(home, key, &look.seen).await?;
            let (repo, gap, this) = (home.repo.clone(), key.clone(), look.clone());
            let writes =
                self.as_mirror(move |desk| take_in(desk, repo.clone(), gap.clone(), this.clone()).boxed()).await?;
            if writes.is_empty() {
                break;
            }
            let number = look.seen.number;
            let written = self.write_issue(home, number, &writes).await;
            if let Err(Failed::Forge(Fault::Refused { .. } | Fault::Stale { .. })) = &written {
                let key = key.clone();
                self.as_mirror(move |desk| not_written(desk, key.clone()).boxed()).await?;
            }
            written?;
            let at = self.moment().await?;
            look = match home.forge.issue(number).await {
                Ok(seen) => Look { seen, at, answered: true },
                Err(fault) => {
                    let key = key.clone();
                    self.as_mirror(move |desk| answered(desk, key.clone()).boxed()).await?;
                    return Err(fault.into());
                }
            };
        }
        self.send_notes(home, key, look.seen.number).await
    }

    /// Reads what a look alone does not tell: what people wrote, and, where a label is gone from an issue, whether it was
    /// taken off, or renamed or deleted in the repository.
    async fn prepare(&self, home: &Home, key: &Key, seen: &Issue) -> Result<(), Failed> {
        let Some(known) = self.mirrored(key).await? else { return Ok(()) };
        let is_gone = |name: &String| !seen.labels.iter().any(|now| label::same(now, name));
        if known.labels.iter().any(is_gone) {
            self.learn_labels(home).await?;
        }
        if known.comments != seen.comments || (seen.comments > 0 && known.changed_at != seen.updated_at) {
            self.read_comments(home, key, seen, &known).await?;
        }
        Ok(())
    }

    async fn mirrored(&self, key: &Key) -> Result<Option<Mirrored>, No> {
        let mut tx = self.store.read().await?;
        Ok(store::issue::find(&mut tx, key).await?)
    }

    /// Writes to an issue what it is to show.
    async fn write_issue(&self, home: &Home, number: i64, writes: &[Write]) -> Result<(), Failed> {
        if !writes.is_empty() && self.is_off(home).await? {
            // Reading goes on, and what is to be written waits.
            return Err(Failed::Forge(Fault::Paced { after: OFF_FOR }));
        }
        if writes.iter().any(|write| matches!(write, Write::Add(_) | Write::Remove(_))) {
            // A forge makes a label that it does not have: one that was just renamed would be there twice.
            self.learn_labels(home).await?;
        }
        for write in writes {
            match write {
                Write::Stand(stand) => {
                    let state = match stand {
                        Stand::Open => IssueState::Open,
                        Stand::Done => IssueState::Closed(Closed::Completed),
                        Stand::NotPlanned => IssueState::Closed(Closed::NotPlanned),
                    };
                    home.forge.edit_issue(number, &Edit { state: Some(state), ..Edit::default() }).await?;
                }
                Write::Add(role) => {
                    let name = self.label_name(home, *role).await?;
                    home.forge.add_label(number, &name).await?;
                }
                Write::Remove(role) => {
                    let name = self.label_name(home, *role).await?;
                    home.forge.remove_label(number, &name).await?;
                }
            }
        }
        Ok(())
    }

    /// Reads what people wrote since the last look.
    async fn read_comments(&self, home: &Home, key: &Key, seen: &Issue, known: &Mirrored) -> Result<(), Failed> {
        let since = Some(known.comments_at).filter(|at| at.0 > 0);
        let comments = home.forge.comments(seen.number, since).await?;
        let (repo, key, count) = (home.repo.clone(), key.clone(), seen.comments);
        let done =
            self.as_mirror(move |desk| keep_comments(desk, repo.clone(), key.clone(), comments.clone(), count).boxed());
        Ok(done.await?)
    }
}

/// One look at an issue.
#[derive(Debug, Clone)]
struct Look {
    seen: Issue,
    /// When it began.
    at: Time,
    /// Whether it followed writes of which the forge said that they were done.
    answered: bool,
}

/// Takes in what an issue shows, and gives what is to be written to it.
async fn take_in(desk: &mut Desk<'_>, repo: String, key: Key, look: Look) -> Result<Vec<Write>, No> {
    let Look { seen, at, answered } = look;
    // The gap first, as whoever moves it holds it before its issue.
    let Some(_) = store::gap::load(desk.tx, &key).await? else { return Err(store::Fault::Conflict.into()) };
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(Vec::new()) };
    // An older look than the last one tells nothing.
    let older = seen.updated_at < issue.changed_at && !bug("trust-an-old-look");
    if issue.number != Some(seen.number) || older {
        return Ok(Vec::new());
    }
    let names: Names = super::names(desk.tx, &repo, &desk.rules.labels).await?;
    let there = super::place::there(desk.tx, &repo, &desk.rules.labels).await?;
    let stand = stand(seen.state);
    let mut before = issue.base.unwrap_or(Base { face: mirror::opened(), at: Time(0), sent: None });
    before.sent = before.sent.map(|sent| Sent { answered: sent.answered || answered, ..sent });
    let known = Known { base: before, labels: &issue.labels, there: &there };
    let face = mirror::seen(stand, &seen.labels, &names, known);
    let (acts, base) = mirror::look(before, face, at);
    let changed = issue.labels != seen.labels || issue.stand != Some(stand);
    if changed && is_unsure(&issue, before, &acts, &seen, at) {
        issue.base = Some(before);
        issue.dirty = true;
        issue.lease_until = before.at + mirror::SETTLE;
        store::issue::write(desk.tx, &issue).await?;
        return Ok(Vec::new());
    }
    for act in acts.iter().filter(|_| !bug("overrule-people")) {
        happen(desk, &key, *act, seen.number).await?;
    }
    let gap = store::gap::load(desk.tx, &key).await?.ok_or(store::Fault::Conflict)?.gap;
    let wish = mirror::wish(&gap);
    let (level, _) = store::level::current(desk.tx).await?;
    // What the forge would not take is not tried again before its time.
    let rests = desk.now < issue.rest_until;
    let names_here = if bug("ignore-hands-off") { names.clone().with(Role::OptOut, "nobody") } else { names.clone() };
    let due = if base.sent.is_none() { mirror::writes(stand, &seen.labels, wish, &names_here) } else { Vec::new() };
    let held_back = !due.is_empty() && (rests || !level.reaches_out());
    let writes = if held_back { Vec::new() } else { due };
    let sent = (!writes.is_empty()).then_some(Sent { face: wish, at: desk.now, answered: false });
    let news = changed || seen.updated_at > issue.changed_at;
    let says = !names.has(&seen.labels, Role::OptOut) && !note::open(desk.tx, &key, 1).await?.is_empty();
    issue.stand = Some(stand);
    issue.labels = seen.labels;
    issue.title = seen.title;
    issue.url = seen.url;
    issue.changed_at = seen.updated_at;
    issue.base = Some(Base { at: if news { at } else { before.at }, sent: sent.or(base.sent), ..base });
    // What was sent and not seen is looked for again, and what could not be said is said later.
    issue.dirty = held_back || issue.base.is_some_and(|base| base.sent.is_some());
    if rests && issue.dirty {
        issue.lease_until = issue.rest_until;
    } else {
        issue.lease_until = if issue.dirty || says { desk.now + mirror::SETTLE } else { Time(0) };
        issue.last_error = String::new();
    }
    if !issue.dirty {
        issue.failures = 0;
    }
    store::issue::write(desk.tx, &issue).await?;
    if changed || !writes.is_empty() {
        let after = serde_json::json!({"number": issue.number, "labels": issue.labels, "stand": stand});
        desk.record(format!("issue:{key}"), &(), &after).await?;
    }
    Ok(writes)
}

/// Whether a look that shows a change may be from before the last one. A forge tells moments by the second, and may
/// answer from a copy that is behind: of the second of the last change only a look that came well after it is sure.
fn is_unsure(issue: &Mirrored, before: Base, acts: &[Act], seen: &Issue, at: Time) -> bool {
    let ours = before.sent.is_some() && acts.is_empty();
    let behind = at.since(before.at) < mirror::SETTLE && !bug("trust-an-old-look");
    seen.updated_at == issue.changed_at && !ours && behind
}

/// Lets nothing be written to an issue for a while, to which the forge refused to write: longer each time in a row.
async fn not_written(desk: &mut Desk<'_>, key: Key) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    issue.failures += 1;
    issue.rest_until = desk.now + pace::rest(issue.failures, WRITES_REST_MAX);
    Ok(store::issue::write(desk.tx, &issue).await?)
}

/// Remembers that the forge said that everything sent was done.
async fn answered(desk: &mut Desk<'_>, key: Key) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    let Some(Base { sent: Some(sent), .. }) = &mut issue.base else { return Ok(()) };
    sent.answered = true;
    Ok(store::issue::write(desk.tx, &issue).await?)
}

/// Lets what a person did on the forge happen to the gap.
async fn happen(desk: &mut Desk<'_>, key: &Key, act: Act, number: i64) -> Result<(), No> {
    match act {
        Act::Event(event) => {
            crate::gap::taken_in(desk, key, event, &format!("a person did so on issue {number}")).await?;
        }
        Act::Priority(priority) => {
            if let Some(was) = store::gap::load(desk.tx, key).await? {
                crate::gap::set_priority(desk, &was, priority).await?;
            }
        }
    }
    Ok(())
}

/// Remembers that an issue is not there any more. One that was just opened may only not be seen yet.
async fn gone(desk: &mut Desk<'_>, key: Key, what: String, at: Time) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    if at.since(issue.tried_at) < mirror::SETTLE {
        issue.dirty = true;
        issue.lease_until = issue.tried_at + mirror::SETTLE;
        return Ok(store::issue::write(desk.tx, &issue).await?);
    }
    issue.state = State::Gone;
    issue.stand = None;
    issue.dirty = false;
    issue.last_error = format!("{what} is not there any more");
    store::issue::write(desk.tx, &issue).await?;
    note::give_up(desk.tx, &key).await?;
    let after = serde_json::json!({"number": issue.number, "state": issue.state});
    desk.record(format!("issue:{key}"), &(), &after).await
}

async fn keep_comments(
    desk: &mut Desk<'_>,
    repo: String,
    key: Key,
    comments: Vec<forge::Comment>,
    count: i64,
) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    for comment in comments {
        issue.comments_at = issue.comments_at.max(comment.updated_at);
        if comment.author.kind == AccountKind::Us && mirror::is_note(&comment.body) {
            continue;
        }
        let kept = Comment {
            id: comment.id,
            author: comment.author.login,
            body: comment.body.chars().filter(|c| *c != '\0').take(COMMENT_CHARS_MAX).collect(),
            created_at: comment.created_at.0,
            changed_at: comment.updated_at.0,
        };
        store::issue::add_comment(desk.tx, &repo, &key, &kept).await?;
    }
    issue.comments = count;
    Ok(store::issue::write(desk.tx, &issue).await?)
}

/// How an issue stands, for its gap. A reason that was not said, or is not known, never counts as done.
pub(super) const fn stand(state: IssueState) -> Stand {
    match state {
        IssueState::Open => Stand::Open,
        IssueState::Closed(Closed::Completed) => Stand::Done,
        IssueState::Closed(Closed::NotPlanned | Closed::Duplicate | Closed::Unsaid) => Stand::NotPlanned,
    }
}
