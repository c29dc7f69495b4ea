//! Who did it, asked of every home: who labelled, reviewed, merged or closed, and whether they may.

use domain::time::Span;
use forge::{
    Account, AccountKind, Closed, Edit, Fault, IssueState, LabelChange, LabelEvents, Method, NewReview, Pull,
    PullState, ReviewState,
};

use crate::exam::workshop::Change;
use crate::exam::{Home, homes};

impl Home {
    /// A pull request of ours from this branch, with a file of its own.
    async fn pull_of(&self, branch: &str, path: &'static str) -> Pull {
        self.hand.commit(branch, &[Change::text(path, branch)]).await;
        self.pull(branch).await
    }

    async fn us(&self) -> Account {
        self.forge.repository().await.expect("a repository").me
    }

    async fn events(&self, number: i64) -> LabelEvents {
        self.forge.label_events(number).await.expect("events")
    }

    /// Who ended a pull request: what is told of it by itself.
    async fn ended_by(&self, number: i64) -> Option<Account> {
        self.forge.pull(number).await.expect("the pull request").ended_by
    }
}

fn to(state: IssueState) -> Edit {
    Edit { state: Some(state), ..Edit::default() }
}

fn assert_gone<T: std::fmt::Debug>(answer: &Result<T, Fault>) {
    assert!(matches!(answer, Err(Fault::Gone { .. })), "{answer:?}");
}

homes!(who_puts_labels_on_and_takes_them_off_is_told_oldest_first, async |home| {
    let number = home.pull_of("fix/one", "a.txt").await.number;
    assert_eq!(home.events(number).await, LabelEvents { events: Vec::new(), complete: true });
    for _ in 0..2 {
        home.forge.add_label(number, "needs-bot-review").await.expect("a label");
    }
    home.hand.comment(number, "I would rather do this").await;
    home.hand.wait(Span::secs(5));
    home.hand.label(number, "Manual").await;
    home.hand.unlabel(number, "NEEDS-bot-review").await;
    home.hand.wait(Span::secs(5));
    for _ in 0..2 {
        home.forge.remove_label(number, "manual").await.expect("no label");
    }
    home.hand.close(number, Closed::NotPlanned).await;
    let LabelEvents { events, complete } = home.events(number).await;
    assert!(complete);
    let told: Vec<_> = events.iter().map(|event| (event.label.as_str(), event.what, event.actor.kind)).collect();
    let expected = [
        ("needs-bot-review", LabelChange::Added, AccountKind::Us),
        ("Manual", LabelChange::Added, AccountKind::Person),
        ("needs-bot-review", LabelChange::Removed, AccountKind::Person),
        ("Manual", LabelChange::Removed, AccountKind::Us),
    ];
    assert_eq!(told, expected);
    assert_eq!((&events[0].actor, &events[1].actor.login), (&home.us().await, &home.hand.login()));
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id && pair[0].at <= pair[1].at));
    let later = |event: usize| events[event].at + Span::secs(5);
    assert_eq!((events[1].at, events[3].at), (later(0), later(2)));
});

homes!(the_labels_of_an_issue_are_told_from_its_opening_on, async |home| {
    let issue = home.issue("Labelled", &["capability-gap", "claude"]).await;
    let events = home.events(issue.number).await.events;
    let mut told: Vec<_> = events.iter().map(|event| (event.label.as_str(), event.what)).collect();
    told.sort_unstable_by_key(|(label, _)| *label);
    assert_eq!(told, [("capability-gap", LabelChange::Added), ("claude", LabelChange::Added)]);
    home.hand.delete(issue.number).await;
    for number in [issue.number, issue.number + 1_000] {
        assert_gone(&home.forge.label_events(number).await);
    }
});

homes!(a_label_that_was_renamed_is_told_by_the_name_that_it_had, async |home| {
    let number = home.issue("Labelled", &["claude"]).await.number;
    home.hand.rename_label("claude", "assistant").await;
    home.hand.unlabel(number, "assistant").await;
    let events = home.events(number).await.events;
    assert_eq!(events.iter().map(|event| event.label.as_str()).collect::<Vec<_>>(), ["claude", "assistant"]);
});

