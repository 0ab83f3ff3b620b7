//! What lies in `deploy/`, in the eyes of the programs that it is for.

use crate::{
    http::Request,
    metrics::scrape,
    server::{PASSWORD, Server, run},
    servers::program::{command, find},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("deploy").join(file)).expect(file)
}

/// Prometheus's checker, from the PATH or from where `tests/run` has unpacked it: the package would start
/// a server.
pub fn promtool(folder: &Path) -> Command {
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../prometheus/usr/bin/promtool");
    let path = if unpacked.is_file() { unpacked } else { find("promtool", "prometheus") };
    command(&path, folder)
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// The words in a text that begin so.
fn words<'t>(text: &'t str, prefix: &'t str) -> BTreeSet<&'t str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(prefix)
        .filter(|(at, _)| !text[..*at].ends_with(is_part))
        .map(|(at, _)| &text[at..at + text[at..].find(|c| !is_part(c)).unwrap_or(text.len() - at)])
        .collect()
}

#[test]
fn what_the_image_is_made_of_is_there_and_not_kept_from_it() {
    let dockerfile = text("Dockerfile");
    let ignored = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).expect("a file");
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copies: Vec<Vec<_>> = copies.map(|copy| copy.split(' ').collect()).collect();
    let from_here = copies.iter().filter(|words| !words[0].starts_with("--from"));
    let sources: BTreeSet<_> = from_here.flat_map(|words| &words[..words.len() - 1]).copied().collect();
    assert!(sources.contains("src") && sources.contains("Cargo.lock"), "{sources:?}");
    for source in &sources {
        assert!(Path::new(ROOT).join(source).exists(), "{source}");
        assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source} in .dockerignore");
    }

    // Cargo finds all that it looks for in them, and so does the compiler.
    let folder = TempDir::new().expect("a folder");
    for source in &sources {
        let (from, to) = (Path::new(ROOT).join(source), folder.path().join(source));
        succeeds(Command::new("cp").arg("-r").args([from, to]));
    }
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--offline", "--locked", "--no-deps", "--format-version=1"]);
    succeeds(metadata.current_dir(folder.path()));
    for included in ["include_str!(\"", "include_bytes!(\"", "migrate!(\""] {
        for file in rust_files(&folder.path().join("src")) {
            let code = fs::read_to_string(&file).expect("a file");
            for (at, _) in code.match_indices(included) {
                let path = code[at + included.len()..].split('"').next().expect("a path");
                let base =
                    if included.starts_with('m') { folder.path() } else { file.parent().expect("a folder") };
                assert!(base.join(path).exists(), "{path} of {}", file.display());
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_setting_that_is_named_is_one() {
    let files =
        ["Dockerfile", "compose.yaml", "countersign.service", "kubernetes.yaml", "nginx.conf", "Caddyfile"];
    let texts = files.map(text).concat();
    let names = words(&texts, "COUNTERSIGN_");
    assert!(names.len() > 8, "{names:?}");
    let folder = TempDir::new().expect("a folder");
    let settings: Vec<_> = names.iter().map(|name| (*name, "\u{1}")).collect();
    let output = run(folder.path(), &settings, &["doctor"], "");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!said.contains("is not a setting"), "{said}");
}

/// The number behind this in a text.
fn number(text: &str, before: &str) -> u64 {
    let at = text.find(before).unwrap_or_else(|| panic!("no {before:?}")) + before.len();
    let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number behind {before:?}"))
}

#[test]
fn nobody_is_killed_while_they_drain() {
    // What Rocket takes to end by itself: two seconds, three, and one.
    const ROCKET: u64 = 6;
    let kubernetes = text("kubernetes.yaml");
    let drain = number(&kubernetes, "name: COUNTERSIGN_DRAIN, value: \"");
    assert!(number(&kubernetes, "terminationGracePeriodSeconds: ") > drain + ROCKET);
    let unready =
        number(&kubernetes[kubernetes.find("readinessProbe").expect("a probe")..], "periodSeconds: ");
    assert!(drain > 3 * unready, "who asks has time to notice");
    let unit = text("countersign.service");
    assert!(number(&unit, "TimeoutStopSec=") > number(&unit, "COUNTERSIGN_DRAIN=") + ROCKET);
    let compose = text("compose.yaml");
    assert!(number(&compose, "stop_grace_period: ") > number(&compose, "COUNTERSIGN_DRAIN: ") + ROCKET);
    let nginx = text("nginx.conf");
    let drain = number(&nginx, "COUNTERSIGN_DRAIN, say ");
    let upstream = &nginx[nginx.find("upstream countersign").expect("a block")..];
    assert!(drain > number(upstream, "keepalive_timeout ") && drain > number(upstream, "fail_timeout="));
}

#[test]
fn systemd_takes_the_unit_and_finds_it_well_guarded() {
    let folder = TempDir::new().expect("a folder");
    let unit =
        text("countersign.service").replace("/usr/local/bin/countersign", env!("CARGO_BIN_EXE_countersign"));
    // The user is not on this machine, nor is the manual.
    let unit = unit.replace("User=countersign", "User=nobody").replace("Group=countersign", "Group=nogroup");
    let unit = unit.replace("Documentation=man:countersign(1)\n", "");
    let file = folder.path().join("countersign.service");
    fs::write(&file, unit).expect("written");
    let analyze = || {
        let mut analyze = command(&find("systemd-analyze", "systemd"), folder.path());
        analyze.env("SYSTEMD_LOG_LEVEL", "warning");
        analyze
    };
    let said = succeeds(analyze().args(["verify", "--man=no"]).arg(&file));
    assert!(!said.contains("countersign.service"), "{said}");
    // In tenths. What is left is the network, and that there is no image of its own.
    succeeds(analyze().args(["security", "--offline=true", "--no-pager", "--threshold=20"]).arg(&file));
}

#[test]
fn prometheus_takes_the_alerts_and_raises_them_when_it_should() {
    let folder = Path::new(ROOT).join("deploy");
    succeeds(promtool(&folder).args(["check", "rules", "alerts.yaml"]));
    succeeds(promtool(&folder).args(["test", "rules", "alerts.test.yaml"]));
}

/// All expressions of a dashboard.
fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            found.extend(object.get("expr").and_then(|expr| expr.as_str()).map(str::to_owned));
            object.values().for_each(|value| expressions(value, found));
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn every_metric_that_is_looked_at_is_told() {
    let server = Server::start();
    server.send(Request::post("/token").form(&[("username", "ada"), ("password", "wrong")]));
    server.send(Request::post("/token").form(&[("username", "ada"), ("password", PASSWORD)]));
    let told = scrape(&server);
    let kinds: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let is_told = |name: &str| {
        kinds.iter().any(|line| {
            let (known, kind) = line.split_once(' ').expect("a name and a type");
            let parts: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            parts.iter().any(|part| name == format!("{known}{part}"))
        })
    };
    let dashboard: serde_json::Value = serde_json::from_str(&text("grafana.json")).expect("JSON");
    let mut found = vec![];
    expressions(&dashboard, &mut found);
    assert!(found.len() > 15, "{found:?}");
    let found = found.join("\n");
    let alerts = text("alerts.yaml");
    let alerts: Vec<_> = alerts.lines().filter(|line| !line.contains("description:")).collect();
    let alerts = alerts.join("\n");
    for text in [&found, &alerts] {
        for name in words(text, "countersign_").into_iter().chain(words(text, "process_")) {
            assert!(is_told(name), "{name} is not told");
        }
    }
    // And nothing is told in vain.
    for line in &kinds {
        let name = line.split(' ').next().expect("a name");
        assert!(found.contains(name) || alerts.contains(name), "{name} is on no dashboard and in no alert");
    }
}

/// The proxies that a file tells to trust.
fn trusted<'t>(text: &'t str, before: &str) -> &'t str {
    let at = text.find(before).unwrap_or_else(|| panic!("no {before:?}")) + before.len();
    text[at..].split(['\n', '}', '"']).next().expect("a value").trim()
}

