-- People who are signed in to the page. Only a digest of what their cookie holds is kept; what they may do is what their
-- token says at the moment.
CREATE TABLE session (
    id         TEXT COLLATE "C" PRIMARY KEY,
    token      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_expiry ON session (expires_at);

-- How things stood at the end of each slot of time, and what ended in it: what small curves are drawn from.
CREATE TABLE figure (
    at         BIGINT PRIMARY KEY,
    ready      BIGINT NOT NULL,
    held       BIGINT NOT NULL,
    -- How long the oldest job that is due has waited, in milliseconds.
    oldest_ms  BIGINT NOT NULL,
    locks      BIGINT NOT NULL,
    -- Runs that ended in the slot, and those of them that were no success.
    ended      BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    merged     BIGINT NOT NULL,
    micro_usd  BIGINT NOT NULL
);

-- What became of one thing, the latest first.
CREATE INDEX journal_by_object ON journal (object, at DESC, id DESC);

-- What agents could not close, by rank.
CREATE INDEX gap_stranded ON gap (place, first_at, key) WHERE state = 'requires_human';

-- How much was seen of each kind on each day.
CREATE INDEX sighting_by_day ON sighting ((at / 86400000), kind) WHERE name IS NOT NULL;

-- How much speaks for each stratum.
CREATE INDEX outcome_by_stratum_weight ON outcome (stratum, weight);

-- How many stand in each state, and which of them changed last.
CREATE INDEX pull_live_by_state ON pull (state, changed_at DESC, id) WHERE live = 1;

-- What people are to merge so that something is taken back, or to take back by hand.
CREATE INDEX revert_of_people ON revert (at, pull) WHERE state IN ('open', 'dropped');

-- What gave up, the last first.
CREATE INDEX job_given_up ON job ((COALESCE(last_run_at, created_at)) DESC, name DESC) WHERE state = 'dead';

-- What failed at last, and neither gave up nor is due again, the last first.
CREATE INDEX job_failing ON job (last_run_at DESC, name DESC)
    WHERE state IN ('idle', 'waiting') AND SUBSTR(last_status, 1, 2) <> 'ok' AND SUBSTR(last_status, 1, 8) <> 'deferred';
