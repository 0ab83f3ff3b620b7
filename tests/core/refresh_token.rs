//! Refresh tokens apart from any store: how they are read, and what shows of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::{
    clock::UnixTime,
    jwt::{HmacSecret, KeyRing, SigningKey},
    refresh_token::{RefreshKeys, RefreshToken, Salt},
    session::SessionId,
};

fn keys(secret: &str) -> RefreshKeys {
    let secret = HmacSecret::parse(secret.as_bytes()).expect("a good secret");
    RefreshKeys::derive(&KeyRing::new(SigningKey::hs256(&secret), UnixTime(0)), UnixTime(1))
}

// G01
#[test]
fn a_token_shows_its_session_and_nothing_to_refresh_with() {
    let (session, salt) = (SessionId::from_bytes([7; 16]), Salt::random().expect("randomness"));
    let keys = keys("q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
    let text = keys.seal(session, 3, &salt);
    let token: RefreshToken = text.parse().expect("a token");
    assert!((token.session(), token.generation()) == (session, 3) && keys.sealed(&token, &salt));
    assert_eq!(format!("{token:?}"), format!("RefreshToken({session})"));
    assert_eq!(format!("{salt:?} {keys:?}"), "Salt RefreshKeys");
}

#[test]
fn a_seal_is_good_for_one_key_one_salt_one_session_and_one_generation() {
    let (session, salt) = (SessionId::from_bytes([7; 16]), Salt::random().expect("randomness"));
    let keys = [keys("q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"), keys("Zt4Rw8Yb1Mn6Vc3Xq9Lk2Jh7Gf5Ds0Pa")];
    let token: RefreshToken = keys[0].seal(session, 3, &salt).parse().expect("a token");
    assert!(keys[0].sealed(&token, &salt) && !keys[1].sealed(&token, &salt));
    assert!(!keys[0].sealed(&token, &Salt::random().expect("randomness")));
    // The parts of one token with the seal of another.
    let text = keys[0].seal(session, 3, &salt);
    for other in [keys[0].seal(SessionId::from_bytes([8; 16]), 3, &salt), keys[0].seal(session, 4, &salt)] {
        let mixed: RefreshToken = format!("{}{}", &other[..36], &text[36..]).parse().expect("a token");
        assert!(mixed.generation() != 3 || mixed.session() != session);
        assert!(!keys[0].sealed(&mixed, &salt));
    }
}

// R13
#[test]
fn a_seal_is_right_in_every_bit() {
    let (session, salt) = (SessionId::from_bytes([7; 16]), Salt::random().expect("randomness"));
    let keys = keys("q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
    let text = keys.seal(session, 3, &salt);
    let bytes = BASE64.decode(&text["csr_".len()..]).expect("base64url");
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let token: RefreshToken = format!("csr_{}", BASE64.encode(changed)).parse().expect("a token");
        assert!(!keys.sealed(&token, &salt), "bit {bit}");
    }
}
