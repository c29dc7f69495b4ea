//! People who sign in to the page with a token, and out again.

use domain::agent::Principal;
use domain::refusal::{Code, Refusal};
use domain::session;
use domain::time::Time;
use futures::FutureExt;
use serde_json::json;

use crate::desk::Desk;
use crate::{Call, No, Plane};

/// Somebody who has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub by: Principal,
    /// What their cookie is to hold; kept nowhere.
    pub secret: String,
    /// Until when, by the store's clock.
    pub until: Time,
}

impl Plane {
    /// Lets whoever shows a token sign in.
    pub async fn sign_in(&self, token: &str, request_id: String) -> Result<SignedIn, No> {
        let by = self.authenticate(token).await?;
        session::may_sign_in(&by)?;
        let secret = session::secret((self.draw(), self.draw()));
        let id = session::id_of(&secret).unwrap_or_default();
        let call = Call { by: by.clone(), tool: "sign-in", request_id, idempotency: None };
        let until = self.at_desk(call, move |desk| begin(desk, id.clone()).boxed()).await?;
        Ok(SignedIn { by, secret, until })
    }

    /// Who shows a secret, if they are signed in, and what time it is.
    pub async fn signed_in(&self, secret: &str) -> Result<Option<(Principal, Time)>, No> {
        let Some(id) = session::id_of(secret) else { return Ok(None) };
        let mut tx = self.store.glance().await?;
        let token = store::session::token_of(&mut tx, &id).await?;
        Ok(token.map(|token| token.principal()).transpose()?.map(|by| (by, tx.now())))
    }

    /// Signs somebody out who shows a secret; nothing happens where they are not in.
    pub async fn sign_out(&self, by: Principal, secret: &str, request_id: String) -> Result<(), No> {
        let Some(id) = session::id_of(secret) else { return Ok(()) };
        let call = Call { by, tool: "sign-out", request_id, idempotency: None };
        self.at_desk(call, move |desk| end(desk, id.clone()).boxed()).await
    }

    /// What time it is, by the store's clock.
    pub async fn now(&self) -> Result<Time, No> {
        Ok(self.store.glance().await?.now())
    }
}

async fn begin(desk: &mut Desk<'_>, id: String) -> Result<Time, No> {
    let token = desk.call.by.token.clone();
    let found = store::agent::find(desk.tx, &token).await?;
    let ends = found.map(|token| Time(token.expires_at)).ok_or_else(|| {
        Refusal::new(Code::Unauthenticated, "the token is unknown here").hint("ask the operator for a new one")
    })?;
    let until = (desk.now + session::LIFE).min(ends);
    store::session::add(desk.tx, &id, &token, until).await?;
    desk.record(format!("session:{token}"), &(), &json!({"until": until.iso()})).await?;
    Ok(until)
}

async fn end(desk: &mut Desk<'_>, id: String) -> Result<(), No> {
    if store::session::remove(desk.tx, &id).await? {
        desk.record(format!("session:{}", desk.call.by.token), &(), &json!({"ended": true})).await?;
    }
    Ok(())
}
