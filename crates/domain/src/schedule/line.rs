//! Cron lines: five fields, a zone, and what a change of the clocks does to them.
//!
//! The grammar is the common one (numbers, names, lists, ranges, steps) and nothing beyond it: no seconds, no years,
//! no nicknames. It is checked here, field by field, before the cron library sees the line, because that library is
//! lenient: it takes `MON` for a minute, skips empty list items, and reads a sixth field as seconds.
//!
//! **When the clocks change.**
//!
//! * A line that rings in every hour of the day follows elapsed time: a skipped hour has no tick (its neighbours
//!   ring as ever), a repeated hour rings in both its passes.
//! * Any other line follows the wall clock, and each time it names rings once a day. A time that is skipped rings
//!   at the first moment after the gap, one ring for all that were skipped together with that moment's own; a time
//!   that comes twice rings the first time.
//!
//! As in crontab, a day that matches either of the two day fields will do, when neither of them is `*`.
//!
//! The zone rules are those compiled in, which list changes to the year 2100.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::refuse;
use crate::refusal::Refusal;
use crate::time::{TIME_MAX, Time};

/// A cron line that rings some day, in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    text: String,
    zone: Tz,
    cron: Cron,
}

/// One of the five fields: its name, its bounds, and the names that stand for numbers, from the lower bound on.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
    example: &'static str,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[], example: "*/15 * * * *" },
    Field { name: "hour", min: 0, max: 23, names: &[], example: "0 9-17 * * *" },
    Field { name: "day of the month", min: 1, max: 31, names: &[], example: "0 6 1,15 * *" },
    Field { name: "month", min: 1, max: 12, names: &MONTHS, example: "0 6 1 JAN,JUL *" },
    Field { name: "day of the week", min: 0, max: 7, names: &WEEKDAYS, example: "30 8 * * MON-FRI" },
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Sunday is both 0 and 7, so that a range can end with it.
const WEEKDAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

impl Line {
    /// Reads a line of at most [`super::CADENCE_LEN_MAX`] bytes, without a zone prefix or with one.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let (zone, text) = match text.strip_prefix("CRON_TZ=") {
            Some(rest) => {
                let (name, line) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (zone(name)?, line)
            }
            None => (Tz::UTC, text),
        };
        let fields: Vec<String> = text.split_whitespace().map(str::to_ascii_uppercase).collect();
        check_count(fields.len())?;
        for (field, part) in FIELDS.iter().zip(&fields) {
            field.check(part)?;
        }
        let text = fields.join(" ");
        let unreadable = |_| refuse(format!("cadence `{text}` is no cron line"), "write it as `0 * * * *`");
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&text).map_err(unreadable)?;
        if !rings_some_day(&cron) {
            let message = format!("cadence `{text}` can never ring: no month it names has such a day");
            return Err(refuse(message, "for the last day of February write `0 0 28 2 *`"));
        }
        Ok(Self { text, zone, cron })
    }

    /// The five fields, without the zone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone whose wall clock the line is about.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first tick strictly after `moment`; none from the year 5000 on, where the library's calendar ends.
    pub(super) fn next_after(&self, moment: Time) -> Option<Time> {
        let moment = DateTime::<Utc>::from_timestamp_millis(moment.0)?.with_timezone(&self.zone);
        let next = if self.follows_elapsed_time() {
            self.cron.find_next_occurrence(&moment, false).ok()?
        } else {
            self.next_on_the_wall_clock(&moment)?
        };
        Some(Time(next.timestamp_millis())).filter(|next| *next <= TIME_MAX)
    }

    pub(super) fn words(&self) -> String {
        // The describer takes `0-30/10` for `*/10` and says "every 7 minutes" of `*/7`, which starts anew each hour.
        let told_right = |field: &Field, part: &str| match part.split_once('/') {
            Some((range, step)) => {
                range == "*" && number(step).is_some_and(|step| (field.max - field.min + 1).is_multiple_of(step))
            }
            None => true,
        };
        if !FIELDS.iter().zip(self.text.split(' ')).all(|(field, part)| told_right(field, part)) {
            return self.to_string();
        }
        let described = self.cron.describe();
        let told = described.trim_end_matches('.');
        let told = told.strip_prefix("At every").map_or_else(|| told.to_owned(), |rest| format!("every{rest}"));
        let (first, rest) = told.split_at_checked(1).unwrap_or_default();
        format!("{}{rest} ({})", first.to_lowercase(), self.zone.name())
    }

    /// Whether the line rings in each of the 24 hours (see the rules at the top).
    fn follows_elapsed_time(&self) -> bool {
        self.cron.pattern.hours.values().len() == 24
    }

    /// The library treats only a line of one hour and one minute like this, and `30 2,14 * * *` would lose a run in
    /// spring and gain one in autumn. So it is asked about the calendar alone, which has no gaps, and each local
    /// time is made a moment here.
    fn next_on_the_wall_clock(&self, moment: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let mut local = moment.naive_local();
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let rings = self.rings_at(&local)?;
            // Not after: `moment` is in the second pass of a repeated hour, and this time rang in the first.
            if rings > *moment {
                return Some(rings);
            }
        }
    }

    /// The moment at which a local time rings: the first of two, or the end of the gap it falls into.
    fn rings_at(&self, local: &NaiveDateTime) -> Option<DateTime<Tz>> {
        let exists = self.zone.from_local_datetime(local).earliest();
        exists.or_else(|| GapInfo::new(local, &self.zone)?.end)
    }
}

