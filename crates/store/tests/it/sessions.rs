//! People who are signed in: for as long as both they and their token are good, and no longer.

use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use store::Fault;
use store::agent::Token;
use store::session;

use crate::given::{look, write};

fn token(id: &str, until: Time) -> Token {
    Token {
        id: id.into(),
        hash: format!("hash-of-{id}"),
        principal: "ann".into(),
        role: "viewer".into(),
        kinds: "digest".into(),
        created_at: START.0,
        created_by: "olga".into(),
        expires_at: until.0,
        revoked_at: None,
        root: String::new(),
        claim_id: None,
        metered: 0,
    }
}

/// Makes tokens, and signs somebody in by each under an id of its own.
async fn sign_in(world: &World, of: &[(&str, Token, Time)]) {
    write(world, async |tx| {
        for (id, token, until) in of {
            store::agent::add(tx, token).await?;
            session::add(tx, id, &token.id, *until).await?;
        }
        Ok(())
    })
    .await;
}

/// The id of the token by which somebody is signed in.
async fn token_of(world: &World, id: &str) -> Option<String> {
    look(world, async |tx| session::token_of(tx, id).await).await.map(|token| token.id)
}

both!(somebody_is_signed_in_until_their_session_or_their_token_ends, async |world| {
    let (soon, late) = (START + Span::secs(10), START + Span::secs(20));
    sign_in(world, &[("session", token("a", late), soon), ("token", token("b", soon), late)]).await;
    for wait in [Span::ZERO, Span(9_999)] {
        world.hand.set(START + wait);
        assert_eq!(token_of(world, "session").await.as_deref(), Some("a"), "{wait} later");
        assert_eq!(token_of(world, "token").await.as_deref(), Some("b"), "{wait} later");
    }
    world.hand.set(soon);
    assert_eq!(token_of(world, "session").await, None, "the session ends at its moment");
    assert_eq!(token_of(world, "token").await, None, "and so does the token");
});

both!(what_a_session_leads_to_is_the_token_as_it_is_remembered, async |world| {
    let made = token("a", START + Span::days(1));
    sign_in(world, &[("mine", made.clone(), START + Span::hours(1))]).await;
    assert_eq!(look(world, async |tx| session::token_of(tx, "mine").await).await, Some(made));
    for unknown in ["", "a", "MINE", "mine ", "%", "' OR ''='"] {
        assert_eq!(token_of(world, unknown).await, None, "{unknown:?}");
    }
});

both!(a_revoked_token_ends_all_of_its_sessions_at_once_and_no_other, async |world| {
    let until = START + Span::hours(1);
    sign_in(world, &[("a", token("a", until), until), ("b", token("b", until), until)]).await;
    write(world, async |tx| session::add(tx, "a-again", "a", until).await).await;
    assert_eq!(token_of(world, "a-again").await.as_deref(), Some("a"));
    assert!(write(world, async |tx| store::agent::revoke(tx, "a", START).await).await);
    assert_eq!((token_of(world, "a").await, token_of(world, "a-again").await), (None, None));
    assert_eq!(token_of(world, "b").await.as_deref(), Some("b"));
});

both!(a_session_of_a_token_that_is_not_there_leads_nowhere, async |world| {
    let until = START + Span::hours(1);
    write(world, async |tx| session::add(tx, "lost", "nobody", until).await).await;
    assert_eq!(token_of(world, "lost").await, None);
});

both!(somebody_is_signed_out_once_and_alone, async |world| {
    let until = START + Span::hours(1);
    sign_in(world, &[("a", token("a", until), until), ("b", token("b", until), until)]).await;
    for signed_in in [true, false] {
        assert_eq!(write(world, async |tx| session::remove(tx, "a").await).await, signed_in);
        assert_eq!(token_of(world, "a").await, None);
    }
    assert_eq!(token_of(world, "b").await.as_deref(), Some("b"));
});

both!(a_secret_that_is_in_use_is_given_to_nobody_else, async |world| {
    let until = START + Span::hours(1);
    sign_in(world, &[("mine", token("a", until), until)]).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    let twice = session::add(&mut tx, "mine", "b", until).await;
    assert!(matches!(twice, Err(Fault::Taken(_))), "{twice:?}");
    drop(tx);
    assert_eq!(token_of(world, "mine").await.as_deref(), Some("a"));
});

both!(sessions_that_ended_are_forgotten_500_at_a_time_and_those_that_last_are_not, async |world| {
    let then = START + Span::hours(1);
    let good = token("a", START + Span::days(1));
    sign_in(world, &[("at the moment", good, then)]).await;
    write(world, async |tx| {
        for n in 0..503 {
            session::add(tx, &format!("ended-{n:03}"), "a", START + Span(n)).await?;
        }
        Ok(())
    })
    .await;
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(write(world, async |tx| session::forget(tx, then).await).await);
        if forgotten.len() == 1 {
            // The clock stands before all of them ended.
            assert_eq!(token_of(world, "ended-499").await, None, "those that ended first go first");
            assert_eq!(token_of(world, "ended-500").await.as_deref(), Some("a"));
        }
    }
    assert_eq!(forgotten, [500, 3, 0]);
    assert_eq!(token_of(world, "at the moment").await.as_deref(), Some("a"), "it has not ended before that moment");
});
