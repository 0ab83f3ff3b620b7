//! A Redis Cluster of three masters.

use super::{eventually, port::Port, redis::Redis};
use std::net::SocketAddr;

pub struct Cluster {
    pub nodes: Vec<Redis>,
    _buses: Vec<Port>,
}

/// First and last slot of each node.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

impl Cluster {
    pub fn start() -> Self {
        let buses: Vec<_> = SLOTS.iter().map(|_| Port::free()).collect();
        let node = |bus: &Port| {
            let bus = bus.number.to_string();
            let settings =
                [("cluster-enabled", "yes"), ("cluster-port", &bus), ("cluster-node-timeout", "2000")];
            Redis::start_with(&settings)
        };
        let nodes: Vec<_> = buses.iter().map(node).collect();
        for (n, (node, (first, last))) in nodes.iter().zip(SLOTS).enumerate() {
            succeeds(node, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
            succeeds(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            let [port, bus] = [node.port(), bus.number].map(|number| number.to_string());
            succeeds(&nodes[0], &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let cluster = Self { nodes, _buses: buses };
        cluster.is_whole();
        cluster
    }

    /// Waits until all nodes are up and agree who has which slots.
    pub fn is_whole(&self) {
        let whole = ["cluster_state:ok", "cluster_known_nodes:3", "cluster_size:3"];
        eventually("the cluster is whole", || {
            let mut infos = self.nodes.iter().map(|node| node.command(&["CLUSTER", "INFO"]));
            let views: Vec<_> = self.nodes.iter().map(view).collect();
            infos.all(|info| whole.iter().all(|line| info.contains(line)))
                && views.iter().all(|view| *view == views[0])
        });
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Redis::address).collect()
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// Which of the nodes has the key, now or when it comes to exist.
    pub fn owner_of(&self, key: &str) -> usize {
        let owns = |node: &Redis| !node.command(&["EXISTS", key]).starts_with("-MOVED");
        let mut owner = None;
        eventually("one of the nodes owns the key", || {
            owner = self.nodes.iter().position(owns);
            owner.is_some()
        });
        owner.unwrap()
    }

    /// Moves the key's slot to the next node, as one does while the cluster is in use.
    pub fn move_slot_of(&self, key: &str) {
        self.move_slot_of_while(key, || ());
    }

    /// The same with a pause in the middle: the slot is on its way, and at most ten keys have gone ahead.
    pub fn move_slot_of_while(&self, key: &str, pause: impl FnOnce()) {
        let from = self.owner_of(key);
        let to = (from + 1) % self.nodes.len();
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let slot = source.command(&["CLUSTER", "KEYSLOT", key]);
        let [source_id, target_id] = [source, target].map(|node| node.command(&["CLUSTER", "MYID"]));
        succeeds(target, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id]);
        succeeds(source, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id]);
        migrate(source, target, &slot);
        pause();
        while migrate(source, target, &slot) {}

        // The new owner first: else there is a moment at which nobody has the slot.
        let others = self.nodes.iter().enumerate().filter(|(n, _)| *n != from && *n != to);
        for node in [target, source].into_iter().chain(others.map(|(_, node)| node)) {
            succeeds(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]);
        }
        // Another move before they agree could leave the slot to nobody.
        self.is_whole();
    }
}

/// Who has which slots as this node sees it: the id, the epoch and the slots of each.
fn view(node: &Redis) -> Vec<String> {
    let nodes = node.command(&["CLUSTER", "NODES"]);
    let fields = nodes.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mut view: Vec<_> =
        fields.map(|fields| format!("{} {} {:?}", fields[0], fields[6], &fields[8..])).collect();
    view.sort();
    view
}

/// Moves up to ten keys; false when there are none left.
fn migrate(source: &Redis, target: &Redis, slot: &str) -> bool {
    let keys = source.items(&["CLUSTER", "GETKEYSINSLOT", slot, "10"]);
    if keys.is_empty() {
        return false;
    }
    let port = target.port().to_string();
    let words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"].map(str::as_bytes);
    let words: Vec<_> = words.into_iter().chain(keys.iter().map(Vec::as_slice)).collect();
    let reply = source.items(&words).concat();
    // A key may expire or be deleted between the two commands.
    assert!([&b"OK"[..], b"NOKEY"].contains(&&*reply), "MIGRATE: {}", String::from_utf8_lossy(&reply));
    true
}

fn succeeds(node: &Redis, words: &[&str]) {
    assert_eq!(node.command(words), "OK", "{words:?}");
}
