//! Says that this process is alive, and which scheduled jobs it rings.

use futures::FutureExt;

use crate::{No, Plane};

impl Plane {
    /// Refreshes this process's row among the replicas, and switches off what none of them rings.
    pub async fn tell_presence(&self) -> Result<(), No> {
        let replica = self.replica.clone();
        let rung: Vec<_> = self.settings.schedule.keys().cloned().collect();
        let rung = rung.join(",");
        self.act
            .act(move |tx| {
                let (replica, rung) = (replica.clone(), rung.clone());
                async move { Ok(store::replica::put(tx, &replica, &rung).await?) }.boxed()
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
