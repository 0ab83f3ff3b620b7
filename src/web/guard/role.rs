//! A caller with a role.

use super::{CurrentUser, Rejection, admit};
use crate::{jwt::Claims, user::RoleName};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};
use std::{marker::PhantomData, ops::Deref};

/// A role as a type, made by [`roles!`](crate::roles).
pub trait NamedRole: Send + Sync + 'static {
    /// The role's name, as it stands in tokens and in the store.
    const NAME: &'static str;
}

/// Makes marker types for roles. A name that no role can have does not compile.
///
/// ```
/// # use rocket::get;
/// use countersign::{Role, roles};
///
/// roles! {
///     /// May change what is published.
///     pub Editor = "editor";
///     pub Auditor = "auditor";
/// }
///
/// #[get("/drafts")]
/// fn drafts(editor: Role<Editor>) -> String {
///     format!("Drafts for {}", editor.username())
/// }
/// ```
///
/// ```compile_fail
/// countersign::roles! { pub Admin = " Admin"; }
/// ```
#[macro_export]
macro_rules! roles {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $text:literal;)*) => {$(
        #[doc = concat!("The role `", $text, "`.")]
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        const _: () = assert!($crate::user::RoleName::is_valid($text), "not a role's name");

        impl $crate::web::guard::NamedRole for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

/// A caller with the role `R`, and otherwise the guard `U`: [`CurrentUser`] (the token has the
/// role and the user still has it), or [`Claims`] (the token has it). Dereferences to `U`.
///
/// Of the tokens issued here, those of the built-in client have their user's roles, and those of a
/// registered client only with the scope [`countersign:roles`](crate::scope::ROLES).
#[derive(Clone, Debug)]
pub struct Role<R, U = CurrentUser>(U, PhantomData<fn() -> R>);

impl<R, U> Role<R, U> {
    /// The caller.
    pub fn into_inner(self) -> U {
        self.0
    }
}

impl<R, U> Deref for Role<R, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

/// Guards that know roles.
pub trait HasRoles {
    /// Whether this role is among them, byte for byte.
    fn has_role(&self, name: &str) -> bool;
}

impl HasRoles for CurrentUser {
    fn has_role(&self, name: &str) -> bool {
        self.roles().iter().map(RoleName::as_str).any(|role| role == name)
    }
}

impl HasRoles for Claims {
    fn has_role(&self, name: &str) -> bool {
        self.roles().iter().map(RoleName::as_str).any(|role| role == name)
    }
}

/// A reference to one, and a guard around one.
impl<T: Deref<Target: HasRoles>> HasRoles for T {
    fn has_role(&self, name: &str) -> bool {
        (**self).has_role(name)
    }
}

#[async_trait]
impl<'r, R, U> FromRequest<'r> for Role<R, U>
where
    R: NamedRole,
    U: FromRequest<'r, Error = Rejection> + HasRoles,
{
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let caller = admit(request, |caller: &U| caller.has_role(R::NAME), Rejection::MissingRole);
        caller.await.map(|caller| Self(caller, PhantomData))
    }
}

impl<R, U: Sentinel> Sentinel for Role<R, U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        U::abort(rocket)
    }
}
