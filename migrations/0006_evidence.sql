-- What outcomes are evidence for: repository, kind of gap, area, author, reviewer and policy, as JSON.
CREATE TABLE stratum (
    id       TEXT COLLATE "C" PRIMARY KEY,
    body     TEXT   NOT NULL,
    first_at BIGINT NOT NULL
);

-- What became of pull requests, with the evidence. Rows are only ever appended: a correction is a row of its own, and the
-- last one of a pull request is what holds.
CREATE TABLE outcome (
    id       TEXT COLLATE "C" PRIMARY KEY,
    pull     TEXT COLLATE "C" NOT NULL,
    -- Which of its pull request it is, from 1.
    seq      BIGINT NOT NULL,
    outcome  TEXT   NOT NULL CHECK (outcome IN ('unchanged', 'unchanged_content', 'edited', 'closed', 'reverted', 'unknown')),
    weight   TEXT   NOT NULL CHECK (weight IN ('good', 'bad', 'neither', 'unknown', 'auto')),
    -- Empty where an agent did not say who it is.
    stratum  TEXT COLLATE "C" NOT NULL,
    repo     TEXT COLLATE "C" NOT NULL,
    gap_kind TEXT COLLATE "C" NOT NULL,
    -- When the pull request ended, and when that was written down, by the store's clock.
    ended_at BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    by       TEXT   NOT NULL,
    why      TEXT   NOT NULL,
    evidence TEXT   NOT NULL
);
CREATE UNIQUE INDEX outcome_by_pull ON outcome (pull, seq DESC);
CREATE INDEX outcome_by_stratum ON outcome (stratum, ended_at DESC, id);
CREATE INDEX outcome_by_time ON outcome (ended_at DESC, id);
CREATE INDEX outcome_by_kind ON outcome (gap_kind, outcome);

-- On what the gate judged pull requests, and how. Rows are only ever appended.
CREATE TABLE gate_record (
    id        TEXT COLLATE "C" PRIMARY KEY,
    pull      TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    head      TEXT COLLATE "C" NOT NULL,
    stratum   TEXT COLLATE "C" NOT NULL,
    word      TEXT   NOT NULL CHECK (word IN ('merge', 'person', 'later', 'closed')),
    would     BIGINT NOT NULL,
    record    TEXT   NOT NULL,
    judgement TEXT   NOT NULL
);
CREATE INDEX gate_record_by_pull ON gate_record (pull, at DESC, id);
CREATE INDEX gate_record_would ON gate_record (stratum, pull) WHERE would = 1;

-- What operators allow a stratum. Rows are only ever appended; the last one holds.
CREATE TABLE gate_arm (
    stratum  TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    what     TEXT   NOT NULL CHECK (what IN ('armed', 'disarmed')),
    at       BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    by       TEXT   NOT NULL,
    owner    TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    -- What the gate said at that moment, as JSON.
    evidence TEXT   NOT NULL,
    PRIMARY KEY (stratum, seq)
);

-- What draws are made from.
CREATE TABLE gate_secret (
    place  BIGINT PRIMARY KEY,
    secret TEXT   NOT NULL
);

-- What is merged by itself: written down first, sent once, settled by reading. One at a time into each branch.
CREATE TABLE automerge (
    id       TEXT COLLATE "C" PRIMARY KEY,
    pull     TEXT COLLATE "C" NOT NULL,
    repo     TEXT COLLATE "C" NOT NULL,
    onto     TEXT COLLATE "C" NOT NULL,
    head     TEXT COLLATE "C" NOT NULL,
    stratum  TEXT COLLATE "C" NOT NULL,
    -- The record on which it stands.
    record   TEXT COLLATE "C" NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('sending', 'merged', 'dropped')),
    at       BIGINT NOT NULL,
    -- When it went wrong since; 0 where it did not.
    bad      BIGINT NOT NULL,
    why      TEXT   NOT NULL
);
CREATE UNIQUE INDEX automerge_in_flight ON automerge (repo, onto) WHERE state = 'sending';
CREATE INDEX automerge_by_repo ON automerge (repo, at DESC, id) WHERE state = 'merged';
CREATE INDEX automerge_bad ON automerge (repo, bad) WHERE state = 'merged' AND bad > 0;
CREATE INDEX automerge_by_stratum ON automerge (stratum, at DESC, id) WHERE state = 'merged';
CREATE INDEX automerge_by_pull ON automerge (pull, at DESC, id);

-- What was merged by itself and is to be taken back: by a pull request that a person merges.
CREATE TABLE revert (
    pull     TEXT COLLATE "C" PRIMARY KEY,
    at       BIGINT NOT NULL,
    why      TEXT   NOT NULL,
    branch   TEXT COLLATE "C" NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('waiting', 'sending', 'open', 'dropped')),
    tried_at BIGINT NOT NULL,
    tries    BIGINT NOT NULL,
    number   BIGINT,
    url      TEXT   NOT NULL,
    error    TEXT   NOT NULL
);
CREATE INDEX revert_by_number ON revert (number);
CREATE INDEX revert_open ON revert (at, pull) WHERE state IN ('waiting', 'sending');

-- Shadow reviews of changes of which it is known whether they are right. Rows are only ever appended.
CREATE TABLE trial (
    id        TEXT COLLATE "C" PRIMARY KEY,
    at        BIGINT NOT NULL,
    run       TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    model     TEXT COLLATE "C" NOT NULL,
    prompt    TEXT COLLATE "C" NOT NULL,
    -- Which case of the corpus, and what was made of it.
    subject   TEXT   NOT NULL,
    defect    TEXT   NOT NULL,
    framing   TEXT   NOT NULL,
    repeat    BIGINT NOT NULL,
    approved  BIGINT NOT NULL,
    cited     BIGINT NOT NULL,
    verdict   TEXT   NOT NULL,
    findings  TEXT   NOT NULL
);
CREATE INDEX trial_by_reviewer ON trial (principal, model, prompt, at DESC, id);
CREATE INDEX trial_by_time ON trial (at DESC, id);

-- When what became of it is to be found out, or looked at again for having been taken back; for ever after where nothing more is
-- expected.
ALTER TABLE pull ADD COLUMN settle_at BIGINT NOT NULL DEFAULT 0;
-- When it was last looked at what became of it.
ALTER TABLE pull ADD COLUMN settled_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX pull_to_settle ON pull (repo, settle_at) WHERE state IN ('merged', 'closed', 'wontfix') AND number IS NOT NULL;

-- What reviewers said of first drafts, to be counted.
CREATE INDEX pull_word_first ON pull_word (at DESC, id) WHERE stage = 'reviewer' AND pass = 'final' AND iteration = 0;

-- What reviewers said at last, to be held against what became of it.
CREATE INDEX pull_word_final ON pull_word (at DESC, id) WHERE stage = 'reviewer' AND pass = 'final';
