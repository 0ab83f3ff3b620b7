//! `/metrics`: numbers by which others watch the server, in the text format of Prometheus.
//!
//! What requests cost is counted here, what happens to people and tokens where it happens (the audit
//! trail's [`counts`](crate::audit::Trail::counts), the hasher's threads, the feed of revocations), and
//! everything else is looked at when somebody asks. A label is a word of a small set: a route's pattern,
//! a reason, a key's name; never a path, a name, an address or a secret.

mod events;
mod listener;
mod requests;
mod sheet;
mod state;

pub(super) use listener::Listener;

use super::{
    guard::Rejection,
    health::{HealthCheck, Readiness},
    openapi::tag,
    started::Started,
};
use crate::grant::Authority;
use prometheus_client::{collector::Collector, encoding::prometheus_text, registry::Registry};
use requests::Requests;
use rocket::{
    Orbit, Request, Response, Rocket, State, get,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use sheet::Sheet;
use std::{
    fmt,
    io::Cursor,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Counts the dropped lines of the log.
#[derive(Clone)]
pub(super) struct LogLines(Arc<dyn Fn() -> u64 + Send + Sync>);

impl LogLines {
    pub(super) fn dropped(count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }
}

/// All that is counted of this server. Clones count together.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Counted>);

struct Counted {
    requests: Requests,
    refusals: events::Refusals,
    authority: Authority,
    health: HealthCheck,
    log_lines: Option<LogLines>,
    /// In seconds since 1970.
    began_at: f64,
}

impl Metrics {
    pub(super) fn of(authority: &Authority, health: &HealthCheck, log_lines: Option<LogLines>) -> Self {
        Self(Arc::new(Counted {
            requests: Requests::default(),
            refusals: events::Refusals::default(),
            authority: authority.clone(),
            health: health.clone(),
            log_lines,
            began_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        }))
    }

    /// Takes the routes that there are, which no longer change.
    pub(super) fn know_routes(&self, rocket: &Rocket<Orbit>) {
        self.0.requests.know_routes(rocket.routes());
    }

    /// Counts a request that is being answered.
    pub(super) fn note(&self, request: &Request<'_>, response: &Response<'_>) {
        let status = response.status();
        self.0.requests.note(request, status, Started::of(request).elapsed());
        if let Some(rejection) = Rejection::behind(request, status) {
            self.0.refusals.note(rejection);
        }
    }
}

/// Everything that there is to tell at one moment.
#[utoipa::path(
    operation_id = "metrics",
    tag = tag::HEALTH,
    summary = "Numbers for Prometheus",
    description = "Counts and times since the server began, and how it is at this moment.",
    responses((
        status = 200,
        description = "In the text format of Prometheus",
        content_type = "text/plain",
        body = String,
        example = "# HELP countersign_build_info Which version runs\n# TYPE countersign_build_info gauge\n",
    )),
)]
#[get("/metrics")]
pub(super) async fn metrics(metrics: &State<Metrics>) -> Page {
    let metrics = Metrics::clone(metrics);
    let readiness = Readiness::of(&metrics.0.health).await;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { metrics, readiness }));
    let mut text = String::new();
    // Nothing that is written here fails, nor does a text that is written to.
    let told = prometheus_text::encode(&mut text, &registry);
    Page(told.is_ok().then_some(text))
}

/// What one answer is made of.
struct Scrape {
    metrics: Metrics,
    readiness: Readiness,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: prometheus_client::encoding::DescriptorEncoder<'_>) -> fmt::Result {
        let Counted { requests, refusals, authority, log_lines, began_at, .. } = &*self.metrics.0;
        let sheet = &mut Sheet(encoder);
        sheet.gauge(
            "countersign_build_info",
            "Which version runs",
            [([("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        )?;
        sheet.number("process_start_time_seconds", "When it began, since 1970", *began_at)?;
        requests.tell(sheet)?;
        refusals.tell(sheet)?;
        events::tell(&authority.audit.counts(), sheet)?;
        if let Some(LogLines(dropped)) = log_lines {
            sheet.count(
                "countersign_log_lines_dropped",
                "Log lines that were dropped or could not be written",
                dropped(),
            )?;
        }
        state::tell(authority, &self.readiness, sheet)
    }
}

/// A page of numbers.
pub(super) struct Page(Option<String>);

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let text = self.0.ok_or(Status::InternalServerError)?;
        let kind = ContentType::parse_flexible(prometheus_text::CONTENT_TYPE).unwrap_or(ContentType::Plain);
        Response::build()
            .header(kind)
            .header(Header::new("Cache-Control", "no-store"))
            .sized_body(text.len(), Cursor::new(text))
            .ok()
    }
}
