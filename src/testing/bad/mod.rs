//! The bad tokens, a file for each part of a token that can be wrong.
//!
//! Each has what anybody can make, `by_anybody`, and what takes the keys, `signed`.

mod algorithm;
mod claims;
mod encoding;
mod header;
mod kind;
mod public_key;
mod request;
mod signature;
mod times;

use super::{
    Answer, Case,
    forge::{Forge, Signer},
};

/// All cases, the good ones first.
pub(super) fn all(forge: &Forge<'_>, signer: Option<&Signer<'_>>) -> Vec<Case> {
    let mut cases = Cases(vec![]);
    cases.0.push(plain(forge.text, "the good token"));
    request::good(forge, &mut cases);
    if let Some(signer) = signer {
        kind::good(signer, &mut cases);
        header::good(signer, &mut cases);
        claims::good(signer, &mut cases);
    }
    request::by_anybody(forge, &mut cases);
    encoding::by_anybody(forge, &mut cases);
    algorithm::by_anybody(forge, &mut cases);
    signature::by_anybody(forge, &mut cases);
    header::by_anybody(forge, &mut cases);
    kind::by_anybody(forge, &mut cases);
    claims::by_anybody(forge, &mut cases);
    if let Some(signer) = signer {
        encoding::signed(signer, &mut cases);
        algorithm::signed(signer, &mut cases);
        header::signed(signer, &mut cases);
        kind::signed(signer, &mut cases);
        claims::signed(signer, &mut cases);
        claims::of_roles_and_scopes(signer, &mut cases);
        times::signed(signer, &mut cases);
    }
    cases.0
}

/// The good token as it should be sent.
pub(super) fn plain(token: &str, what: &str) -> Case {
    of(what.into(), Row("", "", Answer::Accepted), token)
}

/// A token, sent as a token should be.
pub(super) fn of(what: String, row: Row, token: &str) -> Case {
    case(what, &row, vec![format!("Bearer {token}")])
}

/// A row of the table of unhappy paths: its id, its source, its answer.
pub(super) struct Row(pub(super) &'static str, pub(super) &'static str, pub(super) Answer);

/// Refused as an invalid token, as most of them are.
const fn invalid(id: &'static str, rule: &'static str) -> Row {
    Row(id, rule, Answer::InvalidToken)
}

fn case(what: String, Row(row, rule, answer): &Row, authorization: Vec<String>) -> Case {
    Case { what, row, rule, answer: *answer, authorization, elsewhere: None }
}

struct Cases(Vec<Case>);

impl Cases {
    /// A token, sent as a token should be.
    fn token(&mut self, row: &Row, what: impl Into<String>, token: impl AsRef<str>) {
        self.0.push(case(what.into(), row, vec![format!("Bearer {}", token.as_ref())]));
    }

    /// These `Authorization` headers.
    fn headers<const N: usize>(&mut self, row: &Row, what: impl Into<String>, headers: [String; N]) {
        self.0.push(case(what.into(), row, headers.into()));
    }
}
