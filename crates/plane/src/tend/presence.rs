//! Says that this process is alive, and which handlers it has.

use futures::FutureExt;

use crate::handler::NAMES;
use crate::{No, Plane};

impl Plane {
    /// Refreshes this process's row among the replicas.
    pub async fn tell_presence(&self) -> Result<(), No> {
        let replica = self.replica.clone();
        self.act
            .act(move |tx| {
                let replica = replica.clone();
                async move { Ok(store::replica::put(tx, &replica, &NAMES.join(",")).await?) }.boxed()
            })
            .await
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
