CREATE TABLE sessions (
    id           BLOB PRIMARY KEY NOT NULL,
    user_id      TEXT NOT NULL,
    client_id    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    transport    INTEGER NOT NULL,               -- 0 cookie, 1 body
    created_at   INTEGER NOT NULL,               -- seconds since 1970, as all times
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    idle         INTEGER NOT NULL,               -- seconds
    generation   INTEGER NOT NULL,
    salt         BLOB NOT NULL,
    revoked_at   INTEGER,
    user_agent   TEXT,
    address      TEXT,
    name         TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_users ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- How often all tokens of a user were revoked. Not in `users`, which may live elsewhere.
CREATE TABLE revisions (
    user_id  TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What every process has to hear of. AUTOINCREMENT: a position is never given twice.
CREATE TABLE revocations (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    session_id BLOB,
    user_id    TEXT,
    revision   INTEGER
) STRICT;
