//! What to look at before a store is trusted, in sentences for whoever runs it.

use super::clocks::MAX_DIFFERENCE;
use crate::clock::UnixTime;
use std::{fmt, net::IpAddr, time::Duration};

/// Something about how a store is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is and what to do about it.
    pub text: String,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something could be lost; the server starts all the same.
    Warning,
    /// What is promised would not hold; the server does not start.
    Refusal,
}

impl Finding {
    /// Something to be warned of.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }

    /// Something that keeps the server from starting.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self { severity: Severity::Refusal, text: text.into() }
    }

    /// A finding if a store's own clock, in milliseconds since 1970, and this machine's differ: a
    /// warning beyond `leeway`, a refusal beyond [`MAX_DIFFERENCE`].
    pub fn of_clocks(what: &str, own_clock: u64, now: UnixTime, leeway: Duration) -> Option<Self> {
        let apart = Duration::from_secs((own_clock / 1_000).abs_diff(now.0));
        let seconds = apart.as_secs();
        if apart > MAX_DIFFERENCE {
            return Some(Self::refusal(format!(
                "the clock of {what} and of this machine are {seconds} s apart, more than the {} s up to which \
                 this server may remove what has expired: it could end sessions and delete audit events too \
                 early; set the clocks (NTP)",
                MAX_DIFFERENCE.as_secs()
            )));
        }
        // This machine's is known to the second only.
        (apart > leeway + Duration::from_secs(1)).then(|| {
            Self::warning(format!(
                "the clock of {what} and of this machine are {seconds} s apart, more than the leeway of {} s: \
                 tokens may be refused or live too long; set the clocks (NTP)",
                leeway.as_secs()
            ))
        })
    }

    /// A warning if a store at this host may be talked to without TLS, and the host is not this machine.
    /// `remedy` says what to do about it.
    pub fn of_plain_connection(setting: &str, host: &str, remedy: &str) -> Option<Self> {
        (!is_this_machine(host)).then(|| {
            Self::warning(format!(
                "{setting}: the connection to {host} may be without TLS, so the network between can read \
                 and change what is stored, and read the password of the store; {remedy}"
            ))
        })
    }
}

/// Whether a host, an address or a name, is this machine by its looks.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
    // RFC 6761 §6.3.
    is_loopback || host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in
            ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "Db.Localhost"]
        {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["db", "10.0.0.1", "0.0.0.0", "::", "[2001:db8::1]", "localhost.example", "127.0.0.1.example"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
