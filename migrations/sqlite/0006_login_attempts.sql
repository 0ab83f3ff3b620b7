-- Attempts to log in, until they are forgotten. The keys are digests that tell nothing.
CREATE TABLE login_attempts (
    key          BLOB PRIMARY KEY NOT NULL,
    forgotten_at INTEGER NOT NULL,               -- milliseconds since 1970
    next_at      INTEGER NOT NULL                -- likewise; no other attempt before
) STRICT, WITHOUT ROWID;
