//! The App: its claim, its tokens, what they may do, its checks, and deliveries that are asked for again.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::time::Span;
use harness::GitHub;
use harness::github::{Access, AppKey, Suspended};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

use super::{Asker, REPO, each};

/// A claim of the App's, from `from` to `to` in seconds from now.
pub(crate) fn claim(github: &GitHub, app: &AppKey, from: i64, to: i64) -> String {
    let der: String = app.private_key.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = KeyPair::from_der(&STANDARD.decode(der).expect("base64")).expect("a key");
    let now = github.now() / 1_000;
    let head = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT"}).to_string());
    let claims = json!({"iat": now + from, "exp": now + to, "iss": app.client_id});
    let said = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), said.as_bytes(), &mut signature).expect("a signature");
    format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A fake with one repository and an App, which asks by a claim.
pub(crate) async fn installed() -> (GitHub, AppKey, Asker) {
    let github = GitHub::start().await;
    github.repo(REPO);
    let app = github.app("gapwright", "octo");
    let asker = Asker::new(&github, &claim(&github, &app, -60, 540));
    (github, app, asker)
}

/// Somebody with a token of the App's installation.
pub(crate) async fn token(github: &GitHub, app: &Asker, body: Value) -> Asker {
    let id = app.get("/repos/octo/hello/installation").await["id"].as_i64().expect("an id");
    let (status, granted) = app.ask("POST", &format!("/app/installations/{id}/access_tokens"), body).await;
    assert_eq!(status, 201, "{granted}");
    Asker::new(github, granted["token"].as_str().expect("a token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_holds_for_ten_minutes_at_most_and_only_with_the_apps_own_key() {
    let (github, app, asker) = installed().await;
    assert_eq!(asker.get("/app").await["slug"], "gapwright");
    assert_eq!(asker.get("/app/installations").await.as_array().unwrap().len(), 1);
    for (from, to) in [(-60, 601), (60, 300), (-600, -1)] {
        let wrong = Asker::new(&github, &claim(&github, &app, from, to));
        assert_eq!(wrong.ask("GET", "/app", Value::Null).await.0, 401, "{from} to {to}");
    }
    let mut forged = claim(&github, &app, -60, 540);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(Asker::new(&github, &forged).ask("GET", "/app", Value::Null).await.0, 401);
    let person = Asker::new(&github, &github.token("mona", Access::Write));
    assert_eq!(person.ask("GET", "/app", Value::Null).await.0, 401);
    github.turn(Span::mins(10));
    assert_eq!(asker.ask("GET", "/app", Value::Null).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_holds_for_an_hour_and_does_what_it_was_given_for() {
    let (github, app, asker) = installed().await;
    github.repo("octo/other");
    let all = token(&github, &asker, Value::Null).await;
    let (status, issue) = all.ask("POST", "/repos/octo/hello/issues", json!({"title": "One"})).await;
    assert_eq!((status, &issue["user"]["login"], &issue["user"]["type"]), (201, &json!(app.login), &json!("Bot")));
    assert_eq!(issue["performed_via_github_app"]["id"], app.id);
    let mine = all.get("/installation/repositories").await;
    assert_eq!(each(&mine["repositories"], "full_name"), ["octo/hello", "octo/other"]);
    assert_eq!(all.ask("GET", "/user", Value::Null).await.0, 403);
    assert_eq!(all.get("/users/gapwright%5Bbot%5D").await["login"], "gapwright[bot]");
    let narrow = json!({"repositories": ["hello"], "permissions": {"issues": "read"}});
    let narrow = token(&github, &asker, narrow).await;
    assert_eq!(narrow.ask("POST", "/repos/octo/hello/issues", json!({"title": "Two"})).await.0, 403);
    assert_eq!(narrow.ask("POST", "/repos/octo/other/issues", json!({"title": "Two"})).await.0, 403);
    let id = asker.get("/repos/octo/hello/installation").await["id"].clone();
    let path = format!("/app/installations/{id}/access_tokens");
    assert_eq!(asker.ask("POST", &path, json!({"permissions": {"issues": "admin"}})).await.0, 422);
    assert_eq!(asker.ask("POST", &path, json!({"repositories": ["unknown"]})).await.0, 422);
    github.turn(Span::mins(59));
    assert_eq!(all.ask("GET", "/repos/octo/hello", Value::Null).await.0, 200);
    github.turn(Span::mins(1));
    assert_eq!(all.ask("GET", "/repos/octo/hello", Value::Null).await.0, 401);
    let asker = Asker::new(&github, &claim(&github, &app, -60, 540));
    let again = token(&github, &asker, Value::Null).await;
    github.suspend_app(Suspended::Yes);
    assert_eq!(again.ask("GET", "/repos/octo/hello", Value::Null).await.0, 403);
    github.suspend_app(Suspended::No);
    github.expire_tokens();
    assert_eq!(again.ask("GET", "/repos/octo/hello", Value::Null).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_app_puts_checks_and_the_newest_of_a_name_is_told() {
    let (github, _, asker) = installed().await;
    let head = github.head(REPO, "main").unwrap();
    let check = |title: &str| {
        json!({
            "name": "review", "head_sha": head, "status": "completed", "conclusion": "success", "external_id": title,
            "output": {"title": title, "summary": "fine"},
        })
    };
    let person = Asker::new(&github, &github.token("mona", Access::Write));
    let path = "/repos/octo/hello/check-runs";
    assert_eq!(person.ask("POST", path, check("one")).await.0, 403);
    let app = token(&github, &asker, Value::Null).await;
    assert_eq!(app.ask("POST", path, check("one")).await.0, 201);
    let (_, second) = app.ask("POST", path, check("two")).await;
    let runs = app.get(&format!("/repos/octo/hello/commits/{head}/check-runs")).await;
    assert_eq!((&runs["total_count"], each(&runs["check_runs"], "external_id")), (&json!(1), vec!["two"]));
    let all = app.get("/repos/octo/hello/commits/main/check-runs?filter=all").await;
    assert_eq!(each(&all["check_runs"], "external_id"), ["two", "one"]);
    let patch = json!({"conclusion": "failure"});
    let (status, changed) = app.ask("PATCH", &format!("{path}/{}", second["id"]), patch).await;
    assert_eq!((status, &changed["conclusion"]), (200, &json!("failure")));
    assert_eq!(app.ask("POST", path, json!({"name": "x", "head_sha": "0".repeat(40)})).await.0, 422);
    assert_eq!(github.checks(REPO)[1].conclusion.as_deref(), Some("failure"));
    let status = json!({"state": "pending", "context": "ci"});
    assert_eq!(person.ask("POST", &format!("/repos/octo/hello/statuses/{head}"), status).await.0, 201);
    assert_eq!(person.get("/repos/octo/hello/commits/main/status").await["state"], "pending");
    assert_eq!(each(&person.get("/repos/octo/hello/commits/main/statuses").await, "context"), ["ci"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_delivery_is_found_in_the_list_and_asked_for_again_under_the_same_name() {
    let (github, _, asker) = installed().await;
    github.hook("http://127.0.0.1:1/hooks", "secret");
    github.as_person("mona", REPO).open("One", "", &[]);
    github.lose_all();
    let lost = asker.get("/app/hook/deliveries?per_page=10").await;
    assert_eq!((&lost[0]["event"], &lost[0]["redelivery"]), (&json!("issues"), &json!(false)));
    assert_ne!(lost[0]["status"], "OK");
    let again = format!("/app/hook/deliveries/{}/attempts", lost[0]["id"]);
    assert_eq!(asker.ask("POST", &again, Value::Null).await.0, 202);
    let waiting = github.waiting();
    assert_eq!((json!(waiting[0].guid), waiting[0].redelivery), (lost[0]["guid"].clone(), true));
    assert_eq!(asker.ask("POST", "/app/hook/deliveries/1/attempts", Value::Null).await.0, 404);
}
