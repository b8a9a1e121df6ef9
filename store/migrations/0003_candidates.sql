-- Superclasses and the synsets proposed under each.
CREATE TABLE superclass (
    superclass VARCHAR PRIMARY KEY,    -- the name that exports and prompts use
    depth_limit INTEGER,               -- NULL: the whole closure
    added_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE superclass_root (
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    position INTEGER NOT NULL          -- 0 is the synset that gave the superclass its name
);
CREATE TABLE candidate (
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    route VARCHAR NOT NULL CHECK (route IN ('root', 'hyponym', 'match')),
    depth INTEGER,                     -- steps below the nearest root; NULL by the route match
    similarity DOUBLE,                 -- cosine of the text match in [-1, 1]; NULL by other routes
    added_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE text_match (              -- what candidates match found, kept until it is accepted as candidates or forgotten
    query VARCHAR NOT NULL,
    model_key VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    similarity DOUBLE NOT NULL,
    found_at TIMESTAMPTZ NOT NULL
);
