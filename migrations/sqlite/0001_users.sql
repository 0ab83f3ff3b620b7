CREATE TABLE users (
    id            TEXT PRIMARY KEY NOT NULL,
    username      TEXT NOT NULL UNIQUE,          -- canonical (RFC 8265), so UNIQUE by bytes suffices
    password_hash TEXT NOT NULL,
    roles         TEXT NOT NULL DEFAULT '[]',    -- a JSON array of names
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL               -- seconds since 1970
) STRICT;
