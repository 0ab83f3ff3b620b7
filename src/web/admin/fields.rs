//! The JSON of a request, field by field.

use super::bad;
use crate::web::{
    answer::Problem,
    body,
    openapi::{Refusal, refusals},
};
use rocket::{
    Request, async_trait,
    data::{self, Data, FromData, ToByteUnit},
    outcome::Outcome,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt};

const BODY: &str = "The body must be a JSON object of at most 32 KiB";
const TWICE: &str = "The body has a field twice";
const UNKNOWN: &str = "The body has a field that is not known here";

refusals! {
    /// What is no such object.
    pub(super) NoFields => Refusal::requests([BODY, TWICE, UNKNOWN]);
}

/// The fields of a body, taken one by one, so that an error can name the one that is wrong.
pub(in crate::web) struct Fields(BTreeMap<String, Box<RawValue>>);

#[async_trait]
impl<'r> FromData<'r> for Fields {
    type Error = Problem;

    async fn from_data(_: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        match Self::read(data).await {
            Ok(fields) => Outcome::Success(fields),
            Err(problem) => Outcome::Error((problem.status, problem)),
        }
    }
}

impl Fields {
    /// Reads the JSON object of a body; an empty body is one without fields.
    async fn read(data: Data<'_>) -> Result<Self, Problem> {
        let body = body::read(data, 32.kibibytes()).await?;
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        let Object { fields, is_ambiguous } = serde_json::from_slice(&body).map_err(|_| bad(BODY))?;
        // Which of the two is meant nobody knows, and another reader might take the other.
        if is_ambiguous { Err(bad(TWICE)) } else { Ok(Self(fields)) }
    }

    /// A field that may be left out.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        name: &str,
        wrong: &'static str,
    ) -> Result<Option<T>, Problem> {
        let value = self.0.remove(name);
        value.map(|value| serde_json::from_str(value.get())).transpose().map_err(|_| bad(wrong))
    }

    /// A field that has to be there.
    pub(super) fn needed<T: DeserializeOwned>(
        &mut self,
        name: &str,
        wrong: &'static str,
    ) -> Result<T, Problem> {
        self.take(name, wrong)?.ok_or(bad(wrong))
    }

    /// Whatever has not been taken is not known.
    pub(super) fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(bad(UNKNOWN)) }
    }
}

#[derive(Default)]
struct Object {
    fields: BTreeMap<String, Box<RawValue>>,
    is_ambiguous: bool,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry()? {
            object.is_ambiguous |= object.fields.insert(name, value).is_some();
        }
        Ok(object)
    }
}
