//! `iat`, `nbf` and `exp` by any clock, also where seconds come to an end.

use super::{LIFETIME, clock};
use crate::lifetime::{token, tokens, verdict};
use countersign::jwt::JwtError;
use proptest::prelude::*;

/// What RFC 7519 §4.1 asks for, in numbers that do not overflow. In the very last second nothing is
/// taken, as no `exp` can be after it.
fn expected(iat: u64, nbf: Option<u64>, exp: u64, leeway: u64, now: u64) -> Result<(), JwtError> {
    let [iat, begins, exp, leeway, now, last] =
        [iat, nbf.unwrap_or(iat).max(iat), exp, leeway, now, u64::MAX].map(u128::from);
    if exp <= iat || exp > iat + u128::from(LIFETIME) {
        Err(JwtError::Claim("exp"))
    } else if now >= exp + leeway || now == last {
        Err(JwtError::Expired)
    } else if begins > now + leeway {
        Err(JwtError::NotYetValid)
    } else {
        Ok(())
    }
}

/// A second near one of these, or any.
fn near(these: [u64; 3], off: u64, which: usize, wild: u64) -> u64 {
    match which {
        0..3 => these[which].saturating_add(off),
        3..6 => these[which - 3].saturating_sub(off),
        _ => wild,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // C01, C03, C06, C07, F07
    #[test]
    fn the_clock_decides_as_a_plain_model_does(
        iat in clock(),
        life in prop_oneof![0..2_000_u64, Just(LIFETIME), Just(LIFETIME + 1), any::<u64>()],
        nbf in proptest::option::of((0..4_u64, 0..7_usize, clock())),
        (off, which, wild) in (prop_oneof![0..3_u64, 0..70_u64], 0..7_usize, clock()),
        leeway in 0..=60_u64,
    ) {
        let exp = iat.saturating_add(life);
        let nbf = nbf.map(|(off, which, wild)| near([iat, exp, iat], off, which, wild));
        // Around the seconds at which something changes.
        let edges = [iat, nbf.unwrap_or(exp), exp];
        let now = near(edges, off, which, wild);
        let more = nbf.map(|nbf| format!(",\"nbf\":{nbf}")).unwrap_or_default();
        let token = token(&iat.to_string(), &exp.to_string(), &more);
        let verifier = tokens(leeway, LIFETIME);
        for now in [now, now.saturating_add(leeway), now.saturating_sub(leeway)] {
            let expected = expected(iat, nbf, exp, leeway, now);
            prop_assert_eq!(verdict(&verifier, &token, now), expected, "at {}", now);
        }
    }
}
