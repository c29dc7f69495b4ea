-- Gaps: what sightings of one kind and name are about. The key is KIND/NAME.
CREATE TABLE gap (
    key          TEXT COLLATE "C" PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'proven',
                                                  'wontfix', 'requires_human', 'duplicate')),
    duplicate_of TEXT COLLATE "C",
    severity     TEXT   NOT NULL,
    priority     TEXT,
    sightings    BIGINT NOT NULL,
    jobs         BIGINT NOT NULL,
    weight       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    depth        BIGINT NOT NULL,
    top          BIGINT NOT NULL,
    area         TEXT,
    lines        BIGINT,
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    merged_at    BIGINT,
    reopened     BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    -- The rank, negated: lists go up in it.
    place        BIGINT NOT NULL,
    -- How often the row was written: a write repeats the number on which it was decided.
    version      BIGINT NOT NULL,
    -- The claim under which somebody works on it, while it is in progress.
    claim_id     TEXT COLLATE "C",
    -- When its name was compared with all others; none when it has yet to be.
    compared_at  BIGINT,
    -- When what it blocks was last counted anew; none when it has yet to be.
    counted_at   BIGINT
);
CREATE INDEX gap_by_rank ON gap (place, first_at, key);
CREATE INDEX gap_live ON gap (place, first_at, key)
 WHERE state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human');
