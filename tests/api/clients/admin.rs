//! `/admin/clients`: who may come there, and seeing and registering clients.

use super::{SCOPES, admin, ask, assert_bad, basic, request, service, start, token_of_service};
use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    server::{PASSWORD, Server},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_every_store![
    only_an_admin_sees_and_changes_clients,
    pages_hold_every_client_once_in_the_order_of_bytes,
    a_page_is_asked_for_exactly_or_not_at_all,
    a_client_is_registered_and_works_at_once,
    a_field_that_is_wrong_is_named_and_nothing_is_registered,
    a_body_that_is_no_object_registers_nothing,
    a_taken_id_is_a_conflict_and_replaces_nothing,
];

/// Each route, with a body that would be good.
fn routes(id: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let one = format!("/admin/clients/{id}");
    vec![
        ("GET", "/admin/clients".into(), None),
        ("POST", "/admin/clients".into(), Some(json!({ "id": "new" }))),
        ("GET", one.clone(), None),
        ("PATCH", one.clone(), Some(json!({ "name": "x" }))),
        ("POST", format!("{one}/rotate-secret"), Some(json!({ "overlap": 0 }))),
        ("DELETE", one, None),
    ]
}

fn only_an_admin_sees_and_changes_clients(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    let (ada, root) = (server.login("ada"), server.login("root"));
    let own = token_of_service(&server, ("worker", &secret), "items");
    let before = admin(&server, &root, "GET", "/admin/clients/worker", None).json();
    for (method, path, body) in routes("worker") {
        let send = |with: &dyn Fn(Request) -> Request| {
            let reply = server.send(with(request(method, &path, body.as_ref())));
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{method} {path}");
            let error = reply.json()["error"].as_str().unwrap_or_default().to_owned();
            (reply.status, error, reply.header("www-authenticate").map(str::to_owned))
        };
        let nobody = send(&|request| request);
        assert_eq!(nobody, (401, "unauthorized".into(), Some("Bearer".into())), "{method} {path}");
        let client = send(&|request| request.header("Authorization", basic("worker", &secret)));
        assert_eq!(client.0, 401, "{method} {path}: a secret is no access token");
        for (who, token) in [("ada", &ada), ("worker", &own)] {
            let (status, error, _) = send(&|request| request.bearer(token));
            assert_eq!((status, &*error), (403, "insufficient_scope"), "{who}: {method} {path}");
        }
    }
    assert_eq!(admin(&server, &root, "GET", "/admin/clients/worker", None).json(), before);
    assert_eq!(ids(&admin(&server, &root, "GET", "/admin/clients", None)), ["worker"]);

    for (method, path, allow) in [
        ("PUT", "/admin/clients", "GET, HEAD, POST"),
        ("DELETE", "/admin/clients", "GET, HEAD, POST"),
        ("PUT", "/admin/clients/worker", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/admin/clients/worker", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/admin/clients/worker/rotate-secret", "POST"),
        ("PUT", "/admin/clients/worker/rotate-secret", "POST"),
    ] {
        let reply = admin(&server, &root, method, path, None);
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    let head = |path: &str| admin(&server, &root, "HEAD", path, None);
    assert_eq!((head("/admin/clients").status, head("/admin/clients").text()), (200, ""));
    let reply = head("/admin/clients/worker/rotate-secret");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    for path in ["nobody", "Worker", "worker%20", "%ff", "a%00", "first-party", &"w".repeat(65)] {
        for (method, path, body) in routes(path).into_iter().skip(2) {
            let reply = admin(&server, &root, method, &path, body.as_ref());
            assert_eq!((reply.status, &reply.json()["error"]), (404, &json!("not_found")), "{method} {path}");
        }
    }
    server.is_well();
}

fn ids(page: &Reply) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.json();
    let clients = page["clients"].as_array().expect("an array");
    clients.iter().map(|client| client["id"].as_str().expect("an id").to_owned()).collect()
}

