//! `GET /openapi.json`: the document.

use super::{document, tag};
use crate::{config::Settings, web::well_known::Published};
use rocket::{Build, Rocket, State, get, routes};
use utoipa::openapi::OpenApi;

/// The document as it is served.
pub(in crate::web) struct Document(String);

/// How long it may be kept, in seconds: it changes with the settings only, and so with a restart.
const MAX_AGE: u64 = 60;

#[utoipa::path(
    operation_id = "openapi",
    tag = tag::OTHERS,
    summary = "This document",
    description = "OpenAPI 3.1. Only where the setting `DOCS` is on; `countersign openapi` prints it anywhere.",
    responses(
        (
            status = 200,
            description = "The document, with an `ETag`",
            body = Object,
            headers(("ETag" = String, description = "Its version"), ("Cache-Control" = String)),
            example = json!({ "openapi": "3.1.0", "info": { "title": "Countersign", "version": "0.1.0" }, "paths": {} }),
        ),
        (status = 304, description = "It is the one of `If-None-Match`"),
    ),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known")),
)]
#[get("/openapi.json")]
pub(super) fn openapi(document: &State<Document>) -> Published {
    Published { json: document.0.clone(), max_age: MAX_AGE }
}

/// Serves the document, the app's own as well if it has one, and a page to read it and try it out.
pub(in crate::web) fn mount(
    rocket: Rocket<Build>,
    settings: &Settings,
    base: &str,
    own: Option<&OpenApi>,
) -> Rocket<Build> {
    // A second stage is refused later, and with a sentence.
    if rocket.state::<Document>().is_some() {
        return rocket;
    }
    let ours = document(settings, base);
    let all = match own {
        Some(own) => own.clone().merge_from(ours),
        None => ours,
    };
    let Ok(json) = all.to_json() else {
        tracing::error!("the OpenAPI document cannot be written");
        return rocket;
    };
    let rocket = rocket.mount(base, routes![openapi]).manage(Document(json));
    #[cfg(feature = "docs")]
    let rocket = crate::web::docs::mount(rocket, base);
    #[cfg(not(feature = "docs"))]
    tracing::warn!(
        "DOCS is on, but only /openapi.json is there: this build has no Swagger UI (feature `docs`)"
    );
    rocket
}
