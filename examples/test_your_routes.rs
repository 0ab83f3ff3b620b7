//! The unhappy paths of your own routes, a line for each: `cargo test --example test_your_routes`.
//!
//! In an app of your own, put `countersign` with the feature `testing` among its dev-dependencies and
//! the tests below beside its routes.

use countersign::{CurrentUser, Role, Scope, roles, scopes, stage};
use rocket::{Build, Rocket, get, http::Status, launch, post, routes};

roles! { pub Editor = "editor"; }
scopes! { pub ReadOrders = "orders:read"; }

#[get("/profile")]
fn profile(user: &CurrentUser) -> String {
    format!("You are {}", user.username())
}

#[post("/articles", data = "<text>")]
fn write(editor: Role<Editor>, text: String) -> (Status, String) {
    (Status::Created, format!("{} wrote {text}", editor.username()))
}

#[get("/orders")]
fn orders(caller: Scope<ReadOrders>) -> String {
    format!("Orders of {}", caller.subject())
}

#[launch]
fn app() -> Rocket<Build> {
    rocket::build().attach(stage()).mount("/", routes![profile, write, orders])
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign::testing::{Protected, assert_protected};
    use rocket::{
        http::{ContentType, Method},
        local::blocking::Client,
    };

    /// The app as it is, with users who are gone with the test.
    fn tested() -> Rocket<Build> {
        let settings = rocket::Config::figment()
            .merge(("log_level", "off"))
            .merge(("auth.database_url", "memory:"))
            .merge(("auth.signing_key", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"))
            .merge(("auth.scopes", "orders:read"));
        app().configure(settings)
    }

    fn client() -> Client {
        Client::tracked(tested()).expect("an app that launches")
    }

    #[test]
    fn only_those_who_are_logged_in_see_their_profile() {
        assert_protected(&client(), Method::Get, "/profile");
    }

    #[test]
    fn only_editors_write_articles() {
        Protected::new(Method::Post, "/articles")
            .role("editor")
            .header(ContentType::Plain)
            .body("Hello")
            .assert(&client());
    }

    #[test]
    fn only_those_who_may_read_orders_see_them() {
        Protected::new(Method::Get, "/orders").scope("orders:read").assert(&client());
    }

    #[test]
    fn a_route_without_a_guard_is_noticed() {
        #[get("/open")]
        fn open() -> &'static str {
            "Hello, whoever you are"
        }

        let client = Client::tracked(tested().mount("/", routes![open])).expect("an app that launches");
        let report = Protected::new(Method::Get, "/open").report(&client);
        assert!(!report.wrong().is_empty(), "{report}");
    }
}