fn pages_hold_every_client_once_in_the_order_of_bytes(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    assert_eq!(
        admin(&server, &root, "GET", "/admin/clients", None).json(),
        json!({ "clients": [], "next": null })
    );
    let shapes = ["a-", "a.", "a0", "A", "a_", "aa", "B_", "b", "0.", "Z-"];
    let mut all = BTreeSet::new();
    for number in 0..205 {
        let id = format!("{}{number}", shapes[number % shapes.len()]);
        let body = json!({ "id": id, "public": true });
        assert_eq!(admin(&server, &root, "POST", "/admin/clients", Some(&body)).status, 201, "{id}");
        all.insert(id);
    }
    let all = Vec::from_iter(all);
    for (query, pages) in [("limit=100&", &[100, 100, 5][..]), ("limit=200&", &[200, 5]), ("", &[50; 4])] {
        let (mut seen, mut lengths, mut after) = (vec![], vec![], String::new());
        for _ in pages {
            let page = admin(&server, &root, "GET", &format!("/admin/clients?{query}{after}"), None);
            let found = ids(&page);
            lengths.push(found.len());
            seen.extend(found);
            match page.json()["next"].as_str() {
                Some(next) => after = format!("after={next}"),
                None => assert_eq!(seen.len(), all.len(), "the last page"),
            }
        }
        assert_eq!((lengths.as_slice(), seen.as_slice()), (pages, &all[..seen.len()]), "{query}");
    }
    // A page that is just full is the last one all the same.
    let last = admin(&server, &root, "GET", &format!("/admin/clients?limit=5&after={}", all[199]), None);
    assert_eq!((ids(&last), &last.json()["next"]), (all[200..].to_vec(), &json!(null)));
    // Whatever comes after an id that nobody has, or in another spelling.
    let from = all.iter().position(|id| id.as_str() > "a.zzz").expect("there are more");
    for after in ["a.zzz", "a%2Ezzz", "%61.zzz"] {
        let page = admin(&server, &root, "GET", &format!("/admin/clients?limit=1&after={after}"), None);
        assert_eq!(ids(&page), all[from..=from], "{after}");
    }
}

fn a_page_is_asked_for_exactly_or_not_at_all(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    service(&server, "worker", &[]);
    for route in ["/admin/clients", "/admin/users"] {
        let ask = |query: &str| admin(&server, &root, "GET", &format!("{route}?{query}"), None);
        let limit = "limit must be a whole number from 1 to 200";
        let encoding = "must be percent-encoded UTF-8";
        let after = if route.ends_with("users") {
            "after must be a user name"
        } else {
            "after must be a client's id"
        };
        let twice = "A parameter stands twice";
        for (query, named) in [
            ("limit", limit),
            ("limit=", limit),
            ("limit=0", limit),
            ("limit=201", limit),
            ("limit=-1", limit),
            ("limit=+1", limit),
            ("limit=%2B1", limit),
            ("limit=1.0", limit),
            ("limit=ten", limit),
            ("limit=99999999999999999999", limit),
            ("limit=%ff", encoding),
            ("limit=1&limit=1", twice),
            ("limit=1&after=a&limit=2", twice),
            ("after", after),
            ("after=", after),
            ("after=a+b", after),
            ("after=a%20b", after),
            ("after=%00", after),
            ("after=%ff", encoding),
            ("after=%C3", encoding),
            ("after=%", encoding),
            ("after=%4", encoding),
            ("after=%zz", encoding),
            ("after=a&after=a", twice),
            ("after=a&after", twice),
        ] {
            assert_bad(&ask(query), named, query);
        }
        for query in
            ["", "limit=200", "limit=007", "limit=%31", "after=0&limit=1", "other=1&other=2", "&&limit=1&"]
        {
            assert_eq!(ask(query).status, 200, "{query}: {}", ask(query).text());
        }
        assert_eq!(ask("access_token=x").status, 400, "a token is never looked for there");
    }
}

