//! What our own git finds of a merge: what was approved and nothing else, or what is otherwise.

use forge::Method;
use forge::broker::{Expected, Landed};
use forge::git::Commit;

use super::scene::{Scene, commit, scenes};

const METHODS: [(Method, &str); 3] =
    [(Method::Merge, "fix/merge"), (Method::Squash, "fix/squash"), (Method::Rebase, "fix/rebase")];

/// Nobody's commit.
const GARBAGE: &str = "0123456789012345678901234567890123456789";

/// Whether what was merged is what was approved.
fn unchanged(landed: &Landed, head: &Commit, approved: &Commit) -> bool {
    head == approved && landed.expected == Expected::Tree(landed.tree.clone())
}

/// Three commits on a branch, of which two are in the way of each other, and the head.
async fn three(scene: &Scene, name: &'static str) -> Commit {
    let path = name.rsplit('/').next().expect("a name");
    scene.commits(name, path, &["1\n", "2\n"]).await;
    let more: &'static str = if path == "rebase" { "rebase-more" } else { "more" };
    scene.commits(name, more, &["more\n"]).await
}

/// A change of one commit, whose base has moved since, and its number.
async fn one(scene: &Scene) -> (i64, Commit) {
    let head = scene.commits("fix/one", "a.txt", &["a\n"]).await;
    let number = scene.open("fix/one").await;
    scene.commits("main", "drift.txt", &["d\n"]).await;
    (number, head)
}

scenes!(what_is_merged_unchanged_is_found_so_by_each_method_though_the_base_moved, async |scene| {
    for (method, name) in METHODS {
        let approved = three(scene, name).await;
        let number = scene.open(name).await;
        scene.commits("main", "drift.txt", &[name]).await;
        let parent = scene.tip("main").await;
        let merge = scene.merge(number, method).await;
        scene.commits("main", "later.txt", &[name]).await;
        let landed = scene.landed(number, &approved).await.expect("all is there");
        assert!(unchanged(&landed, &approved, &approved), "{landed:?}");
        let told = (landed.on_base, landed.descends, landed.own, landed.merges, landed.same_content);
        assert_eq!(told, (true, true, 0, 0, true), "{method:?}");
        assert_eq!(
            (landed.parent, landed.tree),
            (parent, scene.git(&["rev-parse", &format!("{}^{{tree}}", merge.as_str())]).await)
        );
        let words = if method == Method::Rebase { format!("work on {name}") } else { "In short".to_owned() };
        assert!(landed.message.starts_with(&words), "{}", landed.message);
    }
});

scenes!(a_branch_that_was_brought_up_to_date_and_squashed_has_a_merge_more_and_the_same_content, async |scene| {
    let (number, approved) = one(scene).await;
    scene.commits("main", "drift.txt", &["e\n", "f\n"]).await;
    let head = commit(&scene.work(|workshop| workshop.merge("main", "fix/one")).await);
    scene.commits("main", "more.txt", &["m\n"]).await;
    scene.merge(number, Method::Squash).await;
    let landed = scene.landed(number, &approved).await.expect("all is there");
    assert!(!unchanged(&landed, &head, &approved) && unchanged(&landed, &approved, &approved), "{landed:?}");
    assert_eq!((landed.descends, landed.own, landed.merges, landed.same_content), (true, 0, 1, true));
});

scenes!(a_commit_of_a_persons_on_top_is_counted_and_changes_the_content, async |scene| {
    for (method, name) in METHODS {
        let approved = three(scene, name).await;
        let number = scene.open(name).await;
        let head = scene.commits(name, "theirs.txt", &[name]).await;
        let parent = scene.tip("main").await;
        scene.merge(number, method).await;
        let landed = scene.landed(number, &approved).await.expect("all is there");
        assert!(!unchanged(&landed, &approved, &approved) && head != approved, "{landed:?}");
        let told = (landed.on_base, landed.descends, landed.own, landed.merges, landed.same_content);
        assert_eq!(told, (true, true, 1, 0, false), "{method:?}");
        assert_eq!(landed.parent, parent);
    }
});

