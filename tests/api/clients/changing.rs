//! `/admin/clients/ID`: clients that are changed, get another secret, and are removed.

use super::{
    admin, ask, assert_bad, assert_invalid_client, login_through, register, service, start, token_of_service,
};
use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    server::{Server, assert_token_error},
    tokens::text,
    well_known::within_a_second,
};
use serde_json::{Value, json};

on_every_store![
    what_is_named_changes_and_null_takes_it_away,
    a_change_that_is_wrong_changes_nothing,
    tokens_from_before_a_change_are_refused_at_once_and_elsewhere_within_a_second,
    a_client_is_shut_out_and_let_in_again,
    a_change_is_made_whole_or_not_at_all,
    a_secret_is_replaced_at_once_or_after_a_while,
    of_many_secrets_made_at_once_the_last_two_work,
    a_removed_client_is_gone_with_all_that_it_got,
];

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[test]
fn a_store_of_clients_that_fails_is_503_and_nothing_is_changed() {
    let server = start(&Backing::sqlite());
    let secret = service(&server, "worker", &[]);
    let desk = Desk::at(&server, "worker");
    let before = desk.show();
    let file = server.folder.path().join("test.db");
    crate::sql::execute(&file, "ALTER TABLE clients RENAME TO hidden");
    let post = admin(&server, &desk.token, "POST", "/admin/clients", Some(&json!({ "id": "new" })));
    let list = admin(&server, &desk.token, "GET", "/admin/clients", None);
    let (show, rotate, delete) =
        (desk.send("GET", "", None), desk.rotate(None), desk.send("DELETE", "", None));
    let patches = [json!({ "name": "x" }), json!({ "disabled": false })].map(|body| desk.patch(body));
    for reply in [post, list, show, rotate, delete].iter().chain(&patches) {
        assert_eq!((reply.status, &reply.json()["error"]), (503, &json!("temporarily_unavailable")));
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(ask(&server, ("worker", &secret), &OWN).status, 503);
    crate::sql::execute(&file, "ALTER TABLE hidden RENAME TO clients");
    assert_eq!(desk.show(), before);
    assert_eq!(ask(&server, ("worker", &secret), &OWN).status, 200);
    assert!(server.says("a client could not be"), "somebody has to look: {}", server.log());
    server.is_well();
}

/// An admin at work on one client.
struct Desk<'s> {
    server: &'s Server,
    token: String,
    path: String,
}

impl<'s> Desk<'s> {
    fn at(server: &'s Server, id: &str) -> Self {
        Self { server, token: server.login("root"), path: format!("/admin/clients/{id}") }
    }

    fn send(&self, method: &str, below: &str, body: Option<Value>) -> Reply {
        admin(self.server, &self.token, method, &format!("{}{below}", self.path), body.as_ref())
    }

    fn show(&self) -> Value {
        self.send("GET", "", None).json()
    }

    fn patch(&self, body: Value) -> Reply {
        self.send("PATCH", "", Some(body))
    }

    /// A change that is made; the answer is the client as it is then.
    #[track_caller]
    fn change(&self, body: Value) {
        let reply = self.patch(body.clone());
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (200, Some("no-store")),
            "{}",
            reply.text()
        );
        assert_eq!(reply.json(), self.show(), "{body}");
        assert!(!reply.text().contains("csc_"));
    }

    fn rotate(&self, body: Option<Value>) -> Reply {
        self.send("POST", "/rotate-secret", body)
    }

    #[track_caller]
    fn rotated(&self, body: Option<Value>) -> String {
        let reply = self.rotate(body);
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (200, Some("no-store")),
            "{}",
            reply.text()
        );
        text(&reply, "secret")
    }
}

fn refresh(server: &Server, client: &str, token: &str) -> Reply {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
    server.send(Request::post("/token").form(&form))
}

