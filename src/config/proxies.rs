//! Whose word is taken for where a request came from.

use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, SocketAddr};

/// The proxies before this server, which say whose requests they pass on. Nobody else is believed:
/// whoever sends such a header could be anybody, on every request anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses and networks (`10.0.0.0/8`) with white space or commas between.
    ///
    /// # Errors
    /// A sentence, if one of them is neither, or is everybody.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let words = text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty());
        let networks = words.map(network).collect::<Option<Vec<_>>>();
        let networks =
            networks.ok_or("must be addresses and networks, such as 10.0.0.0/8, with spaces between")?;
        if networks.iter().any(|network| network.prefix_len() == 0) {
            return Err("would trust everybody; name the proxies");
        }
        Ok(Self(networks))
    }

    /// Where a request came from. `peer` is who is connected to us, `forwarded` the values of its
    /// `X-Forwarded-For` headers in their order, to each of which every proxy adds, at the right end,
    /// who was connected to it. So they are read from the right, as far as those go whom we trust to have
    /// told the truth; whatever stands further left anybody may have written.
    ///
    /// ```
    /// use countersign::config::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
    /// let client = |peer: &str, header| proxies.client(peer.parse().unwrap(), &[header]).to_string();
    /// assert_eq!(client("10.0.0.1", "192.0.2.66, 198.51.100.7"), "198.51.100.7");
    /// assert_eq!(client("203.0.113.9", "198.51.100.7"), "203.0.113.9");
    /// # Ok::<(), &str>(())
    /// ```
    ///
    /// What is no address ends the search at the last proxy that told the truth.
    pub fn client(&self, peer: IpAddr, forwarded: &[&str]) -> IpAddr {
        let mut nearest = peer.to_canonical();
        for entry in forwarded.iter().rev().flat_map(|header| header.rsplit(',')) {
            if !self.includes(nearest) {
                break;
            }
            let Some(address) = address(entry.trim_matches([' ', '\t'])) else { break };
            nearest = address;
        }
        nearest
    }

    fn includes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network: IpNet = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let IpNet::V6(six) = network else { return Some(network) };
    // Addresses are compared in their canonical form, so these have to be in it too.
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    Some(four.and_then(|(four, length)| Ipv4Net::new(four, length).ok()).map_or(network, IpNet::V4))
}

/// As proxies write it: some add the port, and then brackets around an IPv6 address.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}
