//! Our own routes, each of them.

use super::app;
use countersign::{
    audit::Actor,
    clock::{Clock, SystemClock},
    grant::{Authority, TokenRequest},
    password::Password,
    testing::{Answer, Kit, Protected, Reply, Report},
};
use rocket::{
    http::{ContentType, Header, Method},
    local::blocking::Client,
};
use std::collections::BTreeSet;

/// Everybody may ask these, or whoever proves in another way who they are.
const PUBLIC: [&str; 12] = [
    "POST /token",
    "POST /logout",
    "POST /revoke",
    "POST /introspect",
    "GET /account",
    "GET /account/<name>",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs/<file..>",
    "GET /.well-known/jwks.json",
];

/// These show something to a good token, as often as it likes.
const SHOWN: [(&str, Option<&str>); 4] =
    [("/me", None), ("/sessions", None), ("/admin/users", Some("admin")), ("/admin/clients", Some("admin"))];

/// These change something, so that a good token is no control: the way to them in the table of routes, and
/// a request.
const CHANGES: [(&str, &str); 16] = [
    ("POST /me/password", "/me/password"),
    ("DELETE /sessions", "/sessions"),
    ("DELETE /sessions/<id>", "/sessions/6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("POST /admin/users", "/admin/users"),
    ("GET /admin/users/<id>", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
    ("PATCH /admin/users/<id>", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
    ("DELETE /admin/users/<id>", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
    ("POST /admin/users/<id>/password", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8/password"),
    ("GET /admin/users/<id>/sessions", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8/sessions"),
    ("DELETE /admin/users/<id>/sessions", "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8/sessions"),
    (
        "DELETE /admin/users/<id>/sessions/<session>",
        "/admin/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8/sessions/x",
    ),
    ("POST /admin/clients", "/admin/clients"),
    ("GET /admin/clients/<id>", "/admin/clients/orders"),
    ("PATCH /admin/clients/<id>", "/admin/clients/orders"),
    ("POST /admin/clients/<id>/rotate-secret", "/admin/clients/orders/rotate-secret"),
    ("DELETE /admin/clients/<id>", "/admin/clients/orders"),
];

fn client() -> Client {
    Client::tracked(app()).expect("a rocket that launches")
}

/// The table of routes, without what this test's own app has mounted.
fn routes(client: &Client) -> BTreeSet<String> {
    let ours = |path: &str| !["/user", "/claims", "/articles", "/orders", "/drafts"].contains(&path);
    let routes = client.rocket().routes().map(|route| (route.method, route.uri.path()));
    routes.filter(|(_, path)| ours(path)).map(|(method, path)| format!("{method} {path}")).collect()
}

#[test]
fn every_route_of_ours_is_known_to_be_public_or_protected() {
    let shown = SHOWN.map(|(path, _)| format!("GET {path}"));
    let changes = CHANGES.map(|(route, _)| route.to_owned());
    let known = PUBLIC.map(str::to_owned).into_iter().chain(shown).chain(changes).collect();
    assert_eq!(routes(&client()), known);
}

#[test]
fn what_shows_something_shows_it_to_good_tokens_only() {
    let client = client();
    for (path, role) in SHOWN {
        let route = Protected::new(Method::Get, path);
        role.into_iter().fold(route, Protected::role).assert(&client);
    }
}

#[test]
fn what_changes_something_does_so_for_no_bad_token() {
    let client = client();
    let authority = client.rocket().state::<Authority>().expect("managed");
    let password = Password::parse("a-long-password").expect("a password");
    let (name, roles) = ("root".parse().expect("a name"), ["admin".parse().expect("a role")].into());
    let now = SystemClock.now();
    let good = rocket::execute(async {
        authority.accounts(Actor::Server).add(name, password, roles, now).await.expect("added");
        let request = TokenRequest {
            username: Some("root".into()),
            password: Some(String::from("a-long-password").into()),
            ..TokenRequest::default()
        };
        authority.token(request, Default::default()).await.expect("tokens").access_token
    });
    let kit =
        Kit::from_token(&good, now).expect("a kit").with_ring(&authority.tokens.ring()).expect("its ring");
    for (route, path) in CHANGES {
        let method = route.split(' ').next().expect("a method").parse().expect("a method");
        let mut report = Report::on(route);
        for case in kit.bad() {
            let mut request = client.req(method, case.target(path)).header(ContentType::JSON).body("{}");
            for value in case.authorization() {
                request.add_header(Header::new("Authorization", value.clone()));
            }
            if let Some((name, value)) = case.header() {
                request.add_header(Header::new(name, value.to_owned()));
            }
            let response = request.dispatch();
            let challenges = response.headers().get("WWW-Authenticate").map(str::to_owned).collect();
            report.note(&case, Reply { status: response.status().code, challenges });
        }
        assert!(report.wrong().is_empty() && report.asked() > 350, "{report}");
    }
    // The control: it was not for another reason that they were refused.
    let bearer = Header::new("Authorization", format!("Bearer {good}"));
    let response = client.delete("/sessions").header(bearer).dispatch();
    let reply = Reply { status: response.status().code, challenges: vec![] };
    assert!(Answer::Accepted.is(&reply), "{reply}");
}
