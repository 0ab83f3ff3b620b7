//! Each claim has its exact type: with any other the token is refused, or the claim gives nothing.

use super::LIFETIME;
use crate::{
    jws::{good_header, sign, signing_key},
    keys::with,
};
use countersign::{
    Claims,
    clock::UnixTime,
    jwt::{AccessTokens, JwtError, KeyRing, Rules},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};

const NOW: u64 = 1_000;

static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
    let rules = Rules {
        issuer: "https://issuer.example".into(),
        audience: "api".into(),
        leeway: Duration::ZERO,
        max_lifetime: Duration::from_secs(LIFETIME),
    };
    AccessTokens::new(KeyRing::new(signing_key(), UnixTime(0)), rules)
});

fn verify(header: &str, payload: &str) -> Result<Claims, JwtError> {
    TOKENS.verify(sign(header.as_bytes(), payload.as_bytes()).as_bytes(), UnixTime(NOW))
}

/// Every claim there is.
fn good() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": "api", "sub": "ada", "client_id": "app", "sid": "s", "jti": "j",
        "iat": NOW, "exp": NOW + LIFETIME, "nbf": NOW, "rev": 3, "crev": 4,
        "roles": ["admin", "editor"], "scope": "items reports:read",
    })
}

#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    Number,
    /// A text or texts.
    Audience,
    Texts,
}

/// What has to be right, if it is there at all.
const STRICT: [(&str, Type); 11] = [
    ("iss", Type::Text),
    ("aud", Type::Audience),
    ("sub", Type::Text),
    ("client_id", Type::Text),
    ("sid", Type::Text),
    ("jti", Type::Text),
    ("iat", Type::Number),
    ("exp", Type::Number),
    ("nbf", Type::Number),
    ("rev", Type::Number),
    ("crev", Type::Number),
];
/// What gives nothing if it is wrong (RFC 6750 §3.1).
const LENIENT: [(&str, Type); 2] = [("roles", Type::Texts), ("scope", Type::Text)];

impl Type {
    fn is_of(self, value: &Value) -> bool {
        let texts = || value.as_array().is_some_and(|values| values.iter().all(Value::is_string));
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_u64(),
            Self::Audience => value.is_string() || texts(),
            Self::Texts => texts(),
        }
    }
}

/// Any JSON value; often one that reads like what should be there.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..3_000_u32).prop_map(|whole| f64::from(whole).into()),
        "\\PC{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "https://issuer.example",
            "api",
            "ada",
            "app",
            "admin",
            "items",
            "1000"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{0,4}", inner, 0..3)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// A right value in the wrapping of another type.
fn wrapped(value: &Value) -> Vec<Value> {
    vec![json!([value]), json!([[value]]), json!({ "": value }), json!([value, 1]), json!(value.to_string())]
}

#[test]
fn the_token_of_these_properties_is_good_and_each_claim_is_read() {
    let claims = verify(&good_header(), &good().to_string()).expect("good");
    assert_eq!((claims.subject(), claims.client_id(), claims.session_id()), ("ada", "app", "s"));
    assert_eq!((claims.token_id(), claims.revision(), claims.client_revision()), ("j", 3, 4));
    assert_eq!((claims.roles().len(), claims.scope().to_string()), (2, "items reports:read".into()));
}

#[test]
fn a_right_value_wrapped_as_another_type_is_refused() {
    for (claim, kind) in STRICT {
        for value in wrapped(&good()[claim]).into_iter().filter(|value| !kind.is_of(value)) {
            let found = verify(&good_header(), &with(&good(), claim, value.clone()).to_string());
            assert_eq!(found, Err(JwtError::Claim(claim)), "{claim} is {value}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // C02, C06, C07, C08, C09, C11
    #[test]
    fn a_claim_of_another_type_has_the_token_refused(at in 0..STRICT.len(), value in value()) {
        let (claim, kind) = STRICT[at];
        let found = verify(&good_header(), &with(&good(), claim, value.clone()).to_string());
        if !kind.is_of(&value) {
            prop_assert_eq!(found, Err(JwtError::Claim(claim)), "{} is {}", claim, value);
        }
    }

    // C13
    #[test]
    fn roles_and_scope_of_another_type_give_nothing(at in 0..LENIENT.len(), value in value()) {
        let (claim, kind) = LENIENT[at];
        let found = verify(&good_header(), &with(&good(), claim, value.clone()).to_string());
        let found = found.map_err(|error| TestCaseError::fail(error.to_string()))?;
        if !kind.is_of(&value) {
            let given = if claim == "roles" { found.roles().len() } else { found.scope().iter().count() };
            prop_assert_eq!(given, 0, "{} is {}", claim, value);
        }
        let other = if claim == "roles" { found.scope().iter().count() } else { found.roles().len() };
        prop_assert_eq!(other, 2, "what is right stays");
    }

    // A02, A24
    #[test]
    fn a_header_member_of_another_type_has_the_token_refused(
        member in prop_oneof![Just("alg"), Just("kid"), Just("typ")],
        value in value(),
    ) {
        let header: Value = serde_json::from_str(&good_header()).expect("JSON");
        let found = verify(&with(&header, member, value.clone()).to_string(), &good().to_string());
        if value.is_string() {
            prop_assert_eq!(found.is_ok(), value == header[member], "{} is {}", member, value);
        } else {
            prop_assert_eq!(found, Err(JwtError::HeaderMember(member)), "{} is {}", member, value);
        }
    }
}
