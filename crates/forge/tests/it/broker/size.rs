//! Too much of everything: it is refused or told to be too much, and never read whole.

use std::fmt::Write as _;
use std::path::Path;

use forge::broker::{Broker, Cut, Settings, Trouble};
use forge::git::{Commit, Trouble as OfGit};

use super::stage::{Agent, Stage, hand, run};

/// Makes a commit by what git reads fastest.
fn imported(agent: &Agent, files: impl Iterator<Item = (String, String)>) -> Commit {
    let base = agent.workspace.base().as_str();
    let mut told =
        format!("commit refs/heads/many\ncommitter a <a@example.com> 1700000000 +0000\ndata 4\nmany\nfrom {base}\n");
    for (path, says) in files {
        write!(told, "M 100644 inline {path}\ndata {}\n{says}\n", says.len()).expect("a text");
    }
    agent.git_with(&["fast-import", "--quiet"], &told);
    agent.git(&["symbolic-ref", "HEAD", "refs/heads/many"]);
    agent.head()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_ten_thousand_files_is_told_within_bounds() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let head = imported(&agent, (0..10_000).map(|file| (format!("d{}/f{file}.txt", file % 100), format!("{file}\n"))));
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(head.clone()));
    let base = agent.workspace.base();
    let seen = stage.broker.inspect(base, &head).await.expect("an inspection");
    assert_eq!((seen.files, seen.lines, seen.commits, seen.largest_blob), (10_000, 10_000, 1, 5));
    assert_eq!(seen.cut, []);
    let diff = stage.broker.diff(base, &head, 100_000).await.expect("a diff");
    assert_eq!((diff.text.len(), diff.complete), (100_000, false));
}

/// A line of 64 KiB in each of 200 files is more than is kept of what is added.
#[tokio::test(flavor = "multi_thread")]
async fn more_text_than_is_kept_is_said_to_be_more() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let line = "x".repeat(64 << 10);
    let head = imported(&agent, (0..200).map(|file| (format!("f{file}.txt"), format!("{file} {line}\n"))));
    stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection");
    assert_eq!((seen.files, seen.lines, &seen.cut[..]), (200, 200, &[Cut::Added][..]));
    assert!(seen.added.iter().map(|added| added.text.len()).sum::<usize>() <= 4 << 20);
}

/// It packs into nothing, and is told by its size alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_hundred_megabytes_is_told_and_not_read() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let bytes = 100 << 20;
    let big = std::fs::File::create(agent.at("big.bin")).expect("a file");
    big.set_len(bytes).expect("a size");
    agent.write("small.txt", "small\n");
    agent.config("core.compression", "1");
    let head = agent.commit("big");
    assert_eq!(stage.broker.take(&agent.workspace, &run()).await, Ok(head.clone()));
    let base = agent.workspace.base();
    let seen = stage.broker.inspect(base, &head).await.expect("an inspection");
    assert_eq!(seen.largest_blob, i64::try_from(bytes).expect("it fits"));
    assert_eq!((&seen.binary[..], &seen.cut[..]), (&["big.bin".to_owned()][..], &[Cut::Added][..]));
    assert_eq!((seen.added.len(), seen.added[0].text.as_str()), (1, "small\n"));
    let diff = stage.broker.diff(base, &head, 10_000).await.expect("a diff");
    assert!(diff.complete && diff.text.contains("Binary files /dev/null and b/big.bin differ"), "{}", diff.text);
    // As a folder that was not committed it is too much.
    agent.git(&["reset", "--quiet", base.as_str()]);
    let made = stage.broker.snapshot(&agent.workspace, &run(), base, &hand(), "m").await;
    assert!(matches!(&made, Err(Trouble::Unfit(why)) if why.contains("more")), "{made:?}");
}

