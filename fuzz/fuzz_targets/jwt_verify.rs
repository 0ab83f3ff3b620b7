//! Any bytes as a token, or as a client's assertion: never accepted, since nobody here signs.
#![no_main]

use countersign::{
    client::ClientId,
    clock::UnixTime,
    jwt::{AccessTokens, Assertion, HmacSecret, JwtError, KeyRing, KeySet, MAX_TOKEN_BYTES, SigningKey},
};
use countersign_fuzz::{NOW, SECRET, rules};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
    let secret = HmacSecret::parse(SECRET).expect("a good key");
    AccessTokens::new(KeyRing::new(SigningKey::hs256(&secret), UnixTime(0)), rules())
});

/// A key without a name, which any `kid` means, so that more than one text gets as far as its signature.
static NAMELESS: LazyLock<KeySet> = LazyLock::new(|| {
    let jwks = r#"{"keys":[{"kty":"oct","alg":"HS256","k":"UTh4dlpyM0x3MFRuQjZ5S2QySHNQZjlHak1jVTVlQTE"}]}"#;
    KeySet::from_jwks(jwks).expect("a good key")
});

fuzz_target!(|token: &[u8]| {
    let refused = TOKENS.verify(token, NOW).expect_err("nobody signs here");
    assert_eq!(refused == JwtError::TooLong, token.len() > MAX_TOKEN_BYTES);
    countersign::jwt::verify_jws(token, &NAMELESS).expect_err("nobody signs here");
    if let Some(client) = Assertion::claimed_subject(token) {
        assert_eq!(client.as_str().parse::<ClientId>().as_ref(), Ok(&client));
    }
});
