//! One issue held against its gap: what people did there happens to the gap, and what the gap has become is written there.

use domain::gap::Key;
use domain::label::Names;
use domain::mirror::{self, Act, Base, Sent, Stand, Write};
use domain::time::Time;
use forge::{AccountKind, Closed, Edit, Fault, Issue, IssueState};
use futures::FutureExt;
use store::issue::{Comment, Mirrored, State};

use super::{Failed, Home};
use crate::desk::Desk;
use crate::{No, Plane};

/// How often one issue is looked at in a row: as it is, after our writes, and once more where people were quicker.
const LOOKS_MAX: usize = 3;

/// The longest comment that is kept, in characters: what a forge takes.
const COMMENT_CHARS_MAX: usize = 65_536;

impl Plane {
    /// Fetches the issue of a gap and holds both against each other.
    pub(super) async fn look_again(&self, home: &Home, key: &Key) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let issue = store::issue::find(&mut tx, key).await?;
        drop(tx);
        match issue {
            Some(Mirrored { state: State::Known, number: Some(number), .. }) => self.look_at(home, key, number).await,
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
                let done = self.as_mirror(move |desk| gone(desk, key.clone(), what.clone()).boxed()).await;
                Ok(done?)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Holds an issue, as it was read at `at`, against its gap, until both are alike.
    pub(super) async fn sync(&self, home: &Home, key: &Key, seen: Issue, at: Time) -> Result<(), Failed> {
        let (mut seen, mut at) = (seen, at);
        for _ in 0..LOOKS_MAX {
            if seen.comments > 0 {
                self.read_comments(home, key, &seen).await?;
            }
            let (repo, gap, issue) = (home.repo.clone(), key.clone(), seen.clone());
            let writes =
                self.as_mirror(move |desk| take_in(desk, repo.clone(), gap.clone(), issue.clone(), at).boxed()).await?;
            if writes.is_empty() {
                break;
            }
            self.write_issue(home, seen.number, &writes).await?;
            at = self.moment().await?;
            seen = home.forge.issue(seen.number).await?;
        }
        self.send_notes(home, key, seen.number).await
    }

    /// Writes to an issue what it is to show.
    async fn write_issue(&self, home: &Home, number: i64, writes: &[Write]) -> Result<(), Failed> {
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
    async fn read_comments(&self, home: &Home, key: &Key, seen: &Issue) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let known = store::issue::find(&mut tx, key).await?;
        drop(tx);
        let Some(known) = known.filter(|known| known.comments != seen.comments || known.changed_at != seen.updated_at)
        else {
            return Ok(());
        };
        let since = Some(known.comments_at).filter(|at| at.0 > 0);
        let comments = home.forge.comments(seen.number, since).await?;
        let (repo, key, count) = (home.repo.clone(), key.clone(), seen.comments);
        let done =
            self.as_mirror(move |desk| keep_comments(desk, repo.clone(), key.clone(), comments.clone(), count).boxed());
        Ok(done.await?)
    }
}

/// Takes in what an issue shows, and gives what is to be written to it.
async fn take_in(desk: &mut Desk<'_>, repo: String, key: Key, seen: Issue, at: Time) -> Result<Vec<Write>, No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(Vec::new()) };
    // An older look than the last one tells nothing.
    if issue.number != Some(seen.number) || seen.updated_at < issue.changed_at {
        return Ok(Vec::new());
    }
    let names: Names = super::names(desk.tx, &repo, &desk.rules.labels).await?;
    let stand = stand(seen.state);
    let face = mirror::seen(stand, &seen.labels, &names);
    let before = issue.base.unwrap_or(Base { face: mirror::opened(), sent: None });
    let (acts, base) = mirror::look(before, face, at);
    for act in &acts {
        happen(desk, &key, *act, seen.number).await?;
    }
    let gap = store::gap::load(desk.tx, &key).await?.ok_or(store::Fault::Conflict)?.gap;
    let wish = mirror::wish(&gap);
    let (level, _) = store::level::current(desk.tx).await?;
    let free = level.reaches_out() && base.sent.is_none();
    let writes = if free { mirror::writes(stand, &seen.labels, wish, &names) } else { Vec::new() };
    let sent = (!writes.is_empty()).then_some(Sent { face: wish, at: desk.now });
    let changed = issue.labels != seen.labels || issue.stand != Some(stand);
    issue.stand = Some(stand);
    issue.labels = seen.labels;
    issue.title = seen.title;
    issue.url = seen.url;
    issue.changed_at = seen.updated_at;
    issue.base = Some(Base { face: base.face, sent: sent.or(base.sent) });
    // What was sent and not seen is looked for again.
    issue.dirty = issue.base.is_some_and(|base| base.sent.is_some());
    issue.lease_until = if issue.dirty { desk.now + mirror::SETTLE } else { Time(0) };
    issue.last_error = String::new();
    store::issue::write(desk.tx, &issue).await?;
    if changed || !writes.is_empty() {
        let after = serde_json::json!({"number": issue.number, "labels": issue.labels, "stand": stand});
        desk.record(format!("issue:{key}"), &(), &after).await?;
    }
    Ok(writes)
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

/// Remembers that an issue is not there any more.
async fn gone(desk: &mut Desk<'_>, key: Key, what: String) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    issue.state = State::Gone;
    issue.stand = None;
    issue.dirty = false;
    issue.last_error = format!("{what} is not there any more");
    store::issue::write(desk.tx, &issue).await?;
    store::issue::drop_notes(desk.tx, &key).await?;
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
        if comment.author.kind == AccountKind::Us {
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
