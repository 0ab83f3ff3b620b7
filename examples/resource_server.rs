//! A Rocket app that issues no tokens and takes those of another server: by default of a
//! Countersign on port 8000 of this machine, so it needs another one (`ROCKET_PORT=8001`). With
//! `FEED_SECRET`, the issuer's `REVOCATION__FEED_SECRET`, it follows what is revoked there.

use countersign::{Claims, Role, Scope, Verifier, roles, scopes};
use rocket::{get, launch, routes};

roles! { pub Admin = "admin"; }
scopes! { pub ReadReports = "reports:read"; }

#[get("/hello")]
fn hello(claims: &Claims) -> String {
    format!("Hello, {}", claims.subject())
}

#[get("/reports")]
fn reports(_admin: Role<Admin, Claims>) -> &'static str {
    "Only for admins"
}

#[get("/reports/today")]
fn today(caller: Scope<ReadReports>) -> String {
    let who = if caller.is_service() { "service" } else { "person" };
    format!("For a {who}: {}", caller.subject())
}

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.into())
}

#[launch]
fn rocket() -> _ {
    let mut verifier = Verifier::builder(&setting("JWKS_URL", "http://127.0.0.1:8000/.well-known/jwks.json"))
        .issuer(&setting("ISSUER", "countersign"))
        .audience(&setting("AUDIENCE", "countersign"));
    if let Ok(secret) = std::env::var("FEED_SECRET") {
        verifier = verifier.revocations(&setting("FEED_URL", "http://127.0.0.1:8000/revocations"), &secret);
    }
    let verifier = verifier.build().expect("a usable verifier");
    rocket::build().attach(verifier.stage()).mount("/", routes![hello, reports, today])
}
