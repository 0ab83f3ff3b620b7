//! `exp`, `iat` and `nbf` of an assertion at the exact second, by a clock of the test's own.

use super::{LEEWAY, NOW, raw, said, signer::Signer, verify};
use countersign::{
    clock::UnixTime,
    jwt::{Assertion, JwtError, KeySet, MAX_ASSERTION_LIFE},
};
use proptest::prelude::*;
use std::sync::LazyLock;

static SIGNER: LazyLock<(Signer, KeySet)> = LazyLock::new(|| {
    let signer = Signer::ed25519();
    let keys = signer.keys();
    (signer, keys)
});

/// An assertion with these times beside the good rest, `None` for none, at `now`.
fn at(now: u64, leeway: u64, exp: u64, iat: Option<u64>, nbf: Option<u64>) -> Result<Assertion, JwtError> {
    let (signer, keys) = &*SIGNER;
    let mut claims = super::claims();
    claims["exp"] = exp.into();
    for (name, time) in [("iat", iat), ("nbf", nbf)] {
        match time {
            Some(time) => claims[name] = time.into(),
            None => drop(claims.as_object_mut().expect("an object").remove(name)),
        }
    }
    verify(signer.sign(signer.header().to_string(), claims.to_string()), keys, leeway, now)
}

fn verdict(now: u64, exp: u64, iat: Option<u64>, nbf: Option<u64>) -> Result<(), JwtError> {
    at(now, LEEWAY, exp, iat, nbf).map(drop)
}

// C01
#[test]
fn an_assertion_is_good_until_the_second_before_exp_and_the_leeway() {
    assert_eq!(at(NOW + 59, 0, NOW + 60, None, None).map(drop), Ok(()));
    assert_eq!(at(NOW + 60, 0, NOW + 60, None, None).map(drop), Err(JwtError::Expired));
    assert_eq!(verdict(NOW + 64, NOW + 60, None, None), Ok(()));
    assert_eq!(verdict(NOW + 65, NOW + 60, None, None), Err(JwtError::Expired));
}

// So that whoever remembers a used assertion until then never forgets one that is still good.
#[test]
fn an_assertion_tells_the_second_from_which_on_it_is_refused() {
    for leeway in [0, 1, LEEWAY, 60] {
        let ends = at(NOW, leeway, NOW + 60, None, None).expect("good").expires_at();
        assert_eq!(ends, UnixTime(NOW + 60 + leeway));
        assert!(at(ends.0 - 1, leeway, NOW + 60, None, None).is_ok());
        assert_eq!(at(ends.0, leeway, NOW + 60, None, None), Err(JwtError::Expired));
    }
}

// C03
#[test]
fn an_assertion_does_not_live_longer_than_an_hour() {
    assert_eq!(MAX_ASSERTION_LIFE.as_secs(), 3_600);
    for iat in [None, Some(NOW), Some(NOW - 86_400)] {
        assert_eq!(verdict(NOW, NOW + 3_605, iat, None), Ok(()));
        assert_eq!(verdict(NOW, NOW + 3_606, iat, None), Err(JwtError::Claim("exp")));
        assert_eq!(verdict(NOW + 1, NOW + 3_606, iat, None), Ok(()));
        assert_eq!(at(NOW, 0, NOW + 3_600, iat, None).map(drop), Ok(()));
        assert_eq!(at(NOW, 0, NOW + 3_601, iat, None), Err(JwtError::Claim("exp")));
    }
}

// C06, C07
#[test]
fn an_assertion_from_the_future_is_refused() {
    for (iat, nbf) in
        [(Some(NOW + 5), None), (None, Some(NOW + 5)), (Some(NOW + 5), Some(0)), (Some(0), None)]
    {
        assert_eq!(verdict(NOW, NOW + 60, iat, nbf), Ok(()));
    }
    for (iat, nbf) in [(Some(NOW + 6), None), (None, Some(NOW + 6)), (Some(NOW), Some(NOW + 6))] {
        assert_eq!(verdict(NOW, NOW + 60, iat, nbf), Err(JwtError::NotYetValid));
        assert_eq!(verdict(NOW + 1, NOW + 60, iat, nbf), Ok(()));
    }
}

// C02, C04
#[test]
fn times_of_an_assertion_are_whole_numbers() {
    for claim in ["exp", "iat", "nbf"] {
        for text in [
            "null",
            "true",
            "\"1800000001\"",
            "\"never\"",
            "[1800000001]",
            "{}",
            "-1",
            "1800000001.0",
            "1800000000.6",
            "1.800000001e9",
            "18446744073709551616",
            "1e300",
        ] {
            assert_eq!(said(raw(claim, text)), Err(JwtError::Claim(claim)), "{claim} is {text}");
        }
    }
}

// F07
#[test]
fn at_either_end_of_time_nothing_panics_or_wraps() {
    const END: u64 = u64::MAX;
    assert_eq!(verdict(0, 0, None, None), Ok(()), "within the leeway");
    assert_eq!(at(0, 0, 0, None, None), Err(JwtError::Expired));
    assert_eq!(verdict(0, 60, Some(5), Some(5)), Ok(()));
    assert_eq!(verdict(0, END, None, None), Err(JwtError::Claim("exp")));
    assert_eq!(verdict(END, END, None, None), Err(JwtError::Expired));
    assert_eq!(verdict(END - 1, END, Some(END), Some(END)), Ok(()));
    assert_eq!(verdict(END, 0, None, None), Err(JwtError::Expired));
    for leeway in [0, 60, END] {
        for now in [0, 1, NOW, END - 1, END] {
            for exp in [0, 1, NOW, END - 1, END] {
                for time in [None, Some(0), Some(END)] {
                    let _ = at(now, leeway, exp, time, time);
                }
            }
        }
    }
}

fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..5_000, NOW - 4_000..NOW + 4_000, u64::MAX - 5_000..=u64::MAX, any::<u64>()]
}

/// Near `now` for the most part, where the verdict changes.
fn near() -> impl Strategy<Value = i128> {
    prop_oneof![-70_i128..70, 3_500_i128..3_700, -5_000_i128..5_000, any::<i64>().prop_map(i128::from)]
}

fn moved(now: u64, by: i128) -> u64 {
    u64::try_from((i128::from(now) + by).clamp(0, u64::MAX.into())).expect("clamped")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_clock_decides_on_assertions_as_a_plain_model_does(
        now in moment(),
        exp in near(),
        iat in proptest::option::of(near()),
        nbf in proptest::option::of(near()),
        leeway in 0_u64..=60,
    ) {
        let exp = moved(now, exp);
        let (iat, nbf) = (iat.map(|by| moved(now, by)), nbf.map(|by| moved(now, by)));
        let wide = |n: u64| u128::from(n);
        let latest = wide(now) + wide(leeway);
        let good = wide(now) < wide(exp) + wide(leeway)
            && wide(exp) <= latest + 3_600
            && iat.is_none_or(|iat| wide(iat) <= latest)
            && nbf.is_none_or(|nbf| wide(nbf) <= latest);
        let found = at(now, leeway, exp, iat, nbf);
        // The last representable second is never before the end of anything.
        let at_the_end = now == u64::MAX;
        prop_assert!(found.is_ok() == (good && !at_the_end), "{found:?}");
        if let Ok(found) = found {
            prop_assert_eq!(found.expires_at().0, exp.saturating_add(leeway));
        }
    }
}
