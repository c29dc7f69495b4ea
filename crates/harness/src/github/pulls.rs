//! The routes of pull requests: opened, listed, read, changed, brought up to date.

use serde_json::{Value, json};

use super::act::{Act, Wish};
use super::answer::{Answer, Outcome};
use super::caller::Right;
use super::git::Hand;
use super::route::Turn;
use super::state::{Fate, Issue, Pull, Repo, same};
use super::view_pulls::Mergeable;

/// What pull requests ask for.
pub(super) const NOUN: [&str; 1] = ["pull_requests"];

/// A pull request to open.
#[derive(Debug, Clone, Default)]
pub(super) struct Proposal {
    pub(super) title: String,
    pub(super) body: Option<String>,
    /// A branch, with its owner before a colon or without.
    pub(super) head: String,
    pub(super) base: String,
    pub(super) draft: bool,
}

impl Turn<'_> {
    /// Answers what is below `/pulls`.
    pub(super) fn pull_route(&mut self, rest: &[&str]) -> Outcome {
        let method = self.request.method.clone();
        self.may(&NOUN, Right::Read)?;
        match (method.as_str(), &rest[1..]) {
            ("GET", []) => Ok(self.list_pulls(rest)),
            ("POST", []) => self.open_pull(),
            ("GET", [number]) => {
                let number = self.pull_number(number)?;
                Ok(Answer::ok(self.read_pull(number)))
            }
            ("PATCH", [number]) => self.edit_pull(number),
            ("GET", [number, "files"]) => self.list_files(number, rest),
            ("GET", [number, "commits"]) => self.list_commits(number, rest),
            ("GET", [number, "merge"]) => {
                let number = self.pull_number(number)?;
                let merged = self.pull(number).merged.is_some();
                if merged { Ok(Answer::empty()) } else { Err(Answer::not_found()) }
            }
            ("PUT", [number, "merge"]) => self.merge_pull(number),
            ("PUT", [number, "update-branch"]) => self.update_branch(number),
            ("GET", [number, "reviews"]) => self.list_reviews(number, rest),
            ("POST", [number, "reviews"]) => self.write_review(number),
            _ => Err(Answer::not_found()),
        }
    }

    /// The number of a pull request.
    pub(super) fn pull_number(&self, word: &str) -> Result<i64, Answer> {
        let number = self.numbered(word)?;
        if self.repo().issues[&number].pull.is_some() { Ok(number) } else { Err(Answer::not_found()) }
    }

    /// A pull request that is known to be one.
    pub(super) fn pull(&self, number: i64) -> &Pull {
        self.repo().issues[&number].pull.as_ref().expect("it is a pull request")
    }

    /// A pull request as it is read, which sets the search for conflicts going.
    pub(super) fn read_pull(&mut self, number: i64) -> Value {
        let repo = self.repo;
        let mergeable = self.act().mergeable(repo, number);
        let store = self.repo();
        self.view().pull(store, &store.issues[&number], self.pull(number), Some(mergeable))
    }

    fn list_pulls(&self, rest: &[&str]) -> Answer {
        let asked = |name| self.request.asked(name);
        let repo = self.repo();
        let state = asked("state").unwrap_or_else(|| "open".to_owned());
        // A branch without its owner is passed over without a word.
        let (head, base) = (asked("head").filter(|head| head.contains(':')), asked("base"));
        let fits = |(issue, pull): &(&Issue, &Pull)| {
            issue.fate == Fate::Here
                && (state == "all" || (state == "open") == issue.open)
                && head.as_ref().is_none_or(|head| same(head, &format!("{}:{}", repo.owner, pull.head)))
                && base.as_ref().is_none_or(|base| *base == pull.base)
        };
        let pulls = repo.issues.values().filter_map(|issue| issue.pull.as_ref().map(|pull| (issue, pull)));
        let mut pulls: Vec<_> = pulls.filter(fits).collect();
        match asked("sort").as_deref() {
            Some("updated") => pulls.sort_by_key(|(issue, _)| (issue.updated_at, issue.number)),
            _ => pulls.sort_by_key(|(issue, _)| (issue.created_at, issue.number)),
        }
        if asked("direction").as_deref() != Some("asc") {
            pulls.reverse();
        }
        let view = self.view();
        self.request.paged(&pulls, &self.here(rest), |(issue, pull)| view.simple_pull(repo, issue, pull))
    }

    fn open_pull(&mut self) -> Outcome {
        self.may(&NOUN, Right::Write)?;
        let field = |name: &str| {
            let said = self.request.text(name).filter(|text| !text.is_empty());
            said.map(str::to_owned).ok_or_else(|| Answer::invalid("PullRequest", name, "missing_field"))
        };
        let proposal = Proposal {
            title: field("title")?,
            body: self.request.text("body").map(str::to_owned),
            head: field("head")?,
            base: field("base")?,
            draft: self.request.body["draft"] == true,
        };
        let repo = self.repo;
        let number = self.act().propose(repo, proposal)?;
        let shown = self.read_pull(number);
        let url = shown["url"].as_str().unwrap_or_default().to_owned();
        Ok(Answer::made(shown).with("location", url))
    }

    fn edit_pull(&mut self, word: &str) -> Outcome {
        let number = self.pull_number(word)?;
        self.may(&NOUN, Right::Write)?;
        let wish = Wish { labels: None, reason: None, ..self.wish()? };
        let repo = self.repo;
        self.act().edit(repo, number, wish)?;
        if let Some(base) = self.request.text("base").map(str::to_owned) {
            self.act().rebase_onto(repo, number, &base)?;
        }
        Ok(Answer::ok(self.read_pull(number)))
    }

    /// Merges the base into the head.
    fn update_branch(&mut self, word: &str) -> Outcome {
        let number = self.pull_number(word)?;
        self.may(&NOUN, Right::Write)?;
        let pull = self.pull(number).clone();
        if self.request.text("expected_head_sha").is_some_and(|sha| sha != pull.head_sha) {
            return Err(Answer::unprocessable("expected head sha didn’t match current head ref."));
        }
        let git = std::sync::Arc::clone(&self.repo().git);
        let conflict = || Answer::unprocessable("merge conflict between base and head");
        let tree = git.merged_tree(&pull.head_sha, &pull.base_tip).ok_or_else(conflict)?;
        let by = Hand { name: self.caller.author().login, at: self.now };
        let message = format!("Merge branch '{}' into {}", pull.base, pull.head);
        let commit = git.commit_tree(&tree, &[&pull.head_sha, &pull.base_tip], &message, &by);
        git.set(&pull.head, Some(&commit));
        let repo = self.repo;
        self.act().moved(repo, &pull.head, Some(&commit));
        let url = format!("{}/pulls/{number}", self.view().at(self.repo()));
        Ok(Answer::new(202, json!({"message": "Updating pull request branch.", "url": url})))
    }
}

