//! What a token has to say, by whose it is.

use super::{AUDIENCE, ISSUER, Key, NOW, builder, claims, issuer::Issuer, started};
use countersign::{
    Claims, Verifier,
    jwt::{JwtError, Profile},
    verifier::VerifyError,
};
use rocket::async_test;
use serde_json::{Value, json};
use std::time::Duration;

/// An issuer with one key, and what takes its tokens.
struct Setting {
    key: Key,
    verifier: Verifier,
}

impl Setting {
    async fn countersign() -> Self {
        let key = Key::named("a");
        let verifier = started(builder(&Issuer::publishing(&key.jwks()))).await;
        Self { key, verifier }
    }

    /// Of any issuer, with the roles there.
    async fn any(roles_at: &str) -> Self {
        let key = Key::named("a");
        let issuer = Issuer::publishing(&key.jwks());
        let verifier = started(builder(&issuer).profile(Profile::Any).roles_at(roles_at)).await;
        Self { key, verifier }
    }

    async fn read(&self, typ: &str, claims: &Value) -> Result<Claims, VerifyError> {
        self.verifier.verify(self.key.sign(typ, claims).as_bytes()).await
    }

    async fn read_under(&self, header: &Value, claims: &Value) -> Result<Claims, VerifyError> {
        self.verifier.verify(self.key.sign_under(header, claims).as_bytes()).await
    }

    /// Whether the claim is blamed for being this.
    #[track_caller]
    fn blames(verdict: &Result<Claims, VerifyError>, claim: &'static str, what: &Value) {
        let expected = VerifyError::Token(JwtError::Claim(claim));
        assert_eq!(verdict.as_ref().map(Claims::subject), Err(&expected), "{claim} is {what}");
    }
}

/// As Keycloak writes them.
fn keycloak() -> Value {
    json!({
        "exp": NOW + 300, "iat": NOW, "jti": "onrtac:1f3a", "iss": ISSUER, "aud": [AUDIENCE, "account"],
        "sub": "f3b0c2a4-1111-4222-8333-944455556666", "typ": "Bearer", "azp": "spa", "sid": "6d1f",
        "acr": "1", "allowed-origins": ["https://app.example"],
        "realm_access": { "roles": ["offline_access", "admin", "Not A Role Here"] },
        "resource_access": { "account": { "roles": ["manage-account"] } },
        "scope": "openid profile email", "email_verified": true, "preferred_username": "ada",
    })
}

