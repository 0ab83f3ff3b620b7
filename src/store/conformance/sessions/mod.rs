//! The suite for [`SessionStore`].

mod counting;
mod living;
mod revoking;

use crate::{
    client::ClientId,
    clock::UnixTime,
    refresh_token::Salt,
    scope::Scope,
    session::SessionId,
    store::{
        Advance, Creation, Device, Revocation, RevokedSubject, Session, SessionStore, TOKENS_BY_THEMSELVES,
        Transport,
    },
    token::TokenId,
    user::UserId,
};
use std::{ops::Range, sync::Arc, time::Duration};

type Store = Arc<dyn SessionStore>;

/// When [`session`] says that it is; in the past, so that nothing depends on the real time.
pub const NOW: UnixTime = UnixTime(1_700_000_000);
const GRACE: Duration = Duration::from_secs(10);
const NONE: Duration = Duration::ZERO;

/// Everything that [`SessionStore`] asks for. `a` and `b` are two handles on the same store.
/// It revokes and purges at times in the past, and begins the store's first epoch, so it wants a
/// store that is new.
pub async fn sessions(a: Store, b: Store) {
    revoking::an_epoch_is_begun_once_and_only_grows(&a, &b).await;
    living::a_session_is_found_as_it_was_created(&*a, &*b).await;
    living::an_advance_makes_the_next_generation_current(&*a, &*b).await;
    living::a_parent_within_grace_is_answered_with_the_same_successor(&*a, &*b).await;
    living::a_parent_out_of_grace_ends_the_session(&*a, &*b).await;
    living::a_grandparent_ends_the_session_however_young(&*a, &*b).await;
    living::a_generation_from_the_future_ends_the_session(&*a, &*b).await;
    living::of_many_advances_exactly_one_advances(&a, &b, GRACE).await;
    living::of_many_advances_exactly_one_advances(&a, &b, NONE).await;
    living::a_session_ends_at_the_exact_second(&*a, &*b).await;
    counting::a_count_is_of_live_sessions_last_used_in_a_time(&*a, &*b).await;
    counting::a_count_misses_nothing_that_is_used_meanwhile(&a, &b).await;
    revoking::nothing_advances_once_a_revocation_has_answered(&a, &b).await;
    revoking::each_way_of_revoking_ends_what_it_says(&*a, &*b).await;
    revoking::many_access_tokens_of_a_session_are_revoked_by_one_entry(&*a, &*b).await;
    revoking::of_many_tokens_revoked_at_once_no_more_than_ten_have_an_entry_each(&a, &b).await;
    revoking::a_login_that_races_a_revocation_loses(&*a, &*b).await;
    revoking::a_feed_tells_of_what_anybody_revokes(&*a, &*b).await;
    revoking::the_list_of_revocations_is_complete_and_in_order(&*a, &*b).await;
    revoking::an_epoch_may_begin_without_the_sessions_from_before(&*a, &*b).await;
    living::beyond_the_cap_the_session_used_longest_ago_ends(&*a, &*b).await;
    living::a_purge_removes_what_is_over_and_nothing_else(&*a, &*b).await;
    living::many_sessions_that_are_used_hold_up_no_purge(&*a, &*b).await;
    living::a_trim_removes_old_entries_but_not_the_last(&*a, &*b).await;
}

/// A session of this user to try a store with, created at [`NOW`] for 1,000 seconds, of which it
/// may be idle for 100.
pub fn session(user: UserId) -> Session {
    Session {
        id: SessionId::random().expect("randomness"),
        user,
        client_id: "first-party".into(),
        scope: "reports:read items".parse().expect("a scope"),
        transport: Transport::Body,
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(1_000)),
        idle: Duration::from_secs(100),
        generation: 0,
        salt: Salt::random().expect("randomness"),
        device: Device {
            user_agent: Some("Mozilla/5.0 (\u{1F4BB}; '\")".into()),
            address: Some("2001:db8::1".parse().expect("an address")),
            name: Some("Ada's phone".into()),
        },
    }
}

fn later(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

async fn created(store: &dyn SessionStore, session: &Session) {
    let revision = store.revision(session.user).await.expect("revision");
    let creation = store.create(session, revision, 50).await.expect("create");
    assert_eq!(creation, Creation::Created, "a session of a user at peace is created");
}

async fn fresh(store: &dyn SessionStore) -> Session {
    let session = session(UserId::random());
    created(store, &session).await;
    session
}

async fn advance(store: &dyn SessionStore, session: &Session, generation: u64, now: UnixTime) -> Advance {
    store.advance(session.id, generation, now, GRACE).await.expect("advance")
}

async fn is_live(store: &dyn SessionStore, session: &Session) -> bool {
    store.find(session.id, NOW).await.expect("find").is_some()
}

async fn lines(store: &dyn SessionStore, from: u64) -> Vec<Revocation> {
    store.revocations(from, u32::MAX).await.expect("revocations").lines
}

async fn position(store: &dyn SessionStore) -> u64 {
    lines(store, 0).await.last().map_or(0, |line| line.position)
}

async fn epoch(store: &dyn SessionStore) -> u64 {
    store.revocations(0, 0).await.expect("revocations").epoch
}
