//! The token form against reference decoders.

use countersign::web::form::{FormError, parse, parse_urlencoded};
use proptest::prelude::*;

const NAMES: [&str; 12] = [
    "grant_type",
    "username",
    "password",
    "scope",
    "client_id",
    "client_secret",
    "client_assertion_type",
    "client_assertion",
    "refresh_token",
    "device_name",
    "token",
    "token_type_hint",
];

/// Pieces that make interesting bodies likely.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(NAMES.to_vec()).prop_map(|name| name.as_bytes().to_vec()),
        proptest::sample::select(vec!["&", "=", "+", "%", "%2", "%41", "%c3%a9", "%ff", "%00", "é", "a"])
            .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Whether every percent sign has two hexadecimal digits behind it.
fn well_escaped(body: &[u8]) -> bool {
    body.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        body.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn any_body_parses_as_the_reference_decoder_reads_it_or_is_refused(body in body()) {
        // The reference replaces what is not UTF-8; no test body has that character otherwise.
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let readable = well_escaped(&body)
            && pairs.iter().all(|(name, value)| !name.contains('\u{fffd}') && !value.contains('\u{fffd}'));
        let twice = NAMES.iter().any(|name| pairs.iter().filter(|(have, _)| have == name).count() > 1);
        match parse_urlencoded(&body) {
            Ok(form) => {
                prop_assert!(readable && !twice);
                for name in NAMES {
                    let expected = pairs.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
                    prop_assert_eq!(form.parameter(name), expected.filter(|value| !value.is_empty()));
                }
            }
            Err(FormError::Encoding) => prop_assert!(!readable),
            Err(FormError::Duplicate) => prop_assert!(twice),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn any_multipart_body_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut framed = b"--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\n".to_vec();
        framed.extend_from_slice(&body);
        let _ = runtime.block_on(parse("multipart/form-data; boundary=b", body));
        let _ = runtime.block_on(parse("multipart/form-data; boundary=b", framed));
    }

    #[test]
    fn multipart_values_arrive_as_they_were_sent(username in "[^\r\n]{1,40}", password in "\\PC{1,40}") {
        let part = |name: &str, value: &str| {
            format!("--XBOUND\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = format!("{}{}--XBOUND--\r\n", part("username", &username), part("password", &password));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let form = runtime.block_on(parse("multipart/form-data; boundary=XBOUND", body.into_bytes()));
        let form = form.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(form.parameter("username"), Some(&*username));
        prop_assert_eq!(form.parameter("password"), Some(&*password));
    }
}
