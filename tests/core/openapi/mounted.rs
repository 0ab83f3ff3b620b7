//! Every mounted route is in the document, and nothing else is.

use super::{DOCS, FEED, NO_DOCS, answered, app, json, json_of, operations, settings};
use crate::PASSWORD;
use countersign::{
    account::Accounts, audit::Actor, clock::UnixTime, grant::Authority, password::Password,
    web::openapi::document,
};
use rocket::{
    Route, async_test,
    http::{ContentType, Header, Status},
    local::asynchronous::Client,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Pages for people, which no program calls: what is below these.
const PAGES: [&str; 2] = ["/docs", "/account"];

/// A method, a path, and the names of the parameters in it and in the query that the route itself declares.
type Declared = (String, String, BTreeSet<String>);

fn declared(route: &Route, base: &str) -> Option<Declared> {
    let path = route.uri.path().to_owned();
    let own = path.strip_prefix(base.trim_end_matches('/')).unwrap_or(&path);
    if PAGES.iter().any(|page| own == *page || own.starts_with(&format!("{page}/"))) {
        return None;
    }
    let query = route.uri.query().map(|query| query.to_string()).unwrap_or_default();
    let name = |part: &str| {
        let part = part.split_once('=').map_or(part, |(_, value)| value);
        part.strip_prefix('<')?.strip_suffix('>').map(|name| name.trim_end_matches("..").to_owned())
    };
    let names = path.split('/').chain(query.split('&')).filter_map(name).collect();
    let path = path.replace("..>", ">").replace('<', "{").replace('>', "}");
    let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
    Some((route.method.to_string(), path, names))
}

fn parameters(operation: &Value, place: &str) -> BTreeSet<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(|one| one["in"] == place).map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[async_test]
async fn the_document_has_each_mounted_route_with_its_parameters_and_no_other() {
    let issuer = ("COUNTERSIGN_ISSUER", "https://login.example.org/a");
    for (pairs, base) in [
        (&[NO_DOCS][..], "/"),
        (&[DOCS], "/"),
        (&[DOCS, FEED, issuer], "/"),
        (&[FEED, issuer, NO_DOCS], "/auth"),
        (&[DOCS, FEED, ("COUNTERSIGN_ISSUER", "https://login.example.org")], "/auth"),
    ] {
        let settings = settings(pairs);
        let rocket = app(&settings, base).ignite().await.expect("a rocket");
        let mounted: BTreeSet<_> = rocket.routes().filter_map(|route| declared(route, base)).collect();
        let document = json(&document(&settings, base));
        let told: BTreeSet<Declared> = operations(&document)
            .into_iter()
            .map(|(method, path, operation)| (method, path, parameters(operation, "path")))
            .collect();
        let missing: Vec<_> = mounted.difference(&told).collect();
        let too_many: Vec<_> = told.difference(&mounted).collect();
        assert!(
            missing.is_empty() && too_many.is_empty(),
            "{pairs:?} at {base}: not in the document, or different: {missing:#?}; not mounted: {too_many:#?}"
        );
        assert!(mounted.len() > 18);
    }
}

/// Routes read their query themselves, so Rocket does not know their parameters; but each that is told of is
/// refused when it stands twice, so it is read.
#[async_test]
async fn each_parameter_of_a_query_is_read() {
    let pairs = [DOCS, FEED];
    let document = json_of(&pairs, "/");
    let client = Client::tracked(app(&settings(&pairs), "/")).await.expect("a rocket");
    let authority: &Authority = client.rocket().state().expect("managed");
    let accounts: Accounts = authority.accounts(Actor::Server);
    let password = Password::parse(PASSWORD).expect("a password");
    let (name, roles) = ("root".parse().expect("a name"), [("admin".parse().expect("a role"))].into());
    accounts.add(name, password, roles, UnixTime(0)).await.expect("added");
    let login =
        client.post("/token").header(ContentType::Form).body(format!("username=root&password={PASSWORD}"));
    let tokens: Value = answered(login.dispatch().await).await;
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        for name in parameters(operation, "query") {
            let secret = if path == "/revocations" {
                FEED.1
            } else {
                tokens["access_token"].as_str().expect("a token")
            };
            let uri = format!("{path}?{name}=1&{name}=1");
            let request = client.req(method.parse().expect("a method"), uri);
            let answer =
                request.header(Header::new("Authorization", format!("Bearer {secret}"))).dispatch().await;
            assert_eq!(answer.status(), Status::BadRequest, "{method} {path} {name}");
            tried += 1;
        }
    }
    assert_eq!(tried, 10);
}
