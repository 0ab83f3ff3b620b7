//! Writes what fuzzing begins with: `cargo run --example seeds -- FOLDER`. Tokens and headers are those of the
//! kit of bad tokens; where there is no kit, a few texts of each kind.

use countersign::{
    clock::UnixTime,
    jwt::{HmacSecret, KeyRing, SigningKey},
    refresh_token::{RefreshKeys, Salt},
    session::SessionId,
    testing::Kit,
    web::cookie,
};
use countersign_fuzz::{NOW, SECRET, base64url, from_base64url, rules};
use std::{error::Error, fs, path::PathBuf, time::Duration};

/// Whatever is signed by it, no target accepts: theirs are other keys.
const STRANGER: &[u8] = b"h8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

type Seeds = Vec<Vec<u8>>;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("name a folder")?.into();
    let ours = SigningKey::hs256(&HmacSecret::parse(SECRET).map_err(|weak| weak.to_string())?);
    let stranger = SigningKey::hs256(&HmacSecret::parse(STRANGER).map_err(|weak| weak.to_string())?);
    let ring = KeyRing::new(stranger.clone(), UnixTime(0));
    let cases: Vec<_> = Kit::from_ring(&ring, &rules(), NOW)?.cases().collect();

    let tokens: Vec<_> = cases.iter().filter_map(|case| case.token()).collect();
    // Under the name of the key that the target has they get as far as their signature.
    let renamed = tokens.iter().filter_map(|token| renamed(token, stranger.kid(), ours.kid()));
    let tokens = renamed.chain(tokens.iter().map(|token| token.as_bytes().to_vec()));
    let headers = cases.iter().map(|case| case.authorization().join("\n").into_bytes());

    let sealed = RefreshKeys::derive(&KeyRing::new(ours.clone(), UnixTime(0)), NOW).seal(
        SessionId::from_bytes([7; 16]),
        3,
        &Salt::from_bytes(*b"sixteen bytes :)"),
    );
    let set = cookie::print(&sealed, Duration::from_secs(60));
    let cookies =
        ["; a=b", "; __Host-refresh=x", "\n__Host-refresh=x", ";__Host-refresh", "; \t__Host-refresh =x"]
            .map(|behind| format!("{}{behind}", set.split(';').next().unwrap_or_default()).into_bytes());
    let refresh = [&*sealed, "csr_", &sealed[4..], &sealed[..40]].map(|text| text.as_bytes().to_vec());

    let all: [(&str, Seeds); 9] = [
        ("jwt_verify", tokens.collect()),
        ("jwt_structured", recipes()),
        ("bearer_header", headers.collect()),
        ("token_form", texts(include_str!("seeds/token_form"))),
        ("refresh_token", refresh.into()),
        ("cookie", cookies.into()),
        ("jwks", texts(include_str!("seeds/jwks"))),
        ("password_hash", texts(include_str!("seeds/password_hash"))),
        ("settings", texts(include_str!("seeds/settings"))),
    ];
    for (target, seeds) in all {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for (at, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{at:03}")), seed)?;
        }
        println!("{target}: {}", seeds.len());
    }
    Ok(())
}

/// The token with another `kid` in its header, if that can be read.
fn renamed(token: &str, from: &str, to: &str) -> Option<Vec<u8>> {
    let (header, rest) = token.split_once('.')?;
    let header = String::from_utf8(from_base64url(header.as_bytes())?).ok()?;
    Some(format!("{}.{rest}", base64url(header.replace(from, to).as_bytes())).into_bytes())
}

/// What `jwt_structured` makes tokens of: who signs, and one change of each kind.
fn recipes() -> Seeds {
    let signers = (0..16).map(|signer| vec![signer]);
    let changes = (0..16).flat_map(|change| (0..12).map(move |detail| vec![0, change, detail, detail, 8, 1]));
    signers.chain(changes).collect()
}

/// The texts of a file, with a line `====` between them; where a secret stands, the mark of `settings`.
fn texts(file: &str) -> Seeds {
    let text = |text: &str| text.trim_end_matches('\n').replace("<secret>", "\u{1}").into_bytes();
    file.split("====\n").map(text).collect()
}
