//! The lines of a file, each within a bound.

use std::io::{self, BufRead, BufReader, Read};

/// The longest line, without its end.
const MAX_BYTES: usize = 16 << 10;

pub(super) struct Lines<R> {
    file: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(file: R) -> Self {
        Self { file: BufReader::new(file), line: vec![], number: 0 }
    }

    /// The next that is not blank or why it cannot be read, and its number, from 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, &'static str>)>> {
        loop {
            self.line.clear();
            // Room for the end of the longest.
            let limit = MAX_BYTES as u64 + 2;
            if self.file.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_whole = self.line.ends_with(b"\n");
            if !is_whole {
                self.file.skip_until(b'\n')?;
            }
            let byte_order_mark = self.number == 1 && self.line.starts_with("\u{feff}".as_bytes());
            self.line.drain(..if byte_order_mark { 3 } else { 0 });
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = match str::from_utf8(line) {
            _ if line.len() > MAX_BYTES => Err("is longer than 16384 bytes"),
            _ if line.contains(&b'\r') => Err("has a carriage return that ends no line"),
            text => text.map_err(|_| "is not UTF-8"),
        };
        Ok(Some((self.number, line)))
    }
}
