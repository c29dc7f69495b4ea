//! Pull requests of the pipeline: taken up by `begin`, worked on in turns by `turn`, moved by what agents hand in, and held
//! against the forge by `watch`, which writes what `say` is to make there. What is read is in `work` and `show`, what people do
//! of themselves in `people`, what they do on the local forge in `by_hand`, and what they said there in `heard`.
//!
//! Every change of how one stands goes through [`step`], with everything that it implies, in one transaction.

mod begin;
mod by_hand;
mod hand_in;
mod heard;
mod people;
mod read;
mod rounds;
mod say;
mod show;
mod turn;
mod waits;
mod watch;
mod work;

use domain::effect::Notify;
use domain::gap::{Gap, State as GapState};
use domain::notice::Level;
use domain::pull::{Event, Pull, State, wants_changes};
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use store::pull::event::New;
use store::pull::{Seen, Stored, event};

use crate::No;
use crate::desk::Desk;

pub use forge::{Method, Review, ReviewState};

pub use by_hand::{ByHand, Hand, Handled};
pub use hand_in::{Fingerprint, Handed, HandedIn, Reviewed};
pub use heard::REVIEWS_MAX;
pub use rounds::Round;
pub use show::{Board, Difference, Shown, Spent, UNKNOWN_MAX};
pub use work::{Description, Work};

pub(crate) use hand_in::{is_turn, may_go_on, of_claim, within_budget};
pub(crate) use read::{branch, commit, tips, trouble, unread};
pub(crate) use turn::{Turn, barred, book, ended, exceeded, let_work, lets_somebody_work, take};

/// Lets an event happen to a pull request, which may have changed besides, and remembers it with everything that follows. Where
/// a person lets it go on and changes were wanted that nobody has made, they still are.
pub(crate) async fn step(desk: &mut Desk<'_>, was: &Stored, pull: Pull, event: Event, why: &str) -> Result<Stored, No> {
    let past = if event == Event::Resumed { event::of(desk.tx, &pull.id, WANTED_MAX).await? } else { Vec::new() };
    let wanted = wants_changes(past.iter().map(|past| (past.event.as_str(), past.was.as_str())));
    let now = one_step(desk, was, pull, event, why).await?;
    if !wanted {
        return Ok(now);
    }
    one_step(desk, &now, now.pull.clone(), Event::ChangesRequested, "changes were wanted of it before").await
}

/// How many events are looked at for what was wanted: more than people leave while it stands still.
const WANTED_MAX: i64 = 50;

async fn one_step(desk: &mut Desk<'_>, was: &Stored, pull: Pull, event: Event, why: &str) -> Result<Stored, No> {
    let pull = pull.step(event, why, desk.now)?;
    let states = (was.pull.state, pull.state);
    // People see it there as soon as can be.
    let shut = was.seen.shut && event != Event::Reopened;
    let seen = Seen { look_at: desk.now, shut, ..was.seen.clone() };
    let stored = store::pull::write(desk.tx, was, &pull, &seen).await?;
    let (id, by) = (desk.mint(), desk.call.by.name.clone());
    event::append(desk.tx, &id, New { pull: &pull.id, event, states, by: &by, why }).await?;
    desk.record(object(&pull), &audited(&was.pull), &audited(&pull)).await?;
    follow(desk, &was.pull, &pull, event, why).await?;
    Ok(stored)
}

/// What follows from how a pull request came to stand: what is said of another head is void, the gap moves, the next turn is
/// given out, and people are told.
async fn follow(desk: &mut Desk<'_>, was: &Pull, pull: &Pull, event: Event, why: &str) -> Result<(), No> {
    store::pull::say::give_up(desk.tx, &pull.id, pull.head().unwrap_or_default()).await?;
    turn::give_out(desk, pull).await?;
    if was.state != pull.state {
        of_gap(desk, pull, event, why).await?;
        tell(desk, pull).await?;
    }
    // A check goes with its commit, and would go on to say that it was approved.
    if was.state == State::NeedsHuman && pull.state != State::Merged && was.head() == pull.head() {
        say::withdrawn(desk, pull, why).await?;
    }
    if !pull.state.is_live() {
        say::ended(desk, pull).await?;
        store::pull::settle(desk.tx, &pull.id, desk.now).await?;
    }
    Ok(())
}

/// Lets the gap go along. Where people moved it meanwhile, their word stands.
async fn of_gap(desk: &mut Desk<'_>, pull: &Pull, event: Event, why: &str) -> Result<(), No> {
    let Some(stored) = store::gap::load(desk.tx, &pull.gap).await? else { return Ok(()) };
    let gap_event = match (pull.state.of_gap(), event) {
        // What begins anew has nothing in review.
        (_, Event::Restarted) if matches!(stored.gap.state, GapState::InReview | GapState::InProgress) => {
            domain::gap::Event::Reopened
        }
        (Some(domain::gap::Event::Failed), _) => stored.gap.failure(desk.rules.failures_max),
        (Some(event), _) => event,
        // It was left to a person, and goes on.
        (None, Event::Resumed | Event::Restarted | Event::Reopened) if stored.gap.state == GapState::RequiresHuman => {
            domain::gap::Event::Reopened
        }
        (None, _) => return Ok(()),
    };
    // A gap that nobody works on any more cannot fail.
    if stored.gap.clone().step(gap_event, desk.now).is_err() {
        return Ok(());
    }
    crate::gap::step(desk, &stored, gap_event, &format!("its pull request is {}: {why}", pull.state)).await.map(drop)
}