scenes!(an_edit_that_is_hidden_in_the_merge_itself_is_found, async |scene| {
    let (number, head) = one(scene).await;
    let parent = scene.tip("main").await;
    let honest = scene.git(&["merge-tree", "--write-tree", parent.as_str(), head.as_str()]).await;
    let tree = scene.with_file(&honest, "hidden.txt", "hidden\n").await;
    for parents in [vec![&parent, &head], vec![&parent]] {
        let merge = scene.made(&tree, &parents, "Merge it").await;
        scene.push(&merge, "main").await;
        let landed = scene.found(number, &merge, &head, &head).await.expect("all is there");
        assert_eq!((&landed.tree, &landed.expected), (&tree, &Expected::Tree(honest.clone())));
        let told = (landed.on_base, landed.descends, landed.own, landed.merges, landed.same_content);
        assert_eq!(told, (true, true, 0, 0, false));
        assert_eq!(landed.parent, parent);
    }
});

// Only blanks, which may be all that a line means.
scenes!(an_edit_of_blanks_in_the_merge_is_no_less_an_edit, async |scene| {
    let head = scene.commits("fix/one", "a.py", &["if x:\n    a()\n    b()\n"]).await;
    let number = scene.open("fix/one").await;
    let parent = scene.tip("main").await;
    let edited = scene.commits("aside", "a.py", &["if x:\n    a()\nb()\n"]).await;
    let tree = scene.git(&["rev-parse", &format!("{}^{{tree}}", edited.as_str())]).await;
    let merge = scene.made(&tree, &[&parent, &head], "Merge it").await;
    scene.push(&merge, "main").await;
    let landed = scene.found(number, &merge, &head, &head).await.expect("all is there");
    assert!(!unchanged(&landed, &head, &head) && !landed.same_content, "{landed:?}");
});

// A squash that takes back what the base got before it is no rebase of two.
scenes!(a_squash_that_takes_back_its_neighbour_is_not_taken_for_a_rebase, async |scene| {
    let approved = scene.commits("fix/one", "a.txt", &["1\n", "2\n"]).await;
    let number = scene.open("fix/one").await;
    let before = scene.tip("main").await;
    let parent = scene.commits("main", "of-another.txt", &["theirs\n"]).await;
    let tree = scene.git(&["merge-tree", "--write-tree", before.as_str(), approved.as_str()]).await;
    let merge = scene.made(&tree, &[&parent], "work on fix/one").await;
    scene.push(&merge, "main").await;
    let landed = scene.found(number, &merge, &approved, &approved).await.expect("all is there");
    assert_eq!(landed.parent, parent);
    assert!(!unchanged(&landed, &approved, &approved), "{landed:?}");
});

scenes!(a_rebase_begins_behind_all_its_commits_though_one_was_there_already, async |scene| {
    scene.commits("fix/one", "known.txt", &["k\n"]).await;
    let approved = scene.commits("fix/one", "a.txt", &["1\n", "2\n"]).await;
    let number = scene.open("fix/one").await;
    let parent = scene.commits("main", "known.txt", &["k\n"]).await;
    scene.merge(number, Method::Rebase).await;
    let landed = scene.landed(number, &approved).await.expect("all is there");
    assert!(unchanged(&landed, &approved, &approved), "{landed:?}");
    assert_eq!(landed.parent, parent);
});

scenes!(what_a_person_settled_by_hand_was_a_conflict, async |scene| {
    scene.commits("main", "a.txt", &["one\n"]).await;
    let head = scene.commits("fix/one", "a.txt", &["two\n"]).await;
    let number = scene.open("fix/one").await;
    let parent = scene.commits("main", "a.txt", &["three\n"]).await;
    let tree = scene.git(&["rev-parse", &format!("{}^{{tree}}", head.as_str())]).await;
    let merge = scene.made(&tree, &[&parent, &head], "Settled").await;
    scene.push(&merge, "main").await;
    let landed = scene.found(number, &merge, &head, &head).await.expect("all is there");
    assert_eq!((landed.expected, landed.same_content), (Expected::Conflict, false));
    let apart = scene.made(&tree, &[], "Apart").await;
    scene.push(&apart, "apart").await;
    let landed = scene.found(number, &merge, &apart, &head).await.expect("all is there");
    assert_eq!((landed.expected, landed.descends), (Expected::Conflict, false));
    assert_eq!(scene.found(number, &apart, &head, &head).await, None, "no merge begins a history");
});

