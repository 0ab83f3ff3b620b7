//! What is sent: forms and JSON. The routes read them by parsers of their own, which are stricter than
//! serde; here they are only described.
#![expect(dead_code, reason = "only described")]

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

/// A form, with what a client may say of itself in it (RFC 6749 §2.3.1, RFC 7523 §2.2).
macro_rules! client_form {
    ($(#[$attribute:meta])* $name:ident { $($fields:tt)* }) => {
        #[derive(ToSchema)]
        $(#[$attribute])*
        pub(in crate::web) struct $name {
            $($fields)*
            /// Which client asks; the built-in `first-party` if none is named.
            #[schema(required = false, examples("first-party"))]
            client_id: String,
            /// Its secret, unless it comes by HTTP Basic.
            #[schema(required = false, format = Password)]
            client_secret: String,
            /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, where there is an assertion.
            #[schema(required = false)]
            client_assertion_type: String,
            /// A JWT that the client has signed, instead of a secret (RFC 7523 §2.2).
            #[schema(required = false)]
            client_assertion: String,
        }
    };
}

client_form! {
    /// A request for tokens (RFC 6749 §4.3, §4.4, §6). What is not known is passed over; what stands twice is
    /// an error; what is empty counts as left out.
    #[schema(as = countersign::TokenRequest)]
    TokenForm {
        #[schema(required = false, schema_with = grant_type)]
        grant_type: String,
        /// For `password`: who logs in.
        #[schema(required = false, examples("ada"))]
        username: String,
        /// For `password`.
        #[schema(required = false, format = Password, examples("analytical-engine"))]
        password: String,
        /// For `refresh_token`: the token, unless it comes as the cookie.
        #[schema(required = false)]
        refresh_token: String,
        /// What the token is to be used for: scope tokens with single spaces between. `offline_access`
        /// asks for the refresh token in the body of the answer.
        #[schema(required = false, examples("offline_access"))]
        scope: String,
        /// What the session is called in the list of sessions.
        #[schema(required = false, examples("phone"))]
        device_name: String,
    }
}

client_form! {
    /// A token to be ended (RFC 7009 §2.1) or told of (RFC 7662 §2.1).
    #[schema(as = countersign::TokenQuery)]
    QueryForm {
        /// The access token or refresh token.
        token: String,
        /// Which of the two it is; the token itself says so, so it is not needed.
        #[schema(required = false)]
        token_type_hint: String,
    }
}

/// The grants, by the names of RFC 6749.
#[derive(ToSchema)]
#[schema(as = countersign::GrantType, rename_all = "snake_case")]
enum Grant {
    Password,
    RefreshToken,
    ClientCredentials,
}

/// One of them, or nothing: what is empty counts as left out (RFC 6749 §3.2).
fn grant_type() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("How a token is asked for. Without it, `username` or `password` mean `password`."))
        .enum_values(Some(["password", "refresh_token", "client_credentials", ""]))
        .build()
}

/// Whose session is to end, if it is neither an access token's nor the cookie's.
#[derive(ToSchema)]
#[schema(as = countersign::LogoutRequest)]
pub(in crate::web) struct LogoutForm {
    /// A refresh token that was had in a body.
    #[schema(required = false)]
    refresh_token: String,
}

/// Fields of a client, with what it may do. Each is as before, or as is usual, if it is left out.
macro_rules! client_fields {
    ($(#[$attribute:meta])* $name:ident { $($fields:tt)* }) => {
        #[derive(ToSchema)]
        $(#[$attribute])*
        #[serde(deny_unknown_fields)]
        pub(in crate::web) struct $name {
            $($fields)*
            /// What people call it; `null`: nothing.
            #[schema(min_length = 1, max_length = 100, examples("Reports"))]
            name: Option<String>,
            /// How it may get tokens.
            #[schema(required = false, inline, min_items = 1)]
            grants: Vec<Grant>,
            /// What its tokens may be used for at most: of the setting `SCOPES`, and `countersign:account`,
            /// `countersign:admin` and `countersign:roles`, with single spaces between.
            #[schema(required = false, examples("reports:read"))]
            scope: String,
            /// Seconds that its access tokens are good for; `null`: as the server's settings say.
            #[schema(minimum = 30, maximum = 86400)]
            access_ttl: Option<u64>,
            /// Seconds until a session of its that is not used ends; `null` likewise.
            #[schema(minimum = 60, maximum = 34560000)]
            idle: Option<u64>,
            /// Seconds until any session of its ends; `null` likewise.
            #[schema(minimum = 60, maximum = 34560000)]
            absolute: Option<u64>,
            /// Whether it may ask about other clients' tokens.
            #[schema(required = false)]
            introspects: bool,
        }
    };
}

client_fields! {
    /// A client to be registered. Nothing but `id` is needed.
    #[schema(as = countersign::NewClient)]
    NewClient {
        /// Which client it is to be; no UUID in any spelling, and no other client's id in other case.
        #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples("reports-worker"))]
        id: String,
        /// Whether it has no secret, since it could not keep one. Not together with `jwks`.
        #[schema(required = false)]
        public: bool,
        /// A JWK Set of 1 to 10 public keys, by which it signs instead of having a secret.
        #[schema(required = false, value_type = Object)]
        jwks: Value,
    }
}

client_fields! {
    /// What of a client is to be changed, all in one step.
    #[schema(as = countersign::ClientChange)]
    ClientChange {
        /// Whether it is shut out.
        #[schema(required = false)]
        disabled: bool,
        /// A JWK Set of 1 to 10 public keys, in the place of those that it has. Changed alone.
        #[schema(required = false, value_type = Object)]
        jwks: Value,
    }
}

/// A user to be added.
#[derive(ToSchema)]
#[schema(as = countersign::NewUser)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewUser {
    /// The name that they are to log in with (RFC 8265).
    #[schema(min_length = 1, max_length = 128, examples("grace"))]
    username: String,
    /// The roles that they are to have.
    #[schema(required = false)]
    roles: Vec<String>,
    /// Their password; one is made if it is left out.
    #[schema(required = false, format = Password, min_length = 8, max_length = 256)]
    password: String,
}

/// What of a user is to be changed.
#[derive(ToSchema)]
#[schema(as = countersign::UserChange)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct UserChange {
    /// All the roles that they are to have.
    #[schema(required = false)]
    roles: Vec<String>,
    /// Whether they are to be shut out.
    #[schema(required = false)]
    disabled: bool,
}

/// A password for somebody; one is made if it is left out.
#[derive(ToSchema)]
#[schema(as = countersign::PasswordOf)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PasswordOf {
    /// 8 to 256 bytes, not common, without the user's or the site's name.
    #[schema(required = false, format = Password, min_length = 8, max_length = 256)]
    password: String,
}

/// When a client's present secret ends. Either of the two.
#[derive(ToSchema)]
#[schema(as = countersign::SecretRotation)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SecretRotation {
    /// Seconds that it stays good, a day if left out; 0 ends all of the client's secrets and access tokens.
    #[schema(required = false, minimum = 0, maximum = 7776000, examples(86400))]
    overlap: u64,
    /// Whether the newest ends at once, since it never reached the client.
    #[schema(required = false)]
    replace_newest: bool,
}
