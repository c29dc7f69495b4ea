//! Taking gaps up: from the level propose on, the highest-ranking ones that agents may work on, as many at once as may be.

use domain::gap::Key;
use domain::level::Level;
use domain::pull::{Event, Pull, Reviewers};
use futures::FutureExt;
use store::pull::event::{self, New};

use super::{audited, object, turn};
use crate::desk::Desk;
use crate::tend::own;
use crate::{No, Plane};

/// How many gaps are looked at in one pass.
const GAPS_AT_ONCE: i64 = 50;

impl Plane {
    /// One pass; gives how many pull requests began.
    pub async fn tend_pulls(&self) -> Result<usize, No> {
        // What nobody could hand in is not begun.
        let home = self.settings.home.as_ref().filter(|home| home.broker.is_some());
        let Some(repo) = home.map(|home| home.repo.clone()) else { return Ok(0) };
        let mut tx = self.store.read().await?;
        let (level, _) = store::level::current(&mut tx).await?;
        let room = self.rules().pulls_max - store::pull::count_live(&mut tx).await?;
        let free = if level.reaches_out() && room > 0 {
            store::gap::untaken(&mut tx, GAPS_AT_ONCE).await?
        } else {
            Vec::new()
        };
        drop(tx);
        let mut begun = 0;
        for key in free {
            if begun >= usize::try_from(room).unwrap_or(0) {
                break;
            }
            begun += usize::from(self.begin(&repo, &key).await?);
        }
        Ok(begun)
    }

    async fn begin(&self, repo: &str, key: &Key) -> Result<bool, No> {
        let (chance, rules) = (self.chance.clone(), self.rules());
        let (repo, key) = (repo.to_owned(), key.clone());
        let begun = self.act.act(move |tx| {
            let (chance, rules) = (chance.clone(), std::sync::Arc::clone(&rules));
            let (repo, key) = (repo.clone(), key.clone());
            async move {
                let now = tx.now();
                begin(&mut Desk { tx, now, call: own("take-up"), chance, rules }, repo, key).await
            }
            .boxed()
        });
        begun.await
    }
}

/// Takes a gap up, unless something stands in the way or there is no room any more.
async fn begin(desk: &mut Desk<'_>, repo: String, key: Key) -> Result<bool, No> {
    if store::switch::covering(desk.tx, "planner", Some(&repo)).await?.is_some() {
        return Ok(false);
    }
    let Some(stored) = store::gap::load(desk.tx, &key).await? else { return Ok(false) };
    if crate::gap::unworkable(desk, &stored.gap).await?.is_some() || store::job::turn::works_on(desk.tx, &key).await? {
        return Ok(false);
    }
    if store::pull::count_live(desk.tx).await? >= desk.rules.pulls_max {
        return Ok(false);
    }
    let (level, _) = store::level::current(desk.tx).await?;
    let reviewers = if level >= Level::Pipeline { Reviewers::Bots } else { Reviewers::People };
    let nth = store::pull::count_of(desk.tx, &key).await? + 1;
    let pull = Pull::begin(desk.mint(), key, nth, repo, reviewers, desk.now);
    if !store::pull::add(desk.tx, &pull).await? {
        return Ok(false);
    }
    let (id, by) = (desk.mint(), desk.call.by.name.clone());
    let states = (pull.state, pull.state);
    let new = New { pull: &pull.id, event: Event::Restarted, states, by: &by, why: &pull.why };
    event::append(desk.tx, &id, new).await?;
    desk.record(object(&pull), &(), &audited(&pull)).await?;
    turn::give_out(desk, &pull).await?;
    Ok(true)
}
