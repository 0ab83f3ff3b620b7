//! Clients: their ids, grant types and secrets.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign::{
    client::{ClientId, ClientIdError, ClientSecret, FIRST_PARTY, GrantType, GrantTypeError, SecretHash},
    token::TokenId,
    user::UserId,
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeSet, HashSet};

fn id(text: &str) -> Result<ClientId, ClientIdError> {
    text.parse()
}

#[test]
fn an_id_is_1_to_64_of_what_needs_no_escaping_anywhere() {
    for good in ["a", "Z", "0", "reports-worker", "a.b_c-D", "first-party", "9--__..", &"x".repeat(64)] {
        assert_eq!(id(good).map(|id| id.to_string()).as_deref(), Ok(good));
    }
    let long = "x".repeat(65);
    for bad in [
        "",
        " ",
        "-a",
        ".a",
        "_a",
        "-",
        "two words",
        "a ",
        " a",
        "a\t",
        "a\n",
        "a\0",
        "\u{7f}a",
        "a/b",
        "a:b",
        "a+b",
        "a%20",
        "a=b",
        "a&b",
        "a@b",
        "a,b",
        "a'b",
        "a\"b",
        "a\\b",
        "ren\u{e9}",
        "e\u{301}",
        "\u{430}dmin",
        "\u{ff41}",
        "a\u{200b}",
        "\u{661}",
        &long,
        &"\u{e9}".repeat(32),
    ] {
        assert_eq!(id(bad), Err(ClientIdError), "{bad:?}");
    }
}

#[test]
fn no_id_is_a_users_id() {
    for user in [UserId::random(), UserId::random()] {
        assert_eq!(id(&user.to_string()), Err(ClientIdError), "{user}");
    }
    for user in ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
        assert_eq!(id(user), Err(ClientIdError), "{user}");
    }
    // Spellings that a reader of `sub` might take for one.
    let user = "e58ed763-928c-4155-bee9-fdbaaadc15f3";
    let simple = user.replace('-', "");
    let mixed = user.replacen('e', "E", 1);
    let urn = format!("urn:uuid:{user}");
    let spellings =
        [&user.to_uppercase(), &simple, &simple.to_uppercase(), &mixed, &urn, &format!("{{{user}}}")];
    for other in spellings {
        assert_eq!(id(other), Err(ClientIdError), "{other}");
    }
    for other in [format!("{user}0"), user[1..].to_owned(), format!("{simple}0"), format!("x{}", &user[1..])]
    {
        assert!(id(&other).is_ok(), "{other}");
    }
}

