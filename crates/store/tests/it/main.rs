//! The store on both engines, real ones: every statement, the schema, the order of lists, and what it says when the
//! world breaks.

mod board;
mod counts;
mod engine;
mod faults;
mod figures;
mod given;
mod local;
mod looks;
mod migrations;
mod order;
mod plans;
mod rows;
mod sessions;
mod statements;
