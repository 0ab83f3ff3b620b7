//! How long a failed login takes at least.

use countersign::{
    account::Accounts,
    audit::{Actor, Trail, Witness},
    clock::{SystemClock, UnixTime},
    password::{Hasher, Password, PasswordHash},
    revocation::Revocations,
    store::{User, UserStore, memory::MemoryStore},
    user::UserId,
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn the_floor_is_set_by_the_hashes_of_all_users() {
    let (users, revocations) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let clock = Arc::new(SystemClock);
    let revocations =
        Revocations::open(revocations, clock.clone(), Duration::from_secs(60)).await.expect("opened");
    let trail = Trail::open(None, clock).await.expect("a trail");
    let hasher = Hasher::new(Default::default(), 1).expect("a hasher");
    let witness = Witness::of(Actor::Server, &trail);
    let accounts = Accounts::new(users.clone(), hasher.clone(), Arc::new(revocations), witness);
    assert_eq!(accounts.set_floor().await.expect("looked through"), 0);
    let usual = hasher.hash(Password::parse("correct horse").expect("a password")).await.expect("hashed");
    let bcrypt = bcrypt::hash("correct horse", 4).expect("hashed");
    let stored = |text: &str| PasswordHash::from_stored(text.to_owned());
    for number in 0..2_100_u32 {
        let password = match number {
            1_500 => stored(&bcrypt),
            2_050 => stored(&bcrypt.replace("$04$", "$05$")),
            2_099 => stored("no hash at all"),
            _ => usual.clone(),
        };
        let user = User {
            id: UserId::random(),
            username: format!("user{number:04}").parse().expect("a name"),
            password,
            roles: Default::default(),
            disabled: false,
            created_at: UnixTime(0),
        };
        users.insert(&user).await.expect("inserted");
    }
    assert_eq!(accounts.set_floor().await.expect("looked through"), 2, "two costs besides the usual one");
    assert!(hasher.floor() > Duration::ZERO);
}