fn a_client_is_registered_and_works_at_once(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    let register = |body: Value| admin(&server, &root, "POST", "/admin/clients", Some(&body));
    let full = json!({
        "id": "Backend.1", "public": false, "name": "B\u{e4}ckend", "scope": "items reports:read",
        "grants": ["client_credentials", "password", "password"], "access_ttl": 60, "idle": 600,
        "absolute": 6000, "introspects": true,
    });
    let reply = register(full.clone());
    assert_eq!((reply.status, reply.header("cache-control")), (201, Some("no-store")), "{}", reply.text());
    let mut told = reply.json();
    let secret = told["secret"].take().as_str().expect("a secret").to_owned();
    let created = told["created_at"].clone();
    let secrets = json!([{ "created_at": created, "ends_at": null }]);
    let expected = json!({
        "id": "Backend.1", "name": "B\u{e4}ckend", "authentication": "client_secret", "secrets": secrets,
        "grants": ["password", "client_credentials"], "scope": "items reports:read", "access_ttl": 60,
        "idle": 600, "absolute": 6000, "introspects": true, "disabled": false, "created_at": created,
    });
    told.as_object_mut().expect("an object").remove("secret");
    assert_eq!(told, expected);
    let token = token_of_service(&server, ("Backend.1", &secret), "items");
    assert_eq!(super::introspect(&server, ("Backend.1", &secret), &token).json()["active"], true);

    let web = register(json!({ "id": "web", "public": true, "scope": "items" }));
    assert_eq!((web.status, web.json().get("secret")), (201, None), "a front end has none");
    assert_eq!(
        (&web.json()["grants"], &web.json()["name"]),
        (&json!(["password", "refresh_token"]), &json!(null))
    );
    super::login_through(&server, "web", "items");
    let bare = register(json!({ "id": "bare", "name": null, "access_ttl": null, "scope": "" }));
    assert_eq!(
        (bare.status, &bare.json()["scope"], &bare.json()["access_ttl"]),
        (201, &json!(""), &json!(null))
    );

    let jwks = json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "one" },
    ]});
    let signer = register(json!({ "id": "signer", "jwks": jwks }));
    assert_eq!((signer.status, &signer.json()["jwks"], signer.json().get("secret")), (201, &jwks, None));

    for id in ["Backend.1", "web", "bare", "signer"] {
        let reply = admin(&server, &root, "GET", &format!("/admin/clients/{id}"), None);
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
        let from_command = server.cli(&["client", "show", id, "--json"], "");
        assert_eq!(reply.json(), serde_json::from_str::<Value>(&from_command).expect("JSON"), "{id}");
        assert!(!reply.text().contains("csc_") && reply.json().get("secret").is_none(), "it is told once");
    }
    let all = admin(&server, &root, "GET", "/admin/clients", None);
    assert_eq!((ids(&all).len(), all.text().contains("csc_")), (4, false));
    assert_eq!(all.json()["clients"][0], expected);
    assert!(!server.log().contains("csc_"));
    server.is_well();
}

fn a_field_that_is_wrong_is_named_and_nothing_is_registered(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    let long = "hunter2".repeat(15);
    let (yes_or_no, texts) = ([json!("hunter2"), json!(1), json!(null)], [json!(["hunter2"]), json!(7)]);
    let seconds = [json!("60"), json!(60.5), json!(-1), json!(0), json!(29), json!(8_000_000), json!(true)];
    let grants = [
        json!("password"),
        json!(["hunter2"]),
        json!(["Password"]),
        json!([]),
        json!([7]),
        json!(["refresh_token"]),
        json!({ "password": true }),
        json!(null),
    ];
    let scopes = [" items", "items  reports:read", "hunter2", "offline_access", "ite\"ms", "items\n", " "];
    let ids = [
        "",
        "two words",
        "_hunter2",
        "h\u{fc}nter2",
        "first-party",
        "e58ed763-928c-4155-bee9-fdbaaadc15f3",
        "E58ED763-928C-4155-BEE9-FDBAAADC15F3",
        "e58ed763928c4155bee9fdbaaadc15f3",
        "E58ed763928c4155bee9fdbaaadc15f3",
        "{e58ed763-928c-4155-bee9-fdbaaadc15f3}",
        "urn:uuid:e58ed763-928c-4155-bee9-fdbaaadc15f3",
    ];
    let names = [json!(""), json!(long), json!("hunter2\n"), json!("\u{0}"), json!("\u{9b}hunter2")];
    let mut wrong: Vec<(&str, Value)> = vec![];
    let mut add = |name, values: Vec<Value>| wrong.extend(values.into_iter().map(|value| (name, value)));
    add(
        "id",
        [texts.to_vec(), ids.iter().map(|id| json!(id)).collect(), vec![json!(null), json!(long)]].concat(),
    );
    add("name", [texts.to_vec(), names.to_vec()].concat());
    add(
        "scope",
        [texts.to_vec(), scopes.iter().map(|scope| json!(scope)).collect(), vec![json!(null)]].concat(),
    );
    for name in ["access_ttl", "idle", "absolute"] {
        add(name, seconds.to_vec());
    }
    add("public", yes_or_no.to_vec());
    add("introspects", yes_or_no.to_vec());
    add("grants", grants.to_vec());
    add("jwks", vec![json!("hunter2"), json!(["hunter2"]), json!(null), json!(7)]);
    for (name, value) in wrong {
        let mut body = json!({ "id": "new", "name": "hunter2" });
        body[name] = value;
        let reply = admin(&server, &root, "POST", "/admin/clients", Some(&body));
        assert_bad(&reply, name, &body.to_string());
    }
    for (body, named) in [
        (json!({}), "id must be"),
        (json!({ "public": true }), "id must be"),
        (json!({ "id": "new", "public": true, "jwks": { "keys": [] } }), "public or has jwks"),
        (json!({ "id": "new", "public": true, "grants": ["client_credentials"] }), "grants: "),
        (json!({ "id": "new", "public": true, "introspects": true }), "introspects: "),
        (json!({ "id": "new", "hunter2": true }), "a field that is not known"),
        (json!({ "id": "new", "disabled": true }), "a field that is not known"),
        (json!({ "id": "new", "secret": "hunter2" }), "a field that is not known"),
        (json!({ "id": "new", "ID": "new" }), "a field that is not known"),
    ] {
        let reply = admin(&server, &root, "POST", "/admin/clients", Some(&body));
        assert_bad(&reply, named, &body.to_string());
    }
    none_but(&server, &root, &[]);
}

