//! Errors as the document tells them: every example is the very constant that a route answers with.

use crate::{
    allowance::Allowance,
    grant::{GrantError, sentence},
    jwt::JwtError,
    password::PasswordError,
    rate_limit::RateLimited,
    scope,
    throttle::TooMany,
    web::{
        answer::{NOT_REVOKED, Problem},
        catcher,
        cookie::CROSS_SITE,
        form::FormError,
        guard::Rejection,
        limited,
        refused::{CLIENT_CHALLENGE, problem},
    },
};
use rocket::http::Status;
use std::{borrow::Cow, collections::BTreeMap, marker::PhantomData, time::Duration};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        example::ExampleBuilder,
    },
};

/// What every error is: a code for programs and a constant sentence for people.
#[derive(ToSchema)]
#[schema(as = countersign::Error)]
#[expect(dead_code, reason = "only described; `Problem` writes it")]
pub(super) struct Error {
    /// One word for programs; those of RFC 6749 §5.2 and RFC 6750 §3.1 where these have one.
    #[schema(examples("invalid_request"))]
    error: String,
    /// A sentence for people.
    #[schema(examples("A parameter stands twice"))]
    error_description: String,
}

/// One answer that refuses.
pub(in crate::web) struct Refusal {
    problem: Problem,
    /// Headers that are of this answer in particular, and their values.
    headers: Vec<(&'static str, String)>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let headers = match problem.status {
            Status::ServiceUnavailable => vec![("Retry-After", "1".into())],
            Status::RequestTimeout => vec![("Connection", "close".into())],
            _ => vec![],
        };
        Self { problem, headers }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let mut refusal = Self::from(rejection.problem());
        let challenge = rejection.challenge().map(Cow::into_owned);
        refusal.headers.extend(challenge.map(|challenge| ("WWW-Authenticate", challenge)));
        refusal
    }
}

impl From<GrantError> for Refusal {
    fn from(error: GrantError) -> Self {
        let mut refusal = Self::from(problem(&error));
        if refusal.problem.status == Status::Unauthorized {
            refusal.headers.push(("WWW-Authenticate", CLIENT_CHALLENGE.into()));
        }
        refusal
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        Self::request(error.description())
    }
}

impl Refusal {
    /// 400 `invalid_request` with this sentence.
    pub(in crate::web) fn request(sentence: &'static str) -> Self {
        GrantError::InvalidRequest(sentence).into()
    }

    /// 400 `invalid_request` with what is said of each password that cannot be chosen.
    pub(in crate::web) fn passwords(said: impl Fn(PasswordError) -> &'static str) -> Vec<Self> {
        let all = [
            PasswordError::TooShort,
            PasswordError::TooLong,
            PasswordError::NotAllowed,
            PasswordError::Common,
            PasswordError::HasUsername,
            PasswordError::HasSiteName,
        ];
        all.into_iter().map(|error| Self::request(said(error))).collect()
    }

    /// 400 `invalid_request` with each of these.
    pub(in crate::web) fn requests(sentences: impl IntoIterator<Item = &'static str>) -> Vec<Self> {
        sentences.into_iter().map(Self::request).collect()
    }
}

/// Some answers that refuse; a tuple of them is all of theirs.
pub(in crate::web) trait Refusals {
    /// Each of them.
    fn list() -> Vec<Refusal>;
}

macro_rules! refusals {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident => $list:expr;)*) => {$(
        $(#[$attribute])*
        $visibility struct $name;

        impl $crate::web::openapi::Refusals for $name {
            fn list() -> Vec<$crate::web::openapi::Refusal> {
                $list
            }
        }
    )*};
}
pub(in crate::web) use refusals;

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Refusals),+> Refusals for ($($name,)+) {
            fn list() -> Vec<Refusal> {
                let mut all = vec![];
                $(all.extend($name::list());)+
                all
            }
        }
    )*};
}
tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; }

