//! Driving all cases at a route of a Rocket.

use super::{
    Case, Kit, Reply, Report,
    visitor::{Rights, Visitors},
};
use crate::{grant::Authority, scope::Scope, user::RoleName, web::Runtime};
use rocket::{
    Orbit, Rocket,
    http::{Header, HeaderMap, Method, Status, uri::Origin},
    local::{asynchronous, blocking},
};
use std::{collections::BTreeSet, fmt};

/// A route that has to be protected, and what a caller who may pass has to bring.
///
/// A good token must be answered with success or a redirect: give the route what it needs for that.
/// **What it does, it does**, several times: name a resource of the test's own. Of answers, the status and
/// the challenge are looked at, and never the body.
///
/// The callers are accounts made for the purpose and removed again. The routes may be of any Rocket
/// with [`stage()`](crate::stage()); where a [`Verifier`](crate::Verifier) guards them, bring a
/// [`kit`](Self::kit).
///
/// ```
/// # use rocket::{http::{ContentType, Method}, local::blocking::Client, post, routes};
/// use countersign::{Role, roles, stage, testing::Protected};
///
/// roles! { Editor = "editor"; }
///
/// #[post("/articles", data = "<text>")]
/// fn write(editor: Role<Editor>, text: String) -> String {
///     format!("{} wrote {text}", editor.username())
/// }
///
/// # let figment = rocket::Config::figment()
/// #     .merge(("auth.database_url", "memory:"))
/// #     .merge(("auth.signing_key", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"));
/// # let app = rocket::custom(figment).attach(stage()).mount("/", routes![write]);
/// let client = Client::tracked(app).unwrap();
/// Protected::new(Method::Post, "/articles")
///     .role("editor")
///     .header(ContentType::Plain)
///     .body("Hello")
///     .assert(&client);
/// ```
#[derive(Clone, Debug)]
pub struct Protected {
    method: Method,
    uri: String,
    roles: Vec<String>,
    scopes: Vec<String>,
    headers: HeaderMap<'static>,
    body: Vec<u8>,
    kit: Option<Kit>,
}

/// The request of a case; Rocket's two kinds of clients have the same methods and no trait.
macro_rules! request {
    ($route:expr, $client:expr, $case:expr) => {{
        let mut request = $client.req($route.method, $case.target(&$route.uri)).body(&$route.body);
        for header in $route.headers_of($case) {
            request.add_header(header);
        }
        match cookie($case) {
            Some(cookie) => request.cookie(cookie),
            None => request,
        }
    }};
}

/// Asserts that a route lets a logged-in user in and nobody else: over 500 bad requests, each with
/// the answer that it must get. The short form of [`Protected::assert`].
///
/// # Panics
/// With a table of the wrong answers.
pub fn assert_protected(client: &blocking::Client, method: Method, uri: impl fmt::Display) {
    Protected::new(method, uri).assert(client);
}

/// The same for Rocket's asynchronous client.
///
/// # Panics
/// With a table of the wrong answers.
pub async fn assert_protected_async(client: &asynchronous::Client, method: Method, uri: impl fmt::Display) {
    Protected::new(method, uri).assert_async(client).await;
}

impl Protected {
    /// The route that answers this.
    pub fn new(method: Method, uri: impl fmt::Display) -> Self {
        Self {
            method,
            uri: uri.to_string(),
            roles: vec![],
            scopes: vec![],
            headers: HeaderMap::new(),
            body: vec![],
            kit: None,
        }
    }

