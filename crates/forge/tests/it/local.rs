//! What only the local home has: people beside us, a repository that others push to, and nobody who repairs it.

use std::path::PathBuf;

use forge::git::{Bare, Branch, Commit, Hand, Land, Made, Person};
use forge::local::{Local, Settings};
use forge::{
    AccountKind, CheckState, Closed, Edit, Fault, Forge as _, IssueState, Method, NewCheck, NewIssue, NewReview, Pull,
    PullState, Remark,
};
use harness::plane::START;
use harness::{On, World, both};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::exam::new_pull;
use crate::exam::workshop::{Change, Workshop};

/// A home with a repository and a clone of it.
pub(crate) struct House {
    pub(crate) local: Local,
    pub(crate) workshop: Workshop,
    bare: PathBuf,
    _folder: TempDir,
}

fn settings(repository: Option<PathBuf>) -> Settings {
    Settings { name: "ann/website".to_owned(), repository }
}

fn local(world: &World, settings: Settings, seed: u64) -> Local {
    Local::new(world.store().clone(), settings, StdRng::seed_from_u64(seed)).expect("a home")
}

pub(crate) async fn house(world: &World) -> House {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("website.git");
    let local = local(world, settings(Some(bare.clone())), 1);
    local.repository().await.expect("a repository");
    House { local, workshop: Workshop::at(&bare.display().to_string()), bare, _folder: folder }
}

impl House {
    pub(crate) async fn pull(&self, branch: &str) -> Pull {
        self.workshop.commit(branch, &[Change::text("a.txt", branch)]);
        self.local.open_pull(&new_pull(branch)).await.expect("a pull request")
    }

    /// A ref that says something of a pull request.
    async fn record(&self, number: i64, what: &str) -> String {
        let id = self.local.repository().await.expect("a repository").id;
        format!("refs/gapwright/{id}/{number}/{what}")
    }

    pub(crate) async fn read(&self, number: i64) -> Pull {
        self.local.pull(number).await.expect("the pull request")
    }
}

fn issue(title: &str) -> NewIssue {
    NewIssue { title: title.to_owned(), body: String::new(), labels: Vec::new() }
}

fn to(state: IssueState) -> Edit {
    Edit { state: Some(state), ..Edit::default() }
}

pub(crate) fn words(refused: Result<impl std::fmt::Debug, Fault>) -> (String, String) {
    let Err(Fault::Refused { why, next }) = refused else { panic!("it is not refused: {refused:?}") };
    (why, next)
}

both!(what_needs_git_is_refused_without_and_names_the_setting, async |world| {
    let home = local(world, settings(None), 1);
    assert_eq!(home.repository().await.expect("a repository").default_branch, "main");
    assert_eq!(home.pulls().await.expect("none"), []);
    assert_eq!(home.workflows().await.expect("none"), [], "no file, and so none by which a bot could act");
    let check = NewCheck {
        name: "n".into(),
        commit: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".into(),
        state: CheckState::Pass,
        external_id: "e".into(),
        title: String::new(),
        summary: String::new(),
    };
    let answers = [
        words(home.open_pull(&new_pull("fix/one")).await),
        words(home.put_check(&check).await),
        words(home.merge(1, &check.commit, Method::Squash, "t").await),
    ];
    for (why, next) in answers {
        assert!(why.contains("no git repository") && next.contains(forge::local::SETTING), "{why}: {next}");
    }
    assert_eq!(home.open_issue(&issue("Issues it has")).await.expect("an issue").number, 1);
});

