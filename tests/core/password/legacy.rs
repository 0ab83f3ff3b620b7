//! Hashes that other software made of `correct horse`, and what must not pass for one.

use super::verdict;
use countersign::password::{Cost, FirebaseKey, Hasher, Hashing, PasswordHash, Verdict};

const PASSWORD: &str = "correct horse";

/// As printed by bcrypt 5.0, passlib 1.7.4, Django 5.2.19, Werkzeug 3.1.9 and argon2-cffi 25.1 for Python.
const HASHES: [&str; 22] = [
    // passlib
    "$pbkdf2$1212$Z8wZg9C6t9YaA8DY2/vfuw$C5TX0cXozId6v10iEjDd0FqRwaA",
    "$pbkdf2-sha256$6400$Wqs1JqRUqrXWutd6j7FWKg$MkEElMcyE5AVnenJ8shwCgyYIY.YIZHmj1amk8Gsx5Q",
    "$pbkdf2-sha512$2500$llIKofS.VypFiPEeg/CeEw$JNUEiPFsPY8kYjWhetggZAz0WeruKgnG/KRINNF8p2fgeda82c/qivonMEQZq5zgjIyVyWaZ.Wuehbd/7S3a4A",
    "$scrypt$ln=10,r=8,p=1$4hwj5HyPcS7FWOu9l3LO2Q$/ZJPkVWS5H02ta2lmO/D3gfsgIl9lp3JzRlmxvpeIqw",
    // Django
    "pbkdf2_sha256$2000$wrFcm0MBGJYZ5vbUqSFEt3$yeWYGnE9IeQy9JQQVTFONJdPhhp7gt5N6mzLmn/18tg=",
    "pbkdf2_sha1$2000$PQ3ZUXvLuWz5hjh9jGfp31$pqozjkL3I7T9+7Phwx6gKN79OSQ=",
    "bcrypt_sha256$$2b$04$/P5JzLXSqbjJhF3CfTiuXuWwObKe2X8gNYvBlKw9e0cGfPZnB5ETm",
    "bcrypt$$2b$04$verlLF/eSJEVrFQJEl.2s.A4GB8auPXYm0f9hNivJ/JlqYc5MBLEO",
    "argon2$argon2id$v=19$m=8192,t=2,p=2$QTJMb3BFU1JqNlZyaGpQV3UxT0lsNg$MQdS/n1SWcmZ7Z/s6Uf74hXGSXZn2/+qp12b2xEFRqo",
    "scrypt$1024$nTovKrH1A4wDIIHPbSg8f5$8$5$QcxK3xuc1eSOBxds+3ph5tkEA4eVGQdRgtB573HARrYFSWytq4gSVFo1/Lix63KFy6Uz0rk1RVg8L6SnbW4fag==",
    // Werkzeug
    "scrypt:1024:8:1$zc4L5XrBpvRHnAxm$ed595a7500c005252e298a298a4ed10c472edcfec865bc4757dd0021fb509482ba29581edba37a5c2f9eb5180db8d1ab39f4bb3a732d90b78bc53e2ab84665a8",
    "scrypt:32768:8:1$oZpzXCvs5DprvJp0$7c7c83a9d548c6ffad07080d09f547bf0e384f4a531fb4bf8a7343bd0fe22f1e5592b209aa4c615a7c67766d3f40810b0d9b946700075ff8bf63359d964622ce",
    "pbkdf2:sha256:2000$p9uT8eMgYelIfOrq$ac954a7dd2ef86a1db3b0149fe5cca87cc77a59c47b9a4478b17df651bb98d26",
    "pbkdf2:sha1:2000$rHM0RcxaLlOolHkV$390e910c001cfd1c30eac14491f086e41f82f7c1",
    "pbkdf2:sha512:2000$btYsiMsPQcCkiWFA$eed2e62a6199beb57a6d52b0b8b3508b39bd27281cf20be0687be5e02dbfeac84b8d8cf7f27065a0b27b2a189f25eb58f7ad86c4f61b86a80a00a3d6ea606b76",
    "pbkdf2:sha256:1000000$TZ5D5LW56sfhdR6b$dc5435359204003ac3494f0dd543f15f467b2feb688b303f3f52527d8480e1bb",
    // argon2-cffi, over the reference implementation
    "$argon2d$v=16$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$ItVsk9gr7TJZwYFUmr2+N02L5kk/7sGj",
    "$argon2d$v=19$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$b/xCdD0Cmckd7zE9YBSwqU0UwrmPPlOJ",
    "$argon2i$v=16$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$Iqpt7Cbg2Wl4M+dZZFUVplpTemUyadx7",
    "$argon2i$v=19$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$71oW+4CwX+b/LtV/mfLdGNbzpTi+U2tO",
    "$argon2id$v=16$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$qJ6SLcNUCbAXmuiC5JNfVv3pgMyJk6cF",
    // The same as it was written before there was a version in it.
    "$argon2i$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$Iqpt7Cbg2Wl4M+dZZFUVplpTemUyadx7",
];

