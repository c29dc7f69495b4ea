//! What the operator is told: of each thing once, in its way, and once a day of everything; and the link by which a question
//! is answered.

use domain::budget::{Amount, Caps};
use domain::pull::{MergeVerdict, Stage, State, Verdict};
use domain::refusal::Code;
use domain::time::Span;
use harness::Discord;

use super::ground::{GAP, Ground, usual};
use super::pulls;
use crate::given::refused;

/// The texts that wait for the operator, in order.
async fn told(ground: &Ground<'_>) -> Vec<String> {
    let mut tx = ground.given.world.store().read().await.expect("a look");
    let rows: Vec<(String,)> = tx.all("SELECT text FROM outbox ORDER BY id", &[]).await.expect("messages");
    rows.into_iter().map(|(text,)| text).collect()
}

async fn count(ground: &Ground<'_>, part: &str) -> usize {
    told(ground).await.iter().filter(|text| text.contains(part)).count()
}

pulls!(each_approval_is_told_once_and_one_after_another_round_is_another, async |ground| {
    ground.approved().await;
    for _ in 0..3 {
        ground.poll().await;
    }
    assert_eq!(count(ground, "was approved and is to be merged").await, 1, "looks tell nothing twice");
    ground.request_changes("ann").await;
    ground.poll().await;
    ground.draft("more").await;
    ground.review(Verdict::Approve, None).await;
    ground.judge(MergeVerdict::ApproveForHuman).await;
    assert_eq!(count(ground, "was approved and is to be merged").await, 2, "it stands so anew");
});

pulls!(a_cap_is_told, async |ground| {
    ground.caps = Caps { iterations: 0, ..Caps::default() };
    ground.restart().await;
    ground.opened().await;
    ground.review(Verdict::RequestChanges, Some("one")).await;
    assert_eq!(ground.state().await, State::Capped);
    assert_eq!(count(ground, "was revised as often as it may be").await, 1);
});

pulls!(a_budget_that_is_spent_is_told_of_a_pull_request_and_of_a_day, async |ground| {
    let amount = |tokens| Amount { tokens, micro_usd: tokens };
    ground.caps = Caps {
        run: Stage::ALL.map(|stage| (stage, amount(10))),
        pull: amount(500),
        day: amount(15),
        ..Caps::default()
    };
    ground.restart().await;
    ground.taken_up(GAP).await;
    ground.plan().await;
    for _ in 0..3 {
        assert!(ground.try_take(&usual(Stage::Implementer), Stage::Implementer).await.is_none());
        ground.given.pass(Span::mins(6));
    }
    assert_eq!(count(ground, "too little of today's budget is left").await, 1, "{:?}", told(ground).await);
    ground.given.pass(Span::days(1));
    ground.caps.pull = amount(15);
    ground.restart().await;
    assert!(ground.try_take(&usual(Stage::Implementer), Stage::Implementer).await.is_none());
    assert_eq!(ground.state().await, State::RequiresHuman);
    assert_eq!(count(ground, "too little of the pull request's budget is left").await, 1);
    // A person who lets it go on grants as much once more.
    let by = super::ground::olga();
    let id = ground.pull_of(GAP).await.id;
    ground.given.plane.resume_pull(&by, &id, "it is worth as much again").await.expect("resumed");
    assert!(ground.try_take(&usual(Stage::Planner), Stage::Planner).await.is_some());
});

