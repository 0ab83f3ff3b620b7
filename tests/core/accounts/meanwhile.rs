//! What was read is one thing, and what is there when it is changed another.

use super::{FIRST, Moment, OWN, RESET, Scene, password, roles};
use countersign::{account::AccountError, store::Standing};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

#[tokio::test]
async fn a_password_that_was_reset_meanwhile_is_not_overwritten() {
    for (store, scene) in Scene::everywhere().await {
        for moment in [Moment::Read, Moment::Change] {
            scene.here.set_password(scene.ada, password(FIRST)).await.expect("set");
            let beside = scene.clone();
            scene.at(moment, async move {
                beside.beside.set_password(beside.ada, password(RESET)).await.expect("reset");
            });
            let changed = scene.here.change_password(scene.ada, password(FIRST), password(OWN)).await;
            assert!(scene.had_its_accident());
            assert!(matches!(changed, Err(AccountError::WrongPassword)), "{store}: {changed:?}");
            assert!(scene.knows(RESET).await, "{store}: the reset stands");
        }
    }
}

/// A login replaces an outdated hash by a new one of the same password.
#[tokio::test]
async fn a_password_that_was_hashed_anew_meanwhile_is_changed() {
    for (store, scene) in Scene::everywhere().await {
        let beside = scene.clone();
        scene.at(Moment::Change, async move {
            let hash = beside.authority.hasher.hash(password(FIRST)).await.expect("hashed");
            let present = beside.ada().await.password;
            let users = &beside.disturbed.users;
            assert!(users.replace_password(beside.ada, &present, &hash).await.expect("replaced"));
        });
        scene.here.change_password(scene.ada, password(FIRST), password(OWN)).await.expect(store);
        assert!(scene.had_its_accident() && scene.knows(OWN).await, "{store}");
    }
}

#[tokio::test]
async fn a_user_who_was_disabled_or_removed_meanwhile_changes_no_password() {
    for (store, scene) in Scene::everywhere().await {
        for moment in [Moment::Read, Moment::Change] {
            let beside = scene.clone();
            scene.at(moment, async move {
                beside.beside.set_disabled(beside.ada, true).await.expect("disabled");
            });
            let changed = scene.here.change_password(scene.ada, password(FIRST), password(OWN)).await;
            assert!(scene.had_its_accident());
            assert!(matches!(changed, Err(AccountError::Disabled)), "{store}: {changed:?}");
            let again = scene.here.change_password(scene.ada, password(FIRST), password(OWN)).await;
            assert!(matches!(again, Err(AccountError::Disabled)), "{store}: {again:?}");
            assert!(scene.knows(FIRST).await, "{store}");
            scene.beside.set_disabled(scene.ada, false).await.expect("enabled");
        }
        let beside = scene.clone();
        scene.at(Moment::Change, async move { beside.beside.delete(beside.ada).await.expect("deleted") });
        let changed = scene.here.change_password(scene.ada, password(FIRST), password(OWN)).await;
        assert!(matches!(changed, Err(AccountError::Unknown)), "{store}: {changed:?}");
    }
}

/// In whatever order they come, an admin's reset that was answered is what holds in the end, since the
/// user's own change is of a password that is no longer theirs.
#[tokio::test(flavor = "multi_thread")]
async fn in_every_race_an_admins_reset_stands() {
    for (store, scene) in Scene::everywhere().await {
        for round in 0..12 {
            scene.here.set_password(scene.ada, password(FIRST)).await.expect("set");
            let (one, other) = (scene.clone(), scene.clone());
            let own = tokio::spawn(async move {
                for _ in 0..round % 4 {
                    tokio::task::yield_now().await;
                }
                one.here.change_password(one.ada, password(FIRST), password(OWN)).await
            });
            let reset =
                tokio::spawn(async move { other.beside.set_password(other.ada, password(RESET)).await });
            reset.await.expect("it ends").expect("reset");
            let own = own.await.expect("it ends");
            assert!(matches!(own, Ok(()) | Err(AccountError::WrongPassword)), "{store}: {own:?}");
            assert!(scene.knows(RESET).await, "{store}, round {round}");
        }
    }
}

#[tokio::test]
async fn roles_that_equal_what_was_read_are_set_all_the_same() {
    for (store, scene) in Scene::everywhere().await {
        for moment in [Moment::Read, Moment::Change] {
            scene.here.set_roles(scene.ada, &roles(&["editor"])).await.expect("set");
            let (beside, of_admin) = (scene.clone(), Arc::new(AtomicU64::new(0)));
            let revision = of_admin.clone();
            scene.at(moment, async move {
                beside.beside.set_roles(beside.ada, &roles(&["admin"])).await.expect("set");
                revision.store(beside.revision().await, SeqCst);
            });
            scene.here.set_roles(scene.ada, &roles(&["editor"])).await.expect("set");
            assert!(scene.had_its_accident());
            assert_eq!(scene.ada().await.roles, roles(&["editor"]), "{store}: what was asked for last");
            let is_revoked = scene.revision().await > of_admin.load(SeqCst);
            assert!(is_revoked, "{store}: no token goes on saying admin");
        }
    }
}

#[tokio::test]
async fn roles_that_a_user_has_already_revoke_nothing() {
    for (store, scene) in Scene::everywhere().await {
        let before = scene.revision().await;
        for roles in [Some(roles(&["editor"])), None] {
            for disabled in [None, Some(false)] {
                let standing = Standing { roles: roles.clone(), disabled };
                scene.here.set_standing(scene.ada, &standing).await.expect("set");
            }
        }
        assert_eq!(scene.revision().await, before, "{store}");
        scene.here.set_roles(scene.ada, &roles(&[])).await.expect("set");
        assert!(scene.revision().await > before, "{store}");
    }
}
