//! Changes of a good token, mild ones and harsh ones.

use crate::{
    AUDIENCE, ISSUER, LEEWAY, LIFETIME, NOW,
    dice::{Dice, Object, text},
    keys::{Key, b64},
};

/// A member that nobody knows, of whatever value.
pub fn extra(dice: &mut Dice, object: &mut Object) {
    let name = dice.pick(&[
        "x",
        "Exp",
        "EXP ",
        "email",
        "äöü",
        "\u{1F511}",
        "__proto__",
        "constructor",
        "nonce",
        "",
    ]);
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let values = [
        "null",
        "true",
        "-0",
        "0.1",
        "1e400",
        "-1E-400",
        "123456789012345678901234567890",
        "[]",
        "{}",
        &deep,
        "\"\\u0000\"",
        "\"\\ud83d\\udd11\"",
        "\"\u{1F511}\u{2028}\"",
        "{\"exp\":1}",
        "[1,[2,{\"a\":null}]]",
    ];
    object.set(name, dice.pick(&values));
}

pub const TEXTS: [&str; 7] = ["iss", "sub", "client_id", "sid", "jti", "scope", "aud"];
pub const NUMBERS: [&str; 5] = ["iat", "exp", "nbf", "rev", "crev"];

/// A change that a verifier may well allow.
pub fn mild(dice: &mut Dice, key: &Key, header: &mut Object, claims: &mut Object) -> &'static str {
    match dice.below(12) {
        0 => {
            let typ = dice.pick(&["AT+JWT", "at+JWT", "application/at+jwt", "Application/AT+jwt"]);
            header.set("typ", text(typ));
            "typ"
        }
        1 | 2 => {
            extra(dice, header);
            "an extra header member"
        }
        3 => {
            extra(dice, claims);
            "an extra claim"
        }
        4 => {
            let mut all = vec![text("https://other.example.org"), text("account"), text(&key.kid)];
            all.insert(dice.below(4), text(AUDIENCE));
            claims.set("aud", format!("[{}]", all[..].join(", ")));
            "several audiences"
        }
        5 => {
            claims.set("aud", format!("[{}]", text(AUDIENCE)));
            "an array of one audience"
        }
        6 | 7 => {
            let nbf = NOW + LEEWAY + 1 - dice.below(4) as u64;
            claims.set(dice.pick(&["nbf", "iat"]), nbf.to_string());
            "about to be valid"
        }
        8 => {
            let exp = NOW - LEEWAY - 1 + dice.below(4) as u64;
            claims.set("exp", exp.to_string());
            claims.set("iat", (exp - dice.pick(&[1, 60, LIFETIME - 1, LIFETIME])).to_string());
            "about to expire"
        }
        9 => {
            header.reword(dice);
            "other words in the header"
        }
        10 => {
            claims.reword(dice);
            "other words in the claims"
        }
        _ => {
            let other = [
                ("scope", "\"a b\""),
                ("scope", "7"),
                ("roles", "null"),
                ("roles", "[\"a\",1]"),
                ("crev", "3"),
            ];
            let (name, value) = dice.pick(&other);
            claims.set(name, value);
            "what may be of any kind"
        }
    }
}