/// Lets the pull request of a gap end or stop, where people or its attempts settled the gap.
pub(crate) fn gap_settled<'a>(desk: &'a mut Desk<'_>, gap: &'a Gap) -> BoxFuture<'a, Result<(), No>> {
    async move {
        let event = match gap.state {
            GapState::WontFix | GapState::Duplicate | GapState::Merged | GapState::Proven => Event::Closed,
            GapState::RequiresHuman => Event::Stopped,
            GapState::Open | GapState::Planned | GapState::InProgress | GapState::InReview => return Ok(()),
        };
        let Some(was) = store::pull::live_of(desk.tx, &gap.key).await? else { return Ok(()) };
        // What waits for a person need not be stopped for one.
        let waits = event == Event::Stopped && was.pull.state.needs_person();
        if waits || was.pull.state.step(event, was.pull.reviewers).is_err() {
            return Ok(());
        }
        let why = format!("its gap is {}", gap.state);
        step(desk, &was, was.pull.clone(), event, &why).await.map(drop)
    }
    .boxed()
}

/// Tells the operator that a person is to do the next thing: once for each way to stand since it was last opened.
async fn tell(desk: &mut Desk<'_>, pull: &Pull) -> Result<(), No> {
    if !pull.state.needs_person() {
        return Ok(());
    }
    let name = name(pull);
    let text = match pull.state {
        State::Proposed => format!("{name} is to be reviewed"),
        State::NeedsHuman => format!("{name} was approved and is to be merged, or not"),
        State::NeedsVisual => format!("{name} was approved and is to be looked at: {}", pull.why),
        State::Capped => format!("{name} was revised as often as it may be, and is yours to decide"),
        State::RequiresHuman => format!("{name} stopped: {}", pull.why),
        State::Planning
        | State::Implementing
        | State::Opening
        | State::NeedsReview
        | State::ChangesRequested
        | State::Approved
        | State::WontFix
        | State::Closed
        | State::Merged => return Ok(()),
    };
    let level = if pull.state == State::RequiresHuman { Level::Warn } else { Level::Info };
    let subject = format!("pull:{}", pull.id);
    // Each turn that led there is another way to stand so.
    let kind = format!("{}.{}.{}", pull.state.name(), pull.epoch, pull.turn);
    tell_once(desk, &subject, &kind, level, text, link(pull)).await
}

/// Tells the operator something once per subject and kind.
pub(crate) async fn tell_once(
    desk: &mut Desk<'_>,
    subject: &str,
    kind: &str,
    level: Level,
    text: String,
    link: Option<String>,
) -> Result<(), No> {
    if !store::told::tell(desk.tx, subject, kind).await? {
        return Ok(());
    }
    let link = link.or_else(|| desk.rules.public_url.clone());
    let notice = Notify { channel: desk.rules.channel.clone(), level, text, link };
    let id = desk.tell(&notice).await?;
    let after = json!({"outbox": id, "about": subject, "kind": kind});
    desk.record(format!("channel:{}", notice.channel), &(), &after).await
}

/// What it is called where people read of it.
pub(crate) fn name(pull: &Pull) -> String {
    match pull.there.number {
        Some(number) => format!("{}#{number}, which closes {},", pull.repo, pull.gap),
        None => format!("the pull request that closes {}", pull.gap),
    }
}

fn link(pull: &Pull) -> Option<String> {
    Some(pull.there.url.clone()).filter(|url| !url.is_empty())
}

/// What it is called in the journal.
fn object(pull: &Pull) -> String {
    format!("pull:{}", pull.id)
}

/// A pull request as the journal keeps it: what changes.
fn audited(pull: &Pull) -> serde_json::Value {
    json!({
        "state": pull.state.name(),
        "hold": pull.hold.map(domain::pull::Hold::name),
        "number": pull.there.number,
        "head": pull.head(),
        "iteration": pull.iteration,
        "epoch": pull.epoch,
        "turn": pull.turn,
        "tokens": pull.booked.tokens,
        "micro_usd": pull.booked.micro_usd,
    })
}

/// The pull request that an agent or a person means: by its id, or by its number in the repository.
pub(crate) async fn meant(tx: &mut store::Tx, repo: Option<&str>, text: &str) -> Result<Stored, No> {
    let found = match (text.trim_start_matches('#').parse::<i64>(), repo) {
        (Ok(number), Some(repo)) => store::pull::numbered(tx, repo, number).await?,
        (Ok(_), None) | (Err(_), _) => store::pull::find(tx, text).await?,
    };
    found.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no pull request {text:?} here"))
            .field("pull")
            .hint("give its number or its id: gapwright pulls list")
            .into()
    })
}
