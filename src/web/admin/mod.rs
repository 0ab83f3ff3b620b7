//! `/admin/…`: what only an [`Admin`](super::guard::Admin) may do.

mod change;
pub(super) mod clients;
mod fields;
pub(super) mod users;

use super::{
    answer::Problem,
    form::percent_decode,
    openapi::{Refusal, refusals},
};
use rocket::http::{Status, uri::Origin};

const ENCODING: &str = "limit, after and search must be percent-encoded UTF-8";

const LIMIT: &str = "limit must be a whole number from 1 to 200";
const TWICE: &str = "A parameter stands twice";

refusals! {
    /// What a page of a list cannot be.
    pub(super) NoPage => Refusal::requests([LIMIT, ENCODING, TWICE]);
}

fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

/// How many are asked for, from 1 to 200, and the name that they come after.
fn page(uri: &Origin<'_>) -> Result<(u32, Option<String>), Problem> {
    let limit = match one(uri, "limit")? {
        None => 50,
        Some(digits) => {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let limit = digits.parse().ok().filter(|limit| is_plain && (1..=200).contains(limit));
            limit.ok_or(bad(LIMIT))?
        }
    };
    Ok((limit, one(uri, "after")?))
}

/// A parameter of the query, decoded. Rocket would decode what is no UTF-8 too.
fn one(uri: &Origin<'_>, name: &str) -> Result<Option<String>, Problem> {
    let pairs = uri.query().into_iter().flat_map(|query| query.raw_segments());
    let mut values = pairs.map(|pair| pair.split_at_byte(b'=')).filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => percent_decode(value.as_bytes()).map(Some).map_err(|_| bad(ENCODING)),
        (Some(_), Some(_)) => Err(bad(TWICE)),
    }
}

/// Cuts off the one more that was asked for to see whether there is another page; if so, says the
/// last one's name.
fn cut<T, N>(found: &mut Vec<T>, limit: u32, name: impl Fn(&T) -> N) -> Option<N> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    found.last().filter(|_| more).map(name)
}
