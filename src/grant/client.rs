//! Which client is asking, and whether it is (RFC 6749 §2.3).

use super::{Authority, GrantError, sentence};
use crate::{
    client::{ClientId, GrantType},
    clock::UnixTime,
    jwt::{Assertion, AssertionRules, KeySet, MAX_LEEWAY},
    store::{AssertionId, Authentication, Client, KeptSecret, Lifetimes},
};
use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// The one kind of assertion that is known here (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Client credentials from HTTP Basic (RFC 6749 §2.3.1), taken apart.
#[derive(PartialEq, Eq)]
pub struct BasicCredentials {
    /// The client's id.
    pub id: String,
    /// Its secret.
    pub secret: Zeroizing<String>,
}

/// All that a request says of its client, wherever it stands; an empty parameter counts as left out.
/// Not `Debug`, since most of it is secret.
#[derive(Default, PartialEq, Eq)]
pub struct ClientCredentials {
    /// From the header `Authorization`.
    pub basic: Option<BasicCredentials>,
    /// `client_id`.
    pub id: Option<String>,
    /// `client_secret`.
    pub secret: Option<Zeroizing<String>>,
    /// `client_assertion_type` (RFC 7521 §4.2).
    pub assertion_type: Option<String>,
    /// `client_assertion`.
    pub assertion: Option<Zeroizing<String>>,
    /// The URLs of the endpoint that was called and of the token endpoint, as others know them: besides
    /// the issuer, an assertion may be for one of these (RFC 7523 §3).
    pub endpoints: Vec<String>,
}

/// The one way in which a request names its client.
enum Evidence<'c> {
    Nothing,
    Id(&'c str),
    Secret(&'c str, &'c str),
    Assertion(Option<&'c str>, &'c str),
}

impl ClientCredentials {
    /// Whether it says more of the client than a name.
    pub(super) fn proves(&self) -> bool {
        matches!(self.evidence(), Ok(Evidence::Secret(..) | Evidence::Assertion(..)))
    }

    /// RFC 6749 §2.3: no more than one way of authenticating in a request.
    fn evidence(&self) -> Result<Evidence<'_>, GrantError> {
        let (id, secret) = (self.id.as_deref(), self.secret.as_deref().map(String::as_str));
        // Swagger UI and others send `Basic Og==` (an empty id and secret) when they have none.
        let basic = self.basic.as_ref().filter(|basic| !basic.id.is_empty() || !basic.secret.is_empty());
        let assertion = match (self.assertion_type.as_deref(), self.assertion.as_deref()) {
            (None, None) => None,
            (Some(JWT_BEARER), Some(assertion)) => Some(assertion.as_str()),
            (Some(_), Some(_)) => return Err(GrantError::InvalidClient),
            _ => return Err(GrantError::InvalidRequest(sentence::HALF_AN_ASSERTION)),
        };
        match (basic, id, secret, assertion) {
            (Some(basic), None, None, None) if basic.secret.is_empty() => Ok(Evidence::Id(&basic.id)),
            (Some(basic), None, None, None) => Ok(Evidence::Secret(&basic.id, &basic.secret)),
            (Some(_), ..) | (None, _, Some(_), Some(_)) => {
                Err(GrantError::InvalidRequest(sentence::TWO_CLIENTS))
            }
            (None, id, None, Some(assertion)) => Ok(Evidence::Assertion(id, assertion)),
            (None, Some(id), Some(secret), None) => Ok(Evidence::Secret(id, secret)),
            (None, Some(id), None, None) => Ok(Evidence::Id(id)),
            (None, None, Some(_), None) => Err(GrantError::InvalidClient),
            (None, None, None, None) => Ok(Evidence::Nothing),
        }
    }
}

