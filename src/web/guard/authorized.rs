//! A body, and its sender as they are once it has arrived.

use super::cache::Cache;
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    data::{self, Data, FromData},
    http::Status,
    outcome::Outcome,
    request::FromRequest,
};
use thiserror::Error;

/// A data guard: the body as `D`, and the caller whom the guard `G` accepts after the body has arrived.
///
/// Request guards run before the body. A caller who holds the rest of it back can lose a role, be
/// disabled or be logged out meanwhile, and the route would still run. This data guard asks `G` twice:
/// before the body, so that a refused caller sends none, and afresh once `D` has read it. The second
/// answer counts, and is the one in [`caller`](Self::caller).
///
/// `G` is any request guard made of [Countersign's](super); where it accepts `Option` or `Result` the
/// route decides. `D` is any data guard that reads the body: `String`, `Json<T>`, `Form<T>`, or
/// `Result<Json<T>, _>` for a route that answers what it cannot parse. [`Data`] reads nothing, so
/// `Authorized<G, Data>` is no better than `G`; neither is another guard beside this one in the route.
///
/// A refusal is answered as `G`'s own is, and what `D` cannot read as `D`'s.
///
/// ```
/// # use rocket::post;
/// use countersign::{Authorized, Role, roles};
///
/// roles! { Editor = "editor"; }
///
/// #[post("/articles", data = "<article>")]
/// fn publish(article: Authorized<Role<Editor>, String>) -> String {
///     let Authorized { caller, body } = article;
///     format!("{} wrote {body}", caller.username())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Authorized<G, D> {
    /// The caller, as the guard saw them after the body had arrived.
    pub caller: G,
    /// The body.
    pub body: D,
}

/// Why an [`Authorized`] request was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AuthorizedError<G, D> {
    /// The guard refused the caller, before or after the body.
    #[error("the caller was refused")]
    Caller(G),
    /// The body could not be read.
    #[error("the body could not be read")]
    Body(D),
    /// The guard forwarded the request after the body, of which there is nothing left for another route.
    #[error("the request was forwarded with {0} after its body")]
    Forwarded(Status),
}

#[async_trait]
impl<'r, G, D> FromData<'r> for Authorized<G, D>
where
    G: FromRequest<'r, Error: Send>,
    D: FromData<'r> + Send,
{
    type Error = AuthorizedError<G::Error, D::Error>;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        match G::from_request(request).await {
            Outcome::Success(_) => tracing::debug!("the caller is accepted; the body is read"),
            Outcome::Error((status, error)) => {
                return Outcome::Error((status, AuthorizedError::Caller(error)));
            }
            Outcome::Forward(status) => return Outcome::Forward((data, status)),
        }
        let body = match D::from_data(request, data).await {
            Outcome::Success(body) => body,
            Outcome::Error((status, error)) => {
                return Outcome::Error((status, AuthorizedError::Body(error)));
            }
            Outcome::Forward(rest) => return Outcome::Forward(rest),
        };
        Cache::renew(request);
        match G::from_request(request).await {
            Outcome::Success(caller) => Outcome::Success(Self { caller, body }),
            Outcome::Error((status, error)) => Outcome::Error((status, AuthorizedError::Caller(error))),
            Outcome::Forward(status) => Outcome::Error((status, AuthorizedError::Forwarded(status))),
        }
    }
}

impl<G: Sentinel, D> Sentinel for Authorized<G, D> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        G::abort(rocket)
    }
}
