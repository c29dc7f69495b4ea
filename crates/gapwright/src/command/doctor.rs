//! `doctor`: stub
use crate::config::Config;
use crate::failure::Failure;
use crate::show::Answer;
pub(crate) async fn run(_config: &Config) -> Answer {
    Answer::new(serde_json::json!({}), "")
}
pub(crate) fn without_settings(_failure: &Failure) -> Answer {
    Answer::new(serde_json::json!({}), "")
}