#[test]
fn an_id_is_read_from_json_only_if_it_is_one() {
    let id = id("reports-worker").expect("an id");
    assert_eq!(json!(id), json!("reports-worker"));
    assert_eq!(serde_json::from_value::<ClientId>(json!("reports-worker")).expect("an id"), id);
    for bad in [json!(""), json!("two words"), json!(UserId::random()), json!(7), json!(null), json!(["a"])] {
        assert!(serde_json::from_value::<ClientId>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn the_first_party_is_an_id_as_any_other() {
    assert_eq!(id(FIRST_PARTY), Ok(ClientId::first_party()));
    assert!(ClientId::first_party().is_first_party());
    for other in ["first-Party", "first-part", "first-party2", "first_party"] {
        assert!(!id(other).expect("an id").is_first_party(), "{other}");
    }
    // A set of ids can be asked for a text.
    let ids: HashSet<ClientId> = [ClientId::first_party()].into();
    assert!(ids.contains(FIRST_PARTY) && !ids.contains("other"));
}

proptest! {
    #[test]
    fn an_id_is_exactly_what_the_grammar_says(text in "[a-zA-Z0-9._ :/\u{e9}-]{0,70}") {
        let valid = text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && text.len() <= 64;
        prop_assert_eq!(id(&text).is_ok(), valid);
    }

    #[test]
    fn whatever_is_an_id_displays_as_itself(text in "\\PC{0,70}|[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}") {
        if let Ok(id) = id(&text) {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert_eq!(id.to_string(), text);
        }
    }
}

#[test]
fn a_grant_type_is_read_as_it_is_written_and_not_otherwise() {
    let names = ["password", "refresh_token", "client_credentials"];
    for (grant, name) in GrantType::ALL.into_iter().zip(names) {
        assert_eq!((grant.as_str(), grant.to_string().as_str()), (name, name));
        assert_eq!(name.parse(), Ok(grant));
        assert_eq!(json!(grant), json!(name));
        assert_eq!(serde_json::from_value::<GrantType>(json!(name)).expect("a grant type"), grant);
    }
    for bad in
        ["", "Password", "password ", "password\0", "refresh-token", "refreshToken", "authorization_code"]
    {
        assert_eq!(bad.parse::<GrantType>(), Err(GrantTypeError), "{bad:?}");
        assert!(serde_json::from_value::<GrantType>(json!(bad)).is_err(), "{bad:?}");
    }
}

fn secret() -> ClientSecret {
    ClientSecret::random().expect("randomness")
}

#[test]
fn a_secret_is_a_prefix_and_256_random_bits() {
    let secrets: Vec<_> = (0..64).map(|_| secret()).collect();
    let mut bits: Vec<Vec<u8>> = vec![];
    for secret in &secrets {
        let random = secret.reveal().strip_prefix("csc_").expect("what secret scanners look for");
        bits.push(BASE64_URL_SAFE_NO_PAD.decode(random).expect("base64url"));
    }
    assert!(bits.iter().all(|bits| bits.len() == 32));
    assert_eq!(bits.iter().collect::<BTreeSet<_>>().len(), secrets.len(), "no two are alike");
    // Each bit was 0 and 1: one that always is what it is would be seen but once in 2^55 runs.
    for at in 0..256 {
        let ones = bits.iter().filter(|bits| bits[at / 8] >> (at % 8) & 1 == 1).count();
        assert!((1..secrets.len()).contains(&ones), "bit {at} is the same in all of them");
    }
}

#[test]
fn a_hash_matches_its_secret_and_nothing_else() {
    let secret = secret();
    let (hash, text) = (secret.hash(), secret.reveal());
    assert!(hash.matches(text) && secret.hash() == hash);
    for at in 0..text.len() {
        for other in ['A', 'b', '0', '-', '_', ' ', '\0'] {
            let mut changed = text.to_owned();
            changed.replace_range(at..=at, &other.to_string());
            assert_eq!(hash.matches(&changed), changed == text, "{at} {other:?}");
        }
        assert!(!hash.matches(&text[..at]) && !hash.matches(&text[at + 1..]), "{at}");
    }
    let own = json!(hash).as_str().expect("a text").to_owned();
    for other in [
        text.to_uppercase(),
        text.to_lowercase(),
        format!("{text} "),
        format!(" {text}"),
        format!("{text}="),
        format!("{text}\0"),
        text.repeat(2),
        own,
        self::secret().reveal().to_owned(),
    ] {
        assert!(!hash.matches(&other), "{other:?}");
    }
    assert_ne!(self::secret().hash(), hash);
}

// G02
#[test]
fn neither_a_secret_nor_its_hash_is_shown() {
    let secret = secret();
    let hash = json!(secret.hash()).as_str().expect("a text").to_owned();
    assert_eq!(format!("{secret:?} {secret:#?}"), "ClientSecret ClientSecret");
    let shown = format!("{0:?} {0:#?}", secret.hash());
    assert_eq!(shown, "SecretHash SecretHash");
    assert!(!shown.contains(&hash));
}

#[test]
fn a_hash_is_read_as_it_is_written_and_not_otherwise() {
    let secret = secret();
    let written = json!(secret.hash());
    let read = |value: serde_json::Value| serde_json::from_value::<SecretHash>(value);
    let hash = read(written.clone()).expect("a hash");
    assert!(hash == secret.hash() && hash.matches(secret.reveal()));
    let text = written.as_str().expect("a text");
    assert_eq!(text.len(), 43);
    for bad in [
        json!(""),
        json!(text[1..]),
        json!(format!("{text}A")),
        json!(format!("{text}=")),
        json!(format!("{}!", &text[1..])),
        json!(secret.reveal()),
        json!(null),
        json!([1, 2, 3]),
    ] {
        let error = read(bad.clone()).expect_err("no hash").to_string();
        assert!(!error.contains(&text[1..]), "{error}");
    }
}

#[test]
fn a_tokens_id_is_128_bits_and_has_one_spelling() {
    let id = TokenId::from_bytes([7; 16]);
    assert_eq!(id.to_string(), "BwcHBwcHBwcHBwcHBwcHBw");
    assert_eq!("BwcHBwcHBwcHBwcHBwcHBw".parse::<TokenId>().expect("an id"), id);
    for bad in [
        "",
        "BwcHBwcHBwcHBwcHBwcHB",
        "BwcHBwcHBwcHBwcHBwcHBx",
        "BwcHBwcHBwcHBwcHBwcHBw==",
        "BwcHBwcHBwcHBwcHBwcHBwc",
    ] {
        assert!(bad.parse::<TokenId>().is_err(), "{bad}");
    }
    let [one, other] = [TokenId::random(), TokenId::random()].map(|id| id.expect("randomness"));
    assert_ne!(one, other);
    assert_eq!(one.to_string().parse::<TokenId>().expect("an id"), one);
}
