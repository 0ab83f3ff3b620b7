//! `countersign health`: whether a server is well, for containers that have no other program to ask with.

use super::{Failure, print};
use clap::Args;
use reqwest::{Client, StatusCode, Url, redirect};
use rocket::figment::Figment;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// How long the answer may take: longer than a server takes to say that a store does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Arguments {
    /// Where the server is, such as http://127.0.0.1:8000; by default, where this one would listen.
    url: Option<Url>,
    /// Asks only whether it runs, and not whether its stores answer too.
    #[arg(long)]
    live: bool,
}

pub(super) async fn run(arguments: Arguments, figment: &Figment) -> Result<(), Failure> {
    let mut url = match arguments.url {
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        Some(_) => {
            return Err(Failure::Refused("URL: must begin with http:// or https:// and name a host".into()));
        }
        None => here(figment)?,
    };
    url.set_query(None);
    url.set_fragment(None);
    let path = if arguments.live { "health/live" } else { "health/ready" };
    url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).no_proxy();
    let client = client.build().map_err(|error| Failure::failed(&error))?;
    let answer = client.get(url).send().await.map_err(|error| Failure::failed(&error.without_url()))?;
    let status = answer.status();
    // The server's own words are short; whatever else answers there may go on for ever.
    let body = answer.bytes().await.unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let word = body["status"].as_str().filter(|word| word.len() < 32).unwrap_or("no word of its health");
    match status {
        StatusCode::OK if body["status"].is_string() => print(word),
        status => Err(Failure::Failed(format!("{word} (HTTP {})", status.as_u16()))),
    }
}

/// Where a server with these settings listens, as this machine reaches it.
fn here(figment: &Figment) -> Result<Url, Failure> {
    let config = figment.extract::<rocket::Config>().map_err(|error| Failure::refused(&error))?;
    if config.port == 0 {
        return Err(Failure::Refused(
            "URL: is needed, since ROCKET_PORT is 0, which is any free port".into(),
        ));
    }
    let address = match config.address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    let url = format!("http://{}", SocketAddr::new(address, config.port));
    url.parse().map_err(Failure::refused)
}
