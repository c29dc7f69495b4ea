-- Cloud Routines that were started for a job, and what is known of it.
CREATE TABLE fire (
    id          TEXT COLLATE "C" PRIMARY KEY,
    routine     TEXT COLLATE "C" NOT NULL,
    job         TEXT COLLATE "C" NOT NULL,
    due_at      BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('sending', 'started', 'refused', 'unknown', 'over')),
    tries       BIGINT NOT NULL,
    tried_at    BIGINT NOT NULL,
    rests_until BIGINT NOT NULL,
    session     TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    error       TEXT   NOT NULL
);
CREATE UNIQUE INDEX fire_open ON fire (job) WHERE state <> 'over';
CREATE INDEX fire_by_routine ON fire (routine, tried_at);
CREATE INDEX fire_by_time ON fire (tried_at DESC, id DESC);
CREATE INDEX fire_unknown ON fire (tried_at DESC, id DESC) WHERE state = 'unknown';

-- The digest of the key that opens a question by its link; none where no link was sent.
ALTER TABLE decision ADD COLUMN key TEXT;
CREATE INDEX decision_by_pull ON decision (pull, asked_at DESC, id) WHERE pull IS NOT NULL;

-- When the last review that was taken in was handed in: one that was begun before another may be handed in after it.
ALTER TABLE pull ADD COLUMN reviews_at BIGINT NOT NULL DEFAULT 0;

-- 1 where somebody else meters what is spent under a token, which may not say so itself.
ALTER TABLE token ADD COLUMN metered BIGINT NOT NULL DEFAULT 0;

-- What came about since a moment, for the daily digest.
CREATE INDEX pull_live_by_change ON pull (changed_at, id) WHERE live = 1;
CREATE INDEX pull_by_creation ON pull (created_at);
CREATE INDEX pull_event_by_time ON pull_event (at);
CREATE INDEX gap_by_first ON gap (first_at);
CREATE INDEX gap_event_by_time ON gap_event (at);
