CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY,
    -- Canonical (RFC 8265), so UNIQUE by bytes suffices; pages are in the order of bytes too.
    username      text COLLATE "C" NOT NULL UNIQUE,
    password_hash text NOT NULL,
    roles         text[] NOT NULL DEFAULT '{}',
    disabled      boolean NOT NULL DEFAULT false,
    created_at    bigint NOT NULL CHECK (created_at >= 0) -- seconds since 1970
);
