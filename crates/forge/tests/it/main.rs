//! The forge: one exam for every home, what only the local one has, and what is asked of GitHub over the wire.

mod broker;
mod exam;
mod git;
mod github;
mod local;
mod people;
mod races;
