//! Keeps the lines of jobs in order: moves those whose time has come into the ready line, and ends claims that
//! expired. Claims find both by themselves; this keeps what they have to look through short.

use domain::agent::{Principal, Role};
use futures::FutureExt;

use crate::desk::Desk;
use crate::{Call, No, Plane};

impl Plane {
    /// One pass; returns how many jobs were moved.
    pub async fn tend_lines(&self) -> Result<u64, No> {
        let mut moved = 0;
        loop {
            let woken = self.act.act(|tx| async move { Ok(store::job::wake(tx).await?) }.boxed()).await?;
            let (chance, rules) = (self.chance.clone(), self.rules());
            let freed = self
                .act
                .act(move |tx| {
                    let (chance, rules) = (chance.clone(), std::sync::Arc::clone(&rules));
                    async move {
                        let now = tx.now();
                        free(Desk { tx, now, call: own("expire-claim"), chance, rules }).await
                    }
                    .boxed()
                })
                .await?;
            moved += woken + freed;
            if woken + freed == 0 {
                return Ok(moved);
            }
        }
    }
}

/// A call of this process's own.
pub(crate) fn own(tool: &'static str) -> Call {
    let by = Principal::local("gapwright", Role::Operator);
    Call { by, tool, request_id: String::new(), idempotency: None }
}

/// Ends claims that expired.
async fn free(mut desk: Desk<'_>) -> Result<u64, No> {
    let held = store::job::expired(desk.tx).await?;
    let count = held.len() as u64;
    for was in held {
        let step = was.clone().expire(desk.now);
        crate::job::write(&mut desk, &was, step).await?;
    }
    Ok(count)
}