both!(a_person_acts_beside_us_and_what_each_did_is_told, async |world| {
    let home = local(world, settings(None), 1);
    let ann = home.acting("ann").expect("a person");
    let ours = home.open_issue(&issue("Ours")).await.expect("an issue");
    let hers = ann.open_issue(&issue("Hers")).await.expect("an issue");
    assert_eq!((ours.author.kind, hers.author.kind), (AccountKind::Us, AccountKind::Person));
    assert_eq!(ann.repository().await.expect("a repository").me.login, "ann");
    assert_eq!(ann.our_issues().await.expect("issues"), std::slice::from_ref(&hers));
    assert_eq!(home.issues(0).await.expect("issues").len(), 2);
    assert_eq!(home.issues(ours.number).await.expect("issues"), [hers]);
    ann.add_label(ours.number, "manual").await.expect("a label");
    ann.remove_label(ours.number, "manual").await.expect("no label");
    let comment = ann.comment(ours.number, "no").await.expect("a comment");
    ann.edit_comment(comment.id, "no!").await.expect("an edit");
    assert_eq!(home.comments(ours.number, None).await.expect("comments")[0].body, "no!");
    let (told, newest) = (home.last_comments(ours.number, 9).await, home.last_comments(ours.number, 0).await);
    assert_eq!((told.expect("comments")[0].body.as_str(), newest.expect("none").len()), ("no!", 0));
    ann.edit_issue(ours.number, &to(IssueState::Closed(Closed::NotPlanned))).await.expect("closed");
    ann.edit_issue(ours.number, &to(IssueState::Closed(Closed::NotPlanned))).await.expect("closed already");
    let events = home.events(Some(ours.number), 0).await.expect("events");
    let told: Vec<_> = events.iter().map(|event| (event.actor.login.as_str(), event.what.as_str())).collect();
    let by_ann = ["labeled", "unlabeled", "commented", "comment edited", "closed"].map(|what| ("ann", what));
    assert_eq!(told, [&[("gapwright", "opened")][..], &by_ann[..]].concat());
    ann.delete_issue(ours.number).await.expect("deleted");
    let after = home.events(Some(ours.number), events.last().expect("one").id).await.expect("events");
    assert_eq!(after.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), ["Ours"]);
    assert!(matches!(ann.delete_issue(ours.number).await, Err(Fault::Gone { .. })));
});

both!(names_that_could_be_mistaken_are_refused, async |world| {
    let home = local(world, settings(None), 1);
    for login in ["gapwright", "GapWright", "", "-x", "a b", "a<b", "a\nb", ".a", &"a".repeat(40)] {
        words(home.acting(login));
    }
    for name in ["", "a/b/c", "/a", "a/", "../a", "a b", "-a", &"a".repeat(141)] {
        let settings = Settings { name: name.to_owned(), repository: None };
        words(Local::new(world.store().clone(), settings, StdRng::seed_from_u64(1)));
    }
    let other = Settings { name: "other".to_owned(), repository: None };
    let other = local(world, other, 2);
    home.open_issue(&issue("Here")).await.expect("an issue");
    assert_eq!(other.open_issue(&issue("There")).await.expect("an issue").number, 1, "each counts for itself");
    assert_eq!(other.our_issues().await.expect("issues").len(), 1);
    let ids = (home.repository().await.expect("one").id, other.repository().await.expect("the other").id);
    assert_ne!(ids.0, ids.1);
});

both!(a_label_is_not_given_the_name_of_another, async |world| {
    let home = local(world, settings(None), 1);
    let new = NewIssue { labels: vec!["one".into(), "two".into()], ..issue("Labelled") };
    let number = home.open_issue(&new).await.expect("an issue").number;
    words(home.rename_label("one", "TWO").await);
    assert!(matches!(home.rename_label("three", "four").await, Err(Fault::Gone { .. })));
    home.rename_label("ONE", "One").await.expect("only its case");
    assert_eq!(home.issue(number).await.expect("the issue").labels, ["One", "two"]);
});

