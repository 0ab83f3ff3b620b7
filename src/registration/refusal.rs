//! Why a client cannot be so. Each sentence names the field.

pub(crate) const BUILT_IN: &str = "id: first-party is the built-in client";
pub(crate) const NAME: &str = "name: must be 1 to 100 bytes, without invisible characters";
pub(crate) const NO_GRANT: &str = "grants: must be one at least";
pub(crate) const PUBLIC_SERVICE: &str =
    "grants: a public client proves nothing, so it cannot have client_credentials";
pub(crate) const REFRESH_ALONE: &str = "grants: refresh_token is of no use without password";
pub(crate) const PUBLIC_ASKING: &str =
    "introspects: a public client proves nothing, so it cannot ask about tokens";
pub(crate) const SCOPE: &str =
    "scope: has a scope that is neither in COUNTERSIGN_SCOPES nor one of the server's own";
pub(crate) const ACCESS_TTL: &str = "access_ttl: must be from 30 seconds to COUNTERSIGN_ACCESS_TTL";
pub(crate) const IDLE: &str = "idle: must be from 60 seconds to COUNTERSIGN_REFRESH__IDLE";
pub(crate) const ABSOLUTE: &str = "absolute: must be from 60 seconds to COUNTERSIGN_REFRESH__ABSOLUTE";
pub(crate) const IDLE_TOO_LONG: &str = "idle: must not be longer than absolute";
pub(crate) const SIGNS_NOT: &str = "jwks: the client does not sign; register it anew with its keys";
pub(crate) const NO_SECRET: &str = "the client has no secret: it is public, or signs";

/// What the terms of a client are refused for.
pub(crate) const OF_TERMS: [&str; 10] = [
    NAME,
    NO_GRANT,
    PUBLIC_SERVICE,
    REFRESH_ALONE,
    PUBLIC_ASKING,
    SCOPE,
    ACCESS_TTL,
    IDLE,
    ABSOLUTE,
    IDLE_TOO_LONG,
];
