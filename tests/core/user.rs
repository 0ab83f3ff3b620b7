//! Names: one spelling for each.

use countersign::user::{NamePart, RoleName, UserId, Username, UsernameError};
use proptest::prelude::*;

// P07
#[test]
fn spellings_of_one_name_are_one_name() {
    let canonical: Username = "ren\u{e9}e".parse().expect("a name");
    for spelling in ["RENÉE", "Rene\u{301}e", "\u{ff52}en\u{e9}e", "RENE\u{301}E"] {
        assert_eq!(spelling.parse::<Username>().as_ref(), Ok(&canonical), "{spelling}");
    }
}

// P07
#[test]
fn names_with_what_cannot_be_seen_are_refused() {
    for name in [
        "",
        " ",
        "a b",
        "ada ",
        "a\u{200b}da",
        "ada\0",
        "ada\r\nx",
        "a\u{202e}b",
        "a\u{feff}",
        "\u{2160}",
        "a\u{ad}b",
    ] {
        assert_eq!(name.parse::<Username>(), Err(UsernameError::NotAllowed), "{name:?}");
    }
    assert_eq!("x".repeat(129).parse::<Username>(), Err(UsernameError::TooLong));
    assert!("x".repeat(128).parse::<Username>().is_ok());
    assert!("ada@example.org".parse::<Username>().is_ok());
}

#[test]
fn a_user_id_has_one_spelling() {
    let id = UserId::random();
    let text = id.to_string();
    assert_eq!(text.parse::<UserId>().expect("an id"), id);
    for spelling in [
        text.to_uppercase(),
        text.replace('-', ""),
        format!("{{{text}}}"),
        format!("urn:uuid:{text}"),
        format!("{text}\0"),
    ] {
        assert!(spelling.parse::<UserId>().is_err(), "{spelling}");
    }
}

proptest! {
    #[test]
    fn a_role_is_exactly_what_the_grammar_says(text in "[a-zA-Z0-9._: -]{0,70}") {
        let mut chars = text.chars();
        let valid = chars.next().is_some_and(|c| c.is_ascii_lowercase())
            && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._:-".contains(c))
            && text.len() <= 64;
        prop_assert_eq!(text.parse::<RoleName>().is_ok(), valid);
    }
}

#[test]
fn a_part_of_a_name_is_folded_as_names_are_and_may_be_no_name_itself() {
    for (text, part) in [
        ("ADA", "ada"),
        ("\u{c4}", "\u{e4}"),
        ("A\u{308}", "\u{e4}"),
        ("\u{ff21}", "a"),
        ("", ""),
        ("two words", "two words"),
        ("%_*", "%_*"),
        // The beginning of a name that goes on from right to left, and one that is none without its rest.
        ("1\u{5d0}", "1\u{5d0}"),
        ("\u{b7}", "\u{b7}"),
    ] {
        assert_eq!(text.parse::<NamePart>().expect(text).as_str(), part);
    }
    let (most, more) = ("x".repeat(128), "x".repeat(129));
    assert!(most.parse::<NamePart>().is_ok());
    assert_eq!(more.parse::<NamePart>(), Err(UsernameError::TooLong));
    for control in ["\0", "a\n", "\u{7f}", "\u{85}"] {
        assert_eq!(control.parse::<NamePart>(), Err(UsernameError::NotAllowed), "{control:?}");
    }
}
