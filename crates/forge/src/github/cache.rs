//! What GitHub said last, by its ETag: an answer that did not change costs nothing of the limit.
//!
//! Nothing is served from here unasked: GitHub is asked each time, and answers 304 when this still holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Method, StatusCode};

use super::call::Call;
use super::wire::Answer;

/// How many answers are kept: three hundred pages of issues and some two hundred single ones.
const ANSWERS_MAX: usize = 512;

/// How large they may be together, in bytes.
const BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Cache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<String, (Arc<Answer>, u64)>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    /// What was said to this request the last time.
    pub(super) fn get(&self, call: &Call) -> Option<Arc<Answer>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let (answer, used) = kept.answers.get_mut(&key(call))?;
        *used = now;
        Some(Arc::clone(answer))
    }

    /// Keeps an answer that can be asked for again, and lets go of those that were not used for longest.
    pub(super) fn keep(&self, call: &Call, answer: &Arc<Answer>) {
        let good = call.route.method == Method::GET && answer.status == StatusCode::OK && answer.etag().is_some();
        if !good || answer.body.len() > BYTES_MAX {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.drop_one(&key(call));
        while kept.answers.len() >= ANSWERS_MAX || kept.bytes + answer.body.len() > BYTES_MAX {
            let oldest = kept.answers.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            kept.drop_one(&oldest);
        }
        kept.uses += 1;
        kept.bytes += answer.body.len();
        let now = kept.uses;
        kept.answers.insert(key(call), (Arc::clone(answer), now));
    }
}

impl Kept {
    fn drop_one(&mut self, key: &str) {
        if let Some((answer, _)) = self.answers.remove(key) {
            self.bytes -= answer.body.len();
        }
    }
}

fn key(call: &Call) -> String {
    format!("{}?{}", call.path, call.query)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{ETAG, HeaderMap, HeaderValue};

    use super::super::call::About;
    use super::super::route;
    use super::super::settings::Name;
    use super::*;

    fn issue(number: usize) -> Call {
        let of = Name::parse("octocat/hello-world").expect("a name");
        Call::new(&route::ISSUE, &of, &[&number.to_string()], About::Repository).expect("a call")
    }

    fn answer(bytes: usize) -> Arc<Answer> {
        let headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"x\""))]);
        Arc::new(Answer { status: StatusCode::OK, headers, body: vec![b' '; bytes] })
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = Cache::default();
        for number in 0..ANSWERS_MAX {
            cache.keep(&issue(number), &answer(1));
        }
        assert!(cache.get(&issue(0)).is_some(), "used just now");
        cache.keep(&issue(ANSWERS_MAX), &answer(1));
        assert!(cache.get(&issue(0)).is_some());
        assert!(cache.get(&issue(1)).is_none(), "the oldest");
        cache.keep(&issue(0), &answer(BYTES_MAX));
        assert!(cache.get(&issue(2)).is_none(), "no room beside a large one");
        assert!(cache.get(&issue(0)).is_some());
        cache.keep(&issue(3), &answer(BYTES_MAX + 1));
        assert!(cache.get(&issue(3)).is_none(), "too large by itself");
    }

    #[test]
    fn an_answer_without_an_etag_is_not_kept() {
        let cache = Cache::default();
        let untagged = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: vec![b' '] };
        cache.keep(&issue(1), &Arc::new(untagged));
        assert!(cache.get(&issue(1)).is_none());
    }
}
