//! The cookies, for browsers only: `__Host-refresh`, and `__Host-device`, which opens nothing.

use crate::grant::{KnownDevice, Refresh};
use rocket::{
    Request, Response,
    http::{Header, Status},
    request::{FromRequest, Outcome},
};
use std::time::Duration;
use zeroize::Zeroizing;

/// The name; its prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
pub const NAME: &str = "__Host-refresh";

/// The cookie by which a browser is known that has logged in before, with the same prefix.
pub const DEVICE: &str = "__Host-device";

pub(super) const TWICE: &str = "The refresh cookie stands twice";

/// What browsers trim (RFC 6265 §5.2). A name with any other white space is another name to them, for
/// which they do not keep what the prefix promises.
const BLANK: [char; 2] = [' ', '\t'];

/// All cookies of a request together; no browser sends a site that many of ours.
const MAX_BYTES: usize = 16 << 10;

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// What the request's cookies say, read from the headers: Rocket's jar keeps the last of two.
#[derive(PartialEq, Eq)]
pub enum RefreshCookie {
    /// None of that name.
    Absent,
    /// One, and its value.
    Present(Zeroizing<String>),
    /// Two of that name: somebody has planted one.
    Twice,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for RefreshCookie {
    type Error = ();

    /// More than 16 KiB of cookies are answered 431 (RFC 6585 §5).
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let headers = || request.headers().get("Cookie");
        if headers().map(str::len).sum::<usize>() > MAX_BYTES {
            return Outcome::Error((Status::RequestHeaderFieldsTooLarge, ()));
        }
        Outcome::Success(parse(headers()))
    }
}

/// The refresh cookie of a request's `Cookie` headers.
///
/// ```
/// use countersign::web::cookie::{RefreshCookie, parse};
///
/// let cookie = parse(["theme=dark; __Host-refresh=csr_abc"]);
/// assert!(cookie == RefreshCookie::Present("csr_abc".to_owned().into()));
/// assert!(parse(["__Host-refresh=a", "__Host-refresh=a"]) == RefreshCookie::Twice);
/// ```
pub fn parse<'h>(headers: impl IntoIterator<Item = &'h str>) -> RefreshCookie {
    let mut values = values(headers, NAME);
    match (values.next(), values.next()) {
        (None, _) => RefreshCookie::Absent,
        (Some(value), None) => RefreshCookie::Present(Zeroizing::new(value.to_owned())),
        (Some(_), Some(_)) => RefreshCookie::Twice,
    }
}

fn values<'h>(headers: impl IntoIterator<Item = &'h str>, name: &str) -> impl Iterator<Item = &'h str> {
    let pairs =
        headers.into_iter().flat_map(|header| header.split(';')).filter_map(|pair| pair.split_once('='));
    let trim = |text: &'h str| text.trim_matches(BLANK);
    pairs.filter(move |(found, _)| trim(found) == name).map(move |(_, value)| trim(value))
}

/// What a browser says it is known by. Of two nobody can tell which is ours, so it is not known.
pub(super) struct DeviceCookie(pub(super) Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for DeviceCookie {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let mut values = values(request.headers().get("Cookie"), DEVICE);
        let only = values.next().filter(|_| values.next().is_none());
        Outcome::Success(Self(only.map(str::to_owned)))
    }
}

/// Has the browser keep what it is known by.
pub(super) fn set_device(response: &mut Response<'_>, device: &KnownDevice) {
    let (token, age) = (&device.token, device.expires_in.as_secs());
    let cookie = format!("{DEVICE}={token}; Max-Age={age}; {ATTRIBUTES}");
    response.adjoin_header(Header::new("Set-Cookie", cookie));
}

/// The `Set-Cookie` header that makes a browser keep this refresh token for `age`, in whole seconds.
pub fn print(token: &str, age: Duration) -> String {
    format!("{NAME}={token}; Max-Age={}; {ATTRIBUTES}", age.as_secs())
}

/// Puts this refresh token into the cookie.
pub(super) fn set(response: &mut Response<'_>, refresh: &Refresh) {
    let cookie = print(&refresh.token, refresh.expires_in);
    response.adjoin_header(Header::new("Set-Cookie", cookie));
}

/// Takes the cookie away; with the same attributes, or a browser would keep it.
pub(super) fn clear(response: &mut Response<'_>) {
    response.adjoin_header(Header::new("Set-Cookie", print("", Duration::ZERO)));
}

/// Whether a page of somebody else's made the browser send this request, or might have.
///
/// `Sec-Fetch-Site` and `Origin` are the browser's own words; at least one has to be there, and
/// what is there has to say that the page is ours or one of `allowed`.
pub(super) struct Provenance {
    same_origin: Option<bool>,
    origin: Option<String>,
    host: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Provenance {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        // Two of a header are as good as a wrong one.
        let one = |name| {
            let mut values = request.headers().get(name);
            let first = values.next().map(str::to_owned);
            if values.next().is_some() { Some(String::new()) } else { first }
        };
        Outcome::Success(Self {
            same_origin: one("Sec-Fetch-Site").map(|site| site == "same-origin"),
            origin: one("Origin"),
            host: request.host().map(ToString::to_string),
        })
    }
}

impl Provenance {
    /// Whether the cookie may be used, or set, by this request.
    pub(super) fn is_trusted(&self, allowed: &[String]) -> bool {
        let Some(origin) = &self.origin else { return self.same_origin == Some(true) };
        if allowed.contains(origin) {
            return true;
        }
        self.is_ours(origin) && self.same_origin != Some(false)
    }

    /// Browsers leave the usual port out of an origin; what a proxy makes of `Host` may have it.
    fn is_ours(&self, origin: &str) -> bool {
        let (origin, port) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
            (Some(host), _) => (host, ":443"),
            (_, Some(host)) => (host, ":80"),
            _ => return false,
        };
        let Some(host) = &self.host else { return false };
        host.strip_suffix(port).unwrap_or(host).eq_ignore_ascii_case(origin)
    }

    /// Whether no browser sent it, as far as one can tell.
    pub(super) fn is_unknown(&self) -> bool {
        self.origin.is_none() && self.same_origin.is_none()
    }
}

/// 403: nothing was changed.
pub(super) const CROSS_SITE: super::answer::Problem = super::answer::Problem {
    status: Status::Forbidden,
    error: "cross_site",
    description: "The refresh cookie can only be used by this site's own pages",
};
