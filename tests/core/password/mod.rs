//! Passwords and their hashes.

mod legacy;
mod policy;
mod site_names;

use countersign::password::{Argon2Params, Hasher, Password, PasswordError, PasswordHash, Verdict};
use proptest::prelude::*;
use std::time::Duration;

fn hasher() -> Hasher {
    Hasher::new(Argon2Params::default(), 2).expect("a hasher")
}

fn password(text: &str) -> Password {
    Password::parse(text).expect("a password")
}

async fn verdict(text: &str, stored: &str) -> Verdict {
    let stored = PasswordHash::from_stored(stored.into());
    hasher().verify(password(text), Some(stored)).await.expect("verified")
}

#[tokio::test]
async fn a_hash_matches_its_password_and_no_other() {
    let hash = hasher().hash(password("correct horse")).await.expect("hashed");
    assert!(hash.as_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_stored());
    assert_eq!(verdict("correct horse", hash.as_stored()).await, Verdict::Match);
    assert_eq!(verdict("correct horsf", hash.as_stored()).await, Verdict::Mismatch);
    let again = hasher().hash(password("correct horse")).await.expect("hashed");
    assert_ne!(hash, again, "each hash has a salt of its own");
}

/// What the reference program prints for `argon2 somesalt -id -t 2 -m 16 -p 1 -e`.
#[tokio::test]
async fn a_hash_of_the_reference_implementation_matches() {
    let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_eq!(verdict("password", hash).await, Verdict::MatchOutdated);
    assert_eq!(verdict("passwore", hash).await, Verdict::Mismatch);
}

// P10
#[tokio::test]
async fn a_planted_hash_logs_nobody_in_and_costs_no_more_than_it_may() {
    let good = hasher().hash(password("correct horse")).await.expect("hashed");
    let good = good.as_stored();
    for planted in [
        "",
        "correct horse",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$",
        &good.replace("argon2id", "argon2"),
        &good.replace("v=19", "v=17"),
        &good.replace("m=19456", "m=2147483648"),
        &good.replace("m=19456", "m=4194304"),
        &good.replace("m=19456,t=2", "m=262144,t=9"),
        &good.replace("t=2", "t=4294967295"),
        &good.replace("p=1", "p=16777215"),
        &good.replace("p=1", "p=0"),
        &good[..good.len() - 24],
        "$2b$31$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
        "$2b$04$tooshort",
        "$2x$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
        "$1$salt$hash",
        "$yescrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    ] {
        assert_eq!(verdict("correct horse", planted).await, Verdict::Unusable, "{planted}");
    }
}

#[tokio::test]
async fn without_a_user_nothing_matches() {
    assert_eq!(hasher().verify(password("anything"), None).await.expect("verified"), Verdict::Mismatch);
}

#[tokio::test]
async fn a_hash_of_another_cost_still_matches_and_wants_replacing() {
    let cheap = Hasher::new(Argon2Params::new(12_288, 3, 1).expect("over the floor"), 1).expect("a hasher");
    let hash = cheap.hash(password("correct horse")).await.expect("hashed");
    assert_eq!(verdict("correct horse", hash.as_stored()).await, Verdict::MatchOutdated);
    let costly = Hasher::new(Argon2Params::new(32_768, 2, 2).expect("over the floor"), 1).expect("a hasher");
    let hash = costly.hash(password("correct horse")).await.expect("hashed");
    assert_eq!(
        verdict("correct horse", hash.as_stored()).await,
        Verdict::MatchOutdated,
        "larger than the pool's"
    );
}

#[test]
fn a_cost_under_the_floor_or_over_the_ceiling_is_refused() {
    for (memory, iterations, lanes) in [
        (19_456, 1, 1),
        (8, 1, 1),
        (7_167, 64, 1),
        (7_168, 4, 1),
        (262_145, 1, 1),
        (19_456, 65, 1),
        (262_144, 9, 1),
        (19_456, 2, 17),
        (19_456, 2, 0),
    ] {
        assert!(Argon2Params::new(memory, iterations, lanes).is_err(), "{memory} {iterations} {lanes}");
    }
    let cost = Argon2Params::new(19_456, 2, 16).expect("in bounds");
    assert_eq!((cost.memory_kib(), cost.iterations(), cost.lanes()), (19_456, 2, 16));
    for (memory, iterations) in [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)] {
        assert!(Argon2Params::new(memory, iterations, 1).is_ok(), "{memory} {iterations}");
    }
}

