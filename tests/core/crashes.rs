//! What fuzzing has found, each kept as a plain test (`fuzz/README.md` says how).

use countersign::{
    password::{Cost, PasswordHash},
    web::cookie::{RefreshCookie, parse},
};

/// `fuzz cookie`: all of Unicode's white space was trimmed. A browser trims spaces and tabs, so to it these
/// are other names, without what `__Host-` promises, and any site of the same domain can set them.
#[test]
fn a_name_behind_other_white_space_than_a_browser_trims_is_another_name() {
    for blank in ["\u{2000}", "\u{a0}", "\u{85}", "\u{3000}", "\u{b}", "\u{c}", "\r"] {
        assert!(parse([&*format!("{blank}__Host-refresh=csr_x")]) == RefreshCookie::Absent, "{blank:?}");
        assert!(parse([&*format!("__Host-refresh{blank}=csr_x")]) == RefreshCookie::Absent, "{blank:?}");
    }
    assert!(parse([" \t__Host-refresh \t= csr_x\t"]) == RefreshCookie::Present("csr_x".to_owned().into()));
}

/// `fuzz password_hash`: a number was taken with a sign.
#[test]
fn the_cost_of_a_bcrypt_hash_is_two_digits() {
    let cost = |cost: &str| {
        let hash = format!("$2b${cost}$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW");
        PasswordHash::from_stored(hash).cost()
    };
    assert_eq!(cost("04"), Some(Cost::Bcrypt(4)));
    assert_eq!(cost("+4"), None);
}
