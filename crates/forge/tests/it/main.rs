//! The forge: one exam for every home, and what only the local one has.

mod exam;
mod git;
mod local;