scenes!(a_head_whose_branch_is_gone_is_found_and_what_is_nowhere_is_not_known, async |scene| {
    let (number, approved) = one(scene).await;
    let merge = scene.merge(number, Method::Squash).await;
    scene.work(|workshop| workshop.delete("fix/one")).await;
    let landed = scene.landed(number, &approved).await.expect("the head is kept");
    assert!(unchanged(&landed, &approved, &approved), "{landed:?}");
    let garbage = commit(GARBAGE);
    for (merge, approved, head) in
        [(&garbage, &approved, &approved), (&merge, &garbage, &approved), (&merge, &approved, &garbage)]
    {
        assert_eq!(scene.found(number, merge, approved, head).await, None);
    }
    let gone = super::stage::branch("never-there");
    let landing = forge::broker::Landing { number, base: &gone, merge: &merge, approved: &approved, head: &approved };
    assert_eq!(scene.broker.landed(&scene.remote().await, landing).await, Ok(None));
    let landed = scene.found(number + 1_000, &merge, &approved, &approved).await;
    assert!(landed.is_some(), "the commits are enough");
});

scenes!(a_head_that_was_put_in_the_place_of_the_approved_one_does_not_descend_from_it, async |scene| {
    let (number, approved) = one(scene).await;
    let base = scene.git(&["rev-parse", &format!("{}^", approved.as_str())]).await;
    let tree = scene.with_file(&scene.git(&["rev-parse", &format!("{base}^{{tree}}")]).await, "b.txt", "b\n").await;
    let head = scene.made(&tree, &[&commit(&base)], "Something else").await;
    scene.push(&head, "fix/one").await;
    scene.merge(number, Method::Squash).await;
    scene.leave_alone(&approved).await;
    let landed = scene.landed(number, &approved).await.expect("it is had by its id");
    assert!(!unchanged(&landed, &head, &approved) && !unchanged(&landed, &approved, &approved), "{landed:?}");
    assert_eq!((landed.descends, landed.own, landed.merges, landed.same_content), (false, 1, 0, false));
});

scenes!(a_merge_that_the_base_does_not_have_is_told, async |scene| {
    let (number, approved) = one(scene).await;
    let before = scene.tip("main").await;
    scene.merge(number, Method::Squash).await;
    scene.push(&before, "main").await;
    let landed = scene.landed(number, &approved).await.expect("it is had by its id");
    assert!(!landed.on_base && unchanged(&landed, &approved, &approved), "{landed:?}");
});

scenes!(more_commits_than_are_looked_at_are_not_known, async |scene| {
    let (number, approved) = one(scene).await;
    let tree = scene.git(&["rev-parse", &format!("{}^{{tree}}", approved.as_str())]).await;
    let many = |count: usize| {
        let (tree, from) = (tree.clone(), approved.as_str().to_owned());
        scene.work(move |workshop| {
            (0..count).fold(from, |tip, _| workshop.git(&["commit-tree", &tree, "-p", &tip, "-m", "one of many"]))
        })
    };
    let head = commit(&many(250).await);
    scene.push(&head, "fix/one").await;
    scene.merge(number, Method::Squash).await;
    let landed = scene.landed(number, &approved).await.expect("all is there");
    assert_eq!((landed.own, landed.same_content), (250, true));
    let more = scene.made(&tree, &[&head], "one too many").await;
    scene.push(&more, "fix/more").await;
    let merge = scene.tip("main").await;
    assert_eq!(scene.found(number, &merge, &approved, &more).await, None);
});
