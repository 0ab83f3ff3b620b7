//! Settings of what is served besides the API, and of how the server ends.

use crate::settings::{KEY, load, refused};
use countersign::config::MetricsPlace;
use std::time::Duration;

#[test]
fn docs_are_on_in_development_alone_unless_they_are_asked_for() {
    let docs = |profile: &str, pairs: &[(&str, &str)]| {
        load("", profile, &[&[KEY], pairs].concat()).expect("good settings").docs
    };
    assert!(docs("debug", &[]) && !docs("release", &[]) && !docs("staging", &[]));
    let (on, off) = (("COUNTERSIGN_DOCS", "on"), ("COUNTERSIGN_DOCS", "off"));
    assert!(docs("release", &[on]) && !docs("debug", &[off]));
    for value in ["", "true", "ON", "yes"] {
        assert_eq!(
            refused(&[("COUNTERSIGN_DOCS", value)]),
            ["COUNTERSIGN_DOCS: must be on or off"],
            "{value}"
        );
    }
}

#[test]
fn metrics_are_for_development_unless_somebody_says_where() {
    let place = |profile, pairs: &[(&str, &str)]| {
        load("", profile, &[&[KEY], pairs].concat()).expect("good settings").metrics
    };
    assert_eq!(place("release", &[]), MetricsPlace::Off);
    assert_eq!(place("debug", &[]), MetricsPlace::Here);
    for (text, expected) in [
        ("off", MetricsPlace::Off),
        ("on", MetricsPlace::Here),
        ("127.0.0.1:9100", MetricsPlace::At(([127, 0, 0, 1], 9_100).into())),
        ("[::1]:0", MetricsPlace::At((std::net::Ipv6Addr::LOCALHOST, 0).into())),
    ] {
        for profile in ["debug", "release"] {
            assert_eq!(place(profile, &[("COUNTERSIGN_METRICS", text)]), expected, "{text}");
        }
    }
    for wrong in [
        "",
        "ON",
        "yes",
        "9100",
        ":9100",
        "localhost:9100",
        "127.0.0.1",
        "127.0.0.1:99999",
        "http://127.0.0.1:1",
    ] {
        let found = refused(&[("COUNTERSIGN_METRICS", wrong)]);
        let text = "COUNTERSIGN_METRICS: must be on, off, or an address and port such as 127.0.0.1:9100";
        assert_eq!(found, [text], "{wrong:?}");
    }
}

#[test]
fn a_drain_is_a_bounded_number_of_seconds() {
    let drain = |pairs: &[(&str, &str)]| load("", "release", &[&[KEY], pairs].concat()).expect("good").drain;
    assert_eq!(drain(&[]), Duration::ZERO);
    assert_eq!(drain(&[("COUNTERSIGN_DRAIN", "3600")]), Duration::from_secs(3_600));
    for wrong in ["", "-1", "3601", "5s", "0.5", "soon"] {
        let found = refused(&[("COUNTERSIGN_DRAIN", wrong)]);
        assert_eq!(found, ["COUNTERSIGN_DRAIN: must be a whole number from 0 to 3600"], "{wrong:?}");
    }
}

#[test]
fn the_account_page_is_on_or_off() {
    let page = |value: &str| load("", "release", &[KEY, ("COUNTERSIGN_ACCOUNT_PAGE", value)]);
    assert!(load("", "release", &[KEY]).expect("good settings").account_page, "by default it is there");
    assert!(page("on").expect("good settings").account_page);
    assert!(!page("off").expect("good settings").account_page);
    assert!(!load("[default.auth]\naccount_page = 'off'", "release", &[KEY]).expect("good").account_page);
    for value in ["", "ON", "true", "yes", "off "] {
        let wrong = "COUNTERSIGN_ACCOUNT_PAGE: must be on or off";
        assert_eq!(page(value).expect_err(value), [wrong], "{value:?}");
    }
}
