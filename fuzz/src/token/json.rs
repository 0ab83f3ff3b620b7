//! JSON as a structure, and a printer of it that can choose among the spellings that mean the same.

use std::fmt::Write;

/// A value, as far as claims need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Text(String),
    Integer(u64),
    /// Anything that is neither text nor an integer from 0 to 2⁶⁴−1 nor an array, as it is spelled.
    Other(&'static str),
    List(Vec<Json>),
}

/// The members of an object, in their order, and not necessarily each once.
pub type Members = Vec<(String, Json)>;

/// How it is spelled, which says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// White space around everything (RFC 8259 §2).
    pub spaced: bool,
    /// Every character by its number (RFC 8259 §7).
    pub escaped: bool,
}

impl Json {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn as_integer(&self) -> Option<u64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    fn print(&self, to: &mut String, style: Style) {
        match self {
            Self::Text(text) => quote(text, to, style),
            Self::Integer(number) => write!(to, "{number}").expect("a string takes all"),
            Self::Other(spelling) => to.push_str(spelling),
            Self::List(values) => {
                to.push('[');
                for (at, value) in values.iter().enumerate() {
                    to.push_str(if at > 0 { "," } else { "" });
                    to.push_str(if style.spaced { " \t" } else { "" });
                    value.print(to, style);
                }
                to.push(']');
            }
        }
    }
}

/// The object of these members.
pub fn print(members: &Members, style: Style) -> String {
    let space = if style.spaced { "\r\n " } else { "" };
    let mut to = String::with_capacity(512);
    to.push_str(space);
    to.push('{');
    for (at, (name, value)) in members.iter().enumerate() {
        to.push_str(if at > 0 { "," } else { "" });
        to.push_str(space);
        quote(name, &mut to, style);
        to.push_str(space);
        to.push(':');
        to.push_str(space);
        value.print(&mut to, style);
    }
    to.push_str(space);
    to.push('}');
    to.push_str(space);
    to
}

fn quote(text: &str, to: &mut String, style: Style) {
    to.push('"');
    for char in text.chars() {
        if style.escaped || char < ' ' {
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(to, "\\u{unit:04x}").expect("a string takes all");
            }
        } else {
            if matches!(char, '"' | '\\') {
                to.push('\\');
            }
            to.push(char);
        }
    }
    to.push('"');
}
