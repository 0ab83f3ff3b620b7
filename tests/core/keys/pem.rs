//! Private keys as PEM: what openssl makes is taken or refused, and both agree on signatures.

use super::{b64, der, message, openssl::Openssl, resigned, rsa, token_of, unb64};
use aws_lc_rs::digest::{SHA256, digest};
use countersign::jwt::{Algorithm, KeyError, KeySet, SigningKey, WeakSecret, verify_jws};

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

fn rsa_key(openssl: &Openssl, bits: usize) -> String {
    openssl.key(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"))
}

fn parsed(pem: &str) -> SigningKey {
    SigningKey::parse(pem.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: impl AsRef<[u8]>) -> KeyError {
    SigningKey::parse(text.as_ref()).expect_err("a key that is refused")
}

/// RFC 7638 §3 of what openssl says the public half is.
fn thumbprint(openssl: &Openssl, pem: &str, algorithm: Algorithm) -> String {
    let public = openssl.public(pem);
    let last = |length: usize| &public[public.len() - length..];
    let text = match algorithm {
        Algorithm::EdDsa => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(last(32))),
        Algorithm::Es256 => {
            let (x, y) = last(64).split_at(32);
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y))
        }
        _ => {
            let modulus = openssl.pem(pem, "rsa -noout -modulus");
            let modulus = modulus.trim().strip_prefix("Modulus=").expect("a modulus");
            format!(r#"{{"e":"AQAB","kty":"RSA","n":"{}"}}"#, b64(super::hex(modulus)))
        }
    };
    b64(digest(&SHA256, text.as_bytes()))
}

/// openssl verifies what the key signed, and the key what openssl signed.
fn agrees(openssl: &Openssl, pem: &str, key: &SigningKey) {
    openssl.write("key.pem", pem);
    openssl.write("public.pem", openssl.pem(pem, "pkey -pubout"));
    let token = token_of(key);
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let (mut signature, mut signed) = (unb64(signature), message(key.algorithm().name()));
    openssl.write("theirs", &signed);
    let (verify, sign) = match key.algorithm() {
        Algorithm::EdDsa => (
            "pkeyutl -verify -pubin -inkey public.pem -rawin -in ours -sigfile signature",
            "pkeyutl -sign -inkey key.pem -rawin -in theirs",
        ),
        _ => {
            ("dgst -sha256 -verify public.pem -signature signature ours", "dgst -sha256 -sign key.pem theirs")
        }
    };
    let theirs = openssl.run(sign);
    let is_ec = key.algorithm() == Algorithm::Es256;
    if is_ec {
        signature = der::signature(&signature);
    }
    openssl.write("signature", &signature);
    openssl.write("ours", text);
    assert!(openssl.says(verify), "{}", key.kid());
    openssl.write("ours", format!("{text}x"));
    assert!(!openssl.says(verify), "openssl looks at the text");

    let keys = KeySet::of([key]).expect("a key");
    signed = resigned(&signed, if is_ec { der::fixed(&theirs) } else { theirs });
    assert_eq!(verify_jws(signed.as_bytes(), &keys).expect("openssl's signature").payload(), b"the payload");
}

#[test]
fn every_form_of_a_key_is_taken_named_by_its_thumbprint_and_agrees_with_openssl() {
    let openssl = Openssl::new();
    let ec = openssl.key(P256);
    let sec1 = openssl.text("ecparam -name prime256v1 -genkey");
    assert!(sec1.contains("BEGIN EC PARAMETERS") && sec1.contains("BEGIN EC PRIVATE KEY"), "{sec1}");
    let mut forms = vec![
        (openssl.key("-algorithm ed25519"), Algorithm::EdDsa, 256),
        (openssl.pem(&ec, "ec"), Algorithm::Es256, 256),
        (ec, Algorithm::Es256, 256),
        (sec1, Algorithm::Es256, 256),
    ];
    for bits in [2048, 3072, 4096] {
        let pkcs8 = rsa_key(&openssl, bits);
        let pkcs1 = openssl.pem(&pkcs8, "rsa -traditional");
        assert!(pkcs8.starts_with("-----BEGIN PRIVATE") && pkcs1.starts_with("-----BEGIN RSA PRIVATE"));
        forms.extend([(pkcs8, Algorithm::Rs256, bits), (pkcs1, Algorithm::Rs256, bits)]);
    }
    for (pem, algorithm, bits) in forms {
        let key = parsed(&pem);
        assert_eq!(key.algorithm(), algorithm, "{bits}");
        assert_eq!(key.kid(), thumbprint(&openssl, &pem, algorithm), "{algorithm} {bits}");
        agrees(&openssl, &pem, &key);
        // What it is written as is the same key to both.
        let written = key.to_text().expect("no secret");
        assert_eq!(parsed(&written).kid(), key.kid());
        assert_eq!(openssl.public(&written), openssl.public(&pem));
    }
}

