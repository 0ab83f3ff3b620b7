-- What happened, in order, written once: no line is ever changed, and none is removed within a day.
CREATE TABLE audit (
    position INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at       INTEGER NOT NULL,                   -- seconds since 1970
    line     TEXT NOT NULL                       -- JSON
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit WHEN OLD.at > unixepoch() - 86400
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

-- The key by which ids become the pseudonyms of the trail: one row.
CREATE TABLE audit_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
) STRICT;
