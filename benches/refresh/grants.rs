//! Refreshes by the grant: `Authority::token`, without HTTP. Users are in memory.

use countersign::{
    clock::SystemClock,
    config::{Environment, Settings},
    grant::{Authority, Caller, TokenRequest},
    password::PasswordHash,
    store::{Session, SessionStore, Stores, User, memory::MemoryStore},
};
use rocket::figment::Figment;
use std::sync::Arc;

pub struct Grants {
    authority: Authority,
}

impl Grants {
    pub async fn over(sessions: Arc<dyn SessionStore>) -> Self {
        let figment = Figment::from(rocket::Config::debug_default())
            .merge(("auth.database_url", "memory:"))
            .merge(("auth.rate.limits", "off"));
        let settings = Settings::load(&figment, Environment::default()).expect("settings");
        let stores = Stores { sessions, ..Stores::all_in(Arc::new(MemoryStore::new())) };
        let authority = Authority::open(&settings, stores, Arc::new(SystemClock)).await.expect("it opens");
        Self { authority }
    }

    pub async fn refresh(self: Arc<Self>, session: Session, times: u64) {
        let user = User {
            id: session.user,
            username: session.user.to_string().parse().expect("a name"),
            password: PasswordHash::from_stored("!".into()),
            roles: Default::default(),
            disabled: false,
            created_at: Default::default(),
        };
        self.authority.stores.users.insert(&user).await.expect("a store");
        let mut token = self.authority.keys.refresh().seal(session.id, 0, &session.salt);
        for _ in 0..times {
            let request = TokenRequest {
                grant_type: Some("refresh_token".into()),
                refresh_token: Some(token),
                ..TokenRequest::default()
            };
            let tokens = self.authority.token(request, Caller::default()).await.expect("tokens");
            token = tokens.refresh.expect("a refresh token").token;
        }
    }
}
