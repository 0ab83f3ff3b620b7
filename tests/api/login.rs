//! The main job: log in as the tutorial does, be recognised, be refused.

use crate::{
    http::Request,
    server::{PASSWORD, Server, run},
};
use serde_json::json;

#[test]
fn the_tutorials_login_works_in_every_spelling() {
    let server = Server::start();
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart = format!("{}{}--b--\r\n", part("username", "ada"), part("password", PASSWORD));
    for request in [
        Request::post("/token").body("multipart/form-data; boundary=b", multipart),
        Request::post("/token").raw_form("username=ada&password=analytical-engine"),
        Request::post("/token").raw_form("grant_type=password&username=ada&password=analytical-engine"),
        Request::post("/token")
            .raw_form("grant_type=&username=ada&password=analytical-engine&scope=&client_id=&client_secret="),
        Request::post("/token").raw_form("username=ada&password=analytical-engine&scope=offline_access"),
    ] {
        let reply = server.send(request);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let body = reply.json();
        let me = server.me(body["access_token"].as_str().expect("a token"));
        assert_eq!((me.status, &me.json()["username"]), (200, &json!("ada")));
        assert_eq!(me.json()["scope"], body.get("scope").cloned().unwrap_or(json!("")));
    }
}

#[test]
fn an_admin_route_is_for_admins() {
    let server = Server::start();
    server.user("root", &["admin", "editor"]);
    let users = |name: &str, query: &str| {
        server.send(Request::get(&format!("/admin/users{query}")).bearer(&server.login(name)))
    };
    let refused = users("ada", "");
    assert_eq!((refused.status, &refused.json()["error"]), (403, &json!("insufficient_scope")));
    assert!(refused.header("www-authenticate").is_some_and(|it| it.contains("insufficient_scope")));
    let page = users("root", "").json();
    assert_eq!(page["next"], json!(null));
    // Besides these two there is the first admin.
    assert_eq!(page["users"][0]["username"], "ada");
    assert_eq!(page["users"][2]["roles"], json!(["admin", "editor"]));
    assert!(!page.to_string().contains("argon2"));

    let first = users("root", "?limit=1").json();
    assert_eq!((&first["users"][0]["username"], &first["next"]), (&json!("ada"), &json!("ada")));
    let last = users("root", "?limit=1&after=admin").json();
    assert_eq!((&last["users"][0]["username"], &last["next"]), (&json!("root"), &json!(null)));
    // By way of names that mean something else where they are not encoded, or twice decoded.
    for name in ["ada+x", "ada%25", "r&d"] {
        server.user(name, &[]);
    }
    let mut seen = vec![];
    let mut after = String::new();
    while let Some(name) = users("root", &format!("?limit=1{after}")).json()["users"][0]["username"].as_str()
    {
        seen.push(name.to_owned());
        let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        after = format!("&after={encoded}");
    }
    assert_eq!(seen, ["ada", "ada%25", "ada+x", "admin", "r&d", "root"]);
    for bad in ["?limit=0", "?limit=201", "?limit=x", "?limit=-1", "?after=a%20b", "?limit=1&limit=2"] {
        let reply = users("root", bad);
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_request")), "{bad}");
    }
}

#[test]
fn the_command_line_manages_users_while_the_server_runs() {
    let server = Server::start();
    let run = |arguments: &[&str], input: &str| {
        let settings =
            [("COUNTERSIGN_SIGNING_KEY", crate::server::KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
        let output = run(server.folder.path(), &settings, arguments, input);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
        output.status.code()
    };
    let stdin = "--password-stdin";
    assert_eq!(run(&["user", "add", "ada", stdin], PASSWORD), Some(1), "taken");
    assert_eq!(run(&["user", "add", "a b", stdin], PASSWORD), Some(2), "no name");
    assert_eq!(run(&["user", "add", "bob", "--role", "Admin", stdin], PASSWORD), Some(2), "no role");
    assert_eq!(run(&["user", "add", "bob", stdin], "short"), Some(2), "too short");
    assert_eq!(run(&["user", "add", "bob", stdin], ""), Some(2), "empty");
    for command in ["show", "disable", "enable", "delete", "set-roles"] {
        assert_eq!(run(&["user", command, "nobody"], ""), Some(1), "{command}");
    }
    assert_eq!(run(&["user", "frobnicate"], ""), Some(2));

    let printed = server.cli(&["user", "add", "carol"], "");
    let password = printed.trim().strip_prefix("password: ").expect("a generated password");
    let login = |name: &str, password: &str| {
        server.send(Request::post("/token").form(&[("username", name), ("password", password)])).status
    };
    assert_eq!(login("carol", password), 200);
    server.cli(&["user", "set-password", "carol", stdin], "another password\n");
    assert_eq!((login("carol", password), login("carol", "another password")), (400, 200));
    server.cli(&["user", "set-roles", "carol", "editor", "auditor"], "");
    let shown: serde_json::Value =
        serde_json::from_str(&server.cli(&["user", "show", "carol", "--json"], "")).expect("JSON");
    assert_eq!(shown["roles"], json!(["auditor", "editor"]));
    server.cli(&["user", "disable", "carol"], "");
    assert_eq!(login("carol", "another password"), 400);
    server.cli(&["user", "enable", "carol"], "");
    assert_eq!(login("carol", "another password"), 200);
    let all: serde_json::Value =
        serde_json::from_str(&server.cli(&["user", "list", "--json"], "")).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(3), "with the first admin");
    server.cli(&["user", "delete", "carol"], "");
    assert_eq!(server.cli(&["user", "list"], "").lines().count(), 2);
}

#[test]
fn a_store_that_fails_answers_503_and_recovers() {
    let server = Server::start();
    let token = server.login("ada");
    let file = server.folder.path().join("test.db");
    crate::sql::execute(&file, "ALTER TABLE users RENAME TO hidden");
    for request in [
        Request::get("/me").bearer(&token),
        Request::get("/health/ready"),
        Request::post("/token").form(&[("username", "ada"), ("password", PASSWORD)]),
    ] {
        let reply = server.send(request);
        assert_eq!((reply.status, &reply.json()["error"]), (503, &json!("temporarily_unavailable")));
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(server.send(Request::get("/health/live")).status, 200);
    crate::sql::execute(&file, "ALTER TABLE hidden RENAME TO users");
    assert_eq!(server.me(&token).status, 200);
}
