//! What each operation says of itself.

use super::{FEED, SCOPES, json_of, operations, resolved, whole};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Whether something says by an example what it looks like.
fn has_example(content: &Value) -> bool {
    let media: Vec<_> = content.as_object().expect("content").values().collect();
    let told = |media: &Value| {
        media.get("example").is_some() || media["examples"].as_object().is_some_and(|all| !all.is_empty())
    };
    !media.is_empty() && media.into_iter().all(told)
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_a_heading() {
    let document = whole();
    let headings: BTreeSet<_> =
        document["tags"].as_array().expect("tags").iter().map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
        assert!(ids.insert(id), "{id} stands twice");
        assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric()), "{id}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id}");
        let tags = operation["tags"].as_array().expect("tags");
        assert!(tags.len() == 1 && headings.contains(&tags[0].as_str()), "{id}: {tags:?}");
    }
}

#[test]
fn every_body_has_an_example_and_so_has_every_error() {
    let document = whole();
    for (_, _, operation) in operations(&document) {
        let id = &operation["operationId"];
        if let Some(body) = operation.get("requestBody") {
            assert!(has_example(&body["content"]), "{id}: the request");
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let response = resolved(&document, response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{id} {status}");
            let is_error = status.starts_with(['4', '5']);
            match response.get("content") {
                Some(content) => assert!(has_example(content), "{id} {status}"),
                None => assert!(!is_error, "{id} {status} has no body"),
            }
            if is_error {
                let media = &response["content"]["application/json"];
                let examples: Vec<_> = media["examples"].as_object().into_iter().flatten().collect();
                for value in examples.iter().map(|(_, one)| &one["value"]).chain(media.get("example")) {
                    assert!(
                        value["error"].is_string() && value["error_description"].is_string(),
                        "{id} {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_body_that_may_be_left_out_is_not_null() {
    let document = whole();
    for (_, path, operation) in operations(&document) {
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        for (_, content) in contents {
            assert!(content["schema"]["$ref"].is_string(), "{path}: {}", content["schema"]);
        }
    }
}

#[test]
fn whatever_asks_a_store_may_answer_503_and_says_when_to_ask_again() {
    let document = whole();
    for (_, _, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id");
        // These tell what the process knows by itself; the metrics, of a store that it does not answer.
        let asks_none = ["live", "keys", "metadata", "openapi", "metrics"].contains(&id);
        let unavailable = operation["responses"].get("503").map(|response| resolved(&document, response));
        assert_eq!(unavailable.is_none(), asks_none, "{id}");
        if let Some(response) = unavailable {
            assert!(response["headers"]["Retry-After"].is_object(), "{id}");
        }
    }
}

#[test]
fn who_has_to_prove_who_they_are_reads_of_401_and_of_the_challenge() {
    let document = whole();
    for (_, _, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id");
        let ways = operation["security"].as_array().cloned().unwrap_or_default();
        let is_optional = ways.is_empty() || ways.contains(&json!({}));
        if !is_optional {
            let response = resolved(&document, &operation["responses"]["401"]);
            assert!(response["headers"]["WWW-Authenticate"].is_object(), "{id}");
        }
        for scheme in ways.iter().flat_map(|way| way.as_object().expect("a way").keys()) {
            assert!(document["components"]["securitySchemes"][scheme].is_object(), "{id}: {scheme}");
        }
    }
}

#[test]
fn too_many_guesses_are_told_of_with_their_headers() {
    let document = whole();
    for (path, method) in [("/token", "post"), ("/me/password", "post")] {
        let response = resolved(&document, &document["paths"][path][method]["responses"]["429"]);
        for header in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
            assert!(response["headers"][header].is_object(), "{path} {header}");
        }
    }
}

#[test]
fn one_can_log_in_by_password_wherever_the_routes_are() {
    for (issuer, base, url, server) in [
        ("countersign", "/", "/token", None),
        ("countersign", "/auth", "/auth/token", None),
        ("https://login.example.org", "/", "/token", Some("/")),
        ("https://login.example.org/auth", "/auth", "/auth/token", Some("/")),
        ("https://login.example.org/api", "/", "/api/token", Some("/api")),
        ("https://login.example.org/api", "/auth/", "/api/auth/token", Some("/api")),
    ] {
        let document = json_of(&[SCOPES, ("COUNTERSIGN_ISSUER", issuer)], base);
        let flow = &document["components"]["securitySchemes"]["countersign.login"]["flows"]["password"];
        assert_eq!(
            (&flow["tokenUrl"], &flow["refreshUrl"]),
            (&json!(url), &json!(url)),
            "{issuer} at {base}"
        );
        let scopes: Vec<_> = flow["scopes"].as_object().expect("scopes").keys().collect();
        assert_eq!(scopes, ["items", "offline_access", "reports:read"]);
        assert_eq!(document["servers"][0]["url"].as_str(), server, "{issuer} at {base}");
        assert_eq!(document["servers"][1]["url"].as_str().is_some(), server.is_some());
    }
}

#[test]
fn every_component_has_our_prefix_so_that_an_apps_own_is_not_taken_for_it() {
    let document = whole();
    for kind in ["schemas", "responses", "securitySchemes"] {
        let all = document["components"][kind].as_object().expect("components");
        assert!(all.len() > 3, "{kind}");
        assert!(all.keys().all(|name| name.starts_with("countersign.")), "{:?}", all.keys());
    }
}

#[test]
fn the_document_says_what_it_is_of() {
    let document = json_of(&[FEED], "/");
    assert_eq!(document["openapi"], "3.1.0");
    let info = &document["info"];
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["title"], "Countersign");
    assert_eq!(info["license"]["identifier"], "MIT OR Apache-2.0");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'d>(document: &'d Value, value: &'d Value) -> usize {
        let here = usize::from(value.get("$ref").is_some() && !resolved(document, value).is_null());
        match value {
            Value::Object(members) => here + members.values().map(|one| walk(document, one)).sum::<usize>(),
            Value::Array(items) => here + items.iter().map(|one| walk(document, one)).sum::<usize>(),
            _ => here,
        }
    }
    let document = whole();
    assert!(walk(&document, &document) > 50);
}

#[test]
fn whatever_changes_in_the_document_is_seen() {
    let document = serde_json::to_string_pretty(&super::whole()).expect("JSON");
    crate::kept::is_as_made("docs/openapi.json", "openapi::said", &format!("{document}\n"));
}
