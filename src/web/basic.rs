//! HTTP Basic, by which clients authenticate (RFC 7617 as RFC 6749 §2.3.1 uses it).

use super::form;
use crate::grant::{BasicCredentials, GrantError};
use base64::{Engine, prelude::BASE64_STANDARD};

/// The credentials of these `Authorization` headers; `None` where there is none.
pub(super) fn credentials<'h>(
    headers: impl IntoIterator<Item = &'h str>,
) -> Result<Option<BasicCredentials>, GrantError> {
    let mut headers = headers.into_iter();
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(GrantError::InvalidRequest("The Authorization header stands twice"));
    }
    let credentials = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| parse(encoded));
    credentials.map(Some).ok_or(GrantError::InvalidClient)
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are put together.
fn parse(encoded: &str) -> Option<BasicCredentials> {
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let decode = |half: &str| form::percent_decode(half.as_bytes()).ok();
    Some(BasicCredentials { id: decode(id)?, secret: decode(secret)? })
}
