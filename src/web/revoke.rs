//! `POST /revoke` (RFC 7009): ends a token for whoever holds it.

use super::{basic::ClientHeader, form, refused::Refused};
use crate::grant::{Authority, TokenQuery};
use rocket::{
    Request, Response, State,
    data::Data,
    http::{ContentType, Header},
    post,
    response::{self, Responder},
};

/// 200 and nothing more (RFC 7009 §2.2).
pub(super) struct Revoked;

impl<'r> Responder<'r, 'static> for Revoked {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build().header(Header::new("Cache-Control", "no-store")).ok()
    }
}

#[post("/revoke", data = "<data>")]
pub(super) async fn revoke(
    authority: &State<Authority>,
    content_type: Option<&ContentType>,
    client: ClientHeader,
    data: Data<'_>,
) -> Result<Revoked, Refused> {
    let mut query = TokenQuery::from(form::read(content_type, data).await?);
    client.complete(&mut query.client)?;
    authority.revoke(query).await?;
    Ok(Revoked)
}
