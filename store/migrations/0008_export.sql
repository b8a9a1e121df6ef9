CREATE TABLE export (
    export_id INTEGER PRIMARY KEY,
    path VARCHAR NOT NULL,
    split VARCHAR NOT NULL,
    manifest_sha256 VARCHAR NOT NULL,
    images BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
