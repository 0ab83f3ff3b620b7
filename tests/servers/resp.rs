//! The least of a Redis client that the tests need to look behind the back of the one they test.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};

pub struct Connection<S>(BufReader<S>);

impl<S: Read + Write> Connection<S> {
    pub fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// The reply as text: an error begins with `-`, nil is empty, a list has an item a line.
    pub fn command(&mut self, words: &[&str]) -> Result<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(request.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        let (kind, rest) = line.split_at_checked(1).ok_or(ErrorKind::InvalidData)?;
        let count = || rest.parse::<i64>().map_err(Error::other);
        Ok(match kind {
            "+" | ":" => rest.to_owned(),
            "-" => line.to_owned(),
            "$" => match usize::try_from(count()?) {
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.0.read_exact(&mut bytes)?;
                    String::from_utf8_lossy(&bytes[..length]).into_owned()
                }
                Err(_) => String::new(),
            },
            "*" => (0..count()?).map(|_| self.reply()).collect::<Result<Vec<_>>>()?.join("\n"),
            _ => return Err(ErrorKind::InvalidData.into()),
        })
    }
}
