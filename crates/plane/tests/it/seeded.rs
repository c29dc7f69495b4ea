//! Bugs on purpose, each of which a case must catch: the case is held once more in a process of its own in which the bug
//! is awake, and must fail there, and by what it asserts. That it passes while the bug sleeps is what it says by itself,
//! for every case named here is one of this suite.

use std::process::{Command, Stdio};

/// Holds a case in a process in which this bug is awake; gives whether it passed, and what was said.
fn held(case: &str, bug: &str, postgres: Option<&str>) -> (bool, String) {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["--exact", case, "--nocapture", "--test-threads=1"]).env("RUST_BACKTRACE", "0");
    program.env("GAPWRIGHT_SEEDED_BUG", bug).env_remove("NEXTEST_RUN_ID");
    program.envs(postgres.map(|url| ("GAPWRIGHT_TEST_POSTGRES", url)));
    let output = program.stdin(Stdio::null()).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("running 1 test"), "there is no case {case}: {said}");
    (output.status.success(), said)
}

/// The case does not hold while the bug is awake.
async fn caught(on: harness::On, bug: &'static str, case: &str, words: &'static str) {
    let (engine, database) = match on {
        harness::On::Postgres => ("postgres", Some(harness::postgres::database().await)),
        harness::On::Memory | harness::On::Sqlite => ("sqlite", None),
    };
    let (case, url) = (format!("{case}::{engine}"), database.as_ref().map(|database| database.url.clone()));
    let ran = tokio::task::spawn_blocking(move || {
        let (passed, said) = held(&case, bug, url.as_deref());
        assert!(!passed, "{bug} is not caught by {case}");
        assert!(said.contains("panicked at") && said.contains(words), "{case} fails by something else: {said}");
    });
    ran.await.expect("it was held");
    if let Some(database) = database {
        database.discard().await;
    }
}

/// Each bug, the case that catches it, and words of the assertion by which it does: by another it would be luck.
mod seeded_bugs_are_caught {
    use super::caught;

