//! What the site is called, so that no password has it inside.

use super::reader::Reader;
use crate::password::Policy;

/// `PASSWORD__SITE_NAMES`, and what the issuer's and the origins' hosts are called.
pub(super) fn read(reader: &mut Reader, issuer: &str, origins: &[String]) -> Policy {
    let given = reader.list("password.site_names", |text| {
        let names: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        let long_enough = names.iter().all(|name| name.chars().count() >= Policy::MIN_NAME);
        if long_enough {
            Ok(names)
        } else {
            Err("must be names of at least 4 characters, with spaces between")
        }
    });
    let given = given.unwrap_or_default();
    let hosts = std::iter::once(issuer).chain(origins.iter().map(String::as_str)).filter_map(name);
    Policy::new(given.iter().map(String::as_str).chain(hosts))
}

/// `example` of `https://login.example.co.uk:8443/path`, the last label that is as long as a name and no
/// top-level domain; an issuer that is no URL is a name itself.
fn name(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?;
    // An address has no name.
    if host.starts_with('[') || host.bytes().all(|byte| byte.is_ascii_digit() || b".:".contains(&byte)) {
        return None;
    }
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let (labels, _) = host.rsplit_once('.').unwrap_or((host, ""));
    labels.rsplit('.').find(|label| label.len() >= Policy::MIN_NAME)
}
