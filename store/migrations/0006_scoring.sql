-- Embeddings (in .npy parts outside the catalogue) and similarities of pictures to the prompt of their superclass.
CREATE TABLE embedding_set (
    set_id INTEGER PRIMARY KEY,
    model_key VARCHAR NOT NULL UNIQUE, -- folder under embeddings/, made of model, tag and weights hash
    model VARCHAR NOT NULL,            -- as the user wrote it: ViT-B-32, local-dir:/models/x, hf-hub:org/name
    pretrained VARCHAR,                -- open_clip's tag or a checkpoint path; NULL where the model brings its own
    weights_sha256 VARCHAR NOT NULL,
    dimensions INTEGER NOT NULL,
    added_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE embedding_part (
    part_id INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL,
    path VARCHAR NOT NULL UNIQUE,      -- .npy, float16 [rows, dimensions], relative to the workspace
    rows BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL
);
CREATE TABLE embedding (               -- where the row of a picture is; a picture that could not be read has none
    set_id INTEGER NOT NULL,
    image_id BIGINT NOT NULL,
    part_id INTEGER NOT NULL,
    row INTEGER NOT NULL
);
CREATE TABLE score_run (
    run_id INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL,
    template VARCHAR NOT NULL,         -- prompt template with {}
    keep_underscores BOOLEAN NOT NULL, -- the reference keeps them in the prompt
    job_id VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE score_run_superclass (
    run_id INTEGER NOT NULL,
    superclass VARCHAR NOT NULL,
    prompt VARCHAR NOT NULL,
    text_embedding FLOAT[] NOT NULL    -- L2-normalised
);
CREATE TABLE similarity (              -- stored sorted by run_id, superclass, wnid, image_id
    run_id INTEGER NOT NULL,
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    image_id BIGINT NOT NULL,
    similarity FLOAT NOT NULL          -- cosine in [-1, 1], float32
);
