//! A token is itself and no other: any one changed bit of its text has it refused, right after it was
//! taken itself too, though those of asymmetric keys are remembered then.

use super::{ALGORITHMS, Said, said, tokens, which};
use countersign::{clock::UnixTime, jwt::AccessTokens, session::SessionId};
use proptest::{prelude::*, sample::Index};

const NOW: UnixTime = UnixTime(1_000);

fn with_bit_changed(token: &str, bit: usize) -> Vec<u8> {
    let mut changed = token.as_bytes().to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}

fn takes(tokens: &AccessTokens, token: &[u8]) -> bool {
    tokens.verify(token, NOW).is_ok()
}

// A07
#[test]
fn each_bit_of_a_token_counts_for_every_algorithm() {
    let said = Said {
        subject: "ada".into(),
        client_id: "app".into(),
        client_revision: 4,
        session_id: Some(SessionId::from_bytes([7; 16])),
        revision: 3,
        roles: ["admin".parse().expect("a role")].into(),
        scope: "items".parse().expect("a scope"),
        lifetime: 900,
        session_ends: u64::MAX,
    };
    for (which, algorithm) in ALGORITHMS.into_iter().enumerate() {
        let (fresh, knowing) = (tokens(which, 0), tokens(which, 0));
        let token = said.issue(&fresh, NOW.0);
        assert!(takes(&knowing, token.as_bytes()) && takes(&knowing, token.as_bytes()));
        for bit in 0..8 * token.len() {
            let changed = with_bit_changed(&token, bit);
            assert!(!takes(&fresh, &changed), "{algorithm}, bit {bit}");
            assert!(!takes(&knowing, &changed), "{algorithm}, bit {bit}, known");
        }
        assert!(takes(&fresh, token.as_bytes()) && takes(&knowing, token.as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // A07
    #[test]
    fn whatever_a_token_says_any_one_changed_bit_has_it_refused(
        which in which(),
        said in said(),
        bits in proptest::collection::vec(any::<Index>(), 1..8),
    ) {
        let (fresh, knowing) = (tokens(which, 0), tokens(which, 0));
        let token = said.issue(&fresh, NOW.0);
        for bit in bits {
            let bit = bit.index(8 * token.len());
            let changed = with_bit_changed(&token, bit);
            prop_assert!(!takes(&fresh, &changed), "bit {}", bit);
            prop_assert!(takes(&knowing, token.as_bytes()));
            prop_assert!(!takes(&knowing, &changed), "bit {}, known", bit);
        }
    }

    /// Nor may anything stand before it, in it or behind it, or be missing.
    // A07, E01
    #[test]
    fn a_token_with_more_or_less_text_is_refused(
        which in which(),
        said in said(),
        at in any::<Index>(),
        more in prop_oneof!["[A-Za-z0-9_.=\\-+/ ]", any::<char>().prop_map(String::from)],
    ) {
        let tokens = tokens(which, 0);
        let token = said.issue(&tokens, NOW.0);
        prop_assert!(takes(&tokens, token.as_bytes()));
        let at = at.index(token.len() + 1);
        let longer = format!("{}{more}{}", &token[..at], &token[at..]);
        prop_assert!(!takes(&tokens, longer.as_bytes()), "{}", longer);
        if at < token.len() {
            let shorter = format!("{}{}", &token[..at], &token[at + 1..]);
            prop_assert!(!takes(&tokens, shorter.as_bytes()), "{}", shorter);
            prop_assert!(!takes(&tokens, &token.as_bytes()[..at]), "{}", &token[..at]);
        }
    }
}
