//! Names that are safe to hand to git: a branch and a commit, checked before anything is run.

use crate::git::Trouble;

/// The longest name of a branch, in bytes: it is a file's name below others, and git adds `.lock` to it.
const BRANCH_BYTES_MAX: usize = 200;

/// The name of a branch that git takes, without `refs/heads/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Branch(String);

/// The id of a commit: 40 small hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit(String);

impl Branch {
    /// Checks a name by the rules of `git check-ref-format`, and takes none that git could take for something else.
    pub fn parse(name: &str) -> Result<Self, Trouble> {
        let whole = !name.is_empty()
            && name.len() <= BRANCH_BYTES_MAX
            && name != "@"
            && name != "HEAD"
            && !name.starts_with('-')
            && !name.ends_with('.')
            && !name.contains("..")
            && !name.contains("@{")
            && !name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c));
        let parts = name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none());
        if whole && parts {
            return Ok(Self(name.to_owned()));
        }
        Err(Trouble::Name("the branch has a name that git does not take".to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that nothing but a branch can have.
    pub fn as_ref_name(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl Commit {
    /// Checks an id.
    pub fn parse(id: &str) -> Result<Self, Trouble> {
        let hex = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if id.len() == 40 && hex {
            return Ok(Self(id.to_owned()));
        }
        Err(Trouble::Name("the commit is not 40 hexadecimal digits".to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_is_taken_exactly_when_git_takes_it_as_a_branch() {
        let names = [
            "main",
            "fix/one",
            "a.b",
            "é",
            "x@y",
            "a-b",
            "release-1.0",
            "@a",
            "a{b}",
            "feature/#7",
            "",
            "a..b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "a@{b",
            "a\tb",
            "a\u{7f}b",
            "a/-b",
            "@/a",
            "HEAD/a",
        ];
        for name in names {
            let git = Command::new("git").args(["check-ref-format", &format!("refs/heads/{name}")]).output();
            assert_eq!(Branch::parse(name).is_ok(), git.expect("git runs").status.success(), "{name:?}");
        }
        // Git takes these as refs and then takes them for something else.
        for name in ["-x", "--help", "-/a", "@", "HEAD"] {
            assert!(Branch::parse(name).is_err(), "{name}");
        }
        assert!(Branch::parse(&"a".repeat(201)).is_err());
    }

    #[test]
    fn a_commit_is_40_small_hexadecimal_digits() {
        let id = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        assert!(Commit::parse(id).is_ok());
        for id in ["", "4b825dc", "--help", &id.to_uppercase(), &format!("{id}0"), &format!("{}~1", &id[..38]), "HEAD"]
        {
            assert!(Commit::parse(id).is_err(), "{id}");
        }
    }
}