both!(many_who_act_at_once_get_a_number_each_and_lose_nothing, async |world| {
    let homes = [local(world, settings(None), 1), local(world, settings(None), 2)];
    homes[0].repository().await.expect("a repository");
    let mut acts = Vec::new();
    for act in 0..24_usize {
        let home = homes[act % 2].clone();
        acts.push(tokio::spawn(async move {
            let number = home.open_issue(&issue("At once")).await?.number;
            home.add_label(1, &format!("label-{act:02}")).await?;
            home.comment(1, "at once").await?;
            Ok::<_, Fault>(number)
        }));
    }
    let mut numbers = Vec::new();
    for act in acts {
        numbers.push(act.await.expect("no panic").expect("done"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
    let first = homes[0].issue(1).await.expect("the issue");
    assert_eq!((first.labels.len(), first.comments), (24, 24));
});

both!(one_branch_gets_one_pull_request_however_many_ask_at_once, async |world| {
    let house = house(world).await;
    house.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let mut asked = Vec::new();
    for seed in 0..6 {
        let home = local(world, settings(Some(house.bare.clone())), seed);
        asked.push(tokio::spawn(async move { home.open_pull(&new_pull("fix/one")).await }));
    }
    let mut opened = 0;
    for asked in asked {
        match asked.await.expect("no panic") {
            Ok(_) => opened += 1,
            refused => drop(words(refused)),
        }
    }
    assert_eq!((opened, house.local.pulls().await.expect("pull requests").len()), (1, 1));
});

both!(a_merge_is_made_once_however_many_ask_at_once, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let mut asked = Vec::new();
    for seed in 0..6 {
        let home = local(world, settings(Some(house.bare.clone())), seed);
        let head = pull.head.commit.clone();
        asked.push(tokio::spawn(async move { home.merge(pull.number, &head, Method::Squash, "Once").await }));
    }
    let mut merged = Vec::new();
    for asked in asked {
        match asked.await.expect("no panic") {
            Ok(done) => merged.push(done.commit),
            Err(fault) => assert!(matches!(fault, Fault::Stale { .. }), "{fault:?}"),
        }
    }
    assert_eq!(merged.len(), 1);
    assert_eq!(house.workshop.ask(&["rev-list", "--count", "main"]), "2", "the first commit and the merge");
    assert_eq!(house.read(pull.number).await.state, PullState::Merged { commit: merged.pop() });
});

both!(merges_of_several_pull_requests_at_once_all_land, async |world| {
    let house = house(world).await;
    let mut pulls = Vec::new();
    for branch in ["fix/a", "fix/b", "fix/c"] {
        let path: &'static str = branch.rsplit('/').next().expect("a name");
        house.workshop.commit(branch, &[Change::text(path, "1\n")]);
        pulls.push(house.local.open_pull(&new_pull(branch)).await.expect("a pull request"));
    }
    let mut asked = Vec::new();
    for pull in pulls {
        let home = house.local.clone();
        asked.push(tokio::spawn(async move { home.merge(pull.number, &pull.head.commit, Method::Rebase, "t").await }));
    }
    for asked in asked {
        asked.await.expect("no panic").expect("a merge");
    }
    assert_eq!(house.workshop.ask(&["ls-tree", "--name-only", "main"]), "a\nb\nc");
    assert_eq!(house.workshop.ask(&["rev-list", "--count", "main"]), "4");
});

// As when whoever merges is killed after git had it and before the store did.
both!(a_merge_that_was_interrupted_is_read_in_the_repository_and_not_made_again, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let me = Person { name: "gapwright".into(), email: "gapwright@gapwright.invalid".into() };
    let hand = Hand { author: me.clone(), committer: me, at: START };
    let bare = Bare::open(&house.bare, &hand).await.expect("the repository");
    let commit = |id: &str| Commit::parse(id).expect("a commit");
    let (head, base) = (commit(&pull.head.commit), commit(&pull.base.commit));
    let made = bare.make_merge(Method::Squash, &base, &head, &hand, "Interrupted").await.expect("a commit");
    let Made::Commit(onto) = made else { panic!("{made:?}") };
    let id = house.local.repository().await.expect("a repository").id;
    let branch = |name: &str| Branch::parse(name).expect("a branch");
    let land = Land {
        record: &format!("refs/gapwright/{id}/{}", pull.number),
        head: &branch("fix/one"),
        head_commit: &head,
        base: &branch("main"),
        base_commit: &base,
        onto: &onto,
    };
    assert!(bare.land(land).await.expect("landed"));
    assert!(!bare.land(land).await.expect("an answer"), "it lands once");
    let again = house.local.merge(pull.number, head.as_str(), Method::Squash, "Again").await;
    assert!(matches!(again, Err(Fault::Stale { .. })), "{again:?}");
    let read = house.read(pull.number).await;
    assert_eq!(read.state, PullState::Merged { commit: Some(onto.as_str().to_owned()) });
    assert_eq!((read.head.commit.as_str(), read.base.commit.as_str()), (head.as_str(), base.as_str()));
    assert_eq!(house.local.pulls().await.expect("pull requests"), []);
    assert_eq!(house.local.files(pull.number).await.expect("files").files.len(), 1);
});

// Git writes one ref after another, and the branch last.
both!(a_landing_that_was_broken_off_is_finished_or_forgotten, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let (record, base) = (house.record(pull.number, "merged").await, house.record(pull.number, "base").await);
    let ask = |args: &[&str]| house.workshop.ask(args);
    let onto = ask(&["commit-tree", &format!("{}^{{tree}}", pull.head.commit), "-p", "main", "-m", "Landed"]);
    ask(&["update-ref", &base, "main"]);
    ask(&["update-ref", &record, &onto]);
    assert_eq!(house.read(pull.number).await.state, PullState::Merged { commit: Some(onto.clone()) });
    assert_eq!(ask(&["rev-parse", "main"]), onto, "what is told is so");
    let second = house.pull("fix/two").await;
    let (record, base) = (house.record(second.number, "merged").await, house.record(second.number, "base").await);
    let lost = ask(&["commit-tree", &format!("{}^{{tree}}", second.head.commit), "-p", "main", "-m", "Lost"]);
    ask(&["update-ref", &base, "main"]);
    ask(&["update-ref", &record, &lost]);
    house.workshop.commit("main", &[Change::text("b.txt", "b\n")]);
    let read = house.read(second.number).await;
    assert_eq!(read.state, PullState::Open, "somebody has moved the branch since");
    let merged = house.local.merge(second.number, &read.head.commit, Method::Squash, "t").await.expect("a merge");
    assert_eq!(ask(&["rev-parse", "main"]), merged.commit);
});

