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
    /// What came back; `None`: nothing.
    pub reply: Option<Reply>,
}

impl Wrong {
    /// Whether somebody was let in who must not be, which is worse than a refusal of another kind.
    pub fn let_in(&self) -> bool {
        self.case.answer != Answer::Accepted && self.reply.as_ref().is_some_and(Reply::lets_in)
    }

    fn row(&self) -> [String; 4] {
        let rule = [self.case.row, self.case.rule].join(" ");
        let got = self.reply.as_ref().map_or_else(|| "no answer".into(), Reply::to_string);
        [shown(&self.case.what), self.case.answer.to_string(), got, rule.trim().to_owned()]
    }
}

impl Report {
    /// A report on this route, such as `GET /orders`, of which nothing is known yet.
    pub fn on(route: impl Into<String>) -> Self {
        Self { route: route.into(), asked: 0, wrong: vec![] }
    }

    /// Takes down what a case was answered, if it was; whether that was right.
    pub fn note(&mut self, case: &Case, reply: impl Into<Option<Reply>>) -> bool {
        self.asked += 1;
        let reply = reply.into();
        let right = reply.as_ref().is_some_and(|reply| case.answer.is(reply));
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
        let control = self.wrong.iter().find(|wrong| wrong.case.answer == Answer::Accepted);
        if let Some(control) = control {
            return match control.reply.as_ref()?.status {
                400 | 405 | 411 | 415 | 422 => {
                    Some("the request is not what the route takes: give it its method, headers and body")
                }
                401 => Some("a good token was refused, so that nothing else here says much"),
                403 => Some("the good token lacks a role or a scope that the route wants: name it"),
                404 => {
                    Some("nothing here takes this request: look at its path, its method and its content type")
                }
                _ => None,
            };
        }
        let let_in = |which: &dyn Fn(&Case) -> bool| {
            self.wrong.iter().any(|wrong| wrong.let_in() && which(&wrong.case))
        };
        if let_in(&|case| case.row == "H01") {
            Some("nobody has to log in here: the route has no guard, or an optional one")
        } else if let_in(&|case| case.answer == Answer::Forbidden) {
            Some("the route does not want the role or the scope that was named, or takes it from elsewhere")
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
        let (worse, others): (Vec<_>, Vec<_>) = wrong.iter().partition(|wrong| wrong.let_in());
        writeln!(f, "{route}: {} of {asked} answers are wrong, {} let in\n", wrong.len(), worse.len())?;
        let heads = ["what was sent", "must get", "got", "rule"].map(str::to_owned);
        let rows = worse.into_iter().chain(others).map(Wrong::row);
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
