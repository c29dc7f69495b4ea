//! A local forge with real git below a folder, as the home of a plane, and what a person does there.

use std::path::Path;
use std::sync::Arc;

use domain::time::Span;
use forge::broker::{Broker, Settings as Bounds};
use forge::local::{Local, Settings};
use forge::{Forge, Label};
use plane::mirror::Home;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::World;

/// A local forge of this name whose branches are in `home.git` below a folder.
pub async fn forge(world: &World, folder: &Path, name: &str) -> Local {
    let place = Settings { name: name.to_owned(), repository: Some(folder.join("home.git")) };
    let local = Local::new(world.store().clone(), place, StdRng::seed_from_u64(7)).expect("a home");
    local.bare().await.expect("a repository");
    local
}

/// The home of a plane at a repository of a forge that is read so often, with a broker below a folder.
pub async fn home(forge: Arc<dyn Forge>, folder: &Path, (repo, poll): (&str, Span)) -> Home {
    let broker = Broker::open(&folder.join("broker.git"), Bounds::default()).await.expect("a broker");
    Home { forge, repo: repo.to_owned(), poll, open_max: 50, sweep_max: 10, broker: Some(broker), webhook_secret: None }
}

/// A person puts a label on an issue or pull request.
pub async fn label(local: &Local, who: &str, number: i64, name: &str) {
    local.make_label(&Label::plain(name)).await.expect("a label");
    local.acting(who).expect("a person").add_label(number, name).await.expect("a label on it");
}
