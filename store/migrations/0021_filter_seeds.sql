-- One model may judge with several seeds, and answer in the paper's way as well: filters side by side.
CREATE OR REPLACE VIEW latest_verdict AS
    WITH told AS (
        SELECT
            filter_run_id, kind, model, revision,
            CASE WHEN coalesce(CAST(settings ->> '$.compatible' AS BOOLEAN), FALSE) THEN 'compat' ELSE mode END AS mode,
            CAST(settings ->> '$.seed' AS BIGINT) AS seed  -- NULL where nothing is drawn
        FROM filter_run
    )
    SELECT verdict.*, told.kind, told.mode, told.model, told.revision, told.seed
    FROM verdict
    JOIN told USING (filter_run_id)
    QUALIFY row_number() OVER (
        PARTITION BY told.kind, told.mode, told.model, told.seed, superclass, wnid ORDER BY filter_run_id DESC
    ) = 1;
