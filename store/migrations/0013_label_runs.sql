-- Where proposals of labels came from, and what classifiers predicted.
CREATE TABLE label_run (               -- one comparison of embeddings with the names of classes
    label_run_id INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL,           -- the embeddings that it was made from
    job_id VARCHAR NOT NULL UNIQUE,
    class_list VARCHAR NOT NULL CHECK (class_list IN ('pictures', 'accepted', 'imagenet_1k')),
    classes INTEGER NOT NULL,          -- how many
    template VARCHAR NOT NULL,         -- prompt template with {}
    temperature DOUBLE NOT NULL,
    least_share DOUBLE NOT NULL,       -- a class is proposed from this share of the best score on
    pictures BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE prediction_run (
    predictions VARCHAR PRIMARY KEY,   -- the name that the user gave
    kind VARCHAR NOT NULL CHECK (kind IN ('csv', 'npz', 'zero-shot', 'model')),
    origin VARCHAR NOT NULL,           -- absolute path of the file, or the model as the user wrote it
    sha256 VARCHAR NOT NULL,           -- of the file or of the model's weights
    settings VARCHAR NOT NULL,         -- JSON: prompt template, temperature, preparation of pictures ...
    classes VARCHAR[] NOT NULL,        -- wnids in the order of the class indices
    depth INTEGER NOT NULL,            -- how many classes are ranked for each picture
    rows BIGINT NOT NULL,              -- pictures that the file or the job speaks of
    matched BIGINT NOT NULL,           -- those that are one picture of this workspace
    made_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE prediction (
    predictions VARCHAR NOT NULL,
    image_id BIGINT NOT NULL,
    ranked INTEGER[] NOT NULL          -- class indices, best first
);
