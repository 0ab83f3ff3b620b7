//! Who waits for whom.

use super::{CAP, Database, GRACE, LIMIT, NOW, PATIENT, logged_in, session};
use crate::servers::{Postgres, eventually};
use countersign::{
    client::ClientId,
    clock::UnixTime,
    store::{
        AuditStore, ClientStore, KeyRingStore, SessionStore, StoreError, UserStore, postgres::PostgresStore,
    },
    token::TokenId,
    user::UserId,
};
use sqlx::Executor;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::timeout};

/// One of the things that are done to sessions, chosen by this number.
async fn something(store: &PostgresStore, users: &[UserId], number: u64) {
    let user = users[(number >> 33) as usize % users.len()];
    let live = store.sessions_of(user, NOW).await.expect("sessions");
    let picked = live.get((number >> 40) as usize % live.len().max(1));
    let Some(picked) = picked.filter(|_| (number >> 50) % 12 > 2) else {
        let revision = store.revision(user).await.expect("a revision");
        store.create(&session(user), revision, CAP).await.expect("created or overtaken");
        return;
    };
    let (id, generation) = (picked.id, picked.generation);
    let client = ClientId::first_party();
    match (number >> 50) % 12 {
        3 => drop(store.revoke_user(user, NOW).await.expect("revoked")),
        4 => store.revoke_access(user, NOW).await.expect("revoked"),
        5 => drop(store.revoke_others(user, id, NOW).await.expect("revoked")),
        6 => drop(store.revoke(id, NOW).await.expect("revoked")),
        7 => drop(store.advance(id, generation + 2, NOW, GRACE).await.expect("reused or gone")),
        8 => drop(store.advance(id, generation, NOW, GRACE).await.expect("advanced or not")),
        9 => store.revoke_token(TokenId::from_bytes(*id.as_bytes()), NOW).await.expect("revoked"),
        10 => store.revoke_client(&client, number, NOW).await.expect("revoked"),
        _ => drop(store.purge(NOW, UnixTime(NOW.0 - 10), 10).await.expect("purged")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_come_to_be_seen_in_order_and_nothing_deadlocks() {
    let database = Database::new();
    let stores = [database.open(5, PATIENT).await, database.open(5, PATIENT).await];
    let epoch = stores[0].begin_epoch(0).await.expect("an epoch");
    let users: Vec<_> = (0..3).map(|_| UserId::random()).collect();
    let load: Vec<_> = (0..12_u64)
        .map(|n| {
            let (store, users) = (stores[n as usize % 2].clone(), users.clone());
            tokio::spawn(async move {
                let mut number = n * 7_919 + 1;
                for step in 0..60 {
                    number = number
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    something(&store, &users, number).await;
                    if n == 0 && step % 20 == 0 {
                        store.begin_epoch(epoch + step).await.expect("an epoch");
                    }
                }
            })
        })
        .collect();
    assert!(lines_that_no_reader_missed(&stores, load).await > 100);
    // The store would have tried again after one.
    assert!(!Postgres::shared().process().log().contains("deadlock detected"));
}

/// Reads on from the last line seen, as the servers do, while this load is under way; says how many
/// lines there are in the end.
async fn lines_that_no_reader_missed(stores: &[Arc<PostgresStore>; 2], load: Vec<JoinHandle<()>>) -> usize {
    let (mut seen, mut last) = (BTreeSet::new(), 0);
    let mut under_way = true;
    while under_way {
        under_way = load.iter().any(|task| !task.is_finished());
        for line in stores[0].revocations(last + 1, 1_000).await.expect("a list").lines {
            seen.insert(line.position);
            last = line.position;
        }
    }
    for task in load {
        task.await.expect("nothing failed");
    }
    let all = stores[1].revocations(0, 100_000).await.expect("a list").lines;
    let missed: Vec<_> = all.iter().filter(|line| !seen.contains(&line.position)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    all.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_clients_revoked_by_many_at_once_come_to_be_seen_in_order() {
    let database = Database::new();
    let stores = [database.open(8, PATIENT).await, database.open(8, PATIENT).await];
    stores[0].begin_epoch(0).await.expect("an epoch");
    let load = (0..16).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move {
            for step in 0..40 {
                if (n + step) % 4 == 0 {
                    store.revoke_client(&ClientId::first_party(), step as u64, NOW).await.expect("revoked");
                } else {
                    let id = TokenId::random().expect("randomness");
                    store.revoke_token(id, NOW).await.expect("revoked");
                }
            }
        })
    });
    assert_eq!(lines_that_no_reader_missed(&stores, load.collect()).await, 16 * 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_epoch_begins_while_a_revision_is_raised() {
    let database = Database::new();
    let store = database.open(4, PATIENT).await;
    let epoch = store.begin_epoch(0).await.expect("an epoch");
    let user = UserId::random();
    store.revoke_access(user, NOW).await.expect("revoked");
    let mut holder = database.somebody().await;
    holder.execute("BEGIN; UPDATE revisions SET revision = revision").await.expect("held");

    let waiting =
        |number| move |database: &Database| database.connections("wait_event_type = 'Lock'") == number;
    let raising = tokio::spawn({
        let store = store.clone();
        async move { store.revoke_access(user, NOW).await }
    });
    eventually("the revision waits for the holder", || waiting(1)(&database));
    let later = epoch + Duration::from_secs(3_600).as_millis() as u64;
    let beginning = tokio::spawn(async move { store.begin_epoch(later).await });
    eventually("the epoch waits, or does not", || waiting(2)(&database) || beginning.is_finished());
    assert!(!beginning.is_finished(), "an epoch has begun");

    holder.execute("COMMIT").await.expect("let go");
    timeout(LIMIT, raising).await.expect("not for ever").expect("no panic").expect("raised");
    let begun = timeout(LIMIT, beginning).await.expect("not for ever").expect("no panic");
    assert_eq!(begun.expect("begun"), later + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_answered_while_more_writers_wait_than_there_are_connections() {
    let database = Database::new();
    // No writer gives up before the reads are through.
    let store = database.open(4, Duration::from_secs(600)).await;
    store.begin_epoch(0).await.expect("an epoch");
    let session = logged_in(&store).await;
    let mut holder = database.somebody().await;
    holder.execute("BEGIN; LOCK TABLE revisions IN EXCLUSIVE MODE").await.expect("held");
    let writers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.revoke_access(UserId::random(), NOW).await })
        })
        .collect();
    eventually("as many writers wait as may", || database.connections("wait_event_type = 'Lock'") >= 3);
    let reads = async {
        UserStore::by_id(&*store, session.user).await?;
        store.by_username(&"ada".parse().expect("a name")).await?;
        UserStore::list(&*store, None, 10).await?;
        store.search(&"da".parse().expect("a part of a name"), None, 10).await?;
        store.ping().await?;
        store.revision(session.user).await?;
        assert!(store.find(session.id, NOW).await?.is_some());
        assert_eq!(store.sessions_of(session.user, NOW).await?.len(), 1);
        store.count(UnixTime(0)..UnixTime(u64::MAX), NOW).await?;
        store.revocations(1, 10).await?;
        ClientStore::by_id(&*store, &"client".parse().expect("an id")).await?;
        ClientStore::list(&*store, None, 10).await?;
        store.load().await?;
        store.read(0, 10).await?;
        store.vitals().await.map(drop)
    };
    let read: Result<Result<(), StoreError>, _> = timeout(LIMIT, reads).await;
    read.expect("reads wait for no writer").expect("they are answered");
    assert!(writers.iter().all(|writer| !writer.is_finished()), "the table is still locked");
    holder.execute("COMMIT").await.expect("let go");
    for writer in writers {
        writer.await.expect("no panic").expect("its turn came");
    }
}