/// The permit is held inside the blocking closure, so callers that give up do not pile up work.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_does_not_let_a_second_hash_run_beside_its_own() {
    let hasher = Hasher::new(Argon2Params::new(262_144, 4, 1).expect("in bounds"), 1).expect("a hasher");
    for _ in 0..20 {
        let hash = hasher.hash(password("abandoned"));
        let _ = tokio::time::timeout(Duration::from_millis(1), hash).await;
    }
    let mib = resident_mib();
    assert!(mib < 600, "twenty abandoned hashes of 256 MiB hold {mib} MiB");
}

/// This process's memory, from Linux's `/proc`.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1024
}

// P03, P04, P06
#[test]
fn what_a_password_may_be() {
    assert_eq!(Password::parse(""), Err(PasswordError::NotAllowed));
    assert_eq!(Password::parse("abc\0x"), Err(PasswordError::NotAllowed));
    assert_eq!(Password::parse("line\nbreak"), Err(PasswordError::NotAllowed));
    assert_eq!(Password::parse(&"x".repeat(257)), Err(PasswordError::TooLong));
    assert_eq!(Password::parse(&"x".repeat(1 << 20)), Err(PasswordError::TooLong));
    assert_eq!(Password::parse(&"e\u{301}".repeat(129)), Err(PasswordError::TooLong));
    assert_eq!(password("pass\u{3000}word"), password("pass word"), "every kind of space is a plain one");
    assert_eq!(password("\u{e9}tude123"), password("e\u{301}tude123"), "NFC");
    assert_ne!(password("\u{ff41}bcdefgh"), password("abcdefgh"), "full width is not folded");
    assert_ne!(password("password "), password("password"), "a space at the end counts");
}

/// Other software took them, and hashed them as they were typed.
#[tokio::test]
async fn what_could_not_be_chosen_here_is_still_right_where_it_is() {
    for text in [
        "tab\there-12345",
        "zero\u{200b}width-123",
        "crab\u{1f980}owl\u{1f989} 77x",
        "\u{1f468}\u{200d}\u{1f469}",
    ] {
        assert_eq!(Password::parse(text), Err(PasswordError::NotAllowed), "{text:?}");
        let presented = Password::presented(text).expect("a password");
        let stored = PasswordHash::from_stored(bcrypt::hash(text, 4).expect("hashed"));
        let hasher = hasher();
        let verify = async |stored| hasher.verify(presented.clone(), Some(stored)).await.expect("verified");
        assert_eq!(verify(stored).await, Verdict::MatchOutdated, "{text:?}");
        let renewed = hasher.hash(presented.clone()).await.expect("hashed");
        assert_eq!(verify(renewed).await, Verdict::Match, "{text:?}");
    }
    assert_eq!(Password::presented(""), Err(PasswordError::NotAllowed));
    assert!(Password::presented(&"\t".repeat(256)).is_ok());
    assert_eq!(Password::presented(&"\t".repeat(257)), Err(PasswordError::TooLong));
    assert_eq!(Password::presented(&"x".repeat(257)), Err(PasswordError::TooLong));
    let composed = Password::parse("\u{e9}tude-1815").expect("a password");
    assert_eq!(Password::presented("e\u{301}tude-1815"), Ok(composed), "as ever otherwise");
}

