//! The program as it is run: its own executable, in a folder of its own, with a clean environment.

mod audit;
mod calibrate;
mod command;
mod config;
mod control_room;
mod database;
mod demo;
mod doctor;
mod gaps;
mod gate;
mod help;
mod kill;
mod program;
mod pulls;
mod readme;
mod replicas;
mod routines;
mod secrets;
mod serve;
mod stdio;
mod switch;
mod tidy;
mod tree;
mod walk;
mod work;
