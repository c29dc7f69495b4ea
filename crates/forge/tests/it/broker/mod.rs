//! The broker: what passes through it, and what does not.

mod config;
mod folder;
mod homes;
mod made;
mod size;
mod stage;
mod steps;
mod told;
mod wire;
