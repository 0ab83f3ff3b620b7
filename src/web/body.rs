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

/// What is said when the connection breaks off, or the body's chunks are none.
pub(super) const UNREADABLE: &str = "The body could not be read";

/// Reads a body of at most `most` bytes.
pub(super) async fn read(data: Data<'_>, most: ByteUnit) -> Result<Vec<u8>, Problem> {
    let body = timeout(PATIENCE, data.open(most).into_bytes()).await;
    let body = body.map_err(|_| catcher::problem(Status::RequestTimeout))?.map_err(|_| Problem {
        status: Status::BadRequest,
        error: "invalid_request",
        description: UNREADABLE,
    })?;
    if body.is_complete() { Ok(body.into_inner()) } else { Err(catcher::problem(Status::PayloadTooLarge)) }
}
