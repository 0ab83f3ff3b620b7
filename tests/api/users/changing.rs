//! What an admin does to accounts.

use super::{names, start};
use crate::{
    backing::{Backing, on_every_store},
    clients::admin,
    http::{Reply, Request},
    server::{PASSWORD, Server, assert_token_error},
    tokens::{offline, refresh, text},
};
use serde_json::{Value, json};

on_every_store![
    nobody_locks_themselves_out,
    roles_that_stay_end_nothing_and_all_fit_into_a_token,
    a_user_is_added_and_can_log_in,
    what_is_changed_holds_at_once,
    an_admin_sees_and_ends_the_sessions_of_others,
    what_an_admin_does_is_told_to_the_trail,
];

#[track_caller]
fn assert_conflict(reply: &Reply, named: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (409, &json!("conflict")), "{}", reply.text());
    assert!(reply.json()["error_description"].as_str().is_some_and(|text| text.contains(named)), "{reply:?}");
}

fn nobody_locks_themselves_out(on: &Backing) {
    let (server, ada, id) = start(on);
    let root = server.login("root");
    let one = format!("/admin/users/{id}");
    let patch = |body: Value| admin(&server, &root, "PATCH", &one, Some(&body));
    for body in [
        json!({ "disabled": true }),
        json!({ "roles": [] }),
        json!({ "roles": ["editor"] }),
        json!({ "roles": ["admin"], "disabled": true }),
        json!({ "roles": ["admin.x"], "disabled": false }),
    ] {
        assert_conflict(&patch(body), "Another admin");
    }
    assert_conflict(&admin(&server, &root, "DELETE", &one, None), "Another admin");
    let password = json!({ "password": "difference-engine" });
    let reply = admin(&server, &root, "POST", &format!("{one}/password"), Some(&password));
    assert_conflict(&reply, "/me/password");
    assert_eq!(server.me(&root).json()["roles"], json!(["admin"]), "nothing was changed, no token ended");

    // What locks nobody out is one's own business too.
    let reply = patch(json!({ "roles": ["editor", "admin"], "disabled": false }));
    assert_eq!((reply.status, &reply.json()["roles"]), (200, &json!(["admin", "editor"])));
    // And among two each can do it to the other.
    let to_ada = |body: Value| {
        let path = format!("/admin/users/{ada}");
        admin(&server, &server.login("root"), "PATCH", &path, Some(&body)).status
    };
    assert_eq!(to_ada(json!({ "roles": ["admin"] })), 200);
    let reply = admin(&server, &server.login("ada"), "PATCH", &one, Some(&json!({ "roles": [] })));
    assert_eq!((reply.status, &reply.json()["roles"]), (200, &json!([])));
}

fn roles_that_stay_end_nothing_and_all_fit_into_a_token(on: &Backing) {
    let (server, _, id) = start(on);
    let root = server.login("root");
    let one = format!("/admin/users/{id}");
    let set = |roles: &Value| admin(&server, &root, "PATCH", &one, Some(&json!({ "roles": roles })));
    let roles = admin(&server, &root, "GET", &one, None).json()["roles"].clone();
    assert_eq!(set(&roles).json()["roles"], roles);
    server.accepts(&root);
    let many = |count| (0..count).map(|at| format!("r{at:063}")).chain(["admin".into()]).collect::<Value>();
    assert_eq!(set(&many(64)).status, 400);
    let new = json!({ "username": "new", "roles": many(64) });
    assert_eq!(admin(&server, &root, "POST", "/admin/users", Some(&new)).status, 400);
    let too_many: Vec<_> = (0..65).map(|at| format!("r{at}")).collect();
    let added = too_many.iter().flat_map(|role| ["--role", role]);
    let set_by_hand = ["user", "set-roles", "root"].into_iter().chain(too_many.iter().map(|role| &**role));
    for words in [["user", "add", "eve"].into_iter().chain(added).collect(), set_by_hand.collect::<Vec<_>>()]
    {
        let refused = server.try_cli(&words);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("a user has at most 64 roles"), "{said}");
    }
    assert!(!server.cli(&["user", "list"], "").contains("eve"));
    server.accepts(&root);
    assert_eq!(set(&many(63)).status, 200);
    server.accepts(&server.login("root"));
}

fn login(server: &Server, name: &str, password: &str) -> Reply {
    let form = [("username", name), ("password", password), ("scope", "offline_access")];
    server.send(Request::post("/token").form(&form))
}

