//! Following a list of revocations that is read elsewhere, and noticing when it is another one.

use super::{DenyList, KEPT_IN_STORE, Lag, Lags, MARGIN, Page, journal::Journal};
use crate::{
    client::ClientId,
    clock::{Clock, UnixTime},
    jwt::Claims,
    store::{Revocation, RevocationList, RevokedSubject},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Keeps a deny list by the pages of a list that somebody else reads: a resource server by those
/// of `GET /revocations`. No I/O.
///
/// ```
/// use countersign::{clock::SystemClock, revocation::{Follower, Page}};
/// use std::{sync::Arc, time::Duration};
/// use tokio::time::Instant;
///
/// # fn ask(from: u64, epoch: u64) -> Page {
/// #     serde_json::from_str(r#"{"from":0,"epoch":1,"read_at":1,"more":false,"revocations":[]}"#).unwrap()
/// # }
/// // The longest that an access token can be good for, leeway included.
/// let follower = Follower::new(Arc::new(SystemClock), Duration::from_secs(905));
/// loop {
///     let asked_at = Instant::now();
///     let page = ask(follower.from(), follower.epoch());
///     if !follower.take(&page, asked_at) {
///         break;
///     }
/// }
/// assert!(follower.is_caught_up());
/// ```
pub struct Follower {
    clock: Arc<dyn Clock>,
    pub(super) denied: DenyList,
    /// Watched by those who wait for more.
    pub(super) heard: watch::Sender<Heard>,
    began_at: Instant,
    /// When the list was last read to its end.
    complete_at: Mutex<Option<Instant>>,
    pub(super) lags: Lags,
    journal: Mutex<Journal>,
    keep: Duration,
}

/// How far the list has been read.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) epoch: u64,
    /// The greatest epoch or revision that was ever heard of.
    pub(super) greatest: u64,
    /// The last line: as long as it is there, the list is the one that was read.
    last: Option<Revocation>,
    /// Up to this position the journal has the lines already.
    known_until: u64,
    /// Whether the list has been read to its end since the epoch began here.
    caught_up: bool,
}

/// What is to be done after a page was read.
pub(super) enum Next {
    /// Nothing: that was all.
    Done,
    /// Read on.
    Read,
    /// The list is another one, or has lost something, so begin again.
    Lost,
}

impl Heard {
    pub(super) fn position(&self) -> u64 {
        self.last.as_ref().map_or(0, |line| line.position)
    }

    /// Whether the list goes on from the last line. If that line is old it may have been purged,
    /// provided that there are later ones.
    fn continues_in(&self, list: &RevocationList, is_old: impl Fn(&Revocation) -> bool) -> bool {
        let Some(last) = &self.last else { return true };
        match list.lines.first() {
            Some(first) if first.position == last.position => first == last,
            Some(_) => is_old(last),
            None => false,
        }
    }
}

impl Follower {
    /// Has heard of nothing yet. `token_life` is the longest that an access token can be good
    /// for, leeway included.
    pub fn new(clock: Arc<dyn Clock>, token_life: Duration) -> Self {
        Self::with_journal(clock, token_life, Journal::new(0))
    }

    pub(super) fn with_journal(clock: Arc<dyn Clock>, token_life: Duration, journal: Journal) -> Self {
        Self {
            clock,
            denied: DenyList::default(),
            heard: watch::Sender::default(),
            began_at: Instant::now(),
            complete_at: Mutex::default(),
            lags: Lags::default(),
            journal: Mutex::new(journal),
            keep: token_life.saturating_add(MARGIN),
        }
    }

    /// From which position to ask for the next page.
    pub fn from(&self) -> u64 {
        self.heard.borrow().position()
    }

    /// Which memory of the store has been read to its end; 0 for none yet. Whoever holds an
    /// answer back until there is something new has to know it.
    pub fn epoch(&self) -> u64 {
        let heard = self.heard.borrow();
        if heard.caught_up { heard.epoch } else { 0 }
    }

    /// Takes a page that was asked for at `asked_at`; says whether there is more to read at once.
    ///
    /// What it revokes is refused from then on. If the store that it is from began to remember
    /// anew, access tokens from before are refused too, and the list is read again from its
    /// beginning. What was refused stays so. A page from elsewhere than [`from`](Self::from),
    /// such as one that comes late or a second time, is passed over.
    pub fn take(&self, page: &Page, asked_at: Instant) -> bool {
        let epoch = page.list.epoch;
        if epoch == 0 {
            // A store that has just lost everything: its servers are about to begin anew.
            return false;
        }
        loop {
            match self.read(page, asked_at, |lag| self.lags.note(lag)) {
                Next::Done => return false,
                Next::Read => return true,
                Next::Lost => {
                    if self.epoch() != 0 {
                        tracing::error!(
                            epoch,
                            "the list of what was revoked is another one; reading it anew"
                        );
                    }
                    // Read from its beginning, this very page may be the first.
                    self.begin(epoch, 0);
                }
            }
        }
    }

