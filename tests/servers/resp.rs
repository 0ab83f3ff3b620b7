//! The least of a Redis client that the tests need to look behind the back of the one they test.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};

pub struct Connection<S>(BufReader<S>);

impl<S: Read + Write> Connection<S> {
    pub fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// The reply as text: an error begins with `-`, nil is empty, a list has an item a line.
    pub fn command(&mut self, words: &[&str]) -> Result<String> {
        let items = self.items(words)?;
        let texts: Vec<_> = items.iter().map(|item| String::from_utf8_lossy(item)).collect();
        Ok(texts.join("\n"))
    }

    /// The reply as its items, which may be any bytes; what is no list is one.
    pub fn items(&mut self, words: &[impl AsRef<[u8]>]) -> Result<Vec<Vec<u8>>> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words.iter().map(AsRef::as_ref) {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&request)?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        let (kind, rest) = line.split_at_checked(1).ok_or(ErrorKind::InvalidData)?;
        let count = || rest.parse::<i64>().map_err(Error::other);
        Ok(match kind {
            "+" | ":" => vec![rest.into()],
            "-" => vec![line.into()],
            "$" => match usize::try_from(count()?) {
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.0.read_exact(&mut bytes)?;
                    bytes.truncate(length);
                    vec![bytes]
                }
                Err(_) => vec![vec![]],
            },
            "*" => (0..count()?).map(|_| self.reply()).collect::<Result<Vec<_>>>()?.concat(),
            _ => return Err(ErrorKind::InvalidData.into()),
        })
    }
}
