//! For tests only: real engines, a clock to turn by hand, processes to kill, a real Chromium, and a Discord and a GitHub
//! over real HTTP.
//!
//! Nothing of ours is faked here. A [`plane::World`] is the plane itself on a real SQLite or a real Postgres; only the
//! world outside (a chat service) is a stand-in, and it is spoken to through a socket. Every [`both!`] exam ends with
//! [`invariants::broken`], so that no test can pass over a store that it left in disorder.

#![expect(clippy::missing_panics_doc, reason = "all of it panics when the world is not what a test needs")]

pub mod browser;
pub mod discord;
pub mod github;
pub mod invariants;
pub mod local;
pub mod mcp;
pub mod plane;
pub mod postgres;
pub mod process;
pub mod served;
pub mod trigger;
pub mod wire;

pub use browser::Browser;
pub use discord::Discord;
pub use github::GitHub;
pub use plane::{On, World, call, examine, keyed};
pub use process::Process;
pub use trigger::Trigger;

/// Two tests out of one exam: `name::sqlite` and `name::postgres`, each in a fresh world that is checked afterwards.
#[macro_export]
macro_rules! both {
    ($name:ident, async |$world:ident| $exam:block) => {
        async fn $name($world: &$crate::World) $exam

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::examine($crate::On::Sqlite, async |world| super::$name(world).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::examine($crate::On::Postgres, async |world| super::$name(world).await).await;
            }
        }
    };
}
