//! An issue or a pull request of the local forge, which has no site of its own: what it says, its labels, and what was said on it.

use domain::refusal::Refusal;
use maud::{Markup, html};
use plane::No;
use plane::mirror::{COMMENTS_MAX, Shown};

use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::gaps::outside;
use super::{Cx, View};

/// How many characters of a text are shown.
const TEXT_CHARS: usize = 10_000;

/// How many characters of a comment are shown.
const COMMENT_CHARS: usize = 1_000;

/// How many characters of a title are shown.
const TITLE_CHARS: usize = 256;

pub(super) async fn view(cx: &Cx<'_>, number: &str) -> Result<View, No> {
    let number = number.parse().map_err(|_| {
        Refusal::invalid("number", format!("{number:?} is no number"))
            .hint("open the page of a gap and go on from there")
    })?;
    let shown = cx.plane().show_issue(&cx.call, number).await?;
    let left = shown.issue.comments - i64::try_from(shown.comments.len()).unwrap_or(COMMENTS_MAX);
    let aside = if left > 0 {
        format!("the latest first, {} left out", part::grouped(left))
    } else {
        "the latest first".to_owned()
    };
    let text = match shown.issue.body.trim() {
        "" => part::empty("It says nothing", "Whoever opened it wrote a title alone.", ""),
        body => part::body(&part::said_up_to(body, TEXT_CHARS)),
    };
    let parts = vec![
        Part::card("facts", Width::Half, ("How it stands", ""), part::body(&facts(cx, &shown))),
        Part::card("comments", Width::Half, ("Comments", &aside), comments(cx, &shown)),
        Part::card("text", Width::Whole, ("What it says", ""), text),
    ];
    let title: String = shown.issue.title.chars().take(TITLE_CHARS).collect();
    Ok(View::of(format!("#{number} {title}"), parts))
}

/// The way to what has a number on the forge: to the forge itself, or, where that is local, to the page of it here.
pub(super) fn way(cx: &Cx<'_>, number: i64, url: &str, word: &str) -> Markup {
    if cx.plane().settings().local.is_none() {
        return outside(url, word);
    }
    html! { a href=(cx.to(&Page::Issue(number.to_string()))) { (word) } }
}

fn facts(cx: &Cx<'_>, shown: &Shown) -> Markup {
    let issue = &shown.issue;
    html! {
        dl .facts {
            dt { "State" } dd { (part::tag(if shown.stands() == "open" { Tone::Run } else { Tone::Plain }, shown.stands())) }
            dt { "Opened" } dd { (cx.ago(issue.created_at)) " by " (part::line(&issue.author.login, 80)) }
            dt { "Changed" } dd { (cx.ago(issue.updated_at)) }
            dt { "Labels" } dd { @if issue.labels.is_empty() { "none" } @for label in &issue.labels { (part::tag(Tone::Plain, label)) " " } }
            @if let Some(gap) = &shown.gap { dt { "Of the gap" } dd { a href=(cx.to(&Page::Gap(gap.clone()))) { (part::line(gap, 200)) } } }
            @if let Some(pull) = &shown.pull { dt { "Of the pull request" } dd { a href=(cx.to(&Page::Pull(pull.clone()))) { "its page" } } }
        }
    }
}

fn comments(cx: &Cx<'_>, shown: &Shown) -> Markup {
    if shown.comments.is_empty() {
        return part::empty("Nobody has said anything", "What people and the server write on it comes here.", "");
    }
    html! {
        div .bd {
            ul .line {
                @for comment in &shown.comments {
                    li data-key=(comment.id) {
                        b { (part::line(&comment.author.login, 80)) } " " (cx.ago(comment.created_at))
                        (part::said_up_to(&comment.body, COMMENT_CHARS))
                    }
                }
            }
        }
    }
}
