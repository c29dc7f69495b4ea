//! Taking a merge back by a commit of ours.

use forge::Method;
use forge::broker::{Pushed, Trouble, Undone};
use forge::git::Commit;

use super::scene::{Scene, commit, scenes};
use super::stage::{branch, hand};

async fn tree(scene: &Scene, of: &Commit) -> String {
    scene.git(&["rev-parse", &format!("{}^{{tree}}", of.as_str())]).await
}

/// A merge of three commits, where the base was before as it is found, and its number.
async fn merged(scene: &Scene, method: Method) -> (Commit, Commit, i64) {
    scene.commits("fix/one", "a.txt", &["1\n", "2\n"]).await;
    let head = scene.commits("fix/one", "more.txt", &["more\n"]).await;
    let number = scene.open("fix/one").await;
    scene.commits("main", "b.txt", &["b\n"]).await;
    let merge = scene.merge(number, method).await;
    let landed = scene.landed(number, &head).await.expect("all is there");
    (merge, landed.parent, number)
}

scenes!(a_revert_has_the_tree_from_before_by_whatever_method_it_was_merged, async |scene| {
    for method in [Method::Merge, Method::Squash, Method::Rebase] {
        let (merge, parent, number) = merged(scene, method).await;
        let message = format!("Revert \"One\"\n\nThis reverts commit {}.", merge.as_str());
        let made = scene.broker.revert(&merge, &parent, &merge, &hand(), &message).await.expect("an answer");
        let made = made.expect("a commit");
        let one = branch("gapwright/revert");
        let pushed = scene.broker.push(&scene.remote().await, &one, None, &made).await;
        assert_eq!(pushed, Ok(Pushed::Done));
        assert_eq!(tree(scene, &made).await, tree(scene, &parent).await, "{method:?}");
        let told = scene.git(&["log", "-1", "--format=%P|%an|%B", made.as_str()]).await;
        assert_eq!(told, format!("{}|{}|{message}", merge.as_str(), hand().author.name));
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::Standing, "nothing is on the base yet");
        scene.push(&made, "main").await;
        assert_eq!(scene.undone(&merge, &parent, number).await, Undone::By(made.clone()));
        let again = scene.broker.revert(&merge, &parent, &made, &hand(), &message).await;
        assert_eq!(again, Ok(None), "there is nothing to take back any more");
        for name in ["fix/one", "gapwright/revert"] {
            scene.work(move |workshop| workshop.delete(name)).await;
        }
    }
});

scenes!(what_came_later_stays_or_is_in_the_way, async |scene| {
    let (merge, parent, _) = merged(scene, Method::Rebase).await;
    let revert = async |tip: &Commit| {
        scene.broker.fetch(&scene.remote().await, &[forge::broker::Source::Branch(branch("main"))]).await.expect("it");
        scene.broker.revert(&merge, &parent, tip, &hand(), "Revert").await.expect("an answer")
    };
    let tip = scene.commits("main", "c.txt", &["c\n"]).await;
    let made = revert(&tip).await.expect("a commit");
    assert_eq!(scene.broker.file(&made, "c.txt", 9).await, Ok(Some(b"c\n".to_vec())));
    for path in ["a.txt", "more.txt"] {
        assert_eq!(scene.broker.file(&made, path, 9).await, Ok(None), "{path}");
    }
    let tip = scene.commits("main", "a.txt", &["3\n"]).await;
    assert_eq!(revert(&tip).await, None);
});

scenes!(a_commit_that_is_not_here_is_said_to_be_missing, async |scene| {
    let (merge, parent, _) = merged(scene, Method::Squash).await;
    let garbage = commit("0123456789012345678901234567890123456789");
    for (merge, parent, tip) in [(&garbage, &parent, &merge), (&merge, &garbage, &merge), (&merge, &parent, &garbage)] {
        let answer = scene.broker.revert(merge, parent, tip, &hand(), "Revert").await;
        assert!(matches!(answer, Err(Trouble::Git(forge::git::Trouble::Missing(_)))), "{answer:?}");
    }
});
