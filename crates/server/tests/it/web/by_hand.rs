//! What people do by the page with pull requests, scheduled jobs, starts, messages and the gate: what can be done is done once,
//! and what cannot says why.

use domain::agent::Role;
use domain::notice::Level;
use domain::pull::State;
use domain::time::Span;
use harness::{both, call};
use plane::page::Ask;
use reqwest::StatusCode;
use serde_json::Value;
use store::journal::Look;

use super::Visitor;
use crate::pipeline::Yard;

/// A reason that is one.
const WHY: &str = "a reason of more than ten characters";

fn is_done(answer: &super::Read) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

/// How often an act by hand is in the audit, as asked and as done.
async fn noted(yard: &Yard<'_>, what: &str) -> (usize, usize) {
    let by = call(Role::Operator, "o", "exam");
    let rows = yard.plane.look_into_journal(&by, &Look::default(), &Ask::new(Some(200), None).expect("a page")).await;
    let told =
        rows.expect("entries").items.into_iter().filter_map(|row| serde_json::from_str::<Value>(&row.after).ok());
    let told: Vec<_> = told.filter(|after| after["by_hand"] == what).collect();
    let count = |is: &str| told.iter().filter(|after| after["is"] == is).count();
    (count("asked"), count("done"))
}

both!(a_pull_request_is_stopped_resumed_sent_back_closed_and_opened_again_once_each, async |world| {
    let yard = Yard::with_a_page(world).await;
    let (number, head) = yard.opens_one().await;
    let ann = Visitor::of(&yard.asked, Role::Operator, "ann").await;
    let by = call(Role::Operator, "o", "exam");
    let state = async || yard.plane.show_pull(&by, &number).await.expect("it").stored.pull.state;
    let id = yard.plane.show_pull(&by, &number).await.expect("it").stored.pull.id;
    assert!(ann.page(&format!("/pulls/{id}/diff")).await.contains("later()"));

    is_done(&ann.act("stop-pull", &[("pull", &id)], &[("reason", WHY)]).await);
    assert_eq!(state().await, State::RequiresHuman);
    is_done(&ann.act("resume-pull", &[("pull", &id)], &[("reason", WHY)]).await);
    assert_eq!(state().await, State::NeedsReview);

    let about = [("number", number.as_str()), ("head", head.as_str())];
    let elsewhere = [("number", number.as_str()), ("head", "1111111111111111111111111111111111111111")];
    let stale = ann.act("request-changes", &elsewhere, &[("message", "say why")]).await;
    assert!(stale.text.contains("the head of"), "{}", stale.text);
    let asks = ann.get(&format!("/act/request-changes?{}", super::form(&about))).await;
    let (form_key, once) = (asks.hidden("form_key"), asks.hidden("once"));
    let sent = [("form_key", form_key.as_str()), ("once", &once), ("message", "say\r\nwhy"), about[0], about[1]];
    for _ in 0..3 {
        is_done(&ann.send("/act/request-changes", &sent).await);
    }
    assert_eq!(noted(&yard, "changes requested").await, (1, 1), "three times is once");
    yard.looks(Span::secs(1)).await;
    assert_eq!(state().await, State::ChangesRequested);

    is_done(&ann.act("close-pull", &[("number", &number)], &[]).await);
    yard.looks(Span::secs(1)).await;
    assert_eq!(state().await, State::Closed);
    is_done(&ann.act("reopen-pull", &[("number", &number)], &[]).await);
    let gone = ann.act("merge-pull", &[("number", "9999"), ("head", "")], &[("method", "merge")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
    let odd = ann.act("merge-pull", &about, &[("method", "octopus")]).await;
    assert!(odd.text.contains("there is no way"), "{}", odd.text);
    is_done(&ann.act("merge-pull", &about, &[("method", "merge")]).await);
    let twice = ann.act("merge-pull", &about, &[("method", "merge")]).await;
    assert!(twice.status == StatusCode::CONFLICT && twice.text.contains("is merged already"), "{}", twice.text);
    assert_eq!(noted(&yard, "merged").await, (2, 1), "what was not done is not told as done");
    yard.end().await;
});

both!(what_a_person_wants_changed_stands_with_the_round_that_it_is_about_as_text, async |world| {
    let yard = Yard::with_a_page(world).await;
    let (number, head) = yard.opens_one().await;
    let ann = Visitor::of(&yard.asked, Role::Operator, "ann").await;
    let by = call(Role::Operator, "o", "exam");
    let id = yard.plane.show_pull(&by, &number).await.expect("it").stored.pull.id;
    let about = [("number", number.as_str()), ("head", head.as_str())];
    is_done(&ann.act("request-changes", &about, &[("message", "say <b>why</b> \u{202e}so")]).await);
    yard.looks(Span::secs(1)).await;
    let page = ann.page(&format!("/pulls/{id}")).await;
    let words = page.split("id=\"words\"").nth(1).and_then(|rest| rest.split("</section>").next()).expect("words");
    for says in ["a person", "ann", "changes requested", "of revision 0", "say &lt;b&gt;why&lt;/b&gt;", "\\u{202e}"] {
        assert!(words.contains(says), "{says}: {words}");
    }
    yard.end().await;
});

both!(an_issue_of_the_local_forge_is_read_here, async |world| {
    let yard = Yard::with_a_page(world).await;
    let (number, _) = yard.opens_one().await;
    let ann = Visitor::of(&yard.asked, Role::Viewer, "ann").await;
    let of_gap = yard.issue_of_gap().await;
    let link = format!("issues/{of_gap}\">#{of_gap}</a>");
    for page in ["/gaps?state=all", "/gaps/one/mcp-tool%2Flist-recent-deploys"] {
        assert!(ann.page(page).await.contains(&link), "{page} leads to {link}");
    }
    let issue = ann.page(&format!("/issues/{of_gap}")).await;
    assert!(
        issue.contains("nobody could see what was deployed") && issue.contains("mcp-tool/list-recent-deploys"),
        "{issue}"
    );
    assert!(issue.contains("claude"), "its labels: {issue}");
    let pull = ann.page(&format!("/issues/{number}")).await;
    assert!(pull.contains("feat: list what was deployed") && pull.contains("its page"), "{pull}");

    let comments: Vec<_> = (0..25).map(|n| format!("<script>alert({n})</script>")).collect();
    let odd = yard.opens_issue(("<img src=x onerror=alert(1)>", &"<p>\u{202e}".repeat(6_000)), &comments).await;
    let odd = ann.page(&format!("/issues/{odd}")).await;
    for inline in ["<script>alert", "<img src=x", "<p>\u{202e}"] {
        assert!(!odd.contains(inline), "{inline} is text");
    }
    assert!(odd.contains("alert(24)") && !odd.contains("alert(4)"), "the latest are shown");
    assert!(odd.contains("5 left out") && odd.contains("It goes on for"), "what is not shown is told");
    assert!(odd.contains("&lt;img src=x onerror=alert(1)&gt;"), "{odd}");
    for (path, status) in [
        ("/issues/9999", StatusCode::NOT_FOUND),
        ("/issues/x", StatusCode::BAD_REQUEST),
        ("/issues/-1", StatusCode::NOT_FOUND),
        ("/issues/99999999999999999999", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(ann.get(path).await.status, status, "{path}");
    }
    yard.end().await;
});

both!(where_the_forge_is_elsewhere_its_issues_are_not_here, async |world| {
    let yard = Yard::new(world).await;
    let ann = Visitor::of(&yard.asked, Role::Viewer, "ann").await;
    let answer = ann.get("/issues/1").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("are not here"), "{}", answer.text);
    yard.end().await;
});

both!(what_gave_up_is_tried_again_and_what_cannot_be_says_why, async |world| {
    let yard = Yard::new(world).await;
    let ann = Visitor::of(&yard.asked, Role::Operator, "ann").await;
    let by = call(Role::Operator, "ops", "exam");
    let queued = yard.plane.notify(&by, "lost", Level::Error, None).await.expect("a message").id;
    let unlost = ann.act("requeue-message", &[("message", &queued)], &[]).await;
    assert_eq!(unlost.status, StatusCode::NOT_FOUND, "it was never given up: {}", unlost.text);
    for (act, about, said) in [
        ("release-write", ("write", "01M8HNVJW35JR43428FKYWD3TX"), ("made", "yes")),
        ("release-start", ("start", "01M8HNVJW35JR43428FKYWD3TX"), ("made", "no")),
        ("arm-gate", ("stratum", "none"), ("owner", "ann")),
        ("disarm-gate", ("stratum", "none"), ("owner", "ann")),
        ("trigger-scheduled", ("name", "none"), ("x", "y")),
    ] {
        let refused = ann.act(act, &[about], &[said, ("reason", WHY)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{act}: {}", refused.text);
        assert!(refused.text.contains("Request "), "{act}: {}", refused.text);
    }
    let neither = ann.act("release-write", &[("write", "01M8HNVJW35JR43428FKYWD3TX")], &[("made", "perhaps")]).await;
    assert!(neither.text.contains("is neither yes nor no"), "{}", neither.text);
    yard.end().await;
});
