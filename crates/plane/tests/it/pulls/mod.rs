//! Pull requests of the pipeline, on both homes: real git, a real broker, and GitHub over real HTTP.

mod broken;
mod by_hand;
mod down;
pub(crate) mod ground;
mod hands_off;
mod judged;
mod limits;
mod people;
mod rounds;
mod told;
mod trouble;
mod whole;

/// A case at the level pipeline: on GitHub over Postgres, and on the local home over SQLite.
macro_rules! pulls {
    ($name:ident, async |$ground:ident| $case:block) => {
        async fn $name($ground: &mut crate::pulls::ground::Ground<'_>) $case

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let kind = crate::home::Kind::GitHub;
                crate::pulls::examine(harness::On::Postgres, kind, async |ground| super::$name(ground).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let kind = crate::home::Kind::Local;
                crate::pulls::examine(harness::On::Sqlite, kind, async |ground| super::$name(ground).await).await;
            }
        }
    };
}

/// The same on both homes and both engines.
macro_rules! everywhere {
    ($name:ident, async |$ground:ident| $case:block) => {
        async fn $name($ground: &mut crate::pulls::ground::Ground<'_>) $case

        mod $name {
            mod github {
                crate::pulls::engines!(GitHub, super::super::$name);
            }
            mod local {
                crate::pulls::engines!(Local, super::super::$name);
            }
        }
    };
}

/// The same on GitHub alone.
macro_rules! only_github {
    ($name:ident, async |$ground:ident| $case:block) => {
        async fn $name($ground: &mut crate::pulls::ground::Ground<'_>) $case

        mod $name {
            crate::pulls::engines!(GitHub, super::$name);
        }
    };
}

macro_rules! engines {
    ($kind:ident, $case:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn sqlite() {
            crate::pulls::examine(harness::On::Sqlite, crate::home::Kind::$kind, async |ground| $case(ground).await)
                .await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            crate::pulls::examine(harness::On::Postgres, crate::home::Kind::$kind, async |ground| $case(ground).await)
                .await;
        }
    };
}

pub(crate) use {engines, everywhere, only_github, pulls};

/// Holds a case in a fresh world, and checks every invariant at its end.
pub(crate) async fn examine(on: harness::On, kind: crate::home::Kind, case: impl AsyncFnOnce(&mut ground::Ground<'_>)) {
    let world = harness::World::new(on).await;
    let mut ground = ground::Ground::new(&world, kind).await;
    Box::pin(case(&mut ground)).await;
    drop(ground);
    world.check().await;
    world.discard().await;
}
