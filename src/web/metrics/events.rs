//! What happens to people and tokens.

use super::sheet::{Label, Sheet};
use crate::{
    audit::{Action, Kind, Outcome},
    jwt::JwtError,
    web::guard::Rejection,
};
use prometheus_client::metrics::{counter::Counter, family::Family};
use std::{collections::BTreeMap, fmt};

/// What a token request can be, by its `grant_type`; and what it is before its client is known.
const GRANTS: [(Action, &str); 5] = [
    (Action::Login, "password"),
    (Action::Refresh, "refresh_token"),
    (Action::Reuse, "refresh_token"),
    (Action::ServiceToken, "client_credentials"),
    (Action::ClientAuthentication, "client"),
];

const OUTCOMES: [(Outcome, &str); 3] =
    [(Outcome::Done, "done"), (Outcome::Refused, "refused"), (Outcome::Failed, "failed")];

/// What the audit trail has counted, as far as it is about logins and tokens.
pub(super) fn tell(counts: &BTreeMap<Kind, u64>, sheet: &mut Sheet<'_>) -> fmt::Result {
    let sum = |actions: &[Action], outcome: Outcome| -> u64 {
        let are_meant = |(action, came, _): &Kind| actions.contains(action) && *came == outcome;
        counts.iter().filter(|(kind, _)| are_meant(kind)).map(|(_, count)| count).sum()
    };
    let by_outcome = |actions: &'static [Action]| {
        OUTCOMES.map(|(outcome, word)| ([("outcome", word)], sum(actions, outcome)))
    };
    sheet.counter(
        "countersign_logins",
        "Logins with a password, by what came of them",
        by_outcome(&[Action::Login]),
    )?;
    sheet.counter(
        "countersign_refreshes",
        "Refreshes, by what came of them",
        by_outcome(&[Action::Refresh, Action::Reuse]),
    )?;
    sheet.counter(
        "countersign_service_tokens",
        "Tokens that services asked for themselves, by what came of it",
        by_outcome(&[Action::ServiceToken]),
    )?;
    let reuses = counts.iter().filter(|((action, ..), _)| *action == Action::Reuse).map(|(_, count)| count);
    sheet.count(
        "countersign_refresh_reuses",
        "Used refresh tokens that came back: somebody had a copy, and the session has ended",
        reuses.sum(),
    )?;
    sheet.counter("countersign_grant_refusals", "Token requests that got none, by why", refusals(counts))
}

fn refusals(counts: &BTreeMap<Kind, u64>) -> BTreeMap<[Label<'static>; 2], u64> {
    let mut refusals = BTreeMap::new();
    for ((action, outcome, reason), count) in counts {
        let grant = GRANTS.iter().find(|(grant, _)| grant == action);
        if let (Some((_, grant)), false) = (grant, *outcome == Outcome::Done) {
            let reason = if *action == Action::Reuse { "reused" } else { reason.unwrap_or("unknown") };
            *refusals.entry([("grant", *grant), ("reason", reason)]).or_default() += count;
        }
    }
    refusals
}

/// Requests that guards have refused, by why.
#[derive(Default)]
pub(super) struct Refusals(Family<[Label<'static>; 1], Counter>);

impl Refusals {
    pub(super) fn note(&self, rejection: Rejection) {
        self.0.get_or_create(&[("reason", reason(rejection))]).inc();
    }

    pub(super) fn tell(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        sheet.family("countersign_token_refusals", "Requests that a guard refused, by why", &self.0)
    }
}

/// A word for each cause, whatever the caller is told.
fn reason(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NoCredentials => "no_credentials",
        Rejection::Ambiguous => "ambiguous",
        Rejection::Revoked => "revoked",
        Rejection::FeedSecret => "feed_secret",
        Rejection::Subject => "subject",
        Rejection::Service => "service",
        Rejection::MissingRole => "missing_role",
        Rejection::MissingScope(_) => "missing_scope",
        Rejection::Unavailable => "unavailable",
        Rejection::InvalidToken(error) => match error {
            JwtError::TooLong => "too_long",
            JwtError::Malformed => "malformed",
            JwtError::HeaderMember(_) => "header_member",
            JwtError::UnknownKey => "unknown_key",
            JwtError::Algorithm => "algorithm",
            JwtError::Signature => "signature",
            JwtError::Type => "type",
            JwtError::Claim(_) => "claim",
            JwtError::Expired => "expired",
            JwtError::NotYetValid => "not_yet_valid",
        },
    }
}
