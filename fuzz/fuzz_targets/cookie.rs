//! Lines as `Cookie` headers, against a reading of RFC 6265 §4.2.1 and §5.2 written apart: a cookie is
//! ours only if it has our very name, as a browser saw it. And what we set is read back as it was, among
//! whatever other cookies.
#![no_main]

use countersign::web::cookie::{RefreshCookie, parse, print};
use countersign_fuzz::base64url;
use libfuzzer_sys::{Corpus, fuzz_target};
use std::time::Duration;

const NAME: &str = "__Host-refresh";

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let headers: Vec<_> = text.split('\n').collect();
    let ours = values(&headers);
    match (parse(headers.iter().copied()), &ours[..]) {
        (RefreshCookie::Absent, []) | (RefreshCookie::Twice, [_, _, ..]) => {}
        (RefreshCookie::Present(found), [value]) if found.as_str() == *value => {}
        (RefreshCookie::Absent, ours) => panic!("not found: {ours:?}"),
        (RefreshCookie::Twice, ours) => panic!("found twice: {ours:?}"),
        (RefreshCookie::Present(found), ours) => panic!("found {found:?} and not {ours:?}"),
    }
    round_trip(data, &headers, &ours);
    Corpus::Keep
});

/// The values of the cookies with our name. What browsers trim is a space or a tab and nothing else, so a
/// name with any other white space is another name, for which they do not keep what `__Host-` promises.
fn values<'h>(headers: &[&'h str]) -> Vec<&'h str> {
    const BLANK: [char; 2] = [' ', '\t'];
    let mut values = vec![];
    for header in headers {
        let mut rest = Some(*header);
        while let Some(text) = rest {
            let (pair, behind) = match text.find(';') {
                Some(at) => (&text[..at], Some(&text[at + 1..])),
                None => (text, None),
            };
            rest = behind;
            let Some(equals) = pair.find('=') else { continue };
            if pair[..equals].trim_matches(BLANK) == NAME {
                values.push(pair[equals + 1..].trim_matches(BLANK));
            }
        }
    }
    values
}

/// A browser that was given a token sends it in a header of its own cookies, here the first of these.
fn round_trip(data: &[u8], headers: &[&str], ours: &[&str]) {
    let token = format!("csr_{}", base64url(&data[..data.len().min(56)]));
    let age = data.len() as u64 * 86_400;
    let set = print(&token, Duration::from_secs(age));
    // RFC 6265 §5.2: up to the first semicolon, split at the first equals sign.
    let mut parts = set.split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a pair");
    let mut attributes: Vec<_> = parts.collect();
    attributes.sort_unstable();
    let max_age = format!("Max-Age={age}");
    assert_eq!(attributes, ["HttpOnly", &max_age, "Path=/", "SameSite=Strict", "Secure"]);
    let sent = format!("{}; {name}={value}; theme=dark", headers[0]);
    match parse([&*sent]) {
        RefreshCookie::Present(read) if values(&headers[..1]).is_empty() => assert_eq!(*read, token),
        RefreshCookie::Twice if !ours.is_empty() => {}
        _ => panic!("what was set is not read back"),
    }
}
