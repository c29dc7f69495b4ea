//! Opening a pull request: written down, asked for once, found again by its branch.

use domain::notice::Level;
use domain::pull::Event;
use forge::{AccountKind, NewPull, Pull as There};
use futures::FutureExt;
use store::pull::Stored;
use store::pull::say::Say;
use store::seeded::bug;

use crate::desk::Desk;
use crate::mirror::{Failed, Home};
use crate::pull::say::marker;
use crate::pull::{name, step, tell_once};
use crate::tend::own;
use crate::{No, Plane};

impl Plane {
    /// Opens one, unless it is there already.
    pub(super) async fn open_pull(&self, home: &Home, stored: &Stored, title: &str, body: &str) -> Result<(), Failed> {
        if !bug("open-pull-again") && self.find_opened(home, stored).await? {
            return Ok(());
        }
        let Some(change) = &stored.pull.change else { return Err(store::Fault::Conflict.into()) };
        let new = NewPull {
            title: title.to_owned(),
            body: body.to_owned(),
            head: change.branch.clone(),
            base: change.onto.clone(),
            draft: false,
        };
        let there = home.forge.open_pull(&new).await?;
        Ok(self.opened(&stored.pull.id, there).await?)
    }

    /// Looks whether it is there, by its branch and its marker, and takes it in where it is.
    pub(super) async fn find_opened(&self, home: &Home, stored: &Stored) -> Result<bool, Failed> {
        if stored.pull.there.number.is_some() {
            return Ok(true);
        }
        let Some(change) = &stored.pull.change else { return Ok(false) };
        let marker = marker(&stored.pull.id);
        let found = home.forge.pulls_by_head(&change.branch).await?;
        let ours =
            found.into_iter().rfind(|there| there.author.kind == AccountKind::Us && there.body.contains(&marker));
        match ours {
            None => Ok(false),
            Some(there) => {
                self.opened(&stored.pull.id, there).await?;
                Ok(true)
            }
        }
    }

    async fn opened(&self, id: &str, there: There) -> Result<(), No> {
        let id = id.to_owned();
        self.at_desk(own("open-pull"), move |desk| opened(desk, id.clone(), there.clone()).boxed()).await
    }

    /// Takes in that the forge would not open one.
    pub(super) async fn not_opened(&self, id: &str, why: &str) -> Result<(), No> {
        let (id, why) = (id.to_owned(), format!("the forge would not open it: {why}"));
        self.at_desk(own("open-pull"), move |desk| {
            let (id, why) = (id.clone(), why.clone());
            async move {
                let Some(was) = store::pull::load(desk.tx, &id).await? else { return Ok(()) };
                if was.pull.state.step(Event::Stopped, was.pull.reviewers).is_err() {
                    return Ok(());
                }
                step(desk, &was, was.pull.clone(), Event::Stopped, &why).await.map(drop)
            }
            .boxed()
        })
        .await
    }

    /// Tells the operator of something of which nobody can tell whether it was made.
    pub(super) async fn tell_unknown(&self, stored: &Stored, say: &Say) -> Result<(), No> {
        let (pull, say) = (stored.pull.clone(), say.clone());
        self.at_desk(own("watch-pulls"), move |desk| {
            let (pull, say) = (pull.clone(), say.clone());
            async move {
                let text = format!(
                    "whether a {} was made on {} is not known, and it is not tried again: look there, and then gapwright pulls \
                     release {}",
                    say.what,
                    name(&pull),
                    say.id
                );
                tell_once(desk, &format!("pull:{}", pull.id), &say.id, Level::Warn, text, None).await
            }
            .boxed()
        })
        .await
    }
}

async fn opened(desk: &mut Desk<'_>, id: String, there: There) -> Result<(), No> {
    let Some(was) = store::pull::load(desk.tx, &id).await? else { return Ok(()) };
    if was.pull.there.number.is_some() {
        return Ok(());
    }
    let mut pull = was.pull.clone();
    pull.there.number = Some(there.number);
    pull.there.url = there.url;
    let why = format!("it is number {}", there.number);
    if pull.state.step(Event::Opened, pull.reviewers).is_err() {
        // It ended or stopped meanwhile; that it is there is known all the same.
        store::pull::write(desk.tx, &was, &pull, &was.seen).await?;
        return Ok(());
    }
    step(desk, &was, pull, Event::Opened, &why).await.map(drop)
}
