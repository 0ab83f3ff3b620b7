//! Documents of clients that something else than this program has written: a newer version of it,
//! or an accident. Nobody may take one for a client that may do more.

use crate::stores::{new_database, postgres, sqlite};
use countersign::{
    client::{ClientId, ClientSecret, GrantType},
    clock::UnixTime,
    store::{Authentication, Client, ClientStore, KeptSecret, Lifetimes, StoreError},
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

const ID: &str = "reports-worker";

/// One with something in each place.
fn client() -> Client {
    let hash = ClientSecret::random().expect("randomness").hash();
    let secret = |ends_at| KeptSecret { hash: hash.clone(), created_at: UnixTime(5), ends_at };
    Client {
        id: ID.parse().expect("a client's id"),
        name: Some("Reports".into()),
        authentication: Authentication::Secrets(vec![secret(Some(UnixTime(9))), secret(None)]),
        grants: GrantType::ALL.into(),
        scope: "reports:read".parse().expect("a scope"),
        lifetimes: Lifetimes {
            access: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(600)),
            absolute: Some(Duration::from_secs(6_000)),
        },
        introspects: false,
        disabled: true,
        created_at: UnixTime(5),
        revision: 5_000,
    }
}

/// Where the objects in it are, as JSON pointers.
fn objects(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect()
        }
        Value::Array(values) => {
            values.iter().enumerate().map(|(number, value)| (format!("{at}/{number}"), value)).collect()
        }
        _ => vec![],
    };
    let own = value.is_object().then(|| at.to_owned());
    own.into_iter().chain(below.iter().flat_map(|(at, value)| objects(value, at))).collect()
}

/// With a change of the object there.
fn changed(document: &Value, at: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let mut document = document.clone();
    let object = document.pointer_mut(at).and_then(Value::as_object_mut).expect("an object");
    change(object);
    document.to_string()
}

/// What no version of this program would take for the client, each with what is wrong.
fn bad_documents(good: &Value) -> Vec<(String, String)> {
    let mut bad = vec![];
    let objects = objects(good, "");
    assert_eq!(objects.len(), 5, "the client, its authentication, two secrets, its lifetimes: {objects:?}");
    for at in &objects {
        let newer = changed(good, at, |object| drop(object.insert("newer".into(), json!(true))));
        bad.push((format!("a member more in {at:?}"), newer));
        for (name, value) in good.pointer(at).and_then(Value::as_object).expect("an object") {
            let without = changed(good, at, |object| drop(object.remove(name)));
            bad.push((format!("no {name} in {at:?}"), without));
            let twice = changed(good, at, |object| drop(object.insert("TWICE".into(), value.clone())));
            bad.push((format!("two {name} in {at:?}"), twice.replace("TWICE", name)));
            let wrong = changed(good, at, |object| drop(object.insert(name.clone(), json!([[1]]))));
            bad.push((format!("a wrong {name} in {at:?}"), wrong));
        }
    }
    let text = good.to_string();
    for (what, document) in [
        ("nothing", ""),
        ("null", "null"),
        ("an array", "[]"),
        ("an empty object", "{}"),
        ("two documents", &format!("{text}{text}")),
        ("half of it", &text[..text.len() / 2]),
        ("all but its end", &text[..text.len() - 1]),
        ("a grant that is not known", &text.replace("client_credentials", "device_code")),
        ("a way to authenticate that is not known", &text.replace("\"secrets\"", "\"tls\"")),
        ("a scope that is none", &text.replace("reports:read", "reports:read  all")),
        ("a hash that is none", &text.replacen("\"hash\":\"", "\"hash\":\"_", 1)),
        ("a lifetime below zero", &text.replace(":6000", ":-6000")),
        ("a lifetime that is not whole", &text.replace(":6000", ":6000.5")),
        ("a lifetime beyond all numbers", &text.replace(":6000", ":18446744073709551616")),
        ("another client's", &text.replace(ID, "reports-admin")),
        ("no client's", &text.replace(ID, "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    ] {
        bad.push((what.into(), document.into()));
    }
    bad.retain(|(what, document)| {
        assert_ne!(*document, text, "{what} is a change");
        true
    });
    bad
}

/// `plant` puts a document in the place of the client's.
async fn what_cannot_be_read_is_an_error(store: &dyn ClientStore, plant: impl AsyncFn(&str)) {
    let client = client();
    store.insert(&client).await.expect("inserted");
    let good = json!(client);
    for (what, bad) in bad_documents(&good) {
        plant(&bad).await;
        for error in [
            store.by_id(&client.id).await.map(drop).expect_err(&what),
            store.list(None, 10).await.map(drop).expect_err(&what),
        ] {
            assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {error:?}");
            assert!(
                error.to_string().contains(ID),
                "{what}: whoever mends it has to know whose it is: {error}"
            );
        }
    }
    // Spaces and the order of members say nothing.
    plant(&format!("{good:#}")).await;
    assert_eq!(store.by_id(&client.id).await.expect("by_id").as_ref(), Some(&client));
    plant("damaged").await;
    let mended = Client { introspects: true, ..client.clone() };
    assert!(store.replace(&mended).await.expect("replace"), "a damaged client may be mended");
    let other: ClientId = "other".parse().expect("a client's id");
    assert_eq!(store.by_id(&other).await.expect("by_id"), None);
    assert!(store.by_id(&client.id).await.expect("by_id").is_some_and(|found| found.introspects));
}

#[tokio::test]
async fn sqlite_takes_no_document_that_it_cannot_read() {
    let folder = TempDir::new().expect("a folder");
    let store = sqlite(&folder.path().join("clients.db")).await;
    what_cannot_be_read_is_an_error(&*store, async |document| {
        let planting = sqlx::query("UPDATE clients SET document = ?").bind(document);
        let planted = planting.execute(store.writer()).await.expect("planted");
        assert_eq!(planted.rows_affected(), 1);
    })
    .await;
}

#[tokio::test]
async fn postgres_takes_no_document_that_it_cannot_read() {
    let store = postgres(&new_database()).await;
    what_cannot_be_read_is_an_error(&*store, async |document| {
        let planting = sqlx::query("UPDATE clients SET document = $1").bind(document);
        let planted = planting.execute(store.pool()).await.expect("planted");
        assert_eq!(planted.rows_affected(), 1);
    })
    .await;
}
