//! Any bytes as the body of `POST /token`. Urlencoded, against the `form_urlencoded` crate: the same
//! parameters, except that what it mends or lets pass twice is an error here, and that one exactly. As
//! multipart: what is read stands in the body, and what was read of the other kind is read alike.
#![no_main]

use countersign::{
    grant::TokenRequest,
    web::form::{Form, FormError, parse, parse_urlencoded},
};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Write,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// RFC 6749, RFC 7009, RFC 7521, and `device_name`.
const NAMES: [&str; 12] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "device_name",
    "grant_type",
    "password",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
    "username",
];
const BOUNDARY: &str = "cs-7f3a";

fuzz_target!(|body: &[u8]| {
    let expected = reference(body);
    let form = parse_urlencoded(body);
    match (&form, &expected) {
        (Ok(form), Ok(parameters)) => {
            for name in NAMES {
                let value = parameters.get(name).map(|value| &**value).filter(|value| !value.is_empty());
                assert_eq!(form.parameter(name), value, "{name}");
            }
            same_again(form, parameters);
        }
        (Err(found), Err(expected)) => assert_eq!(found, expected),
        (Ok(_), Err(expected)) => panic!("taken, and is {expected}"),
        (Err(error), Ok(_)) => panic!("refused: {error}"),
    }
    if let Ok(form) = form {
        let username = form.parameter("username").map(str::to_owned);
        assert_eq!(TokenRequest::from(form).username, username);
    }
    if body.starts_with(b"--")
        && let Ok(form) = multipart(body.to_vec())
    {
        let stands = |value: &str| body.windows(value.len()).any(|part| part == value.as_bytes());
        assert!(NAMES.iter().filter_map(|name| form.parameter(name)).all(stands));
    }
});

/// The parameters that are known, or the first thing that is wrong (RFC 6749 §3.2).
fn reference(body: &[u8]) -> Result<BTreeMap<Cow<'_, str>, Cow<'_, str>>, FormError> {
    let mut known = BTreeMap::new();
    for part in body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        if !is_encoded(part) {
            return Err(FormError::Encoding);
        }
        let (name, value) = form_urlencoded::parse(part).next().expect("there is a pair");
        if NAMES.contains(&&*name) && known.insert(name, value).is_some() {
            return Err(FormError::Duplicate);
        }
    }
    Ok(known)
}

/// Whether both halves of a pair are percent-encoded UTF-8.
fn is_encoded(pair: &[u8]) -> bool {
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    halves.all(|half| {
        let mut after = half.split(|byte| *byte == b'%').skip(1);
        after.all(|rest| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit))
            && percent_decode(half).decode_utf8().is_ok()
    })
}

/// Written again, as either kind, it is the same form.
fn same_again(form: &Form, parameters: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) {
    let urlencoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    assert!(parse_urlencoded(urlencoded.as_bytes()).as_ref() == Ok(form));
    if parameters.is_empty() || parameters.values().any(|value| value.contains(BOUNDARY)) {
        return;
    }
    let mut body = String::new();
    for (name, value) in parameters {
        let line = write!(
            body,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        line.expect("a string takes all");
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    assert!(multipart(body.into_bytes()).as_ref() == Ok(form));
}

fn multipart(body: Vec<u8>) -> Result<Form, FormError> {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let parsing = pin!(parse(&content_type, body));
    match parsing.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(form) => form,
        Poll::Pending => panic!("the whole body is there, and more is waited for"),
    }
}
