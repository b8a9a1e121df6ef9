-- Named splits. Every setting is an event, so that each threshold and each rule has a history.
CREATE TABLE split (
    split VARCHAR PRIMARY KEY,
    run_id INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE split_setting (
    event_id UUID PRIMARY KEY,         -- version 7: sorts by time
    step_id UUID NOT NULL,
    split VARCHAR NOT NULL,
    superclass VARCHAR,                -- NULL: for all superclasses
    key VARCHAR NOT NULL,              -- percentiles, outlier_tails, minimum_subclasses ...; 'undo', 'redo'
    value VARCHAR NOT NULL,            -- JSON; for undo and redo the step it speaks of
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    note VARCHAR                       -- NULL: nothing said
);
