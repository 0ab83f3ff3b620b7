-- The applications. One document each, since they are only ever read as a whole.
CREATE TABLE clients (
    id       TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,                   -- grows with each change
    document TEXT NOT NULL                       -- JSON
) STRICT, WITHOUT ROWID;

-- Assertions that were used (RFC 7523), until they could be used no more.
CREATE TABLE spent_assertions (
    id          BLOB PRIMARY KEY NOT NULL,
    spent_until INTEGER NOT NULL                 -- seconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_assertions_by_end ON spent_assertions (spent_until);

-- Of a line about a client `revision` is the client's.
ALTER TABLE revocations ADD COLUMN token_id BLOB;
ALTER TABLE revocations ADD COLUMN client_id TEXT;
