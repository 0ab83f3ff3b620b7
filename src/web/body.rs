//! Request bodies: none is longer, or takes longer, than it may. What is in them is others' business.

use super::{answer::Problem, catcher};
use rocket::{
    data::{ByteUnit, Data},
    http::Status,
};
use std::time::Duration;
use tokio::time::timeout;

/// How long a body, or a look at how it begins, is waited for. Rocket waits for the first 14 bytes of one
/// without limit; that and slow headers only a proxy can end.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The answer when the connection ends within the body, or a chunk of it is malformed.
pub(super) const UNREADABLE: Problem = Problem {
    status: Status::BadRequest,
    error: "invalid_request",
    description: "The body could not be read",
};

/// Why the beginning of a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It did not come within [`PATIENCE`].
    Late,
    /// The connection ended within it, or a chunk of it is malformed.
    Broken,
}

/// Returns the first `count` bytes of a body, or all of a shorter one; `count` is at most 512.
///
/// [`Data::peek`] hides errors: the body then seems to end there.
pub(super) async fn peek<'d>(data: &'d mut Data<'_>, count: usize) -> Result<&'d [u8], Unseen> {
    let length = timeout(PATIENCE, data.peek(count)).await.map_err(|_| Unseen::Late)?.len();
    if length < count && !data.peek_complete() {
        return Err(Unseen::Broken);
    }
    Ok(data.peek(length).await)
}

/// Returns whether Rocket met an error when it read the first `count` bytes, just before.
pub(super) async fn is_broken(data: &mut Data<'_>, count: usize) -> bool {
    // It reads until there are enough bytes, until the body ends (which it notes), or until an error.
    let has_ended = data.peek_complete();
    !has_ended && timeout(PATIENCE, data.peek(count)).await.map_or(true, |begin| begin.len() < count)
}

/// Reads a body of at most `most` bytes.
pub(super) async fn read(data: Data<'_>, most: ByteUnit) -> Result<Vec<u8>, Problem> {
    let body = timeout(PATIENCE, data.open(most).into_bytes()).await;
    let body = body.map_err(|_| catcher::problem(Status::RequestTimeout))?.map_err(|_| UNREADABLE)?;
    if body.is_complete() { Ok(body.into_inner()) } else { Err(catcher::problem(Status::PayloadTooLarge)) }
}
