//! One pull request: whose turn it is, each round with its verdict, findings, cost and minutes, the plan, the gate's
//! checklist, and what a person may do with it here.

use domain::budget::Amount;
use domain::outcome::TakingBack;
use domain::pull::{Finding, Plan, Pull, Severity, Stage, State};
use domain::time::{Span, Time};
use maud::{Markup, html};
use plane::No;
use plane::pull::{Review, ReviewState, Round, Shown};
use store::automerge::Revert;
use store::pull::word::Word;

use super::super::part::chart;
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::gaps::outside;
use super::issue::way;
use super::pipeline::{name, state_tag, title};
use super::{Cx, View, gate};

/// How many characters of what somebody said are shown, and of a finding.
const SAID_CHARS: usize = 2_000;
const FINDING_CHARS: usize = 500;

/// How many characters of a description or a plan are shown.
const TEXT_CHARS: usize = 5_000;

pub(super) async fn view(cx: &Cx<'_>, id: &str) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let shown = plane.show_pull(call, id).await?;
    let rounds = plane.show_rounds(call, &shown).await?;
    let pull = &shown.stored.pull;
    let heard = plane.list_reviews_of_people(call, pull).await?;
    let explained = match (pull.there.number, pull.state) {
        (None, _) => None,
        (Some(number), _) => Some(plane.explain_gate(call, &format!("{}#{number}", pull.repo)).await?),
    };
    let mut parts = vec![
        Part::card("facts", Width::Half, ("How it stands", ""), part::body(&facts(cx, &shown))),
        Part::card("cost", Width::Half, ("Cost", "by stage, of its budget"), part::body(&cost(cx, pull, &rounds))),
        Part::card("rounds", Width::Whole, ("Rounds", "in order"), list(cx, &rounds)),
        Part::card(
            "words",
            Width::Half,
            ("Words", "of each round and of people, the last first"),
            words(cx, &rounds, (&heard, &shown.words)),
        ),
        Part::card("about", Width::Half, ("Description", "in the implementer's words"), about(pull)),
        Part::card("plan", Width::Half, ("Plan", "the planner's, of which the simplest was taken"), plan(&shown)?),
        Part::card(
            "gate",
            Width::Half,
            ("Gate", "why it does or does not merge by itself"),
            gate::judged(cx, explained.as_ref())?,
        ),
        Part::card("history", Width::Whole, ("History", "the latest first"), history(cx, &shown)),
    ];
    if let Some(explained) = &explained
        && let Some(revert) = &explained.revert
    {
        parts.insert(0, taken_back(cx, pull, revert, revert.taking_back(explained.outcomes.first())));
    }
    let heading = format!("{} {}", name(pull), title(pull));
    Ok(View { title: heading, acts: acts(cx, pull), parts })
}

/// What takes it back, and what a person does about that.
fn taken_back(cx: &Cx<'_>, pull: &Pull, revert: &Revert, how: TakingBack) -> Part {
    let title = match how {
        TakingBack::Done => "It was taken back",
        TakingBack::ToMerge => "It is to be taken back, by a person",
        TakingBack::Unwanted => "A person closed what would have taken it back",
        TakingBack::ByHand => "It is to be taken back by hand",
        TakingBack::InTheMaking => "A pull request that takes it back is being made",
    };
    let number = revert.number.map(|number| (number, number.to_string()));
    let told = html! {
        p { (part::line(&revert.why, 300)) }
        @if how == TakingBack::ByHand { p { (part::tag(Tone::Bad, "failed")) " " (part::line(&revert.error, 300)) } }
        @if let Some((number, text)) = &number {
            @if how == TakingBack::ToMerge && cx.plane().is_here(&pull.repo) {
                a .b.go href=(cx.to(&Page::Diff(text.clone()))) { "Read it, and merge it" } " "
                (cx.act("close-pull", &[("number", text)], "Close it", "danger")) " "
            }
            (on_the_forge(cx, pull, *number, &revert.url))
        }
    };
    Part::card("revert", Width::Whole, (title, ""), part::body(&told))
}

/// The way to what has a number in the repository of a pull request.
fn on_the_forge(cx: &Cx<'_>, pull: &Pull, number: i64, url: &str) -> Markup {
    let word = format!("#{number}");
    if cx.plane().is_here(&pull.repo) || cx.plane().settings().local.is_none() {
        way(cx, number, url, &word)
    } else {
        html! { (word) }
    }
}

