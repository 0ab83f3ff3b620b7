//! Every bad input that we promise to refuse has a test that says so: `tests/UNHAPPY.md` is the map, made
//! of `tests/unhappy-paths.tsv` and of the comments of the tests.

mod marks;
mod table;

use crate::kept::is_as_made;
use std::{collections::BTreeSet, path::Path};

/// Nothing holds these yet; each goes from here with its first test.
const NOT_YET: [(&str, &str); 1] =
    [("P02", "how long a login takes is for `benches/login_time.rs` to say, not for a test")];

fn tests() -> &'static Path {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests").as_ref()
}

#[test]
fn every_unhappy_path_has_a_test_or_is_known_to_have_none_yet() {
    let promised = table::rows(tests());
    let promised: BTreeSet<_> = promised.iter().map(|row| &*row.id).collect();
    let marks = marks::all(tests());
    let held: BTreeSet<_> = marks.iter().map(|mark| &*mark.id).collect();
    let not_yet: BTreeSet<_> = NOT_YET.iter().map(|(id, _)| *id).collect();

    let of = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let unheld = &promised - &held;
    assert!((&held - &promised).is_empty(), "no such id, but a comment: {:?}", of(&held - &promised));
    assert!((&unheld - &not_yet).is_empty(), "no test names {:?}", of(&unheld - &not_yet));
    assert!(
        (&not_yet - &unheld).is_empty(),
        "held by now, take it from the list: {:?}",
        of(&not_yet - &unheld)
    );
}

#[test]
fn every_mark_stands_at_a_test() {
    let marks = marks::all(tests());
    let stray = marks.iter().filter(|mark| mark.test.is_none());
    let stray: Vec<_> = stray.map(|mark| format!("{}:{}: {}", mark.file, mark.line, mark.id)).collect();
    assert!(stray.is_empty(), "{stray:#?}");
}

#[test]
fn the_map_is_what_the_tests_say() {
    let made = table::markdown(&table::rows(tests()), &marks::all(tests()), &NOT_YET);
    is_as_made("tests/UNHAPPY.md", "unhappy", &made);
}
