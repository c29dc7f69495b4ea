//! What people do in the demonstration: an operator raises the level, somebody lets agents act on an issue, and somebody
//! merges, or does not.

use std::io::{self, IsTerminal as _};

use domain::agent::Role;
use domain::gap::State;
use domain::pull::Stage;
use domain::time::Span;
use forge::{Forge as _, Method};
use plane::agent::Grant;
use plane::page::Ask;
use plane::pull::Shown;
use store::pull::word::Word;
use tokio::time::interval;

use super::house::{GLANCE, House, halted};
use super::routine::GAP;
use super::tell::{Step, Teller, Tone};
use super::{Consent, YOU, asked};
use crate::command::issues::{self, failure as of_forge};
use crate::failure::Failure;
use crate::show::Format;

/// Why the level is raised without evidence.
const REASON: &str = "a demonstration on this machine: nothing of it leaves the folder";

/// How long the token is good with which the page is opened.
const PAGE_LIFE: Span = Span::days(1);

/// The job that opens issues.
const SWEEP: &str = "register-jobs";

/// Raises the level until all four stages work.
pub(super) async fn raise(house: &House, teller: Teller) -> Result<(), Failure> {
    for _ in 0..2 {
        let moved = house.plane.raise_level(&house.call(), Some(REASON)).await?;
        let what = format!("raises the level from {} to {}, with a written reason", moved.was, moved.now);
        teller.tell(&Step::new("raised", format!("{YOU}, operator"), what));
    }
    Ok(())
}

/// Lets the sweep open an issue for the gap, and puts the label on it.
pub(super) async fn opt_in(house: &House, teller: Teller) -> Result<i64, Failure> {
    house.plane.trigger_scheduled(&house.call(), SWEEP).await?;
    let issue = house
        .until("an issue for the gap", async || {
            let issues = house.local.issues(0).await.map_err(of_forge)?;
            Ok(issues.into_iter().next())
        })
        .await?;
    let number = issue.number;
    teller.tell(&Step::new("swept", "gapwright", format!("the sweep opens issue #{number}: {}", issue.title)));
    let label = house.plane.label_names().await.of(domain::label::Role::OptIn).to_owned();
    let you = house.local.acting(YOU).map_err(of_forge)?;
    issues::label(&you, number, label.clone()).await?;
    issues::hurry(house.plane.store(), &house.config, number).await?;
    teller.tell(&Step::new("let", YOU, format!("puts the label {label} on it: agents may act on this gap")));
    Ok(number)
}

/// What a person sees before a merge.
pub(super) async fn look(house: &House, shown: &Shown, teller: Teller) -> Result<(), Failure> {
    let pull = &shown.stored.pull;
    let Some(change) = &pull.change else { return Err(Failure::new("there is no change to look at")) };
    let number = pull.there.number.unwrap_or_default();
    // As it stands there, where a person looks.
    let title = house.local.pull(number).await.map_err(of_forge)?.title;
    let difference = house.plane.show_difference(&house.call(), &pull.id).await?;
    let verdicts = shown.words.iter().rev().filter(|word| word.pass == "final" && judges(word));
    let verdicts: Vec<_> = verdicts.map(|word| format!("{} {}", word.principal, word.verdict)).collect();
    let facts = format!(
        "closes:   {}\nbranch:   {} onto {}\nsize:     {} files, {} lines\nverdicts: {}\nrounds:   {}, revised {} time\ncost:     {}, {} \
         tokens\n\n{}",
        pull.gap,
        change.branch,
        change.onto,
        change.files,
        change.lines,
        verdicts.join(", "),
        pull.iteration + 1,
        pull.iteration,
        pull.booked.dollars(),
        pull.booked.tokens,
        difference.text.trim_end(),
    );
    let step = Step::new("waits", "gapwright", format!("#{number} waits for a person: {title}"));
    teller.tell(&step.more(&facts));
    Ok(())
}

