//! How many hashes there are at a time, who waits, and that both engines compute the same.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use countersign::password::{Argon2Params, Engine, Hasher, HasherError, Hashing, Memory, Password, Verdict};
use proptest::prelude::*;
use std::{future::Future, pin::pin, task::Poll, time::Duration};

/// Takes long enough for a test to do a few things meanwhile.
fn slow() -> Argon2Params {
    Argon2Params::new(262_144, 4, 1).expect("in bounds")
}

fn password() -> Password {
    Password::parse("correct horse").expect("a password")
}

/// Lets a future do what it does until it has to wait.
async fn begin(future: &mut (impl Future + Unpin)) -> bool {
    std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_ready()))
        .await
}

// P09
#[tokio::test]
async fn beyond_the_queue_a_caller_is_refused_at_once() {
    let hasher = Hasher::start(Hashing { params: slow(), queue: 1, ..Hashing::default() }).expect("a hasher");
    let (mut computed, mut waits) = (pin!(hasher.hash(password())), pin!(hasher.hash(password())));
    assert!(!begin(&mut computed).await && !begin(&mut waits).await);
    for _ in 0..50 {
        assert!(matches!(hasher.verify(password(), None).await, Err(HasherError::Busy)));
    }
    assert!(computed.await.is_ok() && waits.await.is_ok(), "those that had a place are served");
    assert_eq!(hasher.verify(password(), None).await.expect("there is room again"), Verdict::Mismatch);
}

#[tokio::test]
async fn a_queue_of_no_length_still_lets_each_permit_work() {
    let hasher = Hasher::start(Hashing { params: slow(), permits: 2, queue: 0, ..Hashing::default() })
        .expect("a hasher");
    let (mut one, mut other) = (pin!(hasher.hash(password())), pin!(hasher.hash(password())));
    assert!(!begin(&mut one).await && !begin(&mut other).await);
    assert!(matches!(hasher.hash(password()).await, Err(HasherError::Busy)));
    assert!(one.await.is_ok() && other.await.is_ok());
}

/// Otherwise a flood of callers that give up would keep the threads busy long after it is over.
#[tokio::test]
async fn who_goes_away_while_they_wait_costs_no_hash() {
    let quick =
        Hasher::start(Hashing { params: slow(), queue: 1_000, ..Hashing::default() }).expect("a hasher");
    let mut first = pin!(quick.hash(password()));
    assert!(!begin(&mut first).await);
    for _ in 0..999 {
        assert!(!begin(&mut pin!(quick.hash(password()))).await);
    }
    // A thousand of these would take minutes.
    let all = async { (first.await.is_ok(), quick.verify(password(), None).await.is_ok()) };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), all).await, Ok((true, true)));
}

/// RFC 9106 §5.3, as far as it goes: no engine of ours takes its secret and associated data.
#[test]
fn the_portable_engine_is_the_one_of_the_rfc() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).expect("short enough"))
        .build()
        .expect("parameters");
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).expect("a secret");
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).expect("hashed");
    let expected = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0,
        0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];
    assert_eq!(tag, expected);
}

/// What the reference program prints for `argon2 -id -t 2 -m 16 -p 1 -r` with these salts.
#[test]
fn every_engine_computes_what_the_reference_program_does() {
    let params = Argon2Params::new(65_536, 2, 1).expect("in bounds");
    let vectors: [(&[u8], &str); 2] = [
        (b"somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
        (b"somesaltsomesalt", "fc33b78139231d34b71626bd6245c1d72efa190ad605c3d8166a72adcedfa2c2"),
    ];
    for (salt, expected) in vectors {
        for engine in [Engine::Portable, Engine::default()] {
            let mut output = [0; 32];
            assert!(engine.derive(b"password", salt, params, &mut output, &mut Memory::default()));
            let shown: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, expected, "{engine:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_engines_compute_the_same(
        password in prop::collection::vec(any::<u8>(), 0..257),
        salt in (prop_oneof![Just(16_usize), 8_usize..40]).prop_flat_map(|length| prop::collection::vec(any::<u8>(), length)),
        (memory, passes) in prop_oneof![Just((7_168, 5)), Just((12_288, 3)), Just((19_456, 2)), Just((35_840, 1))],
        lanes in 1_u32..3,
        length in 4_usize..65,
    ) {
        let params = Argon2Params::new(memory, passes, lanes).expect("in bounds");
        let (mut one, mut other) = (vec![0; length], vec![0; length]);
        let mut memory = Memory::default();
        prop_assert!(Engine::Portable.derive(&password, &salt, params, &mut one, &mut memory));
        prop_assert!(Engine::default().derive(&password, &salt, params, &mut other, &mut memory));
        prop_assert_eq!(one, other);
    }
}
