//! The store on both engines, real ones: every statement, the schema, the order of lists, and what it says when the
//! world breaks.

mod engine;
mod faults;
mod local;
mod migrations;
mod order;
mod plans;
mod rows;
mod statements;
