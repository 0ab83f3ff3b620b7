//! What stands in a store for a hash is read as the standards write it, within bounds, or not at all.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use countersign::password::{Argon2Params, Cost, PasswordHash};
use proptest::{prelude::*, sample::Index};

fn cost(text: &str) -> Option<Cost> {
    let hash = PasswordHash::from_stored(text.to_owned());
    assert_eq!(hash.as_stored(), text, "it is kept as it stands");
    hash.cost()
}

/// The parts of an Argon2 hash as the PHC string format writes them.
#[derive(Clone, Debug)]
struct Argon2 {
    kind: &'static str,
    version: Option<u32>,
    /// Memory in KiB, passes, lanes.
    params: [u64; 3],
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2 {
    fn print(&self) -> String {
        let version = self.version.map(|version| format!("v={version}$")).unwrap_or_default();
        let [memory, iterations, lanes] = self.params;
        let [salt, output] = [&self.salt, &self.output].map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes));
        format!("${}${version}m={memory},t={iterations},p={lanes}${salt}${output}", self.kind)
    }

    /// Whether it may be computed here (RFC 9106 §3.1, and the bounds of ours).
    fn is_affordable(&self) -> bool {
        let [memory, iterations, lanes] = self.params;
        self.kind == "argon2id"
            && self.version == Some(19)
            && (8 * lanes..=262_144).contains(&memory)
            && (1..=64).contains(&iterations)
            && (1..=16).contains(&lanes)
            && (8..=48).contains(&self.salt.len())
            && (16..=64).contains(&self.output.len())
    }
}

fn bytes(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), length)
}

fn argon2() -> impl Strategy<Value = Argon2> {
    let kind = prop_oneof![8 => Just("argon2id"), 1 => Just("argon2i"), 1 => Just("argon2d")];
    let version = prop_oneof![8 => Just(Some(19)), 1 => Just(Some(16)), 1 => Just(None)];
    let near = |bound: u64| bound - 1..=bound + 1;
    let memory = prop_oneof![4 => 8..300_000_u64, 1 => near(262_144), 1 => near(1 << 32), 1 => 0..9_u64];
    let iterations = prop_oneof![4 => 1..65_u64, 1 => near(64), 1 => near(1 << 32), 1 => Just(0)];
    let lanes = prop_oneof![4 => 1..17_u64, 1 => near(16), 1 => near(1 << 24), 1 => Just(0)];
    let salt = prop_oneof![4 => bytes(8..33), 1 => bytes(0..70)];
    let output = prop_oneof![4 => bytes(16..65), 1 => bytes(0..90)];
    (kind, version, (memory, iterations, lanes), salt, output).prop_map(
        |(kind, version, (memory, iterations, lanes), salt, output)| Argon2 {
            kind,
            version,
            params: [memory, iterations, lanes],
            salt,
            output,
        },
    )
}

/// A bcrypt hash: a version, a cost, 22 characters of salt and 31 of hash, the bits left over being 0.
fn bcrypt() -> impl Strategy<Value = (String, u32, String)> {
    let version = prop_oneof![6 => "2[aby]", 1 => "2x|2|1|2c|argon2id"];
    (version, 0..40_u32, "[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // P10
    #[test]
    fn an_argon2_hash_costs_what_it_says_or_is_not_computed(hash in argon2()) {
        let found = cost(&hash.print());
        prop_assert_eq!(found.is_some(), hash.is_affordable(), "{}", hash.print());
        if let Some(found) = found {
            let Cost::Argon2id(params) = found else { panic!("{found:?}") };
            let found = [params.memory_kib(), params.iterations(), params.lanes()].map(u64::from);
            prop_assert_eq!(found, hash.params);
            prop_assert!(Argon2Params::MEMORY_KIB.end() >= &found[0]);
        }
    }

    // P10
    #[test]
    fn a_bcrypt_hash_costs_what_it_says_or_is_not_computed((version, rounds, rest) in bcrypt()) {
        let text = format!("${version}${rounds:02}${rest}");
        let is_good = ["2a", "2b", "2y"].contains(&&*version) && (4..=14).contains(&rounds);
        prop_assert_eq!(cost(&text), is_good.then_some(Cost::Bcrypt(rounds)), "{}", text);
        for spoiled in [format!("{text}a"), format!(" {text}"), text[..text.len() - 1].to_owned(), text.replace('$', "")] {
            prop_assert_eq!(cost(&spoiled), None, "{}", spoiled);
        }
    }

    /// Not more than it may cost, whatever was done to it.
    // P10
    #[test]
    fn a_damaged_hash_is_no_dearer_than_a_hash_may_be(
        good in prop_oneof![argon2().prop_map(|hash| hash.print()), bcrypt().prop_map(|(v, c, rest)| format!("${v}${c:02}${rest}"))],
        changes in proptest::collection::vec((any::<Index>(), prop_oneof!["[$=,mtpvk0-9]{0,3}", ".{0,2}"]), 1..4),
    ) {
        let mut chars: Vec<char> = good.chars().collect();
        for (at, new) in changes {
            let at = at.index(chars.len());
            chars.splice(at..=at, new.chars());
            chars.push('a');
        }
        let text = String::from_iter(chars);
        match cost(&text) {
            Some(Cost::Argon2id(params)) => prop_assert!(
                params.memory_kib() <= 262_144 && params.iterations() <= 64 && params.lanes() <= 16, "{}", text
            ),
            Some(Cost::Bcrypt(rounds)) => prop_assert!((4..=14).contains(&rounds), "{}", text),
            None => {}
        }
    }

    #[test]
    fn any_text_is_a_hash_or_none(text in prop_oneof![".{0,120}", "\\$(2b|argon2id)\\$[$=,a-z0-9]{0,60}"]) {
        let _ = cost(&text);
    }
}
