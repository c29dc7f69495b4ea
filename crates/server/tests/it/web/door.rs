//! The door: a person's token lets in, an agent's does not; the cookie is out of a script's reach and ends with its token; a form
//! comes from a page that was shown, on a host that is known.

use domain::agent::Role;
use domain::time::Span;
use harness::{World, both, call};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::StatusCode;

use super::{Visitor, client, read};
use crate::asked::{Asked, options};

both!(a_stranger_is_led_to_the_door_and_back_to_where_they_wanted_to_be, async |world| {
    let asked = Asked::new(world).await;
    let stranger = Visitor::stranger(&asked);
    for path in ["/", "/queue?state=ready", "/jobs/a%2Fb", "/act/trigger-job?job=a", "/audit/export"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.to().contains("sign-in?back="), "{path}: {}", answer.to());
    }
    assert!(stranger.get("/queue?state=ready").await.to().ends_with("back=queue%3Fstate%3Dready"));
    let act = "act/trigger-job?job=a%2Fb&back=jobs%2Fa%252Fb";
    let door = stranger.get(&format!("/{act}")).await;
    let door = stranger.get(&format!("/act/{}", door.to())).await;
    let wanted = door.hidden("back");
    assert_eq!(wanted, act, "the very act, with what it is about: {}", door.text);
    assert_eq!(stranger.get("/live?at=queue").await.status, StatusCode::UNAUTHORIZED);
    let token = asked.token(Role::Operator, "ann").await;
    let inside = stranger.send("/sign-in", &[("token", &token), ("back", "queue?state=ready")]).await;
    assert_eq!((inside.status, inside.to()), (StatusCode::SEE_OTHER, "./queue?state=ready"));
    let to_act = stranger.send("/sign-in", &[("token", &token), ("back", &wanted)]).await;
    assert_eq!(to_act.to(), format!("./{act}"));
    let astray = stranger.send("/sign-in", &[("token", &token), ("back", "//evil.example.com")]).await;
    assert_eq!(astray.to(), "./");
    asked.end().await.expect("a clean end");
});

