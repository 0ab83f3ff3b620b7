-- Which memory this is: one row, from the first start on.
CREATE TABLE memory (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL                       -- milliseconds since 1970
) STRICT;

-- The same and `written_at`; SQLite adds no column whose default is the time.
ALTER TABLE revocations RENAME TO old_revocations;
CREATE TABLE revocations (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    session_id BLOB,
    user_id    TEXT,
    revision   INTEGER,
    written_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)) -- milliseconds
) STRICT;
INSERT INTO revocations (position, at, session_id, user_id, revision)
    SELECT position, at, session_id, user_id, revision FROM old_revocations;
DROP TABLE old_revocations;
