//! The JSON of commits and branches, in the real one's shapes.

use serde_json::{Value, json};

use super::state::{Repo, stamp};
use super::view::{View, WEB, merge};

/// What git is asked about a commit, with a zero byte in between.
const FORMAT: &str = "--format=%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";

impl View<'_> {
    /// A commit.
    pub(super) fn commit(&self, repo: &Repo, sha: &str) -> Value {
        let said = repo.git.run(&["log", "-1", FORMAT, sha], None);
        let field: Vec<_> = said.splitn(9, '\0').collect();
        let (at, web) = (self.at(repo), format!("{WEB}/{}/commit/{sha}", repo.full_name()));
        let when = |word: &str| stamp(word.parse::<i64>().unwrap_or_default() * 1_000);
        let somebody = |at: usize| json!({"name": field[at], "email": field[at + 1], "date": when(field[at + 2])});
        let parents = field[1].split_whitespace().map(|parent| {
            json!({
                "sha": parent,
                "url": format!("{at}/commits/{parent}"),
                "html_url": format!("{WEB}/{}/commit/{parent}", repo.full_name()),
            })
        });
        let message = field[8].trim_end();
        let verification = json!({
            "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null,
        });
        json!({
            "sha": sha,
            "node_id": format!("C_kwDO{sha}"),
            "commit": {
                "author": somebody(2),
                "committer": somebody(5),
                "message": message,
                "tree": {"sha": field[0], "url": format!("{at}/git/trees/{}", field[0])},
                "url": format!("{at}/git/commits/{sha}"),
                "comment_count": 0,
                "verification": verification,
            },
            "url": format!("{at}/commits/{sha}"),
            "html_url": web,
            "comments_url": format!("{at}/commits/{sha}/comments"),
            "author": self.login(field[2]),
            "committer": self.login(field[5]),
            "parents": parents.collect::<Value>(),
        })
    }

    /// A commit with what it changes.
    pub(super) fn whole_commit(&self, repo: &Repo, sha: &str) -> Value {
        let mut shown = self.commit(repo, sha);
        let nothing = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let parent = shown["parents"][0]["sha"].as_str().unwrap_or(nothing).to_owned();
        let changes = repo.git.difference(&parent, sha);
        let sum = |count: fn(&super::changes::Change) -> i64| changes.iter().map(count).sum::<i64>();
        let (additions, deletions) = (sum(|one| one.additions), sum(|one| one.deletions));
        merge(
            &mut shown,
            json!({
                "stats": {"additions": additions, "deletions": deletions, "total": additions + deletions},
                "files": changes.iter().map(|change| self.change(repo, sha, change)).collect::<Value>(),
            }),
        );
        shown
    }

    /// A branch as its own page shows it.
    pub(super) fn branch(&self, repo: &Repo, branch: &str, sha: &str) -> Value {
        let url = format!("{}/branches/{branch}", self.at(repo));
        json!({
            "name": branch,
            "commit": self.commit(repo, sha),
            "_links": {"self": url, "html": format!("{WEB}/{}/tree/{branch}", repo.full_name())},
            "protected": false,
            "protection": {
                "enabled": false,
                "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
            },
            "protection_url": format!("{url}/protection"),
        })
    }
}
