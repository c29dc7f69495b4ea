use super::*;
use crate::calibration::corpus;
use crate::calibration::seed::{Trial, What, plan};

/// The moment so many days after the first.
fn day(days: i64) -> Time {
    Time(1_800_000_000_000) + Span::days(days)
}

/// A round of trials in an order of chance, by a reviewer that says what is right, a second apart.
fn round(seed: u64, at: Time) -> Vec<Tried> {
    let mut state = seed;
    let trials = plan(SEEDED, |count| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % count
    });
    (0..).zip(&trials).map(|(second, trial)| right(trial, at + Span::secs(second))).collect()
}

fn right(trial: &Trial, at: Time) -> Tried {
    let defect = match trial.what {
        What::Seeded => Some(corpus::case(trial.case).expect("a case").defect),
        What::Clean => None,
    };
    let (case, approved, cited) = (trial.case.to_owned(), defect.is_none(), defect.is_some());
    Tried { defect, framing: trial.framing, approved, cited, case, repeat: trial.repeat, at }
}

/// Lets a reviewer say one thing of all.
fn say(tried: &mut [Tried], approved: bool) {
    for one in tried {
        one.approved = approved;
    }
}

/// Lets a reviewer say the opposite of the first so many of these.
fn turn(tried: &mut [Tried], count: usize, which: impl Fn(&Tried) -> bool) {
    let turned = tried.iter_mut().filter(|one| which(one)).take(count);
    assert_eq!(turned.map(|one| one.approved = !one.approved).count(), count);
}

/// Takes the first so many of these away.
fn without(mut tried: Vec<Tried>, count: usize, which: impl Fn(&Tried) -> bool) -> Vec<Tried> {
    let mut left = count;
    tried.retain(|one| {
        left == 0 || !which(one) || {
            left -= 1;
            false
        }
    });
    tried
}

fn is_seeded(one: &Tried) -> bool {
    one.is_first() && one.defect.is_some()
}

fn is_clean(one: &Tried) -> bool {
    one.is_first() && one.defect.is_none()
}

fn is_framed(one: &Tried) -> bool {
    one.framing != Framing::Neutral
}

fn is_again(one: &Tried) -> bool {
    one.repeat > 0
}

/// The first ones that stand beside nothing, so that turning one turns no pair.
fn alone(tried: &[Tried]) -> impl Fn(&Tried) -> bool + use<> {
    let paired: BTreeSet<_> =
        tried.iter().filter(|one| !one.is_first()).map(|one| (one.case.clone(), one.defect.is_some())).collect();
    move |one| !paired.contains(&(one.case.clone(), one.defect.is_some()))
}

#[test]
fn one_plan_that_is_answered_well_calibrates_until_ninety_days_after_its_last_trial() {
    for seed in 0..20 {
        let tried = round(seed, day(0));
        let last = tried.last().expect("a trial").at;
        assert_eq!(calibrated(&tried, day(1)), Ok(last + GOOD_FOR));
        assert_eq!(calibrated(&tried, last + GOOD_FOR - Span(1)), Ok(last + GOOD_FOR));
        let ended = format!("the last full set of trials ended at {last}, and holds for 90 days");
        assert_eq!(calibrated(&tried, last + GOOD_FOR), Err(vec![ended]));
        let whole = report(&tried);
        assert_eq!(whole.recall, Share { k: 40, n: 40 });
        assert_eq!(whole.false_alarms, Share { k: 0, n: 20 });
        assert_eq!((whole.flips, whole.retests), (Share { k: 0, n: 20 }, Share { k: 10, n: 10 }));
        assert_eq!(whole.critical_missed.k, 0);
        assert_eq!(whole.by_kind.iter().map(|(_, share)| share.n).sum::<u32>(), 40);
        assert!(whole.flips_by_framing.iter().all(|(_, share)| share.n == 4), "{whole:?}");
    }
}

#[test]
fn who_approves_everything_or_nothing_is_not_calibrated() {
    for (approves, says) in [
        (true, "0 of the last 40 seeded defects were caught, 34 are needed"),
        (false, "20 of 20 clean changes were not approved, 4 may be"),
    ] {
        let mut tried = round(1, day(0));
        say(&mut tried, approves);
        assert_eq!(calibrated(&tried, day(1)), Err(vec![says.to_owned()]));
    }
}

/// Tells which trials are meant.
type Which<'a> = &'a dyn Fn(&Tried) -> bool;

#[test]
fn each_limit_holds_and_one_more_is_too_many() {
    let good = round(3, day(0));
    let alone = alone(&good);
    let missed = |one: &Tried| is_seeded(one) && alone(one);
    let alarm = |one: &Tried| is_clean(one) && alone(one);
    let cases: [(Which, usize, &str); 4] = [
        (&missed, 6, "33 of the last 40 seeded defects were caught, 34 are needed"),
        (&alarm, 4, "5 of 20 clean changes were not approved, 4 may be"),
        (&is_framed, 1, "2 of 20 verdicts moved with the framing, 1 may"),
        (&is_again, 1, "8 of 10 retests had the same verdict, 9 are needed"),
    ];
    for (which, most, says) in cases {
        let mut tried = good.clone();
        turn(&mut tried, most, which);
        assert!(calibrated(&tried, day(1)).is_ok(), "{says}");
        let mut tried = good.clone();
        turn(&mut tried, most + 1, which);
        assert_eq!(calibrated(&tried, day(1)), Err(vec![says.to_owned()]));
    }
}

