//! Says that this process is alive, which scheduled jobs it rings and which Routines it expects.

use futures::FutureExt;

use crate::{No, Plane};

impl Plane {
    /// Refreshes this process's row among the replicas, and switches off what none of them rings.
    pub async fn tell_presence(&self) -> Result<(), No> {
        let (replica, settings) = (self.replica.clone(), self.settings.clone());
        self.act
            .act(move |tx| {
                let (replica, settings) = (replica.clone(), settings.clone());
                async move {
                    let rings: Vec<_> = settings.schedule.keys().map(String::as_str).collect();
                    let watches: Vec<_> = settings.watch.iter().map(|watch| watch.routine.as_str()).collect();
                    Ok(store::replica::put(tx, &replica, &rings, &watches).await?)
                }
                .boxed()
            })
            .await?;
        self.switch_off().await
    }

    /// Takes this process off the list, because it ends.
    pub async fn tell_absence(&self) -> Result<(), No> {
        let replica = self.replica.clone();
        self.act
            .act(move |tx| {
                let replica = replica.clone();
                async move { Ok(store::replica::remove(tx, &replica).await?) }.boxed()
            })
            .await
    }
}
