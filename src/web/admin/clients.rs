//! `/admin/clients`: the applications that ask for tokens.

use super::{
    NoPage, bad,
    change::{Change, WrongTerms, YES_OR_NO},
    cut,
    fields::{Fields, NoFields},
    page,
};
use crate::{
    client::{ClientId, ClientSecret},
    grant::Authority,
    registration::{ClientError, Clients, Proof, Registration, Rotation, Terms, refusal},
    store::Client,
    web::{
        answer::{NOT_REVOKED, Private, Problem, unavailable},
        catcher,
        complaint::complain,
        guard::{Admin, Authorized, Rejection},
        openapi::{
            Absent, Administrator, Body, ClientChange, NewClient, Refusal, Refuses, RegisteredClient,
            Revoking, SecretRotation, Stores, refusals, tag,
        },
    },
};
use rocket::{
    Request, State, delete, get,
    http::{Status, uri::Origin},
    outcome::Outcome,
    patch, post,
    request::{self, FromRequest},
};
use serde_json::{Value, json, value::RawValue};
use utoipa::ToSchema;

const ID: &str = "id must be 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or a digit, and not a UUID";
const ID_TAKEN: &str =
    "There is a client of that id already, or of one that differs only by upper and lower case";
const JWKS: &str = "jwks must be a JWK Set of 1 to 10 public keys for EdDSA, ES256 or RS256";
const KEYS_ALONE: &str = "jwks is changed alone";
const TWO_PROOFS: &str = "A client is public or has jwks, not both";
const OVERLAP: &str =
    "overlap must be whole seconds from 0 to 7776000, or replace_newest true or false, not both";

const AFTER: &str = "after must be a client's id";

refusals! {
    /// An `after` that is no id.
    pub(in crate::web) NotAfter => vec![Refusal::request(AFTER)];
    /// A client that cannot be registered.
    pub(in crate::web) NoClient => {
        let mut all = Refusal::requests([ID, JWKS, TWO_PROOFS, refusal::BUILT_IN]);
        all.push(problem(ClientError::IdTaken).into());
        all
    };
    /// A change that cannot be made.
    pub(in crate::web) NoChange => {
        let mut all = Refusal::requests([JWKS, KEYS_ALONE, refusal::SIGNS_NOT]);
        all.extend(Contended::list());
        all
    };
    /// A secret that cannot be replaced.
    pub(in crate::web) NoRotation => {
        let mut all = Refusal::requests([OVERLAP, refusal::NO_SECRET]);
        all.push(problem(ClientError::TwoSecrets).into());
        all.extend(Contended::list());
        all
    };
    /// Others keep changing it.
    pub(in crate::web) Contended => vec![problem(ClientError::Contended).into()];
}

