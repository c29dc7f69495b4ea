//! Shapes of payloads: proposed once three agree, held to once a person accepts.

use domain::job::{Payload, Register};
use domain::refusal::Code;
use harness::{World, both};
use plane::job::Upsert;
use plane::kind::Verdict;
use plane::page::Ask;
use serde_json::{Value, json};

use crate::given::{ann, code, due, operator, refused, register};

fn with(name: &str, payload: &Value) -> Register {
    Register { payload: Some(Payload::new(payload).expect("a payload")), ..due(name) }
}

async fn sweep(world: &World) {
    world.plane.sweep().await.expect("a sweep");
}

both!(a_shape_is_proposed_once_three_payloads_agree, async |world| {
    for n in 0..2 {
        register(&world.plane, with(&format!("j{n}"), &json!({"pull": n, "repo": "a/b"}))).await;
    }
    sweep(world).await;
    assert_eq!(world.plane.list_kinds(&ann(), &Ask::default()).await.expect("a list").items, []);
    register(&world.plane, with("j2", &json!({"pull": 2, "repo": "a/b", "hint": "x"}))).await;
    sweep(world).await;
    let row = world.plane.show_kind(&ann(), "digest").await.expect("a shape");
    assert_eq!((row.state.as_str(), row.examples), ("proposed", 3));
    let schema = row.shape().expect("a shape").schema();
    assert_eq!(schema["required"], json!(["pull", "repo"]));
    assert_eq!(schema["properties"]["pull"], json!({"type": "integer"}));
    let odd = with("odd", &json!({"pull": "not a number"}));
    world.plane.register_job(&ann(), odd, Upsert::Never).await.expect("a proposal binds nobody");
});

both!(an_accepted_shape_is_held_to_and_a_person_may_take_it_back, async |world| {
    for n in 0..3 {
        register(&world.plane, with(&format!("j{n}"), &json!({"pull": n}))).await;
    }
    sweep(world).await;
    assert!(world.plane.judge_kind(&operator(), "digest", Verdict::Accept).await.expect("accepted"));
    assert!(!world.plane.judge_kind(&operator(), "digest", Verdict::Accept).await.expect("accepted before"));
    let odd = || with("odd", &json!({"pull": "x"}));
    let refusal = refused(world.plane.register_job(&ann(), odd(), Upsert::Never).await);
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidArgument, Some("payload.pull")));
    assert_eq!(code(world.plane.register_job(&ann(), due("none"), Upsert::Never).await), Code::InvalidArgument);
    let other = Register { kind: "audit".into(), ..with("other", &json!({"x": 1})) };
    register(&world.plane, other).await;
    assert!(world.plane.judge_kind(&operator(), "digest", Verdict::Refuse).await.expect("refused"));
    register(&world.plane, odd()).await;
    sweep(world).await;
    assert_eq!(
        world.plane.show_kind(&ann(), "digest").await.expect("a shape").state,
        "refused",
        "a person's word stands"
    );
});
