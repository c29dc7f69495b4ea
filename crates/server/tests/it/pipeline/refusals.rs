//! Each refusal by its name: what agents may not do is refused by the server, whatever a prompt says.

use std::fmt::Write as _;

use domain::agent::{Role, mint_token};
use domain::budget::Amount;
use domain::pull::Stage;
use domain::time::Span;
use harness::both;
use harness::mcp::Client;
use serde_json::{Value, json};
use store::agent::Token;

use super::{FIRST, SECOND, Turn, Yard, change, finding, plan, review};
use crate::asked::{ok, refused};

/// A commit that nobody made.
const NOWHERE: &str = "0123456789012345678901234567890123456789";

/// A claim that nobody holds.
const NOBODY: &str = "01M814JZY8DABVFZ3KRWKC6P20";

/// Why a turn is not given.
async fn not_given(client: &Client, name: &Value) -> String {
    let claim = ok(client, "claim-routine-job", json!({"holder": "w", "ttl_secs": 60, "name": name})).await;
    assert_eq!(claim["claimed"], json!(false), "{claim}");
    claim["reason"].as_str().expect("a reason").to_owned()
}

/// The name of the turn that is due.
async fn due(yard: &Yard<'_>) -> Value {
    let eve = yard.asked.client(Role::Viewer, "eve").await;
    let mut listed = ok(&eve, "list-routine-jobs", json!({"due_only": true})).await;
    let mut jobs = listed["jobs"]
        .as_array_mut()
        .expect("jobs")
        .iter_mut()
        .filter(|job| job["kind"].as_str().and_then(Stage::parse).is_some());
    jobs.next().expect("a turn")["name"].take()
}

both!(a_role_hands_in_only_what_its_stage_is_for_and_takes_only_its_turns, async |world| {
    let yard = Yard::planning(world).await;
    let turn = due(&yard).await;
    let hand_ins: [(Stage, Value); 4] = [
        (Stage::Planner, plan()),
        (Stage::Implementer, change(FIRST)),
        (Stage::Reviewer, review(NOWHERE, "APPROVE", json!([]))),
        (Stage::Merger, json!({"head": NOWHERE, "verdict": "CLOSE", "summary": "no"})),
    ];
    for role in [Role::Viewer, Role::Routine, Role::Planner, Role::Implementer, Role::Reviewer, Role::Merger] {
        let client = yard.asked.client(role, &format!("a-{role}")).await;
        for (stage, arguments) in &hand_ins {
            let mut arguments = arguments.clone();
            arguments["claim_id"] = json!(NOBODY);
            let expected = if role.stage() == Some(*stage) { "stale_claim" } else { "forbidden" };
            assert_eq!(refused(&client, stage.tool(), arguments).await.0, expected, "{role} {stage}");
        }
        for tool in ["show-work", "my-budget", "report-usage", "delegate-claim"] {
            let expected = if role == Role::Viewer { "forbidden" } else { "stale_claim" };
            assert_eq!(refused(&client, tool, json!({"claim_id": NOBODY})).await.0, expected, "{role} {tool}");
        }
        if !matches!(role, Role::Viewer | Role::Planner) {
            assert_eq!(not_given(&client, &turn).await, "forbidden", "{role}");
        }
    }
    assert_eq!(yard.status().await["state"], json!("planning"));
    yard.end().await;
});

both!(a_claim_is_good_for_the_job_that_it_is_of, async |world| {
    let yard = Yard::planning(world).await;
    let olga = yard.asked.client(Role::Operator, "olga").await;
    let claim = json!({"holder": "w", "ttl_secs": 600, "kind": "planner"});
    let turn = Turn { claim: ok(&olga, "claim-routine-job", claim).await, client: olga };
    assert_eq!(turn.is_refused("submit-change", change(FIRST)).await, "wrong_job", "of another stage");
    let ann = yard.asked.client(Role::Planner, "ann").await;
    ok(&ann, "register-routine-job", json!({"name": "j", "kind": "planner"})).await;
    let claim = json!({"holder": "w", "ttl_secs": 600, "name": "j"});
    let own = Turn { claim: ok(&ann, "claim-routine-job", claim).await, client: ann };
    for (tool, arguments) in [("submit-plan", plan()), ("show-work", json!({})), ("my-budget", json!({}))] {
        assert_eq!(own.is_refused(tool, arguments).await, "wrong_job", "{tool}: it is no turn of a pull request");
    }
    let theirs = json!({"claim_id": turn.claim["claim_id"]});
    assert_eq!(refused(&own.client, "show-work", theirs).await.0, "stale_claim", "it is somebody else's");
    assert_eq!(yard.status().await["state"], json!("planning"));
    yard.end().await;
});

