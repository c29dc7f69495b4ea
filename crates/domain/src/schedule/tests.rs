use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::refusal::Code;

fn cadence(text: &str) -> Cadence {
    Cadence::parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn at(text: &str) -> Time {
    Time::parse(text, "at").expect(text)
}

/// The ticks strictly after `from` and before `to`, on the wall clock of the cadence's zone with its offset.
fn ticks(text: &str, from: &str, to: &str) -> Vec<String> {
    let (cadence, to) = (cadence(text), at(to));
    let zone = match &cadence {
        Cadence::Every(_) => Tz::UTC,
        Cadence::Cron(line) => line.zone(),
    };
    let local = |tick: Time| DateTime::from_timestamp_millis(tick.0).expect("a moment").with_timezone(&zone);
    std::iter::successors(cadence.next_after(at(from)), |tick| cadence.next_after(*tick))
        .take_while(|tick| *tick < to)
        .map(|tick| local(tick).format("%d %H:%M %z").to_string())
        .collect()
}

#[test]
fn a_cadence_of_elapsed_time_is_read_in_each_unit_up_to_its_bounds() {
    let read = |text, span| assert_eq!(Cadence::parse(text), Ok(Cadence::Every(span)), "{text}");
    read("every 1s", EVERY_MIN);
    read("every 30s", Span::secs(30));
    read("  Every   5M ", Span::mins(5));
    read("every 1h", Span::hours(1));
    read("every 7d", Span::days(7));
    read("every 366d", EVERY_MAX);
}

#[test]
fn a_cadence_that_is_malformed_absurd_or_silent_is_refused_with_a_valid_example() {
    let long = "* ".repeat(150);
    let texts = [
        "",
        "   ",
        "every",
        "every 5",
        "every m",
        "every -5m",
        "every 0s",
        "every 367d",
        "every 99999999999999999999d",
        "every 5m 3s",
        "every 1.5h",
        "every 5µ",
        "5m",
        "hourly",
        "@hourly",
        "* * * *",
        "* * * * * *",
        "0 0 0 * * * *",
        "1--100000000 * * * *",
        "*/0 * * * *",
        "99999999999 * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/60 * * * *",
        "*/90 * * * *",
        "5/10 * * * *",
        "/5 * * * *",
        "1,,2 * * * *",
        ", * * * *",
        "1- * * * *",
        "*-5 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "MON * * * *",
        "* * * MON *",
        "* * * * JAN",
        "* * * * SUNMON",
        "* * L * *",
        "* * 15W * *",
        "* * * * 5#2",
        "* * ? * *",
        "* * 1 * +MON",
        "+1 * * * *",
        "٣ * * * *",
        "0 0 30 2 *",
        "0 0 31 2,4,6,9,11 *",
        "CRON_TZ=Europe/Berlin",
        "CRON_TZ= 0 * * * *",
        "CRON_TZ=Mars/Olympus 0 * * * *",
        "TZ=UTC 0 * * * *",
        &long,
    ];
    for text in texts {
        let refusal = Cadence::parse(text).expect_err(text);
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidArgument, Some("cadence")), "{text}");
        let example = refusal.hint.split('`').nth(1).unwrap_or_else(|| panic!("{text}: {}", refusal.hint));
        assert!(example == "every" || Cadence::parse(example).is_ok(), "{text}: {}", refusal.hint);
    }
}

#[test]
fn a_refused_cadence_names_the_field_at_fault_and_its_bounds() {
    let refusal = Cadence::parse("0 25 * * *").expect_err("hour 25");
    assert_eq!(refusal.message, "cadence's hour has `25`, which is not within 0 to 23");
    assert_eq!(refusal.hint, "an example that rings is `0 9-17 * * *`");
    assert_eq!(Cadence::parse("5m").expect_err("bare").hint, "write it as `every 5m`");
}

#[test]
fn a_cadence_is_written_as_it_is_read() {
    for (text, written) in [
        ("every 3600s", "every 1h"),
        ("every 90s", "every 90s"),
        (" 0  8 * jan-mar  mon,SUN ", "0 8 * JAN-MAR MON,SUN"),
        ("CRON_TZ=UTC 0 8 * * *", "0 8 * * *"),
        ("CRON_TZ=America/New_York   0 8 * * FRI-SUN", "CRON_TZ=America/New_York 0 8 * * FRI-SUN"),
    ] {
        assert_eq!(cadence(text).to_string(), written);
        assert_eq!(cadence(written), cadence(text));
    }
}

