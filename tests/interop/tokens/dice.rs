//! What decides, and JSON objects as they are written.

use proptest::{prelude::Rng, test_runner::TestRng};
use serde_json::Value;

/// What decides.
pub struct Dice(pub TestRng);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end as u64) as usize
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A JSON object as it is written: names and values are JSON text.
pub struct Object(pub Vec<(String, String)>);

impl Object {
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let (name, value) = (Value::from(name).to_string(), value.into());
        match self.0.iter_mut().find(|(have, _)| *have == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    pub fn value(&self, name: &str) -> Option<String> {
        let name = Value::from(name).to_string();
        self.0.iter().find(|(have, _)| *have == name).map(|(_, value)| value.clone())
    }

    pub fn remove(&mut self, name: &str) {
        let name = Value::from(name).to_string();
        self.0.retain(|(have, _)| *have != name);
    }

    pub fn write(&self, dice: &mut Dice, airy: bool) -> String {
        let mut space = || if airy { dice.pick(&["", " ", "\n", "\t \r\n"]) } else { "" };
        let members = self
            .0
            .iter()
            .map(|(name, value)| format!("{}{name}{}:{}{value}{}", space(), space(), space(), space()));
        let members = members.collect::<Vec<_>>().join(",");
        format!("{}{{{members}}}{}", space(), space())
    }

    /// Says the same in other words: another order, escapes for letters.
    pub fn reword(&mut self, dice: &mut Dice) {
        for at in 1..self.0.len() {
            self.0.swap(at, dice.below(at + 1));
        }
        let at = dice.below(self.0.len());
        let (name, value) = &mut self.0[at];
        let text = if dice.once_in(2) || !value.starts_with('"') { name } else { value };
        let letters: Vec<_> =
            text.match_indices(|c: char| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
        if let Some(letter) =
            (!letters.is_empty()).then(|| dice.pick(&letters)).filter(|_| !text.contains('\\'))
        {
            let escape = format!("\\u{:04x}", u32::from(text.as_bytes()[letter]));
            text.replace_range(letter..=letter, &escape);
        }
    }
}

pub fn text(text: &str) -> String {
    Value::from(text).to_string()
}
