//! The routes of a repository's labels.

use super::act::{DESCRIPTION_CHARS_MAX, check_labels};
use super::answer::{Answer, Outcome};
use super::caller::Right;
use super::route::Turn;
use super::state::same;

/// What labels ask for.
const NOUNS: [&str; 2] = ["issues", "pull_requests"];

/// The colour when nobody names one.
const COLOR: &str = "ededed";

impl Turn<'_> {
    /// Answers what is below `/labels`.
    pub(super) fn label_route(&mut self, rest: &[&str]) -> Outcome {
        let method = self.request.method.clone();
        self.may(&NOUNS, if method == "GET" { Right::Read } else { Right::Write })?;
        match (method.as_str(), &rest[1..]) {
            ("GET", []) => {
                let (view, repo) = (self.view(), self.repo());
                Ok(self.request.paged(&repo.labels, &self.here(rest), |label| view.label(repo, label)))
            }
            ("POST", []) => self.make_label(),
            ("GET", [name]) => self.show_label(name).map(Answer::ok),
            ("PATCH", [name]) => self.edit_label(name),
            ("DELETE", [name]) => {
                let (repo, id) = (self.repo, self.label_id(name)?);
                self.act().delete_label(repo, id);
                Ok(Answer::empty())
            }
            _ => Err(Answer::not_found()),
        }
    }

    fn label_id(&self, name: &str) -> Result<i64, Answer> {
        self.repo().label(name).map(|label| label.id).ok_or_else(Answer::not_found)
    }

    fn show_label(&self, name: &str) -> Result<serde_json::Value, Answer> {
        let label = self.repo().label(name).ok_or_else(Answer::not_found)?;
        Ok(self.view().label(self.repo(), label))
    }

    fn make_label(&mut self) -> Outcome {
        let name = self.request.text("name").ok_or_else(|| Answer::invalid("Label", "name", "missing_field"))?;
        check_labels(&[name.to_owned()])?;
        if self.repo().label(name).is_some() {
            return Err(Answer::invalid("Label", "name", "already_exists"));
        }
        let color = self.color()?.unwrap_or_else(|| COLOR.to_owned());
        let description = self.description()?;
        let repo = self.repo;
        self.act().insert_label(repo, name, &color, description);
        self.show_label(name).map(Answer::made)
    }

    fn edit_label(&mut self, name: &str) -> Outcome {
        let (repo, id) = (self.repo, self.label_id(name)?);
        let new = self.request.text("new_name").or_else(|| self.request.text("name")).unwrap_or(name);
        check_labels(&[new.to_owned()])?;
        if !same(new, name) && self.repo().label(new).is_some() {
            return Err(Answer::invalid("Label", "name", "already_exists"));
        }
        let (color, description) = (self.color()?, self.description()?);
        let described = self.request.body.get("description").is_some();
        self.act().edit_label(repo, id, |label| {
            new.clone_into(&mut label.name);
            label.color = color.unwrap_or_else(|| label.color.clone());
            if described {
                label.description = description;
            }
        });
        self.show_label(new).map(Answer::ok)
    }

    fn color(&self) -> Result<Option<String>, Answer> {
        let Some(color) = self.request.text("color") else { return Ok(None) };
        if color.len() != 6 || !color.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Answer::invalid("Label", "color", "invalid"));
        }
        Ok(Some(color.to_lowercase()))
    }

    fn description(&self) -> Result<Option<String>, Answer> {
        let description = self.request.text("description");
        if description.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX) {
            return Err(Answer::custom("Label", "description", "description is too long (maximum is 100 characters)"));
        }
        Ok(description.map(str::to_owned))
    }
}
