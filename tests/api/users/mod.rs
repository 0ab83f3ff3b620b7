//! `/admin/users`: who may come there, what is refused, and finding users.

mod changing;

use crate::{
    backing::{Backing, on_every_store},
    clients::{admin, assert_bad, request},
    http::{Reply, Request},
    server::Server,
    tokens::text,
};
use serde_json::{Value, json};

on_every_store![
    only_an_admin_sees_and_changes_users,
    nobody_is_found_by_an_id_that_nobody_has,
    a_field_that_is_wrong_is_named_and_nothing_is_changed,
    a_search_finds_part_of_a_name_and_no_pattern,
];

const NOBODY: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A server with the users `ada` and `root` (an admin), and their ids.
fn start(on: &Backing) -> (Server, String, String) {
    let server = on.start();
    server.user("root", &["admin"]);
    let id = |name| text(&server.me(&server.login(name)), "id");
    let (ada, root) = (id("ada"), id("root"));
    (server, ada, root)
}

/// Each route about this user, with a body that would be good.
fn routes(id: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let one = format!("/admin/users/{id}");
    vec![
        ("GET", one.clone(), None),
        ("PATCH", one.clone(), Some(json!({ "disabled": true }))),
        ("POST", format!("{one}/password"), Some(json!({ "password": "difference-engine" }))),
        ("GET", format!("{one}/sessions"), None),
        ("DELETE", format!("{one}/sessions/AAAAAAAAAAAAAAAAAAAAAA"), None),
        ("DELETE", format!("{one}/sessions"), None),
        ("DELETE", one, None),
    ]
}

fn only_an_admin_sees_and_changes_users(on: &Backing) {
    let (server, id, _) = start(on);
    let (ada, root) = (server.login("ada"), server.login("root"));
    let before = admin(&server, &root, "GET", &format!("/admin/users/{id}"), None);
    let expected = json!({ "id": id, "username": "ada", "roles": [], "disabled": false,
        "created_at": before.json()["created_at"] });
    assert_eq!((before.status, before.json()), (200, expected));
    let anybody = [
        ("GET", "/admin/users".into(), None),
        ("GET", "/admin/users?search=a".into(), None),
        ("POST", "/admin/users".into(), Some(json!({ "username": "new" }))),
    ];
    for (method, path, body) in anybody.into_iter().chain(routes(&id)) {
        let send = |with: &dyn Fn(Request) -> Request| {
            let reply = server.send(with(request(method, &path, body.as_ref())));
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{method} {path}");
            let error = reply.json()["error"].as_str().unwrap_or_default().to_owned();
            (reply.status, error, reply.header("www-authenticate").map(str::to_owned))
        };
        let nobody = send(&|request| request);
        assert_eq!(nobody, (401, "unauthorized".into(), Some("Bearer".into())), "{method} {path}");
        let (status, error, _) = send(&|request| request.bearer(&ada));
        assert_eq!((status, &*error), (403, "insufficient_scope"), "{method} {path}");
    }
    assert_eq!(admin(&server, &root, "GET", &format!("/admin/users/{id}"), None).json(), before.json());
    assert_eq!(names(&admin(&server, &root, "GET", "/admin/users", None)), ["ada", "admin", "root"]);
    server.accepts(&ada);

    let one = format!("/admin/users/{id}");
    for (method, path, allow) in [
        ("PUT", "/admin/users".to_owned(), "GET, HEAD, POST"),
        ("DELETE", "/admin/users".to_owned(), "GET, HEAD, POST"),
        ("PUT", one.clone(), "DELETE, GET, HEAD, PATCH"),
        ("POST", one.clone(), "DELETE, GET, HEAD, PATCH"),
        ("GET", format!("{one}/password"), "POST"),
        ("POST", format!("{one}/sessions"), "DELETE, GET, HEAD"),
        ("GET", format!("{one}/sessions/AAAAAAAAAAAAAAAAAAAAAA"), "DELETE"),
    ] {
        let reply = admin(&server, &root, method, &path, None);
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
    }
}

