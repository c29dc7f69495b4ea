//! How long a list of gaps by rank takes when there are ten thousand of them, and how fast one gap can be reported that
//! everybody meets.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::On;
use harness::mcp::Answer;
use harness::served::Served;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figures::{Spread, Table};
use crate::ground::{self, Ground};
use crate::load::{self, Round, Window};
use crate::readers::{Asked, Direct, Reader};
use crate::registry::{self, Size};
use crate::wire::Wire;
use crate::{ENGINES, Plan, Report, machine, name, progress};

const AGENTS: [usize; 2] = [1, 8];

/// How long all but one list in a hundred may take, in milliseconds.
const GOAL_MS: f64 = 50.0;

/// How many sightings of one gap in a minute are to be taken in, and so how many are sent.
const SIGHTINGS: usize = 10_000;

/// By whom the same is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Server,
    Engine,
}

type Rounds = BTreeMap<(Asked, usize, By), Vec<Round>>;

/// What came of reporting one gap by many.
#[derive(Debug, Clone, Copy)]
struct Flood {
    rate: f64,
    counted: i64,
    gaps: i64,
    refused: usize,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let size = Size::of(plan);
    let sightings = if plan.quick { SIGHTINGS / 25 } else { SIGHTINGS };
    let mut floods =
        Table::new(&["engine", "sightings/s, 8 agents", "sightings sent", "counted", "gaps made", "not taken"]);
    for on in ENGINES {
        let ground = Ground::new(on, &plan.home, 0).await;
        registry::fill(&ground, size).await;
        progress(&format!("{}: {} gaps in {} sightings are there", name(on), size.gaps, size.sightings));
        let tokens = ground.tokens("reader", AGENTS[1]).await;
        let served = plan.serve(&ground).await;
        let rounds = read(plan, size, &ground, &served, &tokens).await;
        let title = format!(
            "{} gaps in {} sightings that block {} jobs, on {}",
            size.gaps,
            size.sightings,
            size.jobs,
            name(on)
        );
        report.section(&title, &told(&rounds));
        targets(on, &rounds, report);
        let mut all = Vec::new();
        for round in 0..plan.rounds() {
            machine::quiet().await;
            let flood = flood(&served, &tokens, &format!("met-by-everybody-{round}"), sightings).await;
            progress(&format!("{}: {:.0} sightings/s, {} counted", name(on), flood.rate, flood.counted));
            all.push(flood);
        }
        flooded(on, &all, sightings, &mut floods, report);
        served.kill().await;
        ground.discard().await;
    }
    report.section("One gap that everybody meets at once, reported over MCP", &floods.text());
}

async fn read(plan: &Plan, size: Size, ground: &Ground, served: &Served, tokens: &[String]) -> Rounds {
    let window = if plan.quick {
        plan.window()
    } else {
        Window { warm: Duration::from_millis(500), measured: Duration::from_millis(2_500) }
    };
    let mut rounds = Rounds::new();
    for _ in 0..plan.rounds() {
        for asked in Asked::ALL {
            for agents in AGENTS {
                for by in [By::Server, By::Engine] {
                    let measure = async || round(asked, by, ground, served, &tokens[..agents], size, window).await;
                    let round = load::round(plan, measure).await;
                    progress(&format!("{} {agents} {asked:?} {by:?}: p99 {:.2} ms", name(ground.on), round.cycle.p99));
                    rounds.entry((asked, agents, by)).or_default().push(round);
                }
            }
        }
    }
    rounds
}

async fn round(
    asked: Asked,
    by: By,
    ground: &Ground,
    served: &Served,
    tokens: &[String],
    size: Size,
    window: Window,
) -> Round {
    let numbers = 0..i64::try_from(tokens.len()).expect("a few agents");
    match by {
        By::Server => {
            let wires = ground::connect(served, tokens).await;
            let readers = wires.into_iter().zip(numbers);
            let readers = readers.map(|(wire, number)| Reader::new(wire, asked, number, size.gaps)).collect();
            load::work(readers, ground.watched(Some(served)), window).await
        }
        By::Engine => {
            let mut readers = Vec::new();
            for number in numbers {
                readers.push(Direct::connect(ground, asked, number, size.gaps).await);
            }
            load::work(readers, ground.watched(None), window).await
        }
    }
}

