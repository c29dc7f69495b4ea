//! The exam: what the plane promises, asked on SQLite and on Postgres alike.
//!
//! Each case runs twice in a world of its own, with a clock turned by hand, and ends with a check of every invariant
//! that a store must keep (`harness::invariants`).

mod agent;
mod audit;
mod calibrate;
mod check_in;
mod checks;
mod claim;
mod differential;
mod evidence;
mod faults;
mod figures;
mod fires;
mod gap;
mod gap_related;
mod gap_work;
mod given;
mod home;
mod idempotency;
mod inbox;
mod job;
mod journal;
mod kind;
mod level;
mod lock;
mod mirror;
mod mirror_people;
mod mirror_rests;
mod mirror_sim;
mod mirror_trouble;
mod needs;
mod notice;
mod overview;
mod pulls;
mod pulls_sim;
mod scheduled;
mod scheduled_clock;
#[cfg(feature = "seeded-bugs")]
mod seeded;
mod session;
mod v1_defects;
