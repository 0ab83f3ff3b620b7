//! What became of all cases at one route.

use super::{Answer, Case, Reply};
use std::fmt;

/// Which answers of a route were wrong. `Display` is a table for people.
#[derive(Clone, Debug)]
pub struct Report {
    route: String,
    asked: usize,
    wrong: Vec<Wrong>,
}

/// An answer that was wrong.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// What was sent.
    pub case: Case,
    /// What came back.
    pub reply: Reply,
}

impl Report {
    /// A report on this route, such as `GET /orders`, of which nothing is known yet.
    pub fn on(route: impl Into<String>) -> Self {
        Self { route: route.into(), asked: 0, wrong: vec![] }
    }

    /// Takes down what a case was answered; whether it was right.
    pub fn note(&mut self, case: &Case, reply: Reply) -> bool {
        self.asked += 1;
        let right = case.answer.is(&reply);
        if !right {
            self.wrong.push(Wrong { case: case.clone(), reply });
        }
        right
    }

    /// How many cases there were.
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// The wrong answers, in the order in which they came.
    pub fn wrong(&self) -> &[Wrong] {
        &self.wrong
    }

    /// What most likely is the matter, if one thing explains it.
    fn hint(&self) -> Option<&'static str> {
        let refused = |status| {
            self.wrong
                .iter()
                .any(|wrong| wrong.case.answer == Answer::Accepted && wrong.reply.status == status)
        };
        let let_in = self
            .wrong
            .iter()
            .any(|wrong| wrong.case.answer == Answer::NoCredentials && Answer::Accepted.is(&wrong.reply));
        if let_in {
            Some("nobody has to log in here: the route has no guard, or an optional one")
        } else if refused(403) {
            Some("the good token lacks a role or a scope that the route wants: name it")
        } else if refused(404) {
            Some("there is no such route, or it has nothing to show: name one that answers a good token")
        } else if refused(401) {
            Some("a good token was refused, so nothing else here says much")
        } else {
            None
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, asked, wrong } = self;
        if wrong.is_empty() {
            return write!(f, "{route}: all {asked} answers are right");
        }
        writeln!(f, "{route}: {} of {asked} answers are wrong\n", wrong.len())?;
        let heads = ["what was sent", "must get", "got", "rule"].map(str::to_owned);
        let rows = wrong.iter().map(|Wrong { case, reply }| {
            let rule = [case.row, case.rule].join(" ");
            [shown(&case.what), case.answer.to_string(), reply.to_string(), rule.trim().to_owned()]
        });
        let table: Vec<_> = std::iter::once(heads).chain(rows).collect();
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2].map(width);
        for [what, must, got, rule] in &table {
            let [a, b, c] = widths;
            writeln!(f, "  {what:a$}  {must:b$}  {got:c$}  {rule}")?;
        }
        self.hint().map_or(Ok(()), |hint| write!(f, "\n{hint}"))
    }
}

/// With a bounded length.
fn shown(what: &str) -> String {
    const MOST: usize = 60;
    if what.chars().count() <= MOST {
        what.to_owned()
    } else {
        what.chars().take(MOST - 1).chain(['…']).collect()
    }
}