pulls!(a_question_is_sent_with_a_link_that_answers_it_once_and_tells_nothing_by_itself, async |ground| {
    let discord = Discord::start().await;
    let channel = discord.channel("ops");
    ground
        .restart_with(|settings| {
            (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
            settings.public_url = Some("https://gapwright.example.com".into());
        })
        .await;
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let plane = &ground.given.plane;
    let options = vec!["the API".to_owned(), "the command line".to_owned()];
    let asked = plane.ask_operator(&taken.by, &taken.claim, "Which of both?", options).await.expect("asked");
    plane.deliver().await.expect("delivered");
    let text = discord.taken().into_iter().find(|text| text.contains("Which of both?")).expect("it was sent");
    let start = format!("https://gapwright.example.com/decisions/{}#", asked.id);
    let key = text.split_once(&start).expect("a link").1.split(' ').next().expect("a key").to_owned();
    assert_eq!(key.len(), 32, "{text}");
    for (id, wrong) in [(asked.id.as_str(), ""), (&asked.id, "0000"), ("no-such-question", key.as_str())] {
        assert_eq!(refused(plane.find_decision_by_link(id, wrong).await).code, Code::NotFound);
        assert_eq!(refused(plane.answer_by_link(id, wrong, 1, "r".into()).await).code, Code::NotFound);
    }
    assert_eq!(plane.find_decision_by_link(&asked.id, &key).await.expect("open"), asked);
    let answered = plane.answer_by_link(&asked.id, &key, 2, "r".into()).await.expect("answered");
    assert_eq!(answered.chosen(), Some("the command line"));
    assert_eq!(refused(plane.answer_by_link(&asked.id, &key, 1, "r".into()).await).code, Code::WrongState);
    let rows = crate::given::journal(plane).await;
    let row = rows.iter().find(|row| row.object == format!("decision:{}", asked.id) && row.principal == "link");
    assert!(row.is_some(), "whoever had it");
    assert!(rows.iter().all(|row| !format!("{row:?}").contains(&key)), "the key is in no audit row");
    let again = ground.take(Stage::Planner).await;
    assert_eq!(ground.work(&again).await.decisions, [answered]);
});

pulls!(a_log_is_sent_no_link, async |ground| {
    ground.restart_with(|settings| settings.public_url = Some("https://gapwright.example.com".into())).await;
    ground.taken_up(GAP).await;
    let taken = ground.take(Stage::Planner).await;
    let options = vec!["yes".to_owned(), "no".to_owned()];
    ground.given.plane.ask_operator(&taken.by, &taken.claim, "Shall I?", options).await.expect("asked");
    let told = told(ground).await;
    let asked = told.iter().find(|text| text.contains("Shall I?")).expect("told");
    assert!(!asked.contains("/decisions/") && asked.contains("gapwright decisions answer"), "{asked}");
});

pulls!(once_a_day_everything_is_told_in_four_lines, async |ground| {
    ground
        .restart_with(|settings| settings.schedule = [("daily-digest".to_owned(), "every 24h".to_owned())].into())
        .await;
    ground.given.plane.sync_schedule().await.expect("a schedule");
    crate::scheduled::ring(&ground.given.plane).await;
    ground.approved().await;
    ground.taken_up("read-logs").await;
    ground.given.pass(Span::hours(30));
    let scope = domain::switch::Scope::parse("kind:reviewer").expect("a scope");
    ground.given.plane.turn_off(&super::ground::olga(), scope, "it is too lenient").await.expect("off");
    crate::scheduled::ring(&ground.given.plane).await;
    crate::scheduled::ring(&ground.given.plane).await;
    let digests: Vec<_> = told(ground).await.into_iter().filter(|text| text.starts_with("Since ")).collect();
    assert_eq!(digests.len(), 2, "one for each time that it is due: {digests:?}");
    assert!(
        digests[0].contains("0 pull requests begun") && digests[0].ends_with("Trouble: nothing."),
        "{}",
        digests[0]
    );
    for part in [
        "2 pull requests begun, 0 merged, 0 closed; 2 gaps met, 0 proven.",
        "Waits for you: to decide: ann/website#",
        "needs human since",
        "Trouble: no agent takes: planner:mcp-tool/read-logs:1.1; switched off: kind:reviewer",
    ] {
        assert!(digests[1].contains(part), "{part:?} is not in {}", digests[1]);
    }
});

pulls!(what_an_agent_s_turn_waits_for_is_shown, async |ground| {
    let waits = async |ground: &Ground<'_>| {
        let id = ground.pull_of(GAP).await.id;
        ground.given.plane.show_pull(&super::ground::olga(), &id).await.expect("shown").waits.unwrap_or_default()
    };
    ground.taken_up(GAP).await;
    assert!(waits(ground).await.starts_with("a planner, since "));
    let scope = domain::switch::Scope::Kind("planner".to_owned());
    let plane = &ground.given.plane;
    plane.turn_off(&super::ground::olga(), scope.clone(), "it is too dear").await.expect("off");
    assert!(waits(ground).await.contains("it is too dear"), "{}", waits(ground).await);
    plane.turn_on(&super::ground::olga(), scope).await.expect("on");
    let taken = ground.take(Stage::Planner).await;
    assert!(waits(ground).await.contains("who has it until"), "{}", waits(ground).await);
    let asked = plane.ask_operator(&taken.by, &taken.claim, "Which?", vec!["one".into(), "two".into()]).await;
    let asked = asked.expect("asked");
    assert!(waits(ground).await.starts_with(&format!("an answer to the question {}", asked.id)));
    plane.answer_decision(&super::ground::olga(), &asked.id, 1).await.expect("answered");
    ground.caps = Caps { day: Amount::ZERO, ..Caps::default() };
    ground.restart().await;
    assert!(waits(ground).await.contains("too little of today's budget"), "{}", waits(ground).await);
    ground.caps = Caps::default();
    ground.restart().await;
    ground.plan().await;
    ground.draft("one").await;
    ground.watch().await;
    ground.bots_approve().await;
    assert_eq!(waits(ground).await, "", "it is a person's turn");
});

pulls!(a_turn_that_is_put_off_again_and_again_is_told_once, async |ground| {
    ground.taken_up(GAP).await;
    for round in 1..=14 {
        let taken = ground.take(Stage::Planner).await;
        let plane = &ground.given.plane;
        let done = plane.defer_job(&taken.by, &taken.claim, Span::mins(5), "nobody is logged in").await;
        done.expect("an answer").expect("put off");
        ground.given.pass(Span::mins(6));
        let told = usize::from(round >= 12);
        let text = "its planner was put off 12 times in a row, at last: nobody is logged in";
        assert_eq!(count(ground, text).await, told, "round {round}");
    }
    assert_eq!(ground.state().await, State::Planning, "an outage ends by itself");
});