/// A change that a verifier had better mind.
pub fn harsh(dice: &mut Dice, header: &mut Object, claims: &mut Object) -> &'static str {
    let odd = ["null", "true", "[]", "{}", "\"\"", "\"a\\u0000b\"", "\"\\ud800\"", "\" \"", "-1", "0", "1.5"];
    match dice.below(13) {
        0 => {
            let alg = dice.pick(&[
                "none", "None", "HS256", "HS384", "HS512", "hs256", "ES256", "EdDSA", "RS256", "PS256", "",
            ]);
            header.set("alg", text(alg));
            "alg"
        }
        1 => {
            header.set(dice.pick(&["alg", "kid", "typ"]), dice.pick(&odd));
            "a header member of another kind"
        }
        2 => {
            let typ = [
                "JWT",
                "jwt",
                "at+jwt ",
                "at+jwt;a=b",
                "application/application/at+jwt",
                "text/at+jwt",
                "at jwt",
                "AT+JWT\u{0}",
            ];
            header.set("typ", text(dice.pick(&typ)));
            "another typ"
        }
        3 => {
            header.remove(dice.pick(&["alg", "kid", "typ"]));
            "a header member left out"
        }
        4 => {
            let member = [
                ("crit", "[]"),
                ("crit", "[\"exp\"]"),
                ("b64", "true"),
                ("b64", "false"),
                ("zip", "\"DEF\""),
                ("enc", "\"A128GCM\""),
                ("jwk", "{}"),
                ("jku", "\"https://evil.example.org\""),
                ("x5c", "[]"),
                ("x5u", "\"\""),
                ("x5t", "\"\""),
                ("cty", "\"JWT\""),
                ("kid", "\"../../dev/null\""),
                ("kid", "\"other\""),
            ];
            let (name, value) = dice.pick(&member);
            header.set(name, value);
            "a header member that means something"
        }
        5 => {
            let (name, value) = (dice.pick(&TEXTS), dice.pick(&odd));
            claims.set(name, value);
            "a text of another kind"
        }
        6 | 7 => {
            let name = dice.pick(&NUMBERS);
            let number = claims.value(name).unwrap_or_else(|| NOW.to_string());
            let spelt = [
                format!("{number}.0"),
                format!("{number}e0"),
                format!("{number}.9"),
                format!("-{number}"),
                format!("\"{number}\""),
                format!("0{number}"),
                format!("+{number}"),
                format!("[{number}]"),
                format!("{number}00000000000"),
                "1.8e9".into(),
                "1e400".into(),
                "NaN".into(),
                "-0".into(),
                "9223372036854775808".into(),
                "18446744073709551616".into(),
            ];
            claims.set(name, spelt[dice.below(spelt.len())].clone());
            "a number spelt otherwise"
        }
        8 => {
            claims.set(dice.pick(&NUMBERS), dice.pick(&odd));
            "a number of another kind"
        }
        9 => {
            claims.remove(dice.pick(&["iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp", "rev"]));
            "a claim left out"
        }
        10 => {
            let other = [
                text("https://login.example.org/"),
                text("https://LOGIN.example.org"),
                text("https://login.example.or"),
                text(AUDIENCE),
                format!("[{}]", text(ISSUER)),
            ];
            claims.set("iss", other[dice.below(other.len())].clone());
            "another issuer"
        }
        11 => {
            let other = [
                text("https://api.example.org/"),
                text("https://api.example.or"),
                text(ISSUER),
                "[]".into(),
                format!("[{}, 1]", text(AUDIENCE)),
                format!("[[{}]]", text(AUDIENCE)),
                format!("{{{}:1}}", text(AUDIENCE)),
                "[\"https://other.example.org\"]".into(),
                "[null]".into(),
            ];
            claims.set("aud", other[dice.below(other.len())].clone());
            "another audience"
        }
        _ => {
            let exp = NOW + dice.pick(&[LIFETIME, LIFETIME + 1, 1 << 33, 0]);
            claims.set("exp", exp.to_string());
            claims.set("iat", (NOW + dice.pick(&[0, 1, LIFETIME])).to_string());
            "a life too long or too short"
        }
    }
}

/// The text of an object spoiled as a whole.
pub fn spoil(dice: &mut Dice, json: String) -> Vec<u8> {
    let twice = |name: &str| json.replacen('{', &format!("{{{name}:\"x\","), 1);
    match dice.below(11) {
        0 => twice("\"sub\"").into(),
        1 => twice("\"\\u0061lg\"").into(),
        2 => twice("\"exp\"").into(),
        3 => format!("\u{feff}{json}").into(),
        4 => format!("{json}{}", dice.pick(&["x", "{}", ",", "\0", "\u{a0}"])).into(),
        5 => format!("[{json}]").into(),
        6 => json
            .replacen('{', dice.pick(&["{,", "{/**/", "{'a':1,", "{a:1,", "{\"a\":01,", "{\"a\":\"\n\","]), 1)
            .into(),
        7 => [&json.as_bytes()[..1], b"\"a\":\"\xff\",", &json.as_bytes()[1..]].concat(),
        8 => json.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        9 => json[..json.len() - 1].into(),
        _ => format!("{{\"deep\":{}1{},{}", "[".repeat(200), "]".repeat(200), &json[1..]).into(),
    }
}

/// The finished token in another spelling, or damaged.
pub fn damage(dice: &mut Dice, key: &Key, token: &str, signature: &[u8]) -> String {
    let message = &token[..token.rfind('.').expect("a dot")];
    let signed = |signature: &[u8]| format!("{message}.{}", b64(signature));
    let at = dice.below(signature.len());
    match dice.below(14) {
        0 => {
            let mut flipped = signature.to_vec();
            flipped[at] ^= 1 << dice.below(8);
            signed(&flipped)
        }
        1 => signed(&signature[..at]),
        2 => signed(&[signature, &[0]].concat()),
        3 => format!("{message}."),
        4 => message.into(),
        5 => format!("{token}."),
        6 => format!("{token}{}", dice.pick(&["=", "==", "\n", " ", "A", "%3D"])),
        7 => token.replacen('.', dice.pick(&["=.", "..", " .", "A."]), 1),
        8 => token.replace('-', "+").replace('_', "/"),
        // The bits that say nothing.
        9 => {
            const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let last = token.as_bytes()[token.len() - 1];
            let place = ALPHABET.iter().position(|letter| *letter == last).expect("a letter");
            format!("{}{}", &token[..token.len() - 1], ALPHABET[place ^ 1] as char)
        }
        10 => signed(&vec![0; signature.len()]),
        11 => {
            let mut letters = token.as_bytes().to_vec();
            let at = dice.below(letters.len());
            letters[at] = dice.pick(b"AZaz09-_.=+/ ");
            String::from_utf8(letters).expect("ASCII")
        }
        12 => signed(&key.sign(&message.as_bytes()[1..])),
        _ => format!(" {token}"),
    }
}
