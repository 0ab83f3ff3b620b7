//! Where the numbers are told by which others watch the server.

use super::reader::Reader;
use std::net::SocketAddr;

/// Who can read the metrics, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsPlace {
    /// `off`: nobody, and nothing is counted for them.
    Off,
    /// `on`: whoever reaches the server, at `/metrics`.
    Here,
    /// An address and port: whoever reaches that, at `/metrics` there.
    At(SocketAddr),
}

/// By default they are there in development, where nobody else is.
pub(super) fn read(reader: &mut Reader, debug: bool) -> MetricsPlace {
    let place = reader.parsed("metrics", |text| match text {
        "on" => Ok(MetricsPlace::Here),
        "off" => Ok(MetricsPlace::Off),
        address => address
            .parse()
            .map(MetricsPlace::At)
            .map_err(|_| "must be on, off, or an address and port such as 127.0.0.1:9100"),
    });
    place.unwrap_or(if debug { MetricsPlace::Here } else { MetricsPlace::Off })
}
