//! Sessions over HTTP: seen and ended by their owners, and by what happens to these.

use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::assert_token_error,
    tokens::{OFFLINE, browser, by_cookie, cookie, offline, refresh, same_origin, text},
};
use serde_json::json;
use std::time::Duration;

on_every_store![
    a_person_sees_and_ends_their_own_sessions,
    logging_out_ends_the_session_and_takes_the_cookie_away,
    the_command_line_lists_and_ends_sessions,
    what_might_have_been_meant_to_spare_a_session_ends_none,
    logging_out_takes_a_refresh_token_in_the_body,
    a_device_is_listed_by_a_name_that_cannot_deceive,
    a_restart_forgets_no_session_and_no_revocation,
    a_purge_by_a_process_that_is_set_otherwise_revives_no_token,
    an_access_token_does_not_outlive_its_session,
    what_happens_to_the_user_reaches_refresh_and_access_tokens,
    a_user_who_changes_their_password_is_logged_out_everywhere,
];

fn a_person_sees_and_ends_their_own_sessions(on: &Backing) {
    let server = on.start();
    server.user("eve", &[]);
    let (phone, phone_refresh) = {
        let reply = server.send(
            Request::post("/token")
                .raw_form(format!("{OFFLINE}&device_name=phone"))
                .header("User-Agent", "curl/9"),
        );
        (text(&reply, "access_token"), text(&reply, "refresh_token"))
    };
    let (laptop, _) = offline(&server);
    let eve = server.login("eve");
    let list = |token: &str| server.send(Request::get("/sessions").bearer(token)).json()["sessions"].clone();
    let sessions = list(&phone);
    assert_eq!(sessions.as_array().map(Vec::len), Some(2));
    let own = sessions
        .as_array()
        .and_then(|all| all.iter().find(|one| one["current"] == json!(true)))
        .expect("one is current");
    assert_eq!(
        (&own["name"], &own["user_agent"], &own["address"]),
        (&json!("phone"), &json!("curl/9"), &json!("127.0.0.1"))
    );
    let id = own["id"].as_str().expect("an id");
    let end = |token: &str, id: &str| {
        server.send(Request::new("DELETE", &format!("/sessions/{id}")).bearer(token)).status
    };
    assert_eq!((end(&eve, id), end(&laptop, "x"), end(&laptop, "AAAAAAAAAAAAAAAAAAAAAA")), (404, 404, 404));
    assert_eq!(server.me(&phone).status, 200);
    assert_eq!(end(&laptop, id), 204);
    server.refuses(&phone);
    assert_token_error(&refresh(&server, &phone_refresh), "invalid_grant");
    assert_eq!(end(&laptop, id), 404, "it is over");

    let (tablet, _) = offline(&server);
    let all_but_this = Request::new("DELETE", "/sessions?except=current").bearer(&laptop);
    assert_eq!(server.send(all_but_this).json(), json!({ "ended": 1 }));
    server.refuses(&tablet);
    assert_eq!(server.send(Request::new("DELETE", "/sessions?except=x").bearer(&laptop)).status, 400);
    assert_eq!(
        server.send(Request::new("DELETE", "/sessions").bearer(&laptop)).json(),
        json!({ "ended": 1 })
    );
    server.refuses(&laptop);
    assert_eq!(server.me(&eve).status, 200);
}

// S01, R05
fn logging_out_ends_the_session_and_takes_the_cookie_away(on: &Backing) {
    let server = on.start();
    let login = browser(&server);
    let (access, token) = (text(&login, "access_token"), cookie(&login));
    let logout = || Request::post("/logout").header("Cookie", format!("__Host-refresh={token}"));
    let refused = server.send(logout().header("Origin", "https://evil.example"));
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
    assert_eq!(server.me(&access).status, 200, "nothing was changed");
    let reply = server.send(same_origin(logout()));
    assert_eq!(reply.status, 204);
    let cleared = "__Host-refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(reply.header("set-cookie"), Some(cleared));
    server.refuses(&access);
    assert_token_error(&server.send(same_origin(by_cookie(&token))), "invalid_grant");
    let (access, token) = offline(&server);
    assert_eq!(server.send(Request::post("/logout").bearer(&access)).status, 204);
    server.refuses(&access);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
    assert_eq!(server.send(Request::post("/logout")).status, 204, "whoever is out stays out");
}

