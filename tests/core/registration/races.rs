//! Changes to one client by many at once.

use super::{Desk, holds, id, on_both, secret};
use countersign::{
    registration::{ClientError, Rotation},
    store::{SessionStore, memory::MemoryStore},
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = vec![];
    for task in tasks {
        results.push(task.await.expect("the task ends"));
    }
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rotations_at_once_none_is_lost_and_two_secrets_are_left() {
    on_both(async |desk| {
        for (rotation, left) in
            [(Rotation::after(1_000), 2), (Rotation::ReplaceNewest, 1), (Rotation::AtOnce, 1)]
        {
            let id = id(&format!("worker-{left}-{}", rotation == Rotation::AtOnce));
            let (client, first) = desk.add(&id).await.expect("added");
            let rotate = |_| {
                let (desk, id) = (desk.clone(), id.clone());
                tokio::spawn(async move {
                    let secret = secret();
                    let rotated = desk.clients.rotate_secret(&id, secret.hash(), rotation, desk.now()).await;
                    (rotated.map(|client| client.revision), secret.reveal().to_owned())
                })
            };
            let mut rotated = vec![(client.revision, first)];
            for (outcome, secret) in all((0..16).map(rotate).collect()).await {
                match outcome {
                    Ok(revision) => rotated.push((revision, secret)),
                    Err(ClientError::Contended | ClientError::TwoSecrets) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            rotated.sort();
            assert!(rotated.len() > 1, "somebody gets on");
            assert!(rotated.is_sorted_by(|one, next| one.0 < next.0), "each is a change of its own");
            let client = desk.clients.find(&id).await.expect("found");
            for (age, (_, secret)) in rotated.iter().rev().enumerate() {
                assert_eq!(holds(&client, secret), (left, age < left), "the newest are kept, and no other");
                assert_eq!(desk.ask(&id, secret).await.is_ok(), age < left, "and they work");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_neither_is_lost() {
    on_both(async |desk| {
        let id = id("worker");
        desk.add(&id).await.expect("added");
        for round in 0..30 {
            let is_disabled = round % 2 == 0;
            let (naming, shutting) = tokio::join!(
                desk.clients.set_terms(&id, |terms| terms.name = Some(round.to_string())),
                desk.clients.set_disabled(&id, is_disabled),
            );
            naming.expect("named");
            shutting.expect("shut out, or let in");
            let client = desk.clients.find(&id).await.expect("found");
            assert_eq!((client.name, client.disabled), (Some(round.to_string()), is_disabled));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_while_a_client_is_shut_out_is_good_no_more_when_it_is() {
    on_both(async |desk| {
        let id = id("worker");
        let (_, secret) = desk.add(&id).await.expect("added");
        for _ in 0..40 {
            let ask = |_| {
                let (desk, id, secret) = (desk.clone(), id.clone(), secret.clone());
                tokio::spawn(async move {
                    let mut tokens = vec![];
                    while let Ok(token) = desk.ask(&id, &secret).await {
                        tokens.push(token);
                    }
                    tokens
                })
            };
            let asking: Vec<_> = (0..3).map(ask).collect();
            desk.clients.set_disabled(&id, true).await.expect("shut out");
            for token in all(asking).await.concat() {
                assert!(!desk.takes(&token).await, "whenever it was asked for");
            }
            desk.clients.set_disabled(&id, false).await.expect("let in");
            let token = desk.ask(&id, &secret).await.expect("a token");
            assert!(desk.takes(&token).await, "let in again it gets good ones");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_id_after_another_has_tokens_of_its_own() {
    on_both(async |desk| {
        let id = id("worker");
        let mut old = vec![];
        for _ in 0..30 {
            let (_, secret) = desk.add(&id).await.expect("the id is free");
            let token = desk.ask(&id, &secret).await.expect("a token");
            assert!(desk.takes(&token).await, "the new one's are good");
            old.push(token);
            desk.clients.delete(&id).await.expect("removed");
            for token in &old {
                assert!(!desk.takes(token).await, "the old one's are not");
            }
        }
    })
    .await;
}

/// Several remove whatever has the id, and several take it: whoever has it in the end was not touched.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_fought_over_is_whole_in_whichever_hands() {
    on_both(async |desk| {
        let id = id("worker");
        for _ in 0..60 {
            let remove = |_| {
                let (desk, id) = (desk.clone(), id.clone());
                tokio::spawn(async move {
                    match desk.clients.delete(&id).await {
                        Ok(()) | Err(ClientError::Unknown | ClientError::Contended) => vec![],
                        Err(error) => panic!("{error}"),
                    }
                })
            };
            let take = |_| tokio::spawn(taken(desk.clone(), id.clone()));
            let tasks = (0..3).map(remove).chain((0..2).map(take)).collect();
            let had = all(tasks).await.concat();
            let client = desk.clients.find(&id).await.ok().filter(|client| !client.disabled);
            for (secret, token) in &had {
                let is_there = client.as_ref().is_some_and(|client| holds(client, secret).1);
                assert_eq!(desk.takes(token).await, is_there, "tokens go with their client");
                match desk.ask(&id, secret).await {
                    Ok(token) => assert!(is_there && desk.takes(&token).await),
                    Err(_) => assert!(!is_there),
                }
            }
        }
    })
    .await;
}

/// Registers a client as soon as the id is free; its secret, and a token if it could still get one.
async fn taken(desk: Arc<Desk>, id: countersign::client::ClientId) -> Vec<(String, String)> {
    for _ in 0..40 {
        match desk.add(&id).await {
            Ok((_, secret)) => {
                let token = desk.ask(&id, &secret).await;
                return token.into_iter().map(|token| (secret.clone(), token)).collect();
            }
            Err(ClientError::IdTaken | ClientError::Contended) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    vec![]
}

#[tokio::test]
async fn a_client_begins_behind_one_that_had_its_id_so_long_ago_that_nobody_remembers() {
    let store = Arc::new(MemoryStore::new());
    let before = Desk::on(store.clone()).await;
    let (first, _) = before.add(&id("app")).await.expect("added");
    before.add(&id("other")).await.expect("added");
    // A store keeps the last line of its list, which is of the other.
    for removed in ["app", "other"] {
        before.clients.delete(&id(removed)).await.expect("removed");
    }
    let later = before.now().plus(Duration::from_secs(7 * 86_400));
    SessionStore::purge(&*store, later, later, 1_000).await.expect("purged");
    let again = Desk::at(later, store).await;
    let (second, _) = again.add(&id("app")).await.expect("added");
    assert!(second.revision > first.revision + 1_000, "{} and {}", first.revision, second.revision);
}
