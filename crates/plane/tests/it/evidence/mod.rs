//! Outcomes, the gate, merging by itself and the way back, on both homes: real git, a real broker, and GitHub over real HTTP.

mod back;
mod beside;
mod given;
mod outcomes;
mod races;
mod racing;
mod shut;
mod walk;