    macro_rules! bugs {
        ($($name:ident: $bug:literal by $case:literal saying $words:literal;)*) => {
            $(mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    super::caught(harness::On::Sqlite, $bug, $case, $words).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    super::caught(harness::On::Postgres, $bug, $case, $words).await;
                }
            })*
        };
    }

    bugs! {
        lose_a_sighting: "lose-a-sighting"
            by "gap::a_job_is_no_longer_blocked_once_it_succeeds_without_the_gap" saying "INV-16";
        open_without_writing_down: "open-without-writing-down"
            by "mirror::two_replicas_that_sweep_at_once_open_one_issue" saying "left: 2";
        repeat_on_unknown: "repeat-on-unknown"
            by "mirror_trouble::an_issue_that_was_opened_without_an_answer_is_found_and_not_opened_again"
            saying "how often it is sent";
        believe_a_list_at_once: "believe-a-list-at-once"
            by "mirror_trouble::a_list_that_is_behind_does_not_open_an_issue_twice" saying "left: 2";
        act_at_observe: "act-at-observe"
            by "mirror::at_observe_nothing_leaves_the_house" saying "Arrived";
        follow_a_name: "follow-a-name"
            by "mirror_trouble::a_repository_whose_name_somebody_else_took_is_left_alone"
            saying "nothing is written there";
        trust_an_old_look: "trust-an-old-look"
            by "mirror_trouble::a_look_from_before_the_last_change_tells_nothing" saying "left:";
        overrule_people: "overrule-people"
            by "mirror_people::an_issue_closed_as_not_planned_will_not_be_worked_on_until_it_is_opened_again::github"
            saying "left: \"open\"";
        ignore_hands_off: "ignore-hands-off"
            by "mirror_people::hands_off_means_that_nothing_is_written_and_all_is_taken_in::github"
            saying "the issue of a-gap";
        say_again: "say-again"
            by "mirror_trouble::a_note_whose_arrival_nobody_knows_is_said_once" saying "left: 2";
        prove_by_an_old_run: "prove-by-an-old-run"
            by "gap::only_the_next_success_of_a_blocked_job_after_the_merge_proves_a_gap"
            saying "a run that began before proves nothing";
        store_before_proof: "store-before-proof"
            by "inbox::a_webhook_that_is_not_proven_leaves_no_row" saying "pending";
        attempt_without_a_count: "attempt-without-a-count"
            by "gap_work::a_pickup_is_an_attempt_a_draft_is_in_review_and_what_is_given_back_does_not_count::github"
            saying "left: (";
        one_instance_in_two_stages: "one-instance-in-two-stages"
            by "pulls::whole::one_instance_in_two_stages_is_refused_by_name" saying "the-implementer";
        spend_what_is_not_there: "spend-what-is-not-there"
            by "pulls::limits::a_day_s_budget_stops_new_claims_and_begins_anew_at_midnight" saying "was claimed";
        unknown_is_free: "unknown-is-free"
            by "pulls::limits::a_claim_sets_its_part_aside_and_what_is_not_known_counts_as_spent"
            saying "nobody said what it spent";
        verdict_on_any_head: "verdict-on-any-head"
            by "pulls::whole::a_verdict_on_a_head_that_somebody_left_is_refused" saying "expected a refusal";
        no_blind_pass: "no-blind-pass"
            by "pulls::whole::a_gap_becomes_a_pull_request_that_a_person_merges::local" saying "Final";
        visual_by_word: "visual-by-word"
            by "pulls::people::a_change_that_may_show_is_a_person_s_to_look_at_whatever_the_verdict"
            saying "needs_human";
        labels_are_the_state: "labels-are-the-state"
            by "pulls::people::a_label_that_somebody_changed_is_recorded_and_put_back"
            saying "labels show how it stands";
        one_verdict_for_two: "one-verdict-for-two"
            by "pulls::people::two_pull_requests_with_one_head_are_both_held" saying "SharedHead";
        send_again: "send-again"
            by "pulls::trouble::what_is_said_without_an_answer_is_said_once" saying "said once";
        push_unjudged: "push-unjudged"
            by "pulls::whole::a_change_that_is_not_fit_is_refused_and_pushes_nothing_that_counts"
            saying "expected a refusal";
        work_though_switched_off: "work-though-switched-off"
            by "pulls::limits::nobody_takes_what_is_switched_off" saying "was claimed";
        revise_for_ever: "revise-for-ever"
            by "pulls::whole::three_rounds_and_then_a_person_decides" saying "capped";
        open_pull_again: "open-pull-again"
            by "pulls::trouble::a_pull_request_that_was_opened_without_an_answer_is_found_and_not_opened_again"
            saying "opened once";
        push_unseen: "push-unseen" by "pulls_sim::a_few_hold" saying "a push was missed";
        merge_any_head: "merge-any-head"
            by "evidence::races::a_push_at_any_moment_is_never_merged_with_what_was_approved"
            saying "a head was merged that nobody approved";
        revert_unseen: "revert-unseen"
            by "evidence::outcomes::what_is_taken_back_within_its_soak_is_a_row_of_its_own" saying "left: (1";
        armed_for_ever: "armed-for-ever"
            by "evidence::back::an_operator_has_a_merge_taken_back" saying "its gate stays open";
        no_cap: "no-cap"
            by "evidence::walk::no_more_merge_in_a_day_than_the_cap_lets_by" saying "the day's cap";
        anybody_is_a_person: "anybody-is-a-person"
            by "evidence::outcomes::what_a_bot_or_nobody_known_merged_says_nothing" saying "\"good\"";
        any_clock: "any-clock" by "evidence::shut::a_clock_that_has_jumped_keeps_it_shut" saying "it was merged";
        lag_counts: "lag-counts"
            by "evidence::back::what_merged_by_itself_and_is_gone_from_the_base_closes_its_gate" saying "may lag behind";
        onto_anything: "onto-anything"
            by "evidence::shut::each_thing_that_people_or_the_world_say_keeps_it_shut" saying "green";
        bad_is_lost: "bad-is-lost"
            by "evidence::back::what_was_bad_stays_bad_though_nobody_can_find_it_any_more" saying "stays bad";
        wrong_stays_auto: "wrong-stays-auto"
            by "evidence::back::what_was_bad_stays_bad_though_nobody_can_find_it_any_more" saying "Some(\"auto\")";
        seen_by_any_clock: "seen-by-any-clock"
            by "evidence::outcomes::the_look_that_counts_is_made_though_the_clocks_were_apart_when_it_was_due"
            saying "how old it is";
        red_base_blamed: "red-base-blamed"
            by "evidence::back::what_failed_on_the_base_before_it_as_well_is_told_and_closes_nothing"
            saying "it is not its doing";
        fire_again_though_unknown: "fire-again-though-unknown"
            by "fires::a_start_of_which_nobody_can_tell_is_not_repeated_until_an_operator_says" saying "it may run";
    }
}
