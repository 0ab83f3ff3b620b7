//! `/account`: a page on which people log in, see and end their sessions and change their password, and
//! admins look after users. Its files stand beside this one and are in the program; the page asks the same
//! routes as everybody else.
//!
//! All its URLs are relative, so it works below any base and behind a proxy that takes a prefix away.

use super::{answer::Problem, catcher};
use crate::jwt;
use rocket::{
    Request, Response, get,
    http::{Header, Status, uri::Origin},
    response::{self, Responder},
};
use std::{io::Cursor, sync::LazyLock};

/// What the page may do (CSP level 3): its own files, requests to its own origin, and nothing else. No
/// script or style stands in a document, none comes from a text (`require-trusted-types-for`), nothing is
/// sent by a form without a script, and nobody can put a frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// A file of the page.
pub(super) struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    tag: String,
}

macro_rules! files {
    ($($name:literal)*) => { [$(File::new($name, include_str!($name))),*] };
}

static PAGE: LazyLock<File> = LazyLock::new(|| File::new("index.html", include_str!("index.html")));

static FILES: LazyLock<[File; 15]> = LazyLock::new(|| {
    files![
        "account.css" "icon.svg" "auth.js" "dialog.js" "dom.js" "home.js" "http.js" "login.js" "main.js"
        "password.js" "sessions.js" "user.js" "users.js" "view.js" "words.js"
    ]
});

impl File {
    fn new(name: &'static str, text: &'static str) -> Self {
        let kind = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        };
        Self { name, kind, text, tag: format!("\"{}\"", jwt::tag(text)) }
    }
}

#[get("/account")]
pub(super) fn page(uri: &Origin<'_>) -> Result<&'static File, Elsewhere> {
    if uri.path().ends_with('/') {
        Err(Elsewhere((), Header::new("Location", "../account")))
    } else {
        Ok(&PAGE)
    }
}

#[get("/account/<name>")]
pub(super) fn file(name: &str, uri: &Origin<'_>) -> Result<&'static File, Problem> {
    // Rocket takes a path with a slash too many for the one without.
    let named = |file: &&File| file.name == name && !uri.path().ends_with('/');
    FILES.iter().find(named).ok_or(catcher::problem(Status::NotFound))
}

/// The page has no slash at its end: from there its relative URLs would be others.
#[derive(Responder)]
#[response(status = 308)]
pub(super) struct Elsewhere((), Header<'static>);

/// Whether a request is answered with a file of the page.
struct Answered(bool);

impl<'r> Responder<'r, 'static> for &'static File {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        request.local_cache(|| Answered(true));
        let known = request.headers().get("If-None-Match").flat_map(|list| list.split(','));
        let is_known = known
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == self.tag || known == "*");
        let mut response = Response::build();
        response.header(Header::new("ETag", &*self.tag));
        // Asked for anew each time, and mostly answered that it is the same.
        response.header(Header::new("Cache-Control", "no-cache"));
        response.header(Header::new("Content-Security-Policy", POLICY));
        response.header(Header::new("Referrer-Policy", "same-origin"));
        response.header(Header::new("Cross-Origin-Opener-Policy", "same-origin"));
        response.header(Header::new("Cross-Origin-Resource-Policy", "same-origin"));
        if is_known {
            return response.status(Status::NotModified).ok();
        }
        response.header(Header::new("Content-Type", self.kind));
        response.sized_body(self.text.len(), Cursor::new(self.text)).ok()
    }
}

/// What Rocket's Shield may have set already, and would complain of if it were there before.
pub(super) fn shield(request: &Request<'_>, response: &mut Response<'_>) {
    if request.local_cache(|| Answered(false)).0 {
        response.set_header(Header::new("X-Content-Type-Options", "nosniff"));
        response.set_header(Header::new("X-Frame-Options", "DENY"));
    }
}
