//! How things stand: stores, keys, revocations, the hash queue, the audit trail.

use super::sheet::Sheet;
use crate::{
    clock::UnixTime,
    grant::Authority,
    jwt::{RingKey, Stage},
    store::Connections,
    web::health::{Answers, Readiness},
};
use std::fmt;

pub(super) fn tell(authority: &Authority, readiness: &Readiness, sheet: &mut Sheet<'_>) -> fmt::Result {
    health(readiness, sheet)?;
    connections(&authority.stores.connections(), sheet)?;
    hashing(authority, sheet)?;
    revocations(authority, sheet)?;
    keys(authority, sheet)?;
    let backlog = authority.audit.backlog();
    sheet.number(
        "countersign_audit_lines_waiting",
        "Lines of the audit trail that its store does not have yet",
        backlog.waiting as f64,
    )?;
    sheet.number(
        "countersign_audit_oldest_line_seconds",
        "For how long the first of them has waited",
        backlog.oldest.as_secs_f64(),
    )?;
    sheet.count("countersign_audit_lines_lost", "Lines that are in the log alone", backlog.lost)
}

fn health(readiness: &Readiness, sheet: &mut Sheet<'_>) -> fmt::Result {
    let number = |is: bool| if is { 1.0 } else { 0.0 };
    sheet.number("countersign_ready", "Whether /health/ready answers 200", number(readiness.is_ready()))?;
    sheet.gauge(
        "countersign_store_up",
        "Whether the store of these answers, within two seconds",
        readiness.stores().map(|(what, answer)| ([("of", what)], number(answer == Answers::Up))),
    )
}

fn connections(connections: &[Connections], sheet: &mut Sheet<'_>) -> fmt::Result {
    sheet.gauge(
        "countersign_store_connections",
        "Connections to a store",
        connections.iter().flat_map(|of| {
            [("idle", of.idle), ("in_use", of.in_use)]
                .map(|(state, count)| ([("store", of.store), ("state", state)], f64::from(count)))
        }),
    )?;
    sheet.gauge(
        "countersign_store_connections_max",
        "How many there may be",
        connections.iter().map(|of| ([("store", of.store)], f64::from(of.max))),
    )
}

fn hashing(authority: &Authority, sheet: &mut Sheet<'_>) -> fmt::Result {
    let load = authority.hasher.load();
    for (name, help, number) in [
        ("countersign_hash_queue_length", "Passwords that wait to be hashed", load.waiting),
        ("countersign_hash_queue_limit", "How many may wait; more are refused", load.bound),
        ("countersign_hash_threads_busy", "Passwords that are being hashed", load.running),
        ("countersign_hash_threads", "How many can be at a time", load.threads),
    ] {
        sheet.number(name, help, number as f64)?;
    }
    sheet.count("countersign_hash_refusals", "Passwords that found no place in the queue", load.refused)?;
    sheet.histogram(
        "countersign_hash_wait_seconds",
        "How long passwords waited to be hashed",
        [([], load.waited)],
    )?;
    sheet.histogram("countersign_hash_duration_seconds", "How long hashing took", [([], load.worked)])
}

fn revocations(authority: &Authority, sheet: &mut Sheet<'_>) -> fmt::Result {
    let revocations = &authority.revocations;
    for (name, help, number) in [
        (
            "countersign_revocation_staleness_seconds",
            "How long there has been no word of what was revoked",
            revocations.staleness().as_secs_f64(),
        ),
        (
            "countersign_revocation_max_staleness_seconds",
            "For how long access tokens are taken without",
            authority.revocation.max_staleness.as_secs_f64(),
        ),
        ("countersign_deny_list_entries", "What access tokens are looked up in", revocations.denied() as f64),
    ] {
        sheet.number(name, help, number)?;
    }
    sheet.histogram(
        "countersign_revocation_lag_seconds",
        "From when a revocation stood in the store to when it held here",
        [([], revocations.lags())],
    )
}

/// A key that is given by the settings has no age that anybody knows.
fn keys(authority: &Authority, sheet: &mut Sheet<'_>) -> fmt::Result {
    let (ring, now) = (authority.keys.tokens().ring(), authority.clock.now());
    let keys = || ring.keys().iter().map(|key| (key, ring.stage(key, now)));
    let made = keys().filter(|(key, _)| key.life().published_at > UnixTime(0));
    sheet.gauge(
        "countersign_key_age_seconds",
        "Since a key was made",
        made.map(|(key, stage)| (labels(key, stage), -until(key.life().published_at, now))),
    )?;
    let end = |key: &RingKey, stage| match (key.life().retires_at, authority.keys.period()) {
        (Some(at), _) => Some(at),
        (None, Some(period)) if stage == Stage::Signing => Some(key.life().signs_from.plus(period)),
        _ => None,
    };
    let ends = keys().filter(|(_, stage)| matches!(stage, Stage::Signing | Stage::Published));
    sheet.gauge(
        "countersign_key_retirement_seconds",
        "Until a key's successor signs in its place; below zero: it is overdue",
        ends.filter_map(|(key, stage)| Some((labels(key, stage), until(end(key, stage)?, now)))),
    )?;
    sheet.number(
        "countersign_keystore_staleness_seconds",
        "How long there has been no word of the keys",
        authority.keys.staleness().as_secs_f64(),
    )
}

fn labels(key: &RingKey, stage: Stage) -> [super::sheet::Label<'_>; 2] {
    let stage = match stage {
        Stage::Published => "published",
        Stage::Signing => "signing",
        Stage::Retired => "retired",
        Stage::Gone => "gone",
        Stage::Revoked => "revoked",
    };
    [("kid", key.key().kid()), ("stage", stage)]
}

/// In seconds; below zero for what has been.
fn until(then: UnixTime, now: UnixTime) -> f64 {
    then.0 as f64 - now.0 as f64
}