fn nobody_is_found_by_an_id_that_nobody_has(on: &Backing) {
    let (server, ada, root_id) = start(on);
    let root = server.login("root");
    let shouted = ada.to_uppercase();
    for id in [NOBODY, "ada", "x", "%ff", "a%00", "%20", &shouted, &format!("{ada}%20")] {
        for (method, path, body) in routes(id) {
            let reply = admin(&server, &root, method, &path, body.as_ref());
            assert_eq!((reply.status, &reply.json()["error"]), (404, &json!("not_found")), "{method} {path}");
        }
    }
    // A session of somebody else's, and what is none.
    let own = format!("/admin/users/{root_id}/sessions");
    let session = admin(&server, &root, "GET", &own, None).json()["sessions"][0]["id"].clone();
    let session = session.as_str().expect("an id");
    for session in [session, "x", "AAAAAAAAAAAAAAAAAAAAAA", "%ff"] {
        let path = format!("/admin/users/{ada}/sessions/{session}");
        assert_eq!(admin(&server, &root, "DELETE", &path, None).status, 404, "{path}");
    }
    // What might have been meant for one session or to spare one, or for another user.
    for (path, status) in [
        (format!("/admin/users/{ada}/"), 404),
        (format!("/admin/users/{ada}/sessions/"), 404),
        (format!("/admin/users/{ada}/sessions?except=current"), 400),
        (format!("/admin/users/{ada}/sessions/{session}?x"), 400),
        (format!("/admin/users/{ada}?"), 400),
    ] {
        assert_eq!(admin(&server, &root, "DELETE", &path, None).status, status, "{path}");
    }
    assert_eq!(server.me(&root).status, 200);
    server.login("ada");
}

fn names(page: &Reply) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.json();
    let users = page["users"].as_array().expect("an array");
    users.iter().map(|user| user["username"].as_str().expect("a name").to_owned()).collect()
}

