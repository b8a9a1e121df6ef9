-- What people decided, as events that are only ever appended. One step is what one undo takes back.
CREATE TABLE decision (
    event_id UUID PRIMARY KEY,         -- version 7: sorts by time
    step_id UUID NOT NULL,             -- events of one action share it
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,             -- '' for undo and redo, which name a step
    kind VARCHAR NOT NULL CHECK (kind IN ('accept', 'reject', 'unsure', 'clear', 'undo', 'redo')),
    target_step_id UUID,               -- the step that undo and redo speak of
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    note VARCHAR                       -- NULL: nothing said
);
-- Steps whose last word is undo.
CREATE VIEW undone_step AS
    SELECT target_step_id AS step_id
    FROM decision
    WHERE kind IN ('undo', 'redo')
    GROUP BY target_step_id
    HAVING arg_max(kind, event_id) = 'undo';
-- The last word on each candidate: one row per superclass and wnid that has one.
CREATE VIEW decision_state AS
    SELECT
        superclass,
        wnid,
        arg_max(kind, event_id) AS state,
        arg_max(reviewer, event_id) AS reviewer,
        arg_max("at", event_id) AS "at",
        arg_max(coalesce(note, ''), event_id) AS note,
        max(event_id) AS event_id
    FROM decision
    WHERE kind IN ('accept', 'reject', 'unsure', 'clear')
      AND step_id NOT IN (SELECT step_id FROM undone_step)
    GROUP BY superclass, wnid
    HAVING arg_max(kind, event_id) <> 'clear';
-- Every candidate with its state: accept, reject, unsure or pending.
CREATE VIEW candidate_state AS
    SELECT
        candidate.superclass,
        candidate.wnid,
        candidate.route,
        candidate.depth,
        candidate.similarity,
        coalesce(image_count.images, 0) AS images,
        coalesce(decision_state.state, 'pending') AS state,
        decision_state.reviewer,
        decision_state.at,
        decision_state.note
    FROM candidate
    LEFT JOIN decision_state USING (superclass, wnid)
    LEFT JOIN image_count USING (wnid);
