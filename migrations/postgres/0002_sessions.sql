CREATE TABLE sessions (
    id           bytea PRIMARY KEY CHECK (length(id) = 16),
    user_id      text COLLATE "C" NOT NULL,
    client_id    text NOT NULL,
    scope        text NOT NULL,
    transport    smallint NOT NULL CHECK (transport IN (0, 1)), -- 0 cookie, 1 body
    created_at   bigint NOT NULL CHECK (created_at >= 0),       -- seconds since 1970, as all times
    last_used_at bigint NOT NULL CHECK (last_used_at >= 0),
    expires_at   bigint NOT NULL CHECK (expires_at >= 0),
    idle         bigint NOT NULL CHECK (idle >= 0),             -- seconds
    generation   bigint NOT NULL CHECK (generation >= 0),
    salt         bytea NOT NULL CHECK (length(salt) = 16),
    revoked_at   bigint,
    user_agent   text,
    address      text,
    name         text
) WITH (fillfactor = 80); -- room in each page, so that a refresh touches no index

CREATE INDEX sessions_of_users ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- How often all tokens of a user were revoked. Not in `users`, which may live elsewhere.
CREATE TABLE revisions (
    user_id  text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL CHECK (revision >= 0)
);

-- What every process has to hear of. A position is never given twice.
CREATE TABLE revocations (
    position   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    written_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, -- milliseconds
    session_id bytea CHECK (length(session_id) = 16),
    user_id    text,
    revision   bigint,
    CHECK ((session_id IS NULL) <> (user_id IS NULL)),
    CHECK ((user_id IS NULL) = (revision IS NULL))
);

-- Which memory this is: one row, from the first start on.
CREATE TABLE memory (
    one   smallint PRIMARY KEY CHECK (one = 1),
    epoch bigint NOT NULL CHECK (epoch > 0)      -- milliseconds since 1970
);