/// What a person may do with it: on the local forge here, otherwise where it lives.
fn acts(cx: &Cx<'_>, pull: &Pull) -> Markup {
    let id = pull.id.as_str();
    let head = pull.head().unwrap_or_default();
    let number = pull.there.number.map(|number| number.to_string());
    let here = cx.plane().is_here(&pull.repo);
    html! {
        @if pull.change.is_some() { a .b href=(cx.to(&Page::Diff(id.to_owned()))) { "Read the diff" } }
        @if let (Some(number), true, true) = (&number, here, pull.state.is_live()) {
            @let about = [("number", number.as_str()), ("head", head)];
            (cx.act("merge-pull", &about, "Merge", if pull.state.needs_person() { "go" } else { "" }))
            (cx.act("request-changes", &about, "Request changes", ""))
            (cx.act("close-pull", &[("number", number)], "Close", "danger"))
        }
        @if let (Some(number), true, State::Closed | State::WontFix) = (&number, here, pull.state) {
            (cx.act("reopen-pull", &[("number", number)], "Open it again", ""))
        }
        @if number.is_some() && !here && !pull.there.url.is_empty() { (outside(&pull.there.url, "Review and merge it on the forge")) }
        @if pull.state.is_stopped() { (cx.act("resume-pull", &[("pull", id)], "Let it go on", "")) }
        @else if pull.state.stage().is_some() { (cx.act("stop-pull", &[("pull", id)], "Stop", "")) }
        (cx.history(&format!("pull:{id}")))
    }
}

fn facts(cx: &Cx<'_>, shown: &Shown) -> Markup {
    let pull = &shown.stored.pull;
    html! {
        dl .facts {
            dt { "State" } dd { (state_tag(pull)) " since " (cx.ago(pull.changed_at)) }
            dt { "Because" } dd { (part::line(&pull.why, 300)) }
            dt { "Whose turn" } dd { (pull.turn_of()) }
            @if let Some(waits) = &shown.waits { dt { "Waits for" } dd { (part::line(waits, 300)) } }
            dt { "Gap" } dd { a href=(cx.to(&Page::Gap(pull.gap.to_string()))) { (part::line(&pull.gap.to_string(), 200)) } }
            dt { "Round" } dd { (pull.iteration) " of " (cx.plane().settings().rules.caps.iterations) @if pull.epoch > 0 { ", opened again " (part::counted(pull.epoch, "time")) } }
            @if let Some(change) = &pull.change {
                dt { "Branch" } dd .mono { (part::line(&change.branch, 200)) " onto " (part::line(&change.onto, 100)) }
                dt { "Head" } dd .mono { (change.head) }
                dt { "Size" } dd { (part::counted(change.files, "file")) ", " (part::counted(change.lines, "line")) }
                @if let Some(why) = &change.visual { dt { "Shows" } dd { (part::tag(Tone::Warn, "look at it")) " " (part::line(why, 200)) } }
                @if let Some(why) = &change.protected { dt { "Protected" } dd { (part::tag(Tone::Warn, "people alone")) " " (part::line(why, 200)) } }
            }
            @if !pull.there.labels.is_empty() { dt { "Labels" } dd { @for label in &pull.there.labels { (part::tag(Tone::Plain, label)) " " } } }
            @if let Some(number) = pull.there.number { dt { "On the forge" } dd { (on_the_forge(cx, pull, number, &pull.there.url)) } }
            @if !shown.stored.seen.last_error.is_empty() { dt { "Trouble" } dd { (part::tag(Tone::Bad, "forge")) " " (part::line(&shown.stored.seen.last_error, 300)) } }
            @for say in &shown.open { dt { "To be written" } dd { (say.what) ", " (say.state) ", tried " (part::counted(say.tries, "time")) } }
        }
    }
}

fn cost(cx: &Cx<'_>, pull: &Pull, rounds: &[Round]) -> Markup {
    let cap = cx.plane().settings().rules.caps.pull;
    let (spent, of) = (part::dollars(pull.booked.micro_usd), part::dollars(cap.micro_usd));
    let worked =
        rounds.iter().filter_map(|round| round.run.as_ref()).map(|run| run.ended_at.since(run.claimed_at).0).sum();
    let known = rounds.iter().map(|round| round.spent.spend).fold(0, |sum, spend| sum + spend.micro_usd.unwrap_or(0));
    let aside = pull.booked.micro_usd - known;
    html! {
        p { b { (spent) } " of " (of) ", " (part::grouped(pull.booked.tokens)) " tokens, " (part::lasting(Span(worked))) " of work" @if aside > 0 { ", of which " (part::dollars(aside)) " are set aside for what is not known yet" } }
        (chart::budget(pull.booked.micro_usd, cap.micro_usd, &format!("{spent} of {of} spent")))
        table {
            caption .sr { "Cost by stage" }
            thead { tr { th scope="col" { "Stage" } th .num scope="col" { "Runs" } th .num scope="col" { "Tokens" } th .num scope="col" { "Cost" } } }
            tbody {
                @for stage in Stage::ALL {
                    @let of_stage: Vec<_> = rounds.iter().filter(|round| round.spent.stage == stage).collect();
                    @let sum = of_stage.iter().fold(Amount::ZERO, |sum, round| sum.plus(round.spent.spend.booked()));
                    tr { td { (stage) } td .num { (of_stage.len()) } td .num { (part::grouped(sum.tokens)) } td .num { (part::dollars(sum.micro_usd)) } }
                }
            }
        }
    }
}

