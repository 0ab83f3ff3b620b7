//! STAND-IN for `KeySet::published`: a JWK Set of which only the public keys that can be used are
//! taken.

use crate::jwt::{KeySet, KeySetError};
use serde_json::Value;

/// RFC 7518 §6: members that only a private or a symmetric key has.
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The usable keys, and why the others are not among them.
pub(super) fn published(json: &str) -> Result<(KeySet, Vec<KeySetError>), KeySetError> {
    let mut set: Value = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
    let Some(Value::Array(keys)) = set.get_mut("keys").map(Value::take) else {
        return Err(KeySetError::NotAJwkSet);
    };
    let (mut usable, mut passed_over) = (vec![], vec![]);
    for (index, key) in keys.into_iter().enumerate() {
        match check(&key, index, &usable) {
            Ok(()) => usable.push(key),
            Err(error) => passed_over.push(error),
        }
    }
    if usable.len() > 1 {
        usable.retain(|key| key.get("kid").is_some());
    }
    Ok((KeySet::from_jwks(&serde_json::json!({ "keys": usable }).to_string())?, passed_over))
}

fn check(key: &Value, index: usize, others: &[Value]) -> Result<(), KeySetError> {
    if key["kty"] == "oct" {
        return Err(KeySetError::Mismatch { index, member: "kty" });
    }
    if let Some(member) = SECRET.into_iter().find(|member| key.get(member).is_some()) {
        return Err(KeySetError::Mismatch { index, member });
    }
    if others.iter().any(|other| other.get("kid") == key.get("kid")) {
        return Err(KeySetError::AmbiguousKid);
    }
    match KeySet::from_jwks(&serde_json::json!({ "keys": [key] }).to_string()) {
        Ok(_) => Ok(()),
        Err(KeySetError::Mismatch { member, .. }) => Err(KeySetError::Mismatch { index, member }),
        Err(_) => Err(KeySetError::Mismatch { index, member: "kty" }),
    }
}
