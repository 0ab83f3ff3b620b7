-- How many access tokens of a session were revoked one by one. When there are many, an entry of the list is about
-- the session's tokens that were issued until a second.
ALTER TABLE sessions ADD COLUMN revoked_tokens integer NOT NULL DEFAULT 0;
ALTER TABLE revocations
    ADD COLUMN issued_until bigint CHECK (issued_until >= 0), -- seconds since 1970
    ADD CHECK (issued_until IS NULL OR session_id IS NOT NULL);

-- By which a purge finds attempts of which there is nothing left to remember.
CREATE INDEX login_attempts_by_end ON login_attempts (forgotten_at);
