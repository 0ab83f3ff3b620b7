//! What else can be guessed: the present password, and a client's secret.

use super::*;

fn change(server: &Server, token: &str, present: &str) -> Reply {
    let body = json!({ "current_password": present, "new_password": "a new password" }).to_string();
    server.send(Request::post("/me/password").bearer(token).body("application/json", body))
}

#[test]
fn whoever_has_a_token_cannot_guess_the_password_by_changing_it() {
    let server = Server::start_with(SLOW);
    server.user("ada", &[]);
    server.user("eve", &[]);
    let (ada, eve) = (server.login("ada"), server.login("eve"));
    for _ in 0..FREE {
        assert_eq!(change(&server, &ada, "wrong password").status, 403);
    }
    assert_limited(&change(&server, &ada, PASSWORD), "account");
    assert_eq!(change(&server, &eve, PASSWORD).status, 204, "others are served");
    assert_eq!(server.send(login("ada", PASSWORD)).status, 200, "and it is no way to lock anybody out");
}

#[test]
fn an_attack_on_a_login_does_not_keep_its_owner_from_changing_the_password() {
    let server = Server::start_with(SLOW);
    server.user("ada", &[]);
    let token = server.login("ada");
    use_up(&server, "ada");
    assert_eq!(change(&server, &token, PASSWORD).status, 204);
}

/// A server where three failures from one address are free, and the secret of its client `worker`.
fn server_with_a_worker() -> (Server, String) {
    let server = Server::start_with(&[
        ("COUNTERSIGN_LOGIN__ADDRESS_FREE", "3"),
        ("COUNTERSIGN_LOGIN__ADDRESS_PER_DAY", "10"),
        ("COUNTERSIGN_LOGIN__FIRST_DELAY", "600"),
        ("COUNTERSIGN_LOGIN__LONGEST_DELAY", "86400"),
    ]);
    server.user("ada", &[]);
    let secret = server.cli(&["client", "add", "worker"], "");
    let secret = secret.trim().strip_prefix("secret: ").expect("a secret").to_owned();
    (server, secret)
}

#[test]
fn what_is_no_guess_at_a_secret_is_not_counted() {
    let (server, secret) = server_with_a_worker();
    let ask = |form: &[(&str, &str)]| server.send(Request::post("/token").form(form)).status;
    let (id, secret) = (("client_id", "worker"), ("client_secret", &*secret));
    for _ in 0..5 {
        assert_eq!(ask(&[("grant_type", "client_credentials"), id]), 401, "nothing is proved by a name");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", "none"), id, secret];
        assert_eq!(ask(&refresh), 400, "the secret is right");
    }
    let wrong = [("grant_type", "client_credentials"), id, ("client_secret", "wrong")];
    for _ in 0..3 {
        assert_eq!(ask(&wrong), 401, "and these are the first that count");
    }
    assert_eq!(ask(&wrong), 429);
}

#[test]
fn whoever_tries_many_secrets_is_told_to_wait_and_the_right_one_works() {
    let (server, secret) = server_with_a_worker();
    let ask = |id: &str, secret: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        server.send(Request::post("/token").form(&form))
    };
    for id in ["worker", "nobody", "worker"] {
        assert_eq!(ask(id, "wrong").status, 401);
    }
    for id in ["worker", "nobody"] {
        assert_limited(&ask(id, "wrong"), "address");
    }
    assert_eq!(ask("worker", &secret).status, 200);
    assert_eq!(server.send(login("ada", PASSWORD)).status, 200, "logins have a count of their own");
}