// A thousand at least are told to the last, and of more than that the last ones.
homes!(of_very_many_changes_of_labels_the_latest_are_told_and_that_some_are_not, async |home| {
    let number = home.issue("Restless", &[]).await.number;
    for (times, complete) in [(60, true), (430, true), (60, false)] {
        home.hand.fidget(number, "blinks", times).await;
        let told = home.events(number).await;
        assert_eq!(told.complete, complete);
        home.hand.label(number, "lasts").await;
        home.hand.unlabel(number, "lasts").await;
        home.forge.add_label(number, "last").await.expect("a label");
        let after = home.events(number).await.events;
        let latest: Vec<_> = after.iter().rev().take(4).map(|event| event.label.as_str()).collect();
        assert_eq!(latest, ["last", "lasts", "lasts", "blinks"], "what came after the first look is seen");
        assert!(after.windows(2).all(|pair| pair[0].id < pair[1].id));
        home.forge.remove_label(number, "last").await.expect("no label");
    }
    assert!((900..=1_100).contains(&home.events(number).await.events.len()));
});

homes!(we_and_whoever_it_belongs_to_may_write_and_another_program_may_not, async |home| {
    let number = home.issue("Labelled", &[]).await.number;
    home.hand.label(number, "manual").await;
    let ann = home.events(number).await.events.remove(0).actor;
    assert_eq!(home.forge.may_write(&ann).await, Ok(true));
    assert_eq!(home.forge.may_write(&home.us().await).await, Ok(true));
    let git = Account { id: "git".to_owned(), login: "git".to_owned(), kind: AccountKind::Bot };
    assert_eq!(home.forge.may_write(&git).await, Ok(false));
});

homes!(reviews_are_told_with_their_commit_whoever_wrote_them, async |home| {
    let pull = home.pull_of("fix/one", "a.txt").await;
    assert_eq!(home.forge.reviews(pull.number).await, Ok(Vec::new()));
    let ours = NewReview { commit: pull.head.commit.clone(), body: "Three things.".to_owned(), remarks: Vec::new() };
    let id = home.forge.review(pull.number, &ours).await.expect("a review");
    home.hand.wait(Span::secs(5));
    home.hand.review(pull.number, ReviewState::ChangesRequested, "four").await;
    let moved = home.hand.commit("fix/one", &[Change::text("a.txt", "better")]).await;
    home.hand.review(pull.number, ReviewState::Commented, "I will look").await;
    home.hand.review(pull.number, ReviewState::Approved, "").await;
    let reviews = home.forge.reviews(pull.number).await.expect("reviews");
    let told: Vec<_> = reviews.iter().map(|one| (one.state, one.body.as_str(), one.commit.as_deref())).collect();
    let (old, new) = (Some(pull.head.commit.as_str()), Some(moved.as_str()));
    let expected = [
        (ReviewState::Commented, "Three things.", old),
        (ReviewState::ChangesRequested, "four", old),
        (ReviewState::Commented, "I will look", new),
        (ReviewState::Approved, "", new),
    ];
    assert_eq!(told, expected);
    assert_eq!((reviews[0].id, &reviews[0].author), (id, &home.us().await));
    assert_eq!((&reviews[1].author.login, reviews[1].author.kind), (&home.hand.login(), AccountKind::Person));
    assert_eq!(reviews[1].at, reviews[0].at + Span::secs(5));
    let issue = home.issue("No pull request", &[]).await.number;
    for number in [issue, issue + 1_000] {
        assert_gone(&home.forge.reviews(number).await);
    }
});

