//! Request guards: who is calling, and may they?
//!
//! - [`Claims`](crate::jwt::Claims): the token alone, no look-up.
//! - [`CurrentUser`]: the token, then the user's record; disabled and deleted users are refused.
//! - [`Role`]: either of them, with a role.
//!
//! All of them also work behind a reference, in `Option` and in `Result`. A route that uses one
//! in a Rocket without [`stage()`](crate::stage()) aborts the launch. With a
//! `Verifier` in its stead there are no users to look up: only `Claims` and `Role<R, Claims>` work.

mod claims;
mod current_user;
mod recogniser;
mod rejection;
mod role;

pub use current_user::CurrentUser;
pub use rejection::Rejection;
pub use role::{HasRoles, NamedRole, Role};

use crate::grant::Authority;
use recogniser::Recogniser;
use rocket::{Build, Ignite, Rocket};

/// Whether nothing is there to recognise a token, so that a guard could only ever fail.
fn stage_is_missing(rocket: &Rocket<Ignite>) -> bool {
    let missing = Recogniser::of(rocket).is_none();
    if missing {
        tracing::error!("a route uses Countersign's guards, but countersign::stage() is not attached");
    }
    missing
}

/// The same for a guard that also looks users up.
fn users_are_missing(rocket: &Rocket<Ignite>) -> bool {
    let missing = rocket.state::<Authority>().is_none();
    if missing && !stage_is_missing(rocket) {
        tracing::error!(
            "a route uses CurrentUser, or Role<_> without Claims, but there are no users here: another server \
             issues the tokens and keeps them; use Claims or Role<_, Claims>"
        );
    }
    missing
}

/// Whether nothing recognises tokens here yet. If something does, a second would be one too many:
/// a guard could not tell whose the tokens are.
pub(super) fn is_free(rocket: &Rocket<Build>) -> bool {
    let free = Recogniser::of(rocket).is_none();
    if !free {
        tracing::error!("either countersign::stage() or the stage of one Verifier can be attached, and once");
    }
    free
}