// H10
#[test]
fn no_file_has_a_whole_network_of_strangers_trusted() {
    let kubernetes = text("kubernetes.yaml");
    let proxies = trusted(&kubernetes, "name: COUNTERSIGN_TRUSTED_PROXIES, value: ");
    // RFC 5737 §3: no machine has these, so no peer is trusted that the operator has not named.
    assert_eq!(proxies, "192.0.2.0/24");
    for (file, before) in [
        ("countersign.service", "Environment=COUNTERSIGN_TRUSTED_PROXIES="),
        ("nginx.conf", "#   COUNTERSIGN_TRUSTED_PROXIES="),
        ("Caddyfile", "#   COUNTERSIGN_TRUSTED_PROXIES="),
    ] {
        assert_eq!(trusted(&text(file), before), "127.0.0.1", "{file}");
    }
    assert!(!text("compose.yaml").contains("COUNTERSIGN_TRUSTED_PROXIES:"), "there is no proxy among them");
}

#[test]
fn in_kubernetes_only_the_ingress_controller_and_prometheus_get_to_a_port() {
    let kubernetes = text("kubernetes.yaml");
    let documents: Vec<_> = kubernetes.split("\n---\n").collect();
    let policy =
        documents.iter().find(|document| document.contains("kind: NetworkPolicy")).expect("a policy");
    let deployment = documents.iter().find(|document| document.contains("kind: Deployment")).expect("one");
    let selector = "podSelector:\n    matchLabels: { app.kubernetes.io/name: countersign }\n";
    assert!(policy.contains(selector) && policy.contains("policyTypes: [\"Ingress\"]"), "{policy}");
    assert!(deployment.contains("      labels: { app.kubernetes.io/name: countersign }"), "{deployment}");
    let rules: Vec<_> = policy.split("    - from:\n").skip(1).collect();
    let namespaces = rules.iter().map(|rule| {
        // One peer that says both, and not two of which one is enough.
        assert_eq!(rule.matches("        - namespaceSelector:").count(), 1, "{rule}");
        assert_eq!(rule.matches("          podSelector:").count(), 1, "{rule}");
        let namespace = trusted(rule, "kubernetes.io/metadata.name: ");
        (namespace, trusted(rule, "protocol: TCP, port: "))
    });
    assert_eq!(namespaces.collect::<Vec<_>>(), [("ingress-nginx", "http"), ("monitoring", "metrics")]);
    for port in ["http", "metrics"] {
        assert!(deployment.contains(&format!("{{ name: {port}, containerPort: ")), "{port}");
    }
}

#[test]
fn every_file_names_an_issuer_and_an_audience() {
    for file in ["kubernetes.yaml", "countersign.service", "compose.yaml"] {
        let text = text(file);
        assert!(text.contains("COUNTERSIGN_ISSUER") && text.contains("COUNTERSIGN_AUDIENCE"), "{file}");
    }
}
