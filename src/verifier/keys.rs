//! The last good key set of an issuer, and when it is asked for another.

use super::source::{FetchError, Published, Source};
use crate::{jwt::KnownKeys, store::causes};
use std::{convert::Infallible, ops::RangeInclusive, sync::Arc, time::Duration};
use tokio::{
    select,
    sync::{Mutex, Notify, watch},
    time::{Instant, sleep_until, timeout},
};

/// Within what an issuer's own `max-age` is followed.
const MAX_AGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);
/// How long to wait before an issuer that has never answered is asked again.
const RETRY: Duration = Duration::from_secs(1);
/// How many of the keys that cannot be used are named in the log.
const NAMED: usize = 10;

/// The keys of one issuer.
///
/// Only [`follow`](Self::follow) fetches, so there is one fetch at a time and none is given up
/// because whoever wanted it has hung up.
pub(super) struct Keys {
    source: Source,
    refresh_every: Duration,
    cool_down: Duration,
    word: watch::Sender<Word>,
    wanted: Notify,
    announced: Notify,
    following: Mutex<Told>,
}

/// What is known of the issuer.
#[derive(Default)]
struct Word {
    /// The last good set, and by which it is known again.
    keys: Option<Arc<KnownKeys>>,
    tag: String,
    /// The set that the issuer says it has published.
    announced: Option<String>,
    /// Since when that has not been the one known.
    outdated_since: Option<Instant>,
    last_fetch: Fetched,
    /// When a fetch for the sake of an unknown `kid` was last over.
    asked_at: Option<Instant>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fetched {
    #[default]
    NotYet,
    Well,
    Failed,
}

/// Why the issuer is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Due,
    /// For the sake of an unknown `kid`.
    Wanted,
}

/// What the log has been told.
#[derive(Default)]
struct Told {
    passed_over: Vec<String>,
}

impl Keys {
    pub(super) fn new(source: Source, refresh_every: Duration, cool_down: Duration) -> Self {
        Self {
            source,
            refresh_every,
            cool_down,
            word: watch::Sender::default(),
            wanted: Notify::new(),
            announced: Notify::new(),
            following: Mutex::default(),
        }
    }

    /// The last good set.
    pub(super) fn known(&self) -> Option<Arc<KnownKeys>> {
        self.word.borrow().keys.clone()
    }

    /// The newest set, for a `kid` that is not in the one known: the issuer is asked, unless it
    /// was within the cool-down. `None`: it cannot be asked.
    pub(super) async fn ask(&self) -> Option<Arc<KnownKeys>> {
        let mut word = self.word.subscribe();
        let now = Instant::now();
        if !self.is_cooling(&word.borrow()) {
            self.wanted.notify_one();
            let asked = word.wait_for(|word| word.asked_at.is_some_and(|at| at >= now));
            timeout(self.source.deadline(), asked).await.ok()?.ok()?;
        }
        let word = word.borrow();
        word.keys.clone().filter(|_| word.last_fetch == Fetched::Well)
    }

    pub(super) async fn first_fetch(&self) {
        let mut word = self.word.subscribe();
        let over = word.wait_for(|word| word.last_fetch != Fetched::NotYet);
        // Not over is no error: it goes on in the background.
        let _ = timeout(self.source.deadline(), over).await;
    }

    /// The issuer says that this is the set that it has published, if it says which.
    pub(super) fn announce(&self, tag: Option<&str>) {
        let is_news = self.word.send_if_modified(|word| {
            let is_news = word.announced.as_deref() != tag;
            word.announced = tag.map(str::to_owned);
            word.compare();
            is_news
        });
        if is_news && self.word.borrow().outdated_since.is_some() {
            self.announced.notify_one();
        }
    }

