//! Request guards: who is calling, and may they?
//!
//! - [`Claims`](crate::jwt::Claims): the token alone, no look-up.
//! - [`CurrentUser`]: the token, then the user's record; disabled and deleted users are refused.
//! - [`Role`]: either of them, with a role.
//!
//! All of them also work behind a reference, in `Option` and in `Result`. A route that uses one
//! in a Rocket without [`stage()`](crate::stage()) aborts the launch.

mod claims;
mod current_user;
mod rejection;
mod role;

pub use current_user::CurrentUser;
pub use rejection::Rejection;
pub use role::{HasRoles, NamedRole, Role};

use crate::grant::Authority;
use rocket::{Ignite, Rocket};

/// Whether the stage is missing, so that a guard could only ever fail.
fn stage_is_missing(rocket: &Rocket<Ignite>) -> bool {
    let missing = rocket.state::<Authority>().is_none();
    if missing {
        tracing::error!("a route uses Countersign's guards, but countersign::stage() is not attached");
    }
    missing
}
