//! How callers prove who they are, as the document tells it.

use crate::{config::ScopeSettings, grant::OFFLINE_ACCESS, web::cookie};
use utoipa::openapi::{
    Components,
    security::{
        ApiKey, ApiKeyValue, Flow, Http, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
        SecurityScheme,
    },
};

/// Logging in by username and password, for what can do so by itself (Swagger UI's *Authorize*).
pub const LOGIN: &str = "countersign.login";
/// An access token that one has.
pub const BEARER: &str = "countersign.bearer";
/// A client's id and secret.
pub const CLIENT: &str = "countersign.client";
/// A browser's refresh token.
pub const COOKIE: &str = "countersign.cookie";
/// The secret of the feed of revocations.
pub const FEED: &str = "countersign.feed";

/// Adds the ways to these components; `token_url` is where tokens come from.
pub(super) fn describe(components: &mut Components, scopes: &ScopeSettings, token_url: &str, has_feed: bool) {
    let bearer = |text: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text));
        SecurityScheme::Http(scheme.build())
    };
    let scopes = Scopes::from_iter(scopes.all.with(OFFLINE_ACCESS).iter().map(|scope| {
        let text = match scope {
            OFFLINE_ACCESS => "Have the refresh token in the body of the answer instead of a cookie",
            _ => "Of this server's settings",
        };
        (scope, text)
    }));
    let flow = Password::with_refresh_url(token_url.to_owned(), scopes, token_url.to_owned());
    let login = OAuth2::with_description(
        [Flow::Password(flow)],
        "By username and password (RFC 6749 §4.3). For this app's own front ends only (RFC 9700 §2.4); \
         these need no client id.",
    );
    let mut client = Http::new(HttpAuthScheme::Basic);
    client.description =
        Some("A client's id and secret (RFC 6749 §2.3.1); both stand in the body just as well".into());
    let cookie = ApiKeyValue::with_description(
        cookie::NAME,
        "The refresh token of a browser. No script can read it, and only this site's own pages can use it.",
    );
    let jwt = {
        let text = "An access token (RFC 6750 §2.1), as `POST /token` answers it";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        SecurityScheme::Http(scheme.description(Some(text)).build())
    };
    components.add_security_scheme(LOGIN, SecurityScheme::OAuth2(login));
    components.add_security_scheme(BEARER, jwt);
    components.add_security_scheme(CLIENT, SecurityScheme::Http(client));
    components.add_security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    if has_feed {
        components
            .add_security_scheme(FEED, bearer("The secret that the server's settings have for the feed"));
    }
}
