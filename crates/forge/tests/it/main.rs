//! The forge: one exam for every home.

mod exam;
