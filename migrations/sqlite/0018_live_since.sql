-- Sessions of epochs before this one are over.
ALTER TABLE memory ADD COLUMN live_since INTEGER NOT NULL DEFAULT 0;
-- In which epoch a session was created.
ALTER TABLE sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- Sessions with their texts, without those of epochs that are over.
DROP VIEW session_records;
CREATE VIEW session_records AS
    SELECT sessions.number, id, user_id, client.text AS client_id, scope.text AS scope, transport, created_at,
        last_used_at, expires_at, idle, generation, salt, due_at, revoked_at, agent.text AS user_agent, address,
        name
    FROM sessions
    JOIN texts AS client ON client.number = sessions.client
    JOIN texts AS scope ON scope.number = sessions.scope
    LEFT JOIN texts AS agent ON agent.number = sessions.user_agent
    WHERE sessions.epoch >= coalesce((SELECT live_since FROM memory), 0);
