//! Kill switches: switched by an operator with a reason, shown with what still runs.

use domain::agent::Right;
use domain::level;
use domain::refusal::{Code, Refusal};
use domain::switch::Scope;
use futures::FutureExt;
use serde_json::json;
use store::switch::Off;

use crate::desk::Desk;
use crate::{Call, No, Plane};

impl Plane {
    /// Switches something off; false when it was off before.
    pub async fn turn_off(&self, call: &Call, scope: Scope, reason: &str) -> Result<bool, No> {
        let reason = level::reason(reason)?;
        self.write(call, Right::Operate, move |desk| off(desk, scope.clone(), reason.clone()).boxed()).await
    }

    /// Switches something on again; false when it was on.
    pub async fn turn_on(&self, call: &Call, scope: Scope) -> Result<bool, No> {
        let done = self.write(call, Right::Operate, move |desk| on(desk, scope.clone()).boxed()).await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }

    /// What is switched off, and what still runs.
    pub async fn list_switches(&self, call: &Call) -> Result<(Vec<Off>, Vec<store::job::turn::Held>), No> {
        let mut tx = self.read(call).await?;
        let off = store::switch::all(&mut tx).await?;
        let held = store::job::turn::held(&mut tx, HELD_SHOWN).await?;
        Ok((off, held))
    }
}

/// How many jobs that still run are shown.
const HELD_SHOWN: i64 = 200;

async fn off(desk: &mut Desk<'_>, scope: Scope, reason: String) -> Result<bool, No> {
    if store::switch::all(desk.tx).await?.len() >= usize::try_from(store::switch::SWITCHES_MAX).unwrap_or(usize::MAX) {
        return Err(Refusal::new(Code::WrongState, "so much is switched off that there is no room for more")
            .hint("switch all off instead")
            .into());
    }
    let by = desk.call.by.name.clone();
    let done = store::switch::put(desk.tx, &scope, &by, &reason).await?;
    if done {
        desk.record(format!("switch:{scope}"), &json!({"on": true}), &json!({"on": false, "reason": reason})).await?;
    }
    Ok(done)
}

async fn on(desk: &mut Desk<'_>, scope: Scope) -> Result<bool, No> {
    let done = store::switch::remove(desk.tx, &scope).await?;
    if done {
        desk.record(format!("switch:{scope}"), &json!({"on": false}), &json!({"on": true})).await?;
    }
    Ok(done)
}