#[test]
fn a_cadence_is_put_in_words() {
    for (text, words) in [
        ("every 1s", "every second"),
        ("every 5m", "every 5 minutes"),
        ("every 90m", "every 90 minutes"),
        ("every 24h", "every day"),
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "at 02:30 (Europe/Berlin)"),
        ("*/15 * * * *", "every 15 minutes (UTC)"),
        ("0 * * * *", "at minute 0 past every hour (UTC)"),
        ("0 9 * * MON-FRI", "at 09:00, on Monday, Tuesday, Wednesday, Thursday, and Friday (UTC)"),
        ("0-30/10 * * * *", "0-30/10 * * * *"),
        ("CRON_TZ=Europe/Berlin */7 * * * *", "CRON_TZ=Europe/Berlin */7 * * * *"),
    ] {
        assert_eq!(cadence(text).words(), words);
    }
}

#[test]
fn a_run_taken_on_time_keeps_the_phase_and_misses_nothing() {
    let due = at("2026-11-22T08:00:07Z");
    let taken = |text: &str, now: &str| cadence(text).step(due, at(now));
    assert_eq!(taken("every 5m", "2026-11-22T08:00:07Z"), Ring { missed: 0, next: at("2026-11-22T08:05:07Z") });
    assert_eq!(taken("every 5m", "2026-11-22T08:03:00Z"), Ring { missed: 0, next: at("2026-11-22T08:05:07Z") });
    assert_eq!(taken("0 * * * *", "2026-11-22T08:59:59Z"), Ring { missed: 0, next: at("2026-11-22T09:00:00Z") });
}

#[test]
fn a_clock_that_jumps_ahead_or_an_outage_gives_one_run_and_counts_the_others() {
    let due = at("2026-11-22T08:00:00Z");
    let taken = |text: &str, now: &str| cadence(text).step(due, at(now));
    let hour = "2026-11-22T09:00:00Z";
    assert_eq!(taken("every 7m", hour), Ring { missed: 8, next: at("2026-11-22T09:03:00Z") });
    assert_eq!(taken("every 5m", hour), Ring { missed: 12, next: at("2026-11-22T09:05:00Z") });
    assert_eq!(taken("*/5 * * * *", hour), Ring { missed: 12, next: at("2026-11-22T09:05:00Z") });
    let day = "2026-11-23T08:00:30Z";
    assert_eq!(taken("every 1h", day), Ring { missed: 24, next: at("2026-11-23T09:00:00Z") });
    assert_eq!(taken("0 * * * *", day), Ring { missed: 24, next: at("2026-11-23T09:00:00Z") });
    let decade = "2036-11-22T08:00:00.500Z";
    assert_eq!(taken("every 1s", decade), Ring { missed: MISSED_MAX, next: at("2036-11-22T08:00:01Z") });
    assert_eq!(taken("* * * * *", decade), Ring { missed: MISSED_MAX, next: at("2036-11-22T08:01:00Z") });
}

#[test]
fn a_clock_that_jumps_back_rings_no_due_time_twice() {
    let due = at("2026-11-22T08:00:00Z");
    for text in ["every 1h", "0 * * * *"] {
        let ring = cadence(text).step(due, at("2026-11-21T08:00:00Z"));
        assert_eq!(ring, Ring { missed: 0, next: at("2026-11-22T09:00:00Z") }, "{text}");
    }
}

#[test]
fn a_cadence_at_the_end_of_time_stops_ringing_and_does_not_overflow() {
    for text in ["every 366d", "0 0 1 1 *"] {
        assert_eq!(cadence(text).next_after(TIME_MAX), None, "{text}");
        for due in [Time(i64::MIN), Time(0), TIME_MAX, Time(i64::MAX)] {
            assert!(cadence(text).step(due, TIME_MAX).next <= TIME_MAX, "{text}");
            assert!(cadence(text).step(due, Time(i64::MAX)).missed <= MISSED_MAX, "{text}");
        }
        assert_eq!(cadence(text).step(Time(0), TIME_MAX).next, TIME_MAX, "{text}");
    }
}

#[test]
fn a_daily_time_that_spring_skips_rings_once_right_after_the_gap() {
    for (zone, from, to, want) in [
        (
            "Europe/Berlin",
            "2026-03-28T00:00:00Z",
            "2026-03-31T00:00:00Z",
            ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200"],
        ),
        (
            "America/New_York",
            "2026-03-07T05:00:00Z",
            "2026-03-10T04:00:00Z",
            ["07 02:30 -0500", "08 03:00 -0400", "09 02:30 -0400"],
        ),
        // Egypt's clocks skip midnight itself.
        (
            "Africa/Cairo",
            "2026-04-23T12:00:00Z",
            "2026-04-26T12:00:00Z",
            ["24 01:00 +0300", "25 00:00 +0300", "26 00:00 +0300"],
        ),
    ] {
        let time = if zone == "Africa/Cairo" { "0 0" } else { "30 2" };
        assert_eq!(ticks(&format!("CRON_TZ={zone} {time} * * *"), from, to), want, "{zone}");
    }
}

