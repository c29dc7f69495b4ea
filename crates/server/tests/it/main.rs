//! The server as it is asked: over real HTTP, on both engines.

mod asked;
mod auth;
mod bad_input;
mod contract;
mod eras;
mod flood;
mod gaps;
mod heartbeat;
mod honest;
mod hooks;
mod links;
mod long;
mod nul;
mod operating;
mod pipeline;
mod plugin;
mod reference;
mod scenarios;
mod trouble;
mod web;
