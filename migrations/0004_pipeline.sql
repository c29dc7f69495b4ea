-- Pull requests of the pipeline, from when a gap is taken up to when people merge or close them.
CREATE TABLE pull (
    id          TEXT COLLATE "C" PRIMARY KEY,
    gap         TEXT COLLATE "C" NOT NULL,
    -- Which one of its gap it is, from 1.
    nth         BIGINT NOT NULL,
    repo        TEXT COLLATE "C" NOT NULL,
    reviewers   TEXT   NOT NULL CHECK (reviewers IN ('bots', 'people')),
    state       TEXT   NOT NULL CHECK (state IN ('planning', 'implementing', 'opening', 'proposed', 'needs_review',
                                                 'changes_requested', 'approved', 'needs_human', 'needs_visual', 'capped',
                                                 'requires_human', 'wontfix', 'closed', 'merged')),
    hold        TEXT CHECK (hold IN ('opted_out', 'not_opted_in', 'shared_head')),
    iteration   BIGINT NOT NULL,
    epoch       BIGINT NOT NULL,
    turn        BIGINT NOT NULL,
    number      BIGINT,
    url         TEXT   NOT NULL,
    labels      TEXT   NOT NULL,
    -- What is to be merged, as JSON, and the commit at its head; empty before it is handed in.
    change      TEXT   NOT NULL,
    head        TEXT COLLATE "C" NOT NULL,
    tokens      BIGINT NOT NULL,
    micro_usd   BIGINT NOT NULL,
    excesses    BIGINT NOT NULL,
    why         TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    -- 1 while anything is still to become of it.
    live        BIGINT NOT NULL,
    -- 1 when its first labels were seen on it; 1 when it was seen closed since it was last open.
    dressed     BIGINT NOT NULL DEFAULT 0,
    shut        BIGINT NOT NULL DEFAULT 0,
    -- How far the events of its labels and the reviews of people were taken in.
    deeds_seen  BIGINT NOT NULL DEFAULT 0,
    reviews_seen BIGINT NOT NULL DEFAULT 0,
    -- When it is to be looked at, at the latest, for ever after where nothing is expected any more; nobody else looks at it
    -- until the lease has ended.
    look_at     BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    looked_at   BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT   NOT NULL DEFAULT '',
    failures    BIGINT NOT NULL DEFAULT 0,
    -- How often the row was written: a write repeats the number on which it was decided.
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX pull_live ON pull (gap) WHERE live = 1;
CREATE UNIQUE INDEX pull_nth ON pull (gap, nth);
CREATE INDEX pull_due ON pull (repo, look_at);
CREATE UNIQUE INDEX pull_by_number ON pull (repo, number) WHERE number IS NOT NULL;
CREATE INDEX pull_by_head ON pull (head) WHERE live = 1;
CREATE INDEX pull_by_state ON pull (state, changed_at DESC, id);
CREATE INDEX pull_by_change ON pull (changed_at DESC, id);

-- What became of pull requests. Rows are only ever appended.
CREATE TABLE pull_event (
    id    TEXT COLLATE "C" PRIMARY KEY,
    at    BIGINT NOT NULL,
    pull  TEXT COLLATE "C" NOT NULL,
    event TEXT   NOT NULL,
    was   TEXT   NOT NULL,
    now   TEXT   NOT NULL,
    by    TEXT   NOT NULL,
    why   TEXT   NOT NULL,
    -- Which of its pull request it is, from 1.
    seq   BIGINT NOT NULL
);
CREATE UNIQUE INDEX pull_event_by_pull ON pull_event (pull, seq DESC);

-- Who stood in which stage. Rows are only ever appended.
CREATE TABLE pull_hand (
    claim_id  TEXT COLLATE "C" PRIMARY KEY,
    pull      TEXT COLLATE "C" NOT NULL,
    stage     TEXT   NOT NULL CHECK (stage IN ('planner', 'implementer', 'reviewer', 'merger')),
    principal TEXT   NOT NULL,
    lineage   TEXT   NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX pull_hand_by_pull ON pull_hand (pull, at, claim_id);

-- What agents handed in: plans, changes, reviews and verdicts, each as JSON. Rows are only ever appended.
CREATE TABLE pull_word (
    id        TEXT COLLATE "C" PRIMARY KEY,
    pull      TEXT COLLATE "C" NOT NULL,
    stage     TEXT   NOT NULL CHECK (stage IN ('planner', 'implementer', 'reviewer', 'merger')),
    -- first: before the reviewer knew what the change is for; final: what counts.
    pass      TEXT   NOT NULL CHECK (pass IN ('first', 'final')),
    claim_id  TEXT COLLATE "C" NOT NULL,
    principal TEXT   NOT NULL,
    lineage   TEXT   NOT NULL,
    model     TEXT   NOT NULL,
    prompt    TEXT   NOT NULL,
    -- The commit that it is about, and the round.
    head      TEXT COLLATE "C" NOT NULL,
    iteration BIGINT NOT NULL,
    epoch     BIGINT NOT NULL,
    verdict   TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    seq       BIGINT NOT NULL
);
CREATE UNIQUE INDEX pull_word_by_pull ON pull_word (pull, seq DESC);
CREATE INDEX pull_word_by_claim ON pull_word (claim_id, seq DESC);

-- What is to be made on the forge once: written down first, sent once, settled by reading.
CREATE TABLE pull_say (
    id       TEXT COLLATE "C" PRIMARY KEY,
    pull     TEXT COLLATE "C" NOT NULL,
    what     TEXT   NOT NULL CHECK (what IN ('open', 'check', 'review', 'comment', 'plan')),
    head     TEXT   NOT NULL,
    body     TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'dropped')),
    tried_at BIGINT NOT NULL,
    tries    BIGINT NOT NULL,
    error    TEXT   NOT NULL,
    seq      BIGINT NOT NULL
);
CREATE UNIQUE INDEX pull_say_by_pull ON pull_say (pull, seq);
CREATE INDEX pull_say_open ON pull_say (pull, seq) WHERE state IN ('waiting', 'sending');
CREATE INDEX pull_say_unknown ON pull_say (at DESC, id) WHERE state = 'unknown';

