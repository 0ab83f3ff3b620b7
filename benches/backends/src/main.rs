//! What a signature costs by each backend of jsonwebtoken: `cargo run --release` in this folder.
//! Medians of nine rounds, in microseconds, over a message of 400 bytes.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair as Rsa, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, aws_lc, rust_crypto},
};
use std::{hint::black_box, time::Instant};

const MESSAGE: [u8; 400] = [b'x'; 400];

fn keys(algorithm: Algorithm) -> (EncodingKey, DecodingKey) {
    match algorithm {
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::generate().expect("a key");
            let der = pair.to_pkcs8v1().expect("DER");
            (EncodingKey::from_ed_der(der.as_ref()), DecodingKey::from_ed_der(pair.public_key().as_ref()))
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
            let der = pair.to_pkcs8v1().expect("DER");
            (EncodingKey::from_ec_der(der.as_ref()), DecodingKey::from_ec_der(pair.public_key().as_ref()))
        }
        Algorithm::RS256 => {
            let pair = Rsa::generate(KeySize::Rsa2048).expect("a key");
            let der: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
            let info = pkcs8::PrivateKeyInfoRef::try_from(der.as_ref()).expect("PKCS #8");
            let public = pair.public_key().as_ref();
            (EncodingKey::from_rsa_der(info.private_key.as_bytes()), DecodingKey::from_rsa_der(public))
        }
        _ => (EncodingKey::from_secret(&[7; 32]), DecodingKey::from_secret(&[7; 32])),
    }
}

fn median(work: impl Fn()) -> f64 {
    let mut rounds: Vec<_> = (0..9)
        .map(|_| {
            let (start, mut count) = (Instant::now(), 0_u32);
            while start.elapsed().as_millis() < 100 {
                work();
                count += 1;
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[4]
}

fn main() {
    println!("{:<12} {:<8} {:>10} {:>10}", "backend", "alg", "verify µs", "sign µs");
    let providers: [(&str, &CryptoProvider); 2] =
        [("aws_lc_rs", &aws_lc::DEFAULT_PROVIDER), ("rust_crypto", &rust_crypto::DEFAULT_PROVIDER)];
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256] {
        let (encoding, decoding) = keys(algorithm);
        for (name, provider) in providers {
            let signing = || {
                let signer = (provider.signer_factory)(&algorithm, &encoding).expect("a signer");
                signer.try_sign(&MESSAGE).expect("a signature")
            };
            let signature = signing();
            let verify = median(|| {
                let verifier = (provider.verifier_factory)(&algorithm, &decoding).expect("a verifier");
                verifier.verify(black_box(&MESSAGE), &signature).expect("a good signature");
            });
            let sign = median(|| drop(black_box(signing())));
            println!("{name:<12} {:<8} {verify:>10.2} {sign:>10.2}", format!("{algorithm:?}"));
        }
    }
}
