//! What there is less of in a house.

use domain::gate::Stratum;
use domain::time::{Span, Time};

use super::{REPOSITORY, Rows, Size, digits, key, one_of, seven, strata};

/// What there is less of.
pub(super) fn small(size: Size, now: Time) -> [Rows; 5] {
    let Time(now) = now;
    let (later, year) = (now + Span::hours(24).0, now + Span::days(365).0);
    [
        rows(
            "lock (key, lock_id, holder, principal, fencing_token, acquired_at, expires_at)",
            size.locks,
            format!(
                "'{REPOSITORY}/branch-' || n, 'lock-' || n, 'worker-' || (n % 50), 'agent-' || (n % 50), n + 1, {now} - n * 1000, {later} + n"
            ),
        ),
        rows(
            "figure (at, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd)",
            1_440,
            format!(
                "({now} / 60000 - n - 1) * 60000, 45000 + n * 37 % 5000, 150 + n % 50, n * 101 % 900000, 900 + n % 100, n * 7 % 20,
                 n % 3, n % 2, (1440 - n) * 20000"
            ),
        ),
        // One in a hundred is in force; the others were made for one claim each.
        rows(
            "token (id, hash, principal, role, kinds, created_at, created_by, expires_at, root, claim_id)",
            size.tokens,
            format!(
                "'t' || {number}, '{hash}', 'agent-' || (n % 50), 'routine', '', {now} - 86400000, 'operator',
                 CASE WHEN n % 100 = 0 THEN {year} ELSE {now} - 3600000 END, '', CASE WHEN n % 100 <> 0 THEN 'run-' || n END",
                number = seven("n"),
                hash = digits(5),
            ),
        ),
        rows(
            "gap_likeness (gap, other, score, why, at)",
            500,
            format!(
                "{}, {}, 70 + n % 30, 'one word more', {now}",
                key(&format!("n * 2 % {}", size.registry.gaps)),
                key(&format!("(n * 2 + 1) % {}", size.registry.gaps))
            ),
        ),
        rows(
            "issue (gap, repo, state, number, url, title, stand, labels, base, changed_at, comments, comments_at, tried_at, absent, dirty, \
             lease_until, last_error, failures, rest_until, version)",
            size.registry.gaps / 5,
            format!(
                "{}, '{REPOSITORY}', 'known', 100000 + n, 'https://forge.example/{REPOSITORY}/issues/' || (100000 + n), 'a gap', 'open',
                 '[]', '', {now}, 0, 0, {now}, 0, 0, 0, '', 0, 0, 1",
                key("n")
            ),
        ),
    ]
}

/// What was told to people, asked of others, and merged by itself.
pub(super) fn told(now: Time) -> [Rows; 3] {
    let Time(now) = now;
    [
        rows(
            "outbox (id, channel, level, text, created_at, since, state, attempts, barred, next_at, ended_at, last_error)",
            100,
            format!(
                "'message-' || n, 'operators', 'warn', 'something is the matter', {now}, {now}, 'dead', 9, 0, {now}, {now} - n, 'no answer'"
            ),
        ),
        rows(
            "fire (id, routine, job, due_at, fence, state, tries, tried_at, rests_until, session, url, error)",
            200,
            format!(
                "'fire-' || n, 'routine-' || (n % 20), 'nightly-' || {}, {now}, n, 'over', 1, {now} - n * 1000, 0, 'session-' || n,
                 'https://routines.example/' || n, ''",
                seven("n")
            ),
        ),
        rows(
            "automerge (id, pull, repo, onto, head, stratum, record, state, at, bad, why)",
            100,
            format!(
                "'automerge-' || n, 'merged-by-itself-' || n, '{REPOSITORY}', 'main', '{head}', {}, '', 'merged', {now} - n * 3600000, 0, ''",
                one_of("n", &strata().iter().map(Stratum::id).collect::<Vec<_>>()),
                head = digits(6),
            ),
        ),
    ]
}

fn rows(into: &'static str, count: i64, values: String) -> Rows {
    Rows { into, count, values }
}
