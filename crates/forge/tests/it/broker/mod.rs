//! The broker: what passes through it, and what does not.

mod config;
mod folder;
mod homes;
mod landed;
mod made;
mod revert;
pub(crate) mod scene;
mod size;
mod stage;
mod steps;
mod told;
mod undone;
mod wire;
