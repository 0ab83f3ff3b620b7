//! Which passwords can be chosen.

use countersign::{
    password::{Password, PasswordError, Policy},
    user::Username,
};
use proptest::prelude::*;

fn accept(text: &str, username: &str, site_names: &[&str]) -> Result<Password, PasswordError> {
    let username: Username = username.parse().expect("a name");
    Policy::new(site_names.iter().copied()).accept(text, &username)
}

// P03
#[test]
fn a_password_has_8_to_256_bytes_once_it_is_normalised() {
    let accept = |text: &str| accept(text, "ada", &[]);
    assert_eq!(accept(""), Err(PasswordError::NotAllowed));
    assert_eq!(accept("seven77"), Err(PasswordError::TooShort));
    assert_eq!(accept(&"=y".repeat(129)), Err(PasswordError::TooLong));
    for good in ["eight:88", &"=y".repeat(128), "pass\u{3000}word", "\u{1f511}\u{1f511}", "  spaces kept  "] {
        assert!(accept(good).is_ok(), "{good:?}");
    }
    assert!(accept(&"e\u{301}".repeat(128)).is_ok(), "composed, each has two bytes");
    assert_eq!(accept("e\u{301}e\u{301}e\u{301}"), Err(PasswordError::TooShort), "six bytes");
}

/// The first, the last and some of the 38,452 that are long enough; and what is near them.
#[test]
fn one_of_the_100_000_most_common_passwords_cannot_be_chosen() {
    let first = ["password", "12345678", "123456789", "baseball", "football", "qwertyuiop"];
    let some = ["secret123", "password1", "trustno1", "iloveyou1", "passw0rd", "%%passwo", "07031969"];
    for common in first.into_iter().chain(some) {
        assert_eq!(accept(common, "ada", &[]), Err(PasswordError::Common), "{common}");
        assert_eq!(accept(&common.to_uppercase(), "ada", &[]), Err(PasswordError::Common), "{common}");
        assert!(accept(&format!("{common}\u{e9}{common}"), "ada", &[]).is_ok(), "{common}");
    }
    for good in ["analytical-engine", "correct horse", "aaaa bbbb", "secret\u{a0}123", "12345678\u{661}"] {
        assert!(accept(good, "ada", &[]).is_ok(), "{good}");
    }
}

#[test]
fn all_of_the_list_is_there_and_nothing_else() {
    let bytes = include_bytes!("../../../src/password/common/passwords.fst");
    let common = fst::Set::new(&bytes[..]).expect("a set");
    common.as_fst().verify().expect("whole");
    assert_eq!(common.len(), 38_452);
    for text in common.stream().into_strs().expect("text") {
        assert_eq!(accept(&text, "ada", &[]), Err(PasswordError::Common), "{text}");
        assert!(text.len() >= Password::MIN_BYTES && text == text.to_lowercase(), "{text}");
    }
}

#[test]
fn a_users_name_is_not_inside_their_password() {
    for (name, bad) in [
        ("lovelace", "lovelace1815"),
        ("lovelace", "1815LoveLace"),
        ("lovelace@example.org", "Lovelace@Example.org!"),
        ("lovelace@example.org", "my lovelace"),
        ("ren\u{e9}e", "RENE\u{301}E-1815"),
    ] {
        assert_eq!(accept(bad, name, &[]), Err(PasswordError::HasUsername), "{bad}");
    }
    for (name, good) in [
        ("ada", "Canada 1815"),
        ("ada@example.org", "Canada 1815"),
        ("lovelace", "love-lace-1815"),
        ("lovelace@example.org", "example.org-1815"),
    ] {
        assert!(accept(good, name, &[]).is_ok(), "{good}");
    }
}

#[test]
fn a_name_of_the_site_is_not_inside_a_password() {
    let names = ["Example", "web"];
    assert_eq!(accept("my EXAMPLE password", "ada", &names), Err(PasswordError::HasSiteName));
    assert!(accept("cobweb in the corner", "ada", &names).is_ok(), "short names are in many words");
}

proptest! {
    #[test]
    fn what_can_be_chosen_can_be_typed(text in "\\PC{0,40}") {
        if let Ok(password) = accept(&text, "ada", &["example"]) {
            prop_assert_eq!(Password::parse(&text), Ok(password));
        }
    }
}
