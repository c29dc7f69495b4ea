//! A merge: what is asked of it, and how git makes it.

use std::sync::Arc;

use serde_json::json;

use super::act::Act;
use super::answer::{Answer, Outcome};
use super::caller::Right;
use super::git::{Bare, Hand};
use super::pulls::NOUN;
use super::route::Turn;
use super::state::{Merged, Pull};

/// How a pull request is to be merged.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    /// The head that is meant; none for whichever it is.
    pub(super) head: Option<String>,
    /// `merge`, `squash` or `rebase`.
    pub(super) method: String,
    pub(super) title: Option<String>,
    pub(super) message: Option<String>,
}

impl Turn<'_> {
    /// Merges a pull request if its head is the one that is meant.
    pub(super) fn merge_pull(&mut self, word: &str) -> Outcome {
        let number = self.pull_number(word)?;
        self.may(&["contents"], Right::Write)?;
        self.may(&NOUN, Right::Read)?;
        let text = |name: &str| self.request.text(name).map(str::to_owned);
        let order = Order {
            head: text("sha"),
            method: text("merge_method").unwrap_or_else(|| "merge".to_owned()),
            title: text("commit_title"),
            message: text("commit_message"),
        };
        let repo = self.repo;
        let sha = self.act().merge(repo, number, &order)?;
        Ok(Answer::ok(json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"})))
    }
}

impl Act<'_> {
    /// Merges; gives the commit on the base.
    pub(super) fn merge(&mut self, repo: i64, number: i64, order: &Order) -> Result<String, Answer> {
        let store = self.state.repo(repo);
        let git = Arc::clone(&store.git);
        let issue = &store.issues[&number];
        let (open, title) = (issue.open, issue.title.clone());
        let pull = issue.pull.clone().expect("it is a pull request");
        let refuse = |message: &str| Err(Answer::refusal(405, message));
        if !["merge", "squash", "rebase"].contains(&order.method.as_str()) {
            return Err(Answer::invalid("PullRequest", "merge_method", "invalid"));
        }
        if !open {
            return refuse("Pull Request is not mergeable");
        }
        if order.head.as_ref().is_some_and(|head| *head != pull.head_sha) {
            return Err(Answer::refusal(409, "Head branch was modified. Review and try the merge again."));
        }
        if pull.draft {
            return refuse("Pull Request is still a draft");
        }
        if let Some(why) = &pull.barred {
            return refuse(why);
        }
        let by = Hand { name: self.by.login.clone(), at: self.now };
        let source = format!("{}/{}", store.owner, pull.head);
        let made = match order.method.as_str() {
            "squash" => squash(&git, &pull, number, &title, order, &by),
            "rebase" => rebase(&git, &pull, &by),
            _ => join(&git, &pull, number, &title, &source, order, &by),
        };
        let Some(sha) = made else { return refuse("Pull Request is not mergeable") };
        git.set(&pull.base, Some(&sha));
        let (at, login) = (self.now, self.by.login.clone());
        let merged = Merged { sha: sha.clone(), at, by: login.clone() };
        let issue = self.issue(repo, number);
        (issue.open, issue.closed_at, issue.closed_by) = (false, Some(at), Some(login));
        issue.pull.as_mut().expect("it is a pull request").merged = Some(merged);
        self.happened(repo, number, "merged", json!({"commit_id": sha}));
        self.happened(repo, number, "closed", json!({"state_reason": null}));
        self.touch(repo, number);
        self.tell_issue("closed", repo, number, []);
        self.moved(repo, &pull.base, Some(&sha));
        Ok(sha)
    }
}

/// A commit with two parents.
fn join(git: &Bare, pull: &Pull, number: i64, title: &str, source: &str, order: &Order, by: &Hand) -> Option<String> {
    let tree = git.merged_tree(&pull.base_tip, &pull.head_sha)?;
    let subject = format!("Merge pull request #{number} from {source}");
    let subject = order.title.clone().unwrap_or(subject);
    let message = order.message.clone().unwrap_or_else(|| title.to_owned());
    let parents = [pull.base_tip.as_str(), pull.head_sha.as_str()];
    Some(git.commit_tree(&tree, &parents, &format!("{subject}\n\n{message}"), by))
}

/// One commit of everything.
fn squash(git: &Bare, pull: &Pull, number: i64, title: &str, order: &Order, by: &Hand) -> Option<String> {
    let tree = git.merged_tree(&pull.base_tip, &pull.head_sha)?;
    let subject = order.title.clone().unwrap_or_else(|| format!("{title} (#{number})"));
    let message = order.message.clone().unwrap_or_default();
    Some(git.commit_tree(&tree, &[&pull.base_tip], &format!("{subject}\n\n{message}"), by))
}

/// Each commit anew on the base.
fn rebase(git: &Bare, pull: &Pull, by: &Hand) -> Option<String> {
    let range = format!("{}..{}", pull.base_tip, pull.head_sha);
    let commits = git.run(&["rev-list", "--reverse", "--no-merges", &range], None);
    let mut tip = pull.base_tip.clone();
    for commit in commits.lines() {
        let merge_base = format!("--merge-base={commit}^");
        let said = git.ask(&["merge-tree", "--write-tree", &merge_base, &tip, commit])?;
        tip = git.commit_anew(commit, said.lines().next()?, &tip, by);
    }
    Some(tip)
}
