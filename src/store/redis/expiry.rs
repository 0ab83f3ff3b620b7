//! What is over, and finding it.
//!
//! Each session stands in one slot of time in which a purge looks at it: at first that in which it would
//! end if it were never used. A refresh does not touch that. A purge that finds it used puts it into
//! the slot of its present end, so it moves on once in its idle time, however often it is refreshed.

use super::{RedisStore, keys::Keys, record, script};
use crate::{clock::UnixTime, session::SessionId, store::StoreError, user::UserId};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

/// How long a slot is, in seconds.
const SLOT: u64 = 600;
/// How many sessions are looked at in one step.
const PAGE: usize = 500;
/// How many bytes an id has in a slot.
const ID: usize = 16;

/// In which slot a session that ends then is looked at.
pub(super) fn slot_of(end: UnixTime) -> u64 {
    record::seconds(end) / SLOT
}

impl RedisStore {
    /// At most a page is removed in one step; between two of them all others have their turn.
    pub(super) async fn purged(
        &self,
        now: UnixTime,
        before: UnixTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.take_over().await?;
        let keys = &self.keys;
        let mut purge = Purge { store: self, now, before, left: u64::from(limit) };
        let mut slot = self.next_slot(None).await?;
        while let Some(number) = slot.filter(|number| *number <= slot_of(now)) {
            if purge.left == 0 {
                break;
            }
            purge.slot(number).await?;
            slot = self.next_slot(Some(number)).await?;
        }
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(&keys.revoked).arg("-inf").arg(format!("({}", before.0));
        let ids: Vec<String> = self.link.command(command.arg("LIMIT").arg(0).arg(purge.left)).await?;
        let ids = ids.iter().map(|id| id.parse().map_err(StoreError::corrupt("session id")));
        let ids: Vec<SessionId> = ids.collect::<Result<_, _>>()?;
        for page in ids.chunks(PAGE) {
            // Of one that is not there only the note is removed, whosever it was.
            let user = |owned: Option<(_, _)>| owned.map_or(UserId::from_bytes([0; 16]), |(_, user)| user);
            let owned = self.owned(page).await?.into_iter().map(user);
            purge.remove(&page.iter().copied().zip(owned).collect::<Vec<_>>()).await?;
        }
        Ok(u64::from(limit) - purge.left)
    }

    /// The first slot behind this one.
    async fn next_slot(&self, last: Option<u64>) -> Result<Option<u64>, StoreError> {
        let from = last.map_or("-inf".to_owned(), |last| format!("({last}"));
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(&self.keys.slots).arg(from).arg("+inf").arg("LIMIT").arg(0).arg(1);
        let found: Vec<u64> = self.link.command(&command).await?;
        Ok(found.first().copied())
    }

    /// A session that is moved meanwhile is moved to a later slot, so it is met there, if not here; and
    /// one that is met twice is remembered.
    pub(super) async fn counted(&self, used: &Range<UnixTime>, now: UnixTime) -> Result<u64, StoreError> {
        let mut counted = HashSet::new();
        let mut slot = self.next_slot(None).await?;
        while let Some(number) = slot {
            let ids: Vec<u8> = self.link.command(redis::cmd("GET").arg(self.keys.slot(number))).await?;
            for page in ids.chunks(ID * PAGE) {
                let mut invocation = script!("count.lua").prepare_invoke();
                invocation.key(&self.keys.live_since);
                invocation.arg(now.0).arg(used.start.0).arg(used.end.0);
                let ids = ids_in(page);
                ids.iter().for_each(|id| {
                    invocation.key(self.keys.session(*id));
                });
                let counts: Vec<bool> = self.link.script(&invocation).await?;
                counted.extend(ids.into_iter().zip(counts).filter_map(|(id, counts)| counts.then_some(id)));
            }
            slot = self.next_slot(Some(number)).await?;
        }
        Ok(counted.len() as u64)
    }
}

fn ids_in(bytes: &[u8]) -> Vec<SessionId> {
    bytes.as_chunks().0.iter().map(|id| SessionId::from_bytes(*id)).collect()
}

struct Purge<'s> {
    store: &'s RedisStore,
    now: UnixTime,
    before: UnixTime,
    /// How many more may be removed.
    left: u64,
}

impl Purge<'_> {
    /// Removes those of a page of sessions that are over; answers which stay.
    async fn remove(&mut self, sessions: &[(SessionId, UserId)]) -> Result<Vec<SessionId>, StoreError> {
        if sessions.is_empty() {
            return Ok(vec![]);
        }
        let keys = &self.store.keys;
        let mut invocation = script!("remove.lua").prepare_invoke();
        invocation.key(&keys.revoked).arg(self.now.0).arg(self.before.0);
        for (id, user) in sessions {
            invocation.key(keys.session(*id)).key(keys.users(*user));
            invocation.arg(id.to_string()).arg(&Keys::field(*user, *id));
        }
        let answers: Vec<i64> = self.store.link.script(&invocation).await?;
        let removed = answers.iter().filter(|answer| **answer == 1).count() as u64;
        self.left -= removed.min(self.left);
        let stay = sessions.iter().zip(answers).filter(|(_, answer)| *answer == -1);
        Ok(stay.map(|((id, _), _)| *id).collect())
    }

    /// Removes what is over of a slot, and moves on what is not, as far as the slot is.
    async fn slot(&mut self, number: u64) -> Result<(), StoreError> {
        let (store, mut from) = (self.store, 0);
        while self.left > 0 {
            let mut command = redis::cmd("GETRANGE");
            command.arg(store.keys.slot(number)).arg(from).arg(from + ID * PAGE - 1);
            let page: Vec<u8> = store.link.command(&command).await?;
            if page.is_empty() {
                break;
            }
            let ids = ids_in(&page);
            let (mut over, mut stays) = (vec![], vec![]);
            let mut later = BTreeMap::<u64, Vec<u8>>::new();
            for (id, owned) in ids.iter().zip(store.owned(&ids).await?) {
                match owned {
                    None => {}
                    Some((end, user)) if end <= self.now && (over.len() as u64) < self.left => {
                        over.push((*id, user));
                    }
                    Some((end, _)) if slot_of(end) > number => {
                        later.entry(slot_of(end)).or_default().extend_from_slice(id.as_bytes());
                    }
                    Some(_) => stays.extend_from_slice(id.as_bytes()),
                }
            }
            // One that another server has refreshed meanwhile, by a clock that is behind.
            for id in self.remove(&over).await? {
                stays.extend_from_slice(id.as_bytes());
            }
            if stays.len() < page.len() {
                let mut invocation = script!("settle.lua").prepare_invoke();
                invocation.key(&store.keys.slots).key(store.keys.slot(number));
                invocation.arg(number).arg(from).arg(&page).arg(&stays);
                for (slot, ids) in &later {
                    invocation.key(store.keys.slot(*slot)).arg(*slot).arg(ids);
                }
                if !store.link.script::<bool>(&invocation).await? {
                    // Another purge is at it.
                    break;
                }
            }
            from += stays.len();
        }
        Ok(())
    }
}
