//! The comments that name unhappy paths: `// A01` or `// A01, A02: why`, `# A01` in Python, above a test
//! or inside it.

use std::{fs, path::Path};

/// A row of the table, and the test that holds it.
pub struct Mark {
    pub id: String,
    /// Where the comment stands, in the folder of the tests.
    pub file: String,
    pub line: usize,
    /// The path of the test, or of the script; `None` for a function that is no test.
    pub test: Option<String>,
}

/// All of them, ordered by file and line.
pub fn all(tests: &Path) -> Vec<Mark> {
    let mut files = vec![];
    sources(tests, &mut files);
    files.sort();
    files.iter().flat_map(|file| marks(tests, file)).collect()
}

/// The tests' sources, by their paths in the folder.
fn sources(folder: &Path, files: &mut Vec<String>) {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder of tests") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
                let file = path.strip_prefix(folder).expect("in it").to_str().expect("a name");
                files.push(file.replace('\\', "/"));
            }
        }
    }
}

fn marks(tests: &Path, file: &str) -> Vec<Mark> {
    let text = fs::read_to_string(tests.join(file)).expect("a source");
    let lines: Vec<_> = text.lines().collect();
    let mut marks = vec![];
    for (at, line) in lines.iter().enumerate() {
        let comment = line.trim_start().strip_prefix("// ").or(line.strip_prefix("# "));
        let list = comment.map(|comment| comment.split(':').next().unwrap_or_default());
        for id in list.into_iter().flat_map(|list| list.split(", ")).filter(|id| is_id(id)) {
            let test = match file.strip_suffix(".rs") {
                Some(module) => function(&lines, at)
                    .filter(|function| is_test(&text, &lines, *function))
                    .and_then(|function| Some(format!("{}::{}", path(module), name(lines[function])?))),
                None => Some(file.to_owned()),
            };
            marks.push(Mark { id: id.to_owned(), file: file.to_owned(), line: at + 1, test });
        }
    }
    marks
}

fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

/// `core/keys/mod` is `core::keys`.
fn path(module: &str) -> String {
    let names = module.split('/').filter(|name| !["main", "mod"].contains(name));
    names.collect::<Vec<_>>().join("::")
}

/// The name of the function that begins in this line.
fn name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The line in which the function begins that the comment at this line stands in, or else above. Rests on
/// the way that rustfmt indents.
fn function(lines: &[&str], at: usize) -> Option<usize> {
    let begins = |line: &usize| name(lines[*line]).is_some();
    let around = (0..at).rev().filter(begins).find(|line| indent(lines[*line]) < indent(lines[at]));
    let is_open = |line: &usize| {
        let end = format!("{}}}", " ".repeat(indent(lines[*line])));
        !lines[*line..at].contains(&&*end)
    };
    around.filter(is_open).or_else(|| (at..lines.len()).find(begins))
}

/// Whether it has the attribute of a test, or is in a list of functions of which a macro makes tests.
fn is_test(text: &str, lines: &[&str], function: usize) -> bool {
    let above = lines[..function].iter().rev().map(|line| line.trim_start());
    let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let name = name(lines[function]);
    let mut lists =
        ["on_every_store![", "with_every_key!["].into_iter().flat_map(|list| text.split(list).skip(1));
    above.any(|line| ["#[test]", "#[tokio::test", "#[async_test]"].iter().any(|test| line.starts_with(test)))
        || lists.any(|list| {
            list.split(']').next().unwrap_or_default().split(',').any(|in_it| Some(in_it.trim()) == name)
        })
}
