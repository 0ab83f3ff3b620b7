//! Somebody who acts, and the trail that tells of it.

use super::{Actor, Event, Outcome, Trail};

/// Tells the trail what one actor does.
#[derive(Clone, Debug)]
pub struct Witness {
    trail: Trail,
    by: Actor,
}

/// What the trail says of an error.
pub trait Told {
    /// Whether it was refused or failed, and why, as a constant word.
    fn told(&self) -> (Outcome, &'static str);
}

impl Witness {
    /// Of what this actor does.
    pub fn of(by: Actor, trail: &Trail) -> Self {
        Self { trail: trail.clone(), by }
    }

    /// Does something, and tells what came of it.
    pub async fn note<T, E: Told>(
        &self,
        event: Event,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.note_all([event], work).await
    }

    /// The same of what happens in one step and is several things.
    pub async fn note_all<T, E: Told>(
        &self,
        events: impl IntoIterator<Item = Event>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let answer = work.await;
        for event in events {
            let mut event = event.by(self.by.clone());
            if let Err(error) = &answer {
                let (outcome, reason) = error.told();
                (event.outcome, event.reason) = (outcome, Some(reason));
            }
            self.trail.record(&event);
        }
        answer
    }

    /// Tells that this has been done.
    pub fn tell(&self, event: Event) {
        self.trail.record(&event.by(self.by.clone()));
    }
}
