-- What was read out of picture files once: hashes that tell copies and near-copies, and what they look like in numbers.
CREATE TABLE picture_print (
    image_id BIGINT NOT NULL,
    bytes BIGINT NOT NULL,             -- size of the file
    sha256 VARCHAR NOT NULL,           -- of the file
    dhash UBIGINT,                     -- 64 bits: is a pixel of the 9 x 8 picture darker than its right neighbour; NULL: not decoded
    width INTEGER,                     -- pixels; NULL: not decoded
    height INTEGER,
    luminance DOUBLE,                  -- mean of Rec. 601 luma in [0, 1]; NULL: not decoded
    contrast DOUBLE,                   -- standard deviation of luma; NULL: not decoded
    saturation DOUBLE                  -- mean of HSV saturation in [0, 1]; NULL: not decoded
);
