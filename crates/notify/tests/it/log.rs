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

/// What is written while `work` is done.
async fn written(work: impl Future<Output = ()>) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    work.await;
    drop(guard);
    String::from_utf8(lines.0.lock().expect("the lines").clone()).expect("text")
}

#[tokio::test]
async fn the_log_always_takes_a_message_at_its_level() {
    let written = written(async {
        for level in Level::ALL {
            assert_eq!(channel("log://", &settings()).send(&message(level, "stuck\u{1B}[0m")).await, Outcome::Sent);
        }
    });
    let written = written.await;
    let fields = format!("channel=\"ops\" id=\"01KAPPG0000000000000000042\" link=\"{LINK}\"");
    let expected = ["INFO", "WARN", "ERROR"].map(|level| format!("{level:>5} notify::log: stuck[0m {fields}\n"));
    assert_eq!(written, expected.concat());
}

#[tokio::test]
async fn a_text_of_many_lines_is_one_line_of_the_log() {
    let forged = "hello\n2026-11-22T08:00:00Z ERROR plane: forged\r\n\tend\u{85}\u{2028}\u{9B}31m \"quoted\" zwölf";
    let written = written(async {
        assert_eq!(channel("log://", &settings()).send(&message(Level::Info, forged)).await, Outcome::Sent);
    });
    let written = written.await;
    assert_eq!(written.lines().count(), 1, "{written}");
    assert!(written.contains("hello\\n2026-11-22T08:00:00Z ERROR plane: forged"), "{written}");
    assert!(written.contains("\"quoted\" zwölf") && !written.trim_end().contains(char::is_control), "{written}");
}
