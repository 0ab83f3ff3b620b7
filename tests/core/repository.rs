//! What the repository's files say of each other.

use rocket::figment::{
    Figment,
    providers::{Format, Toml},
    value::Value,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of the repository")
}

/// The text files below these folders, or these files, whose names end in one of these.
fn files(places: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut open: Vec<_> = places.iter().map(|place| Path::new(ROOT).join(place)).collect();
    let mut files = vec![];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            let entries = entries.map(|entry| entry.expect("an entry").path());
            // Only what is in version control.
            open.extend(entries.filter(|path| {
                !["target", "corpus", "found", "artifacts", "coverage"]
                    .iter()
                    .any(|name| path.ends_with(name))
            }));
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
        {
            files.push(path);
        }
    }
    files
}

fn manifest() -> Figment {
    Figment::from(Toml::file_exact(Path::new(ROOT).join("Cargo.toml")))
}

fn features() -> Vec<String> {
    let features: BTreeMap<String, Value> = manifest().extract_inner("features").expect("features");
    features.into_keys().filter(|name| name != "default").collect()
}

#[test]
fn every_feature_gates_some_code() {
    let sources: String = files(&["src"], &["rs"])
        .into_iter()
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    for feature in features() {
        assert!(sources.contains(&format!("feature = \"{feature}\"")), "the feature {feature} gates nothing");
    }
}

#[test]
fn every_feature_is_linted_alone() {
    let run = read("tests/run");
    let list = run.lines().find_map(|line| line.strip_prefix("for feature in \"\" "));
    let mut linted: Vec<_> =
        list.expect("the loop over features").trim_end_matches("; do").split(' ').collect();
    linted.sort_unstable();
    assert_eq!(linted, features());
}

#[test]
fn every_file_that_is_named_exists() {
    let tops = ["src", "tests", "fuzz", "benches", "docs", "deploy", "examples", "migrations"];
    // Made by the suite, or by whoever follows the instructions there.
    let made = ["tests/proptest-regressions"];
    let mut missing = vec![];
    let texts = files(&tops, &["rs", "md", "py", "toml", "yaml", "service"]);
    let texts = texts.into_iter().chain(files(&["README.md", "CONTRIBUTING.md", ".cargo"], &["md", "toml"]));
    for path in texts {
        let text = fs::read_to_string(&path).expect("a text");
        for (at, line) in text.lines().enumerate() {
            for named in line.split('`').skip(1).step_by(2) {
                let top = named.split_once('/').map(|(top, _)| top);
                let is_path = top.is_some_and(|top| tops.contains(&top))
                    && named.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b));
                let exists = || {
                    [Path::new(ROOT), path.parent().expect("a folder")]
                        .iter()
                        .any(|folder| folder.join(named).exists())
                };
                if is_path && !made.iter().any(|made| named.starts_with(made)) && !exists() {
                    missing.push(format!("{}:{}: {named}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut dead = vec![];
    let folders = ["benches", "docs", "fuzz", "tests", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    for path in files(&folders, &["md"]) {
        let text = fs::read_to_string(&path).expect("a text");
        for target in
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            let file = target.split('#').next().unwrap_or_default();
            let is_relative = !file.is_empty() && !file.contains(':');
            if is_relative && !path.parent().expect("a folder").join(file).exists() {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
