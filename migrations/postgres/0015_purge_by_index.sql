-- When a purge looks at a session next. Not after its end, so a refresh need not change it. Sessions from
-- before, and those of servers of the version before, are looked at once and moved on to their end.
ALTER TABLE sessions ADD COLUMN due_at bigint NOT NULL DEFAULT 0;

DROP INDEX sessions_by_end;
CREATE INDEX sessions_by_due ON sessions (due_at);
CREATE INDEX revoked_sessions ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX revocations_by_time ON revocations (at);
