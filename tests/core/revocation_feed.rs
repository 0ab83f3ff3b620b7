//! The feed of revocations in a Rocket of the test's own; `tests/api/revocation_feed.rs` has more.

use countersign::{
    clock::UnixTime,
    config::{Environment, Settings},
    stage,
    store::{SessionStore, Stores, memory::MemoryStore},
    token::TokenId,
};
use rocket::{
    async_test,
    futures::future::join_all,
    http::{Header, Status},
    local::asynchronous::{Client, LocalResponse},
    tokio::{
        select,
        time::{sleep, timeout},
    },
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";

async fn launch(store: Arc<MemoryStore>) -> Client {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_REVOCATION__FEED_SECRET", SECRET),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let stage = stage().settings(settings).stores(Stores::all_in(store));
    Client::untracked(rocket::build().attach(stage)).await.expect("a rocket that launches")
}

async fn ask<'c>(client: &'c Client, uri: &'static str) -> LocalResponse<'c> {
    let header = Header::new("Authorization", format!("Bearer {SECRET}"));
    client.get(uri).header(header).dispatch().await
}

#[async_test]
async fn lines_about_tokens_and_clients_say_whose_they_are() {
    let store = Arc::new(MemoryStore::new());
    let client = launch(store.clone()).await;
    let (token, id) = (TokenId::from_bytes([8; 16]), "reports-worker".parse().expect("a client's id"));
    store.revoke_token(token, UnixTime(1_700_000_000)).await.expect("revoked");
    store.revoke_client(&id, 1_700_000_000_001, UnixTime(1_700_000_001)).await.expect("revoked");
    let answer = ask(&client, "/revocations").await.into_string().await.expect("a body");
    let mut page: Value = serde_json::from_str(&answer).expect("JSON");
    let lines = page["revocations"].as_array_mut().expect("lines");
    for line in lines.iter_mut() {
        assert!(line["written_at"].take().is_u64());
    }
    assert_eq!(
        lines[..],
        [
            json!({ "position": 1, "at": 1_700_000_000, "written_at": null, "token": "CAgICAgICAgICAgICAgICA" }),
            json!({ "position": 2, "at": 1_700_000_001, "written_at": null, "client": "reports-worker",
                    "revision": 1_700_000_000_001_u64 }),
        ]
    );
}

#[async_test]
async fn so_many_answers_are_held_back_at_a_time_and_no_more() {
    let client = launch(Arc::new(MemoryStore::new())).await;
    let get = async |uri: &'static str| {
        let response = ask(&client, uri).await;
        (response.status(), response.headers().get_one("Retry-After").map(str::to_owned))
    };
    // Whoever finds that the test itself has taken the last room comes again.
    let held = async || {
        while get("/revocations?wait=30").await.0 == Status::ServiceUnavailable {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let waiting = join_all((0..500).map(|_| held()));
    let full = async {
        while get("/revocations?wait=1").await.0 != Status::ServiceUnavailable {
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(get("/revocations?wait=1").await.1.as_deref(), Some("1"));
        assert_eq!(get("/revocations").await.0, Status::Ok, "who does not wait needs no room");
    };
    select! {
        _ = waiting => panic!("nothing was revoked"),
        full = timeout(Duration::from_secs(20), full) => full.expect("there is an end of it"),
    }
    assert_eq!(get("/revocations?wait=1").await.0, Status::Ok, "there is room again");
}
