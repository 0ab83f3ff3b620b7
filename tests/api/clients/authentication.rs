//! Who a client proves to be (RFC 6749 §2.3).

use super::{ask, assert_invalid_client, basic, register, service, start};
use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::assert_token_error,
};

on_every_store![
    a_client_proves_who_it_is_or_gets_nothing,
    a_secret_is_shown_once_and_kept_as_a_hash,
    two_secrets_are_good_while_one_is_replaced,
    a_disabled_client_is_out_at_once_and_in_again_when_it_is_enabled,
];

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

// T09
fn a_client_proves_who_it_is_or_gets_nothing(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    let other = service(&server, "other", &[]);
    register(&server, "web", &["--public"]);
    let post = |form: &[(&str, &str)]| server.send(Request::post("/token").form(form));
    let in_body = |id: &str, secret: &str| post(&[OWN[0], ("client_id", id), ("client_secret", secret)]);

    assert_eq!(ask(&server, ("worker", &secret), &OWN).status, 200, "by Basic");
    assert_eq!(in_body("worker", &secret).status, 200, "by the body");
    // RFC 6749 §2.3.1: both halves are form-encoded, so they may be escaped without need.
    assert_eq!(ask(&server, ("%77orker", &secret.replace('_', "%5F")), &OWN).status, 200);

    let shorter = &secret[..secret.len() - 1];
    let longer = format!("{secret}A");
    let wrong = [&*other, shorter, &*longer, &secret.to_uppercase(), "csc_", "x", &format!(" {secret}")];
    for wrong in wrong {
        assert_invalid_client(&ask(&server, ("worker", wrong), &OWN));
        assert_invalid_client(&in_body("worker", wrong));
    }
    for unknown in ["nobody", "Worker", "worker ", "", "worker\0", "first party", &"w".repeat(65)] {
        assert_invalid_client(&ask(&server, (unknown, &secret), &OWN));
    }
    assert_invalid_client(&in_body("worker", ""));
    assert_invalid_client(&post(&[OWN[0], ("client_id", "worker")]));
    assert_invalid_client(&ask(&server, ("worker", ""), &OWN));
    assert_invalid_client(&post(&[OWN[0], ("client_secret", &secret)]));
    // A public client has nothing to prove, so it does not pretend to.
    assert_invalid_client(&ask(&server, ("web", "x"), &OWN));
    assert_invalid_client(&ask(&server, ("first-party", "x"), &OWN));

    let header = || Request::post("/token").header("Authorization", basic("worker", &secret));
    for more in [("client_id", "worker"), ("client_secret", &secret), ("client_id", "other")] {
        assert_token_error(&server.send(header().form(&[OWN[0], more])), "invalid_request");
    }
    let twice = header().form(&OWN).header("Authorization", basic("worker", &secret));
    assert_token_error(&server.send(twice), "invalid_request");
    let doubled = format!("grant_type=client_credentials&client_id=worker&client_secret={secret}");
    let form = format!("{doubled}&client_secret={secret}");
    assert_token_error(&server.send(Request::post("/token").raw_form(form)), "invalid_request");
    server.is_well();
}

// R14
fn a_secret_is_shown_once_and_kept_as_a_hash(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    let random = secret.strip_prefix("csc_").expect("a prefix that scanners can find");
    assert_eq!(random.len(), 43, "256 bits in base64url");
    for shown in
        [&["client", "show", "worker"][..], &["client", "show", "worker", "--json"], &["client", "list"]]
    {
        assert!(!server.cli(shown, "").contains(random));
    }
    assert_eq!(ask(&server, ("worker", &secret), &OWN).status, 200);
    let dump = on.dump(server.folder.path());
    let holds = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("worker") && !holds(random), "the store knows the client and not its secret");
    assert!(!server.log().contains(random));
}

fn two_secrets_are_good_while_one_is_replaced(on: &Backing) {
    let server = start(on);
    let first = service(&server, "worker", &[]);
    let works = |secret: &str| ask(&server, ("worker", secret), &OWN).status == 200;
    let rotate = |overlap: &str| {
        let printed = server.cli(&["client", "rotate-secret", "worker", "--overlap", overlap], "");
        let line = printed.lines().next().expect("a line");
        line.strip_prefix("secret: ").expect("a secret").to_owned()
    };
    let second = rotate("1000");
    assert!(works(&first) && works(&second), "both are good");
    assert!(server.cli(&["client", "show", "worker"], "").starts_with("worker  enabled  2 secrets  "));
    let third = server.try_cli(&["client", "rotate-secret", "worker", "--overlap", "1000"]);
    assert_eq!(third.status.code(), Some(1), "never more than two, and neither ends unasked");
    assert!(works(&first) && works(&second), "a refused rotation changes nothing");
    let printed = server.cli(&["client", "rotate-secret", "worker", "--replace-newest"], "");
    let third = printed.trim_end().strip_prefix("secret: ").expect("a secret");
    assert!(works(&first) && !works(&second) && works(third), "the newest had not arrived");
    let token = super::token_of_service(&server, ("worker", third), "items");
    let fourth = rotate("0");
    assert!(!works(&first) && !works(third) && works(&fourth), "without an overlap the others end at once");
    let claims = Request::get("/me").bearer(&token);
    assert_eq!(server.send(claims).status, 401, "and so do the tokens that they got");
    let fifth = rotate("1");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(!works(&fourth) && works(&fifth), "when the overlap is over there is one");
    assert!(server.cli(&["client", "show", "worker"], "").starts_with("worker  enabled  secret  "));
    let sixth = rotate("1000");
    assert!(works(&fifth) && works(&sixth), "and the next can come");
    register(&server, "web", &["--public"]);
    let refused = server.try_cli(&["client", "rotate-secret", "web"]);
    assert_eq!(refused.status.code(), Some(2), "a public client has none");
}

fn a_disabled_client_is_out_at_once_and_in_again_when_it_is_enabled(on: &Backing) {
    let server = start(on);
    let secret = service(&server, "worker", &[]);
    register(&server, "web", &["--public", "--scope", "items"]);
    let (access, refresh) = super::login_through(&server, "web", "items");
    let refreshes = || {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("client_id", "web")];
        server.send(Request::post("/token").form(&form))
    };
    assert_eq!(server.me(&access).status, 200);
    server.cli(&["client", "disable", "worker"], "");
    server.cli(&["client", "disable", "web"], "");
    assert_invalid_client(&ask(&server, ("worker", &secret), &OWN));
    assert_invalid_client(&refreshes());
    // Heard of by another process within a second.
    crate::well_known::within_a_second(|| server.me(&access).status == 401);
    server.cli(&["client", "enable", "worker"], "");
    server.cli(&["client", "enable", "web"], "");
    assert_eq!(ask(&server, ("worker", &secret), &OWN).status, 200);
    assert_eq!(server.me(&access).status, 401, "what was revoked stays so");
    let again = refreshes();
    assert_eq!(again.status, 200, "its sessions had only rested");
    server.accepts(&crate::tokens::text(&again, "access_token"));
}
