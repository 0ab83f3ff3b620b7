//! Where sessions live if not in the database, told by a URL.

use std::{fmt, str::FromStr};
use thiserror::Error;
use zeroize::Zeroizing;

/// The address of Redis, with its credentials. `Debug` and `Display` do not show them.
///
/// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` is one server,
/// `redis+cluster://…HOST:PORT,HOST:PORT` a Cluster, and
/// `redis+sentinel://…HOST:PORT,HOST:PORT/MASTER[/DATABASE]` whatever server Sentinels call the
/// master of that name. With `rediss` each of them speaks TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    text: Zeroizing<String>,
    topology: Topology,
    tls: bool,
    /// `USER:PASSWORD@`, or nothing.
    credentials: Zeroizing<String>,
    hosts: Vec<String>,
    database: u32,
}

/// How many servers there are, and how to know which to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server, or what stands before several.
    One,
    /// A Redis Cluster.
    Cluster,
    /// Sentinels that name the master.
    Sentinel {
        /// What they call it.
        master: String,
    },
}

const FORMS: &str = "must be redis://HOST:PORT, redis+cluster://HOST:PORT,HOST:PORT or \
                     redis+sentinel://HOST:PORT,HOST:PORT/MASTER (rediss… for TLS)";

/// The text is no address of Redis. Says what is wrong and never what the text was.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct RedisUrlError(&'static str);

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(url: &str) -> Result<Self, RedisUrlError> {
        Self::parse(url).map_err(RedisUrlError)
    }
}

impl RedisUrl {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        if cfg!(not(feature = "redis")) {
            return Err("is for a store that this program was built without (feature redis)");
        }
        let (scheme, rest) = url.split_once("://").ok_or(FORMS)?;
        let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(FORMS),
        };
        if rest.contains(['?', '#', ' ']) {
            return Err("takes no parameters");
        }
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = place.rsplit_once('@').map_or(("", place), |(who, hosts)| (who, hosts));
        let (topology, database) = match kind {
            "" => (Topology::One, path),
            "cluster" => (Topology::Cluster, path),
            "sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err("must name the master behind the addresses of the Sentinels");
                }
                (Topology::Sentinel { master: master.to_owned() }, database)
            }
            _ => return Err(FORMS),
        };
        let database = if database.is_empty() { Ok(0) } else { database.parse() };
        let database = database.map_err(|_| "must end in the number of a database, or in nothing")?;
        if topology == Topology::Cluster && database != 0 {
            return Err("must not name a database: a Cluster has but one");
        }
        let hosts: Vec<_> = hosts.split(',').map(str::to_owned).collect();
        if hosts.iter().any(|host| !is_address(host)) || (topology == Topology::One && hosts.len() > 1) {
            return Err(FORMS);
        }
        let credentials = Zeroizing::new(match credentials {
            "" => String::new(),
            some => format!("{some}@"),
        });
        let text = Zeroizing::new(url.to_owned());
        Ok(Self { text, topology, tls, credentials, hosts, database })
    }

    /// The whole URL.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// How many servers there are.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The addresses, each `HOST` or `HOST:PORT`.
    pub fn addresses(&self) -> &[String] {
        &self.hosts
    }

    /// Whether to speak TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// A plain `redis://` or `rediss://` URL for each address, with the credentials.
    pub fn nodes(&self) -> Vec<Zeroizing<String>> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let node = |host: &String| {
            Zeroizing::new(format!("{scheme}://{}{host}/{}", *self.credentials, self.database))
        };
        self.hosts.iter().map(node).collect()
    }
}

/// `HOST`, `HOST:PORT` or the same with an IPv6 address in brackets.
fn is_address(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => {
            (host, port.strip_prefix(':').unwrap_or(if port.is_empty() { "1" } else { "" }))
        }
        None => text.split_once(':').unwrap_or((text, "1")),
    };
    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
}

impl fmt::Display for RedisUrl {
    /// Where it is, for a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.topology {
            Topology::One => write!(f, "Redis at {}", self.hosts.join(", ")),
            Topology::Cluster => write!(f, "the Redis Cluster at {}", self.hosts.join(", ")),
            Topology::Sentinel { master } => {
                write!(f, "the Redis master {master} by the Sentinels at {}", self.hosts.join(", "))
            }
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_taken_apart() {
        let one = RedisUrl::parse("redis://user:p%40ss@[::1]:7000/3").expect("one");
        assert_eq!(*one.nodes()[0], "redis://user:p%40ss@[::1]:7000/3");
        assert_eq!(format!("{one:?}"), "RedisUrl(Redis at [::1]:7000)", "and shows no password");
        let cluster = RedisUrl::parse("rediss+cluster://:secret@a:1,b:2").expect("a cluster");
        assert_eq!(
            cluster.nodes().iter().map(|url| &***url).collect::<Vec<_>>(),
            ["rediss://:secret@a:1/0", "rediss://:secret@b:2/0"]
        );
        let sentinel = RedisUrl::parse("redis+sentinel://a:26379,b/mymaster/2").expect("sentinels");
        assert_eq!(*sentinel.topology(), Topology::Sentinel { master: "mymaster".into() });
        assert_eq!(*sentinel.nodes()[1], "redis://b/2");
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "",
            "redis",
            "redis:",
            "redis://",
            "http://a",
            "redis://a:0",
            "redis://a:99999",
            "redis://a:x",
            "redis://a/x",
            "redis://a,b",
            "redis://a?x=1",
            "redis+cluster://a/1",
            "redis+cluster://a,,b",
            "redis+sentinel://a",
            "redis+sentinel://a/",
            "redis+other://a",
            "redis://[::1",
        ] {
            assert!(RedisUrl::parse(url).is_err(), "{url}");
        }
    }
}
