//! The README's commands, run as they stand there.

use crate::program::Home;

/// The lines of its shell blocks that run our program, without what they are for.
fn commands() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).expect("a README");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("gapwright "));
    let words = |line: &str| {
        let said = line.split(" #").next().unwrap_or_default().split(" > ").next().unwrap_or_default();
        said.split_whitespace().map(str::to_owned).collect()
    };
    lines.map(words).collect()
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:0");
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for words in commands {
        home.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn the_readme_is_one_page() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).expect("a README");
    assert!(text.lines().count() <= 80, "{} lines", text.lines().count());
}
