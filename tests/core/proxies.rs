//! Where a request came from: only those who are trusted are believed, and only for what they saw.

use crate::settings::refused;
use countersign::config::TrustedProxies;
use proptest::prelude::*;
use std::net::IpAddr;

const PROXIES: &str = "10.0.0.0/8, 192.0.2.1 2001:db8::/32";

fn client(peer: &str, headers: &[&str]) -> String {
    let proxies = TrustedProxies::parse(PROXIES).expect("networks");
    proxies.client(peer.parse().expect("an address"), headers).to_string()
}

#[test]
fn nobody_is_believed_unless_they_are_named() {
    for peer in ["203.0.113.9", "127.0.0.1", "192.0.2.2", "2001:db9::1", "::1", "11.0.0.1"] {
        assert_eq!(client(peer, &["198.51.100.7"]), peer);
        let nobody = TrustedProxies::default();
        assert_eq!(nobody.client(peer.parse().expect("an address"), &["198.51.100.7"]).to_string(), peer);
    }
}

#[test]
fn what_stands_left_of_the_nearest_stranger_is_not_believed() {
    for (headers, expected) in [
        (&["198.51.100.7"][..], "198.51.100.7"),
        (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (&["1.1.1.1,10.0.0.9 ,\t198.51.100.7 , 10.0.0.3,192.0.2.1"], "198.51.100.7"),
        // Two headers are one list (RFC 9110 §5.3).
        (&["1.1.1.1", "198.51.100.7, 10.0.0.3"], "198.51.100.7"),
        (&["1.1.1.1, 198.51.100.7", "10.0.0.3"], "198.51.100.7"),
        // All of them proxies: the one furthest away.
        (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
        (&["2001:db8::5, ::ffff:10.0.0.8"], "2001:db8::5"),
        (&["198.51.100.7:4711"], "198.51.100.7"),
        (&["2001:db9::5"], "2001:db9::5"),
        (&["[2001:db9::5]:4711"], "2001:db9::5"),
        (&["[2001:db9::5]"], "2001:db9::5"),
        (&["::ffff:198.51.100.7"], "198.51.100.7"),
    ] {
        assert_eq!(client("10.1.2.3", headers), expected, "{headers:?}");
        assert_eq!(client("::ffff:10.1.2.3", headers), expected, "{headers:?}");
    }
}

#[test]
fn what_is_no_address_is_the_nearest_proxys_fault() {
    for bad in
        ["", "unknown", "_hidden", "localhost", "198.51.100.256", "1.2.3", "for=1.2.3.4", "1.2.3.4/8", "[::1"]
    {
        assert_eq!(client("10.1.2.3", &[bad]), "10.1.2.3", "{bad:?}");
        assert_eq!(client("10.1.2.3", &[&format!("198.51.100.7, {bad}, 10.0.0.3")]), "10.0.0.3", "{bad:?}");
    }
    assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
    assert_eq!(client("10.1.2.3", &["198.51.100.7,,"]), "10.1.2.3");
}

#[test]
fn networks_are_written_in_every_usual_way_and_nothing_else_is_one() {
    for good in ["", " ", "10.0.0.1", "::1", "10.0.0.0/8,::1/128", "10.1.2.3/8", "::ffff:10.0.0.0/104"] {
        assert!(TrustedProxies::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "10.0.0.0/33",
        "localhost",
        "*",
        "10.0.0.*",
        "10.0.0.0/-1",
        "10.0.0.1;::1",
        "0.0.0.0/0",
        "::/0",
        "\\",
        "::ffff:0.0.0.0/96",
    ] {
        assert!(TrustedProxies::parse(bad).is_err(), "{bad}");
    }
    let mapped = TrustedProxies::parse("::ffff:10.0.0.0/104").expect("a network");
    assert_eq!(mapped, TrustedProxies::parse("10.0.0.0/8").expect("a network"));
}

#[test]
fn a_setting_that_names_no_networks_is_refused_by_name() {
    for (value, expected) in [
        ("proxy.example", "COUNTERSIGN_TRUSTED_PROXIES: must be addresses and networks"),
        ("[\"::/0\"]", "COUNTERSIGN_TRUSTED_PROXIES: would trust everybody"),
    ] {
        let found = refused(&[("COUNTERSIGN_TRUSTED_PROXIES", value)]);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
    }
}

proptest! {
    /// Whatever a caller sends along, the proxy adds where it came from, and that is what counts.
    #[test]
    fn a_caller_says_nothing_about_themselves(sent: Vec<String>, caller: [u8; 4]) {
        let caller = IpAddr::from(caller);
        prop_assume!(!caller.to_string().starts_with("10.") && caller.to_string() != "192.0.2.1");
        let added = caller.to_string();
        let headers: Vec<_> = sent.iter().map(String::as_str).chain([&*added]).collect();
        prop_assert_eq!(client("10.1.2.3", &headers), caller.to_string());
        prop_assert_eq!(client(&caller.to_string(), &headers), caller.to_string());
    }
}
