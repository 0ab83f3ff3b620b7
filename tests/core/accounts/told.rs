//! What a caller is told of a change whose second revocation failed, and what the server does then.

use super::{FIRST, NOW, OWN, password, roles};
use crate::{
    registration::unsteady::{Call, Unsteady},
    servers::eventually,
};
use countersign::{
    account::Accounts,
    audit::Actor,
    client::{ClientId, ClientSecret},
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::Authority,
    registration::{Proof, Registration, Terms},
    stage,
    store::{Stores, memory::MemoryStore},
};
use rocket::{
    async_test,
    http::{ContentType, Header, Method, Status},
    local::asynchronous::{Client, LocalResponse},
};
use serde_json::{Value, json};
use std::sync::Arc;

struct App {
    client: Client,
    sessions: Arc<Unsteady>,
}

impl App {
    async fn start() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
        let sessions = Arc::new(Unsteady::over(store.clone()));
        let stores = Stores {
            users: store,
            sessions: sessions.clone(),
            clients: Some(sessions.clone()),
            keys: None,
            attempts: None,
            audit: None,
        };
        let environment =
            Environment::from_pairs([("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1")]);
        let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
        let app = rocket::build().attach(stage().settings(settings).clock(clock).stores(stores));
        let client = Client::tracked(app).await.expect("a rocket that launches");
        let app = Self { client, sessions };
        for (name, names) in [("ada", &[][..]), ("root", &["admin"])] {
            let name = name.parse().expect("a name");
            app.accounts().add(name, password(FIRST), roles(names), UnixTime(0)).await.expect("added");
        }
        let id: ClientId = "worker".parse().expect("an id");
        let proof = Proof::Secret(ClientSecret::random().expect("randomness").hash());
        let terms = Terms { grants: proof.usual_grants(), ..Terms::default() };
        let clients = app.authority().clients(Actor::Server).expect("a store of clients");
        clients.add(Registration { id, proof, terms }, NOW).await.expect("added");
        app
    }

    fn authority(&self) -> &Authority {
        self.client.rocket().state().expect("managed")
    }

    fn accounts(&self) -> Accounts {
        self.authority().accounts(Actor::Server)
    }

    async fn login(&self, name: &str) -> String {
        let request = self.client.post("/token").header(ContentType::Form);
        let response = request.body(format!("username={name}&password={FIRST}")).dispatch().await;
        assert_eq!(response.status(), Status::Ok);
        let body = said(response).await;
        body["access_token"].as_str().expect("a token").to_owned()
    }
}

async fn said(response: LocalResponse<'_>) -> Value {
    serde_json::from_str(&response.into_string().await.expect("a body")).expect("JSON")
}

#[async_test]
async fn a_change_that_was_made_is_not_said_to_have_failed_and_its_revocation_is_retried() {
    for (method, path, body, call) in [
        (Method::Patch, "/admin/users/ADA", json!({ "disabled": true }), Call::RevokeUser),
        (Method::Patch, "/admin/users/ADA", json!({ "roles": ["editor"] }), Call::RevokeAccess),
        (Method::Post, "/admin/users/ADA/password", json!({ "password": OWN }), Call::RevokeUser),
        (Method::Delete, "/admin/users/ADA", json!(null), Call::RevokeUser),
        (Method::Patch, "/admin/clients/worker", json!({ "name": "new" }), Call::RevokeClient),
        (Method::Patch, "/admin/clients/worker", json!({ "disabled": true }), Call::RevokeClient),
        (Method::Post, "/admin/clients/worker/rotate-secret", json!({ "overlap": 0 }), Call::RevokeClient),
        (
            Method::Post,
            "/me/password",
            json!({ "current_password": FIRST, "new_password": OWN }),
            Call::RevokeUser,
        ),
    ] {
        let app = App::start().await;
        let ada = app.accounts().find(&"ada".parse().expect("a name")).await.expect("found").id;
        let token = app.login("root").await;
        app.sessions.fail(call, 1);
        let mut request = app.client.req(method, path.replace("ADA", &ada.to_string()));
        request.add_header(Header::new("Authorization", format!("Bearer {token}")));
        if !body.is_null() {
            request = request.header(ContentType::JSON).body(body.to_string());
        }
        let response = request.dispatch().await;
        assert_eq!(response.status(), Status::ServiceUnavailable, "{method} {path}");
        assert_eq!(response.headers().get_one("Retry-After"), Some("1"), "{method} {path}");
        assert_eq!(
            said(response).await,
            json!({
                "error": "not_revoked",
                "error_description": "The change was made. Revoking the sessions and tokens from before it \
                    has failed, and is retried",
            }),
            "{method} {path}"
        );
        let revocations = app.authority().revocations.clone();
        assert_eq!(revocations.owed(), 1, "{method} {path}");
        app.sessions.heal();
        let settled = move || revocations.owed() == 0;
        tokio::task::spawn_blocking(|| eventually("nothing is owed", settled)).await.expect("it ends");
    }
}
