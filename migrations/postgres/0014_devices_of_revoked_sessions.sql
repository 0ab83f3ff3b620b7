-- What is known of the device of a revoked session goes at once; only expired ones wait for a purge.
UPDATE sessions SET user_agent = NULL, address = NULL, name = NULL WHERE revoked_at IS NOT NULL;
