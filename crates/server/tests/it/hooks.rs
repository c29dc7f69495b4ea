//! Webhooks as they arrive: proven by their signature before anything is read, written down, and then only a hint.

use domain::agent::Role;
use harness::github::sign;
use harness::{World, both};
use plane::Plane;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::asked::{Asked, options};
use crate::scenarios::{Ground, REPO, SECRET, operator, poll};

/// The largest webhook that is taken, in bytes.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// A ground at a level at which the forge is asked.
async fn open(world: &World) -> Ground {
    let ground = Ground::new(world).await;
    ground.plane.raise_level(&operator(), Some("a trial, nothing more")).await.expect("raised");
    ground
}

/// One delivery.
struct Sent<'a> {
    delivery: &'a str,
    event: &'a str,
    signature: Option<String>,
    body: Vec<u8>,
}

impl<'a> Sent<'a> {
    /// Of an event, signed as the forge signs.
    fn signed(delivery: &'a str, event: &'a str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { delivery, event, signature: Some(sign(SECRET, &body)), body }
    }

    async fn to(self, asked: &Asked) -> (StatusCode, Value) {
        let mut request = reqwest::Client::new()
            .post(format!("{}/hooks/github", asked.url))
            .header("content-type", "application/json")
            .header("x-github-delivery", self.delivery)
            .header("x-github-event", self.event);
        if let Some(signature) = self.signature {
            request = request.header("x-hub-signature-256", signature);
        }
        let answer = request.body(self.body).send().await.expect("an answer");
        let status = answer.status();
        (status, answer.json().await.expect("JSON"))
    }
}

/// The webhooks that were written down: what each is about, and how far it is.
async fn inbox(plane: &Plane) -> Vec<(String, String)> {
    let mut tx = plane.store().read().await.expect("a look");
    tx.all("SELECT event, state FROM webhook ORDER BY event, delivery", &[]).await.expect("the inbox")
}

fn labeled(number: i64) -> Vec<u8> {
    json!({"action": "labeled", "issue": {"number": number}, "repository": {"id": 1}}).to_string().into_bytes()
}

