//! What stands in a store for a hash is read as the standards write it, within bounds, or not at all.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use countersign::password::{Cost, PasswordHash};
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

    /// What it may cost here, if it may be computed at all (RFC 9106 §3.1, and the bounds of ours).
    fn cost(&self) -> Option<[u64; 4]> {
        let [memory, iterations, lanes] = self.params;
        let fits = (8 * lanes..=262_144).contains(&memory)
            && (1..=u64::from(u32::MAX)).contains(&iterations)
            && (1..=16).contains(&lanes)
            && (8..=48).contains(&self.salt.len())
            && (16..=64).contains(&self.output.len());
        let is_ours = self.kind == "argon2id" && self.version == Some(19) && iterations <= 64;
        let affordable = fits && memory * iterations <= 2_097_152;
        affordable.then_some([u64::from(is_ours), memory, iterations, lanes])
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

/// A PBKDF2 hash as passlib, Django or Werkzeug writes it, its iterations, and whether it is a good one.
fn pbkdf2() -> impl Strategy<Value = (String, u64, bool)> {
    let near = |bound: u64| bound - 1..=bound + 1;
    let iterations = prop_oneof![6 => 1..100_000_u64, 1 => near(2_000_000), 1 => near(1 << 32), 1 => Just(0)];
    const DIGESTS: [(&str, usize); 3] = [("sha1", 20), ("sha256", 32), ("sha512", 64)];
    let digest = prop_oneof![20 => proptest::sample::select(&DIGESTS), 1 => Just(("md5", 16))];
    let software = proptest::sample::select(&["passlib", "Django", "Werkzeug"]);
    (software, digest, iterations, bytes(0..40), "[a-zA-Z0-9]{0,30}", any::<bool>(), bytes(64..65)).prop_map(
        |(software, (name, length), iterations, salt, text_salt, is_whole, output)| {
            let output = &output[..if is_whole { length } else { length - 1 }];
            let ab64 = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes).replace('+', ".");
            let text = match software {
                "passlib" => {
                    let name = if name == "sha1" { String::new() } else { format!("-{name}") };
                    format!("$pbkdf2{name}${iterations}${}${}", ab64(&salt), ab64(output))
                }
                "Django" => {
                    format!("pbkdf2_{name}${iterations}${text_salt}${}", BASE64_STANDARD.encode(output))
                }
                _ => {
                    let output: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("pbkdf2:{name}:{iterations}${text_salt}${output}")
                }
            };
            let is_known = name != "md5" && (software, name) != ("Django", "sha512");
            let has_salt = software == "passlib" || !text_salt.is_empty();
            (text, iterations, is_whole && is_known && has_salt && (1..=2_000_000).contains(&iterations))
        },
    )
}

