//! People at the page: who signs in, for how long they are known, and how it ends.

use domain::agent::Role;
use domain::refusal::Code;
use domain::session::LIFE;
use domain::time::Span;
use harness::plane::START;
use harness::{World, both, call};
use plane::agent::Grant;
use plane::session::SignedIn;
use plane::{Call, Plane};
use store::journal::Row;

use crate::given::{claim_id, code, due, journal, operator, refused, register, take, wish};

/// The text and the id of a token of somebody in a role for so long.
async fn token(plane: &Plane, role: Role, life: Span) -> (String, String) {
    let grant = Grant { principal: "ann".into(), role, kinds: Vec::new(), life };
    let (text, token) = plane.create_token(&operator(), grant).await.expect("a token");
    (text, token.id)
}

async fn sign_in(plane: &Plane, token: &str) -> SignedIn {
    plane.sign_in(token, "request".into()).await.expect("signed in")
}

/// Who is known by a secret.
async fn known(plane: &Plane, secret: &str) -> Option<String> {
    plane.signed_in(secret).await.expect("an answer").map(|(by, _)| by.name)
}

/// How many sessions are remembered.
async fn sessions(world: &World) -> i64 {
    let mut tx = world.store().read().await.expect("a look");
    let count: Option<(i64,)> = tx.one("SELECT COUNT(*) FROM session", &[]).await.expect("a count");
    count.expect("a row").0
}

/// The audit of signing in and out, oldest first.
async fn audited(plane: &Plane) -> Vec<Row> {
    let rows = journal(plane).await.into_iter();
    rows.filter(|row| row.object.starts_with("session:")).collect()
}

both!(people_sign_in_and_agents_do_not, async |world| {
    let mut expected = 0;
    for role in Role::ALL {
        let (text, id) = token(&world.plane, role, Span::days(30)).await;
        let answer = world.plane.sign_in(&text, "request".into()).await;
        if matches!(role, Role::Viewer | Role::Operator) {
            expected += 1;
            let signed_in = answer.expect("a person");
            assert_eq!((signed_in.by.role, &signed_in.by.token), (role, &id));
        } else {
            let refusal = refused(answer);
            assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Forbidden, Some("token")), "{role}");
        }
        assert_eq!(sessions(world).await, expected, "{role}");
        assert_eq!(i64::try_from(audited(&world.plane).await.len()), Ok(expected), "{role}");
    }
    assert_eq!(expected, 2);
});

both!(whoever_works_for_one_claim_does_not_sign_in_whatever_the_role, async |world| {
    register(&world.plane, due("j")).await;
    let job = take(&world.plane, &operator(), wish()).await;
    let delegated = world.plane.delegate_claim(&operator(), &claim_id(&job), false).await;
    let (text, token) = delegated.expect("a token for the claim");
    assert_eq!(token.role, "operator");
    assert_eq!(code(world.plane.sign_in(&text, "request".into()).await), Code::Forbidden);
    assert_eq!(sessions(world).await, 0);
});

both!(a_token_that_is_no_good_signs_nobody_in, async |world| {
    let plane = &world.plane;
    let (revoked, id) = token(plane, Role::Operator, Span::days(1)).await;
    plane.revoke_token(&operator(), &id).await.expect("revoked");
    let (expired, _) = token(plane, Role::Viewer, Span::mins(1)).await;
    let (good, _) = token(plane, Role::Viewer, Span::days(1)).await;
    world.hand.advance(Span::mins(1));
    let unknown = domain::agent::mint_token(START, (3, 4)).text;
    let cut = &good[..good.len() - 1];
    for text in [revoked.as_str(), &expired, &unknown, cut, "", "gapw_", "' OR ''='"] {
        let answer = plane.sign_in(text, "request".into()).await;
        assert_eq!(code(answer), Code::Unauthenticated, "{text:?}");
    }
    assert_eq!((sessions(world).await, audited(plane).await.len()), (0, 0));
    assert_eq!(known(plane, &sign_in(plane, &good).await.secret).await.as_deref(), Some("ann"));
});

both!(somebody_is_known_for_a_week_or_until_their_token_ends, async |world| {
    let plane = &world.plane;
    for (life, lasts) in [(Span::days(30), LIFE), (LIFE, LIFE), (Span::hours(5), Span::hours(5))] {
        let began = world.hand.now();
        let (text, id) = token(plane, Role::Viewer, life).await;
        let SignedIn { by, secret, until } = sign_in(plane, &text).await;
        assert_eq!(until, began + lasts);
        world.hand.set(until - Span(1));
        let (known_as, now) = plane.signed_in(&secret).await.expect("an answer").expect("signed in");
        assert_eq!((&known_as, now, &known_as.token), (&by, until - Span(1), &id));
        world.hand.set(until);
        assert_eq!(known(plane, &secret).await, None, "{life}");
    }
});

both!(a_revoked_token_signs_out_at_once_whoever_came_in_by_it, async |world| {
    let (plane, replica) = (&world.plane, world.replica().await);
    let (text, id) = token(plane, Role::Operator, Span::days(9)).await;
    let (other, _) = token(plane, Role::Viewer, Span::days(9)).await;
    let secrets = [sign_in(plane, &text).await.secret, sign_in(&replica, &text).await.secret];
    let stays = sign_in(plane, &other).await.secret;
    for secret in &secrets {
        assert_eq!(known(&replica, secret).await.as_deref(), Some("ann"), "each replica knows them");
    }
    replica.revoke_token(&operator(), &id).await.expect("revoked");
    for secret in &secrets {
        assert_eq!((known(plane, secret).await, known(&replica, secret).await), (None, None));
    }
    assert_eq!(known(plane, &stays).await.as_deref(), Some("ann"), "another token of the same person is good");
});

