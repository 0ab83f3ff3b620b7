//! Clients that refresh without a pause while something happens to the store.

use super::{Scene, Tokens, login, refresh};
use crate::{
    server::{Server, assert_token_error},
    servers::eventually,
};
use countersign::refresh_token::RefreshToken;
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

/// How many clients there are, each with a session of its own.
const CLIENTS: usize = 6;

/// One client's tokens, the current one last.
struct Line {
    tokens: Vec<String>,
    /// Whether the store may have lost the last of them, so that the session ends.
    may_end: bool,
    answers: Answers,
}

/// What the clients were answered.
#[derive(Clone, Copy, Default, Debug)]
pub struct Answers {
    pub tokens: usize,
    pub unavailable: usize,
    pub ended: usize,
}

impl Line {
    fn new(server: &Server, may_end: bool) -> Self {
        let first = Tokens::of(&server.send(login())).refresh;
        Self { tokens: vec![first], may_end, answers: Answers::default() }
    }

    /// Presents the current token once; whether it was answered by the next.
    fn goes_on(&mut self, server: &Server) -> bool {
        let current = self.tokens.last().expect("a token");
        let reply = server.send(refresh(current));
        match reply.status {
            200 => {
                let next = Tokens::of(&reply).refresh;
                let [old, new] =
                    [current, &next].map(|token| token.parse::<RefreshToken>().expect("a refresh token"));
                assert_eq!(new.session(), old.session());
                assert_eq!(new.generation(), old.generation() + 1, "each token has one successor, the next");
                self.tokens.push(next);
                self.answers.tokens += 1;
            }
            503 => self.answers.unavailable += 1,
            _ => {
                assert!(self.may_end, "the line broke: {}", reply.text());
                assert_token_error(&reply, "invalid_grant");
                // Nobody goes on with any other token of the session either.
                for token in &self.tokens {
                    assert_ne!(server.send(refresh(token)).status, 200, "an ended session goes on");
                }
                self.answers.ended += 1;
                let reply = server.send(login());
                if reply.status == 200 {
                    self.tokens = vec![Tokens::of(&reply).refresh];
                }
            }
        }
        reply.status == 200
    }
}

/// Tells all threads to end, also when the test has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

impl Scene {
    /// Clients refresh while `something` happens, and afterwards each of them still can. Nobody
    /// else gets in by what was ended before.
    pub fn lines_go_on_while(&self, may_end: bool, something: impl FnOnce()) -> Answers {
        let server = &self.server;
        let lines: Vec<_> = (0..CLIENTS).map(|_| Line::new(server, may_end)).collect();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let stop = Stop(&ended);
            let clients: Vec<_> = lines
                .into_iter()
                .map(|mut line| {
                    let ended = &ended;
                    scope.spawn(move || {
                        while !ended.load(SeqCst) {
                            if !line.goes_on(server) {
                                thread::sleep(Duration::from_millis(5));
                            }
                        }
                        eventually("the line goes on", || line.goes_on(server));
                        assert!(line.goes_on(server), "and is one line");
                        line.answers
                    })
                })
                .collect();
            scope.spawn(|| {
                while !ended.load(SeqCst) {
                    self.ended_stays_ended();
                }
            });
            something();
            drop(stop);
            let answers = clients.into_iter().map(|client| client.join().expect("the client"));
            answers.fold(Answers::default(), |sum, one| Answers {
                tokens: sum.tokens + one.tokens,
                unavailable: sum.unavailable + one.unavailable,
                ended: sum.ended + one.ended,
            })
        })
    }
}
