//! `/admin/clients`: the applications that ask for tokens.

use super::{Admin, bad, cut, fields::Fields, page};
use crate::{
    audit::Actor,
    client::{ClientId, ClientSecret, GrantType},
    grant::Authority,
    registration::{ClientError, Clients, Proof, Registration, Rotation, Terms},
    scope::Scope,
    store::Client,
    web::{
        answer::{Private, Problem, unavailable},
        catcher,
        guard::{Rejection, Role},
    },
};
use rocket::{
    Request, State,
    data::Data,
    delete, get,
    http::{Status, uri::Origin},
    outcome::Outcome,
    patch, post,
    request::{self, FromRequest},
};
use serde_json::{Value, json, value::RawValue};
use std::time::Duration;

const ID: &str = "id must be 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or a digit, and not a UUID";
const NAME: &str = "name must be a text, or null";
const GRANTS: &str = "grants must be a list of password, refresh_token and client_credentials";
const SCOPE: &str = "scope must be scope tokens (RFC 6749 section 3.3) with single spaces between";
const SECONDS: &str = "access_ttl, idle and absolute must be whole seconds, or null";
const YES_OR_NO: &str = "public, introspects and disabled must be true or false";
const JWKS: &str = "jwks must be a JWK Set of 1 to 10 public keys for EdDSA, ES256 or RS256";
const KEYS_ALONE: &str = "jwks is changed alone";
const TWO_PROOFS: &str = "A client is public or has jwks, not both";
const OVERLAP: &str =
    "overlap must be whole seconds from 0 to 7776000, or replace_newest true or false, not both";

/// The clients, for an admin; where no store keeps any, there is nothing here.
pub(in crate::web) struct Desk(Clients);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Desk {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Self::Error> {
        let admin = match Role::<Admin>::from_request(request).await {
            Outcome::Success(admin) => Actor::User(admin.id()),
            Outcome::Error(error) => return Outcome::Error(error),
            Outcome::Forward(status) => return Outcome::Forward(status),
        };
        match request.rocket().state::<Authority>().and_then(|authority| authority.clients(admin)) {
            Some(clients) => Outcome::Success(Self(clients)),
            None => Outcome::Forward(Status::NotFound),
        }
    }
}

#[get("/admin/clients")]
pub(in crate::web) async fn list(desk: Desk, uri: &Origin<'_>) -> Result<Private<Value>, Problem> {
    let (limit, after) = page(uri)?;
    let after = after.map(|text| text.parse()).transpose().map_err(|_| bad("after must be a client's id"))?;
    let mut clients = desk.0.list(after.as_ref(), limit + 1).await.map_err(problem)?;
    let next = cut(&mut clients, limit, |client| client.id.clone());
    let clients: Vec<_> = clients.iter().map(Client::shown).collect();
    Ok(Private(json!({ "clients": clients, "next": next })))
}

#[get("/admin/clients/<id>")]
pub(in crate::web) async fn show(id: &str, desk: Desk) -> Result<Private<Value>, Problem> {
    Ok(Private(desk.0.find(&known(id)?).await.map_err(problem)?.shown()))
}

/// Registers a client. The answer holds its secret, if it has one; no other ever will.
#[post("/admin/clients", data = "<data>")]
pub(in crate::web) async fn add(
    desk: Desk,
    authority: &State<Authority>,
    data: Data<'_>,
) -> Result<(Status, Private<Value>), Problem> {
    let mut fields = Fields::read(data).await?;
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
#[patch("/admin/clients/<id>", data = "<data>")]
pub(in crate::web) async fn change(id: &str, desk: Desk, data: Data<'_>) -> Result<Private<Value>, Problem> {
    let id = known(id)?;
    let mut fields = Fields::read(data).await?;
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
#[post("/admin/clients/<id>/rotate-secret", data = "<data>")]
pub(in crate::web) async fn rotate_secret(
    id: &str,
    desk: Desk,
    authority: &State<Authority>,
    data: Data<'_>,
) -> Result<Private<Value>, Problem> {
    let id = known(id)?;
    let mut fields = Fields::read(data).await?;
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
        ClientError::IdTaken => conflict("There is a client of that id already"),
        ClientError::TwoSecrets => conflict(
            "Two secrets are good already; wait, or replace the newest, or end both with an overlap of 0",
        ),
        ClientError::Contended => conflict("The client was changed by somebody else meanwhile; try again"),
        ClientError::Refused(text) => bad(text),
        ClientError::Keys(_) => bad(JWKS),
        error => unavailable("a client could not be changed")(error),
    }
}

/// What of a client's terms is to be changed. Of what is optional, `Some(None)` takes it away.
#[derive(Default, PartialEq, Eq)]
struct Change {
    name: Option<Option<String>>,
    grants: Option<Vec<GrantType>>,
    scope: Option<Scope>,
    access_ttl: Option<Option<u64>>,
    idle: Option<Option<u64>>,
    absolute: Option<Option<u64>>,
    introspects: Option<bool>,
    disabled: Option<bool>,
}

impl Change {
    /// What a new client may be given too.
    fn of(fields: &mut Fields) -> Result<Self, Problem> {
        let scope = fields.take::<String>("scope", SCOPE)?;
        let scope = scope.map(|text| Scope::from_display(&text)).transpose().map_err(|_| bad(SCOPE))?;
        Ok(Self {
            name: fields.take("name", NAME)?,
            grants: fields.take("grants", GRANTS)?,
            scope,
            access_ttl: fields.take("access_ttl", SECONDS)?,
            idle: fields.take("idle", SECONDS)?,
            absolute: fields.take("absolute", SECONDS)?,
            introspects: fields.take("introspects", YES_OR_NO)?,
            disabled: None,
        })
    }

    fn apply(&self, terms: &mut Terms) {
        let Self { name, grants, scope, access_ttl, idle, absolute, introspects, disabled } = self;
        if let Some(name) = name {
            terms.name.clone_from(name);
        }
        if let Some(grants) = grants {
            terms.grants = grants.iter().copied().collect();
        }
        if let Some(scope) = scope {
            terms.scope = scope.clone();
        }
        let own = &mut terms.lifetimes;
        for (time, seconds) in
            [(&mut own.access, access_ttl), (&mut own.idle, idle), (&mut own.absolute, absolute)]
        {
            if let Some(seconds) = seconds {
                *time = seconds.map(Duration::from_secs);
            }
        }
        if let Some(introspects) = introspects {
            terms.introspects = *introspects;
        }
        if let Some(disabled) = disabled {
            terms.disabled = *disabled;
        }
    }
}
