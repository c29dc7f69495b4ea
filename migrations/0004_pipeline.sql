-- What the pipeline of pull requests needs of the local home: what a review decides, and pull requests found by their head.

ALTER TABLE local_review ADD COLUMN state TEXT NOT NULL DEFAULT 'commented'
    CHECK (state IN ('commented', 'approved', 'changes_requested', 'dismissed'));

CREATE INDEX local_pull_by_head ON local_pull (repository, head_branch, number);
