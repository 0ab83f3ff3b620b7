//! Refreshes of one session within a short time, as one line.

use super::{Action, Event, Outcome};
use crate::{clock::UnixTime, session::SessionId};
use std::{collections::HashMap, time::Duration};

/// For how long refreshes of a session are collected. Shorter than the usual life of an access token, so that
/// a session that refreshes as it should has a line for each.
const INTERVAL: Duration = Duration::from_secs(300);
/// How many sessions are kept track of. Refreshes of any other are one line each.
const MOST: usize = 20_000;

/// Sessions whose last refreshes are not all recorded yet.
#[derive(Default)]
pub(super) struct Refreshes(HashMap<SessionId, Series>);

/// Refreshes of one session that differ in nothing but their time.
struct Series {
    event: Event,
    began_at: UnixTime,
    last_at: UnixTime,
    /// How many have no line yet.
    unrecorded: u64,
}

/// A line to record.
pub(super) struct Due {
    pub(super) event: Event,
    pub(super) at: UnixTime,
    pub(super) times: u64,
}

impl Series {
    fn due(self) -> Option<Due> {
        let Self { event, last_at, unrecorded: times, .. } = self;
        (times > 0).then_some(Due { event, at: last_at, times })
    }

    /// Also when a clock was set back.
    fn has_ended(&self, now: UnixTime) -> bool {
        now.0.abs_diff(self.began_at.0) >= INTERVAL.as_secs()
    }
}

impl Refreshes {
    /// Takes an event: returns what to record before it, and whether to record the event itself now. The
    /// first refresh of a series is, those like it are collected, and any other event of the session ends
    /// the series, so that lines of one session are in order.
    pub(super) fn take(&mut self, event: &Event, now: UnixTime) -> (Option<Due>, bool) {
        let Some(session) = event.session else { return (None, true) };
        let is_refresh = (event.action, event.outcome) == (Action::Refresh, Outcome::Done);
        if let Some(series) = self.0.get_mut(&session)
            && is_refresh
            && series.event == *event
            && !series.has_ended(now)
        {
            series.unrecorded += 1;
            series.last_at = now;
            return (None, false);
        }
        let due = self.0.remove(&session).and_then(Series::due);
        if is_refresh && self.0.len() < MOST {
            let series = Series { event: event.clone(), began_at: now, last_at: now, unrecorded: 0 };
            self.0.insert(session, series);
        }
        (due, true)
    }

    /// What to record of series that have ended.
    pub(super) fn ended(&mut self, now: UnixTime) -> Vec<Due> {
        self.0.extract_if(|_, series| series.has_ended(now)).filter_map(|(_, series)| series.due()).collect()
    }

    /// What to record of all series, before the program ends.
    pub(super) fn all(&mut self) -> Vec<Due> {
        self.0.drain().filter_map(|(_, series)| series.due()).collect()
    }
}
