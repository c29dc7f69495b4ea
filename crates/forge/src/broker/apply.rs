//! From the agent: a patch, put onto a commit without any files.

use crate::broker::{Broker, Run, Trouble, take};
use crate::git::{Commit, Hand, commit_tree};

/// The largest patch, in bytes.
const PATCH_BYTES_MAX: usize = 8 << 20;

/// What came of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The commit with it.
    Commit(Commit),
    /// It does not go with the commit, or is no patch, or changes nothing.
    DoesNotApply(String),
}

impl Broker {
    /// Puts a patch, as `git diff --binary` writes it, onto a commit, and keeps what comes of it for the run. A path that
    /// leads out of the tree or through a link does not apply.
    pub async fn apply(
        &self,
        run: &Run,
        base: &Commit,
        patch: &[u8],
        hand: &Hand,
        message: &str,
    ) -> Result<Applied, Trouble> {
        if patch.len() > PATCH_BYTES_MAX {
            return Ok(Applied::DoesNotApply(format!("the patch has more than {PATCH_BYTES_MAX} bytes")));
        }
        self.must_have(base).await?;
        let scratch = self.scratch()?;
        self.apart(&scratch, "read-tree").args(["--end-of-options", base.as_str()]).done().await?;
        let call = self.apart(&scratch, "apply").args(["--cached", "--whitespace=nowarn"]);
        let told = call.input(patch.to_vec()).told().await?;
        if told.code != 0 {
            let why = told.complaint().unwrap_or_else(|| "git does not say why".to_owned());
            if take::is_ours(&why) {
                return Err(told.trouble().into());
            }
            return Ok(Applied::DoesNotApply(why.replace(char::is_control, " ")));
        }
        let tree = self.apart(&scratch, "write-tree").text().await?;
        if tree.trim_end() == self.bare.tree(base).await? {
            return Ok(Applied::DoesNotApply("it changes nothing".to_owned()));
        }
        let call = self.apart(&scratch, "commit-tree");
        let commit = commit_tree(call, tree.trim_end(), &[base], hand, message.as_bytes()).await;
        let commit = commit.map_err(take::of_agent)?;
        match self.adopt(&scratch, &commit, &[base], run).await {
            Ok(()) => Ok(Applied::Commit(commit)),
            Err(Trouble::Unfit(why)) => Ok(Applied::DoesNotApply(why)),
            Err(Trouble::Git(trouble)) => Err(trouble.into()),
        }
    }
}
