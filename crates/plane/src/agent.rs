//! Tokens: making, listing, revoking, and knowing the caller by one.

use domain::agent::{self, CLAIM_TOKEN_LIFE_MAX, Minted, Principal, Right, Role, TOKEN_LIFE_MAX};
use domain::id;
use domain::job::{CANARY, Pointer};
use domain::pull::Stage;
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use futures::FutureExt;
use serde_json::json;
use store::agent::Token;

use crate::desk::Desk;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// Whom the tokens stand for with which the doctor asks a server.
pub const DOCTOR: &str = "gapwright-doctor";

/// What a new token is to be good for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whom it stands for.
    pub principal: String,
    /// In what role.
    pub role: Role,
    /// The only kinds of job it may claim; empty for all.
    pub kinds: Vec<String>,
    /// For how long.
    pub life: Span,
}

impl Plane {
    /// Makes a token. Its text is answered here and never again.
    pub async fn create_token(&self, call: &Call, grant: Grant) -> Result<(String, Token), No> {
        id::name("name", &grant.principal)?;
        for kind in &grant.kinds {
            id::name("kind", kind)?;
            if kind.contains(',') {
                return Err(Refusal::invalid("kind", "kind has a comma").hint("name each kind by itself").into());
            }
        }
        if grant.life < Span::secs(1) || grant.life > TOKEN_LIFE_MAX {
            return Err(Refusal::invalid("ttl", format!("a token cannot live for {}", grant.life))
                .hint("give 1 second to ten years, such as 90d")
                .into());
        }
        // The secret is drawn before the command, so that a command decided anew does not make another.
        let random = (self.draw(), self.draw());
        self.write(call, Right::Operate, move |desk| create(desk, grant.clone(), random).boxed())
            .await
            .map(|token| (agent::mint_token(domain::time::Time(token.created_at), random).text, token))
    }

    /// Makes a token for the claim that the caller holds, and for nothing else: for the agent that it lets work. It opens
    /// only what the work of that job needs, and ends with the claim, or after 24 hours. Where the caller meters what the
    /// agent spends, `metered`, the agent's own word on that is not taken.
    pub async fn delegate_claim(&self, call: &Call, claim_id: &str, metered: bool) -> Result<(String, Token), No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let random = (self.draw(), self.draw());
        let token =
            self.write(call, Right::Work, move |desk| delegate(desk, claim_id.clone(), metered, random).boxed());
        let token = token.await?;
        let minted = agent::mint_token(domain::time::Time(token.created_at), random);
        if minted.id != token.id {
            // The same key once more: that token is in force, and its text was kept nowhere.
            return Err(Refusal::new(
                Code::AlreadyExists,
                format!("the token {} was made, and is shown once", token.id),
            )
            .field("idempotency_key")
            .hint("call again without the key, or under another, for one more")
            .into());
        }
        Ok((minted.text, token))
    }

    /// Tokens in the order of their making.
    pub async fn list_tokens(&self, call: &Call, ask: &Ask) -> Result<Page<Token>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let tokens = store::agent::list(&mut tx, &after, ask.rows()).await?;
        Ok(ask.page(tokens, |token| (0, token.id.clone())))
    }

    /// One token.
    pub async fn show_token(&self, call: &Call, id: &str) -> Result<Token, No> {
        call.by.require(Right::Operate, call.tool)?;
        let id = id::opaque("id", id)?;
        let mut tx = self.read(call).await?;
        Ok(store::agent::find(&mut tx, &id).await?.ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("there is no token {id}")).hint("see gapwright token list --all")
        })?)
    }

    /// The same without those that are revoked or have expired.
    pub async fn list_tokens_in_force(&self, call: &Call, ask: &Ask) -> Result<Page<Token>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let now = tx.now();
        let tokens = store::agent::list_in_force(&mut tx, &after, now, ask.rows()).await?;
        Ok(ask.page(tokens, |token| (0, token.id.clone())))
    }

    /// Revokes a token for ever. A server that has just seen it may take it for 2 s more.
    pub async fn revoke_token(&self, call: &Call, id: &str) -> Result<(), No> {
        let id = id::opaque("id", id)?;
        self.write(call, Right::Operate, move |desk| revoke(desk, id.clone()).boxed()).await
    }

    /// Whether any token was ever made here for somebody: those that this program makes for itself do not count.
    pub async fn has_tokens(&self) -> Result<bool, No> {
        Ok(store::agent::any(&mut self.store.glance().await?, [CANARY, DOCTOR]).await?)
    }

    /// Who shows this token.
    pub async fn authenticate(&self, text: &str) -> Result<Principal, No> {
        let (id, hash) = agent::read_token(text)?;
        let mut tx = self.store.glance().await?;
        let token = store::agent::find(&mut tx, &id).await?;
        let unknown = |why: &str| {
            Refusal::new(Code::Unauthenticated, format!("the bearer token is {why}"))
                .hint("ask the operator for a new one: gapwright token create")
        };
        let token = token.filter(|token| same(&token.hash, &hash)).ok_or_else(|| unknown("unknown here"))?;
        if token.revoked_at.is_some() {
            return Err(unknown("revoked").into());
        }
        if tx.now().0 >= token.expires_at {
            return Err(unknown("expired").into());
        }
        Ok(token.principal()?)
    }
}