fn told(rounds: &Rounds) -> String {
    let mut table = Table::new(&[
        "asked",
        "agents",
        "p50 ms",
        "p99 ms",
        "calls/s",
        "bare SELECT p50 ms",
        "bare SELECT p99 ms",
        "p50 of the bare's",
        "not done",
    ]);
    for ((asked, agents, _), of) in rounds.iter().filter(|((_, _, by), _)| *by == By::Server) {
        let engine = &rounds[&(*asked, *agents, By::Engine)];
        let over = |of: &[Round], figure: fn(&Round) -> f64| Spread::of(of.iter().map(figure));
        let ratio = Spread::of(of.iter().zip(engine).map(|(ours, bare)| ours.cycle.p50 / bare.cycle.p50.max(0.001)));
        let failed = of.iter().chain(engine).map(|round| round.failed).sum::<usize>();
        let why = of.iter().chain(engine).find(|round| !round.why.is_empty()).map_or("", |round| &round.why);
        table.row(&[
            asked.words().to_owned(),
            agents.to_string(),
            over(of, |round| round.cycle.p50).show(2),
            over(of, |round| round.cycle.p99).show(2),
            over(of, |round| round.rate).show(0),
            over(engine, |round| round.cycle.p50).show(2),
            over(engine, |round| round.cycle.p99).show(2),
            ratio.show(1),
            format!("{failed} {}", why.chars().take(80).collect::<String>()).trim().to_owned(),
        ]);
    }
    format!(
        "Half of the sightings are of 100 gaps, the rest of all others alike; one gap in a hundred is of the rare kind, one in the \
         rare state. A round is 2.5 s after 0.5 s of warming up. The bare SELECT is the server's own, asked through sqlx by as many \
         connections as there are agents; of show-gap, which asks many, it is the one for the sightings.\n\n{}",
        table.text()
    )
}

fn targets(on: On, rounds: &Rounds, report: &mut Report) {
    let worst = |lists: bool, agents: usize| {
        let of = rounds
            .iter()
            .filter(|((asked, with, by), _)| *by == By::Server && *with == agents && (*asked != Asked::Show) == lists);
        let all = of.map(|(_, of)| Spread::of(of.iter().map(|round| round.cycle.p99)));
        all.max_by(|a, b| a.median.total_cmp(&b.median)).unwrap_or_default()
    };
    for (what, lists) in [("the slowest list-gaps", true), ("show-gap", false)] {
        for agents in AGENTS {
            let found = worst(lists, agents);
            let by = if agents == 1 { "1 agent".to_owned() } else { format!("{agents} agents") };
            report.target(
                &format!("p99 of {what} for {by} on {}", name(on)),
                "<= 50 ms",
                &format!("{} ms", found.show(1)),
                // Without a call that was answered there is no figure.
                found.median > 0.0 && found.median <= GOAL_MS,
            );
        }
    }
}

/// Lets all agents report one gap as fast as they can, so often together.
async fn flood(served: &Served, tokens: &[String], gap: &str, sightings: usize) -> Flood {
    let (before, _) = tally(served, &tokens[0], gap).await;
    let wires = ground::connect(served, tokens).await;
    let each = sightings / wires.len();
    let began = Instant::now();
    let mut reporters = JoinSet::new();
    for mut wire in wires {
        let gap = gap.to_owned();
        reporters.spawn(async move {
            let mut refused = 0;
            for _ in 0..each {
                let seen = json!({"name": gap, "kind": "mcp-tool", "reason": "the job could not go on without it"});
                refused += usize::from(!matches!(wire.call("report-gap", seen).await, Answer::Ok(_)));
            }
            refused
        });
    }
    let refused = reporters.join_all().await.into_iter().sum();
    let rate = (each * tokens.len() - refused) as f64 / began.elapsed().as_secs_f64();
    let (gaps, counted) = tally(served, &tokens[0], gap).await;
    Flood { rate, counted, gaps: gaps - before, refused }
}

/// How many gaps there are, page by page, and how many sightings are counted for one.
async fn tally(served: &Served, token: &str, gap: &str) -> (i64, i64) {
    let mut wire = Wire::connect(&served.url, token).await;
    let (mut gaps, mut counted) = (0, 0);
    let mut asked = json!({"state": "all", "limit": 200});
    loop {
        let page = match wire.call("list-gaps", asked.clone()).await {
            Answer::Ok(page) => page,
            Answer::Refused(no) => panic!("refused: {no}"),
            Answer::Unknown(why) => panic!("nobody knows: {why}"),
        };
        for listed in page["gaps"].as_array().into_iter().flatten() {
            gaps += 1;
            if listed["name"] == gap {
                counted += listed["sightings"].as_i64().unwrap_or_default();
            }
        }
        match page["cursor"].as_str() {
            Some(cursor) => asked["cursor"] = json!(cursor),
            None => return (gaps, counted),
        }
    }
}

fn flooded(on: On, all: &[Flood], sightings: usize, table: &mut Table, report: &mut Report) {
    let rate = Spread::of(all.iter().map(|flood| flood.rate));
    let each = |figure: fn(&Flood) -> String| all.iter().map(figure).collect::<Vec<_>>().join(", ");
    table.row(&[
        name(on).to_owned(),
        rate.show(0),
        sightings.to_string(),
        each(|flood| flood.counted.to_string()),
        each(|flood| flood.gaps.to_string()),
        each(|flood| flood.refused.to_string()),
    ]);
    let whole = i64::try_from(sightings).expect("a count");
    let kept = all.iter().all(|flood| (flood.counted, flood.gaps, flood.refused) == (whole, 1, 0));
    report.target(
        &format!("sightings/s of one gap, all of them counted, on {}", name(on)),
        ">= 167, which is 10000 in a minute",
        &rate.show(0),
        kept && rate.median >= SIGHTINGS as f64 / 60.0,
    );
}