-- What runs set aside and spent.
CREATE TABLE spend (
    claim_id           TEXT COLLATE "C" PRIMARY KEY,
    job                TEXT   NOT NULL,
    pull               TEXT COLLATE "C" NOT NULL,
    stage              TEXT   NOT NULL CHECK (stage IN ('planner', 'implementer', 'reviewer', 'merger')),
    day                BIGINT NOT NULL,
    reserved_tokens    BIGINT NOT NULL,
    reserved_micro_usd BIGINT NOT NULL,
    tokens             BIGINT,
    micro_usd          BIGINT,
    settled            BIGINT NOT NULL,
    at                 BIGINT NOT NULL
);
CREATE INDEX spend_by_pull ON spend (pull, at, claim_id);
CREATE INDEX spend_by_day ON spend (day, at, claim_id);
-- What is booked on each day, days since 1970 in UTC: held while a run sets its part aside.
CREATE TABLE spend_day (
    day       BIGINT PRIMARY KEY,
    tokens    BIGINT NOT NULL,
    micro_usd BIGINT NOT NULL
);

-- Questions of agents to people.
CREATE TABLE decision (
    id         TEXT COLLATE "C" PRIMARY KEY,
    job        TEXT COLLATE "C" NOT NULL,
    pull       TEXT COLLATE "C",
    principal  TEXT   NOT NULL,
    question   TEXT   NOT NULL,
    options    TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('open', 'answered', 'expired')),
    option     BIGINT,
    by         TEXT,
    at         BIGINT
);
CREATE INDEX decision_open ON decision (expires_at, id) WHERE state = 'open';
CREATE INDEX decision_by_job ON decision (job, asked_at DESC, id);
CREATE INDEX decision_by_time ON decision (asked_at DESC, id);

-- What is switched off.
CREATE TABLE switch (
    scope  TEXT COLLATE "C" PRIMARY KEY,
    by     TEXT   NOT NULL,
    reason TEXT   NOT NULL,
    at     BIGINT NOT NULL
);

-- What people were told of, once per subject and kind.
CREATE TABLE told (
    subject TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (subject, kind)
);

-- The pull request that a job is a turn of.
ALTER TABLE job ADD COLUMN pull TEXT;
CREATE INDEX job_by_pull ON job (pull) WHERE pull IS NOT NULL;

-- The token that an operator made and from which this one comes, and the claim for which alone it is good.
ALTER TABLE token ADD COLUMN root TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN claim_id TEXT;
CREATE INDEX token_by_claim ON token (claim_id) WHERE claim_id IS NOT NULL;
-- What the pipeline of pull requests needs of the local home: what a review decides, and pull requests found by their head.

ALTER TABLE local_review ADD COLUMN state TEXT NOT NULL DEFAULT 'commented'
    CHECK (state IN ('commented', 'approved', 'changes_requested', 'dismissed'));

CREATE INDEX local_pull_by_head ON local_pull (repository, head_branch, number);
