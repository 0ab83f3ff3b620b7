//! Lines as `Authorization` headers, against a reading of RFC 6750 §2.1 and RFC 9110 §11.6.2 written
//! apart: what the grammar has a token in gives exactly that token; another scheme gives none; and what
//! the grammar does not have gives at most a text that is no token, so that no verifier takes it.
#![no_main]

use countersign::{Rejection, web::bearer};
use libfuzzer_sys::{Corpus, fuzz_target};

/// What the grammar makes of the header fields.
#[derive(Debug)]
enum Read<'h> {
    NoBearer,
    Token(&'h str),
    NotToken,
    Several,
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let headers = || text.split('\n').filter(|header| !header.is_empty());
    let found = bearer::token(headers());
    match (read(headers()), found) {
        (Read::NoBearer, Err(Rejection::NoCredentials)) => {}
        (Read::Several, Err(Rejection::Ambiguous)) => {}
        (Read::Token(token), Ok(found)) if found == token => {}
        (Read::NotToken, Ok(found)) if !is_b64token(found.as_bytes()) => {}
        (read, found) => panic!("{read:?} is read as {found:?}"),
    }
    Corpus::Keep
});

fn read<'h>(headers: impl Iterator<Item = &'h str>) -> Read<'h> {
    let headers: Vec<_> = headers.collect();
    let [header] = headers[..] else {
        return if headers.is_empty() { Read::NoBearer } else { Read::Several };
    };
    // credentials = auth-scheme [ 1*SP ( token68 / … ) ]; "Bearer" in any case, then exactly one space:
    // RFC 6750 has `1*SP`, and nobody sends more.
    let bytes = header.as_bytes();
    let scheme = bytes.iter().take_while(|byte| **byte != b' ').count();
    if !bytes[..scheme].to_ascii_lowercase().eq(b"bearer") {
        return Read::NoBearer;
    }
    match bytes.get(scheme + 1..) {
        Some(token) if is_b64token(token) => Read::Token(&header[scheme + 1..]),
        _ => Read::NotToken,
    }
}

/// b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
fn is_b64token(bytes: &[u8]) -> bool {
    let body = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
    let known = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    body > 0 && bytes[..body].iter().all(known) && bytes[body..].iter().all(|byte| *byte == b'=')
}
