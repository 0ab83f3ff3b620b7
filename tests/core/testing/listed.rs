//! All that is in the kit, case by case: none is lost, and none becomes another, unseen.

use crate::{
    kept::is_as_made,
    keys::{b64, ec, oct, okp, rsa, set},
};
use aws_lc_rs::digest::{SHA256, digest};
use countersign::{
    clock::UnixTime,
    jwt::KeyRing,
    testing::{Case, Kit},
};
use serde_json::Value;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// The kit around a token that this key signed.
fn kit(jwk: &Value, good: &str) -> Kit {
    let ring = KeyRing::from_json(&set(std::slice::from_ref(jwk))).expect("a ring");
    let kit = Kit::from_token(good, NOW).expect("a kit").with_ring(&ring).expect("its key");
    kit.with_role("admin").with_role("editor").with_scope("orders:read").with_scope("orders:write")
}

fn sent(case: &Case) -> String {
    format!("{:?} {:?} {:?}", case.authorization(), case.query(), case.header())
}

/// Another for every other text.
fn fingerprint(text: &str) -> String {
    b64(&digest(&SHA256, text.as_bytes()).as_ref()[..3])
}

/// What each case is, and the print of what is sent if that is always the same.
fn prints(kit: impl Fn() -> Kit) -> impl Iterator<Item = (String, String)> {
    kit().cases().zip(kit().cases().collect::<Vec<_>>()).map(|(case, again)| {
        let name = format!("{:3} {:14} {}", case.row(), format!("{:?}", case.answer()), case.what());
        let text = sent(&case);
        (name, if text == sent(&again) { fingerprint(&text) } else { "random".into() })
    })
}

/// A line for each case: what is sent with a key of each algorithm, if there is such a case, then its row,
/// what it must be answered, and what it is.
fn listed() -> String {
    let mut lines: Vec<(String, [String; 4])> = vec![];
    let good = include_str!("good.txt").lines();
    for (at, (jwk, good)) in [oct(), okp(), ec(), rsa()].iter().zip(good).enumerate() {
        for (name, print) in prints(|| kit(jwk, good)) {
            let line = lines.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                lines.push((name, Default::default()));
                lines.len() - 1
            });
            assert_eq!(lines[line].1[at], "", "{} is there twice", lines[line].0);
            lines[line].1[at] = print;
        }
    }
    let text =
        |(name, [hs, ed, es, rs]): &(String, [String; 4])| format!("{hs:6} {ed:6} {es:6} {rs:6} {name}\n");
    lines.iter().map(text).collect()
}

#[test]
fn no_case_of_the_kit_is_lost_or_changed_unseen() {
    is_as_made("tests/core/testing/kit.txt", "testing::listed", &listed());
}