/// Nobody but these has been registered.
#[track_caller]
fn none_but(server: &Server, root: &str, expected: &[&str]) {
    assert_eq!(ids(&admin(server, root, "GET", "/admin/clients", None)), expected);
    server.is_well();
}

fn a_body_that_is_no_object_registers_nothing(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    let post = |body: &[u8]| {
        let request = Request::post("/admin/clients").bearer(&root);
        server.send(request.body("application/json", body))
    };
    let deep = format!("{{\"id\":\"new\",\"jwks\":{}}}", "[".repeat(10_000));
    let not_json: [&[u8]; 14] = [
        b"hunter2",
        b"[]",
        b"[{\"id\":\"new\"}]",
        b"null",
        b"\"new\"",
        b"{",
        b"{\"id\":\"new\"",
        b"{\"id\":\"new\"}}",
        b"{\"id\":\"new\"}{}",
        b"{\"id\":\"new\",}",
        b"{'id':'new'}",
        b"id=new",
        b"{\"id\":\"n\xe9w\"}",
        deep.as_bytes(),
    ];
    for body in not_json {
        let what = String::from_utf8_lossy(body);
        assert_bad(&post(body), "must be a JSON object", &what[..what.len().min(40)]);
    }
    assert_bad(&post(b""), "id must be", "an empty body");
    for twice in [
        &b"{\"id\":\"new\",\"id\":\"new\"}"[..],
        b"{\"id\":\"new\",\"i\\u0064\":\"other\"}",
        b"{\"id\":\"new\",\"public\":true,\"public\":false}",
        b"{\"id\":\"new\",\"hunter2\":1,\"hunter2\":1}",
    ] {
        assert_bad(&post(twice), "a field twice", &String::from_utf8_lossy(twice));
    }
    let padded = |length: usize| {
        let mut body = br#"{"id":"padded"}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    let reply = post(&padded(32 * 1024 + 1));
    assert_eq!((reply.status, &reply.json()["error"]), (413, &json!("payload_too_large")));
    none_but(&server, &root, &[]);
    assert_eq!(post(&padded(32 * 1024)).status, 201);
    none_but(&server, &root, &["padded"]);
}

const TAKEN: &str =
    "There is a client of that id already, or of one that differs only by upper and lower case";

fn a_taken_id_is_a_conflict_and_replaces_nothing(on: &Backing) {
    let server = start(on);
    let root = server.login("root");
    let register = |body: &Value| admin(&server, &root, "POST", "/admin/clients", Some(body));
    let first = register(&json!({ "id": "worker", "scope": "items" }));
    let secret = crate::tokens::text(&first, "secret");
    let token = token_of_service(&server, ("worker", &secret), "items");
    let before = admin(&server, &root, "GET", "/admin/clients/worker", None).json();
    for again in [
        json!({ "id": "worker" }),
        json!({ "id": "Worker" }),
        json!({ "id": "WORKER" }),
        json!({ "id": "worker", "public": true, "scope": SCOPES.1 }),
    ] {
        let reply = register(&again);
        let expected = json!({ "error": "conflict", "error_description": TAKEN });
        assert_eq!((reply.status, reply.json()), (409, expected));
    }
    assert_eq!(admin(&server, &root, "GET", "/admin/clients/worker", None).json(), before);
    let own = [("grant_type", "client_credentials")];
    assert_eq!(ask(&server, ("worker", &secret), &own).status, 200);
    assert_eq!(server.me(&token).status, 403, "its token is good");
    super::assert_bad(&register(&json!({ "id": "First-Party" })), "id: first-party", "in other case");
    for other in ["WORKER", "First-party"] {
        let output = server.try_cli(&["client", "add", other, "--public"]);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{other}: {output:?}");
    }
    let form = [("username", "ada"), ("password", PASSWORD), ("client_id", "worker")];
    assert_eq!(server.send(Request::post("/token").form(&form)).status, 401);
}
