//! The account page where an app mounts it.

use countersign::{
    config::{Environment, Settings},
    stage,
};
use rocket::{http::Status, local::blocking::Client, shield::Shield};

fn client(page: &str, base: &str, shield: Shield) -> Client {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_ACCOUNT_PAGE", page),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let stage = stage().settings(settings).mounted_at(base);
    Client::tracked(rocket::build().attach(stage).attach(shield)).expect("a rocket that launches")
}

#[test]
fn the_page_is_where_the_other_routes_are() {
    let client = client("on", "/auth/v1", Shield::default());
    let page = client.get("/auth/v1/account").dispatch();
    assert_eq!(page.status(), Status::Ok);
    let page = page.into_string().expect("a text");
    let mut files = 0;
    for name in page.split("\"account/").skip(1).map(|rest| rest.split('"').next().expect("a name")) {
        // As a browser resolves it from there.
        assert_eq!(client.get(format!("/auth/v1/account/{name}")).dispatch().status(), Status::Ok, "{name}");
        files += 1;
    }
    assert!(files > 10, "{files} files");
    for path in ["/account", "/account/main.js", "/auth/account", "/auth/v1/account/x"] {
        assert_eq!(client.get(path).dispatch().status(), Status::NotFound, "{path}");
    }
    let slash = client.get("/auth/v1/account/").dispatch();
    assert_eq!((slash.status().code, slash.headers().get_one("Location")), (308, Some("../account")));
}

#[test]
fn an_app_that_does_not_want_it_has_none() {
    let client = client("off", "/auth", Shield::default());
    for path in ["/auth/account", "/auth/account/main.js"] {
        assert_eq!(client.get(path).dispatch().status(), Status::NotFound, "{path}");
    }
    assert_eq!(client.get("/auth/health/live").dispatch().status(), Status::Ok);
}

/// Whoever takes Rocket's Shield away still has a page that is safe.
#[test]
fn its_headers_do_not_depend_on_the_app() {
    let client = client("on", "/", Shield::new());
    for path in ["/account", "/account/main.js"] {
        let reply = client.get(path).dispatch();
        let all = |name| reply.headers().get(name).collect::<Vec<_>>();
        assert_eq!(all("X-Content-Type-Options"), ["nosniff"], "{path}");
        assert_eq!(all("X-Frame-Options"), ["DENY"], "{path}");
        assert_eq!(all("Content-Security-Policy").len(), 1, "{path}");
    }
    let other = client.get("/health/live").dispatch();
    assert_eq!(other.headers().get_one("X-Frame-Options"), None, "the app's own business");
}
