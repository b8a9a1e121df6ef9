-- Folders of pictures and the pictures in them. Paths are text: see store/paths.py for bytes that are not UTF-8.
CREATE TABLE image_root (
    root_id INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL UNIQUE,      -- the first part of a path in an export: imagenet21k_train
    path VARCHAR NOT NULL,             -- absolute folder that the paths of its pictures are relative to
    layout VARCHAR NOT NULL CHECK (layout IN ('wnid', 'class', 'list')),
    list_path VARCHAR,                 -- absolute path of the list file; NULL for the other layouts
    mapping VARCHAR,                   -- absolute path of the CSV that maps classes to wnids; NULL: by unambiguous lemma
    added_at TIMESTAMPTZ NOT NULL,
    scanned_at TIMESTAMPTZ             -- NULL until the first scan is in
);
CREATE TABLE image (                   -- stored sorted by wnid, root_id, path; no index on purpose
    image_id BIGINT NOT NULL,
    root_id INTEGER NOT NULL,
    wnid VARCHAR NOT NULL,
    path VARCHAR NOT NULL              -- relative to its root, POSIX
);
CREATE TABLE image_gone (              -- pictures that a rescan no longer found
    image_id BIGINT NOT NULL,
    root_id INTEGER NOT NULL,
    wnid VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    gone_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE image_count (             -- refreshed by every scan, only synsets with pictures in their subtree
    wnid VARCHAR PRIMARY KEY,
    images BIGINT NOT NULL,            -- of the synset itself
    subtree_images BIGINT NOT NULL,    -- of the synset and its hyponym closure, each picture once
    subtree_synsets BIGINT NOT NULL    -- synsets with pictures among them
);
CREATE TABLE image_issue (
    root_id INTEGER NOT NULL,
    image_id BIGINT,                   -- NULL where the issue is a folder's or a line's
    wnid VARCHAR,
    path VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,             -- unknown_wnid, empty_folder, unreadable_folder, undecodable, missing_file ...
    detail VARCHAR NOT NULL,
    found_at TIMESTAMPTZ NOT NULL
);
