//! Routes that come next.
use super::answer::{Answer, Outcome};
use super::route::Turn;
impl Turn<'_> {
    pub(super) fn pull_route(&mut self, _rest: &[&str]) -> Outcome {
        Err(Answer::not_found())
    }
    pub(super) fn check_route(&mut self, _rest: &[&str]) -> Outcome {
        Err(Answer::not_found())
    }
    pub(super) fn content_route(&mut self, _rest: &[&str]) -> Outcome {
        Err(Answer::not_found())
    }
}
