-- Decisions of a named person that settle what reviewers dispute, and what each reviewer says for themselves.
ALTER TABLE decision ADD COLUMN is_adjudication BOOLEAN;  -- NULL and false: a reviewer's own word
-- The state of a candidate, whoever decided on it. An adjudication goes before every other word; else a word on the very
-- synset goes before one that came from above it; else the last word counts. Putting a candidate back as undecided sets
-- aside the words before it, but no adjudication: only an adjudication to that end takes earlier ones back.
CREATE OR REPLACE VIEW decision_state AS
    WITH standing AS (
        SELECT
            superclass, wnid, kind, reviewer, "at", coalesce(note, '') AS note, event_id, inherited_from,
            coalesce(is_adjudication, false) AS is_adjudication
        FROM decision
        WHERE kind IN ('accept', 'reject', 'unsure', 'clear')
          AND step_id NOT IN (SELECT step_id FROM undone_step)
    ),
    latest AS (
        SELECT standing.*
        FROM standing
        LEFT JOIN (
            SELECT superclass, wnid, is_adjudication, max(event_id) AS event_id
            FROM standing
            WHERE kind = 'clear'
            GROUP BY superclass, wnid, is_adjudication
        ) AS cleared USING (superclass, wnid, is_adjudication)
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
        nullif(arg_max(coalesce(inherited_from, ''), weight), '') AS inherited_from,
        arg_max(is_adjudication, weight) AS is_adjudicated
    FROM (
        SELECT latest.*, (is_adjudication, inherited_from IS NULL, event_id) AS weight FROM latest
    ) AS weighed
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
        decision_state.inherited_from,
        coalesce(decision_state.is_adjudicated, false) AS is_adjudicated
    FROM candidate
    LEFT JOIN decision_state USING (superclass, wnid)
    LEFT JOIN image_count USING (wnid);
-- What each reviewer says of a candidate for themselves: adjudications are no opinion of their own.
CREATE VIEW reviewer_word AS
    WITH standing AS (
        SELECT superclass, wnid, reviewer, kind, "at", coalesce(note, '') AS note, event_id, inherited_from
        FROM decision
        WHERE kind IN ('accept', 'reject', 'unsure', 'clear')
          AND NOT coalesce(is_adjudication, false)
          AND step_id NOT IN (SELECT step_id FROM undone_step)
    ),
    latest AS (
        SELECT standing.*
        FROM standing
        LEFT JOIN (
            SELECT superclass, wnid, reviewer, max(event_id) AS event_id
            FROM standing
            WHERE kind = 'clear'
            GROUP BY superclass, wnid, reviewer
        ) AS cleared USING (superclass, wnid, reviewer)
        WHERE standing.kind <> 'clear' AND (cleared.event_id IS NULL OR standing.event_id > cleared.event_id)
    )
    SELECT
        superclass,
        wnid,
        reviewer,
        arg_max(kind, weight) AS kind,
        arg_max("at", weight) AS "at",
        arg_max(note, weight) AS note,
        nullif(arg_max(coalesce(inherited_from, ''), weight), '') AS inherited_from
    FROM (SELECT latest.*, (inherited_from IS NULL, event_id) AS weight FROM latest) AS weighed
    GROUP BY superclass, wnid, reviewer;
