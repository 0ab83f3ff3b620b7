//! What several operations answer alike stands in the document once.

use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, OpenApi, PathItem, Ref, RefOr, Response,
    path::Operation,
    schema::{OneOf, Schema},
};

/// A body that may be left out is not `null` either, as `Option<_>` would have it.
pub(super) fn leave_out(document: &mut OpenApi) {
    for operation in operations(document) {
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        body.content.values_mut().for_each(not_null);
    }
}

fn not_null(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content
        && let Some(RefOr::T(Schema::OneOf(OneOf { items, .. }))) = &content.schema
    {
        content.schema = items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned();
    }
}

/// Puts responses of errors that several operations have into the components. Different ones with the
/// same codes are numbered.
pub(super) fn share(document: &mut OpenApi) {
    let mut found: BTreeMap<String, Vec<(Response, usize)>> = BTreeMap::new();
    each(document, |status, response| {
        if let (Some(name), RefOr::T(response)) = (name(status, response), response) {
            let same = found.entry(name).or_default();
            match same.iter_mut().find(|(known, _)| known == response) {
                Some((_, count)) => *count += 1,
                None => same.push((response.clone(), 1)),
            }
        }
    });
    let mut shared: BTreeMap<String, Response> = BTreeMap::new();
    for (name, responses) in found {
        let several = responses.into_iter().filter(|(_, count)| *count > 1);
        let numbered = |at| if at == 0 { name.clone() } else { format!("{name}.{}", at + 1) };
        shared.extend(several.enumerate().map(|(at, (response, _))| (numbered(at), response)));
    }
    each(document, |_, response| {
        let RefOr::T(own) = response else { return };
        if let Some((name, _)) = shared.iter().find(|(_, shared)| *shared == own) {
            *response = RefOr::Ref(Ref::from_response_name(name));
        }
    });
    let components = document.components.get_or_insert_default();
    components.responses.extend(shared.into_iter().map(|(name, response)| (name, response.into())));
}

/// The status and the codes of all its errors.
fn name(status: &str, response: &RefOr<Response>) -> Option<String> {
    let RefOr::T(response) = response else { return None };
    let RefOr::T(content) = response.content.get("application/json")? else { return None };
    let is_error = status.starts_with(['4', '5']);
    let codes: Vec<_> = content.examples.keys().map(String::as_str).collect();
    is_error.then(|| format!("countersign.{status}.{}", codes.join(".")))
}

fn each(document: &mut OpenApi, mut work: impl FnMut(&str, &mut RefOr<Response>)) {
    for Operation { responses, .. } in operations(document) {
        responses.responses.iter_mut().for_each(|(status, response)| work(status, response));
    }
}

fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
        [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
    })
}
