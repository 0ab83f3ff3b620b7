//! Where an access token is looked for: in the one `Authorization` header (RFC 6750 §2.1),
//! never in a query, a body or a cookie.

use super::{
    body::{self, Unseen},
    guard::Rejection,
    malformed,
};
use rocket::{Request, data::Data};
use std::borrow::Cow;

/// Set when a form's body brings a token of its own.
#[derive(Default)]
struct TokenInBody(bool);

/// The token of a request's `Authorization` headers, which is whatever follows `Bearer` and one space.
///
/// # Errors
/// [`Rejection::NoCredentials`] without a header or of another scheme, [`Rejection::Ambiguous`] with two.
///
/// ```
/// use countersign::{Rejection, web::bearer};
///
/// assert_eq!(bearer::token(["bearer a.b.c"]), Ok("a.b.c"));
/// assert_eq!(bearer::token(["Basic YTpi"]), Err(Rejection::NoCredentials));
/// assert_eq!(bearer::token(["Bearer a", "Bearer a"]), Err(Rejection::Ambiguous));
/// ```
pub fn token<'h>(headers: impl IntoIterator<Item = &'h str>) -> Result<&'h str, Rejection> {
    let mut headers = headers.into_iter();
    let Some(header) = headers.next() else { return Err(Rejection::NoCredentials) };
    // RFC 6750 §3.1: repeating, or using more than one method, is an invalid request.
    if headers.next().is_some() {
        return Err(Rejection::Ambiguous);
    }
    // RFC 9110 §11.1: the scheme's case says nothing.
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(Rejection::NoCredentials) }
}

/// The token that the request presents.
pub(super) fn presented<'r>(request: &'r Request<'_>) -> Result<&'r str, Rejection> {
    // To look one up costs more than to compare the names of all, of which Rocket lends the values.
    let named = |name| request.headers().iter().filter(move |header| header.name == name);
    let token = token(named("Authorization").filter_map(|header| match header.value {
        Cow::Borrowed(value) => Some(value),
        Cow::Owned(_) => None,
    }))?;
    let in_query = request.query_fields().any(|field| field.name == "access_token");
    // Only a request that says what its body is can have one with a token in it.
    let has_body = named("Content-Type").next().is_some();
    if in_query || (has_body && request.local_cache(TokenInBody::default).0) {
        return Err(Rejection::Ambiguous);
    }
    Ok(token)
}

/// Looks for `access_token` in a form's body, as far as Rocket lets one look ahead (512 bytes).
pub(super) async fn note_token_in_body(request: &mut Request<'_>, data: &mut Data<'_>) {
    let headers = request.headers();
    let is_form =
        headers.contains("Content-Type") && request.content_type().is_some_and(|kind| kind.is_form());
    if is_form && headers.contains("Authorization") {
        let found = match body::peek(data, 512).await {
            Ok(body) => body.split(|byte| *byte == b'&').any(|pair| pair.starts_with(b"access_token=")),
            // Whoever sends it so slowly hides something, or has gone.
            Err(Unseen::Late) => true,
            Err(Unseen::Broken) => return malformed::refuse(request, body::UNREADABLE),
        };
        request.local_cache(|| TokenInBody(found));
    }
}