/// A page of the list of clients.
#[derive(ToSchema)]
#[schema(as = countersign::Clients)]
#[expect(dead_code, reason = "only described")]
struct Page {
    /// By their ids.
    clients: Vec<RegisteredClient>,
    /// What to send as `after` for the next page; `null` on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// The clients, for an admin; where no store keeps any, there is nothing here.
pub(in crate::web) struct Desk(Clients);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Desk {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Self::Error> {
        let admin = match Admin::from_request(request).await {
            Outcome::Success(admin) => admin.actor(),
            Outcome::Error(error) => return Outcome::Error(error),
            Outcome::Forward(status) => return Outcome::Forward(status),
        };
        match request.rocket().state::<Authority>().and_then(|authority| authority.clients(admin)) {
            Some(clients) => Outcome::Success(Self(clients)),
            None => Outcome::Forward(Status::NotFound),
        }
    }
}

#[utoipa::path(
    operation_id = "listClients",
    tag = tag::ADMIN,
    summary = "List the clients",
    description = "404 on this and all that begins with it: no store keeps clients here.",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out",
            example = 20),
        ("after" = Option<String>, Query, description = "The id after which they come: `next` of the page before",
            example = "reports-worker"),
    ),
    responses(
        (status = 200, description = "A page of them", body = Page, example = json!({ "clients": [], "next": null })),
        Refuses<(Administrator, NoPage, NotAfter, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/clients")]
pub(in crate::web) async fn list(desk: Desk, uri: &Origin<'_>) -> Result<Private<Value>, Problem> {
    let (limit, after) = page(uri)?;
    let after = after.map(|text| text.parse()).transpose().map_err(|_| bad(AFTER))?;
    let mut clients = desk.0.list(after.as_ref(), limit + 1).await.map_err(problem)?;
    let next = cut(&mut clients, limit, |client| client.id.clone());
    let clients: Vec<_> = clients.iter().map(Client::shown).collect();
    Ok(Private(json!({ "clients": clients, "next": next })))
}

#[utoipa::path(
    operation_id = "showClient",
    tag = tag::ADMIN,
    summary = "Show a client",
    params(("id" = String, Path, description = "Which client", example = "reports-worker")),
    responses(
        (
            status = 200,
            description = "The client",
            body = RegisteredClient,
            example = json!({
                "id": "reports-worker", "name": "Reports", "authentication": "client_secret",
                "grants": ["client_credentials"], "scope": "reports:read", "access_ttl": null, "idle": null,
                "absolute": null, "introspects": false, "disabled": false, "created_at": 1764400000,
                "secrets": [{ "created_at": 1764400000, "ends_at": null }],
            }),
        ),
        Refuses<(Administrator, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/clients/<id>")]
pub(in crate::web) async fn show(id: &str, desk: Desk) -> Result<Private<Value>, Problem> {
    Ok(Private(desk.0.find(&known(id)?).await.map_err(problem)?.shown()))
}

/// Registers a client. The answer holds its secret, if it has one; no other ever will.
#[utoipa::path(
    operation_id = "addClient",
    tag = tag::ADMIN,
    summary = "Register a client",
    description = "The answer holds its secret, if it has one; no other ever will.",
    request_body(content = NewClient, example = json!({ "id": "reports-worker", "scope": "" })),
    responses(
        (
            status = 201,
            description = "It is registered",
            body = RegisteredClient,
            example = json!({
                "id": "reports-worker", "name": "Reports", "authentication": "client_secret",
                "grants": ["client_credentials"], "scope": "reports:read", "access_ttl": null, "idle": null,
                "absolute": null, "introspects": false, "disabled": false, "created_at": 1764400000,
                "secrets": [{ "created_at": 1764400000, "ends_at": null }],
                "secret": "csc_Wn3d…",
            }),
        ),
        Refuses<(Administrator, Body, NoFields, WrongTerms, NoClient, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[post("/admin/clients", data = "<sent>")]
pub(in crate::web) async fn add(
    authority: &State<Authority>,
    sent: Authorized<Desk, Result<Fields, Problem>>,
) -> Result<(Status, Private<Value>), Problem> {
    let Authorized { caller: desk, body } = sent;
    let mut fields = body?;
    let id = fields.needed::<String>("id", ID)?.parse().map_err(|_| bad(ID))?;
    let secret = ClientSecret::random().map_err(unavailable("a client's secret could not be made"))?;
    let is_public = fields.take("public", YES_OR_NO)?.unwrap_or(false);
    let proof = match fields.take::<Box<RawValue>>("jwks", JWKS)? {
        Some(_) if is_public => return Err(bad(TWO_PROOFS)),
        Some(keys) => Proof::Keys(keys.get().to_owned()),
        None if is_public => Proof::Public,
        None => Proof::Secret(secret.hash()),
    };
    let has_secret = matches!(proof, Proof::Secret(_));
    let change = Change::of(&mut fields)?;
    fields.end()?;
    let mut terms = Terms { grants: proof.usual_grants(), ..Terms::default() };
    change.apply(&mut terms);
    let added =
        desk.0.add(Registration { id, proof, terms }, authority.clock.now()).await.map_err(problem)?;
    let shown = if has_secret { with_secret(&added, &secret) } else { added.shown() };
    Ok((Status::Created, Private(shown)))
}

/// Changes the fields that are there, all in one step (RFC 5789 §2). Unless it is only let in again,
/// the client's access tokens from before are refused.
#[utoipa::path(
    operation_id = "changeClient",
    tag = tag::ADMIN,
    summary = "Change a client",
    description = "The fields that are there, all in one step (RFC 5789 §2). Unless it is only let in again, its \
        access tokens from before are refused.",
    params(("id" = String, Path, description = "Which client", example = "reports-worker")),
    request_body(content = Option<ClientChange>, example = json!({ "disabled": true })),
    responses(
        (
            status = 200,
            description = "The client as it is now",
            body = RegisteredClient,
            example = json!({
                "id": "reports-worker", "name": "Reports", "authentication": "client_secret",
                "grants": ["client_credentials"], "scope": "reports:read", "access_ttl": null, "idle": null,
                "absolute": null, "introspects": false, "disabled": false, "created_at": 1764400000,
                "secrets": [{ "created_at": 1764400000, "ends_at": null }],
            }),
        ),
        Refuses<(Administrator, Body, NoFields, WrongTerms, NoChange, Absent, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[patch("/admin/clients/<id>", data = "<sent>")]
pub(in crate::web) async fn change(
    id: &str,
    sent: Authorized<Desk, Result<Fields, Problem>>,
) -> Result<Private<Value>, Problem> {
    let Authorized { caller: desk, body } = sent;
    let id = known(id)?;
    let mut fields = body?;
    let disabled = fields.take("disabled", YES_OR_NO)?;
    let keys = fields.take::<Box<RawValue>>("jwks", JWKS)?;
    let change = Change { disabled, ..Change::of(&mut fields)? };
    fields.end()?;
    let client = match keys {
        Some(_) if change != Change::default() => return Err(bad(KEYS_ALONE)),
        Some(keys) => desk.0.set_keys(&id, keys.get()).await,
        None if change == Change::default() => desk.0.find(&id).await,
        // Nothing is taken away.
        None if change == (Change { disabled: Some(false), ..Change::default() }) => {
            desk.0.set_disabled(&id, false).await
        }
        None => desk.0.set_terms(&id, |terms| change.apply(terms)).await,
    };
    Ok(Private(client.map_err(problem)?.shown()))
}

/// Gives a client another secret; `overlap` is for how many seconds the present one stays good.
#[utoipa::path(
    operation_id = "rotateClientSecret",
    tag = tag::ADMIN,
    summary = "Give a client another secret",
    params(("id" = String, Path, description = "Which client", example = "reports-worker")),
    request_body(content = Option<SecretRotation>, example = json!({ "overlap": 86400 })),
    responses(
        (
            status = 200,
            description = "The client with its new secret, which is never shown again",
            body = RegisteredClient,
            example = json!({
                "id": "reports-worker", "name": "Reports", "authentication": "client_secret",
                "grants": ["client_credentials"], "scope": "reports:read", "access_ttl": null, "idle": null,
                "absolute": null, "introspects": false, "disabled": false, "created_at": 1764400000,
                "secrets": [{ "created_at": 1764400000, "ends_at": null }],
                "secret": "csc_Wn3d…",
            }),
        ),
        Refuses<(Administrator, Body, NoFields, NoRotation, Absent, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[post("/admin/clients/<id>/rotate-secret", data = "<sent>")]
pub(in crate::web) async fn rotate_secret(
    id: &str,
    authority: &State<Authority>,
    sent: Authorized<Desk, Result<Fields, Problem>>,
) -> Result<Private<Value>, Problem> {
    let Authorized { caller: desk, body } = sent;
    let id = known(id)?;
    let mut fields = body?;
    let overlap = fields.take::<u64>("overlap", OVERLAP)?;
    let newest = fields.take::<bool>("replace_newest", OVERLAP)?.unwrap_or(false);
    fields.end()?;
    let rotation = match overlap {
        None if newest => Rotation::ReplaceNewest,
        Some(_) if newest => return Err(bad(OVERLAP)),
        overlap => match overlap.unwrap_or(86_400) {
            seconds @ 0..=7_776_000 => Rotation::after(seconds),
            _ => return Err(bad(OVERLAP)),
        },
    };
    let secret = ClientSecret::random().map_err(unavailable("a client's secret could not be made"))?;
    let client = desk.0.rotate_secret(&id, secret.hash(), rotation, authority.clock.now()).await;
    Ok(Private(with_secret(&client.map_err(problem)?, &secret)))
}

#[utoipa::path(
    operation_id = "deleteClient",
    tag = tag::ADMIN,
    summary = "Remove a client",
    description = "With all access tokens that it got; nobody can go on with its sessions.",
    params(("id" = String, Path, description = "Which client", example = "reports-worker")),
    responses(
        (status = 204, description = "It is gone"),
        Refuses<(Administrator, Contended, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[delete("/admin/clients/<id>")]
pub(in crate::web) async fn delete(id: &str, desk: Desk) -> Result<Status, Problem> {
    desk.0.delete(&known(id)?).await.map_err(problem)?;
    Ok(Status::NoContent)
}

/// A text that is no client's id is no client's.
fn known(id: &str) -> Result<ClientId, Problem> {
    id.parse().map_err(|_| catcher::problem(Status::NotFound))
}

fn with_secret(client: &Client, secret: &ClientSecret) -> Value {
    let mut shown = client.shown();
    shown["secret"] = secret.reveal().into();
    shown
}

fn problem(error: ClientError) -> Problem {
    let conflict = |description| Problem { status: Status::Conflict, error: "conflict", description };
    match error {
        ClientError::Unknown => catcher::problem(Status::NotFound),
        ClientError::IdTaken => conflict(ID_TAKEN),
        ClientError::TwoSecrets => conflict(
            "Two secrets are good already; wait, or replace the newest, or end both with an overlap of 0",
        ),
        ClientError::Contended => conflict("The client was changed by somebody else meanwhile; try again"),
        ClientError::Refused(text) => bad(text),
        ClientError::Keys(_) => bad(JWKS),
        ClientError::NotRevoked(error) => {
            complain("a change of a client is not followed by its revocations", &error);
            NOT_REVOKED
        }
        error => unavailable("a client could not be changed")(error),
    }
}
