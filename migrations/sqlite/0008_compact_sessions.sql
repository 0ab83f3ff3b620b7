-- Texts that many sessions have in common, each once; a text goes with the last session that has it.
CREATE TABLE texts (
    number INTEGER PRIMARY KEY,
    text   TEXT NOT NULL UNIQUE,
    count  INTEGER NOT NULL                      -- how often it is referred to
) STRICT;

INSERT INTO texts (text, count)
    SELECT text, count(*) FROM (
        SELECT client_id AS text FROM sessions
        UNION ALL SELECT scope FROM sessions
        UNION ALL SELECT user_agent FROM sessions WHERE user_agent IS NOT NULL
    ) GROUP BY text;

ALTER TABLE sessions RENAME TO old_sessions;

-- In the order in which they came, so that pages are full; found by two small indexes.
CREATE TABLE sessions (
    number       INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    user_id      BLOB NOT NULL,                  -- the UUID's 16 bytes
    client       INTEGER NOT NULL,               -- in texts
    scope        INTEGER NOT NULL,               -- in texts
    transport    INTEGER NOT NULL,               -- 0 cookie, 1 body
    created_at   INTEGER NOT NULL,               -- seconds since 1970, as all times
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    idle         INTEGER NOT NULL,               -- seconds
    generation   INTEGER NOT NULL,
    salt         BLOB NOT NULL,
    -- When a purge looks at it next. Not after its end, so a refresh need not change it.
    due_at       INTEGER NOT NULL,
    revoked_at   INTEGER,
    user_agent   INTEGER,                        -- in texts
    address      TEXT,
    name         TEXT
) STRICT;

INSERT INTO sessions (id, user_id, client, scope, transport, created_at, last_used_at, expires_at, idle,
        generation, salt, due_at, revoked_at, user_agent, address, name)
    SELECT id, unhex(user_id, '-'),
        (SELECT number FROM texts WHERE text = client_id),
        (SELECT number FROM texts WHERE text = scope),
        transport, created_at, last_used_at, expires_at, idle, generation, salt,
        min(expires_at, last_used_at + idle), revoked_at,
        (SELECT number FROM texts WHERE text = user_agent),
        address, name
    FROM old_sessions;

DROP TABLE old_sessions;

CREATE INDEX sessions_of_users ON sessions (user_id);
CREATE INDEX sessions_by_due ON sessions (due_at);
CREATE INDEX revoked_sessions ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TRIGGER texts_go_with_sessions AFTER DELETE ON sessions
BEGIN
    UPDATE texts SET count = count - 1 WHERE number = OLD.client;
    UPDATE texts SET count = count - 1 WHERE number = OLD.scope;
    UPDATE texts SET count = count - 1 WHERE number = OLD.user_agent;
    DELETE FROM texts WHERE number IN (OLD.client, OLD.scope, OLD.user_agent) AND count < 1;
END;

-- Sessions with their texts.
CREATE VIEW session_records AS
    SELECT sessions.number, id, user_id, client.text AS client_id, scope.text AS scope, transport, created_at,
        last_used_at, expires_at, idle, generation, salt, due_at, revoked_at, agent.text AS user_agent, address,
        name
    FROM sessions
    JOIN texts AS client ON client.number = sessions.client
    JOIN texts AS scope ON scope.number = sessions.scope
    LEFT JOIN texts AS agent ON agent.number = sessions.user_agent;

-- The same bytes as in sessions.
ALTER TABLE revisions RENAME TO old_revisions;
CREATE TABLE revisions (
    user_id  BLOB PRIMARY KEY NOT NULL,          -- the UUID's 16 bytes
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO revisions SELECT unhex(user_id, '-'), revision FROM old_revisions;
DROP TABLE old_revisions;
