//! What a token request says of itself, before anybody is asked.

use countersign::{grant::TokenRequest, store::Transport};

/// A request with these parameters.
fn request(grant_type: Option<&str>, scope: Option<&str>, refresh_token: Option<&str>) -> TokenRequest {
    TokenRequest {
        grant_type: grant_type.map(str::to_owned),
        scope: scope.map(str::to_owned),
        refresh_token: refresh_token.map(|text| text.to_owned().into()),
        ..TokenRequest::default()
    }
}

#[test]
fn only_what_is_answered_with_a_refresh_token_by_cookie_may_set_one() {
    for (grant_type, scope, refresh_token, wants_cookie) in [
        (None, None, None, true),
        (Some("password"), None, None, true),
        (Some("password"), Some("read write"), None, true),
        (Some("password"), Some("read offline_access"), None, false),
        (Some("refresh_token"), None, None, true),
        (Some("refresh_token"), None, Some("csr_x"), false),
        // It travels as it came, whatever is asked for.
        (Some("refresh_token"), Some("offline_access"), None, true),
        (Some("client_credentials"), None, None, false),
        (Some("client_credentials"), Some("offline_access"), None, false),
    ] {
        let request = request(grant_type, scope, refresh_token);
        assert_eq!(request.wants_cookie(), wants_cookie, "{grant_type:?} {scope:?}");
    }
}

#[test]
fn a_refresh_is_what_says_so() {
    for grant_type in [None, Some("password"), Some("client_credentials"), Some("")] {
        assert!(!request(grant_type, None, Some("csr_x")).is_refresh(), "{grant_type:?}");
    }
    assert!(request(Some("refresh_token"), None, None).is_refresh());
}

#[test]
fn offline_access_is_a_word_and_not_a_part_of_one() {
    for scope in ["offline_access2", "not_offline_access", "offline", "OFFLINE_ACCESS"] {
        assert_eq!(request(None, Some(scope), None).transport(), Transport::Cookie, "{scope}");
    }
    for scope in ["offline_access", "a offline_access", "offline_access a"] {
        assert_eq!(request(None, Some(scope), None).transport(), Transport::Body, "{scope}");
    }
}
