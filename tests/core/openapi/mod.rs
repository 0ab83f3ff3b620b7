//! The OpenAPI document is that of the routes which are mounted, and says what is promised of it.

mod mounted;
mod said;
mod served;

use countersign::{
    config::{Environment, Settings},
    stage,
    store::{Stores, memory::MemoryStore},
    web::openapi::{document, utoipa::openapi::OpenApi},
};
use rocket::{Build, Rocket, local::asynchronous::LocalResponse};
use serde_json::Value;
use std::sync::Arc;

const KEY: (&str, &str) = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
const FEED: (&str, &str) = ("COUNTERSIGN_REVOCATION__FEED_SECRET", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A");
const DOCS: (&str, &str) = ("COUNTERSIGN_DOCS", "on");
const NO_DOCS: (&str, &str) = ("COUNTERSIGN_DOCS", "off");
const SCOPES: (&str, &str) = ("COUNTERSIGN_SCOPES", "items reports:read");

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let pairs = [KEY].into_iter().chain(pairs.iter().copied());
    Settings::load(&rocket::Config::figment(), Environment::from_pairs(pairs)).expect("good settings")
}

fn app(settings: &Settings, base: &str) -> Rocket<Build> {
    let stores = Stores::all_in(Arc::new(MemoryStore::new()));
    rocket::build().attach(stage().settings(settings.clone()).stores(stores).mounted_at(base))
}

/// The document as others see it.
fn json(document: &OpenApi) -> Value {
    serde_json::from_str(&document.to_json().expect("JSON")).expect("JSON")
}

fn json_of(pairs: &[(&str, &str)], base: &str) -> Value {
    json(&document(&settings(pairs), base))
}

/// Everything that can be documented.
fn whole() -> Value {
    json_of(&[FEED, DOCS, SCOPES, ("COUNTERSIGN_ISSUER", "https://login.example.org")], "/")
}

/// Each operation: its method in capitals, its path and itself.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = vec![];
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            if !["servers", "parameters", "summary", "description"].contains(&&**method) {
                all.push((method.to_uppercase(), path.clone(), operation));
            }
        }
    }
    assert!(!all.is_empty());
    all
}

/// What a reference refers to, or the thing itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}"))
        }
        None => value,
    }
}

/// The JSON of an answer.
async fn answered(response: LocalResponse<'_>) -> Value {
    serde_json::from_str(&response.into_string().await.expect("a body")).expect("JSON")
}