fn cost(text: &str) -> Option<Cost> {
    PasswordHash::from_stored(text.to_owned()).cost()
}

#[tokio::test]
async fn a_hash_of_other_software_matches_its_password_alone_and_wants_replacing() {
    for hash in HASHES {
        assert_eq!(verdict(PASSWORD, hash).await, Verdict::MatchOutdated, "{hash}");
        assert_eq!(verdict("correct horsf", hash).await, Verdict::Mismatch, "{hash}");
    }
}

/// passlib's, of `crème brûlée`.
#[tokio::test]
async fn a_hash_of_other_software_is_of_utf_8() {
    let hash = "$pbkdf2-sha256$6400$ihEiRMhZy/kfgxCiNMZYSw$CcVYm9diwKTLGXuKOKM4030vxLjb/z/NLC6EjIDIjjo";
    assert_eq!(verdict("cr\u{e8}me br\u{fb}l\u{e9}e", hash).await, Verdict::MatchOutdated);
    assert_eq!(verdict("cre\u{300}me bru\u{302}le\u{301}e", hash).await, Verdict::MatchOutdated, "composed");
}

/// Of bcrypt's own hash only the first 72 bytes count; Django's `bcrypt_sha256` is there for the rest.
#[tokio::test]
async fn the_first_72_bytes_count_for_bcrypt_and_all_of_them_where_it_is_of_a_digest() {
    let long = PASSWORD.repeat(10);
    let [same, other] = [format!("{}X", &long[..72]), format!("{}X", &long[..71])];
    let plain = bcrypt::hash(&long, 4).expect("hashed");
    assert_eq!(verdict(&same, &plain).await, Verdict::MatchOutdated);
    assert_eq!(verdict(&other, &plain).await, Verdict::Mismatch);
    // Django's, of the long one.
    let digest = "bcrypt_sha256$$2b$04$RO.ZOZeiH7PYpTp2TUiXuORxGB.WZ.NbvgjpPEIJQhSoSIxXV.pnq";
    assert_eq!(verdict(&long, digest).await, Verdict::MatchOutdated);
    assert_eq!(verdict(&same, digest).await, Verdict::Mismatch);
}

/// The vector that Firebase publishes with its scrypt.
const FIREBASE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
const SIGNER_KEY: &str =
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";

