//! How long people wait for the pages of the control room when there is a million jobs and all that comes with them, and how
//! much comes over the wire for a page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use domain::agent::Role;
use harness::On;
use harness::served::Served;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::figures::{Spread, Table};
use crate::ground::Ground;
use crate::house::{self, Size};
use crate::load::{self, Round, Window};
use crate::registry::{self, KINDS};
use crate::visitor::{Looker, Visitor};
use crate::{ENGINES, Plan, Report, name, progress, story};

const VIEWERS: [usize; 2] = [1, 4];

/// How long all but one page in a hundred may take for one viewer, in milliseconds.
const GOAL_MS: f64 = 50.0;

/// How much may come over the wire for a page with its style, script and sign, in bytes.
const GOAL_BYTES: usize = 30 * 1_024;

/// What the server does least for: what it says that it is.
const BARE: &str = "/version";

/// How many pages are turned before the one that is looked at deep in a list.
const TURNED: usize = 50;

/// A page by its name in the tables, and where it is below the root.
struct Page {
    name: String,
    path: String,
}

/// What one page and the bare server took, round by round.
type Rounds = BTreeMap<(usize, usize), Vec<(Round, Round)>>;

/// What comes for a page.
struct Weight {
    /// How many rows, cards and entries it has.
    rows: usize,
    plain: usize,
    packed: usize,
    /// How long the first look at it took after the server started, in milliseconds.
    first_ms: f64,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let size = Size::of(plan);
    for on in ENGINES {
        let ground = Ground::new(on, &plan.home, 0).await;
        house::fill(&ground, size).await;
        progress(&format!("{}: the house is there", name(on)));
        let tokens = ground.tokens_as(Role::Operator, "person", VIEWERS[1]).await;
        let served = plan.serve(&ground).await;
        let mut cookies = Vec::new();
        for token in &tokens {
            cookies.push(Visitor::sign_in(&served.url, token).await);
        }
        let pages = pages(size, &served, &cookies[0]).await;
        let (assets, weights) = weigh(&served, &cookies[0], &pages).await;
        let rounds = read(plan, &ground, &served, &cookies, &pages).await;
        report.section(&title(size, on), &told(plan, &pages, &rounds));
        report.section(
            &format!("What comes over the wire for a page, on {}", name(on)),
            &weighed(&pages, assets, &weights),
        );
        targets(on, &pages, (&rounds, assets, &weights), report);
        served.kill().await;
        ground.discard().await;
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A cursor that leads behind a job in a list by due time, as the server itself would give it there.
fn behind(place: &serde_json::Value) -> String {
    hex::encode(place.to_string())
}

/// Every page that is looked at.
async fn pages(size: Size, served: &Served, cookie: &str) -> Vec<Page> {
    let job = house::job(house::LOOKED_AT);
    let half = house::job(size.jobs / 2);
    let stratum = house::strata()[0].id();
    let rare = house::RARE_KIND;
    let gap = encoded(&registry::key(0).to_string());
    let pull = story::id(story::told());
    let page = |name: &str, path: String| Page { name: name.to_owned(), path };
    let same = |path: &str| Page { name: path.to_owned(), path: path.to_owned() };
    let deep = turned(served, cookie, "/queue").await;
    vec![
        same("/"),
        same("/queue"),
        page("/queue, behind 50 pages", deep),
        page("/queue, amid those never due", format!("/queue?cursor={}", behind(&json!([i64::MAX, half])))),
        same("/queue?state=ready"),
        same("/queue?state=waiting"),
        same("/queue?state=held"),
        page("/queue?state=idle&kind=COMMON", "/queue?state=idle&kind=chore-0".to_owned()),
        page("/queue?state=idle&kind=RARE", format!("/queue?state=idle&kind={rare}")),
        page("/queue?state=idle, half way", format!("/queue?state=idle&cursor={}", behind(&json!([0, 0, half])))),
        same("/queue?state=dead"),
        page("/queue?state=dead&kind=COMMON", "/queue?state=dead&kind=chore-7".to_owned()),
        page("/queue?name=PREFIX", "/queue?name=nightly-00".to_owned()),
        page("/queue?name=PREFIX&state=dead", "/queue?name=nightly-00&state=dead".to_owned()),
        page("/jobs/NAME", format!("/jobs/{job}")),
        page("/runs/CLAIM", "/runs/run-0000000".to_owned()),
        same("/pipeline"),
        same("/pipeline?state=all"),
        page("/pulls/ID", format!("/pulls/{pull}")),
        same("/locks"),
        same("/gaps"),
        page("/gaps?state=all&kind=COMMON", format!("/gaps?state=all&kind={}", KINDS[0])),
        page("/gaps?state=all&kind=RARE", format!("/gaps?state=all&kind={}", KINDS[1])),
        same("/gaps/inventory"),
        same("/gaps/alike"),
        page("/gaps/one/KEY", format!("/gaps/one/{gap}")),
        same("/evidence"),
        page("/evidence/STRATUM", format!("/evidence/{stratum}")),
        same("/schedules"),
        same("/decisions?state=all"),
        same("/audit"),
        page("/audit?principal=RARE", format!("/audit?principal={}", house::RARE_PRINCIPAL)),
        page("/audit?object=job:NAME", format!("/audit?object={}", encoded(&format!("job:{job}")))),
        same("/agents"),
        same("/settings"),
    ]
}

/// The page that one comes to by turning so many.
async fn turned(served: &Served, cookie: &str, first: &str) -> String {
    let mut visitor = Visitor::connect(&served.url, cookie).await;
    let mut path = first.to_owned();
    for _ in 0..TURNED {
        let answer = visitor.get(&path, false).await.expect("a page");
        let text = String::from_utf8_lossy(&answer.body);
        let Some((_, next)) = text.split_once("rel=\"next\" href=\"./") else { break };
        path = format!("/{}", next.split('"').next().unwrap_or_default().replace("&amp;", "&"));
    }
    path
}

/// How much the style, the script and the sign weigh, and each page.
async fn weigh(served: &Served, cookie: &str, pages: &[Page]) -> (usize, Vec<Weight>) {
    let mut visitor = Visitor::connect(&served.url, cookie).await;
    let mut weights = Vec::new();
    let mut loaded = BTreeSet::new();
    for page in pages {
        let since = Instant::now();
        let plain = visitor.get(&page.path, false).await.expect("a page");
        let first_ms = since.elapsed().as_secs_f64() * 1_000.0;
        let packed = visitor.get(&page.path, true).await.expect("a page");
        let text = String::from_utf8_lossy(&plain.body);
        let links = text.split("assets/").skip(1).filter_map(|rest| rest.split('"').next());
        loaded.extend(links.map(|link| format!("/assets/{link}")));
        let rows = text.matches("data-key=").count();
        progress(&format!("{}: {} with {rows} rows, {} bytes", page.name, plain.status, packed.body.len()));
        weights.push(Weight { rows, plain: plain.body.len(), packed: packed.body.len(), first_ms });
    }
    let mut assets = 0;
    for path in loaded {
        assets += visitor.get(&path, true).await.expect("what pages load").body.len();
    }
    (assets, weights)
}

/// How long a round of a page is, and the one of the bare server before it.
fn windows(plan: &Plan) -> (Window, Window) {
    if plan.quick {
        return (plan.window(), plan.window());
    }
    let window =
        |warm, measured| Window { warm: Duration::from_millis(warm), measured: Duration::from_millis(measured) };
    (window(300, 2_200), window(100, 400))
}

async fn read(plan: &Plan, ground: &Ground, served: &Served, cookies: &[String], pages: &[Page]) -> Rounds {
    let (ours, bare) = windows(plan);
    let mut rounds = Rounds::new();
    for _ in 0..plan.rounds() {
        for viewers in VIEWERS {
            for (at, page) in pages.iter().enumerate() {
                let look = async |path, window| {
                    let mut lookers = Vec::new();
                    for cookie in &cookies[..viewers] {
                        lookers.push(Looker::new(Visitor::connect(&served.url, cookie).await, path));
                    }
                    load::work(lookers, ground.watched(Some(served)), window).await
                };
                let reference = load::round(plan, async || look(BARE, bare).await).await;
                let round = load::round(plan, async || look(&page.path, ours).await).await;
                progress(&format!("{} {viewers} {}: p99 {:.2} ms", name(ground.on), page.name, round.cycle.p99));
                rounds.entry((at, viewers)).or_default().push((round, reference));
            }
        }
    }
    rounds
}

fn title(size: Size, on: On) -> String {
    format!(
        "Pages among {} jobs, {} gaps in {} sightings, {} runs, {} entries of the audit and {} pull requests, on {}",
        size.jobs + size.registry.jobs,
        size.registry.gaps,
        size.registry.sightings,
        size.runs,
        size.entries,
        size.ended + i64::try_from(size.pulls).expect("a count"),
        name(on)
    )
}

fn told(plan: &Plan, pages: &[Page], rounds: &Rounds) -> String {
    let mut table = Table::new(&[
        "page",
        "viewers",
        "p50 ms",
        "p99 ms",
        "pages/s",
        "bare server p50 ms",
        "bare server p99 ms",
        "p50 of the bare's",
        "not shown",
    ]);
    for (at, page) in pages.iter().enumerate() {
        for viewers in VIEWERS {
            let of = &rounds[&(at, viewers)];
            let ours = |figure: fn(&Round) -> f64| Spread::of(of.iter().map(|(round, _)| figure(round)));
            let bare = |figure: fn(&Round) -> f64| Spread::of(of.iter().map(|(_, bare)| figure(bare)));
            let ratio = Spread::of(of.iter().map(|(round, bare)| round.cycle.p50 / bare.cycle.p50.max(0.001)));
            let failed = of.iter().map(|(round, bare)| round.failed + bare.failed).sum::<usize>();
            let why = of.iter().find(|(round, _)| !round.why.is_empty()).map_or("", |(round, _)| &round.why);
            table.row(&[
                page.name.clone(),
                viewers.to_string(),
                ours(|round| round.cycle.p50).show(2),
                ours(|round| round.cycle.p99).show(2),
                ours(|round| round.rate).show(0),
                bare(|round| round.cycle.p50).show(2),
                bare(|round| round.cycle.p99).show(2),
                ratio.show(1),
                format!("{failed} {}", why.chars().take(80).collect::<String>()).trim().to_owned(),
            ]);
        }
    }
    let (ours, bare) = windows(plan);
    format!(
        "Each viewer is signed in, has a connection that is kept open, asks for the page packed, as browsers do, and again as soon \
         as all of it is there. A round of a page is {:.1} s after {:.1} s of warming up, and right after one of the bare \
         server of {:.1} s: GET {BARE} by as many. Where no page was there in time, nothing is told. Of a thousand jobs some 50 are ready, one gave up and 400 are never due by themselves; \
         200 are at work. Half of the sightings are of 100 gaps; each of {} strata has as many outcomes as any other, each of a \
         pull request of which a reviewer said three things; {} reviewers were tried 300 times each.\n\n{}",
        ours.measured.as_secs_f64(),
        ours.warm.as_secs_f64(),
        bare.measured.as_secs_f64(),
        house::STRATA,
        house::REVIEWERS,
        table.text()
    )
}

fn weighed(pages: &[Page], assets: usize, weights: &[Weight]) -> String {
    let mut table = Table::new(&[
        "page",
        "rows in it",
        "plain bytes",
        "packed bytes",
        "with style, script and sign, packed",
        "first look ms",
    ]);
    for (page, weight) in pages.iter().zip(weights) {
        table.row(&[
            page.name.clone(),
            weight.rows.to_string(),
            weight.plain.to_string(),
            weight.packed.to_string(),
            (weight.packed + assets).to_string(),
            format!("{:.1}", weight.first_ms),
        ]);
    }
    format!(
        "Style, script and sign are {assets} bytes packed, and kept by a browser. The first look is the first of all after the server started, \
             by one viewer, once: /evidence and /gaps/inventory are read for it, and kept for the looks after it, which the rounds of the table above \
             measure; whoever comes after a minute alone, or after a change of what is allowed, waits as long.\n\n{}",
        table.text()
    )
}

fn targets(on: On, pages: &[Page], (rounds, assets, weights): (&Rounds, usize, &[Weight]), report: &mut Report) {
    for (at, page) in pages.iter().enumerate() {
        let found = Spread::of(rounds[&(at, 1)].iter().map(|(round, _)| round.cycle.p99));
        let failed = rounds[&(at, 1)].iter().map(|(round, _)| round.failed).sum::<usize>();
        report.target(
            &format!("p99 of {} for 1 viewer on {}", page.name, name(on)),
            "<= 50 ms",
            &format!("{} ms", found.show(1)),
            // Without a page that was shown there is no figure.
            failed == 0 && found.median > 0.0 && found.median <= GOAL_MS,
        );
    }
    for (page, weight) in pages.iter().zip(weights) {
        let whole = weight.packed + assets;
        report.target(
            &format!("packed bytes of {} with what it loads on {}", page.name, name(on)),
            "<= 30720",
            &whole.to_string(),
            whole <= GOAL_BYTES,
        );
    }
}
