//! The API as an OpenAPI 3.1 document, made of what stands at the routes themselves.
//!
//! Each route is annotated where it is written, with the errors that it answers; here they
//! are put together for the settings and the base that they are mounted with. All names of components
//! begin with `countersign.`, so that an app's own never mean something else.

mod answers;
mod bodies;
mod refusal;
mod security;
mod served;
mod shared;

pub use security::{BEARER, CLIENT, COOKIE, FEED, LOGIN};
/// The crate that the document is made with, for an app that adds to it.
pub use utoipa;

pub(super) use answers::{
    IntrospectionAnswer, KeysAnswer, MetadataAnswer, RegisteredClient, RevocationsAnswer,
};
pub(super) use bodies::{
    ClientChange, LogoutForm, NewClient, NewUser, PasswordOf, QueryForm, SecretRotation, TokenForm,
    UserChange,
};
pub(super) use refusal::{
    Absent, Administrator, Body, Client, Cookie, Form, Guesses, Holder, Person, Refusal, Refusals, Refuses,
    Revoking, Stores, TooOften, refusals,
};
pub(super) use served::mount;

use super::{
    admin, health, introspect, logout, me, metrics, revocations, revoke, sessions, token, well_known,
};
use crate::config::{MetricsPlace, Settings};
use utoipa::{
    OpenApi as _,
    openapi::{OpenApi, Paths, Server, ServerBuilder},
};
use well_known::Place;

/// Under what headings the operations stand.
pub(super) mod tag {
    pub(in crate::web) const TOKENS: &str = "Tokens";
    pub(in crate::web) const ACCOUNT: &str = "Account";
    pub(in crate::web) const ADMIN: &str = "Administration";
    pub(in crate::web) const OTHERS: &str = "For other servers";
    pub(in crate::web) const HEALTH: &str = "Health";
}

/// What is mounted whatever the settings are. A new route is added here, and a test says so if it is not.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        token::token,
        logout::logout,
        revoke::revoke,
        introspect::introspect,
        me::me,
        me::password,
        sessions::list,
        sessions::end,
        sessions::end_all,
        admin::users::list,
        admin::users::show,
        admin::users::add,
        admin::users::change,
        admin::users::delete,
        admin::users::password::set,
        admin::users::sessions::list,
        admin::users::sessions::end,
        admin::users::sessions::end_all,
        admin::clients::list,
        admin::clients::show,
        admin::clients::add,
        admin::clients::change,
        admin::clients::rotate_secret,
        admin::clients::delete,
        health::live,
        health::ready,
        well_known::jwks,
    ),
    components(schemas(refusal::Error)),
    tags(
        (name = tag::TOKENS, description = "Log in, stay logged in, log out; what clients do with tokens"),
        (name = tag::ACCOUNT, description = "One's own account and sessions"),
        (name = tag::ADMIN, description = "What needs the role `admin`"),
        (name = tag::OTHERS, description = "What other servers and programs need to know of this one"),
        (name = tag::HEALTH, description = "For load balancers and orchestrators"),
    )
)]
struct Always;

/// With a secret for the feed.
#[derive(utoipa::OpenApi)]
#[openapi(paths(revocations::revocations))]
struct WithFeed;

/// With `DOCS`.
#[derive(utoipa::OpenApi)]
#[openapi(paths(served::openapi))]
struct WithDocs;

/// With `METRICS=on`.
#[derive(utoipa::OpenApi)]
#[openapi(paths(metrics::metrics))]
struct WithMetrics;

/// With an issuer that is a URL; its path is the issuer's.
#[derive(utoipa::OpenApi)]
#[openapi(paths(well_known::metadata))]
struct WithMetadata;

/// The document of the routes that [`stage()`](crate::stage()) mounts at `base` with these settings.
///
/// [`Stage::openapi`](super::Stage::openapi) serves an app's own document and this one as one. The
/// other way round, to serve ours with theirs:
///
/// ```
/// use countersign::{CurrentUser, config::{Environment, Settings}, web::openapi::{self, utoipa}};
/// use utoipa::OpenApi;
///
/// /// Says hello.
/// #[utoipa::path(get, path = "/hello", security(("countersign.login" = []), ("countersign.bearer" = [])))]
/// fn hello(user: &CurrentUser) -> String {
///     format!("Hello, {}", user.username())
/// }
///
/// #[derive(utoipa::OpenApi)]
/// #[openapi(paths(hello))]
/// struct Mine;
///
/// let environment = Environment::from_pairs([("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1")]);
/// let settings = Settings::load(&rocket::Config::figment(), environment)?;
/// let all = Mine::openapi().merge_from(openapi::document(&settings, "/auth"));
/// assert!(all.paths.paths.contains_key("/hello") && all.paths.paths.contains_key("/auth/token"));
/// # Ok::<(), countersign::config::SettingsError>(())
/// ```
pub fn document(settings: &Settings, base: &str) -> OpenApi {
    let base = base.trim_end_matches('/');
    let place = Place::of(&settings.access.issuer, base);
    let has_feed = settings.revocation.feed_secret.is_some();
    let mut document = Always::openapi();
    if has_feed {
        document.merge(WithFeed::openapi());
    }
    if settings.docs {
        document.merge(WithDocs::openapi());
    }
    if settings.metrics == MetricsPlace::Here {
        document.merge(WithMetrics::openapi());
    }
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (format!("{base}{path}"), item)).collect();
    // What a proxy takes away from every path before it comes here.
    let outside = place.as_ref().map(|place| place.outside(base)).unwrap_or_default();
    if let Some(place) = &place {
        add_metadata(&mut document, place, outside);
        let server = ServerBuilder::new().url(place.root(base)).description(Some("As others know it"));
        document.servers = Some(vec![here(outside), server.build()]);
    }
    document.info.title = "Countersign".into();
    document.info.description = Some(ABOUT.into());
    document.info.contact = None;
    if let Some(components) = &mut document.components {
        security::describe(components, &settings.scopes, &format!("{outside}{base}/token"), has_feed);
    }
    shared::leave_out(&mut document);
    shared::share(&mut document);
    document
}

const ABOUT: &str = "Authentication for Rocket.\n\nEvery error is JSON with a constant text; each operation shows \
    all that it answers. Besides, any path answers 405 with `Allow` to a method that it does not take, and 500 \
    would be a mistake of ours. A member of an answer that you do not know is to be passed over.";

/// Where the document itself comes from.
fn here(outside: &str) -> Server {
    let url = if outside.is_empty() { "/" } else { outside };
    ServerBuilder::new().url(url).description(Some("Where this document comes from")).build()
}

/// It stands at the host's root, outside of any base (RFC 8414 §3).
fn add_metadata(document: &mut OpenApi, place: &Place, outside: &str) {
    let mut metadata = WithMetadata::openapi();
    let paths = std::mem::take(&mut metadata.paths.paths);
    let mut at_root = Paths::new();
    for (_, mut item) in paths {
        item.servers = (!outside.is_empty()).then(|| vec![here("")]);
        at_root.paths.insert(place.metadata_path(), item);
    }
    metadata.paths = at_root;
    document.merge(metadata);
}
