-- How many access tokens of a session were revoked one by one. When there are many, an entry of the list is about
-- the session's tokens that were issued until a second.
ALTER TABLE sessions ADD COLUMN revoked_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN issued_until INTEGER; -- seconds since 1970

-- By which a purge finds attempts of which there is nothing left to remember.
CREATE INDEX login_attempts_by_end ON login_attempts (forgotten_at);
