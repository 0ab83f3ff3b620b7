//! The `Authorization` header against a reading of its own.

use super::{said, tokens};
use countersign::{Rejection, clock::UnixTime, web::bearer};
use proptest::prelude::*;

/// One header, byte by byte: six letters of any case, then nothing or one space and the token.
fn read(header: &str) -> Result<&str, Rejection> {
    let bytes = header.as_bytes();
    let is_bearer = bytes.len() >= 6 && (0..6).all(|at| bytes[at] | 0x20 == b"bearer"[at]);
    match bytes.get(6) {
        None if is_bearer => Ok(""),
        Some(b' ') if is_bearer => Ok(&header[7..]),
        _ => Err(Rejection::NoCredentials),
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[Bb][Ee][Aa][Rr][Ee][Rr]",
        Just("Bearer ".to_owned()),
        " {1,2}",
        "[\t,;=\"\\\\]",
        "Basic|Token|Negotiate|Bear|earer",
        "[A-Za-z0-9_.-]{1,12}",
        "\\PC{0,3}",
    ]
}

fn header() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // H02, H05, H06
    #[test]
    fn one_header_is_read_as_the_grammar_says_and_two_not_at_all(
        headers in prop_oneof![
            8 => header().prop_map(|header| vec![header]),
            2 => proptest::collection::vec(header(), 0..4),
        ],
    ) {
        let expected = match headers.as_slice() {
            [] => Err(Rejection::NoCredentials),
            [header] => read(header),
            _ => Err(Rejection::Ambiguous),
        };
        prop_assert_eq!(bearer::token(headers.iter().map(String::as_str)), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// From the header to the claims: no other spelling of a good header gets in.
    #[test]
    fn a_good_token_gets_in_behind_bearer_and_one_space_only(
        said in said(),
        before in prop_oneof![Just("Bearer ".to_owned()), "[Bb][Ee][Aa][Rr][Ee][Rr] ", header()],
        after in prop_oneof![3 => Just(String::new()), 1 => header()],
    ) {
        let verifier = tokens(3, 0);
        let token = said.issue(&verifier, 1_000);
        let header = format!("{before}{token}{after}");
        let presented = bearer::token([&*header]);
        let is_in = presented.is_ok_and(|token| verifier.verify(token.as_bytes(), UnixTime(1_000)).is_ok());
        prop_assert_eq!(is_in, before.eq_ignore_ascii_case("bearer ") && after.is_empty(), "{}", header);
    }
}
