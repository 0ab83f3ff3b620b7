//! Which methods a path takes: Rocket answers 404 where 405 is meant.

use rocket::{Request, Route};

/// The methods of all routes whose path matches the request's, for the header `Allow`.
pub(super) fn allowed(request: &Request<'_>) -> String {
    let mut methods: Vec<&str> = vec![];
    for route in request.rocket().routes().filter(|route| matches(route, request)) {
        methods.push(route.method.as_str());
        if route.method == rocket::http::Method::Get {
            methods.push("HEAD");
        }
    }
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

/// Whether the path fits, segment by segment: `<one>` takes any, `<many..>` the rest.
pub(super) fn matches(route: &Route, request: &Request<'_>) -> bool {
    let pattern = route.uri.path().split('/').filter(|segment| !segment.is_empty());
    let mut path = request.uri().path().raw_segments();
    for segment in pattern {
        if segment.starts_with('<') && segment.ends_with("..>") {
            return true;
        }
        let Some(actual) = path.next() else { return false };
        if !segment.starts_with('<') && *actual != *segment {
            return false;
        }
    }
    path.next().is_none()
}