both!(a_verdict_is_of_the_commit_at_the_head, async |world| {
    let yard = Yard::planning(world).await;
    yard.planned().await;
    let implementer = yard.turn(Stage::Implementer).await;
    yard.commit("gapwright/by-hand", &[("src/list.rs", "pub fn list() {}\n")]);
    let pushed = json!({"branch": "gapwright/by-hand", "head": NOWHERE, "title": "t", "body": "b"});
    assert_eq!(implementer.is_refused("submit-change", pushed).await, "stale_head");
    implementer.does("submit-change", change(FIRST)).await;
    yard.pass(Span::secs(1)).await;
    let reviewer = yard.turn(Stage::Reviewer).await;
    assert_eq!(reviewer.is_refused("submit-review", review(NOWHERE, "APPROVE", json!([]))).await, "stale_head");
    let head = yard.status().await["head"].as_str().expect("a head").to_owned();
    for _ in 0..2 {
        reviewer.does("submit-review", review(&head, "APPROVE", json!([]))).await;
    }
    let merger = yard.turn(Stage::Merger).await;
    let verdict = json!({"head": NOWHERE, "verdict": "APPROVE_FOR_HUMAN", "summary": "good"});
    assert_eq!(merger.is_refused("submit-merge-verdict", verdict).await, "stale_head");
    assert_eq!(yard.status().await["state"], json!("approved"));
    yard.end().await;
});

both!(one_instance_stands_in_one_stage_by_whatever_name_it_comes, async |world| {
    let yard = Yard::planning(world).await;
    yard.planned().await;
    let (text, root) = yard.granted(Role::Implementer, "implementer-one").await;
    let implementer = Turn::take(Client::new(&yard.asked.url, &text)).await;
    implementer.does("submit-change", change(FIRST)).await;
    yard.pass(Span::secs(1)).await;
    let turn = due(&yard).await;
    let by_principal = yard.asked.client(Role::Reviewer, "implementer-one").await;
    assert_eq!(not_given(&by_principal, &turn).await, "same_instance");
    let other = yard.descended(&root, Role::Reviewer, "somebody-else").await;
    assert_eq!(not_given(&other, &turn).await, "same_instance", "its token comes from the same one");
    let nothing = ok(&other, "claim-routine-job", json!({"holder": "w", "ttl_secs": 60})).await;
    assert_eq!(nothing["reason"], json!("same_instance"), "nor without its name");
    yard.turn(Stage::Reviewer).await;
    yard.end().await;
});

both!(a_review_that_wants_changes_cites_a_line_that_is_there, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let reviewer = yard.turn(Stage::Reviewer).await;
    let loose = json!([{"path": "src/list.rs", "severity": "major", "category": "tests", "text": "none"}]);
    let elsewhere =
        json!([{"path": "src/lib.rs", "line": 1, "severity": "major", "category": "tests", "text": "none"}]);
    for findings in [json!([]), loose, finding(4, "major"), elsewhere] {
        let asks = review(&head, "REQUEST_CHANGES", findings);
        assert_eq!(reviewer.is_refused("submit-review", asks).await, "no_cited_line");
    }
    let sly = review(&head, "APPROVE", finding(2, "critical"));
    assert_eq!(reviewer.is_refused("submit-review", sly).await, "invalid_argument");
    assert_eq!(reviewer.work().await["blind"], json!(true), "nothing was taken in");
    yard.end().await;
});

both!(what_is_over_the_budget_is_not_begun_and_not_taken_in, async |world| {
    let yard = Yard::with(world, |settings| {
        let caps = &mut settings.rules.caps;
        caps.day =
            caps.of_run(Stage::Planner).plus(caps.of_run(Stage::Implementer)).minus(Amount { tokens: 1, micro_usd: 0 });
    });
    let yard = yard.await;
    yard.takes_up(super::GAP, "nobody could see").await;
    yard.planned().await;
    let turn = due(&yard).await;
    let implementer = yard.agent(Stage::Implementer).await;
    assert_eq!(not_given(&implementer, &turn).await, "over_budget", "the day has one token too little");
    yard.pass(Span::days(1)).await;
    let held = Turn::take(implementer).await;
    let mut large =
        "diff --git a/a.rs b/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/a.rs\n@@ -0,0 +1,401 @@\n".to_owned();
    for line in 0..401 {
        writeln!(large, "+// {line}").expect("a text");
    }
    assert_eq!(held.is_refused("submit-change", change(&large)).await, "over_budget");
    let spent = held.does("report-usage", json!({"tokens": 1_999_999})).await;
    assert_eq!(spent["run"]["tokens"], json!(1));
    let spent = held.does("report-usage", json!({"tokens": 5})).await;
    assert_eq!(spent["run"]["tokens"], json!(1), "a total never becomes less");
    for amount in [json!(-1), json!(1_000_000_000_001_i64), json!("many")] {
        assert_eq!(held.is_refused("report-usage", json!({"tokens": amount})).await, "invalid_argument");
    }
    yard.end().await;
});

