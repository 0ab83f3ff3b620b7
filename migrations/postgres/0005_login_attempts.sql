-- Attempts to log in, until they are forgotten. The keys are digests that tell nothing.
CREATE TABLE login_attempts (
    key          bytea PRIMARY KEY CHECK (length(key) = 32),
    forgotten_at bigint NOT NULL CHECK (forgotten_at >= 0), -- milliseconds since 1970
    next_at      bigint NOT NULL CHECK (next_at >= 0)       -- likewise; no other attempt before
) WITH (fillfactor = 50);                                   -- rows change far more often than they come
