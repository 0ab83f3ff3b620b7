//! Requests by method, route and status, and how long they took.

use super::sheet::Sheet;
use crate::{histogram::Histogram, web::malformed};
use rocket::{
    Request, Route,
    http::{Method, Status},
};
use std::{
    array, fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// The pattern of what no route has taken.
const UNMATCHED: &str = "unmatched";
/// All that Rocket knows.
const METHODS: [Method; 9] = [
    Method::Get,
    Method::Put,
    Method::Post,
    Method::Delete,
    Method::Options,
    Method::Head,
    Method::Trace,
    Method::Connect,
    Method::Patch,
];
/// HTTP's statuses are from 100 to 599 (RFC 9110 §15).
const LEAST: u16 = 100;
const STATUSES: usize = 500;

/// Counts without a lock: all that can be counted is there from the beginning.
#[derive(Default)]
pub(super) struct Requests(OnceLock<Known>);

struct Known {
    /// By where the routes are in memory, in that order. They stay there as long as Rocket runs.
    routes: Vec<(usize, usize)>,
    /// Of the routes, and behind them of what is unmatched, by method.
    series: Vec<Series>,
}

/// The requests of one method to one pattern.
struct Series {
    method: Method,
    pattern: String,
    statuses: Box<[AtomicU64; STATUSES]>,
    times: Histogram,
}

impl Series {
    fn of(method: Method, pattern: &str) -> Self {
        Self {
            method,
            pattern: pattern.to_owned(),
            statuses: Box::new(array::from_fn(|_| AtomicU64::new(0))),
            times: Histogram::default(),
        }
    }
}

impl Requests {
    pub(super) fn know_routes<'r>(&self, routes: impl Iterator<Item = &'r Route>) {
        let mut series: Vec<Series> = METHODS.map(|method| Series::of(method, UNMATCHED)).into();
        let mut places: Vec<_> = routes
            .map(|route| {
                let pattern = route.uri.path();
                let is_it = |one: &Series| one.method == route.method && one.pattern == pattern;
                let at = series.iter().position(is_it).unwrap_or_else(|| {
                    series.push(Series::of(route.method, pattern));
                    series.len() - 1
                });
                (place(route), at)
            })
            .collect();
        places.sort_unstable();
        // A Rocket lifts off once.
        let _ = self.0.set(Known { routes: places, series });
    }

    pub(super) fn note(&self, request: &Request<'_>, status: Status, time: Duration) {
        let Some(known) = self.0.get() else { return };
        let route = request.route().map(place);
        let found = route.and_then(|route| known.routes.binary_search_by_key(&route, |(at, _)| *at).ok());
        let series = match found {
            Some(at) => known.series.get(known.routes[at].1),
            None => {
                let method = malformed::method(request);
                known.series[..METHODS.len()].iter().find(|series| series.method == method)
            }
        };
        let Some(series) = series else { return };
        series.times.note(time);
        if let Some(count) = series.statuses.get(usize::from(status.code.wrapping_sub(LEAST))) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn tell(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let series = || self.0.get().into_iter().flat_map(|known| &known.series);
        let mut counts = vec![];
        for one in series() {
            for (status, count) in (LEAST..).zip(one.statuses.iter()) {
                match count.load(Relaxed) {
                    0 => {}
                    count => counts.push((one, status.to_string(), count)),
                }
            }
        }
        sheet.counter(
            "countersign_http_requests",
            "Requests that were answered, by the pattern of the route that took them",
            counts.iter().map(|(one, status, count)| {
                let labels =
                    [("method", one.method.as_str()), ("route", &*one.pattern), ("status", status.as_str())];
                (labels, *count)
            }),
        )?;
        let times = series().map(|one| (one, one.times.counted())).filter(|(_, times)| times.count > 0);
        sheet.histogram(
            "countersign_http_request_duration_seconds",
            "From a request's headers to its answer's",
            times.map(|(one, times)| ([("method", one.method.as_str()), ("route", &*one.pattern)], times)),
        )
    }
}

fn place(route: &Route) -> usize {
    std::ptr::from_ref(route).addr()
}
