//! The routes of what is in the repository: files, folders, branches and refs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::caller::Right;
use super::request::encoded;
use super::route::Turn;
use super::state::Repo;
use super::view::{View, WEB};

/// The largest file whose text is in the answer.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// How long a line of base64 is in the real one's answers.
const LINE: usize = 60;

/// A name in a folder.
#[derive(Debug)]
struct Entry {
    /// `blob`, `tree` or `commit`.
    kind: String,
    id: String,
    size: usize,
    path: String,
}

impl Turn<'_> {
    /// Answers what is below `/contents`, `/branches` and `/git`.
    pub(super) fn content_route(&mut self, rest: &[&str]) -> Outcome {
        self.may(&["contents"], Right::Read)?;
        match (self.request.method.as_str(), rest) {
            ("GET", ["contents", path @ ..]) => self.content(&path.join("/")),
            ("GET", ["branches"]) => {
                let (view, repo) = (self.view(), self.repo());
                let branches: Vec<_> = repo.heads.iter().collect();
                let show = |(name, sha): &(&String, &String)| {
                    let url = format!("{}/commits/{sha}", view.at(repo));
                    json!({"name": name, "commit": {"sha": sha, "url": url}, "protected": false})
                };
                Ok(self.request.paged(&branches, &self.here(rest), show))
            }
            ("GET", ["branches", branch @ ..]) => {
                let branch = branch.join("/");
                let unknown = || Answer::refusal(404, "Branch not found");
                let sha = self.repo().heads.get(&branch).ok_or_else(unknown)?;
                Ok(Answer::ok(self.view().branch(self.repo(), &branch, sha)))
            }
            ("GET", ["git", "ref", "heads", branch @ ..]) => {
                let branch = branch.join("/");
                let sha = self.repo().heads.get(&branch).ok_or_else(Answer::not_found)?;
                let at = self.view().at(self.repo());
                Ok(Answer::ok(json!({
                    "ref": format!("refs/heads/{branch}"),
                    "node_id": format!("REF_kwDO{}", encoded(&branch)),
                    "url": format!("{at}/git/refs/heads/{branch}"),
                    "object": {"type": "commit", "sha": sha, "url": format!("{at}/git/commits/{sha}")},
                })))
            }
            _ => Err(Answer::not_found()),
        }
    }

    fn content(&self, path: &str) -> Outcome {
        let repo = self.repo();
        let word = self.request.asked("ref").unwrap_or_else(|| repo.default_branch.clone());
        let unknown = || Answer::refusal(404, &format!("No commit found for the ref {word}"));
        let commit = repo.commit(&word).ok_or_else(unknown)?;
        let path = path.trim_matches('/');
        let view = self.view();
        if !path.is_empty() {
            let entry = repo.entries(&commit, path).into_iter().next().ok_or_else(Answer::not_found)?;
            if entry.kind != "tree" {
                return Ok(Answer::ok(view.file(repo, &entry, &word)));
            }
        }
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let entries = repo.entries(&commit, &below);
        Ok(Answer::ok(entries.iter().map(|entry| view.entry(repo, entry, &word)).collect()))
    }
}

impl Repo {
    /// What is at a path, or in a folder when it ends with a slash.
    fn entries(&self, commit: &str, path: &str) -> Vec<Entry> {
        let mut words = vec!["ls-tree", "-z", "--long", commit];
        if !path.is_empty() {
            words.extend(["--", path]);
        }
        let said = self.git.run(&words, None);
        let lines = said.split('\0').filter_map(|line| line.split_once('\t'));
        let entries = lines.map(|(head, path)| {
            let words: Vec<_> = head.split_whitespace().collect();
            let size = words[3].parse().unwrap_or(0);
            Entry { kind: words[1].to_owned(), id: words[2].to_owned(), size, path: path.to_owned() }
        });
        entries.collect()
    }
}

impl View<'_> {
    /// A name in a folder.
    fn entry(&self, repo: &Repo, entry: &Entry, word: &str) -> Value {
        let path = entry.path.split('/').map(encoded).collect::<Vec<_>>().join("/");
        let at = self.at(repo);
        let url = format!("{at}/contents/{path}?ref={}", encoded(word));
        let (kind, noun, place) = match entry.kind.as_str() {
            "tree" => ("dir", "trees", "tree"),
            "commit" => ("submodule", "trees", "tree"),
            _ => ("file", "blobs", "blob"),
        };
        let git = format!("{at}/git/{noun}/{}", entry.id);
        let web = format!("{WEB}/{}/{place}/{word}/{path}", repo.full_name());
        let raw = format!("https://raw.githubusercontent.com/{}/{word}/{path}", repo.full_name());
        json!({
            "type": kind,
            "size": entry.size,
            "name": entry.path.rsplit('/').next(),
            "path": entry.path,
            "sha": entry.id,
            "url": url,
            "git_url": git,
            "html_url": web,
            "download_url": if kind == "file" { raw.into() } else { Value::Null },
            "_links": {"self": url, "git": git, "html": web},
        })
    }

    /// A file with its text.
    fn file(&self, repo: &Repo, entry: &Entry, word: &str) -> Value {
        let mut shown = self.entry(repo, entry, word);
        if entry.size > TEXT_BYTES_MAX {
            (shown["content"], shown["encoding"]) = ("".into(), "none".into());
            return shown;
        }
        let text = STANDARD.encode(repo.git.blob(&entry.id)).into_bytes();
        let lines = text.chunks(LINE).map(|line| format!("{}\n", String::from_utf8_lossy(line)));
        (shown["content"], shown["encoding"]) = (lines.collect::<String>().into(), "base64".into());
        shown
    }
}