fn list(cx: &Cx<'_>, rounds: &[Round]) -> Markup {
    if rounds.is_empty() {
        return part::empty(
            "Nobody has had a turn yet",
            "A worker of the stage takes it up.",
            "gapwright work --kind planner --agent claude",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Rounds" }
                thead { tr {
                    th scope="col" { "Began" } th scope="col" { "Stage" } th scope="col" { "By" } th .num scope="col" { "Revision" } th scope="col" { "Verdict" }
                    th .num scope="col" { "Findings" } th .num scope="col" { "Took" } th .num scope="col" { "Tokens" } th .num scope="col" { "Cost" } th scope="col" { "Run" }
                } }
                tbody { @for round in rounds { (round_row(cx, round)) } }
            }
        }
    }
}

fn round_row(cx: &Cx<'_>, round: &Round) -> Markup {
    let booked = round.spent.spend.booked();
    let word = round.word.as_ref();
    html! {
        tr data-key=(round.spent.claim_id) {
            td .nw { (cx.ago(Time(round.spent.at))) }
            td { (round.spent.stage) }
            td { (part::line(&round.principal, 80)) @if let Some(word) = word { @if !word.model.is_empty() { " " span .soft { (part::line(&word.model, 60)) } } } }
            td .num { @if let Some(word) = word { (word.iteration) } }
            td { (verdict(round)) }
            td .num { @if let Some(findings) = &round.findings { (findings.len()) } }
            td .num { @if let Some(run) = &round.run { (part::lasting(run.ended_at.since(run.claimed_at))) } }
            td .num { (part::grouped(booked.tokens)) }
            td .num { (part::dollars(booked.micro_usd)) @if !round.is_known() { " " span .soft { "set aside" } } }
            td { @if round.run.is_some() { a href=(cx.to(&Page::Run(round.spent.claim_id.clone()))) { "Run" } } @else { "at work" } }
        }
    }
}

fn verdict(round: &Round) -> Markup {
    let Some(word) = &round.word else {
        return html! { @if let Some(run) = &round.run { (part::line(&run.status, 80)) } @else { (part::tag(Tone::Run, "at work")) } };
    };
    if round.spent.stage == Stage::Planner {
        return html! { (part::tag(Tone::Plain, "planned")) " " (part::line(&word.verdict, 80)) };
    }
    match word.verdict.as_str() {
        "" => part::tag(Tone::Plain, "handed in"),
        verdict @ ("APPROVE" | "APPROVE_FOR_HUMAN") => part::tag(Tone::Good, verdict),
        verdict @ "CLOSE" => part::tag(Tone::Bad, verdict),
        verdict => part::tag(Tone::Warn, verdict),
    }
}

/// What each round said, in its own words, and what people said of what it made, the last first: what people judge by before they
/// merge.
fn words(cx: &Cx<'_>, rounds: &[Round], (heard, handed_in): (&[Review], &[Word])) -> Markup {
    let told = rounds.iter().filter_map(|round| Some((round, round.word.as_ref()?)));
    let told = told.filter(|(round, _)| round.spent.stage != Stage::Planner);
    let told = told.map(|(round, word)| (Time(word.at), of_round(cx, round, word)));
    let heard = heard.iter().map(|review| (review.at, of_person(cx, review, handed_in)));
    let mut all: Vec<_> = told.chain(heard).collect();
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    if all.is_empty() {
        return part::empty(
            "Nothing was said yet",
            "Reviews with their findings, and the answers to them, come here.",
            "",
        );
    }
    html! { div .bd { ul .line { @for (_, word) in all { (word) } } } }
}

fn of_round(cx: &Cx<'_>, round: &Round, word: &Word) -> Markup {
    let clean = round.findings.as_ref().is_none_or(Vec::is_empty);
    let tone = if clean { Tone::Good } else { Tone::Warn };
    html! {
        li .(tone.class()) data-key=(word.id) {
            b { (round.spent.stage) } ", " (part::line(&round.principal, 80)) " " (verdict(round)) " " (cx.ago(Time(word.at)))
            @for text in said_in(word) { (part::said_up_to(&text, SAID_CHARS)) }
            @if let Some(found) = &round.findings {
                ul .line { @for finding in found { (finding_of(finding)) } }
            }
        }
    }
}

