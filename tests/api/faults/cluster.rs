//! A Redis Cluster whose slots move while the server uses them.

use super::{Scene, login, refresh};
use crate::servers::{Cluster, eventually};

/// Under this lie the keys of a server whose namespace is the usual one.
const KEY: &str = "{countersign}:epoch";

fn scene(cluster: &Cluster) -> Scene {
    let nodes: Vec<_> = cluster.addresses().iter().map(ToString::to_string).collect();
    Scene::set(&[("COUNTERSIGN_REDIS_URL", &format!("redis+cluster://{}", nodes.join(",")))])
}

#[test]
fn no_line_of_tokens_is_lost_or_doubled_while_the_slot_moves() {
    let cluster = Cluster::start();
    let mut scene = scene(&cluster);
    let home = cluster.owner_of(KEY);
    let answers = scene.lines_go_on_while(false, || {
        for _ in 0..6 {
            cluster.move_slot_of(KEY);
        }
    });
    assert_eq!(cluster.owner_of(KEY), home, "it went around twice");
    assert!(answers.tokens > 0, "{answers:?}");
    scene.recovers();
}

#[test]
fn with_half_of_the_slot_on_its_way_nothing_is_half_done() {
    let cluster = Cluster::start();
    let mut scene = scene(&cluster);
    // More than go ahead.
    let others: Vec<_> = (0..4).map(|_| super::Tokens::of(&scene.server.send(login()))).collect();
    for _ in 0..3 {
        cluster.move_slot_of_while(KEY, || {
            for other in &others {
                scene.ended_stays_ended();
                let status = scene.server.send(refresh(&other.refresh)).status;
                assert!([200, 503].contains(&status), "{status}");
                let status = scene.server.me(&other.access).status;
                assert!([200, 503].contains(&status), "{status}");
            }
        });
    }
    for other in &others {
        // The list of what was revoked may have been out of reach for too long.
        eventually("the access token is good again", || {
            let status = scene.server.me(&other.access).status;
            assert!([200, 503].contains(&status), "{status}");
            status == 200
        });
        assert_eq!(scene.server.send(refresh(&other.refresh)).status, 200, "the token is as good as before");
    }
    scene.recovers();
}
