//! Calibration of reviewers: changes with a known defect are put before them, and what they say is counted.
//!
//! A reviewer that approves everything agrees with people most of the time. What it is worth is seen only where the right
//! answer is known: [`corpus`] has the cases, [`seed`] says which are to be tried and in which words, [`rule`] says what
//! the answers add up to, and [`measure`] has the figures, also those of real pull requests.

pub mod corpus;
pub mod measure;
pub mod rule;
pub mod seed;
