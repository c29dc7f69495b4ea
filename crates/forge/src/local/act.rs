//! One act: a transaction that is begun, decided, guarded and committed, or decided anew. And one look.

use std::ops::ControlFlow;

use crate::Fault;
use crate::local::refused;

/// How often an act is decided anew when somebody else wrote first. Each time somebody has got on, so more is not
/// patience but a crowd.
pub(super) const TRIES_MAX: usize = 5;

/// Why an act came to nothing.
pub(super) enum No {
    /// The forge says so.
    Said(Fault),
    /// The store failed before the commit: nothing happened.
    Store(store::Fault),
    /// The store failed at the commit.
    Commit(store::Fault),
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Said(fault)
    }
}

impl From<store::Fault> for No {
    fn from(fault: store::Fault) -> Self {
        Self::Store(fault)
    }
}

impl No {
    /// Whether the same act may succeed when it is decided anew at once. What is taken is seen to be so the next time.
    fn is_passing(&self) -> bool {
        match self {
            Self::Said(_) => false,
            Self::Store(store::Fault::Taken(_)) => true,
            Self::Store(fault) | Self::Commit(fault) => fault.is_passing(),
        }
    }
}

/// The answer, or that the act is to be decided anew, `left` times more.
pub(super) fn settled<T>(tried: Result<T, No>, left: usize) -> ControlFlow<Result<T, Fault>> {
    match tried {
        Err(no) if left > 0 && no.is_passing() => ControlFlow::Continue(()),
        tried => ControlFlow::Break(tried.map_err(Fault::from)),
    }
}

impl From<No> for Fault {
    fn from(no: No) -> Self {
        match no {
            No::Said(fault) => fault,
            No::Store(fault) => of_store(&fault),
            No::Commit(fault) if fault.is_passing() => of_store(&fault),
            No::Commit(fault) => Self::Unknown { why: fault.to_string() },
        }
    }
}

/// What a fault of the store means to whoever asked the forge for something that did not happen.
pub(super) fn of_store(fault: &store::Fault) -> Fault {
    use store::Fault as Store;
    let why = fault.to_string();
    match fault {
        Store::Unknown(_) => Fault::Unknown { why },
        Store::Conflict | Store::Busy(_) | Store::Gone(_) | Store::Full(_) | Store::Taken(_) | Store::Other(_) => {
            Fault::Later { why, after: None }
        }
        Store::Damaged(_)
        | Store::ReadOnly(_)
        | Store::NewerSchema(_)
        | Store::Schema(_)
        | Store::OldLibrary(_)
        | Store::Address
        | Store::Corrupt { .. } => refused(why, "run gapwright doctor, which tells what is wrong with the database"),
    }
}

/// Does what gives a `Result<_, No>` in one transaction, anew when somebody else wrote first; gives a
/// `Result<_, Fault>`. A macro, as no closure may lend the transaction to a future that can be sent.
macro_rules! act {
    ($local:expr, |$tx:ident| $work:expr) => {{
        let mut left = $crate::local::act::TRIES_MAX;
        loop {
            left -= 1;
            let tried = async {
                let mut begun = $local.home.store.begin().await?;
                let $tx = &mut begun;
                let done = $work.await?;
                begun.commit().await.map_err($crate::local::act::No::Commit)?;
                Ok::<_, $crate::local::act::No>(done)
            };
            match $crate::local::act::settled(Box::pin(tried).await, left) {
                std::ops::ControlFlow::Break(answer) => break answer,
                std::ops::ControlFlow::Continue(()) => {}
            }
        }
    }};
}

/// Reads what gives a `Result<_, store::Fault>` beside the writers; gives a `Result<_, Fault>`.
macro_rules! read {
    ($local:expr, |$tx:ident| $work:expr) => {{
        let read = async {
            let mut begun = $local.home.store.read().await?;
            let $tx = &mut begun;
            $work.await
        };
        Box::pin(read).await.map_err(|fault: store::Fault| $crate::local::act::of_store(&fault))
    }};
}

pub(super) use {act, read};
