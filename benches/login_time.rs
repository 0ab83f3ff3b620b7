//! Whether the time of a failed login tells anything about the account: `cargo bench --bench login_time`.
//!
//! 2,000 logins, of every kind in turn, each with a wrong password but where it says otherwise, and as many
//! to accounts that are locked. By Welch's t no kind is told from an account like any other: |t| < 4.5. Exit
//! code 1 otherwise.

use countersign::{
    audit::Actor,
    clock::SystemClock,
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest},
    password::{Hasher, Password, PasswordHash},
    store::{Stores, User, UserStore, memory::MemoryStore},
    user::UserId,
};
use std::{process::ExitCode, sync::Arc, time::Instant};

const LOGINS: usize = 2_000;
const PASSWORD: &str = "quiet lantern, seventeen herons";
/// What each login is called, whose it is, and with which password.
const KINDS: [(&str, &str, &str); 5] = [
    ("known", "ada", "wrong"),
    ("unknown", "nobody", "wrong"),
    ("disabled", "dora", "wrong"),
    ("disabled, right password", "dora", PASSWORD),
    ("bcrypt of cost 10", "bert", "wrong"),
];

#[tokio::main]
async fn main() -> ExitCode {
    let unlimited = authority(&[("COUNTERSIGN_LOGIN__LIMITS", "off")]).await;
    // One failure, and nobody may try for a quarter of an hour.
    let locked = [("COUNTERSIGN_LOGIN__ACCOUNT_FREE", "1"), ("COUNTERSIGN_LOGIN__FIRST_DELAY", "900")];
    let locked = authority(&locked).await;
    println!("{:<26} {:>9} {:>9} {:>7}", "", "mean", "deviation", "t");
    let told_apart = compare(&unlimited, &KINDS, "").await | compare(&locked, &KINDS[..3], "locked, ").await;
    if told_apart { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A server with the users of [`KINDS`].
async fn authority(limits: &[(&'static str, &'static str)]) -> Authority {
    let key = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
    let settings = Environment::from_pairs([&[key], limits].concat());
    let settings = Settings::load(&rocket::Config::figment(), settings).expect("settings");
    let store = Arc::new(MemoryStore::new());
    let hasher = Hasher::new(settings.password.params, 1).expect("a hasher");
    let hash = hasher.hash(Password::parse(PASSWORD).expect("a password")).await.expect("a hash");
    let bcrypt = PasswordHash::from_stored(bcrypt::hash(PASSWORD, 10).expect("a hash"));
    for (name, password, disabled) in [("ada", &hash, false), ("dora", &hash, true), ("bert", &bcrypt, false)]
    {
        let user = User {
            id: UserId::random(),
            username: name.parse().expect("a name"),
            password: password.clone(),
            roles: Default::default(),
            disabled,
            created_at: Default::default(),
        };
        store.insert(&user).await.expect("a user");
    }
    let authority = Authority::open(&settings, Stores::all_in(store), Arc::new(SystemClock)).await;
    let authority = authority.expect("opened");
    authority.accounts(Actor::Server).set_floor().await.expect("the floor is set");
    authority
}

/// Whether any kind is told from the first.
async fn compare(authority: &Authority, kinds: &[(&str, &str, &str)], what: &str) -> bool {
    // A first round, which locks where that is what happens.
    for (_, name, password) in kinds {
        login(authority, name, password).await;
    }
    let mut times = vec![vec![]; kinds.len()];
    for number in 0..LOGINS {
        let kind = number % kinds.len();
        let (_, name, password) = kinds[kind];
        times[kind].push(login(authority, name, password).await);
    }
    let mut told_apart = false;
    for ((name, ..), times_of) in kinds.iter().zip(&times) {
        let t = welch(&times[0], times_of);
        told_apart |= t.abs() >= 4.5;
        let name = format!("{what}{name}");
        println!("{name:<26} {:>6.3} ms {:>6.3} ms {t:>7.2}", mean(times_of), variance(times_of).sqrt());
    }
    told_apart
}

/// How long it takes to fail, in milliseconds.
async fn login(authority: &Authority, name: &str, password: &str) -> f64 {
    let request = TokenRequest {
        username: Some(name.to_owned()),
        password: Some(password.to_owned().into()),
        ..TokenRequest::default()
    };
    let started = Instant::now();
    let answer = authority.token(request, Caller::default()).await;
    assert!(matches!(answer, Err(GrantError::InvalidGrant | GrantError::TooMany(_))), "{answer:?}");
    started.elapsed().as_secs_f64() * 1e3
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn variance(times: &[f64]) -> f64 {
    let mean = mean(times);
    times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (times.len() - 1) as f64
}

/// Welch's t of two samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let error = variance(one) / one.len() as f64 + variance(other) / other.len() as f64;
    if error == 0.0 { 0.0 } else { (mean(one) - mean(other)) / error.sqrt() }
}