both!(whoever_signs_out_is_out_everywhere_and_it_is_told_once, async |world| {
    let (plane, replica) = (&world.plane, world.replica().await);
    let (text, id) = token(plane, Role::Viewer, Span::days(9)).await;
    let (gone, stays) = (sign_in(plane, &text).await, sign_in(plane, &text).await);
    for _ in 0..2 {
        replica.sign_out(gone.by.clone(), &gone.secret, "request".into()).await.expect("out");
    }
    assert_eq!((known(plane, &gone.secret).await, known(&replica, &gone.secret).await), (None, None));
    assert_eq!(known(plane, &stays.secret).await.as_deref(), Some("ann"), "the other browser is in");
    let rows = audited(plane).await;
    let told: Vec<_> = rows.iter().map(|row| (row.tool.as_str(), row.object.as_str())).collect();
    let object = format!("session:{id}");
    assert_eq!(told, [("sign-in", object.as_str()), ("sign-in", &object), ("sign-out", &object)]);
    assert!(rows.iter().all(|row| (row.principal.as_str(), row.request_id.as_str()) == ("ann", "request")));
});

both!(a_secret_that_is_not_one_leads_to_nobody_and_signs_nobody_out, async |world| {
    let plane = &world.plane;
    let (text, _) = token(plane, Role::Viewer, Span::days(9)).await;
    let SignedIn { by, secret, .. } = sign_in(plane, &text).await;
    let rows = audited(plane).await.len();
    let id = domain::session::id_of(&secret).expect("one of ours");
    let stranger = domain::session::secret((1, 2));
    for wrong in ["", "x", id.as_str(), &stranger, &secret[1..], &format!("{secret}0"), "' OR ''='"] {
        assert_eq!(known(plane, wrong).await, None, "{wrong:?}");
        plane.sign_out(by.clone(), wrong, "request".into()).await.expect("nothing to do");
    }
    assert_eq!((sessions(world).await, audited(plane).await.len()), (1, rows));
    assert_eq!(known(plane, &secret).await.as_deref(), Some("ann"));
});

both!(a_secret_is_another_each_time_and_kept_nowhere, async |world| {
    let plane = &world.plane;
    let (text, _) = token(plane, Role::Operator, Span::days(9)).await;
    let secrets = [sign_in(plane, &text).await.secret, sign_in(plane, &text).await.secret];
    assert_ne!(secrets[0], secrets[1]);
    let mut tx = world.store().read().await.expect("a look");
    let rows: Vec<(String, String)> = tx.all("SELECT id, token FROM session", &[]).await.expect("rows");
    drop(tx);
    let kept = format!("{rows:?} {:?}", journal(plane).await);
    assert_eq!(rows.len(), 2);
    for secret in secrets {
        assert!(!kept.contains(&secret) && !kept.contains(&text), "{kept}");
    }
});

both!(sessions_that_ended_are_forgotten_and_those_that_last_are_kept, async |world| {
    let schedule = [("retention".to_owned(), "every 1d".to_owned())].into();
    let plane = world.replica_with(|settings| settings.schedule = schedule).await;
    plane.sync_schedule().await.expect("a schedule");
    let (brief, _) = token(&plane, Role::Viewer, Span::hours(1)).await;
    let (long, _) = token(&plane, Role::Viewer, Span::days(30)).await;
    sign_in(&plane, &brief).await;
    let stays = sign_in(&plane, &long).await;
    crate::scheduled::ring(&plane).await;
    assert_eq!(sessions(world).await, 2, "none has ended");
    world.hand.set(stays.until);
    crate::scheduled::ring(&plane).await;
    assert_eq!(sessions(world).await, 1, "one ends just now, and is not forgotten before it has ended");
    world.hand.advance(Span::days(1));
    crate::scheduled::ring(&plane).await;
    assert_eq!(sessions(world).await, 0);
});

both!(the_time_of_the_page_is_the_store_s, async |world| {
    assert_eq!(world.plane.now().await.expect("a moment"), START);
    world.hand.advance(Span::mins(7));
    assert_eq!(world.plane.now().await.expect("a moment"), START + Span::mins(7));
});

both!(the_mark_moves_with_whatever_is_done_and_with_nothing_else, async |world| {
    let newest = async || world.plane.newest().await.expect("an answer");
    assert_eq!(newest().await, None);
    let by: Call = call(Role::Routine, "ann", "exam");
    let mut marks = Vec::new();
    for n in 0..3 {
        world.plane.acquire_lock(&by, &format!("k{n}"), "h", Span::mins(1)).await.expect("a lock");
        marks.push(newest().await.expect("a mark"));
        world.plane.list_locks(&by, None, &plane::page::Ask::default()).await.expect("a list");
        world.hand.advance(Span(1));
        assert_eq!(newest().await.as_ref(), marks.last(), "looking and waiting do nothing");
    }
    assert!(marks.windows(2).all(|pair| pair[0].0 < pair[1].0), "{marks:?}");
});
