//! A token whose signature was checked before is refused as soon as any other.

use super::{RING, kid};
use crate::{
    http::Request,
    server::Server,
    well_known::{list, within_a_second},
};

#[test]
fn a_token_that_was_used_before_is_refused_the_moment_its_session_ends() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    for _ in 0..3 {
        let token = server.login("ada");
        for _ in 0..3 {
            server.accepts(&token);
        }
        assert_eq!(server.send(Request::post("/logout").bearer(&token)).status, 204);
        server.refuses(&token);
    }
    let token = server.login("ada");
    server.accepts(&token);
    server.accepts(&token);
    server.cli(&["user", "disable", "ada"], "");
    server.refuses(&token);
}

#[test]
fn a_token_that_was_used_before_is_refused_as_soon_as_its_key_is() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let token = server.login("ada");
    server.accepts(&token);
    server.cli(&["keys", "revoke", &kid(&token), "--keep-sessions"], "");
    within_a_second(|| server.me(&token).status == 401);
    server.refuses(&token);
    assert_eq!(list(&server)[0]["stage"], "revoked");
}
