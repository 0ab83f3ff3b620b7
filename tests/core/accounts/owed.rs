//! The second revocation of a change: if it fails it is retried until it succeeds.

use super::{FIRST, Moment, OWN, RESET, Scene, password, roles};
use crate::{registration::unsteady::Call, servers::eventually};
use countersign::{
    account::AccountError,
    audit::Actor,
    client::{ClientId, ClientSecret},
    registration::{ClientError, Proof, Registration, Rotation, Terms},
    store::{ClientStore, StoreError},
};
use std::{future::pending, sync::Arc};
use tokio::sync::Notify;

#[derive(Clone, Copy, Debug)]
enum Change {
    SetPassword,
    OwnPassword,
    Disable,
    Roles,
    Delete,
}

const ALL: [Change; 5] =
    [Change::SetPassword, Change::OwnPassword, Change::Disable, Change::Roles, Change::Delete];

impl Change {
    async fn make(self, scene: &Scene) -> Result<(), AccountError> {
        let (accounts, ada) = (&scene.here, scene.ada);
        match self {
            Self::SetPassword => accounts.set_password(ada, password(RESET)).await,
            Self::OwnPassword => accounts.change_password(ada, password(FIRST), password(OWN)).await,
            Self::Disable => accounts.set_disabled(ada, true).await,
            Self::Roles => accounts.set_roles(ada, &roles(&["admin"])).await,
            Self::Delete => accounts.delete(ada).await,
        }
    }

    async fn was_made(self, scene: &Scene) -> bool {
        let found = scene.disturbed.users.by_id(scene.ada).await.expect("by_id");
        let Some(user) = found else { return matches!(self, Self::Delete) };
        match self {
            Self::SetPassword => scene.knows(RESET).await,
            Self::OwnPassword => scene.knows(OWN).await,
            Self::Disable => user.disabled,
            Self::Roles => user.roles == roles(&["admin"]),
            Self::Delete => false,
        }
    }

    /// What it revokes by.
    fn call(self) -> Call {
        if matches!(self, Self::Roles) { Call::RevokeAccess } else { Call::RevokeUser }
    }
}