#[test]
fn generated_passwords_differ_and_are_passwords() {
    let (one, other) = (Password::random().expect("random"), Password::random().expect("random"));
    assert_ne!(one, other);
    assert_eq!(one.reveal().len(), 27);
    assert_eq!(Password::parse(one.reveal()), Ok(one));
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,60}") {
        if let Ok(password) = Password::parse(&text) {
            prop_assert_eq!(Password::parse(password.reveal()), Ok(password));
        }
    }

    #[test]
    fn a_control_character_anywhere_is_refused(before in "[a-z]{0,9}", bad in "[\\x00-\\x1f\\x7f]", after in "[a-z]{0,9}") {
        prop_assert_eq!(Password::parse(&format!("{before}{bad}{after}")), Err(PasswordError::NotAllowed));
    }
}

#[tokio::test]
async fn a_bcrypt_hash_of_another_kind_or_a_ruinous_cost_is_not_looked_at() {
    let hash = bcrypt::hash("correct horse", 4).expect("hashed");
    for kind in ["$2a$", "$2b$", "$2y$"] {
        assert_eq!(verdict("correct horse", &hash.replace("$2b$", kind)).await, Verdict::MatchOutdated);
    }
    for planted in [hash.replace("$2b$", "$2x$"), hash.replace("$04$", "$15$"), hash.replace("$04$", "$31$")]
    {
        assert_eq!(verdict("correct horse", &planted).await, Verdict::Unusable, "{planted}");
    }
}

/// Hashes that others made are of passwords as they were typed, whatever RFC 8265 makes of them.
#[tokio::test]
async fn a_legacy_hash_matches_the_password_as_it_was_typed_or_as_it_is_normalised() {
    let decomposed = "cre\u{300}me bru\u{302}le\u{301}e";
    let hash = bcrypt::hash(decomposed, 4).expect("hashed");
    assert_eq!(verdict(decomposed, &hash).await, Verdict::MatchOutdated);
    assert_eq!(verdict("cr\u{e8}me br\u{fb}l\u{e9}e", &hash).await, Verdict::Mismatch, "another text");
    let hash = bcrypt::hash("cr\u{e8}me br\u{fb}l\u{e9}e", 4).expect("hashed");
    assert_eq!(verdict(decomposed, &hash).await, Verdict::MatchOutdated);
}

/// That it is kept is for a bench to say (P02).
#[tokio::test]
async fn the_floor_of_a_failed_login_rises_to_the_slowest_legacy_hash() {
    let hasher = hasher();
    let argon2 = hasher.hash(password("correct horse")).await.expect("hashed");
    hasher.verify(password("wrong"), Some(argon2)).await.expect("verified");
    hasher.verify(password("wrong"), None).await.expect("verified");
    assert_eq!(hasher.floor(), Duration::ZERO, "without legacy hashes nobody waits");
    let mut floor = Duration::ZERO;
    for cost in [4, 10] {
        let legacy = PasswordHash::from_stored(bcrypt::hash("correct horse", cost).expect("hashed"));
        hasher.verify(password("wrong"), Some(legacy)).await.expect("verified");
        assert!(hasher.floor() > floor, "cost {cost}");
        floor = hasher.floor();
    }
    assert!(floor <= Duration::from_secs(1));
}

/// So does a hash of ours from when new ones cost less or more.
#[tokio::test]
async fn the_floor_follows_the_hashes_that_are_there() {
    let hasher = hasher();
    let other = Hasher::new(Argon2Params::new(32_768, 2, 1).expect("in bounds"), 1).expect("a hasher");
    let other = other.hash(password("correct horse")).await.expect("hashed");
    let bcrypt = PasswordHash::from_stored(bcrypt::hash("correct horse", 10).expect("hashed"));
    assert!(!hasher.is_usual(&other) && !hasher.is_usual(&bcrypt));
    assert!(hasher.is_usual(&hasher.hash(password("correct horse")).await.expect("hashed")));
    hasher.verify(password("wrong"), Some(other.clone())).await.expect("verified");
    assert!(hasher.floor() > Duration::ZERO, "one that was met");
    hasher.set_floor(vec![]).await.expect("measured");
    assert_eq!(hasher.floor(), Duration::ZERO, "it has been replaced");
    hasher.set_floor(vec![bcrypt, other]).await.expect("measured");
    assert!(hasher.floor() > Duration::ZERO, "others are there, met or not");
}
