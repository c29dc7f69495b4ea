//! What a pull request would change, line by line. What cannot be seen is written out: it would be merged unseen.

use maud::{Markup, html};
use plane::No;
use plane::pull::Difference;

use super::super::part::{self, Part, Width};
use super::super::place::Page;
use super::{Cx, View};

/// How many lines are shown: more than anybody reads in one go.
const LINES_MAX: usize = 4_000;

/// A line of a difference.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    File(&'a str),
    Hunk(&'a str),
    Same(u64, u64, &'a str),
    Added(u64, &'a str),
    Removed(u64, &'a str),
    Told(&'a str),
}

pub(super) async fn view(cx: &Cx<'_>, id: &str) -> Result<View, No> {
    let difference = cx.plane().show_difference(&cx.call, id).await?;
    let body = html! {
        div .scroll { (table(&difference.text)) }
        (cut(&difference))
    };
    let about = format!("{} onto {}", short(&difference.head), short(&difference.base));
    let name = difference.number.map_or_else(|| id.to_owned(), |number| format!("#{number}"));
    let number = difference.number.map(|number| number.to_string());
    // What is merged from here is what was read here.
    let acts = html! {
        @if let Some(pull) = &difference.takes_back { a .b href=(cx.to(&Page::Pull(pull.clone()))) { "Back to what it takes back" } }
        @else { a .b href=(cx.to(&Page::Pull(id.to_owned()))) { "Back to it" } }
        @if let (Some(number), true) = (&number, cx.plane().is_here(&difference.repo)) {
            @let about = [("number", number.as_str()), ("head", difference.head.as_str())];
            (cx.act("merge-pull", &about, "Merge", ""))
            @if difference.takes_back.is_some() { (cx.act("close-pull", &about[..1], "Close", "danger")) }
            @else { (cx.act("request-changes", &about, "Request changes", "")) }
        }
    };
    Ok(View {
        title: format!("Diff of {name}"),
        acts,
        parts: vec![Part::card("diff", Width::Whole, ("Diff", &about), body)],
    })
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

fn cut(difference: &Difference) -> Markup {
    let lines = difference.text.lines().count();
    html! {
        @if !difference.complete || lines > LINES_MAX {
            div .note.warn { "There is more than is shown: look at " code { (difference.head) } " by git before you merge it." }
        }
    }
}

/// Reads a difference as git writes it, with the numbers of both sides.
fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut old, mut new) = (0, 0);
    let mut inside = false;
    let read = text.lines().take(LINES_MAX).filter_map(|line| {
        if let Some(names) = line.strip_prefix("diff --git ") {
            inside = false;
            return Some(Line::File(names));
        }
        if let Some(hunk) = line.strip_prefix("@@ ") {
            inside = true;
            (old, new) = starts(hunk);
            return Some(Line::Hunk(line));
        }
        if !inside {
            // The names of a file stand in its head already.
            let again = ["index ", "--- ", "+++ "].iter().any(|start| line.starts_with(start));
            return (!again).then_some(Line::Told(line));
        }
        let (mark, rest) = line.split_at_checked(1).unwrap_or((" ", line));
        Some(match mark {
            "+" => {
                new += 1;
                Line::Added(new - 1, rest)
            }
            "-" => {
                old += 1;
                Line::Removed(old - 1, rest)
            }
            " " => {
                (old, new) = (old + 1, new + 1);
                Line::Same(old - 1, new - 1, rest)
            }
            _ => Line::Told(line),
        })
    });
    read.collect()
}

/// Where a hunk begins on both sides: `-1,2 +1,3 @@`.
fn starts(hunk: &str) -> (u64, u64) {
    let start = |mark: char| {
        let range = hunk.split(' ').find_map(|part| part.strip_prefix(mark))?;
        range.split(',').next()?.parse().ok()
    };
    (start('-').unwrap_or(0), start('+').unwrap_or(0))
}

fn table(text: &str) -> Markup {
    html! {
        table .diff {
            caption .sr { "The difference, line by line: the number before, the number after, and the line" }
            tbody {
                @for line in lines(text) {
                    @match line {
                        Line::File(names) => tr .file { td colspan="3" { (part::seen(names)) } },
                        Line::Hunk(hunk) => tr .at { td colspan="3" { (part::seen(hunk)) } },
                        Line::Told(told) => tr .at { td colspan="3" { (part::seen(told)) } },
                        Line::Same(old, new, line) => tr { td .n { (old) } td .n { (new) } td { (part::seen(line)) } },
                        Line::Added(new, line) => tr .add { td .n {} td .n { (new) } td { span .sr { "added: " } "+" (part::seen(line)) } },
                        Line::Removed(old, line) => tr .del { td .n { (old) } td .n {} td { span .sr { "removed: " } "\u{2212}" (part::seen(line)) } },
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_difference_has_its_numbers() {
        let text = "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -3,2 +3,3 @@ fn\n same\n-gone\n+--- new\n+\n\
                    \\ No newline at end of file\ndiff --git a/b b/b\nnew file mode 100644\nBinary files differ";
        assert_eq!(
            lines(text),
            [
                Line::File("a/a b/a"),
                Line::Hunk("@@ -3,2 +3,3 @@ fn"),
                Line::Same(3, 3, "same"),
                Line::Removed(4, "gone"),
                Line::Added(4, "--- new"),
                Line::Added(5, ""),
                Line::Told("\\ No newline at end of file"),
                Line::File("a/b b/b"),
                Line::Told("new file mode 100644"),
                Line::Told("Binary files differ"),
            ]
        );
    }

    #[test]
    fn what_would_be_merged_unseen_is_written_out() {
        let shown = table("@@ -0,0 +1 @@\n+if a { \u{202e}} <script>").into_string();
        assert!(shown.contains("\\u{202e}") && shown.contains("&lt;script&gt;"), "{shown}");
    }
}
