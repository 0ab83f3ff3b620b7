-- Sessions of epochs before this one are over.
ALTER TABLE memory ADD COLUMN live_since bigint NOT NULL DEFAULT 0;
-- In which epoch a session was created.
ALTER TABLE sessions ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