    /// It wants a role: the callers have it, and tokens without it must be answered with 403. Of
    /// several, each is left out alone.
    pub fn role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }

    /// It wants a scope: the callers' tokens have it, and tokens without it must be answered with 403.
    /// Of several, each is left out alone.
    pub fn scope(mut self, scope: &str) -> Self {
        self.scopes.push(scope.to_owned());
        self
    }

    /// A header of every request, such as a content type.
    pub fn header(mut self, header: impl Into<Header<'static>>) -> Self {
        self.headers.add(header);
        self
    }

    /// The body of every request.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Takes the cases from this kit, and makes no accounts: for a route that a
    /// [`Verifier`](crate::Verifier) guards, or of somebody whom the test has logged in itself.
    pub fn kit(mut self, kit: Kit) -> Self {
        self.kit = Some(kit);
        self
    }

    /// Asks, and panics if an answer is wrong.
    ///
    /// # Panics
    /// With a table of the wrong answers.
    pub fn assert(&self, client: &blocking::Client) {
        judge(&self.report(client));
    }

    /// Asks, and panics if an answer is wrong.
    ///
    /// # Panics
    /// With a table of the wrong answers.
    pub async fn assert_async(&self, client: &asynchronous::Client) {
        judge(&self.report_async(client).await);
    }

    /// Asks all, and says which answers were wrong. If the plain good token does not pass, that is all that
    /// is asked, since then no refusal says anything.
    ///
    /// # Panics
    /// If the callers' accounts cannot be made in the app's store, or the uri is none.
    pub fn report(&self, client: &blocking::Client) -> Report {
        let mut report = self.blank();
        let mut ask = |cases: Vec<Case>| {
            cases.iter().all(|case| {
                let response = request!(self, client, case).dispatch();
                report.note(case, reply(response.status(), response.headers())) || report.asked() > 1
            })
        };
        if let Some(kit) = &self.kit {
            ask(self.completed(kit.clone()).cases().collect());
            return report;
        }
        let (authority, rights) = (authority(client.rocket()), self.rights());
        let runtime = &client.rocket().state::<Runtime>().expect("managed with the authority").0;
        let mut visitors = Visitors::new(authority, &rights);
        let goes_on = ask(made(runtime.block_on(visitors.present(|kit| self.completed(kit)))));
        if goes_on {
            ask(made(runtime.block_on(visitors.gone())));
        }
        made(runtime.block_on(visitors.leave()));
        report
    }

    /// The same by the asynchronous client.
    ///
    /// # Panics
    /// If the callers' accounts cannot be made in the app's store, or the uri is none.
    pub async fn report_async(&self, client: &asynchronous::Client) -> Report {
        let mut report = self.blank();
        let mut ask = async |cases: Vec<Case>| {
            for case in &cases {
                let response = request!(self, client, case).dispatch().await;
                if !report.note(case, reply(response.status(), response.headers())) && report.asked() == 1 {
                    return false;
                }
            }
            true
        };
        if let Some(kit) = &self.kit {
            ask(self.completed(kit.clone()).cases().collect()).await;
            return report;
        }
        let rights = self.rights();
        let mut visitors = Visitors::new(authority(client.rocket()), &rights);
        if ask(made(visitors.present(|kit| self.completed(kit)).await)).await {
            ask(made(visitors.gone().await)).await;
        }
        made(visitors.leave().await);
        report
    }

    fn blank(&self) -> Report {
        let is_path = self.uri.starts_with('/') && Origin::parse(&self.uri).is_ok();
        assert!(is_path, "{:?} is no path of a route, as /orders?page=1 is", self.uri);
        Report::on(format!("{} {}", self.method, self.uri))
    }

    /// With the cases of the route's own role and scope.
    fn completed(&self, kit: Kit) -> Kit {
        let kit = self.roles.iter().fold(kit, |kit, role| kit.with_role(role));
        self.scopes.iter().fold(kit, |kit, scope| kit.with_scope(scope))
    }

    fn headers_of(&self, case: &Case) -> Vec<Header<'static>> {
        let tokens = case.authorization().iter().map(|value| Header::new("Authorization", value.clone()));
        let other = case.header().filter(|(name, _)| *name != COOKIE);
        let other = other.map(|(name, value)| Header::new(name, value.to_owned()));
        self.headers.clone().into_iter().chain(tokens).chain(other).collect()
    }

    fn rights(&self) -> Rights {
        let role = |name: &String| {
            name.parse::<RoleName>().unwrap_or_else(|_| panic!("{name:?} is no name of a role"))
        };
        let roles: BTreeSet<_> = self.roles.iter().map(role).collect();
        let scope = self.scopes.join(" ");
        let scope = Scope::from_display(&scope).unwrap_or_else(|_| panic!("{scope:?} is no scope"));
        Rights { roles, scope }
    }
}

const COOKIE: &str = "Cookie";

/// A local client sends cookies by themselves.
fn cookie(case: &Case) -> Option<(String, String)> {
    let (_, pair) = case.header().filter(|(name, _)| *name == COOKIE)?;
    pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn authority(rocket: &Rocket<Orbit>) -> &Authority {
    rocket.state().expect(
        "no countersign::stage() is attached to this Rocket: for routes that a Verifier guards, \
         name a kit (Protected::kit)",
    )
}

fn made<T>(result: Result<T, Box<dyn std::error::Error + Send + Sync>>) -> T {
    result.unwrap_or_else(|error| panic!("the callers' accounts: {}", crate::store::causes(&*error)))
}

fn reply(status: Status, headers: &HeaderMap<'_>) -> Reply {
    let challenges = headers.get("WWW-Authenticate").map(str::to_owned).collect();
    Reply { status: status.code, challenges }
}

#[track_caller]
fn judge(report: &Report) {
    assert!(report.wrong().is_empty(), "\n{report}\n");
}