/// A scrypt hash as passlib, Django or Werkzeug writes it, and its cost, if it is a good one.
fn scrypt() -> impl Strategy<Value = (String, Option<Cost>)> {
    let log_n = prop_oneof![6 => 1..19_u32, 1 => 0..64_u32];
    let r = prop_oneof![6 => Just(8_u32), 2 => 0..70_u32, 1 => any::<u32>()];
    let p = prop_oneof![6 => 1..6_u32, 2 => 0..300_u32, 1 => any::<u32>()];
    let software = proptest::sample::select(&["passlib", "Django", "Werkzeug"]);
    (software, log_n, r, p, "[a-zA-Z0-9]{1,30}", bytes(10..70)).prop_map(
        |(software, log_n, r, p, salt, output)| {
            let n = 1_u64 << log_n;
            let text = match software {
                "passlib" => {
                    let [salt, output] =
                        [salt.as_bytes(), &*output].map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes));
                    format!("$scrypt$ln={log_n},r={r},p={p}${salt}${output}")
                }
                "Django" => format!("scrypt${n}${salt}${r}${p}${}", BASE64_STANDARD.encode(&output)),
                _ => {
                    let output: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("scrypt:{n}:{r}:{p}${salt}${output}")
                }
            };
            // RFC 7914 §2: N is more than 1.
            let [blocks, steps] =
                [u128::from(n) * u128::from(r), u128::from(n) * u128::from(r) * u128::from(p)];
            let fits = log_n > 0 && r > 0 && p > 0 && blocks <= 2_097_152 && steps <= 4_194_304;
            let is_good = fits && (16..=64).contains(&output.len());
            (text, is_good.then_some(Cost::Scrypt { log_n, r, p }))
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
        for text in [hash.print(), format!("argon2{}", hash.print())] {
            let is_djangos = !text.starts_with('$');
            let found = cost(&text).map(|cost| match cost {
                Cost::Argon2id(params) => [1, params.memory_kib(), params.iterations(), params.lanes()],
                Cost::OtherArgon2 { memory_kib, iterations, lanes } => [0, memory_kib, iterations, lanes],
                other => panic!("{other:?}"),
            });
            let mut hash = hash.clone();
            hash.kind = if is_djangos && hash.kind == "argon2id" { "argon2i" } else { hash.kind };
            prop_assert_eq!(found.map(|found| found.map(u64::from)), hash.cost(), "{}", text);
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

    // P10
    #[test]
    fn a_pbkdf2_hash_costs_what_it_says_or_is_not_computed((text, iterations, is_good) in pbkdf2()) {
        let expected = is_good.then_some(Cost::Pbkdf2 { iterations: iterations as u32 });
        prop_assert_eq!(cost(&text), expected, "{}", text);
        for spoiled in [format!("{text}a"), format!(" {text}"), text[..text.len() - 1].to_owned(), text.replace('$', "")] {
            prop_assert_eq!(cost(&spoiled), None, "{}", spoiled);
        }
    }

    // P10
    #[test]
    fn a_scrypt_hash_costs_what_it_says_or_is_not_computed((text, expected) in scrypt()) {
        prop_assert_eq!(cost(&text), expected, "{}", text);
        for spoiled in [format!(" {text}"), format!("{text}%"), text.replace('$', ""), text.replace("scrypt", "")] {
            prop_assert_eq!(cost(&spoiled), None, "{}", spoiled);
        }
    }

    /// Not more than it may cost, whatever was done to it.
    // P10
    #[test]
    fn a_damaged_hash_is_no_dearer_than_a_hash_may_be(
        good in prop_oneof![
            argon2().prop_map(|hash| hash.print()),
            bcrypt().prop_map(|(v, c, rest)| format!("${v}${c:02}${rest}")),
            pbkdf2().prop_map(|(text, ..)| text),
            scrypt().prop_map(|(text, _)| text),
        ],
        changes in proptest::collection::vec((any::<Index>(), prop_oneof!["[$=,:mtpvkrln0-9]{0,3}", ".{0,2}"]), 1..4),
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
                params.memory_kib() <= 262_144
                    && params.memory_kib() * params.iterations() <= 2_097_152
                    && params.iterations() <= 64
                    && params.lanes() <= 16,
                "{}",
                text
            ),
            Some(Cost::Bcrypt(rounds)) => prop_assert!((4..=14).contains(&rounds), "{}", text),
            Some(Cost::Pbkdf2 { iterations }) => prop_assert!(iterations <= 2_000_000, "{}", text),
            Some(Cost::Scrypt { log_n, r, p }) => {
                let blocks = u64::from(r) << log_n;
                prop_assert!(blocks <= 2_097_152 && blocks * u64::from(p) <= 4_194_304, "{}", text);
            }
            Some(Cost::OtherArgon2 { memory_kib, iterations, lanes }) => prop_assert!(
                memory_kib <= 262_144 && memory_kib * iterations <= 2_097_152 && lanes <= 16, "{}", text
            ),
            Some(other) => prop_assert!(false, "{:?}", other),
            None => {}
        }
    }

    #[test]
    fn any_text_is_a_hash_or_none(text in prop_oneof![".{0,120}", "\\$?(2b|argon2id|scrypt|pbkdf2|pbkdf2_sha256|pbkdf2:sha1|bcrypt)[$:][$=,:a-z0-9]{0,60}"]) {
        let _ = cost(&text);
    }
}