CREATE INDEX gap_by_name ON gap (name, kind);
CREATE INDEX gap_duplicates ON gap (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX gap_by_claim ON gap (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX gap_uncompared ON gap (first_at) WHERE compared_at IS NULL;
CREATE INDEX gap_counted ON gap ((COALESCE(counted_at, 0)), key);

-- The jobs that a gap was reported to block, each once. It is blocked no more once it succeeded without it.
CREATE TABLE gap_job (
    gap        TEXT COLLATE "C" NOT NULL,
    job        TEXT COLLATE "C" NOT NULL,
    severity   TEXT   NOT NULL,
    sightings  BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    cleared_at BIGINT,
    PRIMARY KEY (gap, job)
);
CREATE INDEX gap_job_by_job ON gap_job (job, gap);

-- The gap that an edge leaves depends on the one that it leads to.
CREATE TABLE gap_edge (
    gap        TEXT COLLATE "C" NOT NULL,
    depends_on TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    -- 1 when somebody said that it must wait; 0 when the other was only met while this one was worked on.
    asked      BIGINT NOT NULL DEFAULT 0,
    -- The duplicate that it was taken over from.
    via        TEXT COLLATE "C",
    PRIMARY KEY (gap, depends_on)
);
CREATE INDEX gap_edge_back ON gap_edge (depends_on, gap);
CREATE INDEX gap_edge_via ON gap_edge (via) WHERE via IS NOT NULL;

-- The edges that a duplicate had of its own, for when it is told apart again.
CREATE TABLE gap_edge_kept (
    duplicate  TEXT COLLATE "C" NOT NULL,
    gap        TEXT COLLATE "C" NOT NULL,
    depends_on TEXT COLLATE "C" NOT NULL,
    asked      BIGINT NOT NULL,
    PRIMARY KEY (duplicate, gap, depends_on)
);
-- The priority that a gap had of its own before a duplicate lifted it.
CREATE TABLE gap_priority_kept (
    gap TEXT COLLATE "C" PRIMARY KEY,
    own TEXT
);

-- Gaps that may be the same, for a person to say.
CREATE TABLE gap_likeness (
    gap     TEXT COLLATE "C" NOT NULL,
    other   TEXT COLLATE "C" NOT NULL,
    score   BIGINT NOT NULL,
    why     TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    verdict TEXT CHECK (verdict IN ('same', 'different')),
    PRIMARY KEY (gap, other)
);
CREATE INDEX gap_likeness_open ON gap_likeness (score DESC, gap, other) WHERE verdict IS NULL;
CREATE INDEX gap_likeness_back ON gap_likeness (other);

-- What became of gaps. Rows are only ever appended.
CREATE TABLE gap_event (
    id    TEXT COLLATE "C" PRIMARY KEY,
    at    BIGINT NOT NULL,
    gap   TEXT COLLATE "C" NOT NULL,
    event TEXT   NOT NULL,
    was   TEXT   NOT NULL,
    now   TEXT   NOT NULL,
    by    TEXT   NOT NULL,
    why   TEXT   NOT NULL
);
CREATE INDEX gap_event_by_gap ON gap_event (gap, at DESC, id);

ALTER TABLE sighting ADD COLUMN area TEXT;
ALTER TABLE sighting ADD COLUMN lines BIGINT;
-- The gap that was worked on when this one was met.
ALTER TABLE sighting ADD COLUMN parent TEXT;
CREATE INDEX sighting_by_gap ON sighting (kind, name, at DESC, id);
CREATE INDEX sighting_named ON sighting (at DESC, id) WHERE name IS NOT NULL;
CREATE INDEX sighting_unreadable ON sighting (at DESC, id) WHERE name IS NULL;

-- The gap that a job works on.
ALTER TABLE job ADD COLUMN gap TEXT;
-- 1 when it left the line because its gap is settled; it comes back when that is opened again.
ALTER TABLE job ADD COLUMN resting BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_by_gap ON job (gap) WHERE gap IS NOT NULL;
CREATE INDEX job_payloads ON job (kind, created_at DESC) WHERE payload IS NOT NULL;

-- Every change of the level of autonomy, with the evidence of that moment. The latest row is the one in force.
CREATE TABLE level (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    was        TEXT   NOT NULL,
    now        TEXT   NOT NULL,
    by         TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    overridden BIGINT NOT NULL,
    evidence   TEXT   NOT NULL
);

-- The shapes of payloads that were proposed, and what a person said of them.
CREATE TABLE kind_shape (
    kind     TEXT COLLATE "C" PRIMARY KEY,
    shape    TEXT   NOT NULL,
    examples BIGINT NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('proposed', 'accepted', 'refused')),
    at       BIGINT NOT NULL,
    by       TEXT   NOT NULL
);

-- The issue of a gap, one for ever, and what both last agreed on.
CREATE TABLE issue (
    gap         TEXT COLLATE "C" PRIMARY KEY,
    repo        TEXT COLLATE "C" NOT NULL,
    -- opening: about to be opened, or nobody knows whether it was; known: it has a number; gone: it was deleted or moved
    -- away; refused: the forge would not open it.
    state       TEXT   NOT NULL CHECK (state IN ('opening', 'known', 'gone', 'refused')),
    number      BIGINT,
    url         TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    stand       TEXT   NOT NULL,
    labels      TEXT   NOT NULL,
    base        TEXT   NOT NULL,
    -- When it was last changed on the forge, as far as was seen: what is older than that is not looked at.
    changed_at  BIGINT NOT NULL,
    comments    BIGINT NOT NULL,
    comments_at BIGINT NOT NULL,
    tried_at    BIGINT NOT NULL,
    absent      BIGINT NOT NULL,
    -- 1 when it is to be looked at before the next poll.
    dirty       BIGINT NOT NULL,
    -- Nobody else works on it until then.
    lease_until BIGINT NOT NULL,
    last_error  TEXT   NOT NULL,
    -- How often in a row the forge refused a write to it, and until when none is tried for that.
    failures    BIGINT NOT NULL,
    rest_until  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX issue_by_number ON issue (repo, number) WHERE number IS NOT NULL;
CREATE INDEX issue_by_repo ON issue (repo, gap);
CREATE INDEX issue_dirty ON issue (lease_until, gap) WHERE dirty = 1;
CREATE INDEX issue_troubled ON issue (repo, gap) WHERE last_error <> '' AND state IN ('known', 'refused');
CREATE INDEX issue_open ON issue (repo) WHERE stand = 'open';

-- What people wrote there, and what we wrote: each once.
CREATE TABLE issue_comment (
    repo       TEXT COLLATE "C" NOT NULL,
    id         BIGINT NOT NULL,
    gap        TEXT COLLATE "C" NOT NULL,
    author     TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (repo, id)
);
CREATE INDEX issue_comment_by_gap ON issue_comment (gap, created_at, id);

-- What is to be said on an issue: written with what implies it, sent once, settled by reading.
CREATE TABLE issue_note (
    id       TEXT COLLATE "C" PRIMARY KEY,
    gap      TEXT COLLATE "C" NOT NULL,
    text     TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dropped')),
    tried_at BIGINT NOT NULL
);
CREATE INDEX issue_note_open ON issue_note (gap, at, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX issue_note_by_gap ON issue_note (gap);

-- A repository as it was last seen.
CREATE TABLE repository (
    name       TEXT COLLATE "C" PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL,
    login      TEXT   NOT NULL,
    -- When the last poll that read everything began.
    polled_at  BIGINT NOT NULL,
    -- When the next one is due; whoever polls moves it first.
    next_at    BIGINT NOT NULL,
    -- Nothing is asked of it until then; rest_said is 1 where the forge asked for that.
    rest_until BIGINT NOT NULL,
    rest_said  BIGINT NOT NULL DEFAULT 0,
    last_error TEXT   NOT NULL,
    -- How often in a row it failed.
    failures   BIGINT NOT NULL,
    -- Its name now, where it moved; nothing is written to it then.
    moved_to   TEXT   NOT NULL,
    -- The files by which another bot acts on our label.
    also       TEXT   NOT NULL
);
CREATE INDEX repository_by_id ON repository (id);

-- The names that our labels have there, by the id that stays when they are renamed.
CREATE TABLE repository_label (
    repo TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    id   TEXT   NOT NULL,
    name TEXT   NOT NULL,
    -- The name in the settings under which it was found: with another one it is looked for anew.
    configured TEXT NOT NULL,
    PRIMARY KEY (repo, role)
);

-- When each replica wrote to the forge in the last hour, or is about to: the pace is that of all of them.
CREATE TABLE lane_turn (
    lane TEXT COLLATE "C" NOT NULL,
    at   BIGINT NOT NULL,
    PRIMARY KEY (lane, at)
);

-- Webhooks as they came, before they were acknowledged.
CREATE TABLE webhook (
    delivery   TEXT COLLATE "C" PRIMARY KEY,
    hash       TEXT COLLATE "C" NOT NULL,
    event      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    repo_id    TEXT   NOT NULL,
    number     BIGINT,
    at         BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('pending', 'done', 'ignored', 'dead')),
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    ended_at   BIGINT,
    last_error TEXT
);
CREATE INDEX webhook_by_hash ON webhook (hash);
CREATE INDEX webhook_pending ON webhook (next_at, delivery) WHERE state = 'pending';
CREATE INDEX webhook_dead ON webhook (ended_at DESC, delivery) WHERE state = 'dead';
CREATE INDEX webhook_ended ON webhook (ended_at) WHERE state <> 'pending';

-- What was reported before there were gaps. What it blocks is counted by the first sweep.
INSERT INTO gap (key, kind, name, state, severity, sightings, jobs, weight, attempts, failures, depth, top, first_at, last_at,
                 reopened, changed_at, place, version)
SELECT kind || '/' || name, kind, name, 'open',
       CASE MAX(CASE severity WHEN 'critical' THEN 2 WHEN 'blocking' THEN 1 ELSE 0 END)
            WHEN 2 THEN 'critical' WHEN 1 THEN 'blocking' ELSE 'minor' END,
       COUNT(*), 0, 0, 0, 0, 0, 1, MIN(at), MAX(at), 0, MIN(at), 0, 0
  FROM sighting WHERE name IS NOT NULL GROUP BY kind, name;
INSERT INTO gap_job (gap, job, severity, sightings, first_at, last_at)
SELECT kind || '/' || name, job,
       CASE MAX(CASE severity WHEN 'critical' THEN 2 WHEN 'blocking' THEN 1 ELSE 0 END)
            WHEN 2 THEN 'critical' WHEN 1 THEN 'blocking' ELSE 'minor' END,
       COUNT(*), MIN(at), MAX(at)
  FROM sighting WHERE name IS NOT NULL AND job IS NOT NULL GROUP BY kind, name, job;
