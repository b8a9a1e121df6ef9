-- Multi-label truth, several sources side by side, and what people confirmed of the proposals.
CREATE TABLE label_source (
    source VARCHAR PRIMARY KEY,        -- the name that the user gave
    kind VARCHAR NOT NULL CHECK (kind IN ('real', 'imagenetv2', 'csv')),
    path VARCHAR NOT NULL,             -- absolute path of the file it came from
    sha256 VARCHAR NOT NULL,
    files BIGINT NOT NULL,             -- entries of the file
    matched BIGINT NOT NULL,           -- entries that name exactly one picture of this workspace
    imported_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE label_image (             -- pictures that a source speaks of, those without a valid label too
    source VARCHAR NOT NULL,
    image_id BIGINT NOT NULL,
    labels INTEGER NOT NULL            -- how many valid labels; 0: none
);
CREATE TABLE label (
    source VARCHAR NOT NULL,
    image_id BIGINT NOT NULL,
    wnid VARCHAR NOT NULL
);
CREATE TABLE label_unmatched (
    source VARCHAR NOT NULL,
    line BIGINT NOT NULL,              -- line or entry of the file, from 1
    file VARCHAR NOT NULL,
    reason VARCHAR NOT NULL
);
CREATE TABLE label_proposal (          -- classes whose score is at least half the best
    image_id BIGINT NOT NULL,
    wnid VARCHAR NOT NULL,
    set_id INTEGER NOT NULL,           -- the embeddings it was made from
    rank INTEGER NOT NULL,             -- 1 is the best
    share DOUBLE NOT NULL              -- score divided by the best score, in (0, 1]
);
CREATE TABLE label_decision (          -- append-only events on single labels of single pictures
    event_id UUID PRIMARY KEY,         -- version 7: sorts by time
    step_id UUID NOT NULL,
    image_id BIGINT NOT NULL,          -- 0 for undo and redo, which name a step
    wnid VARCHAR NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('confirm', 'reject', 'undo', 'redo')),
    target_step_id UUID,
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL
);
CREATE VIEW label_decision_state AS
    SELECT
        image_id,
        wnid,
        arg_max(kind, event_id) AS state,
        arg_max(reviewer, event_id) AS reviewer,
        max(event_id) AS event_id
    FROM label_decision
    WHERE kind IN ('confirm', 'reject')
      AND step_id NOT IN (
          SELECT target_step_id
          FROM label_decision
          WHERE kind IN ('undo', 'redo')
          GROUP BY target_step_id
          HAVING arg_max(kind, event_id) = 'undo'
      )
    GROUP BY image_id, wnid;
