//! Undoes Rocket's `_method`. Before any fairing runs, Rocket replaces the method of a `POST` request by the
//! value of its form's first field if that is called `_method`, on every path. This cannot be switched off.

use super::{body, method};
use rocket::{Build, Request, Rocket, Route, data::Data, form::Form, http::Method};

/// How many bytes of each body Rocket reads to find `_method` (`Rocket::preprocess_request`).
pub(super) const LOOKED_AT: usize = 14;

/// Rocket ignores forms shorter than this.
const SHORTEST: usize = "_method=get".len();

/// Our routes, on which `_method` never counts.
pub(super) struct OurRoutes(Vec<Route>);

impl OurRoutes {
    /// The routes that were mounted after the first `before` ones.
    pub(super) fn mounted_after(before: usize, rocket: &Rocket<Build>) -> Self {
        Self(rocket.routes().skip(before).cloned().collect())
    }

    fn include_path_of(&self, request: &Request<'_>) -> bool {
        self.0.iter().any(|route| method::matches(route, request))
    }
}

/// Restores the method of a request that came as `POST`: on our paths always, on all paths if `everywhere`.
/// `HEAD` is restored on all paths, since the response to it has no body, for which the client would wait.
///
/// Repeats Rocket's decision on the same bytes. A `DELETE` request with the form `_method=DELETE` cannot be
/// told from a rewritten `POST` and becomes one too.
pub(super) async fn undo(request: &mut Request<'_>, data: &mut Data<'_>, everywhere: bool) {
    if request.method() == Method::Post || !request.content_type().is_some_and(|kind| kind.is_form()) {
        return;
    }
    // `malformed` refuses a body that cannot be read.
    let Ok(begin) = body::peek(data, LOOKED_AT).await else { return };
    if of_form(begin) != Some(request.method()) {
        return;
    }
    let is_ours = || {
        let ours = request.rocket().state::<OurRoutes>();
        ours.is_some_and(|ours| ours.include_path_of(request))
    };
    if everywhere || request.method() == Method::Head || is_ours() {
        request.set_method(Method::Post);
    }
}

/// Returns the method that Rocket finds at the beginning of a form.
fn of_form(begin: &[u8]) -> Option<Method> {
    if begin.len() < SHORTEST {
        return None;
    }
    let first = Form::values(std::str::from_utf8(begin).ok()?).next()?;
    if first.name == "_method" { first.value.parse().ok() } else { None }
}