/// As Auth0 writes them.
fn auth0() -> Value {
    json!({
        "iss": ISSUER, "sub": "auth0|65f1", "aud": [AUDIENCE, "https://tenant.example/userinfo"],
        "iat": NOW, "exp": NOW + 86_400, "azp": "spa", "scope": "openid read:reports",
        "https://api.example/roles": ["admin"],
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn roles(claims: &Claims) -> Vec<&str> {
    claims.roles().iter().map(|role| role.as_str()).collect()
}

#[async_test]
async fn a_token_of_countersigns_says_all_that_it_says_to_its_own_server() {
    let setting = Setting::countersign().await;
    let read = setting.read("at+jwt", &claims()).await.expect("taken");
    assert_eq!((read.subject(), read.client_id(), read.session_id()), ("ada", "first-party", "s"));
    assert_eq!((read.token_id(), read.revision()), ("j", 3));
    assert_eq!((roles(&read), read.scope().to_string()), (vec!["editor"], "read write".into()));
    assert_eq!((read.issued_at().0, read.expires_at().0), (NOW, NOW + 900));
}

// C11, C12
#[async_test]
async fn whose_it_is_and_whom_it_is_for_is_compared_exactly_in_both_profiles() {
    for setting in [Setting::countersign().await, Setting::any("/roles").await] {
        let read = async |name, value: Value| setting.read("at+jwt", &with(claims(), name, value)).await;
        for iss in [
            json!("https://evil.example"),
            json!("https://login.example/"),
            json!("https://login.exampl"),
            json!("https://LOGIN.example"),
            json!(""),
            json!([ISSUER]),
            json!([ISSUER, "https://evil.example"]),
            json!({ "iss": ISSUER }),
            json!(null),
            json!(true),
        ] {
            Setting::blames(&read("iss", iss.clone()).await, "iss", &iss);
        }
        for aud in [
            json!("https://other.example"),
            json!("https://api.example/"),
            json!("https://api.exampl"),
            json!(format!("{AUDIENCE} other")),
            json!(["https://other.example", "spa"]),
            json!([]),
            json!([[AUDIENCE]]),
            json!([AUDIENCE, 1]),
            json!({ "aud": AUDIENCE }),
            json!(null),
        ] {
            Setting::blames(&read("aud", aud.clone()).await, "aud", &aud);
        }
        assert!(read("aud", json!(["https://other.example", AUDIENCE])).await.is_ok());
        // An ID token is for the client that asked for it, not for the API.
        Setting::blames(&read("aud", json!("spa")).await, "aud", &json!("spa"));
    }
}

#[async_test]
async fn countersigns_tokens_have_every_claim_and_their_own_type() {
    let setting = Setting::countersign().await;
    for claim in ["iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp", "rev"] {
        let absent = setting.read("at+jwt", &without(claims(), claim)).await;
        Setting::blames(&absent, claim, &json!("absent"));
    }
    // What stands in for it elsewhere does not here.
    let azp = with(without(claims(), "client_id"), "azp", json!("spa"));
    Setting::blames(&setting.read("at+jwt", &azp).await, "client_id", &json!("absent"));
    for typ in ["JWT", "jwt", "application/jwt", "", "id+jwt", "logout+jwt"] {
        assert_eq!(setting.read(typ, &claims()).await, Err(JwtError::Type.into()), "{typ}");
    }
    let header = json!({ "alg": "EdDSA", "kid": "a" });
    assert_eq!(setting.read_under(&header, &claims()).await, Err(JwtError::Type.into()));
    let day = with(claims(), "exp", json!(NOW + 86_400));
    assert!(setting.read("at+jwt", &day).await.is_ok());
    let longer = with(claims(), "exp", json!(NOW + 86_401));
    Setting::blames(&setting.read("at+jwt", &longer).await, "exp", &json!(NOW + 86_401));
}

#[async_test]
async fn a_keycloak_token_is_read_with_its_realm_roles() {
    let setting = Setting::any("/realm_access/roles").await;
    let read = setting.read("JWT", &keycloak()).await.expect("taken");
    assert_eq!((read.client_id(), read.session_id(), read.token_id()), ("spa", "6d1f", "onrtac:1f3a"));
    assert_eq!((read.revision(), roles(&read)), (0, vec!["admin", "offline_access"]));
    assert!(read.scope().contains("profile"));
    for (what, elsewhere) in [
        ("absent", without(keycloak(), "realm_access")),
        ("null", with(keycloak(), "realm_access", json!(null))),
        ("an array", with(keycloak(), "realm_access", json!(["admin"]))),
        ("roles that are a text", with(keycloak(), "realm_access", json!({ "roles": "admin" }))),
        ("roles that are no texts", with(keycloak(), "realm_access", json!({ "roles": ["admin", 1] }))),
        ("at the usual place", with(without(keycloak(), "realm_access"), "roles", json!(["admin"]))),
    ] {
        let read = setting.read("JWT", &elsewhere).await.expect("taken");
        assert!(read.roles().is_empty(), "{what}");
    }
}

#[async_test]
async fn an_auth0_token_is_read_without_what_it_does_not_say() {
    let setting = Setting::any("/https:~1~1api.example~1roles").await;
    let read = setting.read("at+jwt", &auth0()).await.expect("taken");
    assert_eq!((read.subject(), read.client_id()), ("auth0|65f1", "spa"));
    assert_eq!((read.session_id(), read.token_id(), read.revision()), ("", "", 0));
    assert_eq!((roles(&read), read.scope().contains("read:reports")), (vec!["admin"], true));
    let nameless = setting.read("JWT", &without(auth0(), "azp")).await.expect("taken");
    assert_eq!(nameless.client_id(), "");
    let named = with(auth0(), "client_id", json!("named"));
    assert_eq!(setting.read("JWT", &named).await.expect("taken").client_id(), "named");
}

#[async_test]
async fn what_any_issuer_has_to_say_must_be_there_and_all_that_it_says_be_right() {
    let setting = Setting::any("/roles").await;
    for claims in [keycloak(), auth0()] {
        for claim in ["iss", "aud", "sub", "iat", "exp"] {
            let absent = setting.read("JWT", &without(claims.clone(), claim)).await;
            Setting::blames(&absent, claim, &json!("absent"));
        }
        let wrong = |names: &[&'static str], values: &[Value]| {
            let pairs = names.iter().flat_map(|name| values.iter().map(move |value| (*name, value.clone())));
            pairs.collect::<Vec<_>>()
        };
        let no_texts =
            [json!(null), json!(1), json!(true), json!(""), json!(["x"]), json!({}), json!("a\nb")];
        let no_times = [json!(null), json!("1000000"), json!(1_000_000.5), json!(-1), json!([]), json!(true)];
        let mut all = wrong(&["sub", "client_id", "azp", "sid", "jti"], &no_texts);
        all.extend(wrong(&["iat", "exp", "nbf", "rev"], &no_times));
        for (claim, value) in all {
            let read = setting.read("JWT", &with(claims.clone(), claim, value.clone())).await;
            Setting::blames(&read, claim, &value);
        }
        let expired = with(with(claims.clone(), "iat", json!(NOW - 900)), "exp", json!(NOW - 5));
        assert_eq!(setting.read("JWT", &expired).await, Err(JwtError::Expired.into()));
        let early = with(claims.clone(), "nbf", json!(NOW + 6));
        assert_eq!(setting.read("JWT", &early).await, Err(JwtError::NotYetValid.into()));
        let long = with(claims.clone(), "exp", json!(NOW + 86_401));
        Setting::blames(&setting.read("JWT", &long).await, "exp", &json!(NOW + 86_401));
    }
}

#[async_test]
async fn any_issuer_may_call_its_tokens_jwt_or_not_at_all_but_nothing_else() {
    let setting = Setting::any("/roles").await;
    for typ in ["JWT", "jwt", "application/JWT", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(setting.read(typ, &auth0()).await.is_ok(), "{typ}");
    }
    let header = json!({ "alg": "EdDSA", "kid": "a" });
    assert!(setting.read_under(&header, &auth0()).await.is_ok());
    for typ in ["", "id+jwt", "logout+jwt", "dpop+jwt", "JWE", "text/JWT", "application/application/JWT"] {
        assert_eq!(setting.read(typ, &auth0()).await, Err(JwtError::Type.into()), "{typ}");
    }
    let nested = json!({ "alg": "EdDSA", "kid": "a", "typ": "JWT", "cty": "JWT" });
    assert_eq!(setting.read_under(&nested, &auth0()).await, Err(JwtError::Type.into()));
}

#[async_test]
async fn a_shorter_or_a_longer_life_and_leeway_can_be_asked_for() {
    let (key, minute) = (Key::named("a"), Duration::from_secs(60));
    let issuer = Issuer::publishing(&key.jwks());
    let verifier = builder(&issuer).profile(Profile::Any).max_lifetime(10 * minute).leeway(Duration::ZERO);
    let setting = Setting { verifier: started(verifier).await, key };
    let living = |iat, exp| with(with(auth0(), "iat", json!(iat)), "exp", json!(exp));
    assert!(setting.read("JWT", &living(NOW, NOW + 600)).await.is_ok());
    Setting::blames(&setting.read("JWT", &living(NOW, NOW + 601)).await, "exp", &json!(601));
    assert!(setting.read("JWT", &living(NOW - 1, NOW + 1)).await.is_ok());
    assert_eq!(setting.read("JWT", &living(NOW - 1, NOW)).await, Err(JwtError::Expired.into()));
    assert_eq!(setting.read("JWT", &living(NOW + 1, NOW + 2)).await, Err(JwtError::NotYetValid.into()));
}