both!(the_cookie_is_out_of_a_scripts_reach_and_ends_with_its_token_or_when_somebody_signs_out, async |world| {
    let asked = Asked::new(world).await;
    let stranger = Visitor::stranger(&asked);
    let token = asked.token(Role::Operator, "ann").await;
    let inside = stranger.send("/sign-in", &[("token", &token)]).await;
    let cookie = inside.headers["set-cookie"].to_str().expect("a cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=604800"), "{cookie}");
    assert!(!cookie.contains(&token) && !inside.text.contains(&token), "the token is in no cookie and no page");
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    assert!(ann.page("/").await.contains("ann, operator"));

    let form_key = ann.get("/").await.hidden("form_key");
    let foreign = ann.send("/sign-out", &[("form_key", "0")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let out = ann.send("/sign-out", &[("form_key", &form_key)]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.headers["set-cookie"].to_str().expect("a cookie").contains("Max-Age=0"));
    assert_eq!(ann.get("/").await.status, StatusCode::SEE_OTHER, "the cookie opens nothing any more");

    let ben = Visitor::of(&asked, Role::Viewer, "ben").await;
    let (by, all) = (call(Role::Operator, "o", "exam"), plane::page::Ask::default());
    let tokens = asked.plane.list_tokens_in_force(&by, &all).await;
    let of_ben = tokens.expect("tokens").items.into_iter().find(|token| token.principal == "ben").expect("his");
    asked.plane.revoke_token(&by, &of_ben.id).await.expect("revoked");
    assert_eq!(ben.get("/").await.status, StatusCode::SEE_OTHER, "a revoked token ends what it opened");

    let cat = Visitor::of(&asked, Role::Viewer, "cat").await;
    world.hand.advance(Span::days(8));
    assert_eq!(cat.get("/").await.status, StatusCode::SEE_OTHER, "a session ends");
    asked.end().await.expect("a clean end");
});

#[tokio::test(flavor = "multi_thread")]
async fn where_people_come_by_https_the_cookie_is_of_this_host_alone() {
    let world = World::new(harness::On::Memory).await;
    let settings = harness::plane::settings(|settings| settings.public_url = Some("https://ops.example.com".into()));
    let plane = plane::Plane::new(world.store().clone(), settings, StdRng::seed_from_u64(7));
    let asked = Asked::serve(plane, options()).await;
    let stranger = Visitor::stranger(&asked);
    let token = asked.token(Role::Operator, "ann").await;
    let inside = stranger.send("/sign-in", &[("token", &token)]).await;
    let cookie = inside.headers["set-cookie"].to_str().expect("a cookie");
    assert!(cookie.starts_with("__Host-gapwright-") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("; Path=/;") && !cookie.contains("Domain"), "a browser takes no other: {cookie}");
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    assert!(ann.page("/").await.contains("ann, operator"), "it opens the page");
    let plain = ann.cookie.clone().expect("a cookie").replacen("__Host-", "", 1);
    let other = Visitor { cookie: Some(plain), ..ann };
    assert_eq!(other.get("/").await.status, StatusCode::SEE_OTHER, "one that any page of the domain may set does not");
    asked.end().await.expect("a clean end");
}

both!(agents_and_tokens_that_are_none_are_turned_away_with_the_next_step, async |world| {
    let asked = Asked::new(world).await;
    let stranger = Visitor::stranger(&asked);
    for role in Role::ALL.into_iter().filter(|role| !matches!(role, Role::Viewer | Role::Operator)) {
        let token = asked.token(role, "agent").await;
        let answer = stranger.send("/sign-in", &[("token", &token)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
        assert!(answer.text.contains("the page is for people") && answer.text.contains("--role operator"), "{role}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    for token in ["", "x", "gapw_", &"y".repeat(10_000)] {
        let answer = stranger.send("/sign-in", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains("gapwright token create"), "{}", answer.text);
    }
    asked.end().await.expect("a clean end");
});

both!(a_form_is_taken_from_a_page_of_ours_alone_and_on_a_host_of_ours, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    let form_key = ann.get("/").await.hidden("form_key");
    let good = [("form_key", form_key.as_str()), ("once", "0123456789abcdef0123456789abcdef"), ("job", "none")];
    for origin in ["https://evil.example.com", "null", "http://127.0.0.1:1"] {
        let answer = ann.send_from("/act/trigger-job", &good, origin).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
        assert!(answer.text.contains("not sent by a page of this server"), "{origin}: {}", answer.text);
    }
    for form_key in ["", "0", &"0".repeat(64)] {
        let answer = ann.send("/act/trigger-job", &[("form_key", form_key), ("job", "none")]).await;
        assert!(answer.text.contains("not one that was shown to you"), "{}", answer.text);
    }
    let ben = Visitor::of(&asked, Role::Operator, "ben").await;
    let stolen = ben.send("/act/trigger-job", &good).await;
    assert!(stolen.text.contains("not one that was shown to you"), "another's form is not his: {}", stolen.text);
    for path in ["/", "/sign-in"] {
        let request = client().get(format!("{}{path}", asked.url)).header("host", "evil.example.com");
        let answer = read(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("server.allowed_hosts"), "{}", answer.text);
    }
    asked.end().await.expect("a clean end");
});

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_everyone_is_an_operator_and_forms_are_guarded_all_the_same() {
    let world = World::new(harness::On::Memory).await;
    let asked = Asked::serve(world.plane.clone(), server::Options { insecure_no_auth: true, ..options() }).await;
    let anyone = Visitor::stranger(&asked);
    let page = anyone.page("/").await;
    assert!(page.contains("No sign-in: everyone here is an operator") && !page.contains("Sign out"), "{page}");
    assert_eq!(anyone.get("/sign-in").await.status, StatusCode::SEE_OTHER);
    let answer = anyone.send("/act/switch-off", &[("form_key", "0"), ("scope", "all"), ("reason", "because I say so")]);
    assert!(answer.await.text.contains("not one that was shown to you"));
    let done = anyone.act("switch-off", &[("scope", "all")], &[("reason", "because I say so")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    asked.end().await.expect("a clean end");
}
