//! What can be asked of a repository, when all goes well.

use domain::time::{Span, Time};
use forge::{AccountKind, Closed, Edit, Fault, Forge as _, IssueState, Label, NewIssue};
use harness::github::{Access, Archived, Fault as Wrong, Reason};
use serde_json::json;

use super::{REPO, START, US, World, new_issue};

fn label(name: &str) -> Label {
    Label { id: String::new(), name: name.to_owned(), color: "d73a4a".to_owned(), description: "why".to_owned() }
}

#[tokio::test]
async fn a_repository_is_told_with_who_we_are() {
    let world = World::with_token().await;
    let repository = world.github().repository().await.expect("a repository");
    assert_eq!(repository.id, world.fake.id_of(REPO).to_string());
    assert_eq!((repository.name.as_str(), repository.default_branch.as_str()), (REPO, "main"));
    assert_eq!((repository.writable, repository.me.kind), (Some(true), AccountKind::Us));
    assert_eq!(repository.me.login, US);
    world.fake.archive(REPO, Archived::Yes);
    assert_eq!(world.github().repository().await.expect("a repository").writable, Some(false), "archived");
    let world = World::with(|fake| forge::github::Auth::Token(fake.token(US, Access::Read).into())).await;
    assert_eq!(world.github().repository().await.expect("a repository").writable, Some(false), "read only");
}

#[tokio::test]
async fn an_app_is_itself_and_knows_what_it_may_write() {
    let world = World::with_app().await;
    let repository = world.github().repository().await.expect("a repository");
    assert_eq!((repository.me.login.as_str(), repository.me.kind), ("gapwright[bot]", AccountKind::Us));
    assert!(repository.me.id.parse::<i64>().is_ok(), "{:?}", repository.me);
    assert_eq!(repository.writable, Some(true));
    world.fake.narrow_app(None, &[("issues", "read"), ("metadata", "read")]);
    assert_eq!(world.github().repository().await.expect("a repository").writable, Some(false));
}

#[tokio::test]
async fn a_label_is_made_once_however_it_is_spelled() {
    let world = World::with_token().await;
    let github = world.github();
    let made = github.make_label(&label("needs:triage")).await.expect("made");
    assert_eq!(label("needs:triage"), Label { id: String::new(), ..made.clone() });
    let again = github.make_label(&label("Needs:Triage")).await.expect("there already");
    assert_eq!(again, made, "as it is, not as it was wished");
    assert_eq!(github.labels().await.expect("labels").iter().filter(|label| label.id == made.id).count(), 1);
    world.fake.as_person("mona", REPO).rename_label("needs:triage", "triage");
    let renamed = github.labels().await.expect("labels").into_iter().find(|label| label.id == made.id);
    assert_eq!(renamed.map(|label| label.name).as_deref(), Some("triage"), "the id stays");
}

#[tokio::test]
async fn an_issue_is_read_back_as_it_was_opened() {
    let world = World::with_token().await;
    let github = world.github();
    github.make_label(&label("b")).await.expect("a label");
    github.make_label(&label("a")).await.expect("a label");
    let new = NewIssue { labels: vec!["b".to_owned(), "a".to_owned()], ..new_issue("Checkout is slow") };
    let opened = github.open_issue(&new).await.expect("opened");
    assert_eq!(
        (opened.title.as_str(), opened.body.as_str()),
        ("Checkout is slow", "<!-- marker of Checkout is slow -->")
    );
    assert_eq!(opened.labels, ["a", "b"]);
    assert_eq!((opened.state, opened.author.kind), (IssueState::Open, AccountKind::Us));
    assert_eq!((opened.created_at, opened.comments), (Time(START), 0));
    assert!(opened.url.ends_with(&format!("/{REPO}/issues/{}", opened.number)), "{}", opened.url);
    assert_eq!(github.issue(opened.number).await.as_ref(), Ok(&opened));
    assert_eq!(github.our_issues().await, Ok(vec![opened]));
}

