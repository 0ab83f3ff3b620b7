//! A caller whose token has a scope.

use super::{CurrentUser, Rejection, admit};
use crate::jwt::Claims;
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};
use std::{marker::PhantomData, ops::Deref};

/// A scope as a type, made by [`scopes!`](crate::scopes).
pub trait NamedScope: Send + Sync + 'static {
    /// The scope token, as it stands in tokens.
    const NAME: &'static str;
}

/// Makes marker types for scopes. A text that is no scope token (RFC 6749 §3.3) does not compile.
///
/// ```
/// # use rocket::get;
/// use countersign::{Scope, scopes};
///
/// scopes! {
///     /// May see what was counted.
///     pub ReadReports = "reports:read";
///     pub WriteReports = "reports:write";
/// }
///
/// #[get("/reports")]
/// fn reports(caller: Scope<ReadReports>) -> String {
///     format!("Reports for {}", caller.subject())
/// }
/// ```
///
/// ```compile_fail
/// countersign::scopes! { pub Both = "reports:read reports:write"; }
/// ```
#[macro_export]
macro_rules! scopes {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $text:literal;)*) => {$(
        #[doc = concat!("The scope `", $text, "`.")]
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        const _: () = assert!($crate::scope::Scope::is_token($text), "not a scope token");

        impl $crate::web::guard::NamedScope for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

/// A caller whose token has the scope `S`, and otherwise the guard `U`: [`Claims`] (a person or a
/// service), [`CurrentUser`] or [`Role`](super::Role). Dereferences to `U`. Who lacks the scope is
/// told which one it is (RFC 6750 §3).
///
/// With a role as well, either may stand around the other:
///
/// ```
/// # use rocket::get;
/// # countersign::roles! { Admin = "admin"; }
/// # countersign::scopes! { ReadReports = "reports:read"; }
/// use countersign::{Role, Scope};
///
/// #[get("/reports/all")]
/// fn all(admin: Scope<ReadReports, Role<Admin>>) -> String {
///     format!("All reports for {}", admin.username())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Scope<S, U = Claims>(U, PhantomData<fn() -> S>);

impl<S, U> Scope<S, U> {
    /// The caller.
    pub fn into_inner(self) -> U {
        self.0
    }
}

impl<S, U> Deref for Scope<S, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

/// Guards that know the scope of the token.
pub trait HasScope {
    /// Whether this scope token is in it, byte for byte.
    fn has_scope(&self, name: &str) -> bool;
}

impl HasScope for Claims {
    fn has_scope(&self, name: &str) -> bool {
        self.scope().contains(name)
    }
}

impl HasScope for CurrentUser {
    fn has_scope(&self, name: &str) -> bool {
        self.claims().has_scope(name)
    }
}

/// A reference to one, and a guard around one.
impl<T: Deref<Target: HasScope>> HasScope for T {
    fn has_scope(&self, name: &str) -> bool {
        (**self).has_scope(name)
    }
}

#[async_trait]
impl<'r, S, U> FromRequest<'r> for Scope<S, U>
where
    S: NamedScope,
    U: FromRequest<'r, Error = Rejection> + HasScope,
{
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let caller = admit(request, |caller: &U| caller.has_scope(S::NAME), Rejection::MissingScope(S::NAME));
        caller.await.map(|caller| Self(caller, PhantomData))
    }
}

impl<S, U: Sentinel> Sentinel for Scope<S, U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        U::abort(rocket)
    }
}