// As when the store was restored from before another had the number, and its merge.
both!(a_merge_of_another_that_had_the_number_is_not_taken_for_this_ones, async |world| {
    let house = house(world).await;
    let old = house.workshop.commit("main", &[Change::text("old.txt", "old\n")]);
    let (merged, base) = (house.record(1, "merged").await, house.record(1, "base").await);
    house.workshop.ask(&["update-ref", &merged, &old]);
    house.workshop.ask(&["update-ref", &base, "main~1"]);
    let pull = house.pull("fix/one").await;
    assert_eq!((pull.number, pull.state), (1, PullState::Open));
    assert_eq!(house.workshop.ask(&["for-each-ref", "--format=%(refname)", &merged, &base]), "", "forgotten");
    house.workshop.ask(&["update-ref", &merged, &old]);
    assert_eq!(house.read(1).await.state, PullState::Open);
    let head = &pull.head.commit;
    house.local.merge(1, head, Method::Squash, "t").await.expect("a merge of its own");
});

both!(a_repository_that_is_not_there_ends_no_pull_request_and_none_is_made, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let away = house.bare.with_extension("away");
    let fresh = |seed| local(world, settings(Some(house.bare.clone())), seed);
    std::fs::rename(&house.bare, &away).expect("gone");
    assert!(house.local.pulls().await.is_err());
    for answer in [words(fresh(2).pulls().await), words(fresh(3).repository().await), words(fresh(4).look().await)] {
        assert!(answer.0.contains("is not in") && answer.1.contains("mount it"), "{answer:?}");
    }
    assert!(!house.bare.exists(), "none is made");
    // Another is put into its place, as on another machine, or when a disk was not mounted.
    let other = Settings { name: "other".to_owned(), repository: Some(house.bare.clone()) };
    local(world, other, 5).repository().await.expect("a repository of another name");
    for answer in [words(house.local.pulls().await), words(fresh(6).pulls().await), words(fresh(7).look().await)] {
        assert!(answer.0.contains("is not in"), "{answer:?}");
    }
    std::fs::remove_dir_all(&house.bare).expect("gone");
    std::fs::rename(&away, &house.bare).expect("back");
    assert_eq!(fresh(8).pulls().await.expect("pull requests"), [house.read(pull.number).await]);
    assert_eq!(house.read(pull.number).await.state, PullState::Open);
});