fn what_is_named_changes_and_null_takes_it_away(on: &Backing) {
    let server = start(on);
    let lives = ["--access-ttl", "60", "--idle", "600", "--absolute", "6000", "--name", "Worker"];
    let secret = service(&server, "worker", &lives);
    let desk = Desk::at(&server, "worker");
    let mut expected = desk.show();
    desk.change(json!({}));
    assert_eq!(desk.show(), expected);
    assert_eq!(desk.send("PATCH", "", None).json(), expected, "an empty body names nothing");
    let both = json!(["password", "client_credentials"]);
    for (name, value) in [
        ("name", json!("W\u{f6}rker")),
        ("name", json!(null)),
        ("grants", both),
        ("scope", json!("items")),
        ("scope", json!("")),
        ("access_ttl", json!(900)),
        ("access_ttl", json!(null)),
        ("idle", json!(60)),
        ("idle", json!(null)),
        ("absolute", json!(7_776_000)),
        ("absolute", json!(null)),
        ("introspects", json!(true)),
        ("introspects", json!(false)),
        ("disabled", json!(true)),
        ("disabled", json!(true)),
        ("disabled", json!(false)),
        ("disabled", json!(false)),
    ] {
        expected[name] = value.clone();
        desk.change(json!({ name: value }));
        assert_eq!(desk.show(), expected, "{name}");
    }
    desk.change(json!({ "name": "Last", "scope": "items", "disabled": false, "access_ttl": 45 }));
    expected["name"] = json!("Last");
    expected["scope"] = json!("items");
    expected["access_ttl"] = json!(45);
    assert_eq!(desk.show(), expected, "several at once");
    let token = ask(&server, ("worker", &secret), &[OWN[0], ("scope", "items")]).json();
    assert_eq!((&token["expires_in"], &token["scope"]), (&json!(45), &json!("items")), "and it holds");
    server.is_well();
}

