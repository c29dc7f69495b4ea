-- The local home of issues and pull requests: what GitHub keeps for a repository there, for one on this machine.
-- Numbers are shared by issues and pull requests; they and the ids of a repository are counted up and never given twice.

CREATE TABLE local_repository (
    name        TEXT COLLATE "C" PRIMARY KEY,
    id          TEXT   NOT NULL,
    last_number BIGINT NOT NULL,
    last_id     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);

-- What issues and pull requests have in common. A write names the revision that it was decided on.
CREATE TABLE local_issue (
    repository  TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('issue', 'pull')),
    title       TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('open', 'closed', 'merged')),
    reason      TEXT   CHECK (reason IN ('completed', 'not_planned', 'duplicate')),
    author      TEXT COLLATE "C" NOT NULL,
    author_kind TEXT   NOT NULL CHECK (author_kind IN ('us', 'person', 'bot')),
    comments    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (repository, number)
);
CREATE INDEX local_issue_open ON local_issue (repository, kind, number) WHERE state = 'open';
CREATE INDEX local_issue_by_author ON local_issue (repository, kind, author_kind, author, number);

-- What a pull request has besides. While it is open, its head is also in `open_head`, where no two may say the same.
CREATE TABLE local_pull (
    repository   TEXT COLLATE "C" NOT NULL,
    number       BIGINT NOT NULL,
    stage        TEXT   NOT NULL CHECK (stage IN ('draft', 'ready')),
    head_branch  TEXT   NOT NULL,
    head_commit  TEXT   NOT NULL,
    base_branch  TEXT   NOT NULL,
    base_commit  TEXT   NOT NULL,
    open_head    TEXT COLLATE "C",
    merge_commit TEXT,
    PRIMARY KEY (repository, number)
);
CREATE UNIQUE INDEX local_pull_by_open_head ON local_pull (repository, open_head) WHERE open_head IS NOT NULL;

-- Two names that differ in case only are one label: `folded` is the name in small letters.
CREATE TABLE local_label (
    repository  TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    folded      TEXT COLLATE "C" NOT NULL,
    color       TEXT   NOT NULL,
    description TEXT   NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE UNIQUE INDEX local_label_by_name ON local_label (repository, folded);

CREATE TABLE local_labelled (
    repository TEXT COLLATE "C" NOT NULL,
    number     BIGINT NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repository, number, label)
);

CREATE TABLE local_comment (
    repository  TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    author      TEXT   NOT NULL,
    author_kind TEXT   NOT NULL CHECK (author_kind IN ('us', 'person', 'bot')),
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE INDEX local_comment_by_number ON local_comment (repository, number, id);

CREATE TABLE local_review (
    repository  TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    commit_id   TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    author      TEXT   NOT NULL,
    author_kind TEXT   NOT NULL CHECK (author_kind IN ('us', 'person', 'bot')),
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE INDEX local_review_by_number ON local_review (repository, number, id);

CREATE TABLE local_remark (
    repository TEXT COLLATE "C" NOT NULL,
    review     BIGINT NOT NULL,
    place      BIGINT NOT NULL,
    path       TEXT   NOT NULL,
    line       BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    PRIMARY KEY (repository, review, place)
);

CREATE TABLE local_check (
    repository  TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    commit_id   TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('running', 'pass', 'fail', 'neutral')),
    title       TEXT   NOT NULL,
    summary     TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE UNIQUE INDEX local_check_by_commit ON local_check (repository, commit_id, name, external_id);

-- Who did what when. Rows are only ever appended, and stay when what they tell of is deleted.
CREATE TABLE local_event (
    repository TEXT COLLATE "C" NOT NULL,
    id         BIGINT NOT NULL,
    number     BIGINT,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    actor_kind TEXT   NOT NULL CHECK (actor_kind IN ('us', 'person', 'bot')),
    what       TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE INDEX local_event_by_number ON local_event (repository, number, id);
CREATE INDEX local_event_by_time ON local_event (at);
