//! Rocket's `_method`: the first field of a form may replace the method of a `POST` request. Rocket does
//! so before any fairing runs, on every path, and it cannot be switched off; here it is undone.

use super::{body, method};
use rocket::{Build, Request, Rocket, Route, data::Data, form::Form, http::Method};

/// How many bytes of a body Rocket looks at for `_method` (`Rocket::preprocess_request`): the length of
/// `_method=delete`.
pub(super) const LOOKED_AT: usize = 14;

/// The shortest field that Rocket takes for one.
const SHORTEST: usize = "_method=get".len();

/// Our routes, where `_method` never counts.
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

/// Makes a request `POST` again if it came as that: on our paths always, on all others if
/// `everywhere`. A `HEAD` is undone on all paths: its answer has no body, and a client that sent `POST`
/// waits for one.
///
/// Rocket's decision is made again from the same bytes. A request whose own method stands in its form
/// as well (`DELETE` with the body `_method=DELETE`) looks like one that came as `POST` and becomes `POST`.
pub(super) async fn undo(request: &mut Request<'_>, data: &mut Data<'_>, everywhere: bool) {
    if request.method() == Method::Post || !request.content_type().is_some_and(|kind| kind.is_form()) {
        return;
    }
    // What cannot be read is refused by `malformed`.
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

/// The method that Rocket reads at the beginning of a form.
fn of_form(begin: &[u8]) -> Option<Method> {
    if begin.len() < SHORTEST {
        return None;
    }
    let first = Form::values(std::str::from_utf8(begin).ok()?).next()?;
    if first.name == "_method" { first.value.parse().ok() } else { None }
}
