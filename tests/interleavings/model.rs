//! What a store of one user's sessions has to answer, written without a lock, a map or a clock.

/// For how long a parent is answered with its successor, in seconds.
pub const GRACE: u64 = 10;

/// What a thread asks of the store. Session 0 is there from the beginning.
#[derive(Clone, Debug)]
pub enum Question {
    /// Takes the token of this generation of session 0 for its successor.
    Advance {
        generation: u64,
        now: u64,
        grace: u64,
    },
    Find {
        session: u8,
        now: u64,
    },
    Revoke {
        session: u8,
        now: u64,
    },
    RevokeUser {
        now: u64,
    },
    /// A login that read the user's revision at the very beginning.
    Create {
        session: u8,
        now: u64,
        cap: u32,
    },
    /// The whole list of revocations.
    List,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Advanced(u64),
    Repeated(u64),
    Reused,
    Gone,
    /// The generation, if it is live.
    Found(Option<u64>),
    Revoked(bool),
    RevokedAll(u64),
    Created(bool),
    /// The sessions, in order of their numbers, and how many times all were revoked.
    Listed(Vec<u8>, usize),
}

#[derive(Clone, Debug)]
struct Session {
    number: u8,
    generation: u64,
    created: u64,
    used: u64,
    ended: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    sessions: Vec<Session>,
    listed: Vec<u8>,
    revoked_all: usize,
}

impl Model {
    /// With session 0, last used at `now`.
    pub fn new(now: u64) -> Self {
        let first = Session { number: 0, generation: 0, created: now, used: now, ended: false };
        Self { sessions: vec![first], listed: vec![], revoked_all: 0 }
    }

    fn live(&mut self, number: u8) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number && !session.ended)
    }

    fn end(&mut self, number: u8) -> bool {
        let ended = self.live(number).map(|session| session.ended = true).is_some();
        self.listed.extend(ended.then_some(number));
        ended
    }

    pub fn ask(&mut self, question: &Question) -> Answer {
        match *question {
            Question::Advance { generation, now, grace } => {
                let Some(session) = self.live(0) else { return Answer::Gone };
                if generation == session.generation {
                    (session.generation, session.used) = (generation + 1, now);
                    Answer::Advanced(session.generation)
                } else if generation + 1 == session.generation && grace > 0 && now < session.used + grace {
                    Answer::Repeated(session.generation)
                } else {
                    self.end(0);
                    Answer::Reused
                }
            }
            Question::Find { session, .. } => Answer::Found(self.live(session).map(|found| found.generation)),
            Question::Revoke { session, .. } => Answer::Revoked(self.end(session)),
            Question::RevokeUser { .. } => {
                self.revoked_all += 1;
                let live = self.sessions.iter_mut().filter(|session| !session.ended);
                Answer::RevokedAll(live.map(|session| session.ended = true).count() as u64)
            }
            Question::Create { session, now, cap } => {
                if self.revoked_all > 0 {
                    return Answer::Created(false);
                }
                let mut others: Vec<_> = self.sessions.iter().filter(|other| !other.ended).collect();
                others.sort_by_key(|other| std::cmp::Reverse((other.used, other.created)));
                let over: Vec<_> = others.iter().skip(cap as usize - 1).map(|other| other.number).collect();
                for number in over {
                    self.end(number);
                }
                self.sessions.push(Session {
                    number: session,
                    generation: 0,
                    created: now,
                    used: now,
                    ended: false,
                });
                Answer::Created(true)
            }
            Question::List => {
                let mut listed = self.listed.clone();
                listed.sort_unstable();
                Answer::Listed(listed, self.revoked_all)
            }
        }
    }
}