    /// How long the known set has not been the one that the issuer says it has published.
    pub(super) fn staleness(&self) -> Duration {
        self.word.borrow().outdated_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Fetches for ever; calls `before` with the keys that are about to be replaced or kept.
    pub(super) async fn follow(&self, before: impl Fn(&KnownKeys)) -> Infallible {
        let mut told = self.following.lock().await;
        let mut due = Instant::now();
        loop {
            let reason = select! {
                () = sleep_until(due) => Reason::Due,
                () = self.wanted.notified() => Reason::Wanted,
                () = self.announced.notified() => Reason::Due,
            };
            // Whoever came while the last answer was on its way has had it.
            if reason == Reason::Wanted && self.is_cooling(&self.word.borrow()) {
                continue;
            }
            if let Some(known) = self.known() {
                before(&known);
            }
            let fetched = self.source.fetch().await;
            told.of(&fetched, &self.word.borrow(), &self.source);
            let pause = self.note(fetched, reason == Reason::Wanted);
            // A cache may have answered, or one of several servers which had not heard yet.
            let is_outdated = self.word.borrow().outdated_since.is_some();
            due = Instant::now() + if is_outdated { pause.min(RETRY) } else { pause };
        }
    }

    /// Takes the outcome of a fetch; says when the next is due.
    fn note(&self, fetched: Result<Published, FetchError>, wanted: bool) -> Duration {
        let mut pause = self.refresh_every;
        self.word.send_modify(|word| {
            word.last_fetch = if fetched.is_ok() { Fetched::Well } else { Fetched::Failed };
            if wanted {
                word.asked_at = Some(Instant::now());
            }
            match fetched {
                Ok(published) => {
                    word.keys = Some(Arc::new(KnownKeys::new(published.keys)));
                    word.tag = published.tag;
                    word.compare();
                    if let Some(max_age) = published.max_age {
                        pause = max_age.clamp(*MAX_AGE.start(), *MAX_AGE.end());
                    }
                }
                Err(_) if word.keys.is_none() => pause = RETRY,
                Err(_) => pause = pause.min(self.cool_down),
            }
        });
        pause
    }

    fn is_cooling(&self, word: &Word) -> bool {
        word.asked_at.is_some_and(|at| at.elapsed() < self.cool_down)
    }
}

impl Word {
    /// Whether the known set is the one that is said to be published.
    fn compare(&mut self) {
        let is_outdated = self.announced.as_ref().is_some_and(|tag| *tag != self.tag);
        let since = self.outdated_since.get_or_insert_with(Instant::now);
        self.outdated_since = is_outdated.then_some(*since);
    }
}

impl Told {
    /// Tells the log of what is new.
    fn of(&mut self, fetched: &Result<Published, FetchError>, before: &Word, source: &Source) {
        let name = source.name();
        match fetched {
            Ok(published) => {
                if before.last_fetch == Fetched::Failed {
                    tracing::info!("the keys at {name} can be had again");
                }
                self.of_passed_over(published, &name);
            }
            Err(_) if before.last_fetch == Fetched::Failed => {}
            Err(error) => {
                let consequence = match before.keys {
                    Some(_) => "the last good ones are kept",
                    None => "access tokens are refused (503) until there are some",
                };
                tracing::error!("the keys at {name} cannot be had, {consequence}: {}", causes(error));
            }
        }
    }

    fn of_passed_over(&mut self, published: &Published, name: &str) {
        let passed_over: Vec<_> = published.passed_over.iter().map(ToString::to_string).collect();
        let new: Vec<_> = passed_over.iter().filter(|text| !self.passed_over.contains(text)).collect();
        for text in new.iter().take(NAMED) {
            tracing::warn!("of the keys at {name}, one is not used: {text}");
        }
        if new.len() > NAMED {
            tracing::warn!("of the keys at {name}, {} more are not used", new.len() - NAMED);
        }
        self.passed_over = passed_over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{HmacSecret, KeySet, SigningKey};

    fn keys() -> Keys {
        let url = "http://127.0.0.1/".parse().expect("a URL");
        let source = Source::new(url, Duration::from_secs(1)).expect("a client");
        Keys::new(source, Duration::from_secs(300), Duration::from_secs(20))
    }

    fn published(max_age: Option<u64>) -> Result<Published, FetchError> {
        let secret = HmacSecret::parse(b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1").expect("a secret");
        let keys = KeySet::of([&SigningKey::hs256(&secret)]).expect("a set");
        let max_age = max_age.map(Duration::from_secs);
        Ok(Published { keys, passed_over: vec![], max_age, tag: "tag".into() })
    }

    #[test]
    fn the_issuer_says_how_long_its_keys_are_kept_within_limits() {
        let keys = keys();
        for (max_age, pause) in [
            (None, 300),
            (Some(0), 10),
            (Some(9), 10),
            (Some(60), 60),
            (Some(3_600), 3_600),
            (Some(u64::MAX), 3_600),
        ] {
            assert_eq!(keys.note(published(max_age), false), Duration::from_secs(pause), "{max_age:?}");
        }
    }

    #[test]
    fn after_a_failure_it_is_asked_again_sooner_and_soonest_before_there_are_any() {
        let keys = keys();
        let late = || Err(FetchError::Late(Duration::from_secs(1)));
        assert_eq!(keys.note(late(), false), Duration::from_secs(1));
        keys.note(published(Some(3_600)), false);
        assert_eq!(keys.note(late(), false), Duration::from_secs(20));
        assert!(keys.known().is_some());
    }
}
