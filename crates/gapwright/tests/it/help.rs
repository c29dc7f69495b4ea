//! The command line's contract: the help of every command, as a snapshot.

use crate::program::Home;

/// Every command's words, read from the program's own help.
fn commands(home: &Home, words: &[String], found: &mut Vec<Vec<String>>) {
    found.push(words.to_vec());
    let help = help(home, words);
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        // A line that goes on is indented further.
        if let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            let name = name.split_whitespace().next().unwrap_or_default().to_owned();
            commands(home, &[words, &[name]].concat(), found);
        }
    }
}

fn help(home: &Home, words: &[String]) -> String {
    let args: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
    home.ok(&args)
}

#[test]
fn the_help_of_every_command_is_as_it_was_agreed() {
    let home = Home::new();
    let mut found = Vec::new();
    commands(&home, &[], &mut found);
    assert!(found.len() > 35, "{found:?}");
    let texts: Vec<_> =
        found.iter().map(|words| format!("$ gapwright {}\n{}", words.join(" "), help(&home, words))).collect();
    insta::assert_snapshot!("help", texts.join("\n"));
}

#[test]
fn each_command_has_a_manual_page_and_each_shell_its_completions() {
    let home = Home::new();
    let page = home.ok(&["man"]);
    assert!(page.contains(".SH NOTES\nExit codes:") && !page.contains("EXTRA"), "{page}");
    assert!(home.ok(&["man", "jobs", "add"]).contains("gapwright jobs add"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.ok(&["completions", shell]).contains("gapwright"), "{shell}");
    }
    assert!(home.ok(&["--version"]).starts_with(concat!("gapwright ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn no_line_of_help_is_broken_by_the_width() {
    let home = Home::new();
    let mut found = Vec::new();
    commands(&home, &[], &mut found);
    for words in found {
        let help = help(&home, &words);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        // What stands below the options is broken by hand; a word that stands alone was broken by the width.
        let below = help.rsplit("\n\n").next().unwrap_or_default();
        assert!(below.lines().all(|line| line.contains(' ')), "{help}");
    }
}
