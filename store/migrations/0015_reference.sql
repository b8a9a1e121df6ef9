-- What was imported from half-finished work of SOOD's scripts: statistics that stand for scores, and the order of lists.
CREATE TABLE imported_subclass (
    run_id INTEGER NOT NULL,           -- the scoring run that the import made
    superclass VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    position INTEGER NOT NULL,         -- place in the file of statistics, counted over all superclasses
    name VARCHAR NOT NULL,             -- as the scripts call it
    mean DOUBLE,                       -- of the normalised logits, outliers counted in; NULL: only logits were there
    standard_deviation DOUBLE          -- NULL: a single picture, or only logits were there
);
CREATE TABLE imported_picture (
    run_id INTEGER NOT NULL,
    image_id BIGINT NOT NULL,
    position BIGINT NOT NULL,          -- order in which the scripts met the picture
    is_outlier BOOLEAN NOT NULL        -- named as an outlier by the file of statistics
);
