//! Stores that fail in the middle of a change.

use super::{Desk, id, secret, unsteady::Call};
use countersign::{
    client::ClientId,
    registration::{ClientError, Rotation},
    store::{Client, memory::MemoryStore},
};
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
enum Change {
    Terms,
    Disable,
    Rotate,
    Delete,
}

const ALL: [Change; 4] = [Change::Terms, Change::Disable, Change::Rotate, Change::Delete];

async fn make(change: Change, desk: &Desk, id: &ClientId) -> Result<(), ClientError> {
    let clients = &desk.clients;
    match change {
        Change::Terms => clients.set_terms(id, |terms| terms.name = Some("new".into())).await.map(drop),
        Change::Disable => clients.set_disabled(id, true).await.map(drop),
        Change::Rotate => {
            let hash = secret().hash();
            clients.rotate_secret(id, hash, Rotation::AtOnce, desk.now()).await.map(drop)
        }
        Change::Delete => clients.delete(id).await,
    }
}

#[tokio::test]
async fn what_cannot_be_revoked_is_not_changed() {
    let desk = Desk::on(Arc::new(MemoryStore::new())).await;
    for change in ALL {
        let id = id(&format!("{change:?}"));
        let (before, secret) = desk.add(&id).await.expect("added");
        let token = desk.ask(&id, &secret).await.expect("a token");
        desk.store.fail(Call::RevokeClient, 0);
        let error = make(change, &desk, &id).await.expect_err("it fails");
        assert!(matches!(error, ClientError::Store(_)), "{change:?}: {error}");
        let after = desk.clients.find(&id).await.expect("found");
        assert_eq!(after, Client { revision: after.revision, ..before }, "{change:?}: it is as it was");
        assert!(desk.takes(&token).await, "{change:?}: nobody is the worse for it");
        let newer = desk.ask(&id, &secret).await.expect("it still gets tokens");
        assert!(desk.takes(&newer).await, "{change:?}: that are good");

        desk.store.heal();
        make(change, &desk, &id).await.expect("now it goes through");
        for token in [&token, &newer] {
            assert!(!desk.takes(token).await, "{change:?}: and what it got before is good no more");
        }
        let after = desk.clients.find(&id).await.ok();
        let is_changed = match change {
            Change::Terms => after.is_some_and(|client| client.name.as_deref() == Some("new")),
            Change::Disable => after.is_some_and(|client| client.disabled),
            Change::Rotate => desk.ask(&id, &secret).await.is_err() && after.is_some(),
            Change::Delete => after.is_none(),
        };
        assert!(is_changed, "{change:?}");
    }
}

/// Whatever fails, and when: an error may leave a change half-way, and the second try ends it.
#[tokio::test]
async fn a_change_that_failed_goes_through_when_it_is_made_again() {
    let desk = Desk::on(Arc::new(MemoryStore::new())).await;
    for change in ALL {
        for (call, after) in [
            (Call::Replace, 0),
            (Call::Replace, 1),
            (Call::RevokeClient, 0),
            (Call::RevokeClient, 1),
            (Call::Delete, 0),
        ] {
            let what = format!("{change:?}-{call:?}-{after}");
            let id = id(&what);
            let (_, secret) = desk.add(&id).await.expect("added");
            let mut tokens = vec![desk.ask(&id, &secret).await.expect("a token")];
            desk.store.fail(call, after);
            let failed = make(change, &desk, &id).await;
            let is_concerned = call != Call::Delete || matches!(change, Change::Delete);
            assert_eq!(failed.is_err(), is_concerned, "{what}");
            // What it gets when it has its new terms already is good.
            let present = desk.clients.find(&id).await.ok();
            if present.is_none_or(|client| client.name.is_none()) {
                tokens.extend(desk.ask(&id, &secret).await);
            }
            desk.store.heal();
            make(change, &desk, &id).await.expect("now it goes through");
            for token in &tokens {
                assert!(!desk.takes(token).await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_removed_gets_nothing_more() {
    let desk = Desk::on(Arc::new(MemoryStore::new())).await;
    let id = id("worker");
    let (_, secret) = desk.add(&id).await.expect("added");
    let token = desk.ask(&id, &secret).await.expect("a token");
    desk.store.fail(Call::Delete, 0);
    assert!(matches!(desk.clients.delete(&id).await, Err(ClientError::Store(_))));
    assert!(!desk.takes(&token).await);
    assert!(desk.ask(&id, &secret).await.is_err(), "half removed it is out");
    desk.store.heal();
    desk.clients.delete(&id).await.expect("removed");
    assert!(matches!(desk.clients.delete(&id).await, Err(ClientError::Unknown)));
}

#[tokio::test]
async fn what_fails_while_a_client_is_registered_is_an_error() {
    let desk = Desk::on(Arc::new(MemoryStore::new())).await;
    let id = id("worker");
    desk.store.fail(Call::Insert, 0);
    assert!(matches!(desk.add(&id).await, Err(ClientError::Store(_))));
    desk.store.heal();
    assert!(matches!(desk.clients.find(&id).await, Err(ClientError::Unknown)), "nothing was made");
    let (_, secret) = desk.add(&id).await.expect("added");
    assert!(desk.takes(&desk.ask(&id, &secret).await.expect("a token")).await);
}
