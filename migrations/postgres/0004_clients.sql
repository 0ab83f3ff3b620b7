-- The applications. One document each, since they are only ever read as a whole.
CREATE TABLE clients (
    id       text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL CHECK (revision >= 0), -- grows with each change
    document text NOT NULL                          -- JSON
);

-- Assertions that were used (RFC 7523), until they could be used no more.
CREATE TABLE spent_assertions (
    id          bytea PRIMARY KEY CHECK (length(id) = 32),
    spent_until bigint NOT NULL CHECK (spent_until >= 0) -- seconds since 1970
);

CREATE INDEX spent_assertions_by_end ON spent_assertions (spent_until);

-- Of a line about a client `revision` is the client's.
ALTER TABLE revocations
    ADD COLUMN token_id bytea CHECK (length(token_id) = 16),
    ADD COLUMN client_id text,
    DROP CONSTRAINT revocations_check,
    DROP CONSTRAINT revocations_check1,
    ADD CHECK (num_nonnulls(session_id, user_id, token_id, client_id) = 1),
    ADD CHECK ((revision IS NULL) = (user_id IS NULL AND client_id IS NULL));
