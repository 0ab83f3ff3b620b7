//! HTTP held to the letter in a Rocket that has no [`stage()`](super::stage()).

use super::{form_method, malformed};
use rocket::{
    Request, Response, async_trait,
    data::Data,
    fairing::{Fairing, Info, Kind},
};

/// Treats each request as a stage with [`strict_http`](super::Stage::strict_http) does.
pub(super) struct StrictHttp;

#[async_trait]
impl Fairing for StrictHttp {
    fn info(&self) -> Info {
        Info { name: "Countersign's strict HTTP", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        if !malformed::check(request, data, true).await {
            form_method::undo(request, data, true).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        malformed::answer(request, response);
    }
}
