//! What a verifier is not made of.

use super::{AUDIENCE, ISSUER};
use countersign::{
    Verifier,
    jwt::Profile,
    verifier::{BuildError, Builder},
};
use std::time::Duration;

fn good() -> Builder {
    at("https://login.example/jwks.json")
}

fn at(url: &str) -> Builder {
    Verifier::builder(url).issuer(ISSUER).audience(AUDIENCE)
}

/// The setting that the error blames.
#[track_caller]
fn blamed(builder: Builder) -> &'static str {
    match builder.build() {
        Err(BuildError::Setting { setting, .. }) => setting,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was made"),
    }
}

#[test]
fn without_an_issuer_or_an_audience_there_is_no_verifier() {
    let bare = || Verifier::builder("https://login.example/jwks.json");
    assert!(good().build().is_ok());
    assert_eq!(blamed(bare()), "issuer");
    assert_eq!(blamed(bare().audience(AUDIENCE)), "issuer");
    assert_eq!(blamed(bare().issuer(ISSUER)), "audience");
    assert_eq!(blamed(good().issuer("")), "issuer");
    assert_eq!(blamed(good().audience("")), "audience");
}

#[test]
fn keys_come_by_https_or_from_this_machine_unless_plain_http_is_allowed() {
    for url in [
        "https://login.example/jwks.json",
        "http://127.0.0.1:8000/",
        "http://127.9.9.9/",
        "http://[::1]:8000/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:8000/",
        "http://issuer.localhost/",
    ] {
        assert!(at(url).build().is_ok(), "{url}");
    }
    for url in [
        "http://login.example/jwks.json",
        "http://127.0.0.1.login.example/",
        "http://localhost.login.example/",
        "http://notlocalhost/",
        "http://[::ffff:10.0.0.1]/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
    ] {
        assert_eq!(blamed(at(url)), "jwks_url", "{url}");
        assert!(at(url).allow_http().build().is_ok(), "{url}");
    }
    for url in [
        "",
        "login.example/jwks.json",
        "/jwks.json",
        "https://",
        "ftp://login.example/jwks.json",
        "file:///etc/jwks.json",
        "data:application/json,{}",
        "https://ada@login.example/",
        "https://:hidden@login.example/",
    ] {
        assert_eq!(blamed(at(url).allow_http()), "jwks_url", "{url}");
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    const SECOND: Duration = Duration::from_secs(1);
    let almost = Duration::from_millis(999);
    assert_eq!(blamed(good().leeway(61 * SECOND)), "leeway");
    assert_eq!(blamed(good().max_lifetime(almost)), "max_lifetime");
    assert_eq!(blamed(good().max_lifetime(86_401 * SECOND)), "max_lifetime");
    assert!(good().profile(Profile::Any).max_lifetime(86_401 * SECOND).build().is_ok());
    assert_eq!(blamed(good().profile(Profile::Any).max_lifetime(almost)), "max_lifetime");
    assert_eq!(blamed(good().refresh_every(almost)), "refresh_every");
    assert_eq!(blamed(good().refresh_every(86_401 * SECOND)), "refresh_every");
    assert_eq!(blamed(good().cool_down(almost)), "cool_down");
    assert_eq!(blamed(good().cool_down(3_601 * SECOND)), "cool_down");
    assert_eq!(blamed(good().deadline(Duration::from_millis(49))), "deadline");
    assert_eq!(blamed(good().deadline(31 * SECOND)), "deadline");
}

#[test]
fn roles_are_looked_for_elsewhere_only_in_other_issuers_tokens_and_by_a_json_pointer() {
    assert_eq!(blamed(good().roles_at("/realm_access/roles")), "roles_at");
    for pointer in ["/realm_access/roles", "/https:~1~1api.example~1roles", "/a~0b", "/"] {
        assert!(good().profile(Profile::Any).roles_at(pointer).build().is_ok(), "{pointer}");
    }
    for pointer in ["", "roles", "realm_access.roles", "/a~b", "/a~", "/a~2"] {
        assert_eq!(blamed(good().profile(Profile::Any).roles_at(pointer)), "roles_at", "{pointer}");
    }
}
