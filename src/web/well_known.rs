//! What others need to know to verify our tokens and to find our endpoints.

use crate::{
    client::GrantType,
    config::Settings,
    grant::{Authority, OFFLINE_ACCESS},
    jwt::{self, Algorithm},
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

/// How a client can prove who it is (RFC 8414 §2, by the names of RFC 7591 §2 and OpenID Connect).
const PROOFS: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// The keys that verify our tokens, the signing one first (RFC 7517 §5).
#[get("/.well-known/jwks.json")]
pub(super) fn jwks(authority: &State<Authority>) -> Published {
    Published { json: authority.keys.jwks(), max_age: authority.keys.max_age().as_secs() }
}

/// What this server offers and where (RFC 8414 §2). Only what is there.
#[get("/")]
fn metadata(place: &State<Place>, authority: &State<Authority>) -> Published {
    let scopes = authority.scopes.all.with(OFFLINE_ACCESS);
    // Without a store of clients there is only the built-in one, which is public.
    let has_clients = authority.stores.clients.is_some();
    let grants =
        GrantType::ALL.into_iter().filter(|grant| has_clients || *grant != GrantType::ClientCredentials);
    let proofs = if has_clients { PROOFS } else { &[] };
    let ways = ["none"].iter().chain(proofs).collect::<Vec<_>>();
    let mut metadata = json!({
        "issuer": place.issuer,
        "token_endpoint": place.endpoint("/token"),
        "grant_types_supported": grants.collect::<Vec<_>>(),
        // There is no authorization endpoint, so there is nothing for it to answer with.
        "response_types_supported": [],
        "scopes_supported": scopes.iter().collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported": ways,
        "revocation_endpoint": place.endpoint("/revoke"),
        "revocation_endpoint_auth_methods_supported": ways,
    });
    if has_clients {
        metadata["introspection_endpoint"] = Value::from(place.endpoint("/introspect"));
        metadata["introspection_endpoint_auth_methods_supported"] = json!(proofs);
        for endpoint in ["token", "revocation", "introspection"] {
            let member = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            metadata[member] = json!(Algorithm::ASYMMETRIC.map(Algorithm::name));
        }
    }
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
pub(super) struct Place {
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

    pub(super) fn endpoint(&self, route: &str) -> String {
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
