//! Refresh tokens over HTTP: rotation, reuse, and what does nothing.

use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::assert_token_error,
    tokens::{browser, cookie, offline, refresh, text},
};

on_every_store![
    a_replayed_refresh_token_ends_the_whole_session,
    of_many_refreshes_at_once_one_rotates_and_the_others_get_its_successor,
    a_lost_answer_can_be_asked_for_again_but_a_grandparent_is_a_thief,
    an_access_token_is_no_refresh_token_nor_the_other_way_round,
    a_refresh_token_is_its_clients,
    a_token_that_was_not_sealed_here_does_nothing,
    the_store_holds_nothing_to_log_in_with,
];

// R01, V04
fn a_replayed_refresh_token_ends_the_whole_session(on: &Backing) {
    let server = on.start_with(&[("COUNTERSIGN_REFRESH__GRACE", "0")]);
    server.user("ada", &[]);
    let (_, first) = offline(&server);
    let second = refresh(&server, &first);
    let (access, newest) = (text(&second, "access_token"), text(&second, "refresh_token"));
    assert_eq!(server.me(&access).status, 200);
    assert_token_error(&refresh(&server, &first), "invalid_grant");
    assert_token_error(&refresh(&server, &newest), "invalid_grant");
    server.refuses(&access);
    assert!(server.says("a used refresh token came back"));
}

// R02
fn of_many_refreshes_at_once_one_rotates_and_the_others_get_its_successor(on: &Backing) {
    let server = on.start_with(&[("COUNTERSIGN_RATE__LIMITS", "off")]);
    server.user("ada", &[]);
    for racers in [2, 20, 200] {
        let (_, token) = offline(&server);
        let successors: Vec<_> = std::thread::scope(|scope| {
            let racing: Vec<_> = (0..racers).map(|_| scope.spawn(|| refresh(&server, &token))).collect();
            racing.into_iter().map(|racer| text(&racer.join().expect("it ends"), "refresh_token")).collect()
        });
        assert!(successors.iter().all(|successor| *successor == successors[0]), "one successor for {racers}");
        assert_eq!(refresh(&server, &successors[0]).status, 200);
    }
}

// R03, R07
fn a_lost_answer_can_be_asked_for_again_but_a_grandparent_is_a_thief(on: &Backing) {
    let server = on.start();
    let (_, first) = offline(&server);
    let second = text(&refresh(&server, &first), "refresh_token");
    assert_eq!(text(&refresh(&server, &first), "refresh_token"), second, "the same successor");
    let third = text(&refresh(&server, &second), "refresh_token");
    assert_token_error(&refresh(&server, &first), "invalid_grant");
    assert_token_error(&refresh(&server, &third), "invalid_grant");
}

// A22, A23
fn an_access_token_is_no_refresh_token_nor_the_other_way_round(on: &Backing) {
    let server = on.start();
    let (access, token) = offline(&server);
    server.refuses(&token);
    assert_token_error(&refresh(&server, &access), "invalid_grant");
    assert_eq!(refresh(&server, &token).status, 200);
}

// R12
fn a_refresh_token_is_its_clients(on: &Backing) {
    let server = on.start();
    let (_, token) = offline(&server);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", "other")];
    assert_eq!(server.send(Request::post("/token").form(&form)).status, 401);
    assert_eq!(refresh(&server, &token).status, 200, "and it was not used up");
}

// R13
fn a_token_that_was_not_sealed_here_does_nothing(on: &Backing) {
    let server = on.start();
    let (_, token) = offline(&server);
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_token_error(&refresh(&server, &changed), "invalid_grant");
    }
    for changed in
        [&token[1..], &token[..token.len() - 1], &format!("{token}A"), &token.to_uppercase(), "csr_", "x"]
    {
        assert_token_error(&refresh(&server, changed), "invalid_grant");
    }
    assert_eq!(refresh(&server, &token).status, 200, "nobody can end a session by guessing");
}

// R14
fn the_store_holds_nothing_to_log_in_with(on: &Backing) {
    let server = on.start();
    let (access, first) = offline(&server);
    let second = text(&refresh(&server, &first), "refresh_token");
    let cookie = cookie(&browser(&server));
    let folder = server.kill();
    let dump = on.dump(folder.path());
    assert!(dump.len() > 500, "there is something in it");
    for secret in [&access, &first, &second, &cookie, "analytical-engine", crate::server::KEY] {
        let tail = &secret.as_bytes()[secret.len().saturating_sub(40)..];
        assert!(!dump.windows(tail.len()).any(|window| window == tail), "{secret} is in the store");
    }
}
