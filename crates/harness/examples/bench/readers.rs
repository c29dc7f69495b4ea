//! The two ways in which the same part of the registry is read: through the server, and as the bare SELECT.

use domain::gap::Key;
use harness::On;
use harness::mcp::Answer;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::time::Instant;

use crate::ground::Ground;
use crate::load::{Turn, Worker, micros};
use crate::registry::{self, KINDS};
use crate::wire::Wire;

/// What is asked of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// The first page as it comes: 50 gaps.
    First,
    /// All pages in a row, 200 gaps each.
    Walk,
    /// The first page of the kind that most are of.
    Kind,
    /// The first page of a kind that one in a hundred is of.
    RareKind,
    /// The first page of a state in which one in a hundred is.
    RareState,
    /// One gap after another, far apart in rank.
    Show,
}

impl Asked {
    pub(crate) const ALL: [Self; 6] =
        [Self::First, Self::Walk, Self::Kind, Self::RareKind, Self::RareState, Self::Show];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::First => "list-gaps, first page of 50",
            Self::Walk => "list-gaps, every page of 200",
            Self::Kind => "list-gaps of a common kind, 50",
            Self::RareKind => "list-gaps of a rare kind, 50",
            Self::RareState => "list-gaps in a rare state, 50",
            Self::Show => "show-gap, 50 sightings",
        }
    }

    fn limit(self) -> i64 {
        if self == Self::Walk { 200 } else { 50 }
    }

    /// The statement of the store that answers it, and what it is asked with after the place and the limit.
    fn statement(self) -> (&'static str, &'static str, Vec<&'static str>) {
        match self {
            Self::First | Self::Walk => ("gap", "LIVE", vec![]),
            Self::Kind => ("gap", "LIVE_OF_KIND", vec![KINDS[0]]),
            Self::RareKind => ("gap", "LIVE_OF_KIND", vec![KINDS[1]]),
            Self::RareState => ("gap", "IN_STATE", vec!["wontfix"]),
            Self::Show => ("gap/sighting", "OF_GAP", vec![]),
        }
    }
}

/// Goes through the gaps in steps, so that neighbours in time are far apart in rank and in the table.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    next: i64,
    gaps: i64,
}

impl Numbers {
    fn key(&mut self) -> Key {
        self.next = (self.next + 7_919) % self.gaps;
        registry::key(self.next)
    }
}

/// An agent that reads over MCP.
pub(crate) struct Reader {
    wire: Wire,
    asked: Asked,
    numbers: Numbers,
    cursor: Option<String>,
}

impl Reader {
    pub(crate) fn new(wire: Wire, asked: Asked, number: i64, gaps: i64) -> Self {
        Self { wire, asked, numbers: Numbers { next: number * 97, gaps }, cursor: None }
    }

    fn arguments(&mut self) -> (&'static str, Value) {
        match self.asked {
            Asked::First => ("list-gaps", json!({})),
            Asked::Walk => match &self.cursor {
                None => ("list-gaps", json!({"limit": 200})),
                Some(cursor) => ("list-gaps", json!({"limit": 200, "cursor": cursor})),
            },
            Asked::Kind => ("list-gaps", json!({"kind": KINDS[0]})),
            Asked::RareKind => ("list-gaps", json!({"kind": KINDS[1]})),
            Asked::RareState => ("list-gaps", json!({"state": "wontfix"})),
            Asked::Show => ("show-gap", json!({"name": self.numbers.key().to_string()})),
        }
    }
}

impl Worker for Reader {
    async fn cycle(&mut self, calls: &mut Vec<u32>) -> Turn {
        let (tool, arguments) = self.arguments();
        let began = Instant::now();
        let answer = self.wire.call(tool, arguments).await;
        calls.push(micros(began.elapsed()));
        match answer {
            Answer::Ok(answer) => {
                self.cursor = answer["cursor"].as_str().map(str::to_owned);
                let listed = answer["gaps"].as_array().map_or(0, Vec::len);
                if listed > 0 || answer["last_sightings"].is_array() { Turn::Done } else { Turn::Nothing }
            }
            Answer::Refused(refusal) => Turn::Failed(refusal.to_string()),
            Answer::Unknown(why) => Turn::Failed(why),
        }
    }
}

/// A connection of one engine.
#[derive(Debug)]
enum Line {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Somebody who asks the engine the server's SELECT and nothing else. Of `show-gap` that is the one for the sightings.
pub(crate) struct Direct {
    line: Line,
    sql: &'static str,
    asked: Asked,
    numbers: Numbers,
    place: (i64, i64, String),
}

const FIRST: (i64, i64) = (i64::MIN, i64::MIN);

impl Direct {
    pub(crate) async fn connect(ground: &Ground, asked: Asked, number: i64, gaps: i64) -> Self {
        let line = match ground.on {
            On::Postgres => Line::Postgres(PgConnection::connect(&ground.url).await.expect("a connection")),
            On::Sqlite | On::Memory => {
                Line::Sqlite(SqliteConnection::connect(&ground.url).await.expect("a connection"))
            }
        };
        let (file, name, _) = asked.statement();
        let found = store::statements().find(|(in_file, called, _)| (*in_file, *called) == (file, name));
        let (_, _, sql) = found.expect("a statement of the store");
        let numbers = Numbers { next: number * 97, gaps };
        Self { line, sql, asked, numbers, place: (FIRST.0, FIRST.1, String::new()) }
    }

    /// Asks once; how many rows came, and the place of the last.
    async fn ask(&mut self) -> Result<(usize, Option<(i64, i64, String)>), sqlx::Error> {
        // One text for both engines, which differ in the types of everything else.
        macro_rules! rows {
            ($line:expr) => {{
                let query = sqlx::query(AssertSqlSafe(self.sql));
                let query = if self.asked == Asked::Show {
                    let Key { kind, name } = self.numbers.key();
                    query.bind(kind).bind(name).bind(i64::MAX).bind("").bind(self.asked.limit())
                } else {
                    let (place, first_at, key) = self.place.clone();
                    let (_, _, more) = self.asked.statement();
                    let query = query.bind(place).bind(first_at).bind(key).bind(self.asked.limit());
                    more.into_iter().fold(query, |query, text| query.bind(text))
                };
                let rows = query.fetch_all($line).await?;
                let last = match rows.last() {
                    Some(row) if self.asked != Asked::Show => {
                        Some((row.try_get("place")?, row.try_get("first_at")?, row.try_get("key")?))
                    }
                    Some(_) | None => None,
                };
                Ok((rows.len(), last))
            }};
        }
        match &mut self.line {
            Line::Postgres(line) => rows!(line),
            Line::Sqlite(line) => rows!(line),
        }
    }
}

impl Worker for Direct {
    async fn cycle(&mut self, _: &mut Vec<u32>) -> Turn {
        match self.ask().await {
            Ok((0, _)) => Turn::Nothing,
            Ok((rows, last)) => {
                let full = i64::try_from(rows).is_ok_and(|rows| rows == self.asked.limit());
                if self.asked == Asked::Walk {
                    self.place = last.filter(|_| full).unwrap_or((FIRST.0, FIRST.1, String::new()));
                }
                Turn::Done
            }
            Err(error) => Turn::Failed(error.to_string()),
        }
    }
}