#[test]
fn a_key_with_an_exponent_of_3_and_a_key_with_zeros_in_front_are_taken() {
    let openssl = Openssl::new();
    let pem = openssl.key("-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3");
    agrees(&openssl, &pem, &parsed(&pem));
    // d = 1: 31 zeros in front; its point is the curve's generator.
    let d = [&[0; 31][..], &[1]].concat();
    let point = "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let oid = super::hex("a00a06082a8648ce3d030107");
    let sec1 = der::sequence(&[der::integer(&[1]), [vec![4, 32], d].concat(), oid]);
    let key = parsed(&der::pem("EC PRIVATE KEY", &sec1));
    let text = openssl.pem(&key.to_text().expect("no secret"), "pkey -noout -text -ec_conv_form compressed");
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    assert!(text.contains(point), "{text}");
}

#[test]
fn how_lines_end_and_what_stands_around_a_key_does_not_matter() {
    let openssl = Openssl::new();
    for pem in [openssl.key("-algorithm ed25519"), openssl.key(P256), rsa_key(&openssl, 2048)] {
        let kid = parsed(&pem).kid().to_owned();
        let forms = [
            pem.replace('\n', "\r\n"),
            pem.trim_end().into(),
            pem.replace('\n', "\r\n").trim_end().into(),
            format!("\n\n  \n{pem}\n\n"),
            format!("Bag Attributes\n    friendlyName: a key\n{pem}"),
        ];
        for form in forms {
            assert_eq!(parsed(&form).kid(), kid, "{form}");
        }
        // Which is meant is not guessed at, even if it is its own public half.
        for several in [
            format!("{}{pem}", openssl.pem(&pem, "pkey -pubout")),
            format!("{pem}{}", openssl.key("-algorithm ed25519")),
        ] {
            assert_eq!(refused(several), KeyError::Several);
        }
    }
}

// K06
#[test]
fn a_key_of_another_kind_or_size_is_refused() {
    let openssl = Openssl::new();
    for bits in [1024, 2040, 2047] {
        let pkcs8 = rsa_key(&openssl, bits);
        let pkcs1 = openssl.pem(&pkcs8, "rsa -traditional");
        assert_eq!([refused(pkcs8), refused(pkcs1)], [KeyError::RsaSize(bits), KeyError::RsaSize(bits)]);
    }
    for curve in ["P-384", "P-521", "secp256k1", "prime239v1"] {
        let pkcs8 = openssl.key(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"));
        let sec1 = openssl.pem(&pkcs8, "ec");
        assert_eq!([refused(pkcs8), refused(sec1)], [KeyError::Curve, KeyError::Curve], "{curve}");
    }
    for other in ["X25519", "X448", "ED448", "RSA-PSS -pkeyopt rsa_keygen_bits:2048"] {
        assert_eq!(refused(openssl.key(&format!("-algorithm {other}"))), KeyError::Unknown, "{other}");
    }
    openssl.write("dsa.pem", openssl.text("dsaparam 1024"));
    let dsa = openssl.text("gendsa dsa.pem");
    assert_eq!(refused(openssl.pem(&dsa, "pkcs8 -topk8 -nocrypt")), KeyError::Unknown);
    let old = der::pem("DSA PRIVATE KEY", &openssl.converted(&dsa, "dsa -outform DER"));
    assert_eq!(refused(old), KeyError::Pem);
}

// K06
#[test]
fn an_rsa_exponent_that_protects_nothing_is_refused() {
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let numbers = names.map(|name| unb64(rsa()[name].as_str().expect("a member")));
    parsed(&der::pem("RSA PRIVATE KEY", &der::pkcs1(&numbers)));
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[0], &[1, 0, 0, 0, 0, 0, 0, 0, 1], &[0xff; 256]] {
        let mut numbers = numbers.clone();
        numbers[1] = exponent.to_vec();
        let pem = der::pem("RSA PRIVATE KEY", &der::pkcs1(&numbers));
        assert_eq!(refused(pem), KeyError::RsaExponent, "{exponent:?}");
    }
    // And each of the others, when it is another's.
    for at in [0, 2, 3, 4, 5, 6, 7] {
        let mut numbers = numbers.clone();
        numbers[at][20] ^= 4;
        let pem = der::pem("RSA PRIVATE KEY", &der::pkcs1(&numbers));
        assert_eq!(refused(pem), KeyError::Inconsistent, "{}", names[at]);
    }
}

