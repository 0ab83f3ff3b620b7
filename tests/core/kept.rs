//! Files that tests make and that are kept, so that whoever changes one sees what else changes.

use std::{env, fs, path::Path};

/// Holds that a file of the repository says what was made; with `UPDATE=1` it is written anew.
pub fn is_as_made(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, made).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = made.lines().zip(found.lines()).find(|(made, found)| made != found);
    assert!(
        found == made,
        "if {file} has to change, UPDATE=1 and this test write it anew; it differs in {differs:#?}"
    );
}
