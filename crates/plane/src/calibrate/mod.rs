//! Calibration: shadow reviews are kept, and what reviewers said is held against what people then did.

mod keep;
mod report;

use domain::calibration::rule::Tried;
use domain::calibration::seed::{Defect, Framing};
use domain::time::Time;
use store::Fault;
use store::trial::Trial;

pub use keep::NewTrial;
pub use report::Reviewer;

/// A trial as the rule reads it.
pub(crate) fn tried(trial: &Trial) -> Result<Tried, Fault> {
    let corrupt = |column| Fault::Corrupt { table: "trial", column, id: trial.id.clone() };
    let defect = match trial.defect.as_str() {
        "" => None,
        word => Some(Defect::parse(word).ok_or_else(|| corrupt("defect"))?),
    };
    Ok(Tried {
        defect,
        framing: Framing::parse(&trial.framing).ok_or_else(|| corrupt("framing"))?,
        approved: trial.approved != 0,
        cited: trial.cited != 0,
        case: trial.subject.clone(),
        repeat: u8::try_from(trial.repeat).unwrap_or(u8::MAX),
        at: Time(trial.at),
    })
}
