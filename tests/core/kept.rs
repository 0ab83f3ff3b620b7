//! Files that tests write and that are kept, so that whoever changes one thing sees what else changes.

use std::{env, fs, path::Path};

/// Holds that a file of the repository says what was made. With `UPDATE=1` it is written anew, by the
/// tests that `filter` names.
pub fn is_as_made(file: &str, filter: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var("UPDATE").is_ok_and(|update| update == "1") {
        fs::write(&path, made).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = (1..).zip(made.lines().zip(found.lines())).find(|(_, (made, found))| made != found);
    assert!(
        found == made,
        "{file} is not what was made; `UPDATE=1 cargo test --all-features --test core {filter}` writes it anew. \
         Of {} lines made and {} found these differ first: {differs:#?}",
        made.lines().count(),
        found.lines().count(),
    );
}