#[test]
fn a_daily_time_that_autumn_repeats_rings_the_first_time_only() {
    for (zone, from, to, want) in [
        (
            "Europe/Berlin",
            "2026-10-24T00:00:00Z",
            "2026-10-27T00:00:00Z",
            ["24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100"],
        ),
        (
            "America/New_York",
            "2026-10-31T04:00:00Z",
            "2026-11-03T05:00:00Z",
            ["31 01:30 -0400", "01 01:30 -0400", "02 01:30 -0500"],
        ),
    ] {
        let hour = if zone == "Europe/Berlin" { 2 } else { 1 };
        assert_eq!(ticks(&format!("CRON_TZ={zone} 30 {hour} * * *"), from, to), want, "{zone}");
    }
}

#[test]
fn an_hourly_line_rings_after_each_elapsed_hour_through_both_changes() {
    for (zone, from, to) in [
        ("Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ("Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ("America/New_York", "2026-03-07T20:00:00Z", "2026-03-08T20:00:00Z"),
        ("America/New_York", "2026-10-31T20:00:00Z", "2026-11-01T20:00:00Z"),
    ] {
        for minute in [0, 30] {
            let rung = ticks(&format!("CRON_TZ={zone} {minute} * * * *"), from, to);
            let in_utc = ticks(&format!("{minute} * * * *"), from, to);
            assert_eq!(rung.len(), in_utc.len(), "{zone} {minute}: {rung:?}");
        }
    }
    let autumn = ticks("CRON_TZ=Europe/Berlin 30 * * * *", "2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(autumn, ["25 01:30 +0200", "25 02:30 +0200", "25 02:30 +0100"]);
}

#[test]
fn a_line_of_several_hours_or_minutes_keeps_the_daily_rules() {
    let spring =
        |text: &str| ticks(&format!("CRON_TZ=Europe/Berlin {text}"), "2026-03-29T00:00:00Z", "2026-03-29T12:30:00Z");
    assert_eq!(spring("30 2,14 * * *"), ["29 03:00 +0200", "29 14:30 +0200"][..1]);
    assert_eq!(spring("*/20 2 * * *"), ["29 03:00 +0200"]);
    assert_eq!(spring("0,30 2-3 * * *"), ["29 03:00 +0200", "29 03:30 +0200"]);
    let autumn =
        |text: &str| ticks(&format!("CRON_TZ=Europe/Berlin {text}"), "2026-10-24T23:00:00Z", "2026-10-25T12:00:00Z");
    assert_eq!(autumn("30 2,10 * * *"), ["25 02:30 +0200", "25 10:30 +0100"]);
    assert_eq!(autumn("*/30 2 * * *"), ["25 02:00 +0200", "25 02:30 +0200"]);
}

#[test]
fn a_daily_line_rings_exactly_once_on_each_day_of_the_year() {
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] {
        for time in ["30 2", "30 1", "0 3", "0 0"] {
            let rung = ticks(&format!("CRON_TZ={zone} {time} * * *"), "2025-12-30T12:00:00Z", "2027-01-03T12:00:00Z");
            let days: Vec<&str> = rung.iter().map(|tick| &tick[..2]).collect();
            let mut once = days.clone();
            once.dedup();
            assert_eq!(days, once, "{zone} {time}");
            assert_eq!(days.len(), 369, "{zone} {time}");
        }
    }
}

/// What a line should do, said the long way: look at every minute there is.
fn modelled(line: &Line, from: DateTime<Utc>, hours: i64) -> Vec<Time> {
    let minutes: Vec<DateTime<Tz>> =
        (1..=hours * 60).map(|minute| (from + TimeDelta::minutes(minute)).with_timezone(&line.zone())).collect();
    let cron: croner::Cron = line.text().parse().expect("a line");
    let matches = |local: &NaiveDateTime| cron.is_time_matching(local).expect("a date");
    let every_hour = line.text().split(' ').nth(1) == Some("*");
    let mut rings = Vec::new();
    let mut seen = minutes[0].naive_local() - TimeDelta::minutes(1);
    for minute in minutes {
        let local = minute.naive_local();
        // A minute of wall clock that was skipped just before this one, or this one itself, for the first time.
        let fresh = (1..=(local - seen).num_minutes()).any(|step| matches(&(seen + TimeDelta::minutes(step))));
        if if every_hour { matches(&local) } else { fresh } {
            rings.push(Time(minute.timestamp_millis()));
        }
        seen = seen.max(local);
    }
    rings
}

#[test]
fn every_kind_of_line_agrees_with_a_walk_over_each_minute_of_a_change() {
    let lines = [
        "* * * * *",
        "15 * * * *",
        "*/7 * * * *",
        "5,50 * * * SUN",
        "30 2 * * *",
        "0 3 * * *",
        "30 1,2,3 * * *",
        "*/10 1-2 * * *",
        "* 2 * * *",
        "0 */2 * * *",
        "0 0 * * *",
        "59 23 * * *",
        "*/30 0,23 * * *",
    ];
    let changes = [
        ("Europe/Berlin", "2026-03-28T12:00:00Z"),
        ("Europe/Berlin", "2026-10-24T12:00:00Z"),
        ("America/New_York", "2026-03-07T12:00:00Z"),
        ("America/New_York", "2026-10-31T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
        ("America/Santiago", "2026-04-04T12:00:00Z"),
        ("America/Santiago", "2026-09-05T12:00:00Z"),
        ("Africa/Cairo", "2026-04-23T06:00:00Z"),
        ("Africa/Cairo", "2026-10-29T06:00:00Z"),
    ];
    for (zone, from) in changes {
        let start: DateTime<Utc> = from.parse().expect(from);
        let zone_of =
            |moment: DateTime<Utc>| zone.parse::<Tz>().expect(zone).offset_from_utc_datetime(&moment.naive_utc());
        assert_ne!(zone_of(start), zone_of(start + TimeDelta::hours(36)), "{zone} does not change after {from}");
        for line in lines {
            let Cadence::Cron(line) = cadence(&format!("CRON_TZ={zone} {line}")) else { panic!("{line}") };
            let want = modelled(&line, start, 36);
            let rung: Vec<Time> =
                std::iter::successors(line.next_after(Time(start.timestamp_millis())), |tick| line.next_after(*tick))
                    .take(want.len())
                    .collect();
            assert_eq!(rung, want, "{line} from {from}");
            assert_eq!(start.second(), 0);
        }
    }
}

/// Text that is nearly a cron line, so that the fields are reached.
fn nearly_a_line() -> impl Strategy<Value = String> {
    "(CRON_TZ=(UTC|Europe/Berlin|America/New_York) )?([0-9*/,-]{1,6}|JAN|SUN|MON-FRI|[0-9]{1,2})( ([0-9*/,-]{1,5}|[*]|[0-9]{1,2}|[0-9]-[0-9]{2}|MAR|FRI)){3,6}"
}

/// Lines that ring, in zones that change their clocks.
fn line() -> impl Strategy<Value = String> {
    let zone = prop_oneof!["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"];
    let minute = prop_oneof!["[*]", "[1-5]?[0-9]", "[*]/[1-9]", "[0-4],5[0-9]"];
    let hour = prop_oneof!["[*]", "1?[0-9]", "[*]/[1-9]", "[0-3]-4", "[0-2],3"];
    let day = prop_oneof!["[*]", "[1-9]", "2[0-8]"];
    let weekday = prop_oneof!["[*]", "[0-7]", "MON-FRI"];
    (zone, minute, hour, day, weekday)
        .prop_map(|(zone, minute, hour, day, weekday)| format!("CRON_TZ={zone} {minute} {hour} {day} * {weekday}"))
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in proptest::collection::vec(any::<char>(), 0..=300)) {
        let text: String = text.into_iter().collect();
        let _ = Cadence::parse(&text);
    }

    #[test]
    fn no_near_miss_makes_the_reader_panic_and_what_it_reads_it_reads_again(text in nearly_a_line()) {
        if let Ok(read) = Cadence::parse(&text) {
            prop_assert!(!read.words().is_empty());
            prop_assert_eq!(Cadence::parse(&read.to_string()), Ok(read));
        }
    }

    #[test]
    fn ticks_strictly_increase(text in prop_oneof![line(), "every [1-9][0-9]{0,2}[smh]"], from in 0..4_102_444_800_000_i64) {
        let cadence = cadence(&text);
        let mut last = Time(from);
        for _ in 0..20 {
            let next = cadence.next_after(last).expect("a tick");
            prop_assert!(next > last, "{} after {}", next, last);
            last = next;
        }
    }

    #[test]
    fn the_next_tick_is_after_both_the_due_time_and_the_moment(
        text in prop_oneof![line(), "every [1-9][0-9]{0,2}[smh]"],
        from in 0..4_000_000_000_000_i64,
        late in -100_000_000..10_000_000_000_i64,
    ) {
        let cadence = cadence(&text);
        let due = cadence.next_after(Time(from)).expect("a tick");
        let now = Time(due.0 + late);
        let ring = cadence.step(due, now);
        prop_assert!(ring.next > due && ring.next > now);
        prop_assert!(ring.missed <= MISSED_MAX && (late >= 0 || ring.missed == 0));
        let on_time = cadence.step(due, due);
        prop_assert!(on_time.missed == 0 && on_time.next <= ring.next);
    }
}
