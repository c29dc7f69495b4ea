//! Routine jobs as people look for them: by state in the order of that state, by the beginning of a name, of a kind or of
//! somebody. Each look is a walk along an index from where the last one ended.

use domain::id;
use domain::job::{Job, State};

use super::list::{Listed, ListedRow, listed};
use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// How many jobs with a name that begins so are looked at for one page, whatever else they must be.
const LOOKED_AT_MAX: i64 = 2_000;

/// The last that a name can go on with.
const LAST_CHAR: &str = "\u{10ffff}";

/// The jobs of one state by one moment of theirs.
macro_rules! by_time {
    ($state:literal, $column:literal, $more:literal) => {
        concat!(
            "SELECT ",
            listed!(),
            " FROM job WHERE state = '",
            $state,
            "' AND ",
            $column,
            " >= $1 AND (",
            $column,
            ", name) > ($1, $2)",
            $more,
            " ORDER BY ",
            $column,
            ", name LIMIT $3"
        )
    };
}

/// A page of what could be claimed, after a place: the rest of its moment, the rest of its priority, and the priorities below, each
/// walked from where it begins.
macro_rules! ready {
    ($more:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM (",
            ready!(" AND priority = $4 AND next_run_at = $1 AND name > $2", $more, "name"),
            ") AS same UNION ALL SELECT * FROM (",
            ready!(" AND priority = $4 AND next_run_at > $1", $more, "next_run_at, name"),
            ") AS later UNION ALL SELECT * FROM (",
            ready!(" AND priority < $4", $more, "priority DESC, next_run_at, name"),
            ") AS lower) AS line ORDER BY priority DESC, next_run_at, name LIMIT $3"
        )
    };
    ($place:literal, $more:literal, $order:literal) => {
        concat!(
            "SELECT ",
            listed!(),
            " FROM job WHERE state = 'ready'",
            $place,
            $more,
            " ORDER BY ",
            $order,
            " LIMIT $3"
        )
    };
}

/// What is never due by itself stands at the end of time.
macro_rules! idle {
    ($more:literal) => {
        concat!(
            "SELECT ",
            listed!(),
            " FROM job WHERE COALESCE(next_run_at, 9223372036854775807) = 9223372036854775807 AND name > $1 AND state = 'idle'",
            $more,
            " ORDER BY name LIMIT $2"
        )
    };
}

/// What failed at last, and neither gave up nor is due again.
macro_rules! failing {
    () => {
        "state IN ('idle', 'waiting') AND SUBSTR(last_status, 1, 2) <> 'ok' AND SUBSTR(last_status, 1, 8) <> 'deferred'"
    };
}

statements! {
    READY = ready!("");
    READY_OF_KIND = ready!(" AND kind = $5");
    WAITING = by_time!("waiting", "next_run_at", "");
    WAITING_OF_KIND = by_time!("waiting", "next_run_at", " AND kind = $4");
    HELD = by_time!("held", "expires_at", "");
    HELD_OF_KIND = by_time!("held", "expires_at", " AND kind = $4");
    HELD_BY = by_time!("held", "expires_at", " AND principal = $4 AND ($5 = '' OR kind = $5)");
    IDLE = idle!("");
    IDLE_OF_KIND = idle!(" AND kind = $3");
    DEAD = concat!("SELECT ", listed!(), " FROM job
            WHERE state = 'dead' AND COALESCE(last_run_at, created_at) <= $1
              AND (COALESCE(last_run_at, created_at), name) < ($1, $2) AND ($4 = '' OR kind = $4)
            ORDER BY COALESCE(last_run_at, created_at) DESC, name DESC LIMIT $3");
    FAILING = concat!("SELECT ", listed!(), " FROM job
            WHERE ", failing!(), " AND last_run_at <= $1 AND (last_run_at, name) < ($1, $2) AND ($4 = '' OR kind = $4)
            ORDER BY last_run_at DESC, name DESC LIMIT $3");
    NAMED = concat!("SELECT ", listed!(), " FROM job
             WHERE name IN (SELECT name FROM job WHERE name >= $1 AND name < $2 AND name > $3 ORDER BY name LIMIT $7)
               AND ($4 = '' OR state = $4 OR ($4 = 'failing' AND ", failing!(), ")) AND ($5 = '' OR kind = $5)
               AND ($8 = '' OR (state = 'held' AND principal = $8)) ORDER BY name LIMIT $6");
    NAMED_END = "SELECT name FROM job WHERE name >= $1 AND name < $2 AND name > $3 ORDER BY name LIMIT 1 OFFSET $4";
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Only those that stand so: `ready`, `waiting`, `held`, `idle` or `dead`.
    pub state: Option<Stands>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those whose name begins so.
    pub name: Option<String>,
    /// Only those at work that this principal holds.
    pub holder: Option<String>,
}

impl Look {
    /// In the order of which state they come: who is looked for holds what is at work.
    fn order(&self) -> Option<Stands> {
        if self.holder.is_some() { Some(Stands::Held) } else { self.state }
    }
}

/// How a job stands, without what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Could be claimed.
    Ready,
    /// Due later.
    Waiting,
    /// At work.
    Held,
    /// Not due by itself.
    Idle,
    /// Gave up.
    Dead,
    /// Its last run was no success, and it neither gave up nor is due again: whatever else it does.
    Failing,
}

impl Stands {
    /// Every way to stand, in the order in which people ask.
    pub const ALL: [Self; 6] = [Self::Ready, Self::Held, Self::Waiting, Self::Idle, Self::Dead, Self::Failing];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Idle => "idle",
            Self::Dead => "dead",
            Self::Failing => "failing",
        }
    }

    /// Whether a job stands so.
    pub fn fits(self, job: &Job) -> bool {
        if self == Self::Failing { job.is_failing() } else { self == Self::of(&job.state) }
    }

    /// How a job stands.
    pub const fn of(state: &State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Waiting => Self::Waiting,
            State::Ready => Self::Ready,
            State::Held(_) => Self::Held,
            State::Dead => Self::Dead,
        }
    }
}

