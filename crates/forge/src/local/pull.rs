//! Pull requests of the local home.

use crate::local::{Local, refused};
use crate::{Check, Fault, Files, Merged, Method, NewCheck, NewPull, NewReview, Pull, SourceFile};

impl Local {
    fn no_git(&self) -> Fault {
        refused("this home has no git repository", "name one in forge.local.repository")
    }
    pub(super) async fn source_files(&self) -> Result<Vec<SourceFile>, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn open_pulls(&self) -> Result<Vec<Pull>, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn one_pull(&self, _number: i64) -> Result<Pull, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn opened_pull(&self, _new: &NewPull) -> Result<Pull, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn changed_files(&self, _number: i64) -> Result<Files, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn merged(&self, _n: i64, _head: &str, _m: Method, _title: &str) -> Result<Merged, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn reviewed(&self, _number: i64, _new: &NewReview) -> Result<i64, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn checked(&self, _new: &NewCheck) -> Result<Check, Fault> {
        Err(self.no_git())
    }
    pub(super) async fn all_checks(&self, _commit: &str) -> Result<Vec<Check>, Fault> {
        Err(self.no_git())
    }
}
