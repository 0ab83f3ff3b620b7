-- What happened, in order, written once: no line is ever changed, and none is removed within a day.
CREATE TABLE audit (
    position bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       bigint NOT NULL,                    -- seconds since 1970
    line     text NOT NULL                       -- JSON
);

CREATE INDEX audit_by_time ON audit (at);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at <= extract(epoch FROM now()) - 86400 THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END
$$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

-- The key by which ids become the pseudonyms of the trail: one row.
CREATE TABLE audit_key (
    one smallint PRIMARY KEY CHECK (one = 1),
    key bytea NOT NULL
);