both!(without_a_secret_no_webhook_is_taken, async |world| {
    let asked = Asked::new(world).await;
    let (status, why) = Sent::signed("d-1", "issues", labeled(1)).to(&asked).await;
    assert_eq!((status, &why["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert!(why["hint"].as_str().is_some_and(|hint| hint.contains("forge.webhook_secret_file")), "{why}");
    assert_eq!(inbox(&asked.plane).await, []);
    asked.end().await.expect("a clean end");
    let open = world.replica_with(|settings| {
        let ours = crate::scenarios::nowhere();
        settings.home = Some(plane::mirror::Home { webhook_secret: None, ..ours });
    });
    let asked = Asked::serve(open.await, options()).await;
    assert_eq!(Sent::signed("d-1", "issues", labeled(1)).to(&asked).await.0, StatusCode::NOT_FOUND);
    asked.end().await.expect("a clean end");
});

both!(a_webhook_is_proven_before_anything_of_it_is_read, async |world| {
    let ground = open(world).await;
    let body = labeled(1);
    let old = format!("sha1={}", "0".repeat(40));
    for (signature, what) in [
        (None, "none"),
        (Some(sign("another secret of 32 characters", &body)), "of another secret"),
        (Some(sign(SECRET, b"another body")), "of another body"),
        (Some(old), "of the old kind"),
        (Some("sha256=zz".to_owned()), "not one"),
        (Some(String::new()), "empty"),
    ] {
        let sent = Sent { delivery: "d-1", event: "issues", signature, body: body.clone() };
        let (status, why) = sent.to(&ground.asked).await;
        assert_eq!((status, &why["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")), "{what}");
        assert!(!why.to_string().contains(SECRET), "{what}: {why}");
    }
    // Whatever it is made of, and whatever its headers say: without proof it is only that.
    for (delivery, garbage) in [("", b"\xff\xfe{".to_vec()), ("\u{e9}", b"{\"issue\":".to_vec()), ("d", Vec::new())] {
        let sent = Sent { delivery, event: "", signature: Some(sign("wrong", &garbage)), body: garbage };
        assert_eq!(sent.to(&ground.asked).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(inbox(&ground.plane).await, [], "nothing was left");
    // With proof it is read as far as it can be.
    let garbage = Sent::signed("d-2", "issues", b"{\"issue\":".to_vec());
    assert_eq!(garbage.to(&ground.asked).await.0, StatusCode::ACCEPTED);
    let nameless = Sent::signed("", "issues", labeled(2));
    assert_eq!(nameless.to(&ground.asked).await.0, StatusCode::BAD_REQUEST);
    ground.end().await;
});

both!(a_webhook_that_is_too_large_is_told_so_and_the_largest_is_taken, async |world| {
    let ground = open(world).await;
    let (status, why) = Sent::signed("d-1", "issues", vec![b' '; BYTES_MAX + 1]).to(&ground.asked).await;
    assert_eq!((status, &why["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("invalid_argument")));
    assert_eq!(inbox(&ground.plane).await, []);
    let largest = Sent::signed("d-2", "issues", vec![b' '; BYTES_MAX]);
    assert_eq!(largest.to(&ground.asked).await.0, StatusCode::ACCEPTED);
    ground.end().await;
});

both!(a_webhook_is_written_down_once_whether_its_name_or_its_body_comes_again, async |world| {
    let ground = open(world).await;
    let take = async |sent: Sent<'_>| {
        let (status, told) = sent.to(&ground.asked).await;
        (status.as_u16(), told["received"].as_str().unwrap_or_default().to_owned())
    };
    let says = |status: u16, word: &str| (status, word.to_owned());
    assert_eq!(take(Sent::signed("d-1", "issues", labeled(1))).await, says(202, "queued"));
    assert_eq!(take(Sent::signed("d-1", "issues", labeled(1))).await, says(200, "duplicate"));
    assert_eq!(take(Sent::signed("d-1", "issues", labeled(2))).await, says(200, "duplicate"), "its name came before");
    assert_eq!(take(Sent::signed("d-2", "issues", labeled(1))).await, says(200, "duplicate"), "its body came before");
    assert_eq!(take(Sent::signed("d-3", "push", labeled(3))).await, says(200, "ignored"));
    let (body, other) = (labeled(4), labeled(4));
    let (one, two) =
        tokio::join!(take(Sent::signed("d-4", "issues", body)), take(Sent::signed("d-4", "issues", other)));
    let mut both = [one, two];
    both.sort();
    assert_eq!(both, [says(200, "duplicate"), says(202, "queued")], "two at once");
    let pending = |event: &str, state: &str| (event.to_owned(), state.to_owned());
    assert_eq!(
        inbox(&ground.plane).await,
        [pending("issues", "pending"), pending("issues", "pending"), pending("push", "ignored")]
    );
    ground.end().await;
});

both!(no_bearer_token_is_needed_and_none_stands_in_for_the_signature, async |world| {
    let ground = open(world).await;
    let token = ground.asked.token(Role::Operator, "olga2").await;
    let request = reqwest::Client::new().post(format!("{}/hooks/github", ground.asked.url)).bearer_auth(&token);
    let answer = request.header("x-github-delivery", "d-1").body(labeled(1)).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let read = reqwest::get(format!("{}/hooks/github", ground.asked.url)).await.expect("an answer");
    assert_eq!(read.status(), StatusCode::METHOD_NOT_ALLOWED);
    ground.end().await;
});

both!(at_observe_a_webhook_is_proven_and_written_down_and_nobody_looks, async |world| {
    let ground = Ground::new(world).await;
    let (status, told) = Sent::signed("d-1", "issues", labeled(1)).to(&ground.asked).await;
    assert_eq!((status, &told["received"]), (StatusCode::OK, &json!("ignored")));
    assert_eq!(inbox(&ground.plane).await, [("issues".to_owned(), "ignored".to_owned())]);
    let forged = Sent { delivery: "d-2", event: "issues", signature: None, body: labeled(2) };
    assert_eq!(forged.to(&ground.asked).await.0, StatusCode::UNAUTHORIZED);
    ground.plane.tend_mirror().await.expect("a tick");
    assert_eq!(ground.github.arrived().len(), 0, "nothing is asked of the forge");
    ground.end().await;
});

/// Opens the issue of a gap; gives its number.
async fn issue(world: &World, ground: &Ground) -> i64 {
    let ann = ground.routine("ann").await;
    ann.does("report-gap", json!({"kind": "adr", "name": "name-things", "reason": "it was needed"})).await;
    ground.plane.sweep().await.expect("swept");
    poll(world, ground).await;
    ground.github.hook(&format!("{}/hooks/github", ground.asked.url), SECRET);
    ground.github.issues(REPO)[0].number
}

both!(what_a_person_did_is_known_by_its_webhook_and_what_a_stranger_forged_is_not, async |world| {
    let ground = open(world).await;
    let number = issue(world, &ground).await;
    let mona = ground.github.as_person("mona", REPO);
    mona.label(number, "priority:high");
    mona.comment(number, "soon, please");
    ground.github.duplicate(0);
    ground.github.reverse();
    let answers = ground.github.deliver_all().await;
    assert!(answers.contains(&Some(202)) && answers.contains(&Some(200)), "{answers:?}");
    // Long before anything is read as a whole.
    ground.plane.tend_mirror().await.expect("a tick");
    let ann = ground.routine("ann").await;
    let gap = ann.does("show-gap", json!({"name": "name-things"})).await;
    assert_eq!((&gap["priority"], &gap["comments"][0]["untrusted"]["text"]), (&json!("high"), &json!("soon, please")));
    assert!(inbox(&ground.plane).await.iter().all(|(_, state)| state != "pending"));
    mona.label(number, "wontfix");
    ground.github.rearrange(|waiting| waiting.iter_mut().for_each(|one| one.forged = true));
    let answers = ground.github.deliver_all().await;
    assert!(!answers.is_empty() && answers.iter().all(|answer| *answer == Some(401)), "{answers:?}");
    ground.plane.tend_mirror().await.expect("a tick");
    let gap = ann.does("show-gap", json!({"name": "name-things"})).await;
    assert_eq!(gap["state"], json!("open"), "nobody proved it");
    poll(world, &ground).await;
    let gap = ann.does("show-gap", json!({"name": "name-things"})).await;
    assert_eq!(gap["state"], json!("wontfix"), "and reading finds it all the same");
    ground.end().await;
});
