//! What is said of a commit: reviews and checks.

use domain::time::Time;

use crate::Account;

/// A review that says something and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// The commit that was read.
    pub commit: String,
    /// What it says.
    pub body: String,
    /// What it says of single lines.
    pub remarks: Vec<Remark>,
}

/// A review that was handed in, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: i64,
    /// The commit that was read; none when the home does not say any more.
    pub commit: Option<String>,
    /// What it decides.
    pub state: ReviewState,
    /// What it says.
    pub body: String,
    /// Who wrote it.
    pub author: Account,
    /// When it was handed in.
    pub at: Time,
}

/// What a review decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// Nothing.
    Commented,
    /// It may be merged.
    Approved,
    /// It must be changed first.
    ChangesRequested,
    /// What it decided does not count any more.
    Dismissed,
    /// A word that is not known: never an approval.
    Other,
}

/// A remark on a line of the new side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: i64,
    /// What it says.
    pub body: String,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It waits or runs, or the home has no word for what is neutral.
    Running,
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It says neither, or a word that is not known: never a pass.
    Neutral,
}

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// How it stands.
    pub state: CheckState,
    /// What its maker calls it, by which it is found again; empty where the home keeps no such thing.
    pub external_id: String,
    /// What it says, in a line.
    pub title: String,
}

/// A check to put on a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheck {
    /// Its name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// How it stands.
    pub state: CheckState,
    /// What we call it.
    pub external_id: String,
    /// What it says, in a line.
    pub title: String,
    /// What it says at length, at most 65,535 characters.
    pub summary: String,
}
