//! Which client is asking (RFC 6749 §2.3).

use super::{GrantError, TokenRequest};

/// The built-in public client: the app's own front end. It needs no naming and has no secret.
pub const FIRST_PARTY: &str = "first-party";

/// Client credentials from HTTP Basic (RFC 6749 §2.3.1), taken apart.
#[derive(PartialEq, Eq)]
pub struct BasicCredentials {
    /// The client's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// The client that the request names.
pub(super) fn authenticate(
    request: &TokenRequest,
    basic: Option<&BasicCredentials>,
) -> Result<&'static str, GrantError> {
    // Swagger UI and others send `Basic Og==` (an empty id and secret) when they have none.
    let basic = basic.filter(|basic| !basic.id.is_empty() || !basic.secret.is_empty());
    let (id, secret) = match basic {
        // RFC 6749 §2.3: no more than one way of authenticating in a request.
        Some(_) if request.client_id.is_some() || request.client_secret.is_some() => {
            return Err(GrantError::InvalidRequest("The client is named in two ways"));
        }
        Some(basic) => (Some(basic.id.as_str()), Some(basic.secret.as_str())),
        None => (request.client_id.as_deref(), request.client_secret.as_ref().map(|secret| secret.as_str())),
    };
    match (id, secret.unwrap_or_default()) {
        (None | Some(FIRST_PARTY), "") => Ok(FIRST_PARTY),
        _ => Err(GrantError::InvalidClient),
    }
}