impl Authority {
    /// The client that the request names, if it proves to be it as it is registered to: a public one
    /// by its id alone, any other by a secret or a signature. Without a name it is the built-in one.
    ///
    /// # Errors
    /// `invalid_client` for whoever is unknown, disabled or proves nothing; `invalid_request` for
    /// whoever does so in two ways.
    pub(super) async fn authenticate(&self, credentials: &ClientCredentials) -> Result<Client, GrantError> {
        let evidence = credentials.evidence()?;
        let id = match evidence {
            Evidence::Nothing => return Ok(self.first_party()),
            Evidence::Id(id) | Evidence::Secret(id, _) | Evidence::Assertion(Some(id), _) => id.parse().ok(),
            Evidence::Assertion(None, assertion) => Assertion::claimed_subject(assertion.as_bytes()),
        };
        let client = match id {
            Some(id) => self.client(&id).await?,
            None => None,
        };
        let client = client.ok_or(GrantError::InvalidClient)?;
        let now = self.clock.now();
        let is_proven = match (&client.authentication, evidence) {
            (Authentication::None, Evidence::Id(_)) => true,
            (Authentication::Secrets(kept), Evidence::Secret(_, secret)) => is_one_of(kept, secret, now),
            (Authentication::Keys(keys), Evidence::Assertion(_, assertion)) => {
                self.is_asserted(&client.id, keys, assertion, &credentials.endpoints, now).await?
            }
            _ => false,
        };
        if is_proven { Ok(client) } else { Err(GrantError::InvalidClient) }
    }

    /// The client of this id, unless it is disabled.
    pub(super) async fn client(&self, id: &ClientId) -> Result<Option<Client>, GrantError> {
        if id.is_first_party() {
            return Ok(Some(self.first_party()));
        }
        let Some(clients) = &self.stores.clients else { return Ok(None) };
        Ok(clients.by_id(id).await?.filter(|client| !client.disabled))
    }

    /// Reads the client's record once more for a token that is about to be made, after the `now` and the
    /// revision that are to stand in it. What was taken away from the client before shows here. What is
    /// taken away from here on is on the list of revocations for longer than the token is good for; and
    /// if the store loses that list, it loses it with the memory that the revision is of.
    ///
    /// # Errors
    /// `invalid_client` if it is shut out or gone, [`GrantError::Overtaken`] if it has changed.
    pub(super) async fn confirm(&self, client: &Client) -> Result<(), GrantError> {
        match self.client(&client.id).await? {
            Some(present) if present.revision == client.revision => Ok(()),
            Some(_) => Err(GrantError::Overtaken),
            None => Err(GrantError::InvalidClient),
        }
    }

    /// The app's own front end, which may do whatever people can without any of the server's own scopes.
    fn first_party(&self) -> Client {
        Client {
            id: ClientId::first_party(),
            name: None,
            authentication: Authentication::None,
            grants: [GrantType::Password, GrantType::RefreshToken].into(),
            scope: self.scopes.all.clone(),
            lifetimes: Lifetimes::default(),
            introspects: false,
            disabled: false,
            created_at: UnixTime(0),
            revision: 0,
        }
    }

    /// Whether the client has signed this for us, and nobody has used it before (RFC 7523 §3).
    async fn is_asserted(
        &self,
        client: &ClientId,
        keys: &str,
        assertion: &str,
        endpoints: &[String],
        now: UnixTime,
    ) -> Result<bool, GrantError> {
        let Some(clients) = &self.stores.clients else { return Ok(false) };
        let Ok(keys) = KeySet::registered(keys) else {
            tracing::error!(%client, "the client's keys cannot be used; register it anew");
            return Ok(false);
        };
        let audiences = [&[self.tokens.issuer().to_owned()], endpoints].concat();
        let leeway = self.tokens.leeway();
        let rules = AssertionRules { client, audiences: &audiences, leeway };
        let assertion = match Assertion::verify(assertion.as_bytes(), &keys, &rules, now) {
            Ok(assertion) => assertion,
            Err(error) => {
                tracing::debug!(%client, %error, "an assertion is refused");
                return Ok(false);
            }
        };
        // Each is remembered until it expires.
        self.rate.client(client).await?;
        // Another server's clock may be behind, so that it takes it for longer.
        let until = assertion.expires_at().plus(MAX_LEEWAY);
        Ok(clients.spend(&assertion_id(client, assertion.id()), until, now).await?)
    }
}

/// Whether this is one of the secrets that are good at `now`. All are compared, whichever it is.
fn is_one_of(kept: &[KeptSecret], secret: &str, now: UnixTime) -> bool {
    let live = kept.iter().filter(|kept| kept.ends_at.is_none_or(|end| now < end));
    live.filter(|kept| kept.hash.matches(secret)).count() > 0
}

fn assertion_id(client: &ClientId, jti: &str) -> AssertionId {
    let mut digest = digest::Context::new(&digest::SHA256);
    for text in [client.as_str(), "\0", jti] {
        digest.update(text.as_bytes());
    }
    let mut id = AssertionId::default();
    id.copy_from_slice(digest.finish().as_ref());
    id
}