/// Whether it is a verdict.
fn judges(word: &Word) -> bool {
    [Stage::Reviewer, Stage::Merger].iter().any(|stage| stage.name() == word.stage)
}

/// Whether to merge: as the command line says, or as somebody answers who is there.
pub(super) async fn consents(house: &House, consent: Consent, teller: Teller) -> Result<Option<bool>, Failure> {
    match consent {
        Consent::Given => Ok(Some(true)),
        Consent::Page => {
            let step =
                Step::new("yours", "gapwright", format!("it is your turn: read it, and merge it, at {}", house.page()));
            teller.tell(&step.more("nobody takes it up here if you ask for changes: the scripts have had their turns"));
            ended(house).await.map(Some)
        }
        Consent::Ask => {
            if teller.format() == Format::Json || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
                return Ok(None);
            }
            asked::yes("merge?", &house.halt).await.map(Some)
        }
    }
}

/// Says where the page is, and makes a token to sign in with.
pub(super) async fn opens_the_door(house: &House, teller: Teller) -> Result<(), Failure> {
    let grant = Grant { principal: YOU.to_owned(), role: Role::Operator, kinds: Vec::new(), life: PAGE_LIFE };
    let (token, _) = house.plane.create_token(&house.call(), grant).await?;
    let step = Step::new("page", "gapwright", format!("the control room is at {}", house.page()));
    teller.tell(&step.more(&format!("sign in with: {token}")));
    Ok(())
}

/// Waits, as long as it takes, until somebody has merged it or nothing becomes of it; whether it was merged.
async fn ended(house: &House) -> Result<bool, Failure> {
    let mut clock = interval(GLANCE);
    loop {
        if house.halt.run_until_cancelled(clock.tick()).await.is_none() {
            return Err(halted());
        }
        let shown = house.plane.show_gap(&house.call(), GAP, &Ask::default()).await?;
        match shown.gap.state {
            State::Merged | State::Proven => return Ok(true),
            State::WontFix | State::RequiresHuman | State::Duplicate => return Ok(false),
            State::Open | State::Planned | State::InProgress | State::InReview => {}
        }
    }
}

/// Tells that it was merged by the page.
pub(super) fn was_merged(teller: Teller) {
    teller.tell(&Step::new("merged", YOU, "merges it by the page").tone(Tone::Good));
    teller.tell(&Step::new(
        "gap",
        "gapwright",
        format!("{GAP} is {}: a job that was blocked has yet to succeed", State::Merged),
    ));
}

/// Merges it as a person does on the forge, and waits until the gap is known to be merged.
pub(super) async fn merge(house: &House, shown: &Shown, teller: Teller) -> Result<(), Failure> {
    let pull = &shown.stored.pull;
    let (Some(number), Some(change)) = (pull.there.number, &pull.change) else {
        return Err(Failure::new("there is nothing to merge"));
    };
    let you = house.local.acting(YOU).map_err(of_forge)?;
    let title = format!("{} (#{number})", you.pull(number).await.map_err(of_forge)?.title);
    you.merge(number, &change.head, Method::Merge, &title).await.map_err(of_forge)?;
    issues::hurry(house.plane.store(), &house.config, number).await?;
    teller.tell(&Step::new("merged", YOU, format!("merges #{number} into {}", change.onto)).tone(Tone::Good));
    house.until("a merged gap", async || stands(house, State::Merged).await).await?;
    teller.tell(&Step::new(
        "gap",
        "gapwright",
        format!("{GAP} is {}: a job that was blocked has yet to succeed", State::Merged),
    ));
    Ok(())
}

/// Something, when the gap stands so.
pub(super) async fn stands(house: &House, state: State) -> Result<Option<State>, Failure> {
    let shown = house.plane.show_gap(&house.call(), GAP, &Ask::default()).await?;
    Ok(Some(shown.gap.state).filter(|now| *now == state))
}