// K06
#[test]
fn what_is_public_encrypted_or_broken_is_refused_by_its_name() {
    let openssl = Openssl::new();
    let keys = [openssl.key("-algorithm ed25519"), openssl.key(P256), rsa_key(&openssl, 2048)];
    for pem in &keys {
        assert_eq!(refused(openssl.pem(pem, "pkey -pubout")), KeyError::Public);
        let encrypted = openssl.pem(pem, "pkcs8 -topk8 -v2 aes-256-cbc -passout pass:x");
        assert!(encrypted.contains("BEGIN ENCRYPTED PRIVATE KEY"));
        assert_eq!(refused(encrypted), KeyError::Encrypted);
        openssl.write("key.pem", pem);
        openssl.write("conf", "[req]\ndistinguished_name=n\n[n]\n");
        let certificate = openssl.text("req -x509 -config conf -key key.pem -subj /CN=a -days 1");
        assert_eq!(refused(certificate), KeyError::Public);

        let lines: Vec<_> = pem.lines().collect();
        let (first, last) = (lines[0], lines[lines.len() - 1]);
        let body = lines[1..lines.len() - 1].join("\n");
        let broken = [
            lines[..lines.len() - 1].join("\n"),
            lines[1..].join("\n"),
            format!("{first}\n{last}"),
            format!("{first}\n{}\n{last}", &body[..body.len() - 4]),
            format!("{first}\n{}\n{last}", &body[4..]),
            format!("{first}\n{}AAAA\n{last}", body.trim_end_matches('=')),
            format!("{first}\n{}\n{last}", body.replace(|c: char| c.is_ascii_lowercase(), "*")),
            format!("{first}\n{body}\n-----END PUBLIC KEY-----"),
            format!("{first}\nAAAA\n{last}"),
            format!("{first} {body} {last}"),
            pem.replace('\n', "\\n"),
            pem.replacen("PRIVATE", "SECRET", 1),
        ];
        for (at, text) in broken.into_iter().enumerate() {
            match SigningKey::parse(text.as_bytes()) {
                Err(KeyError::Pem | KeyError::Curve) => {}
                // Without its first line it is no PEM, but nor is it a secret.
                Err(KeyError::Weak(WeakSecret::Key)) if at == 1 => {}
                Err(KeyError::Public) if at == 7 => {}
                other => panic!("{at}: {other:?}\n{text}"),
            }
        }
    }
    openssl.write("ec.pem", &keys[1]);
    openssl.write("rsa.pem", &keys[2]);
    let old = openssl.text("ec -in ec.pem -aes128 -passout pass:x");
    assert!(old.contains("DEK-Info"), "{old}");
    assert_eq!(refused(old), KeyError::Encrypted);
    let old = openssl.text("rsa -in rsa.pem -traditional -aes128 -passout pass:x");
    assert!(old.contains("DEK-Info"), "{old}");
    assert_eq!(refused(old), KeyError::Encrypted);
    for garbage in [
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    ] {
        assert_eq!(refused(garbage), KeyError::Pem);
    }
}

// K06
#[test]
fn a_key_that_is_not_pem_is_not_taken_for_a_secret() {
    let openssl = Openssl::new();
    let der = KeyError::Weak(WeakSecret::Key);
    for pem in [openssl.key("-algorithm ed25519"), openssl.key(P256), rsa_key(&openssl, 2048)] {
        assert_eq!(refused(openssl.converted(&pem, "pkcs8 -topk8 -nocrypt -outform DER")), der);
        assert_eq!(refused(openssl.public(&pem)), der);
    }
    let pem = rsa_key(&openssl, 2048);
    assert_eq!(refused(openssl.converted(&pem, "rsa -traditional -outform DER")), der);
    assert_eq!(refused(openssl.converted(&pem, "rsa -RSAPublicKey_out -outform DER")), der);
    assert_eq!(refused(openssl.converted(&openssl.key(P256), "ec -outform DER")), der);
    for ssh in [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs ada@example",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOpKbGPinFIKvvVQ",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDS/HtqCh5sZxBK64+IsldmykzdrQmbXEps2aiAFbWhM78LhWx4cbbf",
    ] {
        assert_eq!(refused(ssh), der, "{ssh}");
    }
    for json in [super::set(&[super::okp()]), super::okp().to_string(), format!(" \n{}", super::oct())] {
        assert_eq!(refused(json), KeyError::Json);
    }
}