both!(whoever_only_looks_makes_nothing_and_writes_nothing_down, async |world| {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("website.git");
    let home = local(world, settings(Some(bare.clone())), 1);
    let missing = home.look().await;
    assert!(matches!(&missing, Err(Fault::Gone { what }) if what.contains("website.git")), "{missing:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
    assert_eq!(local(world, settings(None), 2).look().await.expect("a repository").id, "");
    let told = home.repository().await.expect("a repository");
    assert_eq!(home.look().await, Ok(told));
});

both!(a_pull_request_that_was_opened_is_never_told_as_not_opened, async |world| {
    let house = house(world).await;
    // As when the power was lost before it was on the disk.
    let record = house.bare.join(house.record(1, "head").await);
    std::fs::create_dir_all(record.parent().expect("a folder")).expect("a folder");
    std::fs::write(&record, "").expect("a broken ref");
    house.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let unknown = house.local.open_pull(&new_pull("fix/one")).await;
    assert!(matches!(unknown, Err(Fault::Unknown { .. })), "{unknown:?}");
    std::fs::remove_file(&record).expect("no broken ref");
    assert_eq!(house.local.pulls().await.expect("pull requests").len(), 1);
});

both!(a_pull_request_that_is_closed_and_opened_at_once_can_still_be_closed, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let other = local(world, settings(Some(house.bare.clone())), 2);
    other.pulls().await.expect("pull requests");
    let (close, open) = (to(IssueState::Closed(Closed::Unsaid)), to(IssueState::Open));
    for _ in 0..8 {
        let (closed, opened) =
            tokio::join!(house.local.edit_issue(pull.number, &close), other.edit_issue(pull.number, &open));
        for done in [closed, opened] {
            assert!(matches!(done, Ok(()) | Err(Fault::Later { .. })), "{done:?}");
        }
        house.local.edit_issue(pull.number, &close).await.expect("closed");
        house.local.edit_issue(pull.number, &open).await.expect("opened");
    }
    assert_eq!(house.read(pull.number).await.state, PullState::Open);
});

both!(workflows_that_cannot_all_be_read_are_not_told_at_all, async |world| {
    let house = house(world).await;
    let large = Change::Write(".github/workflows/large.yml", vec![b'#'; (256 << 10) + 1]);
    house.workshop.commit("main", &[Change::text(".github/workflows/ci.yml", "on: push\n"), large]);
    assert!(words(house.local.workflows().await).0.contains("not all"));
});

