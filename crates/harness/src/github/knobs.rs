//! What a test sets: what goes wrong, what is barred, how much may be asked, who is gone.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use domain::time::Span;

use super::GitHub;
use super::desk::Guard;
use super::fault::{Fault, GitFault};
use super::look::Issue;
use super::state::Pull;
use super::view::View;

impl GitHub {
    /// How often `mergeable` is null after the head or the base of a pull request moved.
    pub fn lazy_mergeable(&self, reads: u32) {
        self.desk.set(|state| state.lazy_reads = reads);
    }

    /// Bars a pull request from being merged, as a rule of the base does, or lets it be.
    pub fn bar(&self, repo: &str, number: i64, why: Option<&str>) {
        self.set_pull(repo, number, |pull| pull.barred = why.map(str::to_owned));
    }

    /// Lets a pull request's `mergeable_state` be this word, whatever would be right.
    pub fn says_mergeable_state(&self, repo: &str, number: i64, word: &str) {
        self.set_pull(repo, number, |pull| pull.says = Some(word.to_owned()));
    }

    fn set_pull(&self, repo: &str, number: i64, set: impl FnOnce(&mut Pull)) {
        let id = self.id_of(repo);
        self.desk.set(|state| {
            let issue = state.repo(id).issues.get_mut(&number).expect("an issue of this number");
            set(issue.pull.as_mut().expect("a pull request"));
        });
    }

    /// How many requests everybody has in an hour.
    pub fn limit(&self, limit: u64) {
        self.desk.set(|state| state.limit = limit);
    }

    /// Lets the next `times` requests that match meet a fault. A method or a part of the path may be `*`, and the end of
    /// the path `**`.
    pub fn fault(&self, times: usize, method: &str, path: &str, fault: Fault) {
        self.desk.faults.lock().unwrap_or_else(PoisonError::into_inner).add(times, method, path, fault);
    }

    /// Lets every request meet a fault with this chance: 500 or 502 before or after it was done, a closed connection
    /// before or after, the secondary limit, or 429; the limits ask for one second. What each meets depends on the seed, on what it asks and on how
    /// often that was asked, and on nothing else.
    pub fn faults(&self, seed: u64, rate: f64) {
        self.desk.faults.lock().unwrap_or_else(PoisonError::into_inner).plan(seed, rate);
    }

    /// Lets its clock be so far ahead of the moment that it was given, or behind it.
    pub fn ahead(&self, by: Span) {
        self.desk.ahead.store(by.0, Ordering::Relaxed);
    }

    /// Lets every request take so long by the clock.
    pub fn takes(&self, span: Span) {
        self.desk.takes.store(span.0, Ordering::Relaxed);
    }

    /// Lets [`Fault::Stale`] show a write that is older than this all the same.
    pub fn behind_at_most(&self, span: Span) {
        self.desk.behind_max.store(span.0, Ordering::Relaxed);
    }

    /// Lets the issues of a repository be looked at after every change, whoever made it; what does not hold is kept.
    pub fn guard(&self, repo: &str, check: impl Fn(&[Issue]) -> Option<String> + Send + 'static) {
        let id = self.id_of(repo);
        let check = move |view: View<'_>| check(&Issue::all(&view.state.repos[&id])).into_iter().collect();
        let mut guard = self.desk.guard.lock().unwrap_or_else(PoisonError::into_inner);
        *guard = Guard { check: Some(Box::new(check)), broken: Vec::new() };
    }

    /// What did not hold after a change.
    pub fn broken(&self) -> Vec<String> {
        self.desk.guard.lock().unwrap_or_else(PoisonError::into_inner).broken.clone()
    }

    /// Lets one request through that is held.
    pub fn release(&self) {
        self.desk.gate.add_permits(1);
    }

    /// Takes somebody's account away: whatever they did is nobody's from now on.
    pub fn erase(&self, login: &str) {
        self.desk.set(|state| {
            state.users.remove(&login.to_lowercase());
            state.tokens.retain(|_, token| !token.login.eq_ignore_ascii_case(login));
        });
    }

    /// Nothing goes wrong any more.
    pub fn well(&self) {
        self.desk.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.desk.git_faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lets the next so many requests of git meet a fault.
    pub fn fail_git(&self, times: usize, fault: GitFault) {
        let mut faults = self.desk.git_faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(std::iter::repeat_n(Some(fault), times));
    }

    /// Lets so many requests of git pass, and the next one meet a fault.
    pub fn fail_git_after(&self, passing: usize, fault: GitFault) {
        let mut faults = self.desk.git_faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(std::iter::repeat_n(None, passing).chain([Some(fault)]));
    }

    /// How many requests of git are still to meet a fault.
    pub fn git_faults_left(&self) -> usize {
        self.desk.git_faults.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
