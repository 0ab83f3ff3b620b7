//! What a start on Redis finds wrong, and says, by `serve` and by `doctor`.

use crate::{
    backing::Backing,
    http::Request,
    server::{KEY, PASSWORD, Server, run},
    servers::{Cluster, Redis, eventually},
};
use std::net::TcpListener;
use tempfile::TempDir;

/// What the program says as it refuses to start on this address.
fn refused(url: &str, command: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let settings = [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_REDIS_URL", url)];
    let output = run(folder.path(), &settings, &[command], "");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    assert_eq!(output.status.code(), Some(1), "{command}: {text}");
    assert!(!text.contains("panicked") && !text.contains("listening"), "{command}: {text}");
    assert!(!text.contains("hunter"), "{command} shows the password: {text}");
    text
}

/// Whether it is said that what is there cannot be used; a doctor puts a colon between.
fn says(text: &str, place: &str) -> bool {
    [" ", ": "].iter().any(|between| text.contains(&format!("{place}{between}cannot be used: ")))
}

// F04
#[test]
fn a_redis_that_may_evict_a_revocation_is_refused() {
    let redis = Redis::start_with(&[("maxmemory-policy", "allkeys-lru"), ("requirepass", "hunter2")]);
    for command in ["serve", "doctor"] {
        let text = refused(&redis.url(), command);
        assert!(
            text.contains("(maxmemory-policy allkeys-lru); set maxmemory-policy to noeviction"),
            "{command}: {text}"
        );
    }
}

#[test]
fn a_node_of_a_cluster_is_refused_by_itself() {
    let cluster = Cluster::start();
    for node in &cluster.nodes {
        let text = refused(&node.url(), "doctor");
        assert!(text.contains("is a node of a Cluster; name it by redis+cluster://"), "{text}");
    }
}

/// What would only show later: that something we need is not allowed to us.
#[test]
fn a_redis_that_forbids_what_we_need_is_refused() {
    let redis = Redis::start();
    for (name, rules) in [
        ("mute", &["~*", "resetchannels", "+@all"][..]),
        ("idle", &["~*", "&*", "+@all", "-eval", "-evalsha"]),
        ("reader", &["~*", "&*", "+@all", "-@write"]),
        ("other", &["~other:*", "&*", "+@all"]),
    ] {
        redis.command(&[&["ACL", "SETUSER", name, "on", ">hunter2"], rules].concat());
        for command in ["serve", "doctor"] {
            let text = refused(&format!("redis://{name}:hunter2@{}", redis.address()), command);
            assert!(text.contains("Redis does not do what it is needed for"), "{name} {command}: {text}");
        }
    }
}

#[test]
fn a_replica_is_refused() {
    let master = Redis::start();
    let replica = Redis::replica_of(&master);
    for command in ["serve", "doctor"] {
        let text = refused(&replica.url(), command);
        assert!(
            text.contains("Redis is a replica and takes no writes; name its master"),
            "{command}: {text}"
        );
    }
}

// G02
#[test]
fn a_redis_that_cannot_be_reached_is_named_and_the_password_is_not() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    for kind in ["", "+cluster", "+sentinel"] {
        let master = if kind == "+sentinel" { "mymaster" } else { "" };
        for command in ["serve", "doctor"] {
            let text = refused(&format!("redis{kind}://:hunter3@{closed}/{master}"), command);
            assert!(says(&text, &format!("at {closed}")), "{kind} {command}: {text}");
        }
    }
}

// G02
#[test]
fn a_redis_that_does_not_let_it_in_is_named_and_the_password_is_not() {
    let redis = Redis::with_password("hunter2");
    for credentials in ["", ":hunter3@", "ada:hunter2@"] {
        let url = format!("redis://{credentials}{}", redis.address());
        for command in ["serve", "doctor"] {
            let text = refused(&url, command);
            let place = format!("Redis at {}", redis.address());
            assert!(says(&text, &place), "{command}: {text}");
            assert!(text.to_lowercase().contains("authentication"), "{command}: {text}");
        }
    }
}

#[test]
fn what_could_be_better_is_said_and_no_reason_not_to_start() {
    let server = Backing::redis().start();
    // The log is read by another thread.
    eventually("the log says it", || server.log().contains("set appendonly to yes"));
    let text = server.cli(&["doctor"], "");
    assert!(text.contains("warning  Redis at ") && text.contains("set appendonly to yes"), "{text}");
}

#[test]
fn redis_is_spoken_to_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let redis = Redis::with_tls();
    let authority = redis.ca_file().to_str().expect("a path");
    let server = Server::start_with(&[("COUNTERSIGN_REDIS_URL", &redis.url()), ("SSL_CERT_FILE", authority)]);
    server.user("ada", &[]);
    let form = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
    let reply = server.send(Request::post("/token").form(&form));
    let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
    server.accepts(&token);
    assert_eq!(server.send(Request::post("/logout").bearer(&token)).status, 204);
    server.refuses(&token);
    assert_ne!(redis.command(&["DBSIZE"]), "0", "the session is there");

    for command in ["serve", "doctor"] {
        let text = refused(&redis.url(), command);
        let place = format!("Redis at {}", redis.address());
        assert!(says(&text, &place) && text.contains("certificate"), "{command}: {text}");
    }
}
