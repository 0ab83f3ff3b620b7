//! What others need to know to verify our tokens and to find our endpoints.

use super::openapi::{KeysAnswer, MetadataAnswer, tag};
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
    pub(super) json: String,
    pub(super) max_age: u64,
}

/// How a client can prove who it is (RFC 8414 §2, by the names of RFC 7591 §2 and OpenID Connect).
const PROOFS: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt"];

#[utoipa::path(
    operation_id = "keys",
    tag = tag::OTHERS,
    summary = "The keys that verify access tokens",
    description = "A JWK Set (RFC 7517 §5), the key that signs now first. Empty where tokens are signed with a secret.",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known")),
    responses(
        (
            status = 200,
            description = "The keys, to be kept for as long as `Cache-Control` says",
            body = KeysAnswer,
            headers(("ETag" = String, description = "Their version"), ("Cache-Control" = String)),
            example = json!({ "keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }] }),
        ),
        (status = 304, description = "They are those of `If-None-Match`"),
    ),
)]
#[get("/.well-known/jwks.json")]
pub(super) fn jwks(authority: &State<Authority>) -> Published {
    Published { json: authority.keys.jwks(), max_age: authority.keys.max_age().as_secs() }
}

/// What this server offers and where (RFC 8414 §2). Only what is there.
#[utoipa::path(
    operation_id = "metadata",
    tag = tag::OTHERS,
    summary = "What this server offers and where",
    description = "Of RFC 8414 §2. Only where the setting `ISSUER` is a URL.",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known")),
    responses(
        (
            status = 200,
            description = "The metadata",
            body = MetadataAnswer,
            headers(("ETag" = String, description = "Its version"), ("Cache-Control" = String)),
            example = json!({
                "issuer": "https://login.example.org", "token_endpoint": "https://login.example.org/token",
                "grant_types_supported": ["password", "refresh_token", "client_credentials"],
                "response_types_supported": [], "scopes_supported": ["offline_access"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                "revocation_endpoint": "https://login.example.org/revoke",
                "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            }),
        ),
        (status = 304, description = "It is the one of `If-None-Match`"),
    ),
)]
#[get("/")]
pub(super) fn metadata(place: &State<Place>, authority: &State<Authority>) -> Published {
    // Without a store of clients there is only the built-in one, which is public.
    let has_clients = authority.stores.clients.is_some();
    let scopes = if has_clients { authority.scopes.of_clients() } else { authority.scopes.all.clone() };
    let scopes = scopes.with(OFFLINE_ACCESS);
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
    rocket.mount(place.metadata_path(), routes![metadata]).manage(place)
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
    pub(super) fn of(issuer: &str, base: &str) -> Option<Self> {
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

    /// Where its metadata is, at the root of its host (RFC 8414 §3).
    pub(super) fn metadata_path(&self) -> String {
        format!("/.well-known/oauth-authorization-server{}", self.path)
    }

    /// What all paths of this server begin with, `base` included, as others know them.
    pub(super) fn root(&self, base: &str) -> &str {
        self.prefix.strip_suffix(base.trim_end_matches('/')).unwrap_or(&self.prefix)
    }

    /// The part of it that a proxy takes away: a path, without a slash at its end.
    pub(super) fn outside(&self, base: &str) -> &str {
        let root = self.root(base);
        let host = root.find("://").map_or(0, |at| at + 3);
        root[host..].find('/').map_or("", |at| &root[host + at..])
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