fn the_command_line_lists_and_ends_sessions(on: &Backing) {
    let server = on.start();
    let (one, _) = offline(&server);
    let (other, _) = offline(&server);
    let list = || -> serde_json::Value {
        serde_json::from_str(&server.cli(&["session", "list", "ada", "--json"], "")).expect("JSON")
    };
    let id = crate::forge::Token::parse(&one).claims["sid"].as_str().expect("a sid").to_owned();
    let lines = server.cli(&["session", "list", "ada"], "");
    let year = &humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()[..5];
    assert!(lines.lines().all(|line| line.contains(&format!("  last used {year}"))), "{lines}");
    server.cli(&["session", "revoke", &id], "");
    std::thread::sleep(Duration::from_secs(1));
    server.refuses(&one);
    assert_eq!((server.me(&other).status, list().as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(server.cli(&["session", "revoke-all", "ada"], ""), "sessions ended: 1\n");
    std::thread::sleep(Duration::from_secs(1));
    server.refuses(&other);
    assert_eq!(
        server.cli(&["session", "purge"], ""),
        "sessions removed: 0\n",
        "what was revoked lately is kept"
    );
}

fn what_might_have_been_meant_to_spare_a_session_ends_none(on: &Backing) {
    let server = on.start();
    let (access, _) = offline(&server);
    for (target, status) in [
        ("/sessions/", 404),
        ("/sessions?except=current&except=current", 400),
        ("/sessions?Except=current", 400),
        ("/sessions?except[]=current", 400),
        ("/sessions?except=", 400),
        ("/sessions?", 400),
    ] {
        let reply = server.send(Request::new("DELETE", target).bearer(&access));
        assert_eq!(reply.status, status, "{target}: {}", reply.text());
    }
    server.accepts(&access);
}

fn logging_out_takes_a_refresh_token_in_the_body(on: &Backing) {
    let server = on.start();
    let (access, token) = offline(&server);
    let logout = |token: &str| server.send(Request::post("/logout").form(&[("refresh_token", token)]));
    let in_cookie = cookie(&browser(&server));
    assert_eq!((logout("csr_x").status, logout(&in_cookie).status), (204, 204));
    assert_eq!(server.send(same_origin(by_cookie(&in_cookie))).status, 200, "that was the wrong way");
    server.accepts(&access);
    assert_eq!(logout(&token).status, 204);
    server.refuses(&access);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
    let twice = Request::post("/logout").raw_form("refresh_token=a&refresh_token=b");
    assert_eq!(server.send(twice).status, 400);
    let json = json!({ "refresh_token": token }).to_string();
    let json = Request::post("/logout").body("application/json", json);
    assert_eq!(
        server.send(json).status,
        400,
        "what is not understood is not answered as if it had been done"
    );

    let login = browser(&server);
    let (access, token) = (text(&login, "access_token"), cookie(&login));
    let planted = format!("__Host-refresh=x; __Host-refresh={token}");
    let reply = server.send(same_origin(Request::post("/logout").header("Cookie", planted)));
    assert_eq!((reply.status, reply.header("set-cookie")), (400, None));
    server.accepts(&access);
}

fn a_device_is_listed_by_a_name_that_cannot_deceive(on: &Backing) {
    let server = on.start();
    let name_of = |sent: &str| {
        let form = [("username", "ada"), ("password", crate::server::PASSWORD), ("device_name", sent)];
        let access = text(&server.send(Request::post("/token").form(&form)), "access_token");
        let sessions = server.send(Request::get("/sessions").bearer(&access)).json()["sessions"].clone();
        let all = sessions.as_array().expect("a list").clone();
        all.into_iter().find(|one| one["current"] == json!(true)).expect("one is current")["name"].clone()
    };
    assert_eq!(name_of(" Ada's\u{202e} \u{1b}phone\n"), json!("Ada's phone"));
    assert_eq!(name_of(" \u{200f}\t "), json!(null));
}
// F06
fn a_restart_forgets_no_session_and_no_revocation(on: &Backing) {
    let server = on.start();
    let (kept, kept_refresh) = offline(&server);
    let (ended, ended_refresh) = offline(&server);
    assert_eq!(server.send(Request::post("/logout").bearer(&ended)).status, 204);
    let server = on.start_in(server.kill(), &[]);
    assert_eq!(server.me(&kept).status, 200);
    server.refuses(&ended);
    assert_token_error(&refresh(&server, &ended_refresh), "invalid_grant");
    assert_eq!(refresh(&server, &kept_refresh).status, 200);
}

/// Whoever purges may be set to a shorter life of tokens than whoever issued them.
fn a_purge_by_a_process_that_is_set_otherwise_revives_no_token(on: &Backing) {
    let long = [("COUNTERSIGN_ACCESS_TTL", "86400")];
    let server = on.start_with(&long);
    server.user("ada", &[]);
    let (access, _) = offline(&server);
    assert_eq!(server.send(Request::post("/logout").bearer(&access)).status, 204);
    let short = on.start_in(server.kill(), &[("COUNTERSIGN_ACCESS_TTL", "30")]);
    short.cli(&["session", "purge"], "");
    let server = on.start_in(short.kill(), &long);
    server.refuses(&access);
}

fn an_access_token_does_not_outlive_its_session(on: &Backing) {
    let settings = [("COUNTERSIGN_REFRESH__IDLE", "60"), ("COUNTERSIGN_REFRESH__ABSOLUTE", "100")];
    let server = on.start_with(&settings);
    server.user("ada", &[]);
    let reply = server.send(Request::post("/token").raw_form(OFFLINE));
    assert_eq!(reply.json()["expires_in"], 60);
    let claims = crate::forge::Token::parse(&text(&reply, "access_token")).claims;
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 60));
}