/// Retries, as a server does, until nothing is owed any more.
async fn settle(scene: &Arc<Scene>) {
    let retrying = tokio::spawn({
        let scene = scene.clone();
        async move { scene.authority.revocations.retry(None).await }
    });
    let scene = scene.clone();
    let settled = move || scene.authority.revocations.owed() == 0;
    tokio::task::spawn_blocking(|| eventually("nothing is owed", settled)).await.expect("it ends");
    retrying.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_revocation_that_failed_is_retried_until_it_succeeds() {
    for change in ALL {
        let scene = Scene::in_memory().await;
        scene.sessions.fail(change.call(), 1);
        let error = change.make(&scene).await.expect_err("the second revocation fails");
        assert!(matches!(error, AccountError::NotRevoked(_)), "{change:?}: {error:?}");
        assert!(change.was_made(&scene).await, "{change:?}: as the error says");
        assert_eq!(scene.authority.revocations.owed(), 1, "{change:?}");
        // By a login that has read the record from before.
        let (session, before) = (scene.log_in().await, scene.revision().await);
        assert!(scene.authority.revocations.revoke_owed(None).await.is_err(), "{change:?}");
        assert_eq!(scene.authority.revocations.owed(), 1, "{change:?}: still");
        assert!(scene.is_live(session).await);
        scene.sessions.heal();
        settle(&scene).await;
        assert!(scene.revision().await > before, "{change:?}: its access tokens are revoked");
        // Roles end no session: it goes on with the new ones.
        assert_eq!(scene.is_live(session).await, matches!(change, Change::Roles), "{change:?}");
    }
}

#[tokio::test]
async fn a_change_that_was_not_made_owes_nothing() {
    for change in ALL {
        let scene = Scene::in_memory().await;
        scene.sessions.fail(change.call(), 0);
        let error = change.make(&scene).await.expect_err("the first revocation fails");
        assert!(matches!(error, AccountError::Store(_)), "{change:?}: {error:?}");
        assert!(!change.was_made(&scene).await, "{change:?}");
        assert_eq!(scene.authority.revocations.owed(), 0, "{change:?}");
        scene.sessions.heal();
        scene.beside.delete(scene.ada).await.expect("deleted");
        assert!(matches!(change.make(&scene).await, Err(AccountError::Unknown)), "{change:?}");
        assert_eq!(scene.authority.revocations.owed(), 0, "{change:?}: of nobody");
    }
    let scene = Scene::in_memory().await;
    let wrong = scene.here.change_password(scene.ada, password(OWN), password(RESET)).await;
    assert!(matches!(wrong, Err(AccountError::WrongPassword)));
    assert_eq!(scene.authority.revocations.owed(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_which_nobody_knows_whether_it_was_made_owes_its_revocation() {
    for change in ALL {
        let scene = Scene::in_memory().await;
        *scene.disturbed.loses_answers.lock().expect("the lock") = true;
        let error = change.make(&scene).await.expect_err("the answer is lost");
        assert!(matches!(error, AccountError::Store(_)), "{change:?}: it says nothing of what was done");
        assert!(change.was_made(&scene).await);
        let before = scene.revision().await;
        settle(&scene).await;
        assert!(scene.revision().await > before, "{change:?}");
    }
}

/// A client that hangs up, or an app that waits no longer.
#[tokio::test]
async fn a_change_that_is_given_up_on_half_way_owes_its_revocation() {
    for change in ALL {
        let scene = Scene::in_memory().await;
        let reached = Arc::new(Notify::new());
        let here = reached.clone();
        scene.at(Moment::Change, async move {
            here.notify_one();
            pending::<()>().await;
        });
        tokio::select! {
            made = change.make(&scene) => panic!("{change:?}: {made:?}"),
            () = reached.notified() => {}
        }
        assert_eq!(scene.authority.revocations.owed(), 1, "{change:?}");
        let before = scene.revision().await;
        scene.authority.revocations.revoke_owed(None).await.expect("revoked");
        assert_eq!(scene.authority.revocations.owed(), 0, "{change:?}");
        assert!(scene.revision().await > before, "{change:?}");
    }
}

#[tokio::test]
async fn one_revocation_that_goes_on_failing_keeps_no_other_waiting() {
    let scene = Scene::in_memory().await;
    let name = "grace".parse().expect("a name");
    let grace = scene.here.add(name, password(FIRST), roles(&[]), super::NOW).await.expect("added").id;
    scene.sessions.fail(Call::RevokeUser, 1);
    Change::Disable.make(&scene).await.expect_err("not revoked");
    scene.sessions.fail(Call::RevokeAccess, 1);
    scene.here.set_roles(grace, &roles(&["admin"])).await.expect_err("not revoked");
    assert_eq!(scene.authority.revocations.owed(), 2);
    let before = scene.revision().await;
    assert!(
        scene.authority.revocations.revoke_owed(None).await.is_err(),
        "the access tokens' goes on failing"
    );
    assert_eq!(scene.authority.revocations.owed(), 1);
    assert!(scene.revision().await > before, "the other has succeeded");
    // The end of a server tries once more.
    scene.sessions.heal();
    scene.authority.revocations.end(None).await;
    assert_eq!(scene.authority.revocations.owed(), 0);
}

#[derive(Clone, Copy, Debug)]
enum OfClient {
    Terms,
    Disable,
    Rotate,
}

impl OfClient {
    async fn make(self, scene: &Scene, id: &ClientId) -> Result<(), ClientError> {
        let clients = scene.authority.clients(Actor::Server).expect("a store of clients");
        match self {
            Self::Terms => clients.set_terms(id, |terms| terms.name = Some("new".into())).await.map(drop),
            Self::Disable => clients.set_disabled(id, true).await.map(drop),
            Self::Rotate => {
                let hash = ClientSecret::random().expect("randomness").hash();
                clients.rotate_secret(id, hash, Rotation::AtOnce, super::NOW).await.map(drop)
            }
        }
    }
}

async fn a_client(scene: &Scene) -> ClientId {
    let id: ClientId = "worker".parse().expect("an id");
    let proof = Proof::Secret(ClientSecret::random().expect("randomness").hash());
    let terms = Terms { grants: proof.usual_grants(), ..Terms::default() };
    let clients = scene.authority.clients(Actor::Server).expect("a store of clients");
    clients.add(Registration { id: id.clone(), proof, terms }, super::NOW).await.expect("added");
    id
}

/// The least revision of the client whose tokens are accepted.
async fn least(scene: &Scene, id: &ClientId) -> u64 {
    scene.authority.revocations.last_of(id).await.expect("asked").map_or(0, |(revision, _)| revision)
}

#[tokio::test]
async fn the_second_revocation_of_a_clients_change_is_retried_too() {
    for change in [OfClient::Terms, OfClient::Disable, OfClient::Rotate] {
        let scene = Scene::in_memory().await;
        let (id, revocations) = (a_client(&scene).await, &scene.authority.revocations);
        let clients = &*scene.sessions as &dyn ClientStore;
        scene.sessions.fail(Call::RevokeClient, 1);
        let error = change.make(&scene, &id).await.expect_err("the second revocation fails");
        assert!(matches!(error, ClientError::NotRevoked(_)), "{change:?}: {error:?}");
        let revision = clients.by_id(&id).await.expect("by_id").expect("it is there").revision;
        assert_eq!((least(&scene, &id).await, revocations.owed()), (revision - 1, 1), "{change:?}: changed");
        assert!(revocations.revoke_owed(Some(clients)).await.is_err());
        scene.sessions.heal();
        revocations.revoke_owed(Some(clients)).await.expect("revoked");
        assert_eq!((least(&scene, &id).await, revocations.owed()), (revision, 0), "{change:?}");

        scene.sessions.fail(Call::RevokeClient, 0);
        assert!(matches!(change.make(&scene, &id).await, Err(ClientError::Store(_))), "{change:?}");
        assert_eq!(revocations.owed(), 0, "{change:?}: nothing was changed");
    }
}

#[tokio::test]
async fn a_client_whose_removal_failed_is_not_said_to_be_gone() {
    let scene = Scene::in_memory().await;
    let id = a_client(&scene).await;
    let clients = scene.authority.clients(Actor::Server).expect("a store of clients");
    scene.sessions.fail(Call::RevokeClient, 1);
    let error = clients.delete(&id).await.expect_err("not revoked");
    assert!(matches!(error, ClientError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert!(clients.find(&id).await.expect("it is there").disabled);
    assert_eq!(scene.authority.revocations.owed(), 1);
}
