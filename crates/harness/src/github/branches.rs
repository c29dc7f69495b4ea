//! Branches that move: a commit or a push brings every open pull request along, and tells of it.

use super::act::Act;
use super::git::Hand;

impl Act<'_> {
    /// A commit on a branch, made where there is none from the default branch.
    pub(super) fn commit(&mut self, repo: i64, branch: &str, files: &[(&str, Option<&str>)]) -> String {
        let by = Hand { name: self.by.login.clone(), at: self.now };
        let store = self.state.repo(repo);
        let from = store.heads.get(branch).or_else(|| store.heads.get(&store.default_branch)).cloned();
        let commit = store.git.write(branch, from.as_deref(), files, &by);
        self.moved(repo, branch, Some(&commit));
        commit
    }

    /// A push came: every branch is read anew.
    pub(super) fn pushed(&mut self, repo: i64) {
        let store = self.state.repo(repo);
        let now: Vec<_> = store.git.branches();
        let gone: Vec<_> =
            store.heads.keys().filter(|branch| !now.iter().any(|(name, _)| name == *branch)).cloned().collect();
        let moved = now.into_iter().filter(|(branch, commit)| store.heads.get(branch) != Some(commit));
        for (branch, commit) in moved.collect::<Vec<_>>() {
            self.moved(repo, &branch, Some(&commit));
        }
        for branch in gone {
            self.moved(repo, &branch, None);
        }
    }

    /// Says that a branch is at this commit now, or gone; git has it there already.
    pub(super) fn moved(&mut self, repo: i64, branch: &str, commit: Option<&str>) {
        let now = self.now;
        let lazy = self.state.lazy_reads;
        let store = self.state.repo(repo);
        store.pushed_at = now;
        let before = match commit {
            Some(commit) => store.heads.insert(branch.to_owned(), commit.to_owned()),
            None => store.heads.remove(branch),
        };
        let open = store.issues.values().filter(|issue| issue.open);
        let touched = open.filter_map(|issue| issue.pull.as_ref().map(|pull| (issue.number, pull)));
        let touched: Vec<_> = touched
            .filter(|(_, pull)| pull.head == branch || pull.base == branch)
            .map(|(number, pull)| (number, pull.head == branch))
            .collect();
        for (number, is_head) in touched {
            let Some(commit) = commit else {
                if is_head {
                    // The real one closes a pull request whose branch is gone.
                    let closed = self.set_state(repo, number, false, None);
                    closed.expect("what is open can be closed");
                }
                continue;
            };
            if let Some(pull) = &mut self.issue(repo, number).pull {
                pull.unknown_reads = lazy;
                if is_head {
                    commit.clone_into(&mut pull.head_sha);
                    pull.base_sha.clone_from(&pull.base_tip);
                } else {
                    commit.clone_into(&mut pull.base_tip);
                }
            }
            if is_head {
                self.state.repo(repo).git.keep(number, commit);
                self.touch(repo, number);
                let ends = [("before", before.clone().into()), ("after", commit.into())];
                self.tell_issue("synchronize", repo, number, ends);
            }
        }
    }
}