fn a_field_that_is_wrong_is_named_and_nothing_is_changed(on: &Backing) {
    let (server, id, _) = start(on);
    let (ada, root) = (server.login("ada"), server.login("root"));
    let long = "hunter2".repeat(40);
    let one = format!("/admin/users/{id}");
    let (users, password) = ("/admin/users".to_owned(), format!("{one}/password"));
    let add = |field: &str, value: Value| {
        let mut body = json!({ "username": "new", "password": "difference-engine" });
        body[field] = value;
        body
    };
    let mut wrong: Vec<(&str, &str, Value, &str)> = vec![];
    for name in
        [json!(""), json!("two hunter2"), json!(long), json!(7), json!(null), json!("a\u{0}"), json!([])]
    {
        wrong.push(("POST", &users, add("username", name), "username"));
    }
    wrong.push(("POST", &users, json!({}), "username"));
    wrong.push(("POST", &users, json!({ "password": "difference-engine" }), "username"));
    let not_roles = [
        json!("admin"),
        json!(["hunter2 x"]),
        json!(["Admin"]),
        json!([""]),
        json!([7]),
        json!(null),
        json!({}),
    ];
    for roles in not_roles {
        wrong.push(("POST", &users, add("roles", roles.clone()), "roles"));
        wrong.push(("PATCH", &one, json!({ "roles": roles, "disabled": true }), "roles"));
    }
    for disabled in [json!("true"), json!(1), json!(null), json!("hunter2")] {
        wrong.push(("PATCH", &one, json!({ "disabled": disabled, "roles": ["editor"] }), "disabled"));
    }
    for (chosen, named) in [
        (json!(7), "password must be a text"),
        (json!(null), "password must be a text"),
        (json!(""), "password must"),
        (json!("hunter2"), "password must have at least 8 bytes"),
        (json!(long), "password must have at most 256 bytes"),
        (json!("hunter2\u{7}hunter2"), "password must not have control characters"),
        (json!("password1"), "password is one of the 100,000 most common"),
    ] {
        wrong.push(("POST", &users, add("password", chosen.clone()), named));
        wrong.push(("POST", &password, json!({ "password": chosen }), named));
    }
    wrong.push((
        "POST",
        &users,
        json!({ "username": "babbage", "password": "babbage-1815" }),
        "the user name",
    ));
    for (path, method) in [(&users, "POST"), (&one, "PATCH"), (&password, "POST")] {
        wrong.push((method, path, add("hunter2", json!(1)), "not known"));
    }
    wrong.push(("PATCH", &one, json!({ "username": "hunter2" }), "not known"));
    wrong.push(("PATCH", &one, json!({ "password": "difference-engine" }), "not known"));
    wrong.push(("PATCH", &one, json!([]), "a JSON object"));
    for (method, path, body, named) in wrong {
        let reply = admin(&server, &root, method, path, Some(&body));
        assert_bad(&reply, named, &format!("{method} {path} {body}"));
    }
    let twice = request("PATCH", &one, None).bearer(&root);
    let twice = twice.body("application/json", r#"{"disabled":false,"disabled":true}"#);
    assert_bad(&server.send(twice), "twice", "a field that stands twice");
    let control = "search must be at most 128 bytes without control characters";
    for (query, named) in [
        (format!("search={}", "x".repeat(129)), control),
        ("search=%00".into(), control),
        ("search=a%0Ab".into(), control),
        ("search=%ff".into(), "percent-encoded"),
        ("search=a&search=b".into(), "twice"),
        ("search=a&limit=0".into(), "limit"),
    ] {
        assert_bad(&admin(&server, &root, "GET", &format!("{users}?{query}"), None), named, &query);
    }
    assert_eq!(names(&admin(&server, &root, "GET", &users, None)), ["ada", "admin", "root"]);
    server.accepts(&ada);
    server.is_well();
}

fn a_search_finds_part_of_a_name_and_no_pattern(on: &Backing) {
    let (server, ..) = start(on);
    for name in ["adam", "bob@ada.example", "100%", "a_b", "axb", "z\u{e4}hler"] {
        server.user(name, &[]);
    }
    let root = server.login("root");
    let search = |query: &str| admin(&server, &root, "GET", &format!("/admin/users?{query}"), None);
    for (query, found) in [
        ("search=ada", &["ada", "adam", "bob@ada.example"][..]),
        ("search=ADA", &["ada", "adam", "bob@ada.example"]),
        ("search=%40ada", &["bob@ada.example"]),
        ("search=%25", &["100%"]),
        ("search=_", &["a_b"]),
        ("search=a_b", &["a_b"]),
        ("search=a%25b", &[]),
        ("search=Z%C3%84H", &["z\u{e4}hler"]),
        ("search=za%CC%88h", &["z\u{e4}hler"]),
        ("search=%EF%BD%81%EF%BD%84%EF%BD%81%EF%BD%8D", &["adam"]),
        ("search=two+words", &[]),
        ("search=%27%20OR%201=1--", &[]),
        ("search=adam&after=adam", &[]),
        ("search=ada&after=ada", &["adam", "bob@ada.example"]),
    ] {
        let page = search(query);
        assert_eq!(
            (names(&page), &page.json()["next"]),
            (found.iter().map(|n| n.to_string()).collect(), &json!(null)),
            "{query}"
        );
    }
    let first = search("search=ada&limit=2");
    assert_eq!((names(&first), &first.json()["next"]), (vec!["ada".into(), "adam".into()], &json!("adam")));
    let last = search("search=ada&limit=2&after=adam");
    assert_eq!((names(&last), &last.json()["next"]), (vec!["bob@ada.example".into()], &json!(null)));
    assert_eq!(names(&search("search=")).len(), 9, "nothing stands in every name");
}
