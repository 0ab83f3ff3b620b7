//! RS256 takes one padding and one hash (RFC 8017 §8.2.2), whatever the exponent.

use super::{hex, message, openssl::Openssl, resigned};
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use countersign::jwt::{JwtError, KeySet, SigningKey, verify_jws};

/// DigestInfo up to the hash (RFC 8017 §9.2 note 1).
const SHA256_INFO: &str = "3031300d060960864801650304020105000420";

/// 0, 1, the padding, 0 and what is padded, in 256 bytes.
fn block(padding: &[u8], content: &[u8]) -> Vec<u8> {
    [&[0, 1], padding, &[0], content].concat()
}

/// The same with as many bytes 0xff as it takes.
fn padded(content: &[u8]) -> Vec<u8> {
    block(&vec![0xff; 253 - content.len()], content)
}

fn hashed(algorithm: &'static Algorithm, info: &str, message: &str) -> Vec<u8> {
    [hex(info), digest(algorithm, message.as_bytes()).as_ref().to_vec()].concat()
}

#[test]
fn a_forged_padding_is_refused_though_the_private_key_made_it() {
    let openssl = Openssl::new();
    let message = message("RS256");
    let right = hashed(&SHA256, SHA256_INFO, &message);
    let garbage = |length: usize| vec![0xa5; length];
    // Bleichenbacher 2006: the hash far to the left, and behind it whatever makes it a cube.
    let to_the_left = |ones: usize| {
        let block = block(&vec![0xff; ones], &right);
        let rest = 256 - block.len();
        [block, garbage(rest)].concat()
    };
    let mut zeros_behind = to_the_left(8);
    zeros_behind.truncate(62);
    zeros_behind.resize(256, 0);
    let mut middle = padded(&right);
    middle[100] = 0xfe;
    let mut without_zero = padded(&right);
    without_zero[204] = 0xff;
    let (mut type_2, mut type_0, mut high) = (padded(&right), padded(&right), padded(&right));
    (type_2[1], type_0[1], high[0]) = (2, 0, 1);
    let hash = digest(&SHA256, message.as_bytes());
    let info = |info: &str| padded(&hashed(&SHA256, info, &message));
    let long = [hex("3040300d06096086480165030402010500042f"), garbage(15), hash.as_ref().to_vec()].concat();
    let forged = [
        ("8 ones, then garbage", to_the_left(8)),
        ("0 ones, then garbage", to_the_left(0)),
        ("zeros behind", zeros_behind),
        ("one byte of garbage", to_the_left(201)),
        ("another byte in the padding", middle),
        ("no zero behind the padding", without_zero),
        ("block type 2", type_2),
        ("block type 0", type_0),
        ("a byte in front", high),
        ("no DigestInfo", padded(hash.as_ref())),
        ("no parameters", info("302f300b06096086480165030402010420")),
        ("parameters that are not NULL", info("3031300d060960864801650304020104000420")),
        ("lengths in the long form", info("308131300d060960864801650304020105000420")),
        ("indefinite length", info("3080300d060960864801650304020105000420")),
        ("garbage within the hash", padded(&long)),
        ("garbage behind the hash", padded(&[&right[..], &[0]].concat())),
        ("SHA-1", padded(&hashed(&SHA1_FOR_LEGACY_USE_ONLY, "3021300906052b0e03021a05000414", &message))),
        ("SHA-512", padded(&hashed(&SHA512, "3051300d060960864801650304020305000440", &message))),
        ("SHA-256 named SHA-1", padded(&hashed(&SHA256, "302d300906052b0e03021a05000420", &message))),
        ("SHA-224 named with 32 bytes", info("3031300d060960864801650304020405000420")),
        ("another message", padded(&hashed(&SHA256, SHA256_INFO, "another"))),
        ("zero", vec![0; 256]),
    ];
    for exponent in [3, 65537] {
        let pem = openssl.key(&format!(
            "-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:{exponent}"
        ));
        openssl.write("key.pem", &pem);
        let key = SigningKey::parse(pem.as_bytes()).expect("a key");
        let keys = KeySet::of([&key]).expect("a key");
        let verified = |signature: Vec<u8>| {
            verify_jws(resigned(&message, signature).as_bytes(), &keys).map(|jws| jws.payload().to_vec())
        };
        let raw = |block: &[u8]| {
            openssl.write("block", block);
            openssl.run("rsautl -sign -raw -inkey key.pem -in block")
        };
        assert_eq!(verified(raw(&padded(&right))).expect("the right padding"), b"the payload");
        for (what, block) in &forged {
            assert_eq!(block.len(), 256, "{what}");
            assert_eq!(verified(raw(block)), Err(JwtError::Signature), "{what}, e = {exponent}");
        }
        openssl.write("message", &message);
        for how in ["-sha256 -sigopt rsa_padding_mode:pss", "-sha1", "-sha384", "-sha512", "-sha512-256"] {
            let signature = openssl.run(&format!("dgst {how} -sign key.pem message"));
            assert_eq!(verified(signature), Err(JwtError::Signature), "{how}, e = {exponent}");
        }
    }
}
