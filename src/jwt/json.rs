//! JSON objects read strictly: a member that stands twice is an error.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::{collections::HashSet, fmt, marker::PhantomData};

/// Takes the members of one JSON object, one after the other.
pub(super) trait Members: Default {
    /// Reads the value of the member `name`, or skips it. Called once for each name.
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads `text` as exactly one JSON object in UTF-8 with no member twice and nothing behind it
/// (RFC 7515 §4, RFC 7519 §4: reject, rather than keep the last).
pub(super) fn object<T: Members>(text: &[u8]) -> Option<T> {
    // `serde_json` on bytes checks only the strings that it copies; the rest must be text too.
    let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(text).ok()?);
    let value = Object(PhantomData).deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(value)
}

/// Whether `text` is exactly one JSON object with no member twice, whatever its members are.
pub(super) fn is_object(text: &str) -> bool {
    object::<Skipped>(text.as_bytes()).is_some()
}

#[derive(Default)]
struct Skipped;

impl Members for Skipped {
    fn member<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Members> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Members> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut value = T::default();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            value.member(&name, &mut map)?;
            if !seen.insert(name) {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(value)
    }
}

/// A value that is there with the right type, there with a wrong one, or not there.
#[derive(Debug, Default)]
pub(super) enum Typed<T> {
    #[default]
    Absent,
    Wrong,
    Is(T),
}

impl<T> Typed<T> {
    /// The value, if it is there and right.
    pub(super) fn right(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }
}

/// Reads the next value as a `T`; one of another type is `Wrong` rather than an error.
pub(super) fn typed<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<Typed<T>, A::Error> {
    Ok(match map.next_value::<Either<T>>()? {
        Either::Right(value) => Typed::Is(value),
        Either::Other(_) => Typed::Wrong,
    })
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Either<T> {
    Right(T),
    Other(IgnoredAny),
}
