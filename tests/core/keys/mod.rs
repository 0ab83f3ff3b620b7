//! Asymmetric keys: what is taken, what is refused and why, what a ring of them does with time,
//! and what signatures are. Beside the code under test stand the `openssl` program, the
//! examples of the RFCs and arithmetic of the tests' own.

mod apart;
mod arbitrary;
pub mod der;
mod jwk;
mod looks;
mod openssl;
mod padding;
mod pem;
mod published;
mod ring;
mod ring_model;
mod secrecy;
mod signatures;
mod written;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::{
    clock::UnixTime,
    jwt::{
        AccessTokens, Algorithm, Issuance, KeyError, KeyRing, KeySet, KeySetError, RingError, Rules,
        SigningKey,
    },
    scope::Scope,
    session::SessionId,
    user::UserId,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const ALGORITHMS: [Algorithm; 4] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256];
const NOW: UnixTime = UnixTime(1_800_000_000);

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

pub fn unb64(text: &str) -> Vec<u8> {
    BASE64.decode(text).expect("base64url")
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// RFC 8037 appendix A.1.
pub fn okp() -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    })
}

/// RFC 7515 appendix A.3.1.
pub fn ec() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

/// RFC 7517 appendix A.2, the key of RFC 7638 §3.1.
pub fn rsa() -> Value {
    json!({
        "kty": "RSA",
        "alg": "RS256",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB\
              ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg\
              nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw\
              0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "d": "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6N\
              qXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSa\
              wm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFz\
              me1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q",
        "p": "83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOp\
              SXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs",
        "q": "3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovo\
              nizhKpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk",
        "dp": "G4sPXkc6Ya9y8oJW9_ILj4xuppu0lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8ak\
               YhFo5tAA77Qe_NmtuYZc3C3m3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0",
        "dq": "s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOAhvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0J\
               UiraRNqUfLhcQb_d9GF4Dh7e74WbRsobRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk",
        "qi": "GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7\
               lI-puxk_mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU",
    })
}

/// The same RSA key as a PKCS #1 private key (RFC 8017 appendix A.1.2).
pub fn rsa_der() -> Vec<u8> {
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    der::pkcs1(&names.map(|name| unb64(rsa()[name].as_str().expect("a member"))))
}

pub fn oct() -> Value {
    json!({ "kty": "oct", "alg": "HS256", "k": b64(b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1") })
}

/// The same with a member set.
pub fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value.into();
    jwk
}

/// The same without some members.
pub fn without(jwk: &Value, names: &[&str]) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().expect("an object").retain(|name, _| !names.contains(&&**name));
    jwk
}

/// What is for everybody.
pub fn public(jwk: &Value) -> Value {
    without(jwk, &["d", "p", "q", "dp", "dq", "qi"])
}

pub fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The private JWK as a key that signs.
fn signing(jwk: &Value) -> Result<SigningKey, KeyError> {
    match KeyRing::from_json(&set(std::slice::from_ref(jwk))) {
        Ok(ring) => Ok(ring.signing(NOW).clone()),
        Err(RingError::Keys(KeySetError::Key { index: 0, source })) => Err(source),
        Err(other) => panic!("{other:?}"),
    }
}

/// The JWK as a key that verifies.
fn verifying(jwk: &Value) -> Result<KeySet, KeyError> {
    match KeySet::from_jwks(&set(std::slice::from_ref(jwk))) {
        Ok(keys) => Ok(keys),
        Err(KeySetError::Key { index: 0, source }) => Err(source),
        Err(KeySetError::Empty) => Err(KeyError::Unknown),
        Err(other) => panic!("{other:?}"),
    }
}

fn rules() -> Rules {
    let (issuer, audience) = ("issuer".into(), "audience".into());
    Rules { issuer, audience, leeway: Duration::ZERO, max_lifetime: Duration::from_secs(900) }
}

/// A token that these issue.
fn issue(tokens: &AccessTokens, now: UnixTime) -> String {
    let issuance = Issuance {
        subject: UserId::random().to_string(),
        client_id: "app",
        session_id: Some(SessionId::random().expect("randomness")),
        client_revision: 0,
        revision: 0,
        lifetime: Duration::from_secs(86_400),
        roles: &BTreeSet::new(),
        scope: &Scope::default(),
        session_ends: UnixTime(u64::MAX),
    };
    tokens.issue(&issuance, now).expect("issued")
}

/// A token that the key signed.
fn token_of(key: &SigningKey) -> String {
    issue(&AccessTokens::new(KeyRing::new(key.clone(), NOW), rules()), NOW)
}

/// The same JWS with another signature.
fn resigned(message: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{message}.{}", b64(signature))
}

/// The first two parts, which are signed, of a JWS of this algorithm.
fn message(alg: &str) -> String {
    format!("{}.{}", b64(format!(r#"{{"alg":"{alg}"}}"#)), b64("the payload"))
}
