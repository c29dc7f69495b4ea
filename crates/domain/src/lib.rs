//! Every rule of Gapwright, as pure functions over values.
//!
//! Nothing here waits, reads a clock, draws a random number or touches the world: moments and chance are arguments,
//! and what must happen in the world is returned as data.

pub mod agent;
pub mod budget;
pub mod calibration;
pub mod catalogue;
pub mod check_in;
pub mod decision;
pub mod digest;
pub mod effect;
pub mod fence;
pub mod fire;
pub mod gap;
pub mod gate;
pub mod id;
pub mod job;
pub mod journal;
pub mod label;
pub mod level;
pub mod lock;
pub mod mirror;
pub mod need;
pub mod notice;
pub mod outcome;
pub mod pace;
pub mod payload;
pub mod pull;
pub mod refusal;
pub mod schedule;
pub mod scheduled;
pub mod secret;
pub mod session;
pub mod switch;
pub mod time;
pub mod untrusted;
pub mod visual;