impl Act<'_> {
    /// Opens a pull request; gives its number.
    pub(super) fn propose(&mut self, repo: i64, proposal: Proposal) -> Result<i64, Answer> {
        let store = self.state.repo(repo);
        let own = format!("{}:", store.owner);
        let head = proposal.head.strip_prefix(&own).unwrap_or(&proposal.head).to_owned();
        let invalid = |field| Answer::invalid("PullRequest", field, "invalid");
        let head_sha = store.heads.get(&head).cloned().ok_or_else(|| invalid("head"))?;
        let base_tip = store.heads.get(&proposal.base).cloned().ok_or_else(|| invalid("base"))?;
        if store.git.size(&base_tip, &head_sha).commits == 0 {
            let message = format!("No commits between {} and {head}", proposal.base);
            return Err(Answer::rule("PullRequest", &message));
        }
        let taken = |issue: &&Issue| {
            let pull = issue.pull.as_ref().filter(|_| issue.open);
            pull.is_some_and(|pull| pull.head == head && pull.base == proposal.base)
        };
        if store.issues.values().any(|issue| taken(&issue)) {
            return Err(Answer::rule("PullRequest", &format!("A pull request already exists for {own}{head}.")));
        }
        let wish = Wish { title: Some(proposal.title), body: proposal.body, ..Wish::default() };
        let (id, unknown_reads) = (self.state.id(), self.state.lazy_reads);
        let pull = Pull {
            id,
            head,
            head_sha: head_sha.clone(),
            base: proposal.base,
            base_sha: base_tip.clone(),
            base_tip,
            draft: proposal.draft,
            merged: None,
            reviews: Vec::new(),
            unknown_reads,
            says: None,
            barred: None,
        };
        let number = self.open_as(repo, wish, Some(pull))?;
        self.state.repo(repo).git.keep(number, &head_sha);
        Ok(number)
    }

    /// Whether it can be merged, as far as is known by now.
    pub(super) fn mergeable(&mut self, repo: i64, number: i64) -> Mergeable {
        let store: &mut Repo = self.state.repo(repo);
        let git = std::sync::Arc::clone(&store.git);
        let issue = self.issue(repo, number);
        let open = issue.open;
        let pull = issue.pull.as_mut().expect("it is a pull request");
        let (known, word) = if !open || pull.unknown_reads > 0 {
            pull.unknown_reads = pull.unknown_reads.saturating_sub(1);
            (None, "unknown")
        } else if git.merged_tree(&pull.base_tip, &pull.head_sha).is_none() {
            (Some(false), "dirty")
        } else if pull.draft {
            (Some(true), "draft")
        } else if pull.barred.is_some() {
            (Some(true), "blocked")
        } else {
            (Some(true), "clean")
        };
        Mergeable { known, word: pull.says.clone().unwrap_or_else(|| word.to_owned()) }
    }

    fn rebase_onto(&mut self, repo: i64, number: i64, base: &str) -> Result<(), Answer> {
        let commit = self.state.repo(repo).heads.get(base).cloned();
        let commit = commit.ok_or_else(|| Answer::invalid("PullRequest", "base", "invalid"))?;
        let lazy = self.state.lazy_reads;
        let pull = self.issue(repo, number).pull.as_mut().expect("it is a pull request");
        let before = std::mem::replace(&mut pull.base, base.to_owned());
        pull.base_tip.clone_from(&commit);
        let from = std::mem::replace(&mut pull.base_sha, commit);
        pull.unknown_reads = lazy;
        self.touch(repo, number);
        let changes = json!({"base": {"ref": {"from": before}, "sha": {"from": from}}});
        self.tell_issue("edited", repo, number, [("changes", changes)]);
        Ok(())
    }

    /// Makes a draft ready to be merged, or the other way round.
    pub(super) fn set_draft(&mut self, repo: i64, number: i64, draft: bool) {
        self.issue(repo, number).pull.as_mut().expect("it is a pull request").draft = draft;
        self.touch(repo, number);
        let event = if draft { "convert_to_draft" } else { "ready_for_review" };
        self.happened(repo, number, event, json!({}));
        self.tell_issue(if draft { "converted_to_draft" } else { "ready_for_review" }, repo, number, []);
    }
}
