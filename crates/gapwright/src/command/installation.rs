//! What the page tells of this program: its settings with their origins, and what the doctor finds.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use server::{Check, Installation, Setting};

use super::doctor;
use crate::config::{Config, Origin};

/// This program, with the settings that it was started with.
#[derive(Debug)]
pub(super) struct Itself(Config);

impl Itself {
    pub(super) fn new(config: &Config) -> Self {
        Self(config.clone())
    }
}

impl Installation for Itself {
    fn settings(&self) -> Vec<Setting> {
        let shown = self.0.leaves.iter().map(|leaf| Setting {
            key: leaf.key(),
            value: leaf.shown().to_string(),
            origin: leaf.origin.to_string(),
            is_default: leaf.origin == Origin::Default,
        });
        shown.collect()
    }

    fn doctor(&self) -> BoxFuture<'_, Vec<Check>> {
        doctor::for_page(&self.0).boxed()
    }
}
