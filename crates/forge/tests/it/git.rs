//! The git program on a bare repository: what it makes, what it refuses, and what cannot make it do anything else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use domain::time::Time;
use forge::git::{At, Bare, Branch, Commit, Hand, Land, Made, Person, Trouble};
use forge::{FileChange, Method, Status};
use harness::plane::START;
use tempfile::TempDir;

use crate::exam::workshop::{Change, Workshop};

struct Place {
    folder: TempDir,
    bare: Bare,
    workshop: Workshop,
}

fn hand() -> Hand {
    Hand {
        author: Person { name: "Ann Writer".into(), email: "ann@example.com".into() },
        committer: Person { name: "gapwright".into(), email: "bot@example.com".into() },
        at: START,
    }
}

fn branch(name: &str) -> Branch {
    Branch::parse(name).expect("a branch")
}

fn commit(id: &str) -> Commit {
    Commit::parse(id).expect("a commit")
}

async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("it.git");
    let bare = Bare::open(&at, &hand()).await.expect("a repository");
    Place { folder, bare, workshop: Workshop::at(&at.display().to_string()) }
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn main(&self) -> Commit {
        self.bare.tip(&branch("main")).await.expect("an answer").expect("a branch")
    }

    async fn made(&self, method: Method, base: &Commit, head: &str) -> Made {
        self.bare.make_merge(method, base, &commit(head), &hand(), "A title").await.expect("an answer")
    }

    /// Name, address and date of author and committer, number of parents, and the message.
    fn told(&self, commit: &Commit) -> String {
        let format = "--format=%an <%ae> %ad, %cn <%ce> %cd, %P, %B";
        self.workshop.ask(&["log", "-1", "--date=raw", format, commit.as_str()])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_once_with_a_branch_and_an_empty_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("it.git");
    let missing = Bare::existing(&at).await;
    assert!(matches!(missing, Err(Trouble::Missing(_))) && !at.exists(), "who only looks makes nothing: {missing:?}");
    let opened = futures::future::join_all((0..4).map(|_| async { Bare::open(&at, &hand()).await })).await;
    let mut tips = Vec::new();
    for bare in opened {
        let bare = bare.expect("a repository");
        assert_eq!(bare.default_branch().await.expect("a branch"), "main");
        tips.push(bare.tip(&branch("main")).await.expect("an answer").expect("a commit"));
    }
    tips.dedup();
    assert_eq!(tips.len(), 1, "{tips:?}");
    assert!(!at.join("hooks").exists());
    assert_eq!(std::fs::metadata(&at).expect("the folder").permissions().mode() & 0o777, 0o700);
    let workshop = Workshop::at(&at.display().to_string());
    let date = START.0 / 1_000;
    let told = workshop.ask(&["log", "--date=raw", "--format=%an %ad, %cn %cd, %s", "main"]);
    assert_eq!(told, format!("Ann Writer {date} +0000, gapwright {date} +0000, Begin"));
    assert_eq!(workshop.ask(&["ls-tree", "main"]), "");
    assert_eq!(workshop.ask(&["config", "--get-all", "receive.hideRefs"]), forge::git::RECORDS);
    assert!(workshop.may_push("HEAD", "refs/heads/theirs"));
    assert!(!workshop.may_push("HEAD", "refs/gapwright/x/1/merged"), "what we put down is ours to write");
    let refused = Bare::open(&folder.path().join("no/disk/it.git"), &hand()).await;
    assert!(matches!(&refused, Err(Trouble::Folder(why)) if why.ends_with("no/disk is not there")), "{refused:?}");
    assert!(!folder.path().join("no").exists(), "a disk that is missing is not made up for");
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_which_others_may_write_is_refused() {
    let place = place().await;
    let (folder, config) = (place.bare.folder(), place.bare.folder().join("config"));
    let open = async || Bare::open(folder, &hand()).await;
    mode(&config, 0o666);
    open().await.expect("behind a door that only we open");
    mode(folder, 0o755);
    assert!(matches!(open().await, Err(Trouble::Foreign(why)) if why.contains("config")));
    mode(&config, 0o644);
    open().await.expect("others may read it");
    for others in [0o775, 0o757, 0o777] {
        mode(folder, others);
        assert!(matches!(open().await, Err(Trouble::Foreign(_))), "{others:o}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_cannot_do_or_read_is_not_taken_for_what_is_not_there() {
    let place = place().await;
    let head = commit(&place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]));
    let base = place.main().await;
    let Made::Commit(onto) = place.made(Method::Squash, &base, head.as_str()).await else { panic!("no commit") };
    let (from, into) = (branch("fix/one"), branch("main"));
    let (record, head, base) = ("refs/gapwright/x/1", (&from, &head), (&into, &base));
    let land = Land { record, head: head.0, head_commit: head.1, base: base.0, base_commit: base.1, onto: &onto };
    // As when somebody was killed who moved it.
    let lock = place.bare.folder().join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("a lock");
    let failed = place.bare.land(land).await;
    assert!(matches!(&failed, Err(Trouble::Failed(why)) if why.contains("main.lock")), "{failed:?}");
    std::fs::remove_file(&lock).expect("no lock");
    assert!(place.bare.land(land).await.expect("landed"));
    // As when the power was lost before it was on the disk.
    std::fs::write(place.bare.folder().join("refs/heads/fix/one"), "").expect("a broken ref");
    assert!(matches!(place.bare.tip(&from).await, Err(Trouble::Failed(_))));
    let refs = place.bare.refs(&["refs/heads/main", "refs/heads/fix/one"]).await;
    assert!(matches!(&refs, Err(Trouble::Failed(why)) if why.contains("broken")), "{refs:?}");
    assert!(place.bare.refs(&["refs/heads/main"]).await.expect("refs").len() == 1);
    std::fs::remove_file(place.bare.folder().join("HEAD")).expect("no repository");
    assert!(matches!(place.bare.tip(&branch("none")).await, Err(Trouble::Failed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_whose_name_is_no_text_is_in_nobodys_way() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = place().await;
    let main = place.main().await;
    let name = std::ffi::OsStr::from_bytes(b"refs/heads/\xff");
    let mut git = std::process::Command::new("git");
    git.arg("--git-dir").arg(place.bare.folder()).arg("update-ref").arg(name).arg(main.as_str());
    assert!(git.status().expect("git runs").success());
    let bare = Bare::open(place.bare.folder(), &hand()).await.expect("the repository");
    let refs = bare.refs(&["refs/heads"]).await.expect("refs");
    assert_eq!(refs.into_keys().collect::<Vec<_>>(), ["refs/heads/main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_refs_can_be_asked_for_at_once() {
    let place = place().await;
    let names: Vec<_> = (0..30_000).map(|number| format!("refs/heads/{number:080}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).chain(["refs/heads/main"]).collect();
    assert_eq!(place.bare.refs(&names).await.expect("refs").len(), 1);
    assert_eq!(place.bare.refs(&[]).await.expect("refs").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bare_repository_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.txt"), "mine").expect("a file");
    let refused = Bare::open(folder.path(), &hand()).await;
    assert!(matches!(refused, Err(Trouble::Folder(_))), "{refused:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1);
    let refused = Bare::open(Path::new("here/it.git"), &hand()).await;
    assert!(matches!(refused, Err(Trouble::Folder(_))), "{refused:?}");
    let place = place().await;
    place.bare.worktree_add(At::Commit(&place.main().await), &place.at("tree")).await.expect("a worktree");
    let refused = Bare::open(&place.at("tree/.git"), &hand()).await;
    assert!(matches!(refused, Err(Trouble::Folder(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_has_two_parents_and_a_squash_one_and_nothing_moves_before_it_lands() {
    let place = place().await;
    place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let head = place.workshop.commit("fix/one", &[Change::text("b.txt", "b\n")]);
    place.workshop.commit("main", &[Change::text("c.txt", "c\n")]);
    let base = place.main().await;
    let date = START.0 / 1_000;
    let by = format!("Ann Writer <ann@example.com> {date} +0000, gapwright <bot@example.com> {date} +0000");
    let Made::Commit(merge) = place.made(Method::Merge, &base, &head).await else { panic!("no commit") };
    assert_eq!(place.told(&merge), format!("{by}, {} {head}, A title", base.as_str()));
    let Made::Commit(squash) = place.made(Method::Squash, &base, &head).await else { panic!("no commit") };
    assert_eq!(place.told(&squash), format!("{by}, {}, A title", base.as_str()));
    for made in [&merge, &squash] {
        assert_eq!(place.workshop.ask(&["ls-tree", "--name-only", made.as_str()]), "a.txt\nb.txt\nc.txt");
    }
    assert_eq!(place.main().await, base);
    assert_eq!(place.made(Method::Merge, &merge, &head).await, Made::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebase_makes_each_commit_anew_with_its_author_and_leaves_merges_out() {
    let place = place().await;
    place.workshop.commit_by("bea", "fix/one", &[Change::text("a.txt", "a\n")]);
    place.workshop.commit("main", &[Change::text("c.txt", "c\n")]);
    place.workshop.merge("main", "fix/one");
    // The same change on both sides is not made twice.
    place.workshop.commit("fix/one", &[Change::text("d.txt", "d\n")]);
    let head = place.workshop.commit_by("carl", "fix/one", &[Change::text("a.txt", "a\nb\n")]);
    place.workshop.commit("main", &[Change::text("d.txt", "d\n")]);
    let base = place.main().await;
    let Made::Commit(tip) = place.made(Method::Rebase, &base, &head).await else { panic!("no commit") };
    let range = format!("{}..{}", base.as_str(), tip.as_str());
    let told = place.workshop.ask(&["log", "--reverse", "--format=%an, %cn, %s", &range]);
    assert_eq!(told, "bea, gapwright, work on fix/one\ncarl, gapwright, work on fix/one");
    assert_eq!(place.workshop.ask(&["show", &format!("{}:a.txt", tip.as_str())]), "a\nb");
    let dates = place.workshop.ask(&["log", "-1", "--date=raw", "--format=%ad", tip.as_str()]);
    assert_eq!(dates, place.workshop.ask(&["log", "-1", "--date=raw", "--format=%ad", &head]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_anew_is_said_to_be_so() {
    let place = place().await;
    place.workshop.commit("main", &[Change::text("a.txt", "1\n")]);
    place.workshop.commit("fix/one", &[Change::text("a.txt", "2\n")]);
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "1\n")]);
    place.workshop.commit("main", &[Change::text("a.txt", "3\n")]);
    let base = place.main().await;
    // Together they change nothing, one by one they do not fit.
    assert!(matches!(place.made(Method::Squash, &base, &head).await, Made::Commit(_)));
    assert_eq!(place.made(Method::Rebase, &base, &head).await, Made::Conflict);
    let mut tip = base.clone();
    let tree = place.workshop.ask(&["rev-parse", "main^{tree}"]);
    for _ in 0..101 {
        let parent = tip.as_str().to_owned();
        tip = commit(&place.workshop.ask(&["commit-tree", &tree, "-p", &parent, "-m", "one of many"]));
    }
    assert!(matches!(place.made(Method::Rebase, &base, tip.as_str()).await, Made::Unfit(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_git_reads_and_does_not_write_is_not_tried_for_ever() {
    let place = place().await;
    let base = place.main().await;
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let other = place.workshop.commit("main", &[Change::text("b.txt", "b\n")]);
    let tree = place.workshop.ask(&["rev-parse", &format!("{head}^{{tree}}")]);
    let written = format!(
        "tree {tree}\nparent {}\nauthor ,;, <ann@example.com> 1700000000 +0000\n\
         committer ann <ann@example.com> 1700000000 +0000\n\nabsurd\n",
        base.as_str()
    );
    let absurd = place.workshop.ask_with(&["hash-object", "-t", "commit", "-w", "--stdin"], &written);
    let made = place.made(Method::Rebase, &commit(&other), &absurd).await;
    assert!(matches!(made, Made::Unfit(why) if why.contains("author")), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_moves_only_from_where_both_were_seen() {
    let place = place().await;
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let base = place.main().await;
    let Made::Commit(onto) = place.made(Method::Squash, &base, &head).await else { panic!("no commit") };
    let (from, into, head) = (branch("fix/one"), branch("main"), commit(&head));
    let land = Land {
        record: "refs/gapwright/x/1",
        head: &from,
        head_commit: &head,
        base: &into,
        base_commit: &base,
        onto: &onto,
    };
    for wrong in [Land { head_commit: &base, ..land }, Land { base_commit: &head, ..land }] {
        assert!(!place.bare.land(wrong).await.expect("an answer"));
        assert_eq!(place.main().await, base);
    }
    let pushed = place.workshop.commit("main", &[Change::text("b.txt", "b\n")]);
    assert!(!place.bare.land(land).await.expect("an answer"), "the base moved");
    assert_eq!(place.main().await.as_str(), pushed);
    assert_eq!(place.workshop.ask(&["for-each-ref", "refs/gapwright"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_other_repositories_are_told_apart_from_files() {
    let place = place().await;
    let base = place.workshop.commit("main", &[Change::text("was-file", "a\n"), Change::text("plain", "p\n")]);
    place.workshop.commit("fix/one", &[Change::Link("link", "/etc/passwd"), Change::Remove("was-file")]);
    let head = place.workshop.commit("fix/one", &[Change::Link("was-file", "plain"), Change::text(".gitmodules", "")]);
    // A commit of another repository, as a submodule is.
    let tree = place.workshop.ask(&["ls-tree", &head]);
    let tree = format!("{tree}\n160000 commit {base}\tsub\n");
    let tree = place.workshop.ask_with(&["mktree", "--missing"], &tree);
    let head = place.workshop.ask(&["commit-tree", &tree, "-p", &head, "-m", "a submodule"]);
    let files = place.bare.files(&commit(&base), &commit(&head)).await.expect("files");
    let told: Vec<_> = files.files.iter().map(|file| (file.path.as_str(), file.status)).collect();
    let expected =
        [(".gitmodules", Status::Added), ("link", Status::Other), ("sub", Status::Other), ("was-file", Status::Other)];
    assert_eq!(told, expected);
}

/// A file of the change itself could hide what it changes, or settle a conflict.
#[tokio::test(flavor = "multi_thread")]
async fn the_attributes_of_a_branch_do_not_say_how_it_is_read_or_merged() {
    let place = place().await;
    let attributes = Change::text(".gitattributes", "* -diff merge=union\n");
    place.workshop.commit("main", &[attributes, Change::text("a.txt", "1\n")]);
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "2\n")]);
    place.workshop.commit("main", &[Change::text("a.txt", "3\n")]);
    let base = place.main().await;
    assert_eq!(place.made(Method::Merge, &base, &head).await, Made::Conflict);
    let files = place.bare.files(&base, &commit(&head)).await.expect("files");
    let expected =
        FileChange { path: "a.txt".into(), previous: None, status: Status::Modified, additions: 1, deletions: 1 };
    assert_eq!(files.files, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_hooks_nor_settings_of_the_repository_run_programs() {
    let place = place().await;
    let first = place.main().await;
    let plain = place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let other = commit(&place.workshop.commit("main", &[Change::text("b.txt", "b\n")]));
    let (ran, script) = (place.at("ran"), place.at("script"));
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\nexit 1\n", ran.display())).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let hooks = place.bare.folder().join("hooks");
    std::fs::create_dir(&hooks).expect("a folder");
    for hook in ["reference-transaction", "post-checkout", "post-index-change", "update", "pre-receive"] {
        std::fs::copy(&script, hooks.join(hook)).expect("a hook");
    }
    let program = script.display().to_string();
    for (key, value) in [("core.fsmonitor", &program), ("core.hooksPath", &hooks.display().to_string())] {
        place.workshop.ask(&["config", key, value]);
    }
    place.workshop.ask(&["config", "diff.external", &program]);
    let base = place.main().await;
    let tree = place.workshop.ask_with(&["mktree"], "");
    let head = commit(&place.workshop.ask(&["commit-tree", &tree, "-p", base.as_str(), "-m", "empty"]));
    let Made::Commit(onto) = place.made(Method::Merge, &base, head.as_str()).await else { panic!("no commit") };
    place.bare.keep("refs/gapwright/x/1", &onto).await.expect("a ref");
    place.bare.files(&base, &head).await.expect("files");
    place.bare.worktree_add(At::Branch(&branch("main")), &place.at("tree")).await.expect("a worktree");
    // A signature that is to be shown is checked by a program.
    for (key, value) in [("log.showSignature", "true"), ("gpg.program", &program)] {
        place.workshop.ask(&["config", key, value]);
    }
    let tree = place.workshop.ask(&["rev-parse", &format!("{plain}^{{tree}}")]);
    let who = "ann <ann@example.com> 1700000000 +0000";
    let signed = format!(
        "tree {tree}\nparent {}\nauthor {who}\ncommitter {who}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n \
         -----END PGP SIGNATURE-----\n\nsigned\n",
        first.as_str()
    );
    let signed = place.workshop.ask_with(&["hash-object", "-t", "commit", "-w", "--stdin"], &signed);
    let made = place.made(Method::Rebase, &other, &signed).await;
    assert!(matches!(made, Made::Commit(_)), "{made:?}");
    assert!(!ran.exists(), "a program of the repository's ran");
    // Nothing that is said to git keeps it from these.
    place.workshop.ask(&["config", "merge.x.driver", &program]);
    std::fs::create_dir_all(place.bare.folder().join("info")).expect("a folder");
    std::fs::write(place.bare.folder().join("info/attributes"), "* merge=x\n").expect("a file");
    let refused = Bare::open(place.bare.folder(), &hand()).await;
    assert!(matches!(&refused, Err(Trouble::Foreign(why)) if why.contains("info/attributes")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worktree_shows_a_branch_or_a_commit_and_goes_without_a_trace() {
    let place = place().await;
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let (on_branch, on_commit) = (place.at("on branch"), place.at("-on-commit"));
    place.bare.worktree_add(At::Branch(&branch("fix/one")), &on_branch).await.expect("a worktree");
    place.bare.worktree_add(At::Commit(&commit(&head)), &on_commit).await.expect("a worktree");
    for folder in [&on_branch, &on_commit] {
        assert_eq!(std::fs::read_to_string(folder.join("a.txt")).expect("the file"), "a\n");
    }
    let again = place.bare.worktree_add(At::Branch(&branch("fix/one")), &place.at("again")).await;
    assert!(matches!(again, Err(Trouble::Failed(_))), "{again:?}");
    let missing = place.bare.worktree_add(At::Branch(&branch("fix/two")), &place.at("missing")).await;
    assert!(matches!(missing, Err(Trouble::Missing(_))), "{missing:?}");
    std::fs::write(on_branch.join("left.txt"), "left").expect("a file");
    place.bare.worktree_remove(&on_branch).await.expect("gone");
    assert!(!on_branch.exists());
    std::fs::remove_dir_all(&on_commit).expect("gone by hand");
    place.bare.worktree_prune().await.expect("forgotten");
    assert_eq!(place.workshop.ask(&["worktree", "list"]).lines().count(), 1, "the repository itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worktree_whose_making_was_broken_off_is_in_nobodys_way() {
    let place = place().await;
    place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let (one, tree) = (branch("fix/one"), place.at("tree"));
    let locked = |reason: &str| {
        std::fs::write(place.bare.folder().join("worktrees/tree/locked"), reason).expect("a lock");
    };
    place.bare.worktree_add(At::Branch(&one), &tree).await.expect("a worktree");
    // As when whoever made it was killed, and its folder was taken away.
    locked("initializing\n");
    std::fs::remove_dir_all(&tree).expect("gone");
    place.bare.worktree_add(At::Branch(&one), &tree).await.expect("the branch is free, and the folder");
    locked("initializing\n");
    place.bare.worktree_remove(&tree).await.expect("gone");
    assert!(!tree.exists());
    place.bare.worktree_add(At::Branch(&one), &tree).await.expect("a worktree");
    // A lock of a person's, for a disk that is elsewhere.
    locked("on a stick\n");
    std::fs::remove_dir_all(&tree).expect("gone");
    place.bare.worktree_prune().await.expect("nothing to forget");
    assert_eq!(place.workshop.ask(&["worktree", "list"]).lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_as_they_are_in_a_commit() {
    let place = place().await;
    let changes = [
        Change::text("docs/a.md", "a\n"),
        Change::text("docs/deep/b.md", "b\n"),
        Change::Link("docs/link.md", "a.md"),
        Change::text("docs/[ab].md", "brackets\n"),
    ];
    let head = commit(&place.workshop.commit("fix/one", &changes));
    let listed = place.bare.folder_of(&head, "docs").await.expect("a folder");
    let listed: Vec<_> = listed.iter().map(|entry| (entry.path.as_str(), entry.bytes)).collect();
    assert_eq!(listed, [("docs/[ab].md", 9), ("docs/a.md", 2)]);
    let read = async |path: &str, most| place.bare.file(&head, path, most).await.expect("an answer");
    assert_eq!(read("docs/[ab].md", 9).await.as_deref(), Some(&b"brackets\n"[..]));
    for (path, most) in [("docs/[ab].md", 8), ("docs", 9), ("docs/link.md", 9), ("docs/none.md", 9), ("-x", 9)] {
        assert_eq!(read(path, most).await, None, "{path}");
    }
    assert_eq!(place.bare.folder_of(&head, "none").await.expect("an answer"), []);
    assert!(place.bare.find(&commit("0123456789012345678901234567890123456789")).await.expect("an answer").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_git_could_mistake_are_never_handed_to_it() {
    let place = place().await;
    let hand = Hand { at: Time(-1), ..hand() };
    assert!(Branch::parse("--output=/tmp/x").is_err() && Commit::parse("--help").is_err());
    let head = place.workshop.commit("fix/one", &[Change::text("a.txt", "a\n")]);
    let title = "--amend\n\nCo-authored-by: nobody";
    let made = place.bare.make_merge(Method::Squash, &place.main().await, &commit(&head), &hand, title).await;
    let Ok(Made::Commit(made)) = made else { panic!("{made:?}") };
    assert!(place.told(&made).ends_with(title));
}
