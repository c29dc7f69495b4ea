//! The log as a channel.

use std::io;
use std::sync::{Arc, Mutex};

use domain::notice::Level;
use notify::Outcome;

use crate::{LINK, channel, message, settings};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the lines").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_always_takes_a_message_at_its_level() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    for level in Level::ALL {
        assert_eq!(channel("log://", &settings()).send(&message(level, "stuck\u{1B}[0m")).await, Outcome::Sent);
    }
    drop(guard);
    let written = String::from_utf8(lines.0.lock().expect("the lines").clone()).expect("text");
    let fields = format!("channel=\"ops\" id=\"01KAPPG0000000000000000042\" link=\"{LINK}\"");
    let expected = ["INFO", "WARN", "ERROR"].map(|level| format!("{level:>5} notify::log: stuck[0m {fields}\n"));
    assert_eq!(written, expected.concat());
}
