//! Jobs as people look for them: each look gives each of its jobs once and in one order, page by page, whatever the page.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use domain::job::{Job, Last, State};
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use store::job::look::{self, Look, Place, Stands};

use crate::given::{add, held, job, look as glance, write};

fn of(state: Stands) -> Look {
    Look { state: Some(state), ..Look::default() }
}

fn named(prefix: &str) -> Look {
    Look { name: Some(prefix.into()), ..Look::default() }
}

/// One page of a look after a place: the names, and the place to go on from; none where it ended.
async fn page(world: &World, asked: &Look, after: &Place, limit: i64) -> (Vec<String>, Option<Place>) {
    let found = glance(world, async |tx| look::look(tx, asked, after, limit).await).await;
    let names: Vec<_> = found.jobs.iter().map(|listed| listed.job.name.clone()).collect();
    let last = found.jobs.last().map(|listed| look::place(asked, listed));
    (names, found.looked_to.map(|name| (0, 0, name)).or(last))
}

/// Walks a look by pages of `limit` and gives the names.
async fn walk(world: &World, asked: &Look, limit: i64) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), look::first(asked));
    loop {
        let (found, next) = page(world, asked, &after, limit).await;
        names.extend(found);
        let Some(next) = next else { return names };
        assert_ne!(next, after, "{asked:?} stands still");
        after = next;
    }
}

/// Jobs in every state, of two kinds, of two holders, many at one moment and of one priority.
fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for n in 0..60_i64 {
        let stands = Stands::ALL[usize::try_from(n % 5).expect("small")];
        let name = format!("{}/{}", ["b", "a", "A", "é", "%"][usize::try_from(n % 7 % 5).expect("small")], n * 17 % 61);
        let moment = START + Span::secs(n % 3);
        let (state, due) = match stands {
            Stands::Ready => (State::Ready, Some(moment)),
            Stands::Waiting => (State::Waiting, Some(moment + Span::days(1))),
            Stands::Held => {
                (held(&name, ["ann", "bob"][usize::try_from(n / 5 % 2).expect("small")], moment), Some(START))
            }
            Stands::Idle | Stands::Failing => (State::Idle, None),
            Stands::Dead => (State::Dead, Some(START)),
        };
        let ended = ["", "ok", "error: no", "deferred", "lost: it expired"][usize::try_from(n / 5 % 5).expect("small")];
        let last = (!ended.is_empty()).then(|| Last { at: moment, status: ended.into(), summary: None });
        let kind = ["digest", "audit"][usize::try_from(n / 3 % 2).expect("small")].to_owned();
        let created_at = START - Span::secs(n % 4);
        jobs.push(Job { kind, next_run_at: due, priority: n % 4 - 1, last, created_at, ..job(&name, state) });
    }
    jobs
}

fn holder(job: &Job) -> Option<&str> {
    match &job.state {
        State::Held(claim) => Some(claim.principal.as_str()),
        State::Idle | State::Waiting | State::Ready | State::Dead => None,
    }
}

fn until(job: &Job) -> Option<Time> {
    match &job.state {
        State::Held(claim) => Some(claim.expires_at),
        State::Idle | State::Waiting | State::Ready | State::Dead => None,
    }
}

/// What a look must give, by its words alone.
fn expected(jobs: &[Job], asked: &Look) -> Vec<String> {
    let fits = |job: &&Job| {
        asked.state.is_none_or(|state| state.fits(job))
            && asked.kind.as_ref().is_none_or(|kind| *kind == job.kind)
            && asked.name.as_ref().is_none_or(|prefix| job.name.starts_with(prefix.as_str()))
            && asked.holder.as_deref().is_none_or(|name| holder(job) == Some(name))
    };
    let mut found: Vec<_> = jobs.iter().filter(fits).collect();
    found.sort_by_key(|job| job.name.clone());
    match (asked.name.as_ref(), asked.holder.as_ref().map_or(asked.state, |_| Some(Stands::Held))) {
        (Some(_), _) | (None, Some(Stands::Idle)) => {}
        (None, Some(Stands::Ready)) => found.sort_by_key(|job| (Reverse(job.priority), job.next_run_at)),
        (None, Some(Stands::Waiting) | None) => found.sort_by_key(|job| job.next_run_at),
        (None, Some(Stands::Held)) => found.sort_by_key(|job| until(job)),
        (None, Some(Stands::Dead | Stands::Failing)) => {
            found.sort_by_key(|job| {
                Reverse((job.last.as_ref().map_or(job.created_at, |last| last.at), job.name.clone()))
            });
        }
    }
    found.into_iter().map(|job| job.name.clone()).collect()
}

