//! How reviewers are shown: no share without its count and its interval, agreement beside its base rate and kappa.

use domain::calibration::measure::{Disposed, Share, Standing};
use domain::calibration::rule;
use domain::time::Time;
use plane::calibrate::Reviewer;
use runner::usd;
use serde_json::{Value, json};

use crate::command::gaps::section;
use crate::show::{Answer, BOLD, clean};

/// What is known of each.
pub(super) fn report(days: i64, reviewers: &[Reviewer]) -> Answer {
    let documents: Vec<_> = reviewers.iter().map(document).collect();
    let text = if reviewers.is_empty() {
        format!("no reviewer was tried or judged anything in the last {days} days")
    } else {
        reviewers.iter().map(in_full).collect::<Vec<_>>().join("\n\n")
    };
    Answer::new(json!({"days": days, "reviewers": documents}), text)
}

/// What came of a run.
pub(super) fn ran(counts: (usize, usize, usize), micro_usd: Option<i64>, reviewers: &[Reviewer]) -> Answer {
    let (planned, answered, missed) = counts;
    let cost = micro_usd.map_or_else(String::new, |micro_usd| format!(", {} spent", usd(micro_usd)));
    let mut text = format!("{answered} of {planned} shadow reviews answered, {missed} without an answer{cost}");
    for one in reviewers {
        let trials = section("Shadow reviews of this run", &["", "how many"], figures(&one.report));
        text = format!("{text}\n\n{}{trials}", heading(one));
    }
    let document = json!({
        "planned": planned,
        "answered": answered,
        "missed": missed,
        "micro_usd": micro_usd,
        "reviewers": reviewers.iter().map(document).collect::<Vec<_>>(),
    });
    Answer::new(document, text)
}

fn heading(one: &Reviewer) -> String {
    let how = match &one.calibrated {
        Ok(until) => format!("calibrated until {until}"),
        Err(missing) => format!("not calibrated: {}", missing.join("; ")),
    };
    format!("{BOLD}{}{BOLD:#}\n{}", clean(&one.by.to_string()), clean(&how))
}

fn in_full(one: &Reviewer) -> String {
    let trials = if one.trials == 0 { Vec::new() } else { [figures(&one.report), kinds(&one.report)].concat() };
    let columns = [
        "kind",
        "escaped it",
        "held up",
        "merged unchanged",
        "agreed",
        "kappa",
        "approved: unchanged",
        "edited",
        "closed",
        "reverted",
        "unknown",
    ];
    let all = (one.standing.base.n > 0 || one.standing.unknown > 0).then(|| standing_row("all", &one.standing));
    let rows = one.by_kind.iter().map(|(kind, standing)| standing_row(kind, standing)).chain(all).collect();
    let auto = if one.by_itself == 0 {
        String::new()
    } else {
        format!("\nleft out, because they merged by themselves: {}", one.by_itself)
    };
    let findings = one
        .disposed
        .iter()
        .map(|of| vec![of.category.name().to_owned(), of.addressed.to_string(), of.unseen.to_string()]);
    format!(
        "{}{}{}{auto}{}",
        heading(one),
        section("Shadow reviews", &["", "how many"], trials),
        section("What people did with what it judged", &columns, rows),
        section("What became of its findings", &["category", "addressed", "unseen"], findings.collect()),
    )
}

fn figures(report: &rule::Report) -> Vec<Vec<String>> {
    let row = |what: &str, share: Share| vec![what.to_owned(), share.to_string()];
    let mut rows = vec![
        row("defects caught", report.recall),
        row("critical ones missed", report.critical_missed),
        row("clean changes not approved", report.false_alarms),
        row("verdicts moved by the words", report.flips),
    ];
    rows.extend(report.flips_by_framing.iter().map(|(framing, share)| row(&format!("  {framing}"), *share)));
    rows.push(row("retests with the same verdict", report.retests));
    rows
}

fn kinds(report: &rule::Report) -> Vec<Vec<String>> {
    let row = |(kind, share): &(_, Share)| vec![format!("caught: {kind}"), share.to_string()];
    report.by_kind.iter().map(row).collect()
}

fn standing_row(kind: &str, of: &Standing) -> Vec<String> {
    let kappa = of.kappa.map_or_else(|| "not known".to_owned(), |kappa| format!("{kappa:.2}"));
    let mut row = vec![kind.to_owned()];
    row.extend([of.leniency, of.strictness, of.base, of.agreement].map(|share| share.to_string()));
    row.push(kappa);
    row.extend(of.approved.map(|(_, share)| format!("{} of {}", share.k, share.n)));
    row.push(of.unknown.to_string());
    row
}

fn document(one: &Reviewer) -> Value {
    let report = &one.report;
    let by_kind: serde_json::Map<_, _> =
        report.by_kind.iter().map(|(kind, of)| (kind.name().to_owned(), share(*of))).collect();
    let by_framing: serde_json::Map<_, _> =
        report.flips_by_framing.iter().map(|(framing, of)| (framing.name().to_owned(), share(*of))).collect();
    let pulls_by_kind: serde_json::Map<_, _> =
        one.by_kind.iter().map(|(kind, of)| (kind.clone(), standing(of))).collect();
    json!({
        "reviewer": one.by,
        "calibrated_until": one.calibrated.as_ref().ok().map(|until: &Time| until.iso()),
        "missing": one.calibrated.as_ref().err(),
        "trials": {
            "n": one.trials,
            "recall": share(report.recall),
            "by_kind": by_kind,
            "critical_missed": share(report.critical_missed),
            "false_alarms": share(report.false_alarms),
            "flips": share(report.flips),
            "flips_by_framing": by_framing,
            "retests": share(report.retests),
        },
        "pulls": standing(&one.standing),
        "pulls_by_kind": pulls_by_kind,
        "merged_by_itself": one.by_itself,
        "findings": one.disposed.iter().map(disposed).collect::<Vec<_>>(),
    })
}

fn share(of: Share) -> Value {
    let (low, high) = of.wilson().unzip();
    json!({"k": of.k, "n": of.n, "rate": of.rate(), "low": low, "high": high})
}

fn standing(of: &Standing) -> Value {
    let approved: serde_json::Map<_, _> =
        of.approved.iter().map(|(ended, of)| (ended.name().to_owned(), share(*of))).collect();
    json!({
        "leniency": share(of.leniency),
        "strictness": share(of.strictness),
        "base": share(of.base),
        "agreement": share(of.agreement),
        "kappa": of.kappa,
        "approved": approved,
        "unknown": of.unknown,
    })
}

fn disposed(of: &Disposed) -> Value {
    json!({"category": of.category, "addressed": share(of.addressed), "unseen": of.unseen})
}
