//! Secrets: from the environment, or from a file of their own.

use secrecy::{ExposeSecret as _, SecretString};

use super::Config;
use crate::failure::Failure;

impl Config {
    /// The secret of a key: its own value, or what stands in the file that `KEY_file` names. Where both are set, the
    /// one from the stronger place counts; none when neither is.
    pub(super) fn secret(
        &self,
        path: &[&str],
        value: &SecretString,
        file: &str,
    ) -> Result<Option<SecretString>, Failure> {
        let file_key = format!("{}_file", path.last().copied().unwrap_or_default());
        let mut file_path = path.to_vec();
        if let Some(last) = file_path.last_mut() {
            *last = &file_key;
        }
        let value = Some(value).filter(|value| !value.expose_secret().is_empty());
        match (value, file.is_empty()) {
            (None, true) => Ok(None),
            (Some(value), true) => Ok(Some(value.clone())),
            (None, false) => self.read(&file_path, file).map(Some),
            (Some(value), false) => {
                let (own, named) = (self.origin(path), self.origin(&file_path));
                match own.rank().cmp(&named.rank()) {
                    std::cmp::Ordering::Greater => Ok(Some(value.clone())),
                    std::cmp::Ordering::Less => self.read(&file_path, file).map(Some),
                    std::cmp::Ordering::Equal => {
                        Err(Failure::usage(format!("both {} and {} are set", path.join("."), file_path.join(".")))
                            .why(format!("one by {own}, the other by {named}"))
                            .hint("keep one of them"))
                    }
                }
            }
        }
    }

    fn read(&self, path: &[&str], file: &str) -> Result<SecretString, Failure> {
        let refuse = |why: String| {
            Failure::usage(format!("cannot read the file that {} names", path.join(".")))
                .why(format!("{file}, set by {}: {why}", self.origin(path)))
                .hint("check the path, and that the user who runs this may read it")
        };
        let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        Ok(SecretString::from(text.trim()))
    }

    /// The address of the database.
    pub(crate) fn database_url(&self) -> Result<SecretString, Failure> {
        let database = &self.sections.database;
        let path = ["database", "url"];
        let url = self.secret(&path, &database.url, &database.url_file)?;
        url.ok_or_else(|| self.bad(&path, "sqlite:PATH or postgres://USER@HOST/NAME"))
    }
}