fn a_user_is_added_and_can_log_in(on: &Backing) {
    let (server, ..) = start(on);
    let root = server.login("root");
    let add = |body: Value| admin(&server, &root, "POST", "/admin/users", Some(&body));
    let chosen =
        add(json!({ "username": "Grace", "password": "compiler-of-1952", "roles": ["editor", "editor"] }));
    let shown = chosen.json();
    let expected = json!({ "id": shown["id"], "username": "grace", "roles": ["editor"], "disabled": false,
        "created_at": shown["created_at"] });
    assert_eq!((chosen.status, &shown), (201, &expected), "a password that was sent is not told again");
    assert_eq!(chosen.header("cache-control"), Some("no-store"));
    let access = text(&login(&server, "grace", "compiler-of-1952"), "access_token");
    assert_eq!(
        (&server.me(&access).json()["id"], &server.me(&access).json()["roles"]),
        (&shown["id"], &json!(["editor"]))
    );

    let made = add(json!({ "username": "hedy" }));
    assert_eq!(made.status, 201);
    let password = text(&made, "password");
    assert_eq!(login(&server, "hedy", &password).status, 200);
    let again = admin(&server, &root, "GET", &format!("/admin/users/{}", text(&made, "id")), None);
    assert!(again.json().get("password").is_none() && !again.text().contains("argon2"), "{}", again.text());

    for taken in ["ada", "ADA", "\u{ff41}da", "hedy"] {
        let reply = add(json!({ "username": taken, "roles": ["admin"] }));
        assert_conflict(&reply, "a user of that name");
    }
    assert_eq!(server.me(&server.login("ada")).json()["roles"], json!([]), "nobody was replaced");
    assert_eq!(login(&server, "hedy", &password).status, 200);
}

fn what_is_changed_holds_at_once(on: &Backing) {
    let (server, id, _) = start(on);
    let root = server.login("root");
    let one = format!("/admin/users/{id}");
    let patch = |body: Value| admin(&server, &root, "PATCH", &one, Some(&body));
    let (access, token) = offline(&server);
    for body in [json!({}), json!({ "disabled": false })] {
        assert_eq!(patch(body).status, 200);
        server.accepts(&access);
    }

    let reply = patch(json!({ "roles": ["editor"] }));
    assert_eq!(
        (reply.status, &reply.json()["roles"], &reply.json()["disabled"]),
        (200, &json!(["editor"]), &json!(false))
    );
    server.refuses(&access);
    let refreshed = refresh(&server, &token);
    let access = text(&refreshed, "access_token");
    assert_eq!(
        server.me(&access).json()["roles"],
        json!(["editor"]),
        "the session goes on with the new roles"
    );

    let reply = patch(json!({ "disabled": true, "roles": ["auditor"] }));
    assert_eq!((&reply.json()["roles"], &reply.json()["disabled"]), (&json!(["auditor"]), &json!(true)));
    server.refuses(&access);
    assert_token_error(&refresh(&server, &text(&refreshed, "refresh_token")), "invalid_grant");
    assert_token_error(&login(&server, "ada", PASSWORD), "invalid_grant");
    assert_eq!(patch(json!({ "disabled": false })).json()["roles"], json!(["auditor"]));

    let (access, token) = offline(&server);
    let password = |body: Value| admin(&server, &root, "POST", &format!("{one}/password"), Some(&body));
    let reply = password(json!({ "password": "difference-engine" }));
    assert_eq!((reply.status, reply.text()), (204, ""));
    server.refuses(&access);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
    assert_token_error(&login(&server, "ada", PASSWORD), "invalid_grant");
    assert_eq!(login(&server, "ada", "difference-engine").status, 200);
    let made = password(json!({}));
    assert_eq!((made.status, made.header("cache-control")), (200, Some("no-store")));
    assert_token_error(&login(&server, "ada", "difference-engine"), "invalid_grant");
    let reply = login(&server, "ada", &text(&made, "password"));
    let (access, token) = (text(&reply, "access_token"), text(&reply, "refresh_token"));

    let delete = || admin(&server, &root, "DELETE", &one, None).status;
    assert_eq!(delete(), 204);
    server.refuses(&access);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
    assert_eq!((delete(), patch(json!({})).status), (404, 404));
    assert_eq!(names(&admin(&server, &root, "GET", "/admin/users", None)), ["admin", "root"]);
}

