//! The feed of revocations in a Rocket of the test's own; `tests/api/revocation_feed.rs` has more.

use countersign::{
    config::{Environment, Settings},
    stage,
};
use rocket::{
    async_test,
    futures::future::join_all,
    http::{Header, Status},
    local::asynchronous::Client,
    tokio::{
        select,
        time::{sleep, timeout},
    },
};
use std::time::Duration;

const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";

#[async_test]
async fn so_many_answers_are_held_back_at_a_time_and_no_more() {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_REVOCATION__FEED_SECRET", SECRET),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let rocket = rocket::build().attach(stage().settings(settings));
    let client = Client::untracked(rocket).await.expect("a rocket that launches");
    let get = async |uri: &'static str| {
        let header = Header::new("Authorization", format!("Bearer {SECRET}"));
        let response = client.get(uri).header(header).dispatch().await;
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
