//! The token form against reference decoders.

use countersign::web::form::{Form, FormError, parse, parse_urlencoded};
use proptest::prelude::*;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};

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
        proptest::sample::select(vec!["&scope=a", "&scope=", "&%73cope=b", "scope&", "&username=c"])
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

    // T04, T05, T06, T11
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
    fn what_a_reference_encoder_writes_is_read_as_it_was_meant(
        (present, values) in (any::<[bool; NAMES.len()]>(), proptest::array::uniform12(".{0,12}")),
        more in proptest::collection::vec(("[a-z]{1,3}", ".{0,6}"), 0..4),
    ) {
        let mut encoder = form_urlencoded::Serializer::new(String::new());
        let ours = || NAMES.into_iter().zip(&values).zip(present).filter_map(|(pair, is_there)| is_there.then_some(pair));
        encoder.extend_pairs(&more).extend_pairs(ours()).extend_pairs(&more);
        let form = parse_urlencoded(encoder.finish().as_bytes());
        let form = form.map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (name, is_there) in NAMES.into_iter().zip(present) {
            let expected = ours().find(|(have, value)| is_there && *have == name && !value.is_empty());
            prop_assert_eq!(form.parameter(name), expected.map(|(_, value)| &**value), "{}", name);
        }
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).build().expect("a runtime"));

fn multipart(boundary: &str, body: Vec<u8>) -> Result<Form, FormError> {
    RUNTIME.block_on(parse(&format!("multipart/form-data; boundary={boundary}"), body))
}

/// A part of a multipart body (RFC 7578 §4.2).
#[derive(Clone, Debug)]
struct Part {
    name: String,
    value: Vec<u8>,
    is_file: bool,
    kind: Option<&'static str>,
}

fn part() -> impl Strategy<Value = Part> {
    let name = prop_oneof![
        6 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        1 => "[a-z_]{1,9}",
    ];
    let text = prop_oneof!["\\PC{0,20}", ".{0,20}", Just("\r\n--".to_owned()), Just("--\r\n".to_owned())];
    let value = prop_oneof![
        8 => text.prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    let kind = proptest::sample::select(vec![None, Some("text/plain"), Some("text/plain; charset=utf-8")]);
    (name, value, proptest::bool::weighted(0.05), kind).prop_map(|(name, value, is_file, kind)| Part {
        name,
        value,
        is_file,
        kind,
    })
}

fn written(parts: &[Part], boundary: &str) -> Vec<u8> {
    let mut body = vec![];
    for part in parts {
        let file = if part.is_file { "; filename=\"a.txt\"" } else { "" };
        let kind = part.kind.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
        let name = &part.name;
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n{kind}\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// What is wrong with the parts, which are looked at one after the other.
fn fault(parts: &[Part]) -> Option<FormError> {
    let ours: Vec<_> = parts.iter().filter(|part| NAMES.contains(&&*part.name)).collect();
    ours.iter().enumerate().find_map(|(at, part)| match part {
        Part { is_file: true, .. } => Some(FormError::Multipart),
        Part { value, .. } if std::str::from_utf8(value).is_err() => Some(FormError::Encoding),
        Part { name, .. } if ours[..at].iter().any(|before| before.name == *name) => {
            Some(FormError::Duplicate)
        }
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    // T02, T04, T11
    #[test]
    fn multipart_values_arrive_as_they_were_sent(
        parts in proptest::collection::vec(part(), 1..6),
        boundary in "-{0,4}[A-Za-z0-9_]{8,40}",
    ) {
        let form = multipart(&boundary, written(&parts, &boundary));
        prop_assert_eq!(form.as_ref().err().copied(), fault(&parts));
        for name in form.iter().flat_map(|_| NAMES) {
            let sent = parts.iter().find(|part| part.name == name && !part.value.is_empty());
            let found = form.as_ref().ok().and_then(|form| form.parameter(name));
            prop_assert_eq!(found.map(str::as_bytes), sent.map(|part| &*part.value), "{}", name);
        }
    }

    #[test]
    fn a_multipart_body_that_is_cut_short_is_no_form(
        parts in proptest::collection::vec(part(), 1..4),
        at in any::<prop::sample::Index>(),
    ) {
        let whole = written(&parts, "XBOUND");
        // The last line's end may be missing.
        let cut = &whole[..at.index(whole.len() - 2)];
        if fault(&parts).is_none() {
            prop_assert_eq!(multipart("XBOUND", cut.to_vec()).err(), Some(FormError::Multipart), "{}", cut.len());
        }
    }

    #[test]
    fn any_multipart_body_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut framed = b"--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\n".to_vec();
        framed.extend_from_slice(&body);
        let _ = multipart("b", body);
        let _ = multipart("b", framed);
    }
}

#[test]
fn what_is_told_of_a_form_is_what_is_logged_of_it() {
    for error in [FormError::ContentType, FormError::Encoding, FormError::Multipart, FormError::Duplicate] {
        assert_eq!(error.description(), error.to_string());
    }
}
