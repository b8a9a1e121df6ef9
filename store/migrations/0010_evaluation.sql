-- Evaluations of detectors: named sets, negative labels, runs with their numbers, and the score of every picture.
CREATE TABLE evaluation_set (
    name VARCHAR PRIMARY KEY,
    source VARCHAR NOT NULL,           -- split:hard, subtree:bird, folder:/data/places, list:FILE, npz:FILE
    near_or_far VARCHAR CHECK (near_or_far IN ('near', 'far')),   -- NULL: neither was said
    note VARCHAR,                      -- known contamination and the like; NULL: nothing said
    added_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE negative_set (            -- mined negative labels: an artefact of their own
    negatives_id INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL UNIQUE,
    recipe VARCHAR NOT NULL CHECK (recipe IN ('plain', 'csp')),
    model VARCHAR NOT NULL,            -- as the user wrote it; empty where embeddings came from files
    model_key VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,         -- JSON: corpus, percentile, share, prompts, seed, what was left out and why
    labels_sha256 VARCHAR NOT NULL,    -- of the ID label names they were mined against
    made_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE negative_label (          -- stored sorted by negatives_id, rank
    negatives_id INTEGER NOT NULL,
    rank INTEGER NOT NULL,             -- 0 is the farthest of its part of speech; nouns stand before adjectives
    word VARCHAR NOT NULL,             -- as prompts use it
    pos VARCHAR NOT NULL CHECK (pos IN ('noun', 'adj')),
    wnid VARCHAR,                      -- NULL for a word of a user's own file
    lexname VARCHAR NOT NULL,
    distance DOUBLE NOT NULL           -- minus the percentile of its similarities to the ID labels
);
CREATE TABLE negative_edit (           -- words taken out by a person; only ever appended, the last word counts
    event_id UUID PRIMARY KEY,         -- version 7: sorts by time
    negatives_id INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('drop', 'restore')),
    reason VARCHAR NOT NULL,
    reviewer VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL
);
CREATE VIEW negative_dropped AS
    SELECT negatives_id, rank, arg_max(reason, event_id) AS reason, arg_max(reviewer, event_id) AS reviewer
    FROM negative_edit
    GROUP BY negatives_id, rank
    HAVING arg_max(kind, event_id) = 'drop';
CREATE TABLE evaluation (
    run_id INTEGER PRIMARY KEY,
    job_id VARCHAR NOT NULL UNIQUE,
    folder VARCHAR NOT NULL,           -- relative to the workspace: texts and scores as files
    kind VARCHAR NOT NULL CHECK (kind IN ('run', 'sweep', 'classifier')),
    title VARCHAR NOT NULL,
    methods VARCHAR[] NOT NULL,
    model VARCHAR NOT NULL,
    model_key VARCHAR NOT NULL,
    record VARCHAR NOT NULL,           -- JSON: settings, prompts, sets with hashes, weights hash, seeds, versions
    reviewer VARCHAR NOT NULL,
    seconds DOUBLE NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE evaluation_part (         -- the sets of a run
    run_id INTEGER NOT NULL,
    position INTEGER NOT NULL,         -- 0 is the ID set
    name VARCHAR NOT NULL,
    role VARCHAR NOT NULL CHECK (role IN ('id', 'ood', 'generalisation')),
    near_or_far VARCHAR,
    source VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,           -- of the list of its pictures
    images BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    relatives BIGINT NOT NULL,         -- pictures of ancestors and descendants of ID synsets, left out or reported
    note VARCHAR
);
CREATE TABLE metric (
    run_id INTEGER NOT NULL,
    method VARCHAR NOT NULL,
    is_adaptive BOOLEAN NOT NULL,      -- depends on the order of the pictures: never ranked with the others
    stream_order VARCHAR NOT NULL,     -- shuffled, id-first, ood-first; empty for static methods
    scope VARCHAR NOT NULL CHECK (
        scope IN ('set', 'mean', 'near', 'far', 'superclass', 'subclass', 'ood_class', 'accuracy', 'calibration')
    ),
    part VARCHAR NOT NULL,             -- name of the OOD set, or of the set whose accuracy it is; empty for means
    class VARCHAR NOT NULL,            -- of the scopes superclass, subclass and ood_class; else empty
    metric VARCHAR NOT NULL,           -- auroc, fpr95_id_positive, fpr95_ood_positive ...
    value DOUBLE NOT NULL,
    low DOUBLE,                        -- of the 95 % interval; NULL where none was computed
    high DOUBLE,
    n_id BIGINT NOT NULL,
    n_ood BIGINT NOT NULL
);
CREATE TABLE evaluation_picture (      -- stored sorted by run_id, part, position
    run_id INTEGER NOT NULL,
    part INTEGER NOT NULL,             -- position of its set
    position BIGINT NOT NULL,
    image_id BIGINT,                   -- NULL for a picture that is not in the catalogue
    path VARCHAR NOT NULL,
    wnid VARCHAR,
    superclass VARCHAR,
    label INTEGER,                     -- index of its ID label; NULL where it has none
    predicted INTEGER NOT NULL,        -- index of the most similar ID label
    similarity DOUBLE NOT NULL,
    margin DOUBLE                      -- log-odds of the ID labels against all negative labels; NULL without these
);
CREATE TABLE id_score (                -- higher = more ID; stored sorted by run_id, method, against, part, position
    run_id INTEGER NOT NULL,
    method VARCHAR NOT NULL,
    against VARCHAR NOT NULL,          -- OOD set and order of the stream for adaptive methods; empty for static ones
    part INTEGER NOT NULL,
    position BIGINT NOT NULL,
    id_score DOUBLE NOT NULL
);
CREATE TABLE sweep_result (
    run_id INTEGER NOT NULL,
    variant VARCHAR NOT NULL,          -- what differs beside the numbers: percentile, prompt, corpus
    temperature DOUBLE NOT NULL,
    negatives INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    part VARCHAR NOT NULL,
    n_id BIGINT NOT NULL,
    n_ood BIGINT NOT NULL,
    auroc DOUBLE NOT NULL,
    auroc_low DOUBLE NOT NULL,
    auroc_high DOUBLE NOT NULL,
    fpr95_id_positive DOUBLE NOT NULL,
    fpr95_id_positive_low DOUBLE NOT NULL,
    fpr95_id_positive_high DOUBLE NOT NULL,
    fpr95_ood_positive DOUBLE NOT NULL,
    fpr95_ood_positive_low DOUBLE NOT NULL,
    fpr95_ood_positive_high DOUBLE NOT NULL,
    is_chosen BOOLEAN NOT NULL         -- the best on the validation halves, with its numbers on the others
);
