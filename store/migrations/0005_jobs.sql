-- What the owner has taken in from job folders. The folders themselves are the truth about jobs.
CREATE TABLE job_part (
    job_id VARCHAR NOT NULL,
    part VARCHAR NOT NULL,             -- file name inside the job folder
    sha256 VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    ingested_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job_id, part)
);
CREATE TABLE job_done (                -- the job's outcome was taken in and nothing is left to do for it
    job_id VARCHAR PRIMARY KEY,
    state VARCHAR NOT NULL,
    ingested_at TIMESTAMPTZ NOT NULL
);
