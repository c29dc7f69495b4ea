//! One agent for one claimed job: an agent's command line run in a workspace, metered by what it prints, and ended, with
//! whatever it started, at its budget, its deadline or the loss of its claim.
//!
//! Whether what it left behind is any good is not judged here, nothing is claimed or reported, and this is no sandbox:
//! an agent that may run commands may do what its user may.

mod agent;
mod environment;
mod home;
mod meter;
mod process;
mod run;
mod stray;
mod text;

pub use agent::{AGENT_TEXT_MAX, Agent, BadAgent, Brief, Mcp, Tools};
pub use environment::{Environment, PROVIDERS};
pub use home::Home;
pub use meter::{COUNT_MAX, Facts, Line, MICRO_USD_MAX, Meter, Source, Usage};
pub use process::LINE_BYTES_MAX;
pub use run::{Ended, How, Limits, NotStarted, Progress, Why, run};
pub use text::{ERROR_MAX, SAID_MAX};
