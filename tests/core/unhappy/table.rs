//! The table of unhappy paths, and the map that is made of it.

use super::marks::Mark;
use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

/// What must not get through, what it is answered, and where that is asked for.
pub struct Row {
    pub id: String,
    group: String,
    input: String,
    expected: String,
    source: String,
}

fn row(line: &str) -> Row {
    match line.split('\t').collect::<Vec<_>>()[..] {
        [id, group, input, expected, source] => {
            let [id, group, input, expected, source] =
                [id, group, input, expected, source].map(str::to_owned);
            Row { id, group, input, expected, source }
        }
        _ => panic!("five columns: {line}"),
    }
}

fn lines(tests: &Path) -> Vec<Row> {
    let text = fs::read_to_string(tests.join("unhappy-paths.tsv")).expect("the table");
    text.lines().skip(1).map(row).collect()
}

/// The rows, without the one that says how to read the others.
pub fn rows(tests: &Path) -> Vec<Row> {
    lines(tests).into_iter().filter(|row| row.group != "legend").collect()
}

/// The text as it stands, where Markdown would make something of it.
fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, char| {
        if "\\`*_{}[]<>|~$&@".contains(char) {
            plain.push('\\');
        }
        plain.push(char);
        plain
    })
}

/// The map as a page for a browser.
pub fn markdown(rows: &[Row], marks: &[Mark], not_yet: &[(&str, &str)]) -> String {
    let mut page = String::from(INTRODUCTION);
    for row in rows {
        let mut held: Vec<_> = marks.iter().filter(|mark| mark.id == row.id).collect();
        let mut seen = BTreeSet::new();
        held.retain(|mark| seen.insert(&mark.test));
        let links = held
            .iter()
            .filter_map(|mark| mark.test.as_ref().map(|test| format!("[`{test}`]({})", mark.file)));
        let mut held = links.collect::<Vec<_>>().join("<br>");
        if let Some((_, why)) = not_yet.iter().find(|(id, _)| *id == row.id) {
            held = format!("**not yet:** {why}");
        }
        let [input, expected, source] = [&row.input, &row.expected, &row.source].map(|text| plain(text));
        writeln!(page, "| {} | {} | {input} | {expected} | {source} | {held} |", row.id, row.group)
            .expect("written");
    }
    page
}

const INTRODUCTION: &str = "\
# The unhappy paths, and the tests that hold them

Made from `unhappy-paths.tsv` and from comments such as `// A01` in the tests, by a test: \
`UPDATE=1 cargo test --test core unhappy` writes this file anew. A name is a test's path; those in a list \
of a macro (`on_every_store!`, `with_every_key!`) run once for each store or kind of key.

In the answers, **INV** is 401 with `WWW-Authenticate: Bearer error=\"invalid_token\"` and one constant \
description for every cause, no text of a claim, of JSON or of a library, and no `Set-Cookie` (RFC 6750 §3). \
**TOK(x)** is 400 with the JSON `{\"error\":\"x\"}`, `Cache-Control: no-store` and `Pragma: no-cache` (RFC 6749 \
§5.2). **NOCRED** is 401 with `WWW-Authenticate: Bearer` and no error code. Never a 5xx, a panic in the log, or \
a secret, token or password in a log or a body.

| id | group | input | expected | source | held by |
| --- | --- | --- | --- | --- | --- |
";
