//! A name has one canonical spelling, and whoever spells it another way means the same account.

use countersign::user::{Username, UsernameError};
use proptest::prelude::*;

/// Ways of writing a letter that are all the same letter (RFC 8265 §3.3: width, case, composition).
const LETTERS: [&[&str]; 11] = [
    &["a", "A", "\u{ff41}", "\u{ff21}"],
    &["z", "Z", "\u{ff5a}", "\u{ff3a}"],
    &["é", "É", "e\u{301}", "E\u{301}", "\u{ff45}\u{301}"],
    &["ñ", "Ñ", "n\u{303}", "N\u{303}"],
    &["å", "Å", "a\u{30a}", "A\u{30a}"],
    &["ü", "Ü", "u\u{308}", "U\u{308}"],
    &["д", "Д"],
    &["λ", "Λ"],
    &["ガ", "\u{ff76}\u{ff9e}", "カ\u{3099}"],
    &["7", "\u{ff17}"],
    &["-", "\u{ff0d}"],
];

/// The same name, spelt in two ways.
fn spellings() -> impl Strategy<Value = (String, String)> {
    let letter = (0..LETTERS.len(), any::<usize>(), any::<usize>()).prop_map(|(at, one, other)| {
        let ways = LETTERS[at];
        (ways[one % ways.len()], ways[other % ways.len()])
    });
    proptest::collection::vec(letter, 1..14).prop_map(|letters| letters.into_iter().unzip())
}

/// Another width or case for the letters that have one, as the bits say.
fn respelt(text: &str, mut bits: u64) -> String {
    let respell = |char: char| {
        bits = bits.rotate_right(2);
        match char {
            'a'..='z' | 'A'..='Z' if bits & 3 == 1 => (char as u8 ^ 0x20).into(),
            'a'..='z' | 'A'..='Z' | '0'..='9' if bits & 3 == 2 => {
                char::from_u32(u32::from(char) + 0xfee0).expect("a full-width one")
            }
            _ => char,
        }
    };
    text.chars().map(respell).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_canonical_name_is_its_own_canonical_name(text in prop_oneof!["\\PC{0,40}", "[\\PC&&[^a-zA-Z]]{0,3}[a-zA-Z]{0,9}.{0,2}"]) {
        if let Ok(name) = text.parse::<Username>() {
            prop_assert_eq!(name.as_str().parse::<Username>(), Ok(name.clone()));
            prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= Username::MAX_BYTES);
            let plain = |char: char| !char.is_control() && !char.is_whitespace() && !char.is_ascii_uppercase();
            prop_assert!(name.as_str().chars().all(plain), "{:?}", name);
        }
    }

    // P07
    #[test]
    fn names_that_differ_in_case_width_or_composition_are_one_name((one, other) in spellings()) {
        let name = one.parse::<Username>().map_err(|error| TestCaseError::fail(format!("{one:?}: {error}")))?;
        prop_assert_eq!(other.parse::<Username>(), Ok(name), "{:?}", other);
    }

    /// Nothing becomes good, and nothing another name, by being written larger.
    #[test]
    fn any_text_is_the_same_name_or_as_bad_however_its_letters_are_written(
        text in prop_oneof!["\\PC{0,16}", "[a-zA-Z0-9 \u{ad}\u{200b}\u{2160}\u{fb01}@._-]{0,16}"],
        bits in any::<u64>(),
    ) {
        // A middle dot is good between two small l only (RFC 5892, appendix A.3).
        let text = text.replace('\u{b7}', "");
        prop_assert_eq!(respelt(&text, bits).parse::<Username>(), text.parse::<Username>(), "{:?}", text);
    }

    // P07
    #[test]
    fn what_nobody_can_see_or_type_is_refused_wherever_it_stands(
        (before, after) in ("[a-zA-Zé0-9]{0,8}", "[a-zA-Zé0-9]{0,8}"),
        bad in prop_oneof![
            "[\\p{Cc}\\p{Zs}\\p{Zl}\\p{Zp}]",
            // The Angstrom sign, zero width, soft hyphen, direction, byte order, compatibility forms, private use.
            "[\u{212b}\u{200b}\u{2060}\u{ad}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{feff}\u{2160}\u{fb01}\u{b2}\u{e000}\u{fffd}]",
        ],
    ) {
        prop_assert_eq!(format!("{before}{bad}{after}").parse::<Username>(), Err(UsernameError::NotAllowed));
    }

    #[test]
    fn a_long_name_is_refused_whatever_it_would_become(text in "[a\u{ff41}é]{43,200}") {
        let found = text.parse::<Username>();
        prop_assert_eq!(found == Err(UsernameError::TooLong), text.len() > Username::MAX_BYTES, "{:?}", found);
    }
}
