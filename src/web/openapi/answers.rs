//! What is answered, where the code makes JSON without a type of its own for it.
#![expect(dead_code, reason = "only described")]

use serde_json::Value;
use utoipa::ToSchema;

/// A registered client.
#[derive(ToSchema)]
#[schema(as = countersign::Client)]
pub(in crate::web) struct RegisteredClient {
    /// Which it is.
    id: String,
    /// What people call it.
    #[schema(required = true)]
    name: Option<String>,
    /// How it proves who it is: `none`, `client_secret` or `private_key_jwt`.
    authentication: String,
    /// How it may get tokens.
    grants: Vec<String>,
    /// What its tokens may be used for at most.
    scope: String,
    /// Seconds; `null`: as the server's settings say.
    #[schema(required = true)]
    access_ttl: Option<u64>,
    /// Seconds, likewise.
    #[schema(required = true)]
    idle: Option<u64>,
    /// Seconds, likewise.
    #[schema(required = true)]
    absolute: Option<u64>,
    /// Whether it may ask about other clients' tokens.
    introspects: bool,
    /// Whether it is shut out.
    disabled: bool,
    /// When it was registered, in seconds since 1970.
    created_at: u64,
    /// Its secrets, if it has any, without what they are known by.
    #[schema(required = false)]
    secrets: Vec<KeptSecret>,
    /// Its keys, if it signs.
    #[schema(required = false)]
    jwks: KeysAnswer,
    /// A new secret, which is never shown again; only where one was made.
    #[schema(required = false)]
    secret: String,
}

/// A secret of a client's.
#[derive(ToSchema)]
#[schema(as = countersign::ClientSecret)]
struct KeptSecret {
    /// When it was made, in seconds since 1970.
    created_at: u64,
    /// From when on it is refused; `null`: it is the newest.
    #[schema(required = true)]
    ends_at: Option<u64>,
}

/// What a token is worth at this moment (RFC 7662 §2.2). Of a token that is good for nothing there is
/// `active` alone.
#[derive(ToSchema)]
#[schema(as = countersign::Introspection)]
pub(in crate::web) struct IntrospectionAnswer {
    /// Whether it is good.
    active: bool,
    /// `Bearer`, of an access token.
    #[schema(required = false)]
    token_type: String,
    /// `refresh_token`, of a refresh token.
    #[schema(required = false)]
    token_use: String,
    /// Who issued it.
    #[schema(required = false)]
    iss: String,
    /// For whom.
    #[schema(required = false)]
    aud: String,
    /// Whose it is: a user's id, or a service's.
    #[schema(required = false)]
    sub: String,
    /// The user's name, if it is a person's.
    #[schema(required = false)]
    username: String,
    /// Which client got it.
    #[schema(required = false)]
    client_id: String,
    /// What it may be used for.
    #[schema(required = false)]
    scope: String,
    /// The roles that it was issued with and that the user still has.
    #[schema(required = false)]
    roles: Vec<String>,
    /// Its session, if it is a person's.
    #[schema(required = false)]
    sid: String,
    /// When it was issued, in seconds since 1970.
    #[schema(required = false)]
    iat: u64,
    /// When it expires.
    #[schema(required = false)]
    exp: u64,
    /// Its own id.
    #[schema(required = false)]
    jti: String,
}

/// A JWK Set (RFC 7517 §5).
#[derive(ToSchema)]
#[schema(as = countersign::Keys)]
pub(in crate::web) struct KeysAnswer {
    /// Public keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// What this server offers and where (RFC 8414 §2).
#[derive(ToSchema)]
#[schema(as = countersign::Metadata)]
pub(in crate::web) struct MetadataAnswer {
    /// `iss` of its tokens.
    issuer: String,
    /// Where tokens come from.
    token_endpoint: String,
    /// Where its keys are, if they verify anything.
    #[schema(required = false)]
    jwks_uri: String,
    /// How tokens can be asked for.
    grant_types_supported: Vec<String>,
    /// Always empty: there is no authorization endpoint.
    response_types_supported: Vec<String>,
    /// What tokens can be asked for.
    scopes_supported: Vec<String>,
    /// How clients can prove who they are.
    token_endpoint_auth_methods_supported: Vec<String>,
    /// Where tokens are ended.
    revocation_endpoint: String,
    /// How clients can prove who they are there.
    revocation_endpoint_auth_methods_supported: Vec<String>,
    /// By which algorithms clients can sign, there and at the other endpoints.
    #[schema(required = false)]
    token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Likewise.
    #[schema(required = false)]
    revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Likewise.
    #[schema(required = false)]
    introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Where tokens are told of.
    #[schema(required = false)]
    introspection_endpoint: String,
    /// How clients can prove who they are there.
    #[schema(required = false)]
    introspection_endpoint_auth_methods_supported: Vec<String>,
}

/// A page of the list of revocations.
#[derive(ToSchema)]
#[schema(as = countersign::Revocations)]
pub(in crate::web) struct RevocationsAnswer {
    /// The position that was asked for.
    from: u64,
    /// Which memory of the store the lines are from; positions of another mean nothing.
    epoch: u64,
    /// When the list was read, in milliseconds since 1970, by the store's clock.
    read_at: u64,
    /// Whether there are more lines behind the last.
    more: bool,
    /// A text that changes when the published keys do.
    #[schema(required = true)]
    keys: Option<String>,
    /// The lines, in order.
    revocations: Vec<RevocationLine>,
}

/// One revocation: of a session, of a token, or of a user or a client and what is of a lesser `revision`.
#[derive(ToSchema)]
#[schema(as = countersign::Revocation)]
struct RevocationLine {
    /// Where it stands in the list.
    position: u64,
    /// When it was asked for, in seconds since 1970.
    at: u64,
    /// When it was written, in milliseconds since 1970.
    written_at: u64,
    /// `sid` of access tokens.
    #[schema(required = false)]
    session: String,
    /// Only those of the session's access tokens whose `iat` is no later.
    #[schema(required = false)]
    issued_until: u64,
    /// `sub` of access tokens.
    #[schema(required = false)]
    user: String,
    /// `jti` of one.
    #[schema(required = false)]
    token: String,
    /// `client_id` of access tokens.
    #[schema(required = false)]
    client: String,
    /// `rev` or `crev` from which on they are good.
    #[schema(required = false)]
    revision: u64,
}