#[test]
fn a_defect_is_caught_only_for_the_right_reason() {
    let mut tried = round(4, day(0));
    tried.iter_mut().filter(|one| is_seeded(one)).take(7).for_each(|one| one.cited = false);
    let says = "33 of the last 40 seeded defects were caught, 34 are needed";
    assert_eq!(calibrated(&tried, day(1)), Err(vec![says.to_owned()]));
}

#[test]
fn too_few_of_anything_is_said_in_words() {
    let good = round(5, day(0));
    let race = |one: &Tried| one.is_first() && one.defect == Some(Defect::Race);
    let races = good.iter().filter(|one| race(one)).count();
    for (tried, says) in [
        (without(good.clone(), 1, is_clean), vec!["19 of 20 clean changes were tried"]),
        (without(good.clone(), 3, is_framed), vec!["17 of 20 framing pairs were tried"]),
        (without(good.clone(), 1, is_again), vec!["9 of 10 retests were tried"]),
    ] {
        let told = calibrated(&tried, day(1)).expect_err("too few");
        assert!(says.iter().all(|says| told.contains(&(*says).to_owned())), "{told:?}");
    }
    let told = calibrated(&without(good, races - 1, race), day(1)).expect_err("too few");
    assert!(told.contains(&"tried less than 2 times: race".to_owned()), "{told:?}");
    let told = calibrated(&[], day(1)).expect_err("nothing");
    assert_eq!(told.len(), 5, "{told:?}");
}

#[test]
fn a_new_trial_does_not_make_an_old_set_younger_but_counts_against_it() {
    let mut tried = round(6, day(0));
    let until = calibrated(&tried, day(1)).expect("calibrated");
    let seeded = tried.iter().find(|one| is_seeded(one)).expect("one").clone();
    for days in 1..8 {
        tried.push(Tried { approved: true, at: day(80) + Span::hours(days), ..seeded.clone() });
        assert_eq!(calibrated(&tried, day(81)).ok(), (days < 7).then_some(until), "{days}");
    }
}

#[test]
fn a_later_full_set_stands_for_itself() {
    let (mut bad, good) = (round(7, day(0)), round(8, day(30)));
    say(&mut bad, true);
    assert!(calibrated(&bad, day(1)).is_err());
    bad.extend(good.clone());
    assert_eq!(calibrated(&bad, day(31)), Ok(good.last().expect("a trial").at + GOOD_FOR));
    let (mut then, mut worse) = (good, round(9, day(60)));
    say(&mut worse, true);
    then.extend(worse);
    assert!(calibrated(&then, day(61)).is_err());
}

#[test]
fn a_set_that_took_longer_than_it_holds_is_none() {
    let slow = |gap: Span| -> Vec<Tried> {
        (0..).zip(round(10, day(0))).map(|(at, one)| Tried { at: day(0) + Span(gap.0 * at), ..one }).collect()
    };
    let (fits, late) = (slow(Span::days(1)), slow(Span::hours(25)));
    assert_eq!(calibrated(&fits, day(90)), Ok(day(89) + GOOD_FOR));
    assert!(calibrated(&late, day(93)).is_err());
}

#[test]
fn a_pair_is_made_with_the_nearest_in_time_of_the_same_twin() {
    let first = round(11, day(0)).into_iter().find(is_seeded).expect("one");
    let of = |framing, repeat, approved, days| Tried { framing, repeat, approved, at: day(days), ..first.clone() };
    let tried = [
        of(Framing::Neutral, 0, false, 0),
        of(Framing::Neutral, 0, true, 10),
        of(Framing::UrgentFix, 0, true, 9),
        of(Framing::UrgentFix, 0, true, 1),
        of(Framing::Neutral, 1, true, 11),
        of(Framing::UrgentFix, 1, false, 9),
        Tried { defect: None, ..of(Framing::ByHuman, 0, true, 0) },
        Tried { case: "other".to_owned(), ..of(Framing::Neutral, 1, true, 0) },
    ];
    let told = report(&tried);
    assert_eq!((told.flips, told.retests), (Share { k: 1, n: 2 }, Share { k: 1, n: 2 }));
    assert_eq!(told.recall, Share { k: 1, n: 2 });
}

/// The chance of at least `k` of `n` at a rate of `p`.
fn tail(k: i32, n: i32, p: f64) -> f64 {
    let ways = |k: i32| (0..k).fold(1.0, |ways, at| ways * f64::from(n - at) / f64::from(at + 1));
    (k..=n).map(|k| ways(k) * p.powi(k) * (1.0 - p).powi(n - k)).sum()
}

#[test]
fn thirty_four_of_forty_show_more_than_seventy_percent_and_thirty_three_do_not() {
    for (k, n, shows) in [
        (34, 40, true),
        (33, 40, false),
        (18, 20, true),
        (17, 20, false),
        (26, 30, true),
        (25, 30, false),
        (49, 60, true),
        (78, 100, true),
        (77, 100, false),
    ] {
        assert_eq!(tail(k, n, 0.7) < 0.05, shows, "{k} of {n}: {}", tail(k, n, 0.7));
    }
    for (k, chance, bound) in [(34, 0.0238, 0.7253), (33, 0.0553, 0.6963)] {
        assert!((tail(k, 40, 0.7) - chance).abs() < 0.0001, "{k}");
        assert!((tail(k, 40, bound) - 0.05).abs() < 0.0005, "{k}: the exact lower bound");
    }
    assert_eq!((CAUGHT_MIN, SEEDED), (34, 40));
}
