//! What a merger says of the whole: a recommendation to a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a merger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MergeVerdict {
    /// It coheres, and a person may merge it.
    ApproveForHuman,
    /// A person must look at what it shows.
    RequiresManualVisual,
    /// It does not cohere, and is not worth another round.
    Close,
}

impl MergeVerdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::ApproveForHuman, Self::RequiresManualVisual, Self::Close];

    /// The verdict as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApproveForHuman => "APPROVE_FOR_HUMAN",
            Self::RequiresManualVisual => "REQUIRES_MANUAL_VISUAL",
            Self::Close => "CLOSE",
        }
    }
}

impl fmt::Display for MergeVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
