-- Decisions given to a whole subtree, and what people say of single pictures.
ALTER TABLE decision ADD COLUMN inherited_from VARCHAR;  -- the synset whose subtree was decided; NULL: this very one
CREATE TABLE picture_decision (            -- append-only; undo and redo of its steps stand in decision
    event_id UUID PRIMARY KEY,             -- version 7: sorts by time, together with those of decision
    step_id UUID NOT NULL,
    root VARCHAR NOT NULL,                 -- name of the root: ids of pictures differ between workspaces
    wnid VARCHAR NOT NULL,
    path VARCHAR NOT NULL,                 -- relative to its root
    kind VARCHAR NOT NULL CHECK (kind IN ('bad', 'several', 'clear')),
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    note VARCHAR                           -- NULL: nothing said
);
-- Every event that is no reversal, of candidates and of pictures, with the step that one undo takes back.
CREATE VIEW review_step AS
    SELECT step_id, event_id, reviewer FROM decision WHERE kind NOT IN ('undo', 'redo')
    UNION ALL
    SELECT step_id, event_id, reviewer FROM picture_decision;
-- The last word on each picture that somebody spoke of.
CREATE VIEW picture_mark AS
    SELECT
        root,
        wnid,
        path,
        arg_max(kind, event_id) AS mark,
        arg_max(reviewer, event_id) AS reviewer,
        arg_max("at", event_id) AS "at",
        arg_max(coalesce(note, ''), event_id) AS note,
        max(event_id) AS event_id
    FROM picture_decision
    WHERE step_id NOT IN (SELECT step_id FROM undone_step)
    GROUP BY root, wnid, path
    HAVING arg_max(kind, event_id) <> 'clear';
CREATE VIEW marked_image AS
    SELECT
        image.image_id, picture_mark.root, image.wnid, image.path, picture_mark.mark, picture_mark.reviewer,
        picture_mark."at", picture_mark.note, picture_mark.event_id
    FROM picture_mark
    JOIN image_root ON image_root.name = picture_mark.root
    JOIN image
      ON image.wnid = picture_mark.wnid AND image.path = picture_mark.path AND image.root_id = image_root.root_id;
-- Pictures that take no part in scores, splits and exports, each with one reason: unreadable ones, and bad ones.
CREATE VIEW unfit_image AS
    SELECT image_id, min(reason) AS reason
    FROM (
        SELECT image_id, kind AS reason
        FROM image_issue
        WHERE kind IN ('undecodable', 'missing_file') AND image_id IS NOT NULL
        UNION ALL
        SELECT image_id, 'marked_bad' AS reason FROM marked_image WHERE mark = 'bad'
    ) AS unfit
    GROUP BY image_id;
-- The last word on each candidate. A word on the very synset counts before one that came from above it; putting it back
-- as undecided sets aside everything before.
CREATE OR REPLACE VIEW decision_state AS
    WITH standing AS (
        SELECT superclass, wnid, kind, reviewer, "at", coalesce(note, '') AS note, event_id, inherited_from
        FROM decision
        WHERE kind IN ('accept', 'reject', 'unsure', 'clear')
          AND step_id NOT IN (SELECT step_id FROM undone_step)
    ),
    latest AS (
        SELECT standing.*
        FROM standing
        LEFT JOIN (
            SELECT superclass, wnid, max(event_id) AS event_id FROM standing WHERE kind = 'clear' GROUP BY superclass, wnid
        ) AS cleared USING (superclass, wnid)
        WHERE standing.kind <> 'clear' AND (cleared.event_id IS NULL OR standing.event_id > cleared.event_id)
    )
    SELECT
        superclass,
        wnid,
        arg_max(kind, weight) AS state,
        arg_max(reviewer, weight) AS reviewer,
        arg_max("at", weight) AS "at",
        arg_max(note, weight) AS note,
        arg_max(event_id, weight) AS event_id,
        nullif(arg_max(coalesce(inherited_from, ''), weight), '') AS inherited_from
    FROM (SELECT latest.*, (inherited_from IS NULL, event_id) AS weight FROM latest) AS weighed
    GROUP BY superclass, wnid;
-- Every candidate with its state: accept, reject, unsure or pending.
CREATE OR REPLACE VIEW candidate_state AS
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
        decision_state.note,
        decision_state.inherited_from
    FROM candidate
    LEFT JOIN decision_state USING (superclass, wnid)
    LEFT JOIN image_count USING (wnid);
