//! The local home in the shape that both homes have: each question goes to the file of its subject.

use domain::time::{Span, Time};
use futures::FutureExt as _;

use crate::local::{Decision, Local, may_write};
use crate::{
    Account, Answer, Check, Comment, Edit, Files, Forge, Issue, Label, LabelEvents, Merged, Method, NewCheck, NewIssue,
    NewPull, NewReview, Pull, Remote, Repository, Review, SourceFile,
};

impl Forge for Local {
    fn apart(&self, _: Time) -> Option<Span> {
        // It has no clock of its own: all its moments are the store's.
        Some(Span::ZERO)
    }

    fn repository(&self) -> Answer<'_, Repository> {
        self.described().boxed()
    }

    fn may_write<'a>(&'a self, who: &'a Account) -> Answer<'a, bool> {
        async move { Ok(may_write(who)) }.boxed()
    }

    fn labels(&self) -> Answer<'_, Vec<Label>> {
        self.all_labels().boxed()
    }

    fn make_label<'a>(&'a self, label: &'a Label) -> Answer<'a, Label> {
        self.made_label(label).boxed()
    }

    fn our_issues(&self) -> Answer<'_, Vec<Issue>> {
        self.my_issues().boxed()
    }

    fn issue(&self, number: i64) -> Answer<'_, Issue> {
        self.one_issue(number).boxed()
    }

    fn open_issue<'a>(&'a self, new: &'a NewIssue) -> Answer<'a, Issue> {
        self.opened_issue(new).boxed()
    }

    fn edit_issue<'a>(&'a self, number: i64, edit: &'a Edit) -> Answer<'a, ()> {
        self.edited_issue(number, edit).boxed()
    }

    fn add_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        self.put_label(number, label).boxed()
    }

    fn remove_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        self.take_label(number, label).boxed()
    }

    fn label_events(&self, number: i64) -> Answer<'_, LabelEvents> {
        self.labelled(number).boxed()
    }

    fn comments(&self, number: i64, since: Option<Time>) -> Answer<'_, Vec<Comment>> {
        self.all_comments(number, since).boxed()
    }

    fn comment<'a>(&'a self, number: i64, body: &'a str) -> Answer<'a, Comment> {
        self.commented(number, body).boxed()
    }

    fn workflows(&self) -> Answer<'_, Vec<SourceFile>> {
        self.source_files().boxed()
    }

    fn pulls(&self) -> Answer<'_, Vec<Pull>> {
        self.open_pulls().boxed()
    }

    fn pulls_by_head<'a>(&'a self, branch: &'a str) -> Answer<'a, Vec<Pull>> {
        self.pulls_of_head(branch).boxed()
    }

    fn pull(&self, number: i64) -> Answer<'_, Pull> {
        self.one_pull(number).boxed()
    }

    fn open_pull<'a>(&'a self, new: &'a NewPull) -> Answer<'a, Pull> {
        self.opened_pull(new).boxed()
    }

    fn files(&self, number: i64) -> Answer<'_, Files> {
        self.changed_files(number).boxed()
    }

    fn merge<'a>(&'a self, number: i64, head: &'a str, method: Method, title: &'a str) -> Answer<'a, Merged> {
        self.merged(number, head, method, title).boxed()
    }

    fn review<'a>(&'a self, number: i64, new: &'a NewReview) -> Answer<'a, i64> {
        self.reviewed(number, new, Decision::Comment).boxed()
    }

    fn reviews(&self, number: i64) -> Answer<'_, Vec<Review>> {
        self.all_reviews(number).boxed()
    }

    fn put_check<'a>(&'a self, new: &'a NewCheck) -> Answer<'a, Check> {
        self.checked(new).boxed()
    }

    fn checks<'a>(&'a self, commit: &'a str) -> Answer<'a, Vec<Check>> {
        self.all_checks(commit).boxed()
    }

    fn remote(&self) -> Answer<'_, Remote> {
        self.remote_of_git().boxed()
    }
}