    /// Whether a token with these claims was revoked, as far as has been heard.
    pub fn denies(&self, claims: &Claims) -> bool {
        self.denied.denies(claims)
    }

    /// How long ago the list was last read to its end, counted from when the page was asked for;
    /// before the first time, since this was made.
    pub fn staleness(&self) -> Duration {
        self.complete_at().unwrap_or(self.began_at).elapsed()
    }

    /// Whether the list has ever been read to its end.
    pub fn is_caught_up(&self) -> bool {
        self.complete_at().is_some()
    }

    /// How long the last revocations took from when they stood in the store to when they were
    /// read there; `None` before the first.
    pub fn lag(&self) -> Option<Lag> {
        self.lags.summary()
    }

    /// The least revision of this client whose tokens are taken, and when it was last revoked.
    pub(super) fn last_of(&self, id: &ClientId) -> Option<(u64, UnixTime)> {
        self.denied.client(id).map(|(first_good, until)| (first_good, until.minus(self.keep)))
    }

    /// Drops what no longer matters. To be called now and then.
    pub fn forget(&self) {
        self.denied.forget(self.clock.now(), self.clock.monotonic());
    }

    /// Reads a page, without deciding what to do if the list is another one.
    pub(super) fn read(&self, page: &Page, asked_at: Instant, lag: impl Fn(Duration)) -> Next {
        let mut next = Next::Read;
        self.heard.send_if_modified(|heard| {
            let before = heard.position();
            next = self.read_into(heard, page, lag);
            heard.position() != before
        });
        if let Next::Done = next {
            let mut complete_at = self.complete_at();
            *complete_at = complete_at.max(Some(asked_at));
        }
        next
    }

    fn read_into(&self, heard: &mut Heard, page: &Page, lag: impl Fn(Duration)) -> Next {
        if heard.position() != page.from {
            // Somebody has read on meanwhile; what counts is the list from there.
            return Next::Read;
        }
        let (list, now, monotonic) = (&page.list, self.clock.now(), self.clock.monotonic());
        // By the store's clock too: one of ours that is ahead must not hide that lines are missing.
        let purged_after = KEPT_IN_STORE.saturating_sub(MARGIN);
        let is_old = |line: &Revocation| {
            let age = Duration::from_millis(list.read_at.saturating_sub(line.written_at));
            line.at.plus(purged_after) <= now && purged_after <= age
        };
        if list.epoch == 0 || list.epoch != heard.epoch || !heard.continues_in(list, is_old) {
            return Next::Lost;
        }
        let mut journal = self.journal();
        for line in list.lines.iter().filter(|line| line.position > page.from) {
            if line.position > heard.known_until {
                journal.note(line);
            }
            self.denied.note(line, self.keep, monotonic);
            if let RevokedSubject::User(_, revision) = line.subject {
                heard.greatest = revision.max(heard.greatest);
            }
            // What was there before says nothing of how long it takes.
            if heard.caught_up {
                lag(Duration::from_millis(list.read_at.saturating_sub(line.written_at)));
            }
        }
        if let Some(last) = list.lines.last() {
            heard.last = Some(last.clone());
        }
        if page.more {
            return Next::Read;
        }
        journal.note_end(list.epoch);
        if !std::mem::replace(&mut heard.caught_up, true) {
            // The list has more than what matters here.
            self.denied.forget(now, monotonic);
        }
        Next::Done
    }

    /// Refuses tokens from before this epoch, and reads the list from its beginning. The journal has its
    /// lines up to the position `known_until` already.
    pub(super) fn begin(&self, epoch: u64, known_until: u64) {
        self.denied.begin_epoch(epoch);
        self.heard.send_modify(|heard| {
            let greatest = epoch.max(heard.greatest);
            *heard = Heard { epoch, greatest, last: None, known_until, caught_up: false };
        });
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.complete_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, denied) = (self.from(), self.denied.len());
        f.debug_struct("Follower").field("from", &from).field("denied", &denied).finish_non_exhaustive()
    }
}