refusals! {
    /// Of a route that wants an access token, be it a person's or a service's.
    pub(in crate::web) Token => vec![
        Rejection::NoCredentials.into(),
        Rejection::InvalidToken(JwtError::Expired).into(),
        Rejection::Ambiguous.into(),
        Rejection::Unavailable.into(),
    ];
    /// Of one that is for people.
    pub(in crate::web) Person => [Token::list(), vec![Rejection::Service.into()]].concat_all();
    /// Of one that acts on the caller's own account.
    pub(in crate::web) Holder => [
        Person::list(),
        vec![Rejection::MissingScope(scope::ACCOUNT).into()],
    ].concat_all();
    /// Of one that is for admins.
    pub(in crate::web) Administrator => [
        Token::list(),
        vec![Rejection::MissingRole.into(), Rejection::MissingScope(scope::ADMIN).into()],
    ].concat_all();
    /// Of one that asks a store.
    pub(in crate::web) Stores => vec![catcher::problem(Status::ServiceUnavailable).into()];
    /// Of one that asks a store, and whose change has to be followed by revocations.
    pub(in crate::web) Revoking => [Stores::list(), vec![NOT_REVOKED.into()]].concat_all();
    /// Of one that names something that may not be there.
    pub(in crate::web) Absent => vec![catcher::problem(Status::NotFound).into()];
    /// Of one that reads a body.
    pub(in crate::web) Body => vec![
        crate::web::body::UNREADABLE.into(),
        catcher::problem(Status::RequestTimeout).into(),
        catcher::problem(Status::PayloadTooLarge).into(),
    ];
    /// Of one that reads a form.
    pub(in crate::web) Form => [
        Body::list(),
        vec![
            FormError::ContentType.into(),
            FormError::Encoding.into(),
            FormError::Multipart.into(),
            FormError::Duplicate.into(),
        ],
    ].concat_all();
    /// Of one that clients prove themselves to.
    pub(in crate::web) Client => vec![
        GrantError::InvalidClient.into(),
        Refusal::request(sentence::TWO_CLIENTS),
        Refusal::request(sentence::HALF_AN_ASSERTION),
        Refusal::request(crate::web::basic::TWICE),
        GrantError::Overtaken.into(),
    ];
    /// Of one that the refresh cookie may be sent to.
    pub(in crate::web) Cookie => vec![
        CROSS_SITE.into(),
        Refusal::request(crate::web::cookie::TWICE),
        catcher::problem(Status::RequestHeaderFieldsTooLarge).into(),
    ];
    /// Of one at which passwords can be guessed.
    pub(in crate::web) Guesses => {
        let day = Duration::from_secs(86_400);
        let allowance = Allowance::per_day(5, 100, Duration::from_secs(1), day);
        let many = TooMany { limit: "account", allowance, wait: Duration::from_secs(4) };
        let headers = limited::headers(many.limit, many.allowance, many.wait);
        vec![Refusal { problem: problem(&many.into()), headers: headers.into() }]
    };
    /// Of one at which a session or a client can ask too often.
    pub(in crate::web) TooOften => {
        let (limit, wait) = ("session", Duration::from_secs(20));
        let limited = RateLimited { limit, allowance: Allowance::per_day(100, 4_320, wait, wait), wait };
        let headers = limited::headers(limit, limited.allowance, wait);
        vec![Refusal { problem: problem(&limited.into()), headers: headers.into() }]
    };
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Refusal>;
}

impl<const N: usize> ConcatAll for [Vec<Refusal>; N] {
    fn concat_all(self) -> Vec<Refusal> {
        self.into_iter().flatten().collect()
    }
}

/// All of these refusals as responses, one for each status.
pub(in crate::web) struct Refuses<R>(PhantomData<R>);

impl<R: Refusals> IntoResponses for Refuses<R> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
        for refusal in R::list() {
            let same = by_status.entry(refusal.problem.status.code).or_default();
            let is_same = |known: &&mut Refusal| known.problem.description == refusal.problem.description;
            match same.iter_mut().find(is_same) {
                Some(known) => known.headers.extend(refusal.headers),
                None => same.push(refusal),
            }
        }
        by_status
            .into_iter()
            .map(|(status, same)| (status.to_string(), response(status, same).into()))
            .collect()
    }
}

fn response(status: u16, refusals: Vec<Refusal>) -> Response {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut examples: BTreeMap<String, _> = BTreeMap::new();
    for Refusal { problem: Problem { error, description, .. }, headers: own } in refusals {
        let value = serde_json::json!({ "error": error, "error_description": description });
        let example = ExampleBuilder::new().summary(description).value(Some(value)).build();
        let mut names = (1..).map(|n| if n == 1 { error.to_owned() } else { format!("{error}-{n}") });
        let name = names.find(|name| !examples.contains_key(name)).unwrap_or_default();
        examples.insert(name, RefOr::from(example));
        for (name, value) in own {
            let values = headers.entry(name).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("countersign.Error")))
        .examples_from_iter(examples)
        .build();
    let response = ResponseBuilder::new().description(meaning(status)).content("application/json", content);
    headers
        .into_iter()
        .fold(response, |response, (name, values)| response.header(name, header(name, values)))
        .build()
}

fn header(name: &str, values: Vec<String>) -> utoipa::openapi::Header {
    let description = match name {
        "WWW-Authenticate" => "How to authenticate, and what was wrong (RFC 6750 §3, RFC 6749 §5.2)",
        "Retry-After" => "Seconds to wait before the next attempt (RFC 9110 §10.2.3)",
        "RateLimit-Policy" | "RateLimit" => {
            "Which limit, and how long it lasts (draft-ietf-httpapi-ratelimit-headers-10)"
        }
        "Connection" => "What of the body may still come is no request (RFC 9110 §15.5.9)",
        _ => "",
    };
    let kind = if name == "Retry-After" { Type::Integer } else { Type::String };
    let examples = values.into_iter().map(|value| match value.parse::<u64>() {
        Ok(number) if name == "Retry-After" => number.into(),
        _ => serde_json::Value::from(value),
    });
    let schema = ObjectBuilder::new().schema_type(kind).examples(examples).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

/// What a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed, or asks for what it cannot have",
        401 => "Nobody is recognised",
        403 => "Somebody is recognised, or might be, and may not do this",
        404 => "There is nothing of that name",
        408 => "The body did not come within ten seconds",
        409 => "It cannot be done as things are at this moment",
        413 => "The body is too large",
        429 => "Too many attempts have failed, or a session or a client has asked too often",
        431 => "The cookies together are larger than 16 KiB",
        503 => "A store does not answer, there is too much to do, or it is not known what was revoked",
        _ => "The request is refused",
    }
}