/// What a person said by a review, and of which revision.
fn of_person(cx: &Cx<'_>, review: &Review, handed_in: &[Word]) -> Markup {
    let (tone, decided) = match review.state {
        ReviewState::ChangesRequested => (Tone::Warn, "changes requested"),
        ReviewState::Approved => (Tone::Good, "approved"),
        ReviewState::Dismissed => (Tone::Plain, "dismissed"),
        ReviewState::Commented | ReviewState::Other => (Tone::Plain, "said"),
    };
    let made = |word: &&Word| word.stage == Stage::Implementer.name() && Some(&word.head) == review.commit.as_ref();
    let of = handed_in.iter().find(made);
    html! {
        li .(tone.class()) data-key={ "review-" (review.id) } {
            b { "a person" } ", " (part::line(&review.author.login, 80)) " " (part::tag(tone, decided)) " " (cx.ago(review.at))
            @if let Some(word) = of { " " span .soft { "of revision " (word.iteration) } }
            @if !review.body.trim().is_empty() { (part::said_up_to(&review.body, SAID_CHARS)) }
        }
    }
}

/// The sentences of what was handed in: its summary, or the answer to what was asked for.
fn said_in(word: &Word) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(&word.body).unwrap_or_default();
    let texts = ["/summary", "/answer"].into_iter().filter_map(|at| body.pointer(at)?.as_str());
    texts.filter(|text| !text.trim().is_empty()).map(str::to_owned).collect()
}

fn finding_of(finding: &Finding) -> Markup {
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Major => Tone::Warn,
        Severity::Minor => Tone::Plain,
    };
    html! {
        li .(tone.class()) {
            (part::tag(tone, finding.severity.name())) " " (finding.category.name()) " "
            span .mono { (part::line(&finding.path, 160)) @if let Some(line) = finding.line { ":" (line) } }
            (part::said_up_to(&finding.text, FINDING_CHARS))
        }
    }
}

fn plan(shown: &Shown) -> Result<Markup, No> {
    let of_planner = |word: &&Word| word.stage == Stage::Planner.name() && word.pass == "final";
    let Some(word) = shown.words.iter().find(of_planner) else {
        return Ok(part::empty("No plan yet", "A planner weighs two or three ways and takes the simplest.", ""));
    };
    let plan: Plan = word.read()?;
    Ok(html! {
        div .bd {
            ul .line {
                @for way in &plan.approaches {
                    @let chosen = way.name == plan.chosen;
                    li .good[chosen] { b { (part::line(&way.name, 120)) } " " span .soft { "some " (part::counted(way.lines, "line")) } @if chosen { " " (part::tag(Tone::Good, "taken")) } (part::said_up_to(&way.about, FINDING_CHARS)) }
                }
            }
            h3 { "Steps" }
            (part::said_up_to(&plan.steps, TEXT_CHARS))
        }
    })
}

fn about(pull: &Pull) -> Markup {
    match &pull.change {
        Some(change) if !change.body.trim().is_empty() => part::body(&part::said_up_to(&change.body, TEXT_CHARS)),
        Some(_) => part::empty("No description", "Its implementer said nothing beyond the title.", ""),
        None => part::empty("No change yet", "An implementer hands it in.", ""),
    }
}

fn history(cx: &Cx<'_>, shown: &Shown) -> Markup {
    html! {
        div .bd {
            ol .line {
                @for event in &shown.events {
                    li .(event_tone(&event.now).class()) data-key=(event.id) {
                        (cx.ago(Time(event.at))) " " b { (event.event.replace('_', " ")) } ", " (event.was.replace('_', " ")) " to " (event.now.replace('_', " ")) " by " (part::line(&event.by, 80))
                        @if !event.why.is_empty() { div .soft { (part::line(&event.why, 300)) } }
                    }
                }
                li { (cx.ago(shown.stored.pull.created_at)) " taken up" }
            }
        }
    }
}

/// The colour of a state that something came to.
fn event_tone(now: &str) -> Tone {
    let state = State::ALL.into_iter().find(|state| state.name() == now);
    match state {
        Some(State::Merged) => Tone::Good,
        Some(State::Capped | State::RequiresHuman) => Tone::Bad,
        Some(State::Proposed | State::NeedsHuman | State::NeedsVisual) => Tone::Warn,
        Some(
            State::Planning
            | State::Implementing
            | State::Opening
            | State::NeedsReview
            | State::ChangesRequested
            | State::Approved,
        ) => Tone::Run,
        Some(State::WontFix | State::Closed) | None => Tone::Plain,
    }
}
