//! The fairing of an app that takes another server's tokens and issues none.

use super::{bearer, catcher, guard, malformed};
use crate::Verifier;
use rocket::{
    Build, Orbit, Request, Response, Rocket, async_trait,
    data::Data,
    fairing::{self, Fairing, Info, Kind},
    tokio,
};

impl Verifier {
    /// This verifier as a fairing, in the stead of [`stage()`](crate::stage()): the guards
    /// [`Claims`](crate::Claims), [`Scope<S>`](crate::Scope) and [`Role<R, Claims>`](crate::Role) ask it, and
    /// refuse what they refuse with the issuing server's own answers. Until there are keys that is
    /// 503; `&State<Verifier>` tells a health check whether there [are](Self::is_ready).
    ///
    /// ```
    /// # use rocket::{get, routes};
    /// use countersign::{Claims, Verifier};
    ///
    /// #[get("/hello")]
    /// fn hello(claims: &Claims) -> String {
    ///     format!("Hello, {}", claims.subject())
    /// }
    ///
    /// let verifier = Verifier::builder("https://login.example/.well-known/jwks.json")
    ///     .issuer("https://login.example")
    ///     .audience("https://api.example")
    ///     .build()?;
    /// let rocket = rocket::build().attach(verifier.stage()).mount("/", routes![hello]);
    /// # Ok::<(), countersign::verifier::BuildError>(())
    /// ```
    pub fn stage(self) -> VerifierStage {
        VerifierStage(self)
    }
}

/// What [`Verifier::stage`] makes.
pub struct VerifierStage(Verifier);

#[async_trait]
impl Fairing for VerifierStage {
    fn info(&self) -> Info {
        Info {
            name: "Countersign's verifier",
            kind: Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response,
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if !guard::is_free(&rocket) {
            return Err(rocket);
        }
        Ok(catcher::register(rocket.manage(self.0.clone())))
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let (verifier, mut end) = (self.0.clone(), rocket.shutdown());
        tokio::spawn(async move {
            tokio::select! { _ = verifier.follow() => {}, _ = &mut end => {} }
        });
        // So that the first requests find keys, if the issuer is up.
        self.0.first_fetch().await;
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        if !malformed::check(request, data, false).await {
            bearer::note_token_in_body(request, data).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        malformed::answer(request, response);
        catcher::challenge(request, response);
    }
}
