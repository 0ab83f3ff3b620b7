//! A request that is overtaken by what is done to its client, or to the store's memory.

use super::*;
use crate::{
    servers::Redis,
    stores::{new_namespace, redis},
};
use countersign::registration::Rotation;

/// Nobody takes what was answered, if it was a token: not now and at no later time.
async fn is_never_taken(scene: &Scene, answer: Result<Tokens, GrantError>, what: GrantType) {
    assert!(scene.had_its_accident(), "{what}");
    let Ok(tokens) = answer else { return };
    let beside = scene.beside().await;
    for minute in 0..40 {
        for authority in [&scene.here, &beside] {
            authority.revocations.catch_up().await.expect("the store answers");
            authority.revocations.purge().await.expect("purged");
            let taken = takes(authority, &scene.clock, &tokens.access_token);
            assert!(!taken, "{what}: taken after {minute} minutes");
        }
        scene.clock.advance(Duration::from_secs(60));
    }
}

/// The tokens from before a request, so that there is one to refresh with; and they are good.
async fn login(scene: &Scene) -> String {
    let tokens = scene.ask(GrantType::Password, None).await.expect("a login");
    assert!(scene.takes(&tokens.access_token));
    refresh_token(&tokens)
}

async fn set_disabled(authority: &Authority, disabled: bool) {
    let clients = authority.clients(Actor::Server).expect("there is a store for them");
    clients.set_disabled(&id_of("app"), disabled).await.expect("changed");
}

#[tokio::test]
async fn what_is_granted_by_a_record_from_before_the_client_was_shut_out_is_never_taken() {
    for grant in GRANTS {
        for (waits, read) in [(Duration::ZERO, 1), (HOUR, 1), (Duration::ZERO, 2), (HOUR, 2)] {
            let scene = Scene::set().await;
            let refresh = login(&scene).await;
            let (beside, clock) = (scene.beside().await, scene.clock.clone());
            scene.at(Moment::Read(read), async move {
                set_disabled(&beside, true).await;
                // Whoever waits for an answer for so long finds another time when it comes.
                clock.advance(waits);
            });
            let answer = scene.ask(grant, (grant == GrantType::RefreshToken).then_some(&refresh)).await;
            is_never_taken(&scene, answer, grant).await;
        }
    }
}

// F02
#[tokio::test]
async fn it_is_not_taken_either_if_the_store_forgets_that_the_client_was_shut_out() {
    for (grant, read) in GRANTS.into_iter().flat_map(|grant| [(grant, 1), (grant, 2)]) {
        let namespace = new_namespace();
        let scene = Scene::on(redis(&namespace).await).await;
        let refresh = login(&scene).await;
        let (beside, stores) = (scene.beside().await, stores(&scene.disturbed.store, &scene.sessions));
        let clock = scene.clock.clone();
        scene.at(Moment::Read(read), async move {
            set_disabled(&beside, true).await;
            // What is lost is the list; the sessions are there, as in a replica that lacks its end.
            for key in ["epoch", "list", "position"] {
                assert_eq!(Redis::shared().command(&["DEL", &format!("{{{namespace}}}:{key}")]), "1");
            }
            open(&stores, &clock).await;
        });
        let answer = scene.ask(grant, (grant == GrantType::RefreshToken).then_some(&refresh)).await;
        is_never_taken(&scene, answer, grant).await;
    }
}

#[tokio::test]
async fn whoever_is_overtaken_by_a_harmless_change_may_try_again() {
    for grant in GRANTS {
        let scene = Scene::set().await;
        let refresh = login(&scene).await;
        let clients = scene.beside().await.clients(Actor::Server).expect("there is a store for them");
        scene.at(Moment::Read(1), async move {
            let changed = clients.set_terms(&id_of("app"), |terms| terms.name = Some("App".into())).await;
            changed.expect("changed");
        });
        let refresh = (grant == GrantType::RefreshToken).then_some(&*refresh);
        let answer = scene.ask(grant, refresh).await;
        assert!(answer.is_err_and(|error| error.is_internal()), "{grant}: no fault of the client's");
        let again = scene.ask(grant, refresh).await.expect("nothing was used up");
        assert!(scene.takes(&again.access_token), "{grant}");
    }
}

#[tokio::test]
async fn what_a_client_gets_while_it_is_removed_is_never_taken() {
    let scene = Arc::new(Scene::set().await);
    let got = Arc::new(Mutex::new(None));
    scene.at(Moment::Delete, {
        let (scene, got) = (scene.clone(), got.clone());
        async move {
            // Somebody else gives it a secret just then, and it does not know yet that it is going.
            let secret = ClientSecret::random().expect("randomness");
            let clients = scene.beside().await.clients(Actor::Server).expect("there is a store for them");
            clients
                .rotate_secret(&id_of("app"), secret.hash(), Rotation::Overlap(HOUR), NOW)
                .await
                .expect("rotated");
            let client = credentials("app", secret.reveal());
            let answer = ask(&scene.here, client, GrantType::ClientCredentials, None).await;
            *got.lock().expect("no test has failed holding it") = Some(answer);
        }
    });
    scene.clients().delete(&id_of("app")).await.expect("removed");
    let answer = got.lock().expect("no test has failed holding it").take().expect("it has asked");
    is_never_taken(&scene, answer, GrantType::ClientCredentials).await;
}

// R12
#[tokio::test]
async fn a_client_that_gets_the_id_of_another_gets_none_of_its_sessions_however_soon() {
    for pause in [0, 1, 30, 59, 60, 61, 3_600] {
        let scene = Scene::set().await;
        let refresh = login(&scene).await;
        scene.clients().delete(&id_of("app")).await.expect("removed");
        scene.clock.advance(Duration::from_secs(pause));
        let secret = scene.register("app", &GRANTS).await;
        let client = || credentials("app", &secret);
        let old = ask(&scene.here, client(), GrantType::RefreshToken, Some(&refresh)).await;
        assert!(matches!(old, Err(GrantError::OtherClient)), "{pause} s later: {old:?}");

        // A second later at the latest it goes on with its own.
        scene.clock.advance(Duration::from_secs(u64::from(pause == 0)));
        let own = ask(&scene.here, client(), GrantType::Password, None).await.expect("a login");
        assert!(scene.takes(&own.access_token), "{pause} s later");
        let own = refresh_token(&own);
        let next = ask(&scene.here, client(), GrantType::RefreshToken, Some(&own)).await;
        assert!(next.is_ok(), "{pause} s later: {next:?}");
    }
}
