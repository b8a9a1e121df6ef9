-- Pictures that are alike: the same pixels, and embeddings that point the same way.
ALTER TABLE picture_print ADD COLUMN pixels VARCHAR;  -- 128 bits over size and RGB pixels as seen; NULL: not decoded so
CREATE TABLE neighbour (
    set_id INTEGER NOT NULL,
    first BIGINT NOT NULL,             -- image_id, less than second
    second BIGINT NOT NULL,
    cosine FLOAT NOT NULL              -- of their embeddings in the set; low ones are not kept
);
CREATE TABLE neighbour_search (        -- pictures that were compared with one another, all with all
    set_id INTEGER NOT NULL,
    image_id BIGINT NOT NULL
);
