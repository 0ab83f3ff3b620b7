//! `/admin/…`: what needs the role `admin`.

pub(super) mod clients;
pub(super) mod users;

use super::answer::Problem;
use rocket::http::{Status, uri::Origin};

crate::roles! {
    /// May see and change accounts and clients.
    pub Admin = "admin";
}

fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

/// How many are asked for, from 1 to 200, and the name that they come after, percent-decoded.
fn page(uri: &Origin<'_>) -> Result<(u32, Option<String>), Problem> {
    let one = |name: &str| {
        let query = uri.query().into_iter().flat_map(|query| query.segments());
        let mut values = query.filter(|(key, _)| *key == name).map(|(_, value)| value);
        let first = values.next();
        if values.next().is_some() { Err(bad("A parameter stands twice")) } else { Ok(first) }
    };
    let limit = match one("limit")?.map(str::parse) {
        None => 50,
        Some(Ok(limit @ 1..=200)) => limit,
        Some(_) => return Err(bad("limit must be a whole number from 1 to 200")),
    };
    let decoded = |text: &str| super::form::percent_decode(text.as_bytes());
    let after =
        one("after")?.map(decoded).transpose().map_err(|_| bad("after must be percent-encoded UTF-8"))?;
    Ok((limit, after))
}

/// Cuts off the one more that was asked for to see whether there is another page; if so, says the
/// last one's name.
fn cut<T, N>(found: &mut Vec<T>, limit: u32, name: impl Fn(&T) -> N) -> Option<N> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    found.last().filter(|_| more).map(name)
}
