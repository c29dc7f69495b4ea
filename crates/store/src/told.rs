//! What people were told of, as rows: once per subject and kind.

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    TELL = "INSERT INTO told (subject, kind, at) VALUES ($1, $2, $3) ON CONFLICT (subject, kind) DO NOTHING";
}

/// Remembers that people are told of something; false when they were before.
pub async fn tell(tx: &mut Tx, subject: &str, kind: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(TELL, &[Text(subject), Text(kind), Int(now.0)]).await? == 1)
}
