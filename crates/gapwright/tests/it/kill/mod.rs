//! Kills the server again and again while eight clients work through it, on both engines, and then asks whether every
//! answer that they got still holds.
//!
//! `GAPWRIGHT_KILLS` says how often; CI takes a short form, the nightly run a long one. The same loop runs over seeded
//! bugs, each of which it must catch.

mod history;
mod workers;

use std::sync::Arc;

use harness::invariants;
use harness::mcp::Client;
use harness::served::Program;
use history::History;
use store::{Clock, Store};

/// Kills in the short form.
const KILLS: usize = 15;

/// Answers between two kills: enough that each of the eight clients is amid something.
const ANSWERS_PER_KILL: usize = 25;

/// Answers between two kills for a bug that shows when claims expire.
#[cfg(feature = "seeded-bugs")]
const ANSWERS_UNTIL_CLAIMS_EXPIRE: usize = 250;

#[expect(clippy::disallowed_methods, reason = "the length of the loop is for whoever runs it")]
fn kills() -> usize {
    std::env::var("GAPWRIGHT_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

/// One database to work on, and what must be kept for as long as it is.
struct Ground {
    folder: tempfile::TempDir,
    url: String,
    _database: Option<harness::postgres::Database>,
}

async fn ground(on: harness::On) -> Ground {
    let folder = tempfile::tempdir().expect("a folder");
    match on {
        harness::On::Memory => unreachable!("a database in memory does not outlive its process"),
        harness::On::Sqlite => {
            let url = format!("sqlite:{}", folder.path().join("kill.db").display());
            Ground { folder, url, _database: None }
        }
        harness::On::Postgres => {
            let database = harness::postgres::empty_database().await;
            Ground { folder, url: database.url.clone(), _database: Some(database) }
        }
    }
}

/// Works and kills; returns what did not hold, and how much was asked.
async fn torment(on: harness::On, kills: usize, answers: usize, bug: Option<&str>) -> (Vec<String>, usize) {
    let ground = ground(on).await;
    // A link of its own, so that a build meanwhile does not exchange the program between two kills. It lies beside the program:
    // what is copied to elsewhere could not be started while another test starts something with it still open.
    let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let binary = beside.path().join("gapwright");
    std::fs::hard_link(env!("CARGO_BIN_EXE_gapwright"), &binary).expect("the binary");
    let program = Program::new(&binary, ground.folder.path(), &ground.url);
    assert!(bug.is_none() || program.version().await.contains("seeded-bugs"), "this build has no bug to wake");
    let sound = program.clone();
    let program = bug.map_or(program.clone(), |bug| program.with("GAPWRIGHT_SEEDED_BUG", bug));
    let mut tokens = Vec::new();
    for number in 0..workers::COUNT {
        tokens.push(sound.token("routine", &format!("worker-{number}")).await);
    }
    let mut served = program.serve().await;
    let clients: Vec<_> = tokens.iter().map(|token| Client::new(&served.url, token)).collect();
    let history = Arc::new(History::default());
    workers::prepare(&clients[0], &history).await;
    let working: Vec<_> =
        clients.iter().enumerate().map(|(number, client)| workers::start(number, client.clone(), &history)).collect();
    for _ in 0..kills {
        history.answered(answers).await;
        served.kill().await;
        served = program.serve().await;
    }
    history.answered(answers).await;
    history.stop();
    for worker in working {
        worker.await.expect("a worker ends");
    }
    served.kill().await;
    let store = Store::open(&ground.url, Clock::default()).await.expect("the store opens");
    let mut broken = history.broken(&store).await;
    let plane = history::plane(&store);
    plane.seal_journal().await.expect("the journal is sealed");
    broken.extend(invariants::broken(&store).await);
    let mut tx = store.read().await.expect("a look");
    broken.extend(invariants::overlaps(&mut tx).await);
    drop(tx);
    store.close().await;
    (broken, history.count())
}

async fn every_answer_holds(on: harness::On) {
    let kills = kills();
    let (broken, answers) = torment(on, kills, ANSWERS_PER_KILL, None).await;
    assert_eq!(broken, Vec::<String>::new(), "after {kills} kills and {answers} answers on {on:?}");
    // Told to whoever runs it with --nocapture, for the record.
    let told = format!("{on:?}: {kills} kills, {answers} answers, 0 violations\n");
    std::io::Write::write_all(&mut std::io::stdout(), told.as_bytes()).expect("told");
}

mod every_answer_holds_over_kills {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::every_answer_holds(harness::On::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::every_answer_holds(harness::On::Postgres).await;
    }
}

/// Each bug on purpose, and the invariant that it must be found to break: another finding would catch it by luck.
#[cfg(feature = "seeded-bugs")]
mod seeded_bugs_are_caught {
    use super::{ANSWERS_PER_KILL, ANSWERS_UNTIL_CLAIMS_EXPIRE, torment};

    /// The loop goes on, a few kills at a time, until it finds the invariant broken or gives up.
    async fn caught(on: harness::On, bug: &str, invariant: &str) {
        let mut others = std::collections::BTreeSet::new();
        for _ in 0..6 {
            // Some bugs show by a kill at the wrong moment, others by time that passes.
            for (kills, answers) in [(12, ANSWERS_PER_KILL), (2, ANSWERS_UNTIL_CLAIMS_EXPIRE)] {
                let (broken, _) = torment(on, kills, answers, Some(bug)).await;
                if broken.iter().any(|finding| finding.split_once(": ").is_some_and(|(name, _)| name == invariant)) {
                    return;
                }
                others.extend(broken.into_iter().take(3));
            }
        }
        panic!("{bug} did not break {invariant} on {on:?}; it broke {others:?}");
    }

    macro_rules! bugs {
        ($($name:ident: $bug:literal breaks $invariant:literal;)*) => {
            $(mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    super::caught(harness::On::Sqlite, $bug, $invariant).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    super::caught(harness::On::Postgres, $bug, $invariant).await;
                }
            })*
        };
    }

    bugs! {
        token_restarts: "token-restarts" breaks "INV-1";
        stale_completion: "stale-completion" breaks "INV-5";
        claim_of_the_claimed: "claim-of-the-claimed" breaks "INV-5";
        answer_before_commit: "answer-before-commit" breaks "INV-4";
        message_apart: "message-apart" breaks "INV-6";
        chain_forgets: "chain-forgets" breaks "INV-10";
    }
}
