//! A state machine of logins, refreshes and revocations against a plain model of what must hold.

use crate::PASSWORD;
use crate::stores::{new_database, new_namespace, postgres, redis, sqlite};
use countersign::{
    audit::Actor,
    clock::{Clock, ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    password::Password,
    store::{Stores, memory::MemoryStore},
    user::{RoleName, UserId},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ACCESS: u64 = 60;
const IDLE: u64 = 200;
const ABSOLUTE: u64 = 500;
const GRACE: u64 = 10;

#[derive(Clone, Debug)]
enum Step {
    Login,
    /// Which session, and how many generations old its token is.
    Refresh(usize, usize),
    Wait(u64),
    Revoke(usize),
    RevokeAll,
    Disable(bool),
    Roles(bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Login),
        8 => (0..4_usize, prop_oneof![5 => Just(0), 3 => Just(1), 1 => 2..4_usize]).prop_map(|(s, age)| Step::Refresh(s, age)),
        4 => prop_oneof![1..12_u64, 50..70_u64, Just(GRACE), Just(ACCESS), Just(IDLE - 1), Just(IDLE)].prop_map(Step::Wait),
        1 => (0..4_usize).prop_map(Step::Revoke),
        1 => Just(Step::RevokeAll),
        1 => any::<bool>().prop_map(Step::Disable),
        1 => any::<bool>().prop_map(Step::Roles),
        1 => Just(Step::Restart),
    ]
}

/// What the model knows of a session.
struct Session {
    /// The refresh tokens, by generation; the last is the current one.
    tokens: Vec<String>,
    created: u64,
    used: u64,
    ended: bool,
}

/// What it knows of an access token.
struct Access {
    text: String,
    session: usize,
    expires: u64,
    revision: u64,
}

fn refresh_token(tokens: &Tokens) -> String {
    tokens.refresh.as_ref().expect("a refresh token").token.to_string()
}

struct Machine {
    authority: Authority,
    stores: Stores,
    settings: Settings,
    clock: Arc<ManualClock>,
    user: UserId,
    sessions: Vec<Session>,
    access: Vec<Access>,
    disabled: bool,
    roles: BTreeSet<RoleName>,
    revision: u64,
}

impl Machine {
    async fn start(stores: Stores) -> Self {
        let settings = Settings::load(
            &rocket::Config::figment(),
            Environment::from_pairs([
                ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
                ("COUNTERSIGN_ACCESS_TTL", &ACCESS.to_string()),
                ("COUNTERSIGN_LEEWAY", "0"),
                // The model knows sessions, not how often a disabled user may try to log in.
                ("COUNTERSIGN_LOGIN__LIMITS", "off"),
                ("COUNTERSIGN_REFRESH__IDLE", &IDLE.to_string()),
                ("COUNTERSIGN_REFRESH__ABSOLUTE", &ABSOLUTE.to_string()),
                ("COUNTERSIGN_REFRESH__GRACE", &GRACE.to_string()),
            ]),
        )
        .expect("good settings");
        let clock = Arc::new(ManualClock::new(UnixTime(1_000_000)));
        let authority = Authority::open(&settings, stores.clone(), clock.clone()).await.expect("opened");
        let password = Password::parse(PASSWORD).expect("a password");
        let name = "ada".parse().expect("a name");
        let user = authority
            .accounts(Actor::Server)
            .add(name, password, BTreeSet::new(), clock.now())
            .await
            .expect("added")
            .id;
        let (sessions, access, roles) = (vec![], vec![], BTreeSet::new());
        Self {
            authority,
            stores,
            settings,
            clock,
            user,
            sessions,
            access,
            disabled: false,
            roles,
            revision: 0,
        }
    }

    fn now(&self) -> u64 {
        self.clock.now().0
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Login => self.login().await,
            Step::Refresh(session, age) if !self.sessions.is_empty() => {
                self.refresh(session % self.sessions.len(), *age).await;
            }
            Step::Revoke(session) if !self.sessions.is_empty() => {
                let session = session % self.sessions.len();
                let id = self.sessions[session].tokens[0].parse::<countersign::refresh_token::RefreshToken>();
                self.authority.revocations.session(id.expect("a token").session()).await.expect("revoked");
                self.sessions[session].ended = true;
            }
            Step::Refresh(..) | Step::Revoke(_) => {}
            Step::Wait(seconds) => {
                self.clock.advance(Duration::from_secs(*seconds));
                self.authority.revocations.purge().await.expect("purged");
            }
            Step::RevokeAll => {
                self.authority.revocations.user(self.user).await.expect("revoked");
                self.everything_ended();
            }
            Step::Disable(disabled) => {
                self.authority.accounts(Actor::Server).set_disabled(self.user, *disabled).await.expect("set");
                self.disabled = *disabled;
                if *disabled {
                    self.everything_ended();
                }
            }
            Step::Roles(editor) => {
                let roles: BTreeSet<_> =
                    editor.then(|| "editor".parse().expect("a role")).into_iter().collect();
                self.authority.accounts(Actor::Server).set_roles(self.user, &roles).await.expect("set");
                // The same roles again revoke nothing.
                self.revision += u64::from(roles != self.roles);
                self.roles = roles;
            }
            Step::Restart => {
                let opened = Authority::open(&self.settings, self.stores.clone(), self.clock.clone()).await;
                self.authority = opened.expect("opened again");
            }
        }
        self.access_tokens_are_as_the_model_says();
    }

    fn everything_ended(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.ended = true);
        self.revision += 1;
    }

    async fn login(&mut self) {
        let request = TokenRequest {
            username: Some("ada".into()),
            password: Some(PASSWORD.to_owned().into()),
            scope: Some("offline_access".into()),
            ..TokenRequest::default()
        };
        let answer = self.authority.token(request, Caller::default()).await;
        assert_eq!(answer.is_ok(), !self.disabled, "a login succeeds exactly when the user may log in");
        if let Ok(tokens) = answer {
            let now = self.now();
            let first = refresh_token(&tokens);
            self.sessions.push(Session { tokens: vec![first], created: now, used: now, ended: false });
            self.note(self.sessions.len() - 1, &tokens);
        }
    }

    async fn refresh(&mut self, at: usize, age: usize) {
        let now = self.now();
        let session = &self.sessions[at];
        let current = session.tokens.len() - 1;
        let generation = current.saturating_sub(age);
        let expired = now >= session.used + IDLE || now >= session.created + ABSOLUTE;
        let over = session.ended || expired;
        let is_parent = generation + 1 == current && now < session.used + GRACE;
        let request = TokenRequest {
            grant_type: Some("refresh_token".into()),
            refresh_token: Some(session.tokens[generation].clone().into()),
            ..TokenRequest::default()
        };
        let answer = self.authority.token(request, Caller::default()).await;
        if over {
            assert!(
                matches!(answer, Err(GrantError::InvalidGrant)),
                "nothing is minted once a session is over"
            );
        } else if generation == current {
            let tokens = answer.expect("the current token is good");
            let next = refresh_token(&tokens);
            assert!(!self.sessions[at].tokens.contains(&next), "each generation has a token of its own");
            self.sessions[at].tokens.push(next);
            self.sessions[at].used = now;
            self.note(at, &tokens);
        } else if is_parent {
            let tokens = answer.expect("a parent within grace is good");
            assert_eq!(refresh_token(&tokens), self.sessions[at].tokens[current], "with the same successor");
            self.note(at, &tokens);
        } else {
            assert!(matches!(answer, Err(GrantError::InvalidGrant)), "an ancestor outside grace never mints");
            self.sessions[at].ended = true;
        }
    }

    fn note(&mut self, session: usize, tokens: &Tokens) {
        let claims = self.authority.tokens.verify(tokens.access_token.as_bytes(), self.clock.now());
        let claims = claims.expect("a fresh token is good");
        assert_eq!(claims.roles(), &self.roles, "roles are read afresh");
        let (expires, revision) = (self.now() + ACCESS, self.revision);
        self.access.push(Access { text: tokens.access_token.clone(), session, expires, revision });
    }

    /// The deny list forgets nothing early and denies nobody else.
    fn access_tokens_are_as_the_model_says(&self) {
        for access in &self.access {
            let verified = self.authority.tokens.verify(access.text.as_bytes(), self.clock.now());
            let taken = verified.is_ok_and(|claims| !self.authority.revocations.denies(&claims));
            let good = self.now() < access.expires
                && access.revision == self.revision
                && !self.sessions[access.session].ended;
            assert_eq!(taken, good, "an access token is taken exactly while it is good");
        }
    }
}

fn run(stores: impl AsyncFnOnce() -> Stores, steps: &[Step]) {
    Runtime::new().expect("a runtime").block_on(async {
        let mut machine = Machine::start(stores().await).await;
        for step in steps {
            machine.take(step).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sessions_in_memory_behave_as_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        run(async || Stores::of(Arc::new(MemoryStore::new())), &steps);
    }

    #[test]
    fn sessions_in_sqlite_behave_as_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("model.db");
        run(async || Stores::of(sqlite(&file).await), &steps);
    }

    #[test]
    fn sessions_in_postgres_behave_as_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let url = new_database();
        run(async || Stores::of(postgres(&url).await), &steps);
    }

    #[test]
    fn sessions_in_redis_behave_as_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let namespace = new_namespace();
        run(
            async || Stores { users: Arc::new(MemoryStore::new()), sessions: redis(&namespace).await, clients: None, keys: None, attempts: None, audit: None },
            &steps,
        );
    }
}