// P10
#[tokio::test]
async fn a_hash_of_firebase_matches_with_its_projects_key_alone() {
    assert_eq!(verdict("user1password", FIREBASE).await, Verdict::Unusable, "without a key");
    let firebase = Some(FirebaseKey::parse(SIGNER_KEY).expect("a key"));
    let hasher = Hasher::start(Hashing { firebase, ..Hashing::default() }).expect("a hasher");
    let verify = |text: &str, stored: &str| {
        let stored = PasswordHash::from_stored(stored.to_owned());
        hasher.verify(super::password(text), Some(stored))
    };
    assert_eq!(verify("user1password", FIREBASE).await.expect("verified"), Verdict::MatchOutdated);
    assert_eq!(verify("user1passworc", FIREBASE).await.expect("verified"), Verdict::Mismatch);
    assert_eq!(cost(FIREBASE), Some(Cost::Scrypt { log_n: 14, r: 8, p: 1 }));
    for bad in [
        FIREBASE.replace("ss=Bw==", "ss=Bw"),
        FIREBASE.replace(",ss=Bw==", ""),
        FIREBASE.replace("ss=Bw==", &format!("ss=Bw==,sk={SIGNER_KEY}")),
        FIREBASE.replace("v=1", "v=2"),
        FIREBASE.replace("n=14", "n=19"),
        FIREBASE.replace("n=14", "n=0"),
        FIREBASE.replace("p=1", "p=33"),
        FIREBASE.replace("lSrf", ""),
        FIREBASE.replace("$42x", "$$42x"),
    ] {
        assert_eq!(cost(&bad), None, "{bad}");
        assert_eq!(verify("user1password", &bad).await.expect("verified"), Verdict::Unusable, "{bad}");
    }
    for bad in ["", "Bw==", &SIGNER_KEY[4..], &format!("{SIGNER_KEY}AAAA"), &SIGNER_KEY.replace('=', "")] {
        assert!(FirebaseKey::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(format!("{:?}", FirebaseKey::parse(SIGNER_KEY)), "Some(FirebaseKey)");
}

// P10
#[test]
fn the_cost_of_a_legacy_hash_is_known_before_it_is_computed() {
    assert_eq!(cost(HASHES[0]), Some(Cost::Pbkdf2 { iterations: 1212 }));
    assert_eq!(cost(HASHES[3]), Some(Cost::Scrypt { log_n: 10, r: 8, p: 1 }));
    assert_eq!(cost(HASHES[6]), Some(Cost::Bcrypt(4)));
    assert_eq!(cost(HASHES[9]), Some(Cost::Scrypt { log_n: 10, r: 8, p: 5 }));
    assert_eq!(cost(HASHES[17]), Some(Cost::OtherArgon2 { memory_kib: 1024, iterations: 2, lanes: 2 }));
}

/// Each is a good hash with one thing changed; what takes longer than a second or more than 256 MiB is
/// as good as an attack.
// P10
#[test]
fn a_legacy_hash_that_costs_too_much_or_is_not_written_as_it_should_be_is_none() {
    let find = |prefix: &str| *HASHES.iter().find(|hash| hash.starts_with(prefix)).expect("a hash");
    let changed = |prefix: &str, from: &str, to: &str| {
        let hash = find(prefix);
        assert!(hash.contains(from), "{hash}: {from}");
        hash.replacen(from, to, 1)
    };
    for bad in [
        // Too dear.
        changed("$pbkdf2-sha256", "6400", "2000001"),
        changed("$pbkdf2-sha256", "6400", "4294967296"),
        changed("pbkdf2_sha256", "2000", "2000001"),
        changed("pbkdf2:sha512", "2000", "2000001"),
        changed("$scrypt", "ln=10", "ln=19"),
        changed("$scrypt", "ln=10", "ln=63"),
        changed("$scrypt", "ln=10", "ln=64"),
        changed("$scrypt", "r=8", "r=4294967295"),
        changed("$scrypt", "p=1", "p=4294967295"),
        changed("scrypt$1024", "1024", "524288"),
        changed("scrypt$1024", "$8$5$", "$8$513$"),
        changed("scrypt:32768", "32768", "2147483648"),
        changed("scrypt:32768", ":8:1", ":65:1"),
        changed("scrypt:32768", ":8:1", ":8:17"),
        changed("$argon2i$v=19", "m=1024", "m=262145"),
        changed("$argon2i$v=19", "m=1024,t=2", "m=262144,t=9"),
        changed("$argon2d$v=19", "t=2", "t=4294967295"),
        changed("$argon2d$v=16", "p=2", "p=17"),
        changed("argon2$", "m=8192", "m=2147483648"),
        changed("bcrypt$", "$04$", "$15$"),
        changed("bcrypt_sha256$", "$04$", "$15$"),
        // Not written as it should be.
        changed("$pbkdf2$", "1212", "01212"),
        changed("$pbkdf2$", "1212", "+1212"),
        changed("$pbkdf2$", "1212", "0"),
        changed("$pbkdf2$", "1212", ""),
        changed("$pbkdf2$", "$pbkdf2$", "$pbkdf2-md5$"),
        changed("$pbkdf2$", "$pbkdf2$", "$pbkdf2-sha256$"),
        changed("$pbkdf2-sha512", "S.V", "S+V"),
        changed("pbkdf2_sha256", "8tg=", "8tg"),
        changed("pbkdf2_sha256", "$wrFcm0MBGJYZ5vbUqSFEt3$", "$$"),
        changed("pbkdf2_sha256", "pbkdf2_sha256", "pbkdf2_sha512"),
        changed("pbkdf2:sha256:2000", "ac954a", "AC954A"),
        changed("pbkdf2:sha256:2000", "ac954a", "c954a"),
        changed("pbkdf2:sha256:2000", "ac954a", "954a"),
        changed("pbkdf2:sha256:2000", ":2000", ""),
        changed("pbkdf2:sha256:2000", "sha256", "md5"),
        changed("scrypt:1024", "1024", "1023"),
        changed("scrypt:1024", "1024", "1"),
        changed("scrypt:1024", "1024", "0"),
        changed("scrypt:1024", ":8:1", ":0:1"),
        changed("scrypt:1024", ":8:1", ":8:0"),
        changed("scrypt:1024", ":8:1", ":8"),
        changed("$scrypt", "ln=10,r=8", "r=8,ln=10"),
        changed("$argon2i$v=19", "v=19", "v=18"),
        changed("$argon2i$v=19", "$argon2i$", "$argon2x$"),
        changed("$argon2i$v=19", "71oW+4CwX+b/LtV/mfLd", ""),
        changed("argon2$", "argon2$", "argon2"),
        changed("bcrypt$", "bcrypt$$2b$", "bcrypt$bcrypt$$2b$"),
        changed("bcrypt$", "bcrypt$$", "bcrypt$"),
        changed("pbkdf2_sha1", "$PQ3", &format!("${}", "x".repeat(512))),
    ] {
        assert_eq!(cost(&bad), None, "{bad}");
    }
    // The dearest that are still computed.
    for good in [
        changed("$pbkdf2-sha256", "6400", "2000000"),
        changed("$scrypt", "ln=10", "ln=18"),
        changed("scrypt:32768", ":8:1", ":8:16"),
        changed("scrypt$1024", "$8$5$", "$8$512$"),
        changed("$argon2i$v=19", "m=1024,t=2", "m=262144,t=8"),
    ] {
        assert!(cost(&good).is_some(), "{good}");
    }
}

#[test]
fn no_part_of_a_legacy_hash_passes_for_one() {
    for hash in HASHES {
        for end in 0..hash.len() {
            // A shorter digest is another hash where its length is free.
            if let Some(cost) = cost(&hash[..end]) {
                assert!(matches!(cost, Cost::Scrypt { .. } | Cost::OtherArgon2 { .. }), "{}", &hash[..end]);
            }
            assert!(
                cost(&hash[end + 1..]).is_none()
                    || hash[..=end] == *"argon2"
                    || hash[..=end] == *"bcrypt$"
                    || hash[..=end] == *"bcrypt_sha256$",
                "{}",
                &hash[end + 1..]
            );
        }
    }
}
