//! Request guards: who is calling, and may they?
//!
//! - [`Claims`](crate::jwt::Claims): the token alone, no look-up; a person's or a service's.
//! - [`CurrentUser`]: the token, then the user's record; disabled and deleted users are refused, and
//!   so are services.
//! - [`Role`]: either of them, with a role.
//! - [`Scope`]: any of these, with a scope; `Claims` unless told otherwise.
//! - [`Authorized`]: any of these and the body, decided again once the body has arrived.
//!
//! `Claims` and `CurrentUser` also work behind a reference, and all of them in `Option` and in
//! `Result`. `Role` and `Scope` go around each other. A route that uses one in a Rocket without
//! [`stage()`](crate::stage()) aborts the launch. With a `Verifier` in its stead there are no users
//! to look up: only `Claims`, and `Role<R, Claims>` and `Scope<S>` around it, work.

mod authorized;
mod cache;
mod claims;
mod current_user;
mod own;
mod recogniser;
mod rejection;
mod role;
mod scope;

pub use authorized::{Authorized, AuthorizedError};
pub(super) use claims::recognised;
pub use current_user::CurrentUser;
pub(super) use own::{AccountHolder, Admin};
pub use rejection::Rejection;
pub use role::{HasRoles, NamedRole, Role};
pub use scope::{HasScope, NamedScope, Scope};

use crate::grant::Authority;
use recogniser::Recogniser;
use rocket::{
    Build, Ignite, Request, Rocket,
    request::{FromRequest, Outcome},
};

/// The caller whom the guard `U` lets in, if this is true of them as well.
async fn admit<'r, U: FromRequest<'r, Error = Rejection>>(
    request: &'r Request<'_>,
    is_so: fn(&U) -> bool,
    otherwise: Rejection,
) -> Outcome<U, Rejection> {
    match U::from_request(request).await {
        Outcome::Success(caller) if !is_so(&caller) => otherwise.outcome(request),
        outcome => outcome,
    }
}

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
