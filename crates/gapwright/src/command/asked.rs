//! A question to the person at the terminal.

use std::io::{self, Write as _};

use tokio_util::sync::CancellationToken;

use super::house::halted;
use crate::failure::Failure;

/// Asks on standard error, and waits for an answer; whether it is yes. Whoever asks has looked whether anybody is there.
pub(super) async fn yes(question: &str, halt: &CancellationToken) -> Result<bool, Failure> {
    let question = format!("{question} [y/N] ");
    let answer = tokio::task::spawn_blocking(move || {
        let mut out = anstream::stderr().lock();
        // Who cannot read the question does not answer it.
        let _ = out.write_all(question.as_bytes()).and_then(|()| out.flush());
        drop(out);
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let Some(answer) = halt.run_until_cancelled(answer).await else { return Err(halted()) };
    let unasked = |why: String| Failure::new("nobody could be asked").why(why);
    let answer = answer.map_err(|error| unasked(error.to_string()))?.map_err(|error| unasked(error.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
