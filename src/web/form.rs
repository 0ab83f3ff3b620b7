//! The forms of requests about tokens: `application/x-www-form-urlencoded` and `multipart/form-data`.
//!
//! Stricter than Rocket's forms, as RFC 6749 §3.2 asks: a parameter that stands twice is an
//! error, and so is text that is not UTF-8, for two different passwords must never read alike.

use super::{answer::Problem, body, refused::Refused};
use crate::grant::{ClientCredentials, GrantError, TokenQuery, TokenRequest};
use rocket::{
    data::{ByteUnit, Data},
    futures::stream,
    http::ContentType,
};
use std::convert::Infallible;
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest body that is read, in bytes.
pub const MAX_BODY_BYTES: u64 = 16 * 1024;

/// Why a form is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FormError {
    /// Neither of the two content types.
    #[error("The body must be application/x-www-form-urlencoded or multipart/form-data")]
    ContentType,
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("A parameter is not correctly encoded UTF-8")]
    Encoding,
    /// A multipart body that cannot be taken apart, or with a file for a parameter.
    #[error("The multipart body is malformed")]
    Multipart,
    /// RFC 6749 §3.2: parameters must not be included more than once.
    #[error("A parameter stands twice")]
    Duplicate,
}

impl FormError {
    /// A constant sentence for `error_description`.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ContentType => "The body must be application/x-www-form-urlencoded or multipart/form-data",
            Self::Encoding => "A parameter is not correctly encoded UTF-8",
            Self::Multipart => "The multipart body is malformed",
            Self::Duplicate => "A parameter stands twice",
        }
    }
}

/// Reads the body of a form, which must not be longer than [`MAX_BODY_BYTES`].
pub(super) async fn body(data: Data<'_>) -> Result<Vec<u8>, Problem> {
    body::read(data, ByteUnit::from(MAX_BODY_BYTES)).await
}

/// Reads and parses the form of a request.
pub(super) async fn read(content_type: Option<&ContentType>, data: Data<'_>) -> Result<Form, Refused> {
    let content_type = content_type.map(ContentType::to_string).unwrap_or_default();
    let form = parse(&content_type, body(data).await.map_err(Refused::Other)?).await;
    Ok(form.map_err(|error| GrantError::InvalidRequest(error.description()))?)
}

/// Parses a body by its content type. Unknown parameters are ignored.
pub async fn parse(content_type: &str, body: Vec<u8>) -> Result<Form, FormError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        parse_urlencoded(&body)
    } else if essence.eq_ignore_ascii_case("multipart/form-data") {
        let boundary = multer::parse_boundary(content_type).map_err(|_| FormError::Multipart)?;
        parse_multipart(boundary, body).await
    } else {
        Err(FormError::ContentType)
    }
}

/// Parses `name=value&…` (WHATWG URL, `application/x-www-form-urlencoded`), but strictly.
///
/// ```
/// use countersign::{grant::TokenRequest, web::form::{FormError, parse_urlencoded}};
///
/// let request = TokenRequest::from(parse_urlencoded(b"username=ada&password=a+b%26c&extra=1")?);
/// assert_eq!(request.username.as_deref(), Some("ada"));
/// assert_eq!(request.password.unwrap().as_str(), "a b&c");
/// assert_eq!(parse_urlencoded(b"scope=a&scope=b").err(), Some(FormError::Duplicate));
/// assert_eq!(parse_urlencoded(b"password=%ff").err(), Some(FormError::Encoding));
/// # Ok::<(), FormError>(())
/// ```
pub fn parse_urlencoded(body: &[u8]) -> Result<Form, FormError> {
    let mut form = Form::default();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(at + 1..).unwrap_or_default();
        form.set(&percent_decode(&pair[..at])?, percent_decode(value)?)?;
    }
    Ok(form)
}

async fn parse_multipart(boundary: String, body: Vec<u8>) -> Result<Form, FormError> {
    let mut form = Form::default();
    let stream = stream::iter([Ok::<_, Infallible>(body)]);
    let mut multipart = multer::Multipart::new(stream, boundary);
    while let Some(field) = multipart.next_field().await.map_err(|_| FormError::Multipart)? {
        let name = field.name().ok_or(FormError::Multipart)?.to_owned();
        if !NAMES.contains(&&*name) {
            continue;
        }
        if field.file_name().is_some() {
            return Err(FormError::Multipart);
        }
        let value = field.bytes().await.map_err(|_| FormError::Multipart)?;
        let value = String::from_utf8(value.into()).map_err(|_| FormError::Encoding)?;
        form.set(&name, value)?;
    }
    Ok(form)
}

/// Undoes `application/x-www-form-urlencoded`: `+` is a space, `%` wants two hexadecimal digits,
/// and the result must be UTF-8.
pub(super) fn percent_decode(text: &[u8]) -> Result<String, FormError> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(FormError::Encoding),
            },
            byte => *byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| FormError::Encoding)
}

const NAMES: [&str; 12] = [
    "grant_type",
    "username",
    "password",
    "scope",
    "client_id",
    "client_secret",
    "client_assertion_type",
    "client_assertion",
    "refresh_token",
    "device_name",
    "token",
    "token_type_hint",
];

/// The parameters of a request, each at most once. Not `Debug`, since most of them are secret.
#[derive(Default, PartialEq, Eq)]
pub struct Form([Option<String>; NAMES.len()]);

impl Form {
    fn set(&mut self, name: &str, value: String) -> Result<(), FormError> {
        let Some(at) = NAMES.iter().position(|known| *known == name) else { return Ok(()) };
        if self.0[at].is_some() {
            return Err(FormError::Duplicate);
        }
        self.0[at] = Some(value);
        Ok(())
    }

    /// The value of a parameter that is known here. RFC 6749 §3.2: without a value it is treated as
    /// omitted.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.0[at].as_deref().filter(|value| !value.is_empty())
    }

    /// The same, to keep.
    fn take(&mut self, name: &str) -> Option<String> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.0[at].take().filter(|value| !value.is_empty())
    }

    fn take_secret(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.take(name).map(Zeroizing::new)
    }

    fn take_client(&mut self) -> ClientCredentials {
        ClientCredentials {
            basic: None,
            id: self.take("client_id"),
            secret: self.take_secret("client_secret"),
            assertion_type: self.take("client_assertion_type"),
            assertion: self.take_secret("client_assertion"),
            endpoints: vec![],
        }
    }
}

impl From<Form> for TokenRequest {
    fn from(mut form: Form) -> Self {
        Self {
            grant_type: form.take("grant_type"),
            username: form.take("username"),
            password: form.take_secret("password"),
            scope: form.take("scope"),
            client: form.take_client(),
            refresh_token: form.take_secret("refresh_token"),
            device_name: form.take("device_name"),
        }
    }
}

impl From<Form> for TokenQuery {
    fn from(mut form: Form) -> Self {
        Self { token: form.take_secret("token"), client: form.take_client() }
    }
}
