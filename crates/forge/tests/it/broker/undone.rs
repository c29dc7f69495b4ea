//! Whether a merge was taken back since.

use forge::Method;
use forge::broker::Undone;
use forge::git::Commit;

use super::scene::{Scene, commit, scenes};
use super::stage::REPO;
use crate::exam::workshop::Workshop;

/// A merge, where the base was before, and its number.
async fn merged(scene: &Scene, method: Method) -> (Commit, Commit, i64) {
    scene.commits("fix/one", "a.txt", &["1\n2\n3\n"]).await;
    let number = scene.open("fix/one").await;
    let parent = scene.commits("main", "b.txt", &["b\n"]).await;
    (scene.merge(number, method).await, parent, number)
}

/// Takes a commit back on `main` as git itself does it; gives the commit that does.
async fn reverted(scene: &Scene, what: &Commit, more: &'static [&'static str]) -> Commit {
    let what = what.as_str().to_owned();
    let revert = move |workshop: &Workshop| {
        workshop.git(&["fetch", "--quiet", "origin"]);
        workshop.git(&["checkout", "--quiet", "-B", "main", "origin/main"]);
        workshop.git(&[&["revert", "--no-edit"][..], more, &[&what]].concat());
        workshop.git(&["push", "--quiet", "origin", "main"]);
        workshop.git(&["rev-parse", "HEAD"])
    };
    commit(&scene.work(revert).await)
}

/// Puts a commit upon `main` that has the tree of another.
async fn put(scene: &Scene, tree_of: &Commit, message: &str) -> Commit {
    let tree = scene.git(&["rev-parse", &format!("{}^{{tree}}", tree_of.as_str())]).await;
    let made = scene.made(&tree, &[&scene.tip("main").await], message).await;
    scene.push(&made, "main").await;
    made
}

scenes!(what_git_reverts_is_undone_by_that_commit_until_that_is_reverted, async |scene| {
    for (method, more) in [(Method::Squash, &[][..]), (Method::Merge, &["-m", "1"][..])] {
        let (merge, parent, number) = merged(scene, method).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
        scene.commits("main", "later.txt", &["l\n"]).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
        let first = reverted(scene, &merge, more).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(first.clone()));
        scene.commits("main", "later.txt", &["m\n"]).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(first.clone()));
        let again = reverted(scene, &first, &[]).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing, "it is there again");
        let last = reverted(scene, &again, &[]).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Gone, "nobody reverts the merge itself");
        assert_ne!(last, first);
        reverted(scene, &last, &[]).await;
        let third = reverted(scene, &merge, more).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(third));
        scene.work(|workshop| workshop.delete("fix/one")).await;
    }
});

scenes!(what_the_button_of_github_reverts_is_undone_by_that_commit, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    for words in [format!("Reverts {REPO}#{number}"), format!("Reverts #{number}")] {
        let taken = put(scene, &parent, &format!("Revert \"One\" (#99)\n\n{words}\n")).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(taken));
        put(scene, &merge, "Reapply").await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
    }
});

scenes!(words_alone_take_nothing_back, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    put(scene, &merge, &format!("This reverts commit {}.\n\nReverts #{number}", merge.as_str())).await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
});

scenes!(what_is_taken_back_by_hand_is_gone_without_a_word, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    put(scene, &parent, "Tidy up").await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Gone);
    scene.commits("main", "b.txt", &["later\n"]).await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Gone);
});

scenes!(what_is_edited_later_on_the_same_lines_stands, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    for text in ["1\n2\nthree\n", "one\ntwo\nthree\n", "1\n2\n3\n4\n"] {
        scene.commits("main", "a.txt", &[text]).await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing, "{text:?}");
    }
});

// Somebody settles by hand what is in the way of a revert.
scenes!(what_is_taken_back_in_part_is_undone_by_whoever_says_so, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    scene.commits("main", "a.txt", &["1\n2\nthree\n"]).await;
    let half = scene.commits("aside", "a.txt", &["three\n"]).await;
    let taken = put(scene, &half, &format!("Revert\n\nThis reverts commit {}.", merge.as_str())).await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(taken));
});

scenes!(what_the_base_does_not_have_is_not_known, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    let garbage = commit("0123456789012345678901234567890123456789");
    for (merge, parent) in [(&garbage, &parent), (&merge, &garbage)] {
        assert_eq!(scene.undone(merge, parent, number).await, Undone::Unknown);
    }
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
    scene.push(&parent, "main").await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Unknown);
    let (remote, none) = (scene.remote().await, super::stage::branch("never-there"));
    let answer = scene.broker.undone(&remote, &none, &merge, &parent, (REPO, number)).await;
    assert_eq!(answer, Ok(Undone::Unknown));
});

scenes!(more_commits_than_are_looked_at_leave_it_unknown_unless_what_is_there_tells, async |scene| {
    let (merge, parent, number) = merged(scene, Method::Squash).await;
    let edited = scene.commits("main", "a.txt", &["1\n2\nthree\n"]).await;
    let from = edited.as_str().to_owned();
    let many = move |workshop: &Workshop| {
        let one = |number: usize| {
            let from = if number == 0 { format!("from {from}\n") } else { String::new() };
            format!("commit refs/heads/many\ncommitter ann <ann@example.com> 1700000000 +0000\ndata 2\nm\n{from}")
        };
        let script = (0..1_000).map(one).collect::<Vec<_>>().concat();
        workshop.git_with(&["fast-import", "--quiet", "--force"], &script);
        workshop.git(&["rev-parse", "many"])
    };
    let tip = commit(&scene.work(many).await);
    scene.push(&tip, "main").await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Unknown);
    put(scene, &parent, "Tidy up").await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Gone);
    put(scene, &merge, "And back").await;
    assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing);
});