#[tokio::test]
async fn ours_are_the_issues_that_we_opened_open_or_closed() {
    let world = World::with_token().await;
    let github = world.github();
    for title in ["one", "two", "three"] {
        github.open_issue(&new_issue(title)).await.expect("opened");
    }
    let mona = world.fake.as_person("mona", REPO);
    let hers = mona.open("mine", "<!-- marker of one -->", &[]);
    mona.close(2, Reason::NotPlanned);
    let ours = github.our_issues().await.expect("issues");
    assert_eq!(ours.iter().map(|issue| issue.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(ours[1].state, IssueState::Closed(Closed::NotPlanned));
    let hers = github.issue(hers).await.expect("an issue");
    assert_eq!((hers.author.login.as_str(), hers.author.kind), ("mona", AccountKind::Person));
}

#[tokio::test]
async fn an_issue_is_changed_closed_and_reopened() {
    let world = World::with_token().await;
    let github = world.github();
    let number = github.open_issue(&new_issue("before")).await.expect("opened").number;
    for state in [
        IssueState::Closed(Closed::Completed),
        IssueState::Open,
        IssueState::Closed(Closed::NotPlanned),
        IssueState::Open,
        IssueState::Closed(Closed::Duplicate),
        IssueState::Open,
    ] {
        github.edit_issue(number, &Edit { state: Some(state), ..Edit::default() }).await.expect("changed");
        assert_eq!(github.issue(number).await.expect("an issue").state, state);
    }
    let edit = Edit { title: Some("after".to_owned()), body: Some("new".to_owned()), state: None };
    github.edit_issue(number, &edit).await.expect("changed");
    let issue = github.issue(number).await.expect("an issue");
    assert_eq!((issue.title.as_str(), issue.body.as_str(), issue.state), ("after", "new", IssueState::Open));
}

#[tokio::test]
async fn labels_come_and_go_one_by_one_whatever_is_in_their_names() {
    let world = World::with_token().await;
    let github = world.github();
    let number = github.open_issue(&new_issue("labelled")).await.expect("opened").number;
    let mona = world.fake.as_person("mona", REPO);
    mona.make_label("manual", "ffffff");
    mona.label(number, "manual");
    for name in ["iteration:1", "good first issue", "a/b", "50%", "c#?&=+", "é…", "..."] {
        github.make_label(&label(name)).await.expect("a label");
        for _ in 0..2 {
            github.add_label(number, name).await.expect("added");
        }
        assert_eq!(world.fake.issue(REPO, number).labels.len(), 2, "{name}");
        assert!(github.issue(number).await.expect("an issue").labels.contains(&name.to_owned()), "{name}");
        for _ in 0..2 {
            github.remove_label(number, name).await.expect("removed");
        }
        assert_eq!(world.fake.issue(REPO, number).labels, ["manual"], "{name}: a person's label stays");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_all_labels_takes_none_away() {
    let world = World::with_token().await;
    let github = world.met().await;
    for name in ["", ".", ".."] {
        let refused = github.remove_label(1, name).await.expect_err("refused");
        assert_eq!(super::name(&refused), "refused", "{name}");
    }
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn comments_are_told_from_a_moment_on_oldest_first() {
    let world = World::with_token().await;
    let github = world.github();
    let number = github.open_issue(&new_issue("discussed")).await.expect("opened").number;
    let mona = world.fake.as_person("mona", REPO);
    let hers = mona.comment(number, "first");
    world.fake.turn(Span::secs(10));
    let ours = github.comment(number, "second").await.expect("a comment");
    assert_eq!((ours.body.as_str(), ours.author.kind), ("second", AccountKind::Us));
    assert_eq!((ours.created_at, ours.updated_at), (Time(START) + Span::secs(10), Time(START) + Span::secs(10)));
    let bodies = async |since: Option<i64>| {
        let comments = github.comments(number, since.map(|ms| Time(START + ms))).await.expect("comments");
        comments.into_iter().map(|comment| comment.body).collect::<Vec<_>>()
    };
    assert_eq!(bodies(None).await, ["first", "second"]);
    assert_eq!(bodies(Some(0)).await, ["first", "second"]);
    assert_eq!(bodies(Some(1_000)).await, ["second"]);
    assert_eq!(bodies(Some(10_999)).await, ["second"], "GitHub tells no less than a second");
    assert_eq!(bodies(Some(11_000)).await, Vec::<String>::new());
    world.fake.turn(Span::secs(10));
    mona.edit_comment(number, hers, "first, edited");
    assert_eq!(bodies(Some(11_000)).await, ["first, edited"]);
}

#[tokio::test]
async fn long_and_twisted_texts_pass_through_unchanged() {
    let world = World::with_token().await;
    let github = world.github();
    let twisted = "\u{202e}gnp.exe\u{202c} 👩‍👩‍👧‍👦 e\u{301} \u{200b} <!-- --> `\"\\ \u{7f}".to_owned();
    for title in ["x".repeat(256), "é".repeat(256), twisted] {
        let opened = github.open_issue(&new_issue(&title)).await.expect("opened");
        assert_eq!(opened.title, title);
        assert_eq!(github.issue(opened.number).await.expect("an issue").title, title);
    }
    let theirs = world.fake.as_person("mona", REPO).open("theirs", "", &[]);
    let long = "y".repeat(300);
    world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/{theirs}"), Wrong::Says("title", json!(long)));
    assert_eq!(github.issue(theirs).await.expect("an issue").title, long, "beyond GitHub's own bound");
}

#[tokio::test]
async fn workflows_are_the_files_of_their_folder() {
    let world = World::with_token().await;
    let github = world.github();
    assert_eq!(github.workflows().await, Ok(vec![]), "there is no folder");
    let files = [
        (".github/workflows/ci.yml", Some("on: push\n# ü\n")),
        (".github/workflows/a b.yaml", Some("on: {}\n")),
        (".github/workflows/nested/no.yml", Some("on: {}\n")),
        (".github/other.yml", Some("no\n")),
    ];
    world.fake.as_person("octocat", REPO).commit("main", &files);
    let found = github.workflows().await.expect("workflows");
    let found: Vec<_> = found.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    assert_eq!(found, [(".github/workflows/a b.yaml", "on: {}\n"), (".github/workflows/ci.yml", "on: push\n# ü\n")]);
}

/// The one that is left out could be the one that acts on our label.
#[tokio::test]
async fn workflows_that_cannot_all_be_read_are_not_told_at_all() {
    let large = format!("on: push\n#{}\n", "x".repeat(256 * 1024));
    let names: Vec<_> = (0..51).map(|number| format!(".github/workflows/{number}.yml")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), Some("on: push\n"))).collect();
    for files in [vec![(".github/workflows/large.yml", Some(large.as_str()))], many] {
        let world = World::with_token().await;
        let github = world.met().await;
        world.fake.as_person("octocat", REPO).commit("main", &files);
        let refused = github.workflows().await.expect_err("not all");
        assert!(matches!(&refused, Fault::Refused { why, .. } if why.contains("not all")), "{refused:?}");
    }
    let world = World::with_token().await;
    let github = world.met().await;
    let folder = format!("/repos/{REPO}/contents/.github/workflows");
    world.fake.as_person("octocat", REPO).commit("main", &[(".github/workflows/ci.yml", Some("on: push\n"))]);
    world.fake.fault(1, "GET", &folder, Wrong::Says("name", json!(7)));
    assert_eq!(super::name(&github.workflows().await.expect_err("another shape")), "refused");
    world.fake.fault(1, "GET", &folder, Wrong::Refused(403, "Resource not accessible by integration"));
    let refused = github.workflows().await.expect_err("no right");
    assert!(matches!(&refused, Fault::Refused { next, .. } if next.ends_with("contents: read")), "{refused:?}");
    world
        .fake
        .as_person("octocat", REPO)
        .commit("main", &[(".github/workflows/ci.yml", None), (".github/workflows", Some("a file\n"))]);
    assert_eq!(github.workflows().await, Ok(vec![]), "there is no folder");
}