/// Compares two hashes in a time that does not depend on where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn create(desk: &mut Desk<'_>, grant: Grant, random: (u128, u128)) -> Result<Token, No> {
    let Minted { id, hash, .. } = agent::mint_token(desk.now, random);
    let token = Token {
        id,
        hash,
        principal: grant.principal,
        role: grant.role.name().to_owned(),
        kinds: grant.kinds.join(","),
        created_at: desk.now.0,
        created_by: desk.call.by.name.clone(),
        expires_at: (desk.now + grant.life).0,
        revoked_at: None,
        root: String::new(),
        claim_id: None,
        metered: 0,
    };
    store::agent::add(desk.tx, &token).await?;
    let after =
        json!({"principal": token.principal, "role": token.role, "kinds": token.kinds, "expires_at": token.expires_at});
    desk.record(format!("token:{}", token.id), &(), &after).await?;
    Ok(token)
}

async fn delegate(desk: &mut Desk<'_>, claim_id: String, metered: bool, random: (u128, u128)) -> Result<Token, No> {
    let stale = |why: &str| {
        Refusal::new(Code::StaleClaim, format!("the claim is not the current one: {why}"))
            .field("claim_id")
            .hint("claim the job again")
    };
    let found = store::job::by_claim(desk.tx, &claim_id).await?;
    let job = found.ok_or_else(|| stale("stale_claim"))?;
    let at = Pointer::Claim(claim_id.clone());
    job.current(&desk.call.by, &at, desk.now).map_err(|why| stale(why.name()))?;
    // What works in a stage hands in for that stage, whoever claimed it.
    let stage = job.pull.as_ref().and_then(|_| Stage::parse(&job.kind));
    let role = stage.map_or(desk.call.by.role, Stage::role);
    let Minted { id, hash, .. } = agent::mint_token(desk.now, random);
    let token = Token {
        id,
        hash,
        principal: desk.call.by.name.clone(),
        role: role.name().to_owned(),
        kinds: job.kind.clone(),
        created_at: desk.now.0,
        created_by: desk.call.by.name.clone(),
        expires_at: (desk.now + CLAIM_TOKEN_LIFE_MAX).0,
        revoked_at: None,
        root: desk.call.by.lineage.clone(),
        claim_id: Some(claim_id),
        metered: i64::from(metered),
    };
    store::agent::add(desk.tx, &token).await?;
    let after =
        json!({"principal": token.principal, "role": token.role, "job": job.name, "expires_at": token.expires_at});
    desk.record(format!("token:{}", token.id), &(), &after).await?;
    Ok(token)
}

async fn revoke(desk: &mut Desk<'_>, id: String) -> Result<(), No> {
    if !store::agent::revoke(desk.tx, &id, desk.now).await? {
        return Err(Refusal::new(Code::NotFound, format!("no token {id} is in force"))
            .hint("see gapwright token list")
            .into());
    }
    desk.record(format!("token:{id}"), &(), &json!({"revoked": true})).await
}
