//! The JSON of accounts and repositories, in the real one's shapes: what a tool reads, and all that the description asks.
//!
//! Addresses of the interface lead back to the fake; those for a browser lead to `github.com` and are never followed.

use serde_json::{Map, Value, json};

use super::state::{Author, Repo, State, User, stamp};

/// Where a browser would go.
pub(super) const WEB: &str = "https://github.com";

/// Looks at the state and writes it as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) state: &'a State,
    /// The fake's own address.
    pub(super) base: &'a str,
}

/// What stands in an account behind its own address.
const OF_USER: [(&str, &str); 9] = [
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// What stands in a repository behind its own address.
const OF_REPO: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("hooks_url", "/hooks"),
    ("url", ""),
];

impl View<'_> {
    /// An account by its login; null when nobody has it, as for one that is deleted.
    pub(super) fn login(&self, login: &str) -> Value {
        self.state.users.get(&login.to_lowercase()).map_or(Value::Null, |user| self.user(user))
    }

    /// An account.
    pub(super) fn user(&self, user: &User) -> Value {
        let (login, id) = (&user.login, user.id);
        let url = format!("{}/users/{}", self.base, login.replace('[', "%5B").replace(']', "%5D"));
        let web =
            login.strip_suffix("[bot]").map_or_else(|| format!("{WEB}/{login}"), |app| format!("{WEB}/apps/{app}"));
        let mut shown = json!({
            "login": login,
            "id": id,
            "node_id": node("U", id),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "gravatar_id": "",
            "url": url,
            "html_url": web,
            "type": user.kind,
            "user_view_type": "public",
            "site_admin": false,
        });
        extend(&mut shown, &url, &OF_USER);
        shown
    }

    /// An account with what only its own page shows.
    pub(super) fn profile(&self, user: &User) -> Value {
        let mut shown = self.user(user);
        let more = json!({
            "name": user.login, "company": null, "blog": "", "location": null, "email": null, "hireable": null,
            "bio": null, "twitter_username": null, "public_repos": 0, "public_gists": 0, "followers": 0,
            "following": 0, "created_at": stamp(0), "updated_at": stamp(0),
        });
        merge(&mut shown, more);
        shown
    }

    /// The App that something was done by, or null.
    pub(super) fn via(&self, author: &Author) -> Value {
        let app = self.state.app.as_ref().filter(|_| author.by_app);
        app.map_or(Value::Null, |app| self.app(app))
    }

    /// A repository; `may` is what whoever asks may do there.
    pub(super) fn repo(&self, repo: &Repo, may: &Value) -> Value {
        let full = repo.full_name();
        let web = format!("{WEB}/{full}");
        let open = repo.issues.values().filter(|issue| issue.open).count();
        let mut shown = json!({
            "id": repo.id,
            "node_id": node("R", repo.id),
            "name": repo.name,
            "full_name": full,
            "private": repo.private,
            "owner": self.login(&repo.owner),
            "html_url": web,
            "description": null,
            "fork": false,
        });
        let addresses = json!({
            "git_url": format!("git://github.com/{full}.git"),
            "ssh_url": format!("git@github.com:{full}.git"),
            "clone_url": format!("{web}.git"),
            "svn_url": web,
            "mirror_url": null,
        });
        let rest = json!({
            "homepage": null,
            "language": null,
            "forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "size": 0,
            "forks": 0, "watchers": 0, "open_issues": open, "open_issues_count": open,
            "default_branch": repo.default_branch,
            "is_template": false,
            "topics": [],
            "has_issues": repo.has_issues,
            "has_projects": true, "has_wiki": true, "has_pages": false, "has_downloads": true,
            "has_discussions": false,
            "archived": repo.archived,
            "disabled": false,
            "visibility": if repo.private { "private" } else { "public" },
            "created_at": stamp(repo.created_at),
            "updated_at": stamp(repo.pushed_at),
            "pushed_at": stamp(repo.pushed_at),
            "license": null,
            "allow_forking": true,
            "web_commit_signoff_required": false,
        });
        merge(&mut shown, addresses);
        merge(&mut shown, rest);
        extend(&mut shown, &format!("{}/repos/{full}", self.base), &OF_REPO);
        if !may.is_null() {
            shown["permissions"] = may.clone();
        }
        shown
    }

    /// A repository as its own page shows it.
    pub(super) fn whole_repo(&self, repo: &Repo, may: &Value) -> Value {
        let mut shown = self.repo(repo, may);
        merge(
            &mut shown,
            json!({
                "subscribers_count": 0, "network_count": 0, "temp_clone_token": null,
                "allow_squash_merge": true, "allow_merge_commit": true, "allow_rebase_merge": true,
                "allow_auto_merge": false, "delete_branch_on_merge": false, "allow_update_branch": false,
            }),
        );
        shown
    }

    /// Where the interface has a repository: by its id, as the real one writes its links.
    pub(super) fn by_id(&self, repo: i64) -> String {
        format!("{}/repositories/{repo}", self.base)
    }

    /// Where the interface has a repository: by its name.
    pub(super) fn at(&self, repo: &Repo) -> String {
        format!("{}/repos/{}", self.base, repo.full_name())
    }
}

/// Writes what stands behind an address.
fn extend(shown: &mut Value, url: &str, fields: &[(&str, &str)]) {
    for (field, behind) in fields {
        shown[*field] = format!("{url}{behind}").into();
    }
}

/// Writes the fields of one object into another.
pub(super) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// A global id of a kind.
pub(super) fn node(kind: &str, id: i64) -> String {
    format!("{kind}_kwDOFAKE{id:08}")
}

/// An object of what is set.
pub(super) fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}
