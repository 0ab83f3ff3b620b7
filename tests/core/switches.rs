//! Settings that are on or off.

use crate::settings::{KEY, load, refused};

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
