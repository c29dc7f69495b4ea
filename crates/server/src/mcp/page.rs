//! The arguments that every list takes.

use domain::refusal::Refusal;
use plane::page::{Ask, LIMIT_DEFAULT, LIMIT_MAX};
use schemars::JsonSchema;
use serde::Deserialize;

/// Which page of a list.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// How many at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = LIMIT_MAX), extend("default" = LIMIT_DEFAULT))]
    limit: Option<i64>,
    /// Where the last page ended.
    #[serde(default)]
    #[schemars(length(max = 4_096))]
    cursor: Option<String>,
}

impl Page {
    /// The page as the plane is asked for it.
    pub(super) fn ask(&self) -> Result<Ask, Refusal> {
        Ask::new(self.limit, self.cursor.as_deref())
    }
}
