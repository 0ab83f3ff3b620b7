//! The refresh cookie there and back, by way of the parser of the `cookie` crate in the browser's stead.

use countersign::web::cookie::{NAME, RefreshCookie, parse, print};
use proptest::prelude::*;
use rocket::http::{Cookie, SameSite};
use std::time::Duration;

/// What a cookie's value may be made of (RFC 6265 §4.1.1, `cookie-octet`).
const VALUE: &str = "[!#-+\\--:<-\\[\\]-~]{0,80}";

/// Another cookie, perhaps of almost the same name.
fn other() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[a-zA-Z_]{1,10}",
        Just("__host-refresh".to_owned()),
        Just("__Host-refres".to_owned()),
        Just("__Host-refresh2".to_owned()),
        Just("__Secure-refresh".to_owned()),
        Just("refresh".to_owned()),
    ];
    (name, VALUE).prop_map(|(name, value)| format!("{name}={value}"))
}

fn others() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(other(), 0..4)
}

fn present(cookie: RefreshCookie) -> Option<String> {
    match cookie {
        RefreshCookie::Present(value) => Some(value.to_string()),
        RefreshCookie::Absent | RefreshCookie::Twice => None,
    }
}

/// What a page's cookies say, read by Rocket's own parser.
fn reference(headers: &[String]) -> Vec<String> {
    let cookies = headers.iter().flat_map(|header| Cookie::split_parse(header.clone()));
    let ours = cookies.flatten().filter(|cookie| cookie.name() == NAME);
    ours.map(|cookie| cookie.value().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    // S01
    #[test]
    fn what_is_set_is_a_cookie_of_the_host_alone_and_comes_back_as_it_was(
        token in VALUE,
        age in any::<u32>().prop_map(u64::from),
        nanos in 0..1_000_000_000_u32,
        (before, after) in (others(), others()),
    ) {
        let set = print(&token, Duration::new(age, nanos));
        let cookie = Cookie::parse(set.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((cookie.name(), cookie.value()), (NAME, &*token));
        prop_assert_eq!(cookie.max_age().map(|age| age.whole_seconds()), Some(age as i64));
        prop_assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
        prop_assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
        prop_assert_eq!((cookie.same_site(), cookie.expires()), (Some(SameSite::Strict), None));
        prop_assert!(set.starts_with(NAME) && set.is_ascii());

        let pair = format!("{NAME}={token}");
        let all = [before, vec![pair], after].concat();
        prop_assert_eq!(present(parse([&*all.join("; ")])), Some(token.clone()), "in one header");
        prop_assert_eq!(present(parse(all.iter().map(String::as_str))), Some(token), "in a header each");
    }

    #[test]
    fn whatever_the_cookies_are_they_say_what_the_reference_reads_and_two_say_nothing(
        headers in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![3 => other(), 2 => VALUE.prop_map(|value| format!("{NAME}={value}")), 1 => "[ =\t]{0,3}"],
                0..4,
            ).prop_map(|pairs| pairs.join(";")),
            0..3,
        ),
    ) {
        let found = parse(headers.iter().map(String::as_str));
        let expected = reference(&headers);
        match (found, expected.as_slice()) {
            (RefreshCookie::Absent, []) | (RefreshCookie::Twice, [_, _, ..]) => {}
            (RefreshCookie::Present(value), [expected]) => prop_assert_eq!(&*value, expected),
            (_, expected) => prop_assert!(false, "{:?} in {:?}", expected, headers),
        }
    }

    #[test]
    fn any_text_for_cookies_is_read_or_not_but_never_panics(headers in proptest::collection::vec(".{0,60}", 0..3)) {
        let found = parse(headers.iter().map(String::as_str));
        prop_assert!(present(found).is_none_or(|value| headers.iter().any(|header| header.contains(&value))));
    }
}
