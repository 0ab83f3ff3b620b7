//! A Rocket app of one's own that asks who is calling.

use countersign::{CurrentUser, Role, roles, stage};
use rocket::{get, launch, routes};

roles! { pub Admin = "admin"; }

#[get("/hello")]
fn hello(user: &CurrentUser) -> String {
    format!("Hello, {}", user.username())
}

#[get("/reports")]
fn reports(_admin: Role<Admin>) -> &'static str {
    "Only for admins"
}

#[launch]
fn rocket() -> _ {
    rocket::build().attach(stage()).mount("/", routes![hello, reports])
}
