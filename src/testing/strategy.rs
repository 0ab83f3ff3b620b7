//! The kit for proptest: any of its cases, and what chance makes of the good token.

use super::{
    Answer, Case, Kit,
    bad::{Row, of},
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    sample::{Index, select},
    strategy::Union,
};

/// What a token is written in, and what separates its parts.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

impl Kit {
    /// Any of the cases, good and bad; any text in place of the token; and the good token with a letter
    /// changed, with its end cut off, and with other claims or another header under its signature.
    ///
    /// ```
    /// # use countersign::{clock::UnixTime, jwt::{AccessTokens, Algorithm, KeyRing, Rules, SigningKey}};
    /// use countersign::testing::{Answer, Kit};
    /// use proptest::prelude::*;
    ///
    /// # let now = UnixTime(1_800_000_000);
    /// # let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?, now);
    /// # let (issuer, audience) = ("https://login.example".into(), "orders".into());
    /// # let (leeway, max_lifetime) = (std::time::Duration::ZERO, std::time::Duration::from_secs(600));
    /// # let rules = Rules { issuer, audience, leeway, max_lifetime };
    /// # let tokens = AccessTokens::new(ring.clone(), rules.clone());
    /// let kit = Kit::from_ring(&ring, &rules, now)?;
    /// proptest!(|(case in kit.strategy())| {
    ///     if let Some(token) = case.token() {
    ///         let accepted = tokens.verify(token.as_bytes(), now).is_ok();
    ///         prop_assert_eq!(accepted, case.answer() == Answer::Accepted);
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn strategy(&self) -> impl Strategy<Value = Case> + use<> {
        let cases = select(self.cases().collect::<Vec<_>>());
        let good = self.text.clone();
        let token = good.clone();
        let changed =
            (any::<Index>(), select(LETTERS)).prop_filter_map("another letter", move |(at, letter)| {
                let mut bytes = token.clone().into_bytes();
                let at = at.index(bytes.len());
                let is_other = std::mem::replace(&mut bytes[at], letter) != letter;
                is_other.then(|| bad("a letter changed", String::from_utf8(bytes).expect("ASCII")))
            });
        let token = good.clone();
        let cut =
            any::<Index>().prop_map(move |at| bad("cut short", token[..at.index(token.len())].to_owned()));
        let any_text = vec(select(LETTERS), 0..300)
            .prop_map(|bytes| bad("any text", String::from_utf8(bytes).expect("ASCII")));
        let (parts, signature) = (self.good.clone(), good.rsplit('.').next().unwrap_or_default().to_owned());
        let other = ("[a-z]{1,8}", any::<u64>(), any::<bool>()).prop_map(move |(name, value, in_claims)| {
            let other = if in_claims { parts.claim(&name, value) } else { parts.header(&name, value) };
            bad("another member, the original signature", format!("{}.{signature}", other.message()))
        });
        Union::new_weighted(vec![
            (6, cases.boxed()),
            (2, changed.boxed()),
            (1, cut.boxed()),
            (1, any_text.boxed()),
            (2, other.boxed()),
        ])
    }
}

fn bad(what: &str, token: String) -> Case {
    of(what.into(), Row("A07", "RFC 7515 §5.2", Answer::InvalidToken), &token)
}