fn an_admin_sees_and_ends_the_sessions_of_others(on: &Backing) {
    let (server, id, root_id) = start(on);
    let root = server.login("root");
    let path = format!("/admin/users/{id}/sessions");
    let list = |path: &str| {
        let reply = admin(&server, &root, "GET", path, None);
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
        reply.json()["sessions"].as_array().expect("an array").clone()
    };
    // Of the login by which this test asked for the id.
    assert_eq!(admin(&server, &root, "DELETE", &path, None).json(), json!({ "ended": 1 }));
    assert!(list(&path).is_empty());
    let (phone, phone_refresh) = offline(&server);
    let (laptop, laptop_refresh) = offline(&server);
    let own = server.send(Request::get("/sessions").bearer(&phone)).json()["sessions"].clone();
    let strip = |session: &Value| json!({ "id": session["id"], "address": session["address"], "name": session["name"] });
    let mine: Vec<_> = own.as_array().expect("an array").iter().map(strip).collect();
    assert_eq!(list(&path).iter().map(strip).collect::<Vec<_>>(), mine, "as its owner sees them");
    assert!(list(&path).iter().all(|session| session["current"] == json!(false)));
    let current = list(&format!("/admin/users/{root_id}/sessions"));
    assert_eq!(current.iter().filter(|session| session["current"] == json!(true)).count(), 1);

    let sid = own.as_array().and_then(|all| all.iter().find(|one| one["current"] == json!(true)));
    let one = format!("{path}/{}", sid.and_then(|one| one["id"].as_str()).expect("an id"));
    let end = |path: &str| admin(&server, &root, "DELETE", path, None);
    assert_eq!(end(&one).status, 204);
    server.refuses(&phone);
    assert_token_error(&refresh(&server, &phone_refresh), "invalid_grant");
    server.accepts(&laptop);
    assert_eq!(end(&one).status, 404, "it is over");
    assert_eq!(end(&path).json(), json!({ "ended": 1 }));
    server.refuses(&laptop);
    assert_token_error(&refresh(&server, &laptop_refresh), "invalid_grant");
    server.accepts(&root);
    server.login("ada");
}

fn what_an_admin_does_is_told_to_the_trail(on: &Backing) {
    let (server, id, _) = start(on);
    let root = server.login("root");
    let one = format!("/admin/users/{id}");
    let act = |method: &str, path: &str, body: Value| {
        let reply = admin(&server, &root, method, path, Some(&body));
        assert!((200..300).contains(&reply.status), "{method} {path}: {}", reply.text());
        reply
    };
    act("POST", "/admin/users", json!({ "username": "new" }));
    act("PATCH", &one, json!({ "roles": ["editor"], "disabled": true }));
    act("PATCH", &one, json!({ "disabled": false }));
    act("POST", &format!("{one}/password"), json!({ "password": PASSWORD }));
    let (access, _) = offline(&server);
    let session = server.send(Request::get("/sessions").bearer(&access)).json()["sessions"][0]["id"].clone();
    act("DELETE", &format!("{one}/sessions/{}", session.as_str().expect("an id")), json!({}));
    act("DELETE", &format!("{one}/sessions"), json!({}));
    act("DELETE", &one, json!({}));
    let expected = [
        "user_add",
        "user_roles",
        "user_disable",
        "user_enable",
        "user_password",
        "session_end",
        "sessions_end",
        "user_delete",
    ];
    let told = || {
        let trail = server.cli(&["audit", "export"], "");
        let lines = trail.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        // What the command line did here was done by it.
        lines.filter(|line| line["by"].as_str().is_some_and(|by| by.starts_with("u_"))).collect::<Vec<_>>()
    };
    crate::servers::eventually("all of it is told", || told().len() >= expected.len());
    let told = told();
    let events: Vec<_> = told.iter().map(|line| line["event"].as_str().expect("an event")).collect();
    assert_eq!(events, expected);
    assert!(
        told.iter().all(|line| line["by"] == told[0]["by"] && line["outcome"] == json!("done")),
        "{told:?}"
    );
    let about: std::collections::BTreeSet<_> =
        told[1..].iter().map(|line| line["user"].to_string()).collect();
    assert_eq!(about.len(), 1, "all but the first is about ada: {told:?}");
}
