//! What others need to know to verify our tokens and to find our endpoints.

use crate::{
    config::Settings,
    grant::{Authority, OFFLINE_ACCESS},
    jwt,
};
use rocket::{
    Build, Request, Response, Rocket, State, get,
    http::{ContentType, Header, Status},
    response::{self, Responder},
    routes,
};
use serde_json::{Value, json};
use std::io::Cursor;

/// A JSON document that is the same for everybody, and for how many seconds anybody may keep it.
pub(super) struct Published {
    json: String,
    max_age: u64,
}

/// The keys that verify our tokens, the signing one first (RFC 7517 §5).
#[get("/.well-known/jwks.json")]
pub(super) fn jwks(authority: &State<Authority>) -> Published {
    Published { json: authority.keys.jwks(), max_age: authority.keys.max_age().as_secs() }
}

/// What this server offers and where (RFC 8414 §2). Only what is there.
#[get("/")]
fn metadata(place: &State<Place>, authority: &State<Authority>) -> Published {
    let scopes = authority.scopes.with(OFFLINE_ACCESS).to_string();
    let mut metadata = json!({
        "issuer": place.issuer,
        "token_endpoint": place.endpoint("/token"),
        "grant_types_supported": ["password", "refresh_token"],
        // There is no authorization endpoint, so there is nothing for it to answer with.
        "response_types_supported": [],
        "scopes_supported": scopes.split(' ').collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported": ["none"],
    });
    let publishes = authority.tokens.ring().publishes(authority.clock.now());
    if publishes {
        metadata["jwks_uri"] = Value::from(place.endpoint("/.well-known/jwks.json"));
    }
    Published { json: metadata.to_string(), max_age: authority.keys.max_age().as_secs() }
}

/// Mounts the metadata where the issuer's URL says that it is (RFC 8414 §3). An issuer that is
/// no URL has none.
pub(super) fn mount(rocket: Rocket<Build>, settings: &Settings, base: &str) -> Rocket<Build> {
    let place = Place::of(&settings.access.issuer, base);
    let Some(place) = place.filter(|_| rocket.state::<Place>().is_none()) else { return rocket };
    let path = format!("/.well-known/oauth-authorization-server{}", place.path);
    rocket.mount(path, routes![metadata]).manage(place)
}

/// Where an issuer is.
struct Place {
    issuer: String,
    /// The path of its URL, without a slash at the end.
    path: String,
    /// What all endpoints begin with.
    prefix: String,
}

impl Place {
    fn of(issuer: &str, base: &str) -> Option<Self> {
        let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        // Nothing that a URL or a route of Rocket's would read otherwise (RFC 8414 §2: no query
        // and no fragment).
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]/".contains(&byte);
        if host.is_empty() || !rest.bytes().all(plain) || path.contains("//") {
            return None;
        }
        // Behind a proxy that takes the issuer's path away, what is mounted here is below it.
        let base = base.trim_end_matches('/');
        let root = issuer.trim_end_matches('/');
        let prefix = if path.ends_with(base) { root.to_owned() } else { format!("{root}{base}") };
        Some(Self { issuer: issuer.to_owned(), path: path.to_owned(), prefix })
    }

    fn endpoint(&self, route: &str) -> String {
        format!("{}{route}", self.prefix)
    }
}

impl<'r> Responder<'r, 'static> for Published {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tag = format!("\"{}\"", jwt::tag(&self.json));
        // RFC 9110 §13.1.2: a list, compared weakly.
        let known = request.headers().get("If-None-Match").flat_map(|list| list.split(','));
        let is_known = known
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == tag || known == "*");
        let mut response = Response::build();
        response.header(Header::new("ETag", tag));
        response.header(Header::new("Cache-Control", format!("public, max-age={}", self.max_age)));
        if is_known {
            return response.status(Status::NotModified).ok();
        }
        response.header(ContentType::JSON).sized_body(self.json.len(), Cursor::new(self.json)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_is_a_plain_url_has_metadata() {
        for (issuer, base, path, token) in [
            ("https://a.example", "/", "", "https://a.example/token"),
            ("https://a.example/", "/", "", "https://a.example/token"),
            ("http://127.0.0.1:8000", "/auth", "", "http://127.0.0.1:8000/auth/token"),
            ("https://a.example/auth", "/auth", "/auth", "https://a.example/auth/token"),
            ("https://a.example/api", "/", "/api", "https://a.example/api/token"),
        ] {
            let place = Place::of(issuer, base).expect(issuer);
            assert_eq!((&*place.path, &*place.endpoint("/token")), (path, token), "{issuer}");
        }
        for issuer in [
            "countersign",
            "https://",
            "https:///x",
            "https://a/<x>",
            "https://a?b",
            "https://a#b",
            "https://a//b",
        ] {
            assert!(Place::of(issuer, "/").is_none(), "{issuer}");
        }
    }
}
