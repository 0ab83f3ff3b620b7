-- The keys that tokens are signed with, sealed by a secret that is not here: one row.
CREATE TABLE key_ring (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,                    -- a digest of what is sealed
    sealed  BLOB NOT NULL
) STRICT;
