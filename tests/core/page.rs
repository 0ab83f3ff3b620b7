//! Pages of the revocation list: how they are written and read, and when there is more to tell.

use crate::{
    follower::{NOW, TOKEN_LIFE, line, page, session},
    servers::Redis,
    stores::{new_database, new_namespace, postgres, redis, sqlite},
};
use countersign::{
    clock::ManualClock,
    revocation::{Page, Revocations},
    store::{RevokedSubject, SessionStore, memory::MemoryStore},
    token::TokenId,
    user::UserId,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

#[test]
fn a_page_is_written_as_it_is_read() {
    let user = UserId::random();
    let client = "reports-worker".parse().expect("a client's id");
    let all = [
        line(3, RevokedSubject::Session(session(7))),
        line(5, RevokedSubject::User(user, 120)),
        line(6, RevokedSubject::Token(TokenId::from_bytes([8; 16]))),
        line(7, RevokedSubject::Client(client, 5_000)),
        line(8, RevokedSubject::SessionTokens(session(7), NOW)),
    ];
    let mut page = page(100, &all, 2, 1);
    page.keys = Some("k".into());
    let text = json!(page);
    assert_eq!(
        text,
        json!({
            "from": 2, "epoch": 100, "read_at": 1_000_000_007_u64, "more": true, "keys": "k",
            "revocations": [
                { "position": 3, "at": 1_000_000, "written_at": 1_000_000_000,
                  "session": "BwcHBwcHBwcHBwcHBwcHBw" },
            ],
        })
    );
    page.list.lines = all.to_vec();
    let mut text = json!(page);
    let times = |position| json!({ "position": position, "at": 1_000_000, "written_at": 1_000_000_000 });
    for (number, position, said) in [
        (1, 5, json!({ "user": user, "revision": 120 })),
        (2, 6, json!({ "token": "CAgICAgICAgICAgICAgICA" })),
        (3, 7, json!({ "client": "reports-worker", "revision": 5_000 })),
        (4, 8, json!({ "session": "BwcHBwcHBwcHBwcHBwcHBw", "issued_until": 1_000_000 })),
    ] {
        let mut line = times(position);
        line.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        assert_eq!(text["revocations"][number], line);
    }
    text["more to come"] = json!([1, 2]);
    text["revocations"][0]["why"] = "stolen".into();
    assert_eq!(serde_json::from_value::<Page>(text).expect("a page"), page);
}

#[test]
fn a_page_that_could_be_misread_is_refused() {
    let good = r#"{"from":3,"epoch":1,"read_at":2,"more":false,"keys":null,"revocations":[
        {"position":3,"at":1,"written_at":1,"session":"BwcHBwcHBwcHBwcHBwcHBw"},
        {"position":4,"at":1,"written_at":1,"user":"e58ed763-928c-4155-bee9-fdbaaadc15f3","revision":9},
        {"position":5,"at":1,"written_at":1,"token":"CAgICAgICAgICAgICAgICA"},
        {"position":6,"at":1,"written_at":1,"client":"c","revision":8}]}"#;
    assert!(serde_json::from_str::<Page>(good).is_ok());
    for (what, by) in [
        (r#""from":3,"#, ""),
        (r#""from":3,"#, r#""from":3,"from":3,"#),
        (r#""from":3"#, r#""from":4"#),
        (r#""from":3"#, r#""from":-1"#),
        (r#""epoch":1,"#, ""),
        (r#""epoch":1"#, r#""epoch":"1""#),
        (r#""read_at":2"#, r#""read_at":2.5"#),
        (r#""more":false"#, r#""more":null"#),
        (r#""keys":null"#, r#""keys":7"#),
        (r#""position":4"#, r#""position":3"#),
        (r#""position":4"#, r#""position":2"#),
        (r#""position":4,"#, ""),
        (r#""position":4"#, r#""position":18446744073709551616"#),
        ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHB"),
        ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHBx"),
        ("e58ed763-", "E58ED763-"),
        ("e58ed763-", ""),
        (r#","revision":9"#, ""),
        (r#","revision":9"#, r#","revision":9,"session":"BwcHBwcHBwcHBwcHBwcHBw""#),
        (r#""session":"BwcHBwcHBwcHBwcHBwcHBw""#, r#""client":"c""#),
        (r#""session":"BwcHBwcHBwcHBwcHBwcHBw""#, r#""revision":9"#),
        (r#""session":"BwcHBwcHBwcHBwcHBwcHBw""#, r#""assertion":"BwcHBwcHBwcHBwcHBwcHBw""#),
        // Of two kinds at once.
        (r#""token":"#, r#""session":"BwcHBwcHBwcHBwcHBwcHBw","token":"#),
        (r#""token":"#, r#""client":"c","token":"#),
        (r#""client":"#, r#""session":"BwcHBwcHBwcHBwcHBwcHBw","client":"#),
        (r#""client":"#, r#""user":"e58ed763-928c-4155-bee9-fdbaaadc15f3","client":"#),
        (r#""user":"#, r#""token":"CAgICAgICAgICAgICAgICA","user":"#),
        // Of one kind twice.
        (r#""token":"#, r#""token":"CAgICAgICAgICAgICAgICA","token":"#),
        (r#""client":"#, r#""client":"d","client":"#),
        // A token has no revision, and a client has one.
        (r#""CAgICAgICAgICAgICAgICA""#, r#""CAgICAgICAgICAgICAgICA","revision":9"#),
        (r#","revision":8"#, ""),
        (r#""revision":8"#, r#""revision":null"#),
        (r#""revision":8"#, r#""revision":-8"#),
        (r#""revision":8"#, r#""revision":"8""#),
        (r#""revision":8"#, r#""revision":18446744073709551616"#),
        ("CAgICAgICAgICAgICAgICA", "CAgICAgICAgICAgICAgIC"),
        ("CAgICAgICAgICAgICAgICA", "CAgICAgICAgICAgICAgICB"),
        (r#""CAgICAgICAgICAgICAgICA""#, "7"),
        (r#""client":"c""#, r#""client":"""#),
        (r#""client":"c""#, r#""client":"-c""#),
        (r#""client":"c""#, r#""client":"two words""#),
        (r#""client":"c""#, r#""client":"e58ed763-928c-4155-bee9-fdbaaadc15f3""#),
        (r#""client":"c""#, r#""client":null"#),
    ] {
        let bad = good.replace(what, by);
        assert_ne!(bad, good, "{what}");
        assert!(serde_json::from_str::<Page>(&bad).is_err(), "{bad}");
    }
    let mut endless: serde_json::Value = serde_json::from_str(good).expect("JSON");
    endless["more"] = true.into();
    endless["revocations"].as_array_mut().expect("lines").truncate(1);
    let error = serde_json::from_value::<Page>(endless).expect_err("no progress").to_string();
    assert!(error.contains("there are more revocations, but none that were not known"), "{error}");
}

#[tokio::test]
async fn a_page_of_the_store_tells_of_tokens_and_clients() {
    let (clock, folder) = (Arc::new(ManualClock::new(NOW)), TempDir::new().expect("a folder"));
    let stores: [Arc<dyn SessionStore>; 4] = [
        Arc::new(MemoryStore::new()),
        sqlite(&folder.path().join("sessions.db")).await,
        postgres(&new_database()).await,
        redis(&new_namespace()).await,
    ];
    for store in stores {
        let revocations =
            Revocations::open(store.clone(), clock.clone(), TOKEN_LIFE).await.expect("the store answers");
        store.revoke_token(TokenId::from_bytes([8; 16]), NOW).await.expect("revoked");
        let client = "reports-worker".parse().expect("a client's id");
        store.revoke_client(&client, 1_700_000_000_001, NOW).await.expect("revoked");
        let mut page = json!(revocations.page(0).await.expect("a page"));
        let lines = page["revocations"].as_array_mut().expect("lines");
        for line in lines.iter_mut() {
            assert!(line["written_at"].take().is_u64());
        }
        assert_eq!(
            lines[..],
            [
                json!({ "position": 1, "at": NOW, "written_at": null, "token": "CAgICAgICAgICAgICAgICA" }),
                json!({ "position": 2, "at": NOW, "written_at": null, "client": "reports-worker",
                        "revision": 1_700_000_000_001_u64 }),
            ]
        );
    }
}

#[tokio::test]
async fn a_page_is_outdated_by_what_is_heard_and_by_nothing_else() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
    let revocations = Revocations::open(store.clone(), clock, TOKEN_LIFE).await.expect("the store answers");
    let page = revocations.page(0).await.expect("a page");
    assert!(page.is_quiet());
    let outdated = async |page| {
        let moment = Duration::from_millis(20);
        timeout(moment, revocations.outdated(page)).await.is_ok()
    };
    assert!(!outdated(&page).await);
    store.revoke_access(UserId::random(), NOW).await.expect("revoked");
    assert!(!outdated(&page).await, "it asks no store");
    revocations.catch_up().await.expect("caught up");
    assert!(outdated(&page).await);
    let page = revocations.page(0).await.expect("a page");
    assert!(!page.is_quiet() && !outdated(&page).await);
    let page = revocations.page(1).await.expect("a page");
    assert!(page.is_quiet() && !outdated(&page).await);
}

#[tokio::test]
async fn a_page_is_outdated_by_another_epoch_though_nothing_is_revoked() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
    let revocations = Revocations::open(store.clone(), clock, TOKEN_LIFE).await.expect("the store answers");
    let page = revocations.page(0).await.expect("a page");
    store.begin_epoch(page.list.epoch).await.expect("begun");
    revocations.catch_up().await.expect("caught up");
    assert!(revocations.page(0).await.expect("a page").is_quiet());
    timeout(Duration::from_secs(10), revocations.outdated(&page)).await.expect("it is outdated");
}

#[tokio::test]
async fn a_store_that_has_forgotten_begins_anew_before_anybody_is_told() {
    let (namespace, clock) = (new_namespace(), Arc::new(ManualClock::new(NOW)));
    let store = redis(&namespace).await;
    let revocations = Revocations::open(store, clock, TOKEN_LIFE).await.expect("the store answers");
    let page = revocations.page(0).await.expect("a page");
    assert_eq!(Redis::shared().command(&["DEL", &format!("{{{namespace}}}:epoch")]), "1");
    assert!(revocations.page(0).await.expect("a page").list.epoch > page.list.epoch);
}
