//! One thing that is sent to a protected route, and what it must be answered.

use http_auth::parse_challenges;
use std::fmt;

/// One request to a protected route: what is wrong with it, by which rule, and the answer it must get.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    pub(super) what: String,
    pub(super) row: &'static str,
    pub(super) rule: &'static str,
    pub(super) answer: Answer,
    pub(super) authorization: Vec<String>,
    pub(super) elsewhere: Option<Elsewhere>,
}

/// Where else than in an `Authorization` header a token may stand.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// `name=value`, already encoded.
    Query(String),
    Header(&'static str, String),
}

/// What a request to a protected route must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success or a redirect: the control, without which a route that refuses everything would pass.
    Accepted,
    /// 401 with the challenge `Bearer error="invalid_token"` (RFC 6750 §3.1).
    InvalidToken,
    /// 401 with the challenge `Bearer` and no error code, as nothing was presented (RFC 6750 §3.1).
    NoCredentials,
    /// 401 with either challenge: whether this is a token at all is a matter of taste.
    Unauthorized,
    /// 400 with the challenge `Bearer error="invalid_request"` (RFC 6750 §3.1).
    InvalidRequest,
    /// 401 as for an invalid token, or refused for its length before it is looked at (400, 431).
    TooLong,
    /// 403 with the challenge `Bearer error="insufficient_scope"` (RFC 6750 §3.1).
    Forbidden,
}

/// What a request was answered, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The values of `WWW-Authenticate`.
    pub challenges: Vec<String>,
}

impl Case {
    /// What is wrong, or, for a control, what is unusual.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The row of `tests/UNHAPPY.md` that it belongs to, such as `A01`; empty for a plain control.
    pub fn row(&self) -> &'static str {
        self.row
    }

    /// The source of the rule, such as `RFC 8725 §3.1`.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// What it must be answered.
    pub fn answer(&self) -> Answer {
        self.answer
    }

    /// The values of the request's `Authorization` headers.
    pub fn authorization(&self) -> &[String] {
        &self.authorization
    }

    /// What has to stand in the request's query, already encoded.
    pub fn query(&self) -> Option<&str> {
        match &self.elsewhere {
            Some(Elsewhere::Query(query)) => Some(query),
            _ => None,
        }
    }

    /// Another header that the request has to have, its name and its value.
    pub fn header(&self) -> Option<(&'static str, &str)> {
        match &self.elsewhere {
            Some(Elsewhere::Header(name, value)) => Some((name, value)),
            _ => None,
        }
    }

    /// The token, where it is the token alone that makes the case.
    pub fn token(&self) -> Option<&str> {
        match &*self.authorization {
            [one] if self.elsewhere.is_none() => one.strip_prefix("Bearer "),
            _ => None,
        }
    }

    /// The target of the request: `uri` with this case's query.
    pub fn target(&self, uri: &str) -> String {
        let separator = if uri.contains('?') { '&' } else { '?' };
        self.query().map_or_else(|| uri.to_owned(), |query| format!("{uri}{separator}{query}"))
    }
}

/// Says what is wrong and not what was sent, which may be a good token.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("what", &self.what).field("row", &self.row).finish_non_exhaustive()
    }
}

impl Answer {
    /// Whether this reply is the answer.
    ///
    /// ```
    /// use countersign::testing::{Answer, Reply};
    ///
    /// let reply = Reply { status: 401, challenges: vec![r#"Bearer realm="x", error="invalid_token""#.into()] };
    /// assert!(Answer::InvalidToken.is(&reply));
    /// assert!(!Answer::NoCredentials.is(&reply));
    /// ```
    pub fn is(self, reply: &Reply) -> bool {
        let error = reply.error();
        let error = error.as_deref();
        match self {
            Self::Accepted => (200..400).contains(&reply.status),
            Self::InvalidToken => reply.status == 401 && error == Some("invalid_token"),
            Self::NoCredentials => reply.status == 401 && error == Some(""),
            Self::Unauthorized => reply.status == 401 && matches!(error, Some("" | "invalid_token")),
            Self::InvalidRequest => reply.status == 400 && error == Some("invalid_request"),
            Self::TooLong => matches!(reply.status, 400 | 431) || Self::InvalidToken.is(reply),
            Self::Forbidden => reply.status == 403 && error == Some("insufficient_scope"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "2xx or 3xx",
            Self::InvalidToken => "401 invalid_token",
            Self::NoCredentials => "401, no error code",
            Self::Unauthorized => "401",
            Self::InvalidRequest => "400 invalid_request",
            Self::TooLong => "401 invalid_token or 431",
            Self::Forbidden => "403 insufficient_scope",
        })
    }
}

impl Reply {
    /// Whether this is success: whoever asked was let in.
    pub(super) fn lets_in(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The error code of the Bearer challenge: empty if it has none, `None` if there is no such
    /// challenge (RFC 6750 §3, RFC 9110 §11.6.1).
    fn error(&self) -> Option<String> {
        // RFC 9110 §11.6.1 has no challenge without parameters before a comma, but this is common.
        let is_bare = |challenge: &&String| challenge.trim().eq_ignore_ascii_case("Bearer");
        let bare = self.challenges.iter().find(is_bare).map(|_| String::new());
        let challenges = self.challenges.iter().filter_map(|value| parse_challenges(value).ok()).flatten();
        let mut bearers = challenges.filter(|challenge| challenge.scheme.eq_ignore_ascii_case("Bearer"));
        let error = bearers.next().map(|bearer| {
            let error = bearer.params.iter().find(|(name, _)| name.eq_ignore_ascii_case("error"));
            error.map(|(_, value)| value.to_unescaped()).unwrap_or_default()
        });
        error.or(bare)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match self.error().as_deref() {
            None if self.status == 401 => f.write_str(", no Bearer challenge"),
            Some("") if self.status == 401 => f.write_str(", no error code"),
            None | Some("") => Ok(()),
            // Anybody may have written this; codes are short (RFC 6750 §3.1).
            Some(error) if error.len() <= 30 && error.bytes().all(|byte| byte.is_ascii_graphic()) => {
                write!(f, " {error}")
            }
            Some(_) => f.write_str(", an error code that is none"),
        }
    }
}