homes!(a_pull_request_is_found_again_by_its_branch_however_it_stands, async |home| {
    assert_eq!(home.forge.pulls_by_head("fix/one").await, Ok(Vec::new()));
    let first = home.pull_of("fix/one", "a.txt").await;
    let other = home.pull_of("fix/one-more", "b.txt").await;
    home.hand.close(first.number, Closed::NotPlanned).await;
    let second = home.pull("fix/one").await;
    home.hand.merge(second.number, Method::Squash).await;
    home.hand.commit("fix/one", &[Change::text("c.txt", "c")]).await;
    let third = home.pull("fix/one").await;
    let found = home.forge.pulls_by_head("fix/one").await.expect("pull requests");
    let told: Vec<_> = found.iter().map(|pull| (pull.number, pull.title.as_str())).collect();
    assert_eq!(told, [first.number, second.number, third.number].map(|number| (number, "Change by fix/one")));
    assert_eq!(found[0].state, PullState::Closed);
    assert!(matches!(&found[1].state, PullState::Merged { commit: Some(_) }), "{:?}", found[1].state);
    assert_eq!((&found[2].state, &found[2].head), (&PullState::Open, &third.head));
    let found = home.forge.pulls_by_head("fix/one-more").await.expect("pull requests");
    assert_eq!(found.iter().map(|pull| pull.number).collect::<Vec<_>>(), [other.number]);
    for branch in ["fix", "main", "fix/", "FIX/one-mor", "ann:fix/one", "no such branch"] {
        assert_eq!(home.forge.pulls_by_head(branch).await, Ok(Vec::new()), "{branch}");
    }
});

homes!(who_closed_or_merged_a_pull_request_is_told, async |home| {
    let pull = home.pull_of("fix/one", "a.txt").await;
    let (us, number) = (home.us().await, pull.number);
    assert_eq!((pull.ended_by, home.ended_by(number).await), (None, None));
    home.hand.close(number, Closed::NotPlanned).await;
    let ann = home.ended_by(number).await.expect("somebody");
    assert_eq!((&ann.login, ann.kind), (&home.hand.login(), AccountKind::Person));
    home.hand.reopen(number).await;
    assert_eq!(home.ended_by(number).await, None, "it is open again");
    home.forge.edit_issue(number, &to(IssueState::Closed(Closed::Unsaid))).await.expect("closed");
    assert_eq!(home.ended_by(number).await, Some(us.clone()));
    home.forge.edit_issue(number, &to(IssueState::Open)).await.expect("opened");
    home.hand.merge(number, Method::Merge).await;
    assert_eq!(home.ended_by(number).await, Some(ann));
    let second = home.pull_of("fix/two", "b.txt").await;
    home.forge.merge(second.number, &second.head.commit, Method::Squash, "t").await.expect("a merge");
    assert_eq!(home.ended_by(second.number).await, Some(us));
});

homes!(when_a_pull_request_ended_is_told_by_the_clock_of_the_home_and_stays, async |home| {
    let pull = home.pull_of("fix/one", "a.txt").await;
    let number = pull.number;
    let read = async || home.forge.pull(number).await.expect("the pull request");
    assert_eq!((pull.ended_at, read().await.ended_at), (None, None));
    home.hand.wait(Span::secs(60));
    home.hand.close(number, Closed::NotPlanned).await;
    let closed = read().await.ended_at.expect("a moment");
    assert!(closed >= pull.updated_at + Span::secs(60), "{closed:?}");
    home.hand.wait(Span::secs(60));
    home.hand.comment(number, "a pity").await;
    assert_eq!(read().await.ended_at, Some(closed), "what is said of it later is no end");
    home.hand.reopen(number).await;
    assert_eq!(read().await.ended_at, None);
    home.hand.wait(Span::secs(60));
    home.hand.merge(number, Method::Squash).await;
    let merged = read().await.ended_at;
    assert!(merged.is_some_and(|at| at >= closed + Span::secs(120)), "{merged:?}");
    home.hand.wait(Span::secs(60));
    home.hand.label(number, "late").await;
    assert_eq!(read().await.ended_at, merged);
    let listed = home.forge.pulls_by_head("fix/one").await.expect("pull requests");
    assert_eq!(listed.iter().map(|pull| pull.ended_at).collect::<Vec<_>>(), [merged], "lists say it, too");
});