/// Every look that means something: by state or holder, or by a name and anything else; each of a kind or of all.
fn looks() -> Vec<Look> {
    let holders = ["ann", "bob", "nobody"].map(|name| Look { holder: Some(name.into()), ..Look::default() });
    let mut looks: Vec<_> = Stands::ALL.map(of).into_iter().chain(holders.clone()).collect();
    for prefix in ["a", "A", "a/", "é", "%", "none"] {
        looks.push(named(prefix));
        looks.extend(Stands::ALL.map(|state| Look { state: Some(state), ..named(prefix) }));
        looks.extend(holders.iter().map(|look| Look { name: Some(prefix.into()), ..look.clone() }));
    }
    let of_a_kind: Vec<_> = ["digest", "audit", "none"]
        .into_iter()
        .flat_map(|kind| looks.iter().map(move |look| Look { kind: Some(kind.into()), ..look.clone() }))
        .collect();
    looks.into_iter().chain(of_a_kind).collect()
}

both!(each_look_gives_each_of_its_jobs_once_and_in_order_whatever_the_page, async |world| {
    let jobs = jobs();
    add(world, &jobs).await;
    let mut seen = BTreeSet::new();
    for asked in looks() {
        let expected = expected(&jobs, &asked);
        for limit in [1, 2, 3, 7, 100] {
            assert_eq!(walk(world, &asked, limit).await, expected, "{asked:?} by pages of {limit}");
        }
        seen.extend(expected);
    }
    assert_eq!(seen.len(), jobs.len(), "the looks together show everything");
});

/// The same job under another name.
fn twin(job: &Job, name: &str) -> Job {
    let state = match &job.state {
        State::Held(claim) => held(name, &claim.principal, claim.expires_at),
        State::Idle | State::Waiting | State::Ready | State::Dead => job.state.clone(),
    };
    Job { name: name.into(), state, ..job.clone() }
}

/// Names before and after all others.
const ENDS: [&str; 2] = ["!", "ÿ"];

both!(what_keeps_its_place_is_given_once_though_others_come_and_go_between_the_pages, async |world| {
    let jobs = jobs();
    add(world, &jobs).await;
    // Those that fail stand in other states, too.
    for (state, n) in Stands::ALL.into_iter().filter(|state| *state != Stands::Failing).zip(0..) {
        let asked = of(state);
        let order = expected(&jobs, &asked);
        let (shown, next) = page(world, &asked, &look::first(&asked), 5).await;
        assert_eq!(shown, order[..5]);
        // The last that was shown is gone, and with it the place to go on from; and so is the next. One comes to stand before all
        // others, and one behind them.
        let ends = if state == Stands::Dead { [ENDS[1], ENDS[0]] } else { ENDS };
        let names = ends.map(|end| format!("{end}{n}"));
        let found = |name: &String| jobs.iter().find(|job| job.name == *name).expect("it is one of them");
        let [first, last] = [found(&order[0]), found(&order[order.len() - 1])];
        add(world, &[twin(first, &names[0]), twin(last, &names[1])]).await;
        for gone in &order[4..6] {
            let sql = "DELETE FROM job WHERE name = $1";
            assert_eq!(write(world, async |tx| tx.run(sql, &[store::Arg::Text(gone)]).await).await, 1);
        }
        let (rest, _) = page(world, &asked, &next.expect("there is more"), 100).await;
        let expected: Vec<_> = order[6..].iter().chain([&names[1]]).cloned().collect();
        assert_eq!(rest, expected, "{}", state.name());
        assert_eq!(walk(world, &asked, 4).await[0], names[0], "whoever begins anew sees it");
    }
});

both!(a_job_that_moves_ahead_of_the_place_is_met_again_and_leaves_no_hole, async |world| {
    let waits = |name: &str, secs| Job { next_run_at: Some(START + Span::secs(secs)), ..job(name, State::Waiting) };
    add(world, &[waits("a", 1), waits("b", 2), waits("c", 3), waits("d", 4)]).await;
    let asked = of(Stands::Waiting);
    let (shown, next) = page(world, &asked, &look::first(&asked), 2).await;
    assert_eq!(shown, ["a", "b"]);
    for (name, secs) in [("a", 9), ("d", 0)] {
        let was = glance(world, async |tx| store::job::find(tx, name).await).await.expect("it is there");
        let moved = Job { next_run_at: Some(START + Span::secs(secs)), ..was.clone() };
        write(world, async |tx| store::job::write(tx, &was, &moved).await).await;
    }
    let (rest, _) = page(world, &asked, &next.expect("there is more"), 9).await;
    assert_eq!(rest, ["c", "a"], "it is due last by now, and what came before the place is behind whoever looks");
});

/// Names that any collation but the plainest puts in another order, or that a pattern would misread.
const NAMES: [&str; 20] = [
    "a", "A", "b", "aa", "a-b", "a_b", "a%b", "ab", "a b", "%", "%_", "_", "_x", "\\", "é", "e\u{301}", "ß", "ключ",
    "🔒", "🔒🔑",
];

