-- What is known of the device of a revoked session goes at once; only expired ones wait for a purge.
CREATE TRIGGER texts_go_with_user_agents AFTER UPDATE OF user_agent ON sessions
    WHEN OLD.user_agent IS NOT NULL AND NEW.user_agent IS NULL
BEGIN
    UPDATE texts SET count = count - 1 WHERE number = OLD.user_agent;
    DELETE FROM texts WHERE number = OLD.user_agent AND count < 1;
END;

UPDATE sessions SET user_agent = NULL, address = NULL, name = NULL WHERE revoked_at IS NOT NULL;
