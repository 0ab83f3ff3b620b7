//! The kit for everybody's own routes: that it is right, and that it notices.

mod kit;
mod listed;
mod ours;
mod protected;

use countersign::{
    Claims, CurrentUser, Role, Scope,
    config::{Environment, Settings},
    roles, scopes, stage,
};
use rocket::{Build, Rocket, delete, get, http::Status, post, routes};

roles! { Editor = "editor"; }
scopes! { Read = "orders:read"; }

const KEY: &str = "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

#[get("/user")]
fn user(user: &CurrentUser) -> String {
    user.username().to_string()
}

#[get("/claims?<page>")]
fn claims(claims: Claims, page: Option<u32>) -> String {
    format!("{} {page:?}", claims.subject())
}

#[post("/articles", data = "<text>")]
fn articles(_editor: Role<Editor>, text: &str) -> (Status, String) {
    (if text.is_empty() { Status::UnprocessableEntity } else { Status::Created }, text.to_owned())
}

#[get("/orders")]
fn orders(reader: Scope<Read>) -> String {
    reader.subject().into()
}

#[delete("/drafts")]
fn drafts(_both: Role<Editor, Scope<Read, CurrentUser>>) -> Status {
    Status::NoContent
}

/// A Rocket of somebody's own, with all of that.
fn app() -> Rocket<Build> {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", KEY),
        ("COUNTERSIGN_SCOPES", "orders:read"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_METRICS", "on"),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let routes = routes![user, claims, articles, orders, drafts];
    rocket::build().attach(stage().settings(settings)).mount("/", routes)
}