/// A place in a look: a number of the state's order, another, and a name.
pub type Place = (i64, i64, String);

/// What was found, and whether more may come after a name though nothing more was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The jobs.
    pub jobs: Vec<Listed>,
    /// The last name that was looked at, where the look ended before the names did.
    pub looked_to: Option<String>,
}

/// The place of a job in the order of a look.
pub fn place(look: &Look, listed: &Listed) -> Place {
    let job = &listed.job;
    let due = job.next_run_at.map_or(i64::MAX, |at| at.0);
    let at = match (&look.name, look.order()) {
        (Some(_), _) | (None, Some(Stands::Idle)) => 0,
        (None, None | Some(Stands::Ready | Stands::Waiting)) => due,
        (None, Some(Stands::Held)) => match &job.state {
            State::Held(claim) => claim.expires_at.0,
            State::Idle | State::Waiting | State::Ready | State::Dead => 0,
        },
        (None, Some(Stands::Dead | Stands::Failing)) => job.last.as_ref().map_or(job.created_at, |last| last.at).0,
    };
    (at, job.priority, job.name.clone())
}

/// Where a look begins.
pub fn first(look: &Look) -> Place {
    match (&look.name, look.order()) {
        (None, Some(Stands::Dead | Stands::Failing)) => (i64::MAX, 0, String::new()),
        (
            _,
            Some(Stands::Ready | Stands::Waiting | Stands::Held | Stands::Idle | Stands::Dead | Stands::Failing) | None,
        ) => (i64::MIN, i64::MAX, String::new()),
    }
}

/// A page of a look, after a place. Without a state, a holder or a name it is the list by due time, which is not this one's.
pub async fn look(tx: &mut Tx, look: &Look, after: &Place, limit: i64) -> Result<Found, Fault> {
    if let Some(name) = &look.name {
        return named(tx, look, name, &after.2, limit).await;
    }
    let (at, priority, name, limit) = (Int(after.0), Int(after.1), Text(&after.2), Int(limit));
    let kind = look.kind.as_deref();
    let rows: Vec<ListedRow> = match (look.state, kind, look.holder.as_deref()) {
        (_, _, Some(holder)) => tx.all(HELD_BY, &[at, name, limit, Text(holder), Text(kind.unwrap_or(""))]).await?,
        (Some(Stands::Ready), None, _) => tx.all(READY, &[at, name, limit, priority]).await?,
        (Some(Stands::Ready), Some(kind), _) => tx.all(READY_OF_KIND, &[at, name, limit, priority, Text(kind)]).await?,
        (Some(Stands::Waiting), None, _) => tx.all(WAITING, &[at, name, limit]).await?,
        (Some(Stands::Waiting), Some(kind), _) => tx.all(WAITING_OF_KIND, &[at, name, limit, Text(kind)]).await?,
        (Some(Stands::Held) | None, None, _) => tx.all(HELD, &[at, name, limit]).await?,
        (Some(Stands::Held) | None, Some(kind), _) => tx.all(HELD_OF_KIND, &[at, name, limit, Text(kind)]).await?,
        (Some(Stands::Idle), None, _) => tx.all(IDLE, &[name, limit]).await?,
        (Some(Stands::Idle), Some(kind), _) => tx.all(IDLE_OF_KIND, &[name, limit, Text(kind)]).await?,
        (Some(Stands::Failing), kind, _) => tx.all(FAILING, &[at, name, limit, Text(kind.unwrap_or(""))]).await?,
        (Some(Stands::Dead), kind, _) => tx.all(DEAD, &[at, name, limit, Text(kind.unwrap_or(""))]).await?,
    };
    let jobs = rows.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?;
    Ok(Found { jobs, looked_to: None })
}

async fn named(tx: &mut Tx, look: &Look, prefix: &str, after: &str, limit: i64) -> Result<Found, Fault> {
    // Behind whatever begins so: no name is as long.
    let end = format!("{prefix}{}", LAST_CHAR.repeat(id::NAME_CHARS_MAX + 1));
    let (from, to, after) = (Text(prefix), Text(&end), Text(after));
    let state = Text(look.state.map_or("", Stands::name));
    let holder = Text(look.holder.as_deref().unwrap_or(""));
    let kind = Text(look.kind.as_deref().unwrap_or(""));
    let rows: Vec<ListedRow> =
        tx.all(NAMED, &[from, to, after, state, kind, Int(limit), Int(LOOKED_AT_MAX), holder]).await?;
    let jobs: Vec<Listed> = rows.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?;
    let full = i64::try_from(jobs.len()).is_ok_and(|found| found >= limit);
    let last: Option<(String,)> =
        if full { None } else { tx.one(NAMED_END, &[from, to, after, Int(LOOKED_AT_MAX - 1)]).await? };
    Ok(Found { jobs, looked_to: last.map(|(name,)| name) })
}
