//! What the doctor says of merging by itself, once something may: whether checks are named, which figures show less than
//! those that the evidence needs, and whether our merges can be told from a person's.

use domain::gate::Rules;
use domain::gate::track::upper;
use domain::level::Level;
use plane::gate::Standing;
use plane::{Call, Plane};

use super::{Check, Verdict};
use crate::config::{Config, ForgeKind};

const NAME: &str = "gate";

/// The item that closes every gate of a repository.
const BUDGET: &str = "error budget";

/// Whether what may merge by itself rests on what it should.
pub(super) async fn check(config: &Config, plane: &Plane, call: &Call) -> Check {
    let (level, strata) = match (plane.show_level(call).await, plane.show_gate(call, None).await) {
        (Ok(standing), Ok(strata)) => (standing.level, strata),
        (Err(no), _) | (_, Err(no)) => return Check::failed(NAME, &no.into()),
    };
    let in_force = |one: &&Standing| one.record.arm.as_ref().is_some_and(|arm| one.record.at < arm.until);
    let armed: Vec<_> = strata.iter().filter(in_force).collect();
    let budget = strata.iter().find_map(|one| one.judgement.shut_by(BUDGET));
    let lacking = armed.iter().filter_map(|one| Some(format!("{}: {}", one.stratum.id(), one.judgement.lacking()?)));
    let armed = Armed { all: armed.len(), lacking: lacking.collect(), budget };
    if level != Level::Automerge && armed.all == 0 {
        return Check::new(NAME, Verdict::Pass, format!("nothing merges by itself at the level {level}"));
    }
    let github = matches!(config.forge_kind(), Ok(ForgeKind::GitHub));
    let by_token = github && config.sections.forge.app_id.is_empty();
    said(&config.gate(), &armed, by_token)
}

/// What operators let merge by itself.
#[derive(Debug, Default)]
struct Armed {
    /// How many strata.
    all: usize,
    /// What the evidence of those lacks that it closes.
    lacking: Vec<String>,
    /// What of the error budget closes every gate of a repository.
    budget: Option<String>,
}

fn said(rules: &Rules, armed: &Armed, by_token: bool) -> Check {
    if rules.checks.is_empty() {
        let found = "gate.checks names no check that must have passed, so nothing merges by itself";
        return Check::new(NAME, Verdict::Fail, found)
            .hint("name those that test a change, such as checks = [\"test\"]");
    }
    let hint = "see all that is missing: gapwright gate show";
    if let Some(budget) = &armed.budget {
        return Check::new(NAME, Verdict::Fail, format!("nothing merges by itself: {budget}")).hint(hint);
    }
    if !armed.lacking.is_empty() {
        let (shut, all) = (armed.lacking.len(), armed.all);
        let found = format!(
            "{shut} of {all} armed merge nothing, for their evidence is not enough: {}",
            armed.lacking.join("; ")
        );
        let verdict = if shut == all { Verdict::Fail } else { Verdict::Unknown };
        return Check::new(NAME, verdict, found).hint(hint);
    }
    let weaker = weaker(rules);
    if !weaker.is_empty() {
        let found = format!(
            "{}: nothing bad among {} leaves a rate of up to {:.1} %, and {:.0} % is let by",
            weaker.join(", "),
            rules.asks.streak,
            upper(0, u64::try_from(rules.asks.streak).unwrap_or(0)) * 100.0,
            rules.asks.bad_max * 100.0,
        );
        return Check::new(NAME, Verdict::Unknown, found).hint("leave out of [gate] what shows less than the default");
    }
    if by_token {
        let found = "by a token, what its account merges by itself cannot be told from what a person merges with it";
        return Check::new(NAME, Verdict::Unknown, found)
            .hint("use a GitHub App (forge.app_id), or the token of an account that nobody else uses");
    }
    Check::new(NAME, Verdict::Pass, format!("{} armed; each figure shows what the default does, or more", armed.all))
}

/// The figures that show less than the default, each beside it.
fn weaker(rules: &Rules) -> Vec<String> {
    let default = Rules::default();
    let window = |rules: &Rules| i64::try_from(rules.asks.window).unwrap_or(i64::MAX);
    let percent = |rules: &Rules| rules.asks.bad_max * 100.0;
    let least = [
        ("streak", rules.asks.streak, default.asks.streak),
        ("window", window(rules), window(&default)),
        ("days", rules.days, default.days),
        ("soak_days", rules.soak.0 / DAY, default.soak.0 / DAY),
        ("shadow", rules.shadow, default.shadow),
        ("tenth", rules.ramp.0, default.ramp.0),
        ("half", rules.ramp.1, default.ramp.1),
    ];
    let most = [
        ("per_day", rules.per_day, default.per_day),
        ("unknown_percent_max", rules.unknown_percent_max, default.unknown_percent_max),
        ("lines_max", rules.lines_max, default.lines_max),
        ("files_max", rules.files_max, default.files_max),
        ("merges_per_day", rules.merges_per_day, default.merges_per_day),
    ];
    let less = least.into_iter().filter(|(_, is, should)| is < should);
    let more = most.into_iter().filter(|(_, is, should)| is > should);
    let told = less.chain(more).map(|(key, is, should)| format!("{key} is {is} and not {should}"));
    let bound = (percent(rules) > percent(&default))
        .then(|| format!("bad_percent_max is {:.0} and not {:.0}", percent(rules), percent(&default)));
    told.chain(bound).collect()
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_shows_less_or_is_a_persons_is_told_and_nothing_else() {
        let good = Rules { checks: vec!["test".into()], ..Rules::default() };
        let one = Armed { all: 1, ..Armed::default() };
        let mut short = good.clone();
        short.asks.streak = 20;
        let mut strict = good.clone();
        (strict.asks.bad_max, strict.lines_max, strict.shadow) = (0.02, 50, 400);
        for (rules, by_token, verdict, words) in [
            (&good, false, Verdict::Pass, "1 armed"),
            (&strict, false, Verdict::Pass, "or more"),
            (&good, true, Verdict::Unknown, "cannot be told"),
            (&Rules::default(), false, Verdict::Fail, "names no check"),
            (
                &short,
                true,
                Verdict::Unknown,
                "streak is 20 and not 50: nothing bad among 20 leaves a rate of up to 13.9 %",
            ),
            (&Rules { files_max: 11, ..good.clone() }, false, Verdict::Unknown, "files_max is 11 and not 10"),
        ] {
            let check = said(rules, &one, by_token);
            assert!(check.verdict == verdict && check.found.contains(words), "{check:?}");
        }
        let shut = |all, lacking: &[&str], budget: Option<&str>| {
            let lacking = lacking.iter().map(|why| (*why).to_owned()).collect();
            said(&good, &Armed { all, lacking, budget: budget.map(str::to_owned) }, false)
        };
        for (check, verdict, words) in [
            (shut(1, &[], Some("error budget: 1 bad of 3")), Verdict::Fail, "nothing merges by itself: error budget"),
            (shut(1, &["abc: streak: 3 of 50"], None), Verdict::Fail, "1 of 1 armed merge nothing"),
            (shut(2, &["abc: streak: 3 of 50"], None), Verdict::Unknown, "abc: streak"),
        ] {
            assert!(check.verdict == verdict && check.found.contains(words), "{check:?}");
        }
    }
}
