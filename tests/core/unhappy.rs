//! Every bad input that we promise to refuse has a test that says so.

use std::{collections::BTreeSet, fs, path::Path};

/// The ids that stand in comments of the tests, as `// A01` or `// A01, A02: why` (`# A01` in Python).
fn tested(folder: &Path, ids: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the tests' sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tested(&path, ids);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            let text = fs::read_to_string(&path).expect("a source");
            let comments = text.lines().map(str::trim);
            for comment in comments.filter_map(|line| line.strip_prefix("// ").or(line.strip_prefix("# "))) {
                let list = comment.split(':').next().unwrap_or_default();
                ids.extend(list.split(", ").filter(|id| is_id(id)).map(str::to_owned));
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

#[test]
fn every_bad_input_in_scope_has_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let promised = fs::read_to_string(tests.join("unhappy-ids.txt")).expect("the ids");
    let mut found = BTreeSet::new();
    tested(&tests, &mut found);
    let missing: Vec<_> = promised.split_whitespace().filter(|id| !found.contains(*id)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}
