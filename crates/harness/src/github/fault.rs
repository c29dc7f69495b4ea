//! What goes wrong on the way, or in the answer: one by one for the next requests that match, or by a seeded plan.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

/// Something that goes wrong with one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It answers this status and did nothing.
    Before(u16),
    /// It does what was asked and answers this status all the same.
    After(u16),
    /// It closes the connection and did nothing.
    DropBefore,
    /// It does what was asked and closes the connection without an answer.
    DropAfter,
    /// It does nothing and never answers.
    Silent,
    /// It does what was asked and never answers.
    SilentAfter,
    /// The secondary limit: 403, and to be left alone for so many seconds. Nothing was done.
    Secondary {
        /// What `retry-after` says.
        after_secs: u64,
    },
    /// 429, and to be left alone for so many seconds. Nothing was done.
    TooMany {
        /// What `retry-after` says.
        after_secs: u64,
    },
    /// The primary limit is used up until its hour is over. Nothing was done.
    Limited(u16),
    /// 401: bad credentials, although they are good. Nothing was done.
    Unauthorized,
    /// This status with this message. Nothing was done.
    Refused(u16, &'static str),
    /// It waits, with nothing done, until [`super::GitHub::release`].
    Held,
    /// It does what was asked, and the answer waits until [`super::GitHub::release`].
    HeldAfter,
    /// A read is answered from before the last write.
    Stale,
    /// The body ends in the middle of its JSON.
    Truncated,
    /// The connection breaks in the middle of the body.
    CutBody,
    /// Whatever is called so in the answer, at any depth, says this.
    Says(&'static str, Value),
}

/// What git over HTTP meets, which meets no [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitFault {
    /// 503, and nothing is done.
    Down,
    /// What was asked is done, and the connection breaks before the answer.
    Lost,
}

impl Fault {
    /// Whether it only changes or holds up the answer, and so goes with another.
    fn bends(&self) -> bool {
        match self {
            Self::Stale | Self::Truncated | Self::CutBody | Self::Says(..) | Self::Held | Self::HeldAfter => true,
            Self::Before(_)
            | Self::After(_)
            | Self::DropBefore
            | Self::DropAfter
            | Self::Silent
            | Self::SilentAfter
            | Self::Secondary { .. }
            | Self::TooMany { .. }
            | Self::Limited(_)
            | Self::Unauthorized
            | Self::Refused(..) => false,
        }
    }

    /// Whether what was asked is done in spite of it.
    pub(super) fn does(&self) -> bool {
        match self {
            Self::After(_)
            | Self::DropAfter
            | Self::SilentAfter
            | Self::Held
            | Self::HeldAfter
            | Self::Stale
            | Self::Truncated
            | Self::CutBody
            | Self::Says(..) => true,
            Self::Before(_)
            | Self::DropBefore
            | Self::Silent
            | Self::Secondary { .. }
            | Self::TooMany { .. }
            | Self::Limited(_)
            | Self::Unauthorized
            | Self::Refused(..) => false,
        }
    }
}

/// A fault that waits for its requests.
#[derive(Debug, Clone)]
struct Rule {
    method: String,
    path: String,
    left: usize,
    fault: Fault,
}

/// A plan by a seed.
#[derive(Debug, Clone)]
struct Plan {
    seed: u64,
    rate: f64,
    /// How often each method and path came, so that the plan does not depend on what came in between.
    came: BTreeMap<String, u64>,
}

/// Every fault that waits.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    plan: Option<Plan>,
}

impl Faults {
    /// Lets the next `times` requests that match meet a fault.
    pub(super) fn add(&mut self, times: usize, method: &str, path: &str, fault: Fault) {
        self.rules.push(Rule { method: method.to_owned(), path: path.to_owned(), left: times, fault });
    }

    /// Lets every request meet a fault by chance.
    pub(super) fn plan(&mut self, seed: u64, rate: f64) {
        self.plan = Some(Plan { seed, rate, came: BTreeMap::new() });
    }

    /// Nothing goes wrong any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What goes wrong with this request: of those that end it the first, and all that change its answer.
    pub(super) fn meet(&mut self, method: &str, path: &str) -> Vec<Fault> {
        let mut met: Vec<Fault> = Vec::new();
        for rule in &mut self.rules {
            let matches = rule.left > 0 && matches_path(&rule.path, path) && matches_word(&rule.method, method);
            let taken = !rule.fault.bends() && met.iter().any(|fault| !fault.bends());
            if matches && !taken {
                rule.left -= 1;
                met.push(rule.fault.clone());
            }
        }
        self.rules.retain(|rule| rule.left > 0);
        if met.is_empty() {
            met.extend(self.plan.as_mut().and_then(|plan| plan.meet(method, path)));
        }
        met
    }
}

impl Plan {
    fn meet(&mut self, method: &str, path: &str) -> Option<Fault> {
        let what = format!("{method} {path}");
        let count = self.came.entry(what.clone()).or_default();
        *count += 1;
        let mixed = what.bytes().fold(self.seed ^ count.rotate_left(32), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut chance = StdRng::seed_from_u64(mixed);
        if !chance.random_bool(self.rate) {
            return None;
        }
        Some(match chance.random_range(0..8) {
            0 => Fault::Before(500),
            1 => Fault::Before(502),
            2 => Fault::After(500),
            3 => Fault::After(502),
            4 => Fault::DropBefore,
            5 => Fault::DropAfter,
            6 => Fault::Secondary { after_secs: 1 },
            _ => Fault::TooMany { after_secs: 1 },
        })
    }
}

/// What stands for any part.
const ANY: &str = "*";

/// Whether a path is of a pattern: `*` is one part of it, and `**` at the end any number.
fn matches_path(pattern: &str, path: &str) -> bool {
    let mut parts: Vec<_> = path.trim_matches('/').split('/').collect();
    // A page that is not the first has the repository by its id.
    if let ["repositories", _, ..] = parts[..]
        && pattern.trim_start_matches('/').starts_with("repos/")
    {
        parts.splice(..2, ["repos", ANY, ANY]);
    }
    let wanted: Vec<_> = pattern.trim_matches('/').split('/').collect();
    let rest = wanted.last() == Some(&"**");
    let fixed = if rest { &wanted[..wanted.len() - 1] } else { &wanted[..] };
    let long = if rest { parts.len() >= fixed.len() } else { parts.len() == fixed.len() };
    long && fixed.iter().zip(&parts).all(|(wanted, part)| matches_word(wanted, part))
}

fn matches_word(wanted: &str, word: &str) -> bool {
    wanted == ANY || word == ANY || wanted.eq_ignore_ascii_case(word)
}

/// Lets everything of this name in a body say something else.
pub(super) fn bend(body: &mut Value, name: &str, says: &Value) {
    match body {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == name {
                    value.clone_from(says);
                } else {
                    bend(value, name, says);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| bend(value, name, says)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