both!(a_change_that_is_not_fit_is_refused_and_the_turn_goes_on, async |world| {
    let yard = Yard::planning(world).await;
    yard.planned().await;
    let held = yard.turn(Stage::Implementer).await;
    let secret = format!("ghp_{}", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
    let link = "diff --git a/src/l b/src/l\nnew file mode 120000\n--- /dev/null\n+++ b/src/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n";
    let with_secret = FIRST.replace("    later()", &format!("    // {secret}"));
    for unfit in [with_secret.as_str(), link, SECOND, "nonsense"] {
        let told = held.client.call("submit-change", held.with(change(unfit))).await;
        let harness::mcp::Answer::Refused(why) = told else { panic!("{unfit}: {told:?}") };
        assert_eq!(why["code"], json!("unfit_change"), "{unfit}: {why}");
        assert!(!why.to_string().contains(&secret), "a secret is never told");
    }
    let mut told = change(FIRST);
    told["body"] = json!(format!("the key is {secret}"));
    assert_eq!(held.is_refused("submit-change", told).await, "unfit_change");
    let branch = format!("gapwright/mcp-tool.{}-1", super::GAP);
    assert_eq!(yard.tip(&branch), "", "nothing of it is on the forge");
    let head = yard.commit("gapwright/linked", &[("src/l", "link:/etc/passwd")]);
    let pushed = json!({"branch": "gapwright/linked", "head": head, "title": "t", "body": "b"});
    assert_eq!(held.is_refused("submit-change", pushed.clone()).await, "unfit_change", "a branch is read like a patch");
    let mut both = pushed;
    both["patch"] = json!(FIRST);
    assert_eq!(held.is_refused("submit-change", both).await, "invalid_argument");
    // What somebody put there is not overwritten; what an attempt before left and never handed in is replaced.
    yard.commit(&branch, &[("src/old.rs", "// half of it\n")]);
    assert_eq!(held.is_refused("submit-change", change(FIRST)).await, "unfit_change");
    yard.delete(&branch);
    yard.commit_by("an-agent@gapwright.invalid", &branch, &[("src/old.rs", "// half of it\n")]);
    assert_eq!(held.does("submit-change", change(FIRST)).await["state"], json!("opening"));
    yard.pass(Span::secs(1)).await;
    let status = yard.status().await;
    assert_eq!((json!(yard.tip(&branch)), &status["state"]), (status["head"].clone(), &json!("needs_review")));
    yard.end().await;
});

both!(a_branch_that_was_pushed_is_handed_in_too, async |world| {
    let yard = Yard::planning(world).await;
    yard.planned().await;
    let held = yard.turn(Stage::Implementer).await;
    let branch = held.work().await["pull"]["branch"].as_str().expect("a branch").to_owned();
    let head = yard.commit(&branch, &[("src/list.rs", "pub fn list() {}\n")]);
    let pushed = json!({"branch": branch, "head": head, "title": "feat: list", "body": "it lists"});
    held.does("submit-change", pushed).await;
    yard.pass(Span::secs(1)).await;
    let status = yard.status().await;
    assert_eq!((&status["head"], &status["state"]), (&json!(head), &json!("needs_review")));
    yard.end().await;
});

impl Yard<'_> {
    /// A token, and its id.
    async fn granted(&self, role: Role, name: &str) -> (String, String) {
        let text = self.asked.token(role, name).await;
        let id = text.split('_').nth(1).expect("an id").to_owned();
        (text, id)
    }

    /// A client whose token comes from another one, as if that one had been passed on.
    async fn descended(&self, root: &str, role: Role, name: &str) -> Client {
        let now = self.world.hand.now();
        let minted = mint_token(now, (17, 18));
        let token = Token {
            id: minted.id,
            hash: minted.hash,
            principal: name.to_owned(),
            role: role.name().to_owned(),
            kinds: String::new(),
            created_at: now.0,
            created_by: "test".to_owned(),
            expires_at: (now + Span::days(1)).0,
            revoked_at: None,
            root: root.to_owned(),
            claim_id: None,
            metered: 0,
        };
        let mut tx = self.world.store().begin().await.expect("begun");
        store::agent::add(&mut tx, &token).await.expect("added");
        tx.commit().await.expect("committed");
        Client::new(&self.asked.url, &minted.text)
    }
}
