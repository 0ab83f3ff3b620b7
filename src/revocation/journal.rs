//! What was revoked last, to be repeated to a store that has lost it.

use crate::store::{Revocation, RevokedSubject};
use std::collections::{HashMap, VecDeque};

/// How many lines are kept, whatever their age: some two megabytes at most, and no more revocations
/// than a store repeats in seconds.
pub(super) const KEPT: usize = 10_000;

/// The last lines of the list, in the order in which they were heard of. No clock decides how long.
#[derive(Debug, Default)]
pub(super) struct Journal {
    lines: VecDeque<Revocation>,
    room: usize,
    /// The epoch in which the list was read for the first time.
    since: u64,
    /// Whether it has every line that there ever was up to then and since; `None` before the first.
    is_whole: Option<bool>,
}

/// What a list lacks that a store has after a loss.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// The position there of the last line that is known here; 0 if there is none.
    pub(super) known_until: u64,
    /// What was revoked since.
    pub(super) subjects: Vec<RevokedSubject>,
    /// Whether nothing else can have been.
    pub(super) is_all: bool,
}

impl Journal {
    pub(super) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Adds a line that follows the last.
    pub(super) fn note(&mut self, line: &Revocation) {
        if self.room == 0 {
            return;
        }
        self.is_whole.get_or_insert(line.position == 1);
        if self.lines.len() == self.room {
            self.lines.pop_front();
            self.is_whole = Some(false);
        }
        self.lines.push_back(line.clone());
    }

    /// The list has been read to its end, in this epoch.
    pub(super) fn note_end(&mut self, epoch: u64) {
        if self.since == 0 {
            self.since = epoch;
        }
        // The last line of a list is never removed: if it is empty, nothing was ever revoked.
        self.is_whole.get_or_insert(true);
    }

    /// Returns what a list of this epoch, which has these lines, lacks. Of two servers' lists one is
    /// the beginning of the other up to the last line that both have, so all that follows here is lost.
    pub(super) fn lost(&self, epoch: u64, list: impl IntoIterator<Item = Revocation>) -> Lost {
        let places: HashMap<&Revocation, usize> = self.lines.iter().zip(1..).collect();
        let common = list.into_iter().filter_map(|line| Some((*places.get(&line)?, line.position)));
        let (place, known_until) = common.max().unwrap_or_default();
        Lost {
            known_until,
            subjects: self.lines.range(place..).map(|line| line.subject.clone()).collect(),
            is_all: self.since <= epoch && (place > 0 || self.is_whole == Some(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::UnixTime, session::SessionId};

    fn line(position: u64, session: u8) -> Revocation {
        let subject = RevokedSubject::Session(SessionId::from_bytes([session; 16]));
        Revocation { position, at: UnixTime(1), written_at: 1_000, subject }
    }

    fn lines(positions: impl IntoIterator<Item = u64>) -> Vec<Revocation> {
        positions.into_iter().map(|position| line(position, position as u8)).collect()
    }

    fn journal(room: usize, epoch: u64, lines: &[Revocation]) -> Journal {
        let mut journal = Journal::new(room);
        lines.iter().for_each(|line| journal.note(line));
        journal.note_end(epoch);
        journal
    }

    fn lost(known_until: u64, of: &[Revocation], is_all: bool) -> Lost {
        Lost { known_until, subjects: of.iter().map(|line| line.subject.clone()).collect(), is_all }
    }

    #[test]
    fn what_follows_the_last_common_line_is_lost() {
        let all = lines(1..=6);
        let journal = journal(10, 100, &all);
        for left in 0..=6 {
            let list = all[..left].to_vec();
            assert_eq!(journal.lost(100, list), lost(left as u64, &all[left..], true), "{left} are left");
        }
        let trimmed = all[2..4].to_vec();
        assert_eq!(journal.lost(100, trimmed), lost(4, &all[4..], true), "old lines may have been removed");
        let other = [all[..3].to_vec(), vec![line(4, 44), line(5, 55)]].concat();
        assert_eq!(journal.lost(100, other), lost(3, &all[3..], true), "what others added since is not ours");
    }

    #[test]
    fn it_says_when_it_cannot_know_what_is_lost() {
        let all = lines(1..=6);
        let full = journal(4, 100, &all);
        assert_eq!(full.lost(100, all[..3].to_vec()), lost(3, &all[3..], true));
        assert_eq!(full.lost(100, all[..2].to_vec()), lost(0, &all[2..], false), "the room was too small");
        assert_eq!(full.lost(100, vec![]), lost(0, &all[2..], false));
        let late = journal(10, 100, &all[3..]);
        assert_eq!(late.lost(100, all[..5].to_vec()), lost(5, &all[5..], true));
        assert_eq!(late.lost(100, all[..3].to_vec()), lost(0, &all[3..], false), "from before it began");
        let whole = journal(10, 100, &all);
        assert!(!whole.lost(99, all.clone()).is_all, "an epoch that it has not seen");
        assert!(whole.lost(101, all.clone()).is_all);
        assert!(journal(10, 100, &[]).lost(100, vec![]).is_all, "nothing was ever revoked");
    }
}
