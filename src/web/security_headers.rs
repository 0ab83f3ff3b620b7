//! What browsers may do with an answer.

use rocket::{
    Request, Response, async_trait,
    fairing::{Fairing, Info, Kind},
};

/// What is said of each answer that does not say otherwise: data, for no frame, no script of another
/// site's, and nobody who is linked to.
const USUAL: [(&str, &str); 3] = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
];

/// A fairing for a Rocket whose answers are data: no page may frame or embed them, and no link in them tells
/// where it stood. What an answer says itself is left alone, but for `X-Frame-Options`, which is
/// `DENY`: Rocket's own default would let a site frame itself. `Strict-Transport-Security` is for whoever speaks TLS.
///
/// ```
/// use countersign::{stage, web::SecurityHeaders};
///
/// let rocket = rocket::build().attach(stage()).attach(SecurityHeaders);
/// ```
pub struct SecurityHeaders;

#[async_trait]
impl Fairing for SecurityHeaders {
    fn info(&self) -> Info {
        Info { name: "Countersign's security headers", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, _: &'r Request<'_>, response: &mut Response<'r>) {
        for (name, value) in USUAL {
            if !response.headers().contains(name) {
                response.set_raw_header(name, value);
            }
        }
        response.set_raw_header("X-Frame-Options", "DENY");
    }
}