/// The line with its zone, unless that is UTC.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.zone != Tz::UTC {
            write!(f, "CRON_TZ={} ", self.zone.name())?;
        }
        f.write_str(&self.text)
    }
}

impl Field {
    /// Checks a comma-separated list of `*`, values and ranges, the last two of which may have a step.
    fn check(&self, part: &str) -> Result<(), Refusal> {
        part.split(',').try_for_each(|item| self.check_item(item))
    }

    fn check_item(&self, item: &str) -> Result<(), Refusal> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        match range.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (self.value(first, Self::first_named)?, self.value(last, Self::last_named)?);
                if first > last {
                    return Err(self.refuse(&format!("counts backwards in `{range}`")));
                }
            }
            None if range == "*" => {}
            None if step.is_some() => return Err(self.refuse(&format!("has a step without a range in `{item}`"))),
            None => {
                self.value(range, Self::first_named)?;
            }
        }
        match step.map(number) {
            Some(Some(step)) if (1..=self.max).contains(&step) => Ok(()),
            Some(_) => Err(self.refuse(&format!("needs a step of 1 to {} in `{item}`", self.max))),
            None => Ok(()),
        }
    }

    /// The number of a value, by number or by name.
    fn value(&self, text: &str, named: fn(&Self, &str) -> Option<usize>) -> Result<u32, Refusal> {
        let by_name = || u32::try_from(named(self, text)?).ok().map(|index| self.min + index);
        number(text)
            .or_else(by_name)
            .filter(|value| (self.min..=self.max).contains(value))
            .ok_or_else(|| self.refuse(&format!("has `{text}`, which is not within {} to {}", self.min, self.max)))
    }

    fn first_named(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    fn last_named(&self, name: &str) -> Option<usize> {
        self.names.iter().rposition(|known| *known == name)
    }

    fn refuse(&self, what: &str) -> Refusal {
        refuse(format!("cadence's {} {what}", self.name), format!("an example that rings is `{}`", self.example))
    }
}

/// Whether some year has a day that the line names. A line that names weekdays has one in every month, as a day that
/// matches either field will do.
fn rings_some_day(cron: &Cron) -> bool {
    let longest = |month| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (days, months) = (cron.pattern.days.values(), cron.pattern.months.values());
    !cron.pattern.is_dow_wildcard() || months.iter().any(|month| days.iter().any(|day| *day <= longest(*month)))
}

/// A number of one or two digits; no field needs more, and nothing longer may reach the cron library.
fn number(text: &str) -> Option<u32> {
    let short = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if short { text.parse().ok() } else { None }
}

fn check_count(count: usize) -> Result<(), Refusal> {
    let hint = match count {
        5 => return Ok(()),
        6 | 7 => "leave out seconds and years: `30 2 * * *` rings at half past two; for seconds write `every 30s`",
        _ => "write minute, hour, day, month and weekday, such as `0 * * * *`, or `every 5m`",
    };
    Err(refuse(format!("cadence has {count} fields and a cron line has five"), hint))
}

fn zone(name: &str) -> Result<Tz, Refusal> {
    let unknown = |_| refuse("cadence names no zone we know after CRON_TZ=", "write `CRON_TZ=Europe/Berlin 0 8 * * *`");
    name.parse().map_err(unknown)
}
