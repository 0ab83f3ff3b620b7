//! What is issued is taken while it is good, and says what was said.

use super::{LIFETIME, Said, clock, said, tokens, which};
use countersign::{clock::UnixTime, jwt::JwtError};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_token_says_what_it_was_issued_to_say(which in which(), said in said(), now in 0..u64::MAX - 2_000) {
        let tokens = tokens(which, 0);
        let token = said.issue(&tokens, now);
        let claims = tokens.verify(token.as_bytes(), UnixTime(now));
        let claims = claims.map_err(|error| TestCaseError::fail(format!("{error}: {token}")))?;
        prop_assert_eq!(claims.subject(), said.subject);
        prop_assert_eq!(claims.client_id(), said.client_id);
        prop_assert_eq!(claims.session_id(), said.session_id.map(|id| id.to_string()).unwrap_or_default());
        prop_assert_eq!((claims.revision(), claims.client_revision()), (said.revision, said.client_revision));
        prop_assert_eq!(claims.roles(), &said.roles);
        prop_assert_eq!(claims.scope(), &said.scope);
        let expires = now + said.lifetime.min(LIFETIME);
        prop_assert_eq!((claims.issued_at().0, claims.expires_at().0), (now, expires));
        prop_assert!(claims.token_id().parse::<countersign::token::TokenId>().is_ok());
        prop_assert_eq!(tokens.verify(token.as_bytes(), UnixTime(expires - 1)), Ok(claims));
        prop_assert_eq!(tokens.verify(token.as_bytes(), UnixTime(expires)), Err(JwtError::Expired));
    }

    /// Whatever a caller has it say, even nothing or what cannot be read aloud.
    #[test]
    fn a_token_about_nobody_or_without_a_session_is_not_taken(
        which in which(),
        said in said(),
        (subject, client_id) in ("[a\\x00-\\x20\\x7f\u{85}]{0,3}", "[a\\x00-\\x20\\x7f\u{85}]{0,3}"),
    ) {
        let said = Said { subject: subject.clone(), client_id: client_id.clone(), ..said };
        let tokens = tokens(which, 0);
        let token = said.issue(&tokens, 1_000);
        let good = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        let expected = match () {
            () if !good(&subject) => Err(JwtError::Claim("sub")),
            () if !good(&client_id) => Err(JwtError::Claim("client_id")),
            () if said.session_id.is_none() && subject != client_id => Err(JwtError::Claim("sid")),
            () => Ok(()),
        };
        prop_assert_eq!(tokens.verify(token.as_bytes(), UnixTime(1_000)).map(drop), expected);
    }

    #[test]
    fn no_token_outlives_its_session_its_lifetime_or_the_end_of_all_times(
        which in which(),
        said in said(),
        (issued, ends) in (clock(), clock()),
        lifetime in prop_oneof![0..2_000_u64, any::<u64>()],
        read in prop_oneof![(0..2_000_u64).prop_map(Ok), clock().prop_map(Err)],
        leeway in 0..=60_u64,
    ) {
        let said = Said { lifetime, session_ends: ends, ..said };
        let tokens = tokens(which, leeway);
        let token = said.issue(&tokens, issued);
        let now = read.map_or_else(|at| at, |after| issued.saturating_add(after));
        let wide = u128::from;
        let expires = (wide(issued) + wide(lifetime.min(LIFETIME))).min(wide(ends)).min(wide(u64::MAX));
        let expected = if expires <= wide(issued) {
            Err(JwtError::Claim("exp"))
        } else if wide(now) >= (expires + wide(leeway)).min(wide(u64::MAX)) {
            Err(JwtError::Expired)
        } else if wide(issued) > wide(now) + wide(leeway) {
            Err(JwtError::NotYetValid)
        } else {
            Ok(())
        };
        for time in ["first", "second"] {
            prop_assert_eq!(tokens.verify(token.as_bytes(), UnixTime(now)).map(drop), expected, "the {} time", time);
        }
    }
}