// R09, R10, R11
fn what_happens_to_the_user_reaches_refresh_and_access_tokens(on: &Backing) {
    let server = on.start();
    let stdin = ["set-password", "ada", "--password-stdin"];
    for change in [&["disable", "ada"][..], &stdin, &["set-roles", "ada", "editor"], &["delete", "ada"]] {
        let (access, token) = offline(&server);
        assert_eq!(server.me(&access).status, 200);
        server.cli(&[&["user"], change].concat(), crate::server::PASSWORD);
        // Another process made the change; a second is what is promised for hearing of it.
        std::thread::sleep(Duration::from_secs(1));
        server.refuses(&access);
        let reply = refresh(&server, &token);
        if change[0] == "set-roles" {
            let fresh = text(&reply, "access_token");
            assert_eq!(
                server.me(&fresh).json()["roles"],
                json!(["editor"]),
                "a role that was given is there at once"
            );
            server.cli(&["user", "set-roles", "ada"], "");
            let again = text(&refresh(&server, &text(&reply, "refresh_token")), "access_token");
            assert_eq!(server.me(&again).json()["roles"], json!([]), "one that was taken is not");
        } else {
            assert_token_error(&reply, "invalid_grant");
        }
        if change[0] == "disable" {
            server.cli(&["user", "enable", "ada"], "");
            assert_token_error(&refresh(&server, &token), "invalid_grant");
        }
    }
}

// R11
fn a_user_who_changes_their_password_is_logged_out_everywhere(on: &Backing) {
    let server = on.start();
    let (access, token) = offline(&server);
    let (other, _) = offline(&server);
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new }).to_string();
        server.send(Request::post("/me/password").bearer(&access).body("application/json", body))
    };
    assert_eq!(change("wrong password", "another password").status, 403);
    assert_eq!(change("analytical-engine", "short").status, 400);
    assert_eq!((server.me(&access).status, server.me(&other).status), (200, 200), "nothing was changed");
    assert_eq!(change("analytical-engine", "another password").status, 204);
    server.refuses(&access);
    server.refuses(&other);
    assert_token_error(&refresh(&server, &token), "invalid_grant");
    let login = |password: &str| {
        server.send(Request::post("/token").form(&[("username", "ada"), ("password", password)]))
    };
    assert_eq!((login("analytical-engine").status, login("another password").status), (400, 200));
    assert_eq!(
        server.me(&text(&login("another password"), "access_token")).status,
        200,
        "in the same second"
    );
}
