//! That the harness itself is to be trusted: its refusals, its kills, and that its checks can fail.

mod browser;
mod discord;
mod github;
mod invariants;
mod postgres;
