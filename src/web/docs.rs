//! `/docs`: Swagger UI over `/openapi.json`, to read the API and to try it out.
//!
//! Its files are built in. *Authorize* logs in by password like any page of the site's own.

use super::catcher;
use rocket::{
    Build, Request, Response, Rocket, State, get,
    http::{Header, Status, uri::Origin},
    response::{self, Responder},
    routes,
};
use std::{io::Cursor, path::PathBuf, sync::Arc};
use utoipa_swagger_ui::{Config, SwaggerFile};

/// Nothing but its own files, and requests to its own origin. The hash is of the one `style` attribute in
/// Swagger UI (5.32) that is not set by script, that of the pictures' hiding place; without it they take room.
const POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self' 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What Swagger UI is told.
struct Docs(Arc<Config<'static>>);

pub(super) fn mount(rocket: Rocket<Build>, base: &str) -> Rocket<Build> {
    // Relative, so that it is right behind a proxy that takes a prefix away.
    let config = Config::from("../openapi.json").validator_url("none").try_it_out_enabled(true);
    rocket.mount(base, routes![docs]).manage(Docs(Arc::new(config)))
}

/// A file of Swagger UI's, or the way to the first.
enum Page {
    Folder,
    File(SwaggerFile<'static>),
    Absent,
}

#[get("/docs/<file..>")]
fn docs(file: PathBuf, uri: &Origin<'_>, docs: &State<Docs>) -> Page {
    let file = file.to_str().unwrap_or_default();
    if file.is_empty() && !uri.path().ends_with('/') {
        return Page::Folder;
    }
    match utoipa_swagger_ui::serve(file, docs.0.clone()) {
        Ok(Some(file)) => Page::File(file),
        _ => Page::Absent,
    }
}

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let file = match self {
            Self::Folder => {
                let there = Header::new("Location", "docs/");
                return Response::build().status(Status::PermanentRedirect).header(there).ok();
            }
            Self::Absent => return catcher::problem(Status::NotFound).respond_to(request),
            Self::File(file) => file,
        };
        let mut response = Response::build();
        response.header(Header::new("Content-Type", file.content_type));
        if file.gzpipped {
            response.header(Header::new("Content-Encoding", "gzip"));
        }
        response.header(Header::new("Content-Security-Policy", POLICY));
        response.header(Header::new("Referrer-Policy", "no-referrer"));
        // It changes with the program.
        response.header(Header::new("Cache-Control", "public, max-age=60"));
        response.sized_body(file.bytes.len(), Cursor::new(file.bytes)).ok()
    }
}