both!(a_beginning_of_a_name_is_taken_letter_for_letter, async |world| {
    add(world, &NAMES.map(|name| job(name, State::Ready))).await;
    for prefix in
        ["", "%", "_", "%_", "a", "a_", "a%", "A", "é", "e", "к", "🔒", "🔒🔑", "\\", "*", "a?", "a ", "'", "none"]
    {
        let mut expected: Vec<_> = NAMES.into_iter().filter(|name| name.starts_with(prefix)).collect();
        expected.sort_unstable();
        for limit in [1, 3, 50] {
            assert_eq!(walk(world, &named(prefix), limit).await, expected, "{prefix:?} by pages of {limit}");
        }
    }
});

both!(a_name_that_goes_on_with_the_last_character_there_is_is_found_by_its_beginning, async |world| {
    let names = ["a", "a\u{10ffff}", "a\u{10ffff}\u{10ffff}", "a\u{10ffff}b", "b", "\u{10ffff}", "\u{10ffff}b"];
    add(world, &names.map(|name| job(name, State::Ready))).await;
    for prefix in ["a", "a\u{10ffff}", "a\u{10ffff}\u{10ffff}", "\u{10ffff}", "b"] {
        let mut expected: Vec<_> = names.into_iter().filter(|name| name.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(walk(world, &named(prefix), 9).await, expected, "{prefix:?}");
    }
});

both!(a_page_looks_at_two_thousand_names_and_says_how_far_it_came, async |world| {
    let sql =
        "INSERT INTO job (name, kind, priority, max_attempts, created_by, created_at, state, next_run_at, attempts,
                 fencing_token, changed_at)
               SELECT 'n' || CAST(10000 + a.shard * 64 + b.shard AS TEXT), 'k', 0, 1, 'p', 0, 'ready', 1, 0, 0, 0
                 FROM fence AS a CROSS JOIN fence AS b WHERE a.shard * 64 + b.shard < 2001";
    assert_eq!(write(world, async |tx| tx.run(sql, &[]).await).await, 2_001);
    add(world, &[job("n99", State::Dead), job("o", State::Dead)]).await;
    let asked = Look { state: Some(Stands::Dead), ..named("n") };
    let first = look::first(&asked);
    let (found, next) = page(world, &asked, &first, 5).await;
    assert_eq!((found, next.clone()), (vec![], Some((0, 0, "n11999".to_owned()))), "nothing among the first 2,000");
    assert_eq!(page(world, &asked, &next.expect("it goes on"), 5).await.0, ["n99"]);
    assert_eq!(walk(world, &asked, 5).await, ["n99"]);
    // Where there is enough to show, it ends with what is shown.
    let ready = Look { state: Some(Stands::Ready), ..named("n") };
    let found = glance(world, async |tx| look::look(tx, &ready, &first, 5).await).await;
    assert_eq!((found.jobs.len(), found.looked_to), (5, None));
    assert_eq!(walk(world, &ready, 1_000).await.len(), 2_001);
});

both!(a_list_shows_how_large_a_payload_is_and_the_beginning_of_a_summary, async |world| {
    let summary = "é".repeat(domain::job::EXCERPT_CHARS_MAX + 1);
    let last = Last { at: START, status: "ok".into(), summary: Some(summary.clone()) };
    add(world, &[Job { payload: Some("{\"a\":\"é\"}".into()), last: Some(last), ..job("a", State::Ready) }]).await;
    for asked in [of(Stands::Ready), named("a")] {
        let first = look::first(&asked);
        let found = glance(world, async |tx| look::look(tx, &asked, &first, 5).await).await;
        let listed = &found.jobs[0];
        assert_eq!((listed.payload_bytes, listed.job.payload.as_deref()), (Some(10), None), "é takes two bytes");
        let shown = listed.job.last.as_ref().and_then(|last| last.summary.clone()).expect("a summary");
        assert_eq!(shown, domain::job::excerpt(&summary));
        assert_ne!(shown, summary);
    }
});

both!(a_job_that_gave_up_is_told_by_its_last_run_or_its_making, async |world| {
    let last = Last { at: START, status: "error: no".into(), summary: None };
    let made = Job { created_at: START - Span::mins(1), ..job("never ran", State::Dead) };
    add(world, &[made, Job { last: Some(last), ..job("ran", State::Dead) }]).await;
    let dead = async |before: (i64, &str)| {
        let found = glance(world, async |tx| store::job::list::dead(tx, before, 9).await).await;
        found.into_iter().map(|listed| listed.job.name).collect::<Vec<_>>()
    };
    assert_eq!(dead((i64::MAX, "")).await, ["ran", "never ran"]);
    assert_eq!(dead((START.0, "ran")).await, ["never ran"]);
});
