//! A signature is right in every bit, or it is wrong.

use crate::{
    forge::{Token, b64, unb64},
    server::Server,
};

// A07
#[test]
fn a_signature_changed_in_any_way_is_refused() {
    let server = Server::start();
    let good = server.login("ada");
    server.accepts(&good);

    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let with = |signature: &[u8]| format!("{message}.{}", b64(signature));
    let signature = unb64(signature);
    assert_eq!((signature.len(), with(&signature)), (32, good.clone()));
    server.refuses_each([
        ("empty", with(b"")),
        ("one byte", with(&signature[..1])),
        ("half", with(&signature[..16])),
        ("one byte short", with(&signature[..31])),
        ("without its first byte", with(&signature[1..])),
        ("one byte long", with(&[&signature[..], &[0]].concat())),
        ("twice", with(&[&signature[..], &signature].concat())),
        ("all zero", with(&[0; 32])),
        ("all ones", with(&[255; 32])),
        ("backwards", with(&signature.iter().rev().copied().collect::<Vec<_>>())),
    ]);
    server.refuses_each((0..256).map(|bit| {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        (bit, with(&flipped))
    }));
}

// A07
#[test]
fn a_signature_belongs_to_one_token_only() {
    let server = Server::start();
    let (first, second) = (server.login("ada"), server.login("ada"));
    server.accepts(&first);
    server.accepts(&second);

    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (parts(&first), parts(&second));
    assert_ne!(a[1], b[1], "every token is another one");
    server.refuses_each([
        ("the other's signature", [&*a[0], &a[1], &b[2]].join(".")),
        ("the other's payload", [&*a[0], &b[1], &a[2]].join(".")),
    ]);
    let admin = Token::parse(&first).claim("roles", vec!["admin"]);
    server.refuses_each([("roles added", [&*a[0], &b64(admin.claims_text()), &a[2]].join("."))]);
    server.refuses_each([
        ("parts in another order", [&*a[1], &a[0], &a[2]].join(".")),
        ("the dot moved", format!("{}{}.{}.{}", a[0], &a[1][..4], &a[1][4..], a[2])),
    ]);
}
