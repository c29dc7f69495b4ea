-- One dialect for both engines: TEXT, BIGINT, BOOLEAN. Times are Unix milliseconds, handed in; ids are text.
-- Names and ids are ordered by their bytes, whatever the database's own collation; SQLite does so by itself.

-- Who may ask. The token itself is never stored.
CREATE TABLE token (
    id         TEXT COLLATE "C" PRIMARY KEY,
    hash       TEXT   NOT NULL,
    principal  TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    kinds      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- The last fencing token given on each counter. Keys are spread over the counters; a counter never goes back.
CREATE TABLE fence (
    shard BIGINT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO fence (shard, value)
WITH RECURSIVE shards (shard) AS (SELECT 0 UNION ALL SELECT shard + 1 FROM shards WHERE shard < 63)
SELECT shard, 0 FROM shards;

CREATE TABLE lock (
    key           TEXT COLLATE "C" PRIMARY KEY,
    lock_id       TEXT   NOT NULL,
    holder        TEXT   NOT NULL,
    principal     TEXT   NOT NULL,
    fencing_token BIGINT NOT NULL,
    acquired_at   BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX lock_by_id ON lock (lock_id);
CREATE INDEX lock_by_expiry ON lock (expires_at, key);

-- A routine job: its definition, its place in line and, while somebody works on it, the claim.
CREATE TABLE job (
    name          TEXT COLLATE "C" PRIMARY KEY,
    kind          TEXT   NOT NULL,
    interval_ms   BIGINT,
    payload       TEXT,
    priority      BIGINT NOT NULL,
    max_attempts  BIGINT NOT NULL,
    created_by    TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('idle', 'waiting', 'ready', 'held', 'dead')),
    next_run_at   BIGINT,
    triggered_at  BIGINT,
    attempts      BIGINT NOT NULL,
    fencing_token BIGINT NOT NULL,
    claim_id      TEXT,
    holder        TEXT,
    principal     TEXT,
    claimed_at    BIGINT,
    expires_at    BIGINT,
    progress      TEXT,
    last_run_at   BIGINT,
    last_status   TEXT,
    last_summary  TEXT,
    changed_at    BIGINT NOT NULL
);
CREATE INDEX job_ready ON job (priority DESC, next_run_at, name) WHERE state = 'ready';
CREATE INDEX job_ready_by_kind ON job (kind, priority DESC, next_run_at, name) WHERE state = 'ready';
CREATE INDEX job_waiting ON job (next_run_at) WHERE state = 'waiting';
CREATE INDEX job_waiting_by_kind ON job (kind, next_run_at) WHERE state = 'waiting';
CREATE INDEX job_held ON job (expires_at) WHERE state = 'held';
CREATE INDEX job_held_by_kind ON job (kind, expires_at) WHERE state = 'held';
CREATE UNIQUE INDEX job_by_claim ON job (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX job_dead ON job (last_run_at DESC, name) WHERE state = 'dead';
-- Jobs that are never due come last, on both engines.
CREATE INDEX job_by_due ON job ((COALESCE(next_run_at, 9223372036854775807)), name);
CREATE INDEX job_by_kind ON job (kind, (COALESCE(next_run_at, 9223372036854775807)), name);

-- How each claim ended. Rows are only ever appended.
CREATE TABLE run (
    claim_id      TEXT COLLATE "C" PRIMARY KEY,
    job           TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    attempt       BIGINT NOT NULL,
    fencing_token BIGINT NOT NULL,
    principal     TEXT   NOT NULL,
    holder        TEXT   NOT NULL,
    claimed_at    BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL,
    outcome       TEXT   NOT NULL CHECK (outcome IN ('ok', 'error', 'deferred', 'lost')),
    status        TEXT   NOT NULL,
    summary       TEXT
);
CREATE INDEX run_by_job ON run (job, ended_at DESC, claim_id);
CREATE INDEX run_by_end ON run (ended_at DESC, claim_id);

-- What agents said they lacked. Rows are only ever appended.
CREATE TABLE sighting (
    id         TEXT COLLATE "C" PRIMARY KEY,
    at         BIGINT  NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C",
    reason     TEXT    NOT NULL,
    job        TEXT,
    claim_id   TEXT,
    depends_on TEXT,
    severity   TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    principal  TEXT    NOT NULL
);
CREATE INDEX sighting_by_name ON sighting (name, at DESC, id);
CREATE INDEX sighting_by_time ON sighting (at DESC, id);

-- Work of our own that rings by a cadence.
CREATE TABLE scheduled_job (
    name        TEXT COLLATE "C" PRIMARY KEY,
    cadence     TEXT   NOT NULL,
    next_run_at BIGINT,
    run_id      TEXT,
    due_at      BIGINT,
    replica     TEXT,
    locked_at   BIGINT,
    expires_at  BIGINT,
    attempt     BIGINT,
    missed      BIGINT,
    last_run_at BIGINT,
    last_status TEXT
);
CREATE TABLE scheduled_run (
    name     TEXT COLLATE "C" NOT NULL,
    due_at   BIGINT NOT NULL,
    run_id   TEXT   NOT NULL,
    replica  TEXT   NOT NULL,
    attempt  BIGINT NOT NULL,
    missed   BIGINT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    status   TEXT   NOT NULL,
    PRIMARY KEY (name, due_at)
);
CREATE INDEX scheduled_run_by_end ON scheduled_run (ended_at);
CREATE INDEX scheduled_run_by_id ON scheduled_run (run_id);
CREATE INDEX scheduled_run_lost ON scheduled_run (ended_at DESC, run_id) WHERE status LIKE 'lost:%';

-- The processes that serve this store, and the scheduled jobs that each rings.
CREATE TABLE replica (
    id         TEXT COLLATE "C" PRIMARY KEY,
    handlers   TEXT   NOT NULL,
    watches    TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- Routines that check in, and how often they are expected to.
CREATE TABLE routine (
    name       TEXT COLLATE "C" PRIMARY KEY,
    every_ms   BIGINT,
    grace_ms   BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    started_at BIGINT,
    ended_at   BIGINT,
    told_at    BIGINT
);

-- What must happen in the world, written with the state that implies it.
CREATE TABLE outbox (
    id         TEXT COLLATE "C" PRIMARY KEY,
    channel    TEXT   NOT NULL,
    level      TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    link       TEXT,
    created_at BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('pending', 'sent', 'dead')),
    attempts   BIGINT NOT NULL,
    barred     BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    ended_at   BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_pending ON outbox (channel, barred, since, id) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (ended_at DESC, id) WHERE state = 'dead';
CREATE INDEX outbox_ended ON outbox (ended_at) WHERE state <> 'pending';

-- The channels on which nothing has arrived since a try failed, and until when each is left in peace.
CREATE TABLE channel_rest (
    channel TEXT COLLATE "C" PRIMARY KEY,
    until   BIGINT NOT NULL,
    tried   TEXT   NOT NULL,
    why     TEXT   NOT NULL
);

-- The first answer to each idempotency key.
CREATE TABLE idempotency (
    principal TEXT COLLATE "C" NOT NULL,
    key       TEXT COLLATE "C" NOT NULL,
    request   TEXT   NOT NULL,
    answer    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_by_time ON idempotency (at);

-- One entry for every write, sealed block by block into a chain of hashes.
CREATE TABLE journal (
    id         TEXT COLLATE "C" PRIMARY KEY,
    at         BIGINT NOT NULL,
    principal  TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    tool       TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    before     TEXT   NOT NULL,
    after      TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    block      BIGINT
);
CREATE INDEX journal_unsealed ON journal (at, id) WHERE block IS NULL;
CREATE INDEX journal_by_block ON journal (block, at, id);
CREATE INDEX journal_by_time ON journal (at DESC, id);
CREATE TABLE journal_block (
    seq       BIGINT PRIMARY KEY,
    previous  TEXT   NOT NULL,
    entries   BIGINT NOT NULL,
    sealed_at BIGINT NOT NULL,
    hash      TEXT   NOT NULL
);