both!(a_merge_by_hand_and_a_deleted_branch_end_a_pull_request, async |world| {
    let house = house(world).await;
    let merged = house.pull("fix/merged").await;
    house.workshop.merge("fix/merged", "main");
    assert_eq!(house.read(merged.number).await.state, PullState::Merged { commit: None });
    house.workshop.commit("fix/deleted", &[Change::text("b.txt", "b\n")]);
    let deleted = house.local.open_pull(&new_pull("fix/deleted")).await.expect("a pull request");
    house.workshop.delete("fix/deleted");
    assert_eq!(house.local.pulls().await.expect("pull requests"), []);
    let read = house.read(deleted.number).await;
    assert_eq!((read.state, &read.head), (PullState::Closed, &deleted.head), "where it was is still told");
    words(house.local.edit_issue(deleted.number, &to(IssueState::Open)).await);
    let emptied = house.pull("fix/emptied").await;
    house.workshop.push("origin/main", "fix/emptied");
    assert_eq!(house.read(emptied.number).await.state, PullState::Closed, "it has nothing any more");
    // What ended is kept though nothing else leads there.
    house.workshop.ask(&["gc", "--quiet", "--prune=now"]);
    assert_eq!(house.local.files(deleted.number).await.expect("files").files.len(), 1);
    let again = house.local.edit_issue(merged.number, &to(IssueState::Open)).await;
    assert!(matches!(again, Err(Fault::Stale { .. })), "{again:?}");
    house.local.edit_issue(merged.number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("it is ended already");
    assert_eq!(house.read(merged.number).await.state, PullState::Merged { commit: None });
});

both!(a_head_that_was_forced_back_and_forgotten_holds_nobody_up, async |world| {
    let house = house(world).await;
    let forced = house.pull("fix/forced").await;
    house.workshop.commit("fix/other", &[Change::text("b.txt", "b\n")]);
    let other = house.local.open_pull(&new_pull("fix/other")).await.expect("a pull request");
    // As when it was pushed, seen by nobody, and taken back long ago.
    house.workshop.ask(&["update-ref", "-d", &house.record(forced.number, "head").await]);
    house.workshop.ask(&["update-ref", "refs/heads/fix/forced", "main"]);
    house.workshop.ask(&["gc", "--quiet", "--prune=now"]);
    let left: Vec<_> = house.local.pulls().await.expect("pull requests").iter().map(|pull| pull.number).collect();
    assert_eq!(left, [other.number]);
    assert_eq!(house.read(forced.number).await.state, PullState::Closed);
});

both!(a_pull_request_is_opened_again_only_while_its_branch_has_no_other, async |world| {
    let house = house(world).await;
    let first = house.pull("fix/one").await;
    house.local.edit_issue(first.number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("closed");
    let second = house.local.open_pull(&new_pull("fix/one")).await.expect("a pull request");
    words(house.local.edit_issue(first.number, &to(IssueState::Open)).await);
    let moved = house.workshop.commit("fix/one", &[Change::text("a.txt", "moved")]);
    assert_eq!(house.read(first.number).await.head, first.head, "what is closed stays where it was");
    house.local.edit_issue(second.number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("closed");
    house.local.edit_issue(first.number, &to(IssueState::Open)).await.expect("opened");
    assert_eq!(house.read(first.number).await.head.commit, moved);
    words(house.local.delete_issue(first.number).await);
});

both!(a_draft_is_merged_once_it_is_ready, async |world| {
    let house = house(world).await;
    let head = house.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let new = forge::NewPull { draft: true, ..new_pull("fix/one") };
    let draft = house.local.open_pull(&new).await.expect("a draft");
    assert!(matches!(house.local.merge(draft.number, &head, Method::Merge, "t").await, Err(Fault::Stale { .. })));
    house.local.acting("ann").expect("a person").mark_ready(draft.number).await.expect("ready");
    house.local.merge(draft.number, &head, Method::Merge, "t").await.expect("a merge");
    assert!(matches!(house.local.mark_ready(draft.number).await, Err(Fault::Stale { .. })));
});

both!(a_review_is_of_what_the_pull_request_has, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    let remark = |path: &str, line| Remark { path: path.into(), line, body: "why?".into() };
    let review = |commit: &str, remarks| NewReview { commit: commit.into(), body: "Read.".into(), remarks };
    let head = pull.head.commit.as_str();
    for wrong in [vec![remark("b.txt", 1)], vec![remark("a.txt", 0)], vec![remark("a.txt", 1); 301]] {
        words(house.local.review(pull.number, &review(head, wrong)).await);
    }
    words(house.local.review(pull.number, &NewReview { body: " ".into(), ..review(head, Vec::new()) }).await);
    let other = house.workshop.commit("fix/other", &[Change::text("b.txt", "b\n")]);
    for commit in [other.as_str(), "0123456789012345678901234567890123456789"] {
        let stale = house.local.review(pull.number, &review(commit, Vec::new())).await;
        assert!(matches!(stale, Err(Fault::Stale { .. })), "{stale:?}");
    }
    assert_eq!(house.local.reviews(pull.number).await.expect("reviews"), []);
});

both!(a_check_that_is_put_again_changes_and_keeps_its_id, async |world| {
    let house = house(world).await;
    let commit = house.pull("fix/one").await.head.commit;
    let check = NewCheck {
        name: "gapwright/review".into(),
        commit,
        state: CheckState::Running,
        external_id: "check-1".into(),
        title: "It runs".into(),
        summary: String::new(),
    };
    let first = house.local.put_check(&check).await.expect("a check");
    let passed = NewCheck { state: CheckState::Pass, title: "It passed".into(), ..check.clone() };
    let second = house.local.put_check(&passed).await.expect("the check");
    assert_eq!((second.id, second.state, second.title.as_str()), (first.id, CheckState::Pass, "It passed"));
    assert_eq!(house.local.checks(&check.commit).await.expect("checks"), [second]);
    let unknown = NewCheck { commit: "0123456789012345678901234567890123456789".into(), ..check };
    words(house.local.put_check(&unknown).await);
});

// The same repository with another database, as when somebody began anew.
both!(a_new_store_does_not_take_the_old_ones_merges_for_its_own, async |world| {
    let house = house(world).await;
    let pull = house.pull("fix/one").await;
    house.local.merge(pull.number, &pull.head.commit, Method::Squash, "t").await.expect("a merge");
    let fresh = World::new(On::Memory).await;
    let home = local(&fresh, settings(Some(house.bare.clone())), 9);
    house.workshop.commit("fix/two", &[Change::text("b.txt", "b\n")]);
    let second = home.open_pull(&new_pull("fix/two")).await.expect("a pull request");
    assert_eq!((second.number, second.state), (pull.number, PullState::Open));
});
