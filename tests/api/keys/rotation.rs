//! From one key to the next.

use super::{RING, edit, kid, pause, ring, stderr};
use crate::{
    backing::Backing,
    server::Server,
    tokens::{offline, refresh, text},
    well_known::{list, published, signing, within_a_second},
};
use serde_json::{Value, json};

fn kids(server: &Server) -> Vec<String> {
    published(server).iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn stages(server: &Server) -> Vec<String> {
    list(server).iter().map(|key| key["stage"].as_str().expect("a stage").to_owned()).collect()
}

// K03
#[test]
fn a_successor_is_published_first_then_signs_and_the_old_key_verifies_still() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, token) = offline(&server);
    let old = kid(&access);

    let refused = server.try_cli(&["keys", "rotate", "--in", "0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--in: "), "{}", stderr(&refused));
    assert_eq!(kids(&server), [&*old], "nothing has changed");

    server.cli(&["keys", "rotate", "--in", "3"], "");
    within_a_second(|| kids(&server).len() == 2);
    let new = kids(&server)[1].clone();
    assert_eq!(kids(&server), [&*old, &new], "the signing key is first");
    assert_eq!(kid(&server.login("ada")), old, "it is published and does not sign yet");
    assert_eq!(stages(&server), ["signing", "published"]);
    let refused = server.try_cli(&["keys", "rotate"]);
    assert_eq!(refused.status.code(), Some(1), "one successor is enough");
    assert!(stderr(&refused).contains(&new), "{}", stderr(&refused));

    pause(3000);
    let newer = server.login("ada");
    assert_eq!(kid(&newer), new);
    assert_eq!(kids(&server), [&*new, &old], "the signing key is first");
    assert_eq!(stages(&server), ["retired", "signing"]);
    server.accepts(&access);
    server.accepts(&newer);
    // Sealed by the old key; from now on by the new one.
    let next = refresh(&server, &token);
    assert_eq!(kid(&text(&next, "access_token")), new);
    assert_eq!(refresh(&server, &text(&next, "refresh_token")).status, 200);
}

// K03
#[test]
fn a_retired_key_verifies_to_the_end_of_its_overlap_and_not_a_second_longer() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, token) = offline(&server);
    server.cli(&["keys", "rotate"], "");
    pause(2500);
    assert_eq!(stages(&server), ["retired", "signing"]);
    let life = &list(&server)[0];
    let time = |name: &str| life[name].as_u64().expect("a time");
    // The longest life that any server may give a token, and twice what clocks may differ.
    assert_eq!(time("verifies_until") - time("retires_at"), 86_400 + 120);
    assert_eq!(time("seals_until") - time("retires_at"), 14 * 86_400);

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    edit(&server, |ring| ring["keys"][0]["life"]["verifies_until"] = json!(now + 4));
    pause(1500);
    server.accepts(&access);
    assert_eq!(kids(&server).len(), 2);
    pause(3000);
    server.refuses(&access);
    assert_eq!(kids(&server).len(), 1, "it is no longer published");
    assert_eq!(stages(&server), ["gone", "signing"]);
    assert_eq!(refresh(&server, &token).status, 200, "the session goes on");

    let other = Server::start_with(&[]);
    other.user("ada", &[]);
    assert_eq!(kids(&other), Vec::<String>::new());
}

#[test]
fn what_nothing_depends_on_any_more_is_removed() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, token) = offline(&server);
    server.cli(&["keys", "rotate"], "");
    pause(2500);
    edit(&server, |ring| {
        let life = &mut ring["keys"][0]["life"];
        (life["verifies_until"], life["seals_until"]) =
            (life["retires_at"].clone(), life["retires_at"].clone());
    });
    within_a_second(|| list(&server).len() == 1);
    server.refuses(&access);
    crate::server::assert_token_error(&refresh(&server, &token), "invalid_grant");
}

#[test]
fn keys_rotate_by_themselves() {
    // The first session has to outlive all those that follow.
    let many = ("COUNTERSIGN_REFRESH__SESSIONS_PER_USER", "1000");
    let server = Server::start_with(&ring(&[("COUNTERSIGN_KEYS__PERIOD", "4"), many]));
    server.user("ada", &[]);
    let first = server.login("ada");
    let mut seen = vec![kid(&first)];
    for _ in 0..60 {
        let token = server.login("ada");
        server.accepts(&token);
        server.accepts(&first);
        assert!(kids(&server).contains(&kid(&token)), "what signs is published");
        // It may change between the two looks, but not before and behind.
        let (before, signs) = (kids(&server)[0].clone(), kid(&server.login("ada")));
        assert!(before == signs || kids(&server)[0] == signs, "and first");
        if !seen.contains(&kid(&token)) {
            seen.push(kid(&token));
        }
        if seen.len() == 3 {
            break;
        }
        pause(200);
    }
    assert_eq!(seen.len(), 3, "two rotations");
    let server = Server::start_with(&ring(&[("COUNTERSIGN_KEYS__PERIOD", "0")]));
    pause(3000);
    assert_eq!(list(&server).len(), 1, "0 is never");
}

// K04
#[test]
fn all_servers_change_over_at_the_same_moment_without_a_word() {
    let key = crate::keys::database::KEK;
    let settings = [
        ("COUNTERSIGN_SIGNING_KEY", ""),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", key),
        ("COUNTERSIGN_KEYS__MAX_AGE", "1"),
        ("COUNTERSIGN_KEYS__ANNOUNCE", "2"),
        ("COUNTERSIGN_KEYS__PERIOD", "4"),
    ];
    let on = Backing::postgres();
    let (a, b) = (on.start_with(&settings), on.start_with(&settings));
    a.user("ada", &[]);
    let mut changes = 0;
    let mut last = Value::Null;
    for _ in 0..80 {
        let (of_a, of_b) = (a.login("ada"), b.login("ada"));
        for server in [&a, &b] {
            server.accepts(&of_a);
            server.accepts(&of_b);
        }
        let present = json!(kid(&of_b));
        changes += usize::from(last != present);
        last = present;
        if changes == 3 {
            break;
        }
        pause(100);
    }
    assert_eq!(changes, 3, "two rotations");
    // However many asked for a successor, one was made each time.
    let starts: Vec<_> = list(&a).iter().map(|key| key["signs_from"].as_u64().expect("a time")).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 4), "{starts:?}");
    assert_eq!(signing(&a), signing(&b));
}
