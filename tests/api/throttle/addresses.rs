//! Guesses from one address, whatever it says of itself.

use super::*;

/// Three guesses are free for each address, and none is forgotten however slow the machine is; the
/// proxy is this machine.
const FEW: &[(&str, &str)] = &[
    ("COUNTERSIGN_LOGIN__ADDRESS_FREE", "3"),
    ("COUNTERSIGN_LOGIN__ADDRESS_PER_DAY", "10"),
    ("COUNTERSIGN_LOGIN__FIRST_DELAY", "600"),
    ("COUNTERSIGN_LOGIN__LONGEST_DELAY", "86400"),
];

fn from(request: Request, forwarded: &str) -> Request {
    request.header("X-Forwarded-For", forwarded)
}

fn server(settings: &[(&str, &str)]) -> Server {
    let server = Server::start_with(&[FEW, settings].concat());
    server.user("ada", &[]);
    server
}

/// All that may be guessed for nothing.
fn use_up_from(server: &Server, send: impl Fn(usize) -> Request) {
    for at in 0..3 {
        assert_eq!(server.send(send(at)).status, 400, "guess {at}");
    }
}

// P08
#[test]
fn whoever_says_to_come_from_elsewhere_is_not_believed() {
    let server = server(&[]);
    let spoofed = |at: usize, request: Request| {
        let address = format!("203.0.113.{at}");
        let request = request.header("X-Real-IP", &address).header("Forwarded", format!("for={address}"));
        from(request, &address)
    };
    use_up_from(&server, |at| spoofed(at, login(&format!("somebody{at}"), "wrong password")));
    assert_limited(&server.send(spoofed(99, login("ada", PASSWORD))), "address");
    let reply = server.send(login("ada", PASSWORD));
    assert_limited(&reply, "address");
}

// P08
#[test]
fn a_spray_over_many_accounts_from_one_address_is_stopped() {
    let server = server(&[("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.0/8 10.0.0.0/8")]);
    use_up_from(&server, |at| from(login(&format!("user{at}"), "wrong password"), "198.51.100.7"));
    let ada = |forwarded: &str| server.send(from(login("ada", PASSWORD), forwarded));
    // What it adds on the left is not believed, and what it calls itself does not matter.
    for same in ["198.51.100.7", "192.0.2.9, 198.51.100.7", "198.51.100.7, 10.1.2.3", "::ffff:198.51.100.7"] {
        assert_limited(&ada(same), "address");
    }
    for other in ["198.51.100.8", "198.51.100.7, 198.51.100.8", "2001:db8::1", "unknown"] {
        assert_eq!(ada(other).status, 200, "others are served: {other}");
    }
}

#[test]
fn whoever_has_a_network_has_one_address() {
    let server = server(&[("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1")]);
    use_up_from(&server, |at| {
        from(login(&format!("user{at}"), "wrong password"), &format!("2001:db8::{at:x}:1"))
    });
    let ada = |forwarded: &str| server.send(from(login("ada", PASSWORD), forwarded));
    assert_limited(&ada("2001:db8::ffff:ffff:ffff:ffff"), "address");
    assert_eq!(ada("2001:db8:0:1::1").status, 200, "the next network is another's");
}

#[test]
fn a_session_is_listed_with_where_it_came_from() {
    let server = server(&[("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1")]);
    for (forwarded, expected) in [
        ("192.0.2.1, 198.51.100.7", "198.51.100.7"),
        ("nonsense", "127.0.0.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
    ] {
        let reply = server.send(from(login("ada", PASSWORD), forwarded));
        let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
        let sessions = server.send(Request::get("/sessions").bearer(&token)).json();
        let sessions = sessions["sessions"].as_array().expect("sessions");
        let own = sessions.iter().find(|session| session["current"] == json!(true)).expect("its own");
        assert_eq!(own["address"], expected);
    }
}

/// Three guesses are free for all together, and then ten of clean addresses.
const FEW_IN_ALL: &[(&str, &str)] = &[
    ("COUNTERSIGN_LOGIN__GLOBAL_FREE", "3"),
    ("COUNTERSIGN_LOGIN__GLOBAL_PER_DAY", "10"),
    ("COUNTERSIGN_LOGIN__FIRST_DELAY", "600"),
    ("COUNTERSIGN_LOGIN__LONGEST_DELAY", "86400"),
    ("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1"),
];

// P08
#[test]
fn a_spray_from_everywhere_is_stopped() {
    let server = Server::start_with(FEW_IN_ALL);
    server.user("ada", &[]);
    let wrong = |at: usize| from(login(&format!("user{at}"), "wrong password"), &format!("198.51.100.{at}"));
    use_up_from(&server, wrong);
    for at in 3..13 {
        assert_eq!(server.send(wrong(at)).status, 400, "guess {at} from an address without failures");
    }
    assert_limited(&server.send(wrong(13)), "global");
    assert_limited(&server.send(from(login("ada", PASSWORD), "192.0.2.1")), "global");
}

// P08
#[test]
fn one_network_locks_nobody_out_at_the_global_limit() {
    let server = Server::start_with(FEW_IN_ALL);
    server.user("ada", &[]);
    let wrong = |at: usize| {
        from(login(&format!("user{at}"), "wrong password"), &format!("2001:db8:0:{at:x}::{at:x}"))
    };
    use_up_from(&server, wrong);
    for at in 3..30 {
        assert_limited(&server.send(wrong(at)), "global");
        for clean in ["192.0.2.1", "2001:db8:1::1"] {
            assert_eq!(server.send(from(login("ada", PASSWORD), clean)).status, 200, "{clean}");
        }
    }
}

// P08
#[test]
fn passwords_too_long_to_be_right_count_at_their_address_alone() {
    let server = Server::start_with(&[FEW_IN_ALL, &FEW[..2]].concat());
    server.user("ada", &[]);
    let long = "x".repeat(257);
    for at in 0..30 {
        let reply = server.send(from(login("ada", &long), &format!("198.51.100.{at}")));
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")), "{at}");
    }
    assert_eq!(server.send(from(login("ada", PASSWORD), "192.0.2.1")).status, 200, "not at the account");
    use_up_from(&server, |_| from(login("nobody", &long), "192.0.2.66"));
    assert_limited(&server.send(from(login("nobody", &long), "192.0.2.66")), "address");
    for at in 0..2 {
        assert_eq!(server.send(from(login("eve", "wrong password"), &format!("203.0.113.{at}"))).status, 400);
    }
    assert_eq!(server.send(from(login("eve", "wrong password"), "203.0.113.1")).status, 400);
    assert_limited(&server.send(from(login("eve", "wrong password"), "203.0.113.1")), "global");
}