fn a_change_that_is_wrong_changes_nothing(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    register(&server, "web", &["--public"]);
    let token = token_of_service(&server, ("worker", &secret), "items");
    let (desk, web) = (Desk::at(&server, "worker"), Desk::at(&server, "web"));
    let before = (desk.show(), web.show());
    for (body, named) in [
        (json!({ "name": "hunter2\n" }), "name: "),
        (json!({ "name": "" }), "name: "),
        (json!({ "name": 7 }), "name must be"),
        (json!({ "grants": [] }), "grants: "),
        (json!({ "grants": ["hunter2"] }), "grants must be"),
        (json!({ "grants": null }), "grants must be"),
        (json!({ "scope": "hunter2" }), "scope: "),
        (json!({ "scope": null }), "scope must be"),
        (json!({ "scope": "items", "access_ttl": 901 }), "access_ttl: "),
        (json!({ "access_ttl": 0 }), "access_ttl: "),
        (json!({ "idle": 59.0 }), "idle and absolute must be whole"),
        (json!({ "absolute": "hunter2" }), "absolute must be whole"),
        (json!({ "introspects": null }), "introspects and disabled must be"),
        (json!({ "disabled": "hunter2" }), "disabled must be"),
        (json!({ "disabled": null }), "disabled must be"),
        (json!({ "disabled": true, "scope": "hunter2" }), "scope: "),
        (json!({ "disabled": true, "hunter2": 1 }), "a field that is not known"),
        (json!({ "id": "other" }), "a field that is not known"),
        (json!({ "public": true }), "a field that is not known"),
        (json!({ "jwks": { "keys": [] } }), "jwks must be"),
        (json!({ "jwks": "hunter2" }), "jwks must be"),
        (json!({ "jwks": { "keys": [] }, "name": "x" }), "jwks is changed alone"),
        (json!({ "secret": "hunter2" }), "a field that is not known"),
        (json!({ "secrets": [] }), "a field that is not known"),
        (json!([{ "disabled": true }]), "must be a JSON object"),
    ] {
        assert_bad(&desk.patch(body.clone()), named, &body.to_string());
    }
    assert_bad(&web.patch(json!({ "grants": ["client_credentials"] })), "grants: ", "a public client");
    assert_bad(&web.patch(json!({ "introspects": true })), "introspects: ", "a public client");
    let send = |body: &[u8]| {
        let request = Request::new("PATCH", "/admin/clients/worker").bearer(&desk.token);
        server.send(request.body("application/json", body))
    };
    assert_bad(&send(br#"{"disabled":false,"disabled":true}"#), "a field twice", "twice");
    assert_bad(&send(b"disabled=true"), "must be a JSON object", "a form");
    assert_eq!(send(format!("{{\"name\":\"{}\"}}", "x".repeat(32 << 10)).as_bytes()).status, 413);
    assert_eq!((desk.show(), web.show()), before);
    assert_eq!(server.me(&token).status, 403, "its token is good");
    server.is_well();
}

fn tokens_from_before_a_change_are_refused_at_once_and_elsewhere_within_a_second(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    register(&server, "web", &["--public", "--scope", "items reports:read"]);
    let desk = Desk::at(&server, "web");
    let (_, mut token) = login_through(&server, "web", "items reports:read");
    for (body, scope) in [
        (json!({ "scope": "items" }), "items offline_access"),
        (json!({ "access_ttl": 60 }), "items offline_access"),
        (json!({ "scope": "reports:read reports:write" }), "offline_access reports:read"),
        (json!({ "name": "Web" }), "offline_access reports:read"),
    ] {
        let next = refresh(&server, "web", &token);
        let access = text(&next, "access_token");
        server.accepts(&access);
        beside.accepts(&access);
        desk.change(body.clone());
        server.refuses(&access);
        within_a_second(|| beside.me(&access).status == 401);
        // The session goes on by what is allowed now.
        let next = refresh(&beside, "web", &text(&next, "refresh_token"));
        assert_eq!((next.status, &next.json()["scope"]), (200, &json!(scope)), "{body}: {}", next.text());
        server.accepts(&text(&next, "access_token"));
        token = text(&next, "refresh_token");
    }
    assert!(refresh(&beside, "web", &token).json()["expires_in"].as_u64() <= Some(60), "and as long");
}

fn a_client_is_shut_out_and_let_in_again(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    let secret = service(&server, "web", &["--grant", "password", "--grant", "refresh_token"]);
    let desk = Desk::at(&server, "web");
    let login = |scope: &str| {
        let form = [("username", "ada"), ("password", crate::server::PASSWORD), ("scope", scope)];
        ask(&server, ("web", &secret), &form)
    };
    let first = login("items offline_access");
    let (access, token) = (text(&first, "access_token"), text(&first, "refresh_token"));
    let refresh = |on: &Server| {
        ask(on, ("web", &secret), &[("grant_type", "refresh_token"), ("refresh_token", &token)])
    };
    server.accepts(&access);
    desk.change(json!({ "disabled": true, "name": "Shut" }));
    assert_eq!((&desk.show()["disabled"], &desk.show()["name"]), (&json!(true), &json!("Shut")));
    server.refuses(&access);
    for on in [&server, &beside] {
        assert_invalid_client(&refresh(on));
    }
    assert_invalid_client(&login("items"));
    within_a_second(|| beside.me(&access).status == 401);
    desk.change(json!({ "disabled": false }));
    server.refuses(&access);
    let again = refresh(&beside);
    assert_eq!(again.status, 200, "its sessions had only rested: {}", again.text());
    let access = text(&again, "access_token");
    server.accepts(&access);
    desk.change(json!({ "disabled": false }));
    server.accepts(&access);
}

fn a_change_is_made_whole_or_not_at_all(on: &Backing) {
    let server = start(on);
    service(&server, "worker", &[]);
    let desk = Desk::at(&server, "worker");
    for _ in 0..20 {
        std::thread::scope(|scope| {
            let changes = [("a", true), ("b", false)];
            let made = changes.map(|(name, disabled)| {
                let body = json!({ "name": name, "disabled": disabled });
                scope.spawn(|| assert_eq!(desk.patch(body).status, 200))
            });
            made.into_iter().for_each(|made| made.join().expect("it ends"));
        });
        let shown = desk.show();
        let is_whole =
            [json!(["a", true]), json!(["b", false])].contains(&json!([shown["name"], shown["disabled"]]));
        assert!(is_whole, "of two changes one is the last: {shown}");
    }
}

fn a_secret_is_replaced_at_once_or_after_a_while(on: &Backing) {
    let server = start(on);
    let first = service(&server, "worker", &[]);
    register(&server, "web", &["--public"]);
    let desk = Desk::at(&server, "worker");
    let works = |secret: &str| ask(&server, ("worker", secret), &OWN).status == 200;
    for (body, named) in [
        (json!({ "overlap": -1 }), "overlap must be"),
        (json!({ "overlap": 7_776_001 }), "overlap must be"),
        (json!({ "overlap": 0.5 }), "overlap must be"),
        (json!({ "overlap": "hunter2" }), "overlap must be"),
        (json!({ "overlap": null }), "overlap must be"),
        (json!({ "secret": "hunter2" }), "a field that is not known"),
        (json!(["hunter2"]), "must be a JSON object"),
    ] {
        assert_bad(&desk.rotate(Some(body.clone())), named, &body.to_string());
    }
    assert_bad(&Desk::at(&server, "web").rotate(None), "the client has no secret", "a public client");
    assert!(works(&first), "nothing was changed");

    let token = token_of_service(&server, ("worker", &first), "items");
    let second = desk.rotated(None);
    assert!(works(&first) && works(&second), "for a day both are good");
    let secrets = desk.show()["secrets"].clone();
    let end = secrets[0]["ends_at"].as_u64().zip(secrets[1]["created_at"].as_u64());
    assert!(end.is_some_and(|(end, made)| end == made + 86_400), "{secrets}");
    assert_eq!(server.me(&token).status, 403, "and so are its tokens");
    assert_eq!(desk.rotate(Some(json!({ "overlap": 7_776_000 }))).status, 409, "never more than two");
    assert!(works(&first) && works(&second), "and neither ends unasked");
    assert_bad(&desk.rotate(Some(json!({ "overlap": 1, "replace_newest": true }))), "not both", "both");
    let third = desk.rotated(Some(json!({ "replace_newest": true })));
    assert!(works(&first) && !works(&second) && works(&third), "the newest had not arrived");
    let fourth = desk.rotated(Some(json!({ "overlap": 0 })));
    assert!(!works(&first) && !works(&third) && works(&fourth));
    server.refuses(&token);
    assert_eq!(desk.show()["secrets"].as_array().map(Vec::len), Some(1));
    for secret in [&first, &second, &third, &fourth] {
        assert!(!server.log().contains(&**secret));
    }
    server.is_well();
}

fn of_many_secrets_made_at_once_the_last_two_work(on: &Backing) {
    let server = start(on);
    let first = service(&server, "worker", &[]);
    let desk = Desk::at(&server, "worker");
    let replies: Vec<_> = std::thread::scope(|scope| {
        let rotations: Vec<_> = (0..16).map(|_| scope.spawn(|| desk.rotate(None))).collect();
        rotations.into_iter().map(|rotation| rotation.join().expect("it ends")).collect()
    });
    let mut secrets = vec![first];
    for reply in &replies {
        match reply.status {
            200 => secrets.push(text(reply, "secret")),
            409 => assert_eq!(reply.json()["error"], "conflict"),
            status => panic!("{status}: {}", reply.text()),
        }
    }
    assert!(secrets.len() > 1, "somebody gets on");
    let working = secrets.iter().filter(|secret| ask(&server, ("worker", secret), &OWN).status == 200);
    assert_eq!(working.count(), 2, "whoever was told a secret has it until two newer ones are told");
    let newest = desk.rotated(Some(json!({ "overlap": 0 })));
    assert_eq!(ask(&server, ("worker", &newest), &OWN).status, 200);
}

fn a_removed_client_is_gone_with_all_that_it_got(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES]);
    register(&server, "web", &["--public", "--scope", "items"]);
    let (access, token) = login_through(&server, "web", "items");
    beside.accepts(&access);
    let desk = Desk::at(&server, "web");
    let reply = desk.send("DELETE", "", None);
    assert_eq!((reply.status, reply.text()), (204, ""));
    server.refuses(&access);
    for on in [&server, &beside] {
        assert_invalid_client(&refresh(on, "web", &token));
    }
    within_a_second(|| beside.me(&access).status == 401);
    for (method, below) in [("DELETE", ""), ("GET", ""), ("PATCH", ""), ("POST", "/rotate-secret")] {
        let reply = desk.send(method, below, None);
        assert_eq!((reply.status, &reply.json()["error"]), (404, &json!("not_found")), "{method}");
    }
    let root = desk.token.clone();
    let body = json!({ "id": "web", "public": true, "scope": "items" });
    assert_eq!(admin(&server, &root, "POST", "/admin/clients", Some(&body)).status, 201);
    let (new, _) = login_through(&beside, "web", "items");
    server.accepts(&new);
    server.refuses(&access);
    beside.refuses(&access);
    assert_token_error(&refresh(&server, "web", "csr_x"), "invalid_grant");
    server.is_well();
}
