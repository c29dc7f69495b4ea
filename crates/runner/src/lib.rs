//! A runner of agents: it claims a job, lets an agent's command line work on it in a workspace of its own, metered by what it
//! prints, and hands in what it made. A run ends, with whatever it started, at its budget, its deadline or the loss of its
//! claim.
//!
//! Whether a change is good is not judged here, only whether it is fit to be pushed; the server judges both. And this is no
//! sandbox: an agent that may run commands may do what its user may.
//!
//! | subject | file |
//! |---|---|
//! | one job from its claim to its end | `work`, `hand_in`, `end` |
//! | the server, asked | `client`, `ask` |
//! | the claim, kept | `lease` |
//! | the repository and the broker | `origin`, `bench` |
//! | the private folder | `room` |
//! | what is said to the agent, and of it | `prompt`, `tell` |
//! | one run of an agent | `run`, `process`, `stray`, `agent`, `home`, `environment`, `meter`, `text` |

mod agent;
mod ask;
mod bench;
mod client;
mod end;
mod environment;
mod hand_in;
mod home;
mod lease;
mod meter;
mod origin;
mod process;
mod prompt;
mod room;
mod run;
mod stray;
mod tell;
mod text;
mod work;

pub use agent::{AGENT_TEXT_MAX, Agent, BadAgent, Brief, Mcp, Tools};
pub use client::{Client, Trouble, is_readable};
pub use end::{End, Outcome, Worked};
pub use environment::{Environment, PROVIDERS};
pub use home::Home;
pub use meter::{COUNT_MAX, Facts, Line, MICRO_USD_MAX, Meter, Source, Usage};
pub use origin::Origin;
pub use process::LINE_BYTES_MAX;
pub use run::{Ended, How, Limits, NotStarted, Progress, Why, run};
pub use tell::usd;
pub use text::{ERROR_MAX, SAID_MAX};
pub use work::{News, Now, Settings, Worker};