async fn narrow(at: &Path, stage: &Stage) -> Broker {
    let settings = Settings { bytes_max: 100_000, ..Settings::default() };
    let broker = Broker::open(at, settings).await.expect("a broker");
    let main = forge::broker::Source::Branch(super::stage::branch("main"));
    broker.fetch(&stage.remote, &[main]).await.expect("fetched");
    broker
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bytes_than_the_settings_allow_are_refused() {
    use rand::{RngExt as _, SeedableRng as _};
    let stage = Stage::plain().await;
    let broker = narrow(&stage.at("narrow.git"), &stage).await;
    let agent = stage.agent().await;
    let base = agent.workspace.base();
    let mut chance = rand::rngs::StdRng::seed_from_u64(7);
    let noise: Vec<u8> = (0..150_000).map(|_| chance.random()).collect();
    agent.write("noise.bin", &noise);
    let made = broker.snapshot(&agent.workspace, &run(), base, &hand(), "m").await;
    assert!(matches!(made, Err(Trouble::Unfit(_))), "{made:?}");
    agent.commit("noise");
    let loose = broker.take(&agent.workspace, &run()).await;
    assert!(matches!(&loose, Err(Trouble::Unfit(why)) if why.contains("100000 bytes")), "{loose:?}");
    agent.git(&["repack", "--quiet", "-d"]);
    let packed = broker.take(&agent.workspace, &run()).await;
    assert!(matches!(&packed, Err(Trouble::Unfit(why)) if why.contains("100000 bytes")), "{packed:?}");
    assert_eq!(broker.made(&run()).await, Ok(None));
    // What it was given does not count, however large.
    let head = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let view = forge::broker::View::Work { commit: &head, branch: &super::stage::branch("x"), base };
    let again = stage.broker.workspace(&stage.at("again"), view, &super::stage::person()).await.expect("a workspace");
    let again = Agent { workspace: again };
    again.write("small.txt", "small\n");
    let small = again.commit("small");
    let run = forge::broker::Run::parse("run-2").expect("a name");
    let wide = Settings { bytes_max: 10_000, ..Settings::default() };
    let narrower = Broker::open(&stage.at("broker.git"), wide).await.expect("the same broker");
    assert_eq!(narrower.take(&again.workspace, &run).await, Ok(small));
}

/// A pack of 336 bytes with one commit of one file of 655 megabytes: ten thousand times the same 64 KiB.
const BOMB: &str = "\
    5041434b0000000200000004bfff1f789cedc101010000008090feafee080a00000000000000000000000000000000000000\
    00000000000000000000000000000000000000000000000000000000000000000000000000000000000000001a000e0001f8\
    d30e5dfddf075bed03499414ae453f0d6f30fe79da3d789cedc2311100200c04b03bf0ef856e6cb58483af09c6e492ec577d\
    d7495455555555555555555555555555555555555555555555555555555555bf1c2336b814af01789c3334303033315148ca\
    4c6770e23f3da72934d09dc13e6753724658e46af6ed2e008fc10a2d9206789c65c9310a80300c00c03dafc8eed236d65210\
    f12b694cd1a1144a049fafbbb79e0d55d49984bd2b99589c17ad9144cbc11438851435d7b024ad027cdbd90732aebc970d3d\
    4eee03d25bbbccf43ff0c00bac5b1babefc4c6b5d98793aa024f68ac88754dfe3b5b974f\
    ";

#[tokio::test(flavor = "multi_thread")]
async fn a_few_bytes_that_claim_to_be_hundreds_of_megabytes_are_refused() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    agent.write(".git/objects/pack/pack-bomb.pack", hex::decode(BOMB).expect("bytes"));
    agent.write(".git/HEAD", "a522c438a3b9db9ee298ce4fb2b56761734aab48\n");
    let taken = stage.broker.take(&agent.workspace, &run()).await;
    assert!(matches!(&taken, Err(Trouble::Unfit(why)) if why.contains("over limit")), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_commits_are_looked_at_and_more_are_said_to_be_more() {
    let stage = Stage::plain().await;
    let agent = stage.agent().await;
    let mut told = String::new();
    for number in 0..201 {
        let from = if number == 0 { format!("from {}\n", agent.workspace.base().as_str()) } else { String::new() };
        let by = "committer a <a@example.com> 1700000000 +0000";
        write!(told, "commit refs/heads/many\n{by}\ndata 4\nmany\n{from}\n").expect("a text");
    }
    agent.git_with(&["fast-import", "--quiet"], &told);
    agent.git(&["symbolic-ref", "HEAD", "refs/heads/many"]);
    let head = stage.broker.take(&agent.workspace, &run()).await.expect("taken");
    let seen = stage.broker.inspect(agent.workspace.base(), &head).await.expect("an inspection");
    assert_eq!((seen.commits, seen.files, &seen.cut[..]), (201, 0, &[Cut::Commits][..]));
    assert_eq!(seen.messages.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_is_missing_and_not_empty() {
    let stage = Stage::plain().await;
    let main = stage.fetched("main").await;
    let nowhere = Commit::parse("0123456789012345678901234567890123456789").expect("a commit");
    let is_missing = |trouble: Trouble| matches!(trouble, Trouble::Git(OfGit::Missing(_)));
    let broker = &stage.broker;
    assert!(is_missing(broker.inspect(&main, &nowhere).await.expect_err("missing")));
    assert!(is_missing(broker.inspect(&nowhere, &main).await.expect_err("missing")));
    assert!(is_missing(broker.diff(&main, &nowhere, 10).await.expect_err("missing")));
    assert!(is_missing(broker.apply(&run(), &nowhere, b"", &hand(), "m").await.expect_err("missing")));
    let pushed = broker.push(&stage.remote, &super::stage::branch("gapwright/x"), None, &nowhere).await;
    assert!(is_missing(pushed.expect_err("missing")));
}
