//! Whoever has logged in before is not locked out by others.

use super::*;
use crate::tokens::{same_origin, set_cookie, text};

on_every_store![
    an_attack_keeps_no_browser_out_that_was_here_before,
    an_attack_keeps_no_app_out_that_has_a_session,
];

const NAME: &str = "__Host-device";

/// What a browser is known by after this login.
fn device(reply: &Reply) -> String {
    let set = set_cookie(reply, NAME).unwrap_or_else(|| panic!("a device in {reply:?}"));
    set.split(';').next().expect("its value").to_owned()
}

fn by(request: Request, device: &str) -> Request {
    same_origin(request).header("Cookie", format!("theme=dark; {NAME}={device}"))
}

// P08
fn an_attack_keeps_no_browser_out_that_was_here_before(on: &Backing) {
    let server = on.start_with(SLOW);
    server.user("ada", &[]);
    server.user("eve", &[]);
    let known = server.send(same_origin(login("ada", PASSWORD)));
    let set = set_cookie(&known, NAME).expect("a device");
    let attributes: Vec<_> = set.split("; ").skip(1).collect();
    assert_eq!(attributes, ["Max-Age=15552000", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
    let known = device(&known);
    assert!(known.starts_with("csd_"), "scanners know it");
    let eves = device(&server.send(same_origin(login("eve", PASSWORD))));
    use_up(&server, "ada");

    let changed = |at: usize| {
        let mut changed = known.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(changed).expect("a text")
    };
    for unknown in [
        eves.clone(),
        String::new(),
        "csd_".into(),
        "csd_AAAA".into(),
        known.replace("csd_", "csr_"),
        format!("{known}A"),
        known[..known.len() - 1].into(),
        format!("\"{known}\""),
        changed(6),
        changed(30),
        changed(60),
        "x".repeat(4_000),
        format!("{known}; {NAME}={known}"),
        format!("{known}; {NAME}={eves}"),
    ] {
        assert_limited(&server.send(by(login("ada", PASSWORD), &unknown)), "account");
    }
    assert_limited(
        &server.send(login("ada", PASSWORD).header("Cookie", format!("device={known}"))),
        "account",
    );

    let again = server.send(by(login("ADA", PASSWORD), &known));
    assert_eq!(again.status, 200, "{}", again.text());
    assert_ne!(device(&again), known, "nobody is followed by it");
    assert_limited(&server.send(login("ada", PASSWORD)), "account");

    // And has a count of its own, so that a stolen one is worth little.
    for _ in 0..FREE {
        assert_eq!(server.send(by(login("ada", "wrong password"), &known)).status, 400);
    }
    assert_limited(&server.send(by(login("ada", PASSWORD), &known)), "account");
    assert_eq!(
        server.send(by(login("ada", PASSWORD), &device(&again))).status,
        200,
        "the other one has its own"
    );
}

// P08
fn an_attack_keeps_no_app_out_that_has_a_session(on: &Backing) {
    let server = on.start_with(SLOW);
    server.user("ada", &[]);
    server.user("eve", &[]);
    let with = |name: &str, token: &str| {
        let form = [
            ("username", name),
            ("password", PASSWORD),
            ("scope", "offline_access"),
            ("refresh_token", token),
        ];
        server.send(Request::post("/token").form(&form))
    };
    let first = with("ada", "");
    assert_eq!(first.header("set-cookie"), None, "an app has no cookies");
    let (old, eves) = (text(&first, "refresh_token"), text(&with("eve", ""), "refresh_token"));
    let refreshed = crate::tokens::refresh(&server, &old);
    let current = text(&refreshed, "refresh_token");
    use_up(&server, "ada");
    for unknown in ["", "csr_", &*old, &*eves, &current[..current.len() - 1]] {
        assert_limited(&with("ada", unknown), "account");
    }
    assert_eq!(with("ada", &current).status, 200);
    assert_eq!(crate::tokens::refresh(&server, &current).status, 200, "the session goes on as it was");
    assert_limited(&with("ada", &current), "account");
}

#[test]
fn no_device_is_known_where_that_is_switched_off() {
    for setting in [("COUNTERSIGN_LOGIN__KNOWN_DEVICE", "0"), ("COUNTERSIGN_LOGIN__LIMITS", "off")] {
        let server = Server::start_with(&[setting]);
        server.user("ada", &[]);
        let reply = server.send(same_origin(login("ada", PASSWORD)));
        assert_eq!((reply.status, set_cookie(&reply, NAME)), (200, None));
    }
}

#[test]
fn without_limits_there_are_none() {
    let server = Server::start_with(&[("COUNTERSIGN_LOGIN__LIMITS", "off")]);
    server.user("ada", &[]);
    for _ in 0..4 * FREE {
        assert_eq!(guess(&server, "ada").status, 400);
    }
    assert_eq!(server.send(login("ada", PASSWORD)).status, 200);
}
