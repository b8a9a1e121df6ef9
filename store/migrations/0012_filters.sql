-- What models said of candidates, which rules are on, and the candidates drawn for an audit.
CREATE TABLE filter_run (
    filter_run_id INTEGER PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('vlm', 'clip')),
    mode VARCHAR NOT NULL CHECK (mode IN ('sheet', 'picture', 'share')),
    model VARCHAR NOT NULL,            -- as the user wrote it; of clip: the key of the embeddings
    revision VARCHAR NOT NULL,         -- hub commit or SHA-256 of the weights
    settings VARCHAR NOT NULL,         -- JSON: samples, seed, question, compatible ...
    job_id VARCHAR,                    -- NULL where no job was needed
    created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE verdict (
    filter_run_id INTEGER NOT NULL,
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('accept', 'reject', 'unparsed', 'insufficient', 'error')),
    p_yes DOUBLE,                      -- in [0, 1], not calibrated; NULL where nothing was measured
    p_yes_low DOUBLE,                  -- Wilson 95 % interval of a mean over pictures; NULL of a sheet
    p_yes_high DOUBLE,
    margin DOUBLE,                     -- natural logarithm of the odds, or the mean margin of similarities
    mass DOUBLE,                       -- probability of all yes and no tokens together
    answer VARCHAR,                    -- the raw text where text was read
    question VARCHAR,
    reason VARCHAR NOT NULL,           -- one sentence
    image_ids BIGINT[] NOT NULL        -- the very pictures that the model saw, in the order of the sheet
);
CREATE TABLE filter_rule (             -- append-only: the last event of a rule counts
    event_id UUID PRIMARY KEY,
    rule VARCHAR NOT NULL,
    active BOOLEAN NOT NULL,
    value DOUBLE,
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE audit_candidate (
    audit_id INTEGER NOT NULL,
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    stratum VARCHAR NOT NULL,
    weight DOUBLE NOT NULL,            -- candidates of the stratum divided by those drawn from it
    seed INTEGER NOT NULL,
    drawn_at TIMESTAMPTZ NOT NULL
);
-- The newest verdict of each model on each candidate.
CREATE VIEW latest_verdict AS
    SELECT verdict.*, filter_run.kind, filter_run.mode, filter_run.model, filter_run.revision
    FROM verdict
    JOIN filter_run USING (filter_run_id)
    QUALIFY row_number() OVER (
        PARTITION BY filter_run.kind, filter_run.mode, filter_run.model, superclass, wnid ORDER BY filter_run_id DESC
    ) = 1;
