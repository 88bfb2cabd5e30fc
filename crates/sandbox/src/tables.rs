//! Tables of models: TOML files beside the emulators, a part of the program, read once and kept.
//!
//! A table is a list of rows, `[[model]]`, and of what stands in for others, `[[stand_in]]`. A row that is `like` another one,
//! or like a `[base.NAME]`, has that one's fields but for its own and those that it is `without`. A text that begins with `@`
//! stands for what has this name in `[shared]`; in a list, the items of a list that has it. `@id` is the id of what is stood
//! in for.

use crate::strangers::Strangers;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    shared: Value,
    #[serde(default)]
    base: Map<String, Value>,
    model: Vec<Map<String, Value>>,
    #[serde(default)]
    stand_in: Vec<Map<String, Value>>,
}

/// The rows of a table.
pub(crate) struct Models<M: 'static> {
    pub(crate) all: Vec<M>,
    /// What may stand in for models that are not there, under no id.
    pub(crate) stand_ins: Vec<M>,
    table: Table,
    /// What was stood in for, by stand-in.
    strangers: Vec<Strangers<M>>,
}

/// Reads a table, whose texts are never given back.
pub(crate) fn read<M: Deserialize<'static>>(text: &str) -> Models<M> {
    let table: Table = toml::from_str(text).expect("a table of models is TOML");
    Models {
        all: table.model.iter().map(|row| table.read(row, "")).collect(),
        stand_ins: table.stand_in.iter().map(|row| table.read(row, "")).collect(),
        strangers: table.stand_in.iter().map(|_| Strangers::new()).collect(),
        table,
    }
}

impl<M: Deserialize<'static>> Models<M> {
    /// The model of this id, or the first stand-in for it.
    pub(crate) fn find(&'static self, id: &str) -> Option<&'static M> {
        self.known(id).or_else(|| self.stranger(id, |_| true))
    }

    /// The model of this id.
    pub(crate) fn known(&self, id: &str) -> Option<&M> {
        let index = self
            .table
            .model
            .iter()
            .position(|row| row.get("id").is_some_and(|known| known == id))?;
        self.all.get(index)
    }

    /// What stands in for the model of this id, of those that fit; None where strangers are refused.
    pub(crate) fn stranger(&self, id: &str, fits: impl Fn(&M) -> bool) -> Option<&'static M> {
        let index = self.stand_ins.iter().position(fits)?;
        self.strangers[index].serve(id, |id| self.table.read(&self.table.stand_in[index], id))
    }
}

/// Reads a list that is never given back.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<&'static [T], D::Error> {
    Ok(Vec::leak(Vec::deserialize(deserializer)?))
}

impl Table {
    fn read<M: Deserialize<'static>>(&self, row: &Map<String, Value>, id: &str) -> M {
        let row: &'static Value = Box::leak(Box::new(Value::Object(self.whole(row, id))));
        let model = M::deserialize(row).map_err(|error| format!("{error} in {row}"));
        model.expect("a row has the fields of a model")
    }

    /// A row with everything that it has from others.
    fn whole(&self, row: &Map<String, Value>, id: &str) -> Map<String, Value> {
        let mut whole = match row.get("like").and_then(Value::as_str) {
            Some(name) => self.whole(self.named(name).expect("a row is like one of its table"), id),
            None => Map::new(),
        };
        for name in row.get("without").and_then(Value::as_array).into_iter().flatten() {
            whole.remove(name.as_str().unwrap_or_default());
        }
        let own = row
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "like" | "without"));
        whole.extend(own.map(|(name, value)| (name.clone(), self.filled(value, id))));
        whole
    }

    fn named(&self, name: &str) -> Option<&Map<String, Value>> {
        let base = self.base.get(name).and_then(Value::as_object);
        base.or_else(|| self.model.iter().find(|row| row.get("id").is_some_and(|id| id == name)))
    }

    /// A value with what its names stand for.
    fn filled(&self, value: &Value, id: &str) -> Value {
        match value {
            Value::String(text) if text == "@id" => Value::from(id),
            Value::String(_) => match self.shared(value) {
                Some(shared) => self.filled(shared, id),
                None => value.clone(),
            },
            Value::Array(items) => {
                let filled = items
                    .iter()
                    .flat_map(|item| match (self.filled(item, id), self.shared(item)) {
                        (Value::Array(items), Some(_)) => items,
                        (item, _) => vec![item],
                    });
                filled.collect()
            }
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), self.filled(value, id)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    /// What a name stands for; None where it is none.
    fn shared(&self, value: &Value) -> Option<&Value> {
        let name = value.as_str()?.strip_prefix('@').filter(|name| *name != "id")?;
        let shared = self.shared.pointer(&format!("/{}", name.replace('.', "/")));
        Some(shared.expect("what is shared has a row of its own"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: &'static str,
        #[serde(deserialize_with = "list")]
        words: &'static [&'static str],
        count: Option<u32>,
    }

    #[test]
    fn rows_have_what_others_have_but_for_their_own() {
        let models = read::<Row>(
            r#"
            shared.word = "a"
            shared.more.words = ["@word", "b"]
            base.two = { count = 2, words = "@more.words" }
            model = [
                { id = "x", like = "two" },
                { id = "y", like = "x", words = ["c", "@word"] },
                { id = "z", like = "y", without = ["count"], words = ["@word", "@more.words"] },
            ]
            stand_in = [{ id = "@id", words = ["@id", "b"] }]
            "#,
        );
        let row = |id, words, count| Row { id, words, count };
        assert_eq!(
            models.all,
            [
                row("x", &["a", "b"], Some(2)),
                row("y", &["c", "a"], Some(2)),
                row("z", &["a", "a", "b"], None)
            ]
        );
        assert_eq!(models.known("y"), Some(&row("y", &["c", "a"], Some(2))));
        assert_eq!((models.known("w"), models.stranger("w", |_| true)), (None, None));
        assert_eq!(models.stand_ins, [row("", &["", "b"], None)]);
        let made: Row = models.table.read(&models.table.stand_in[0], "w");
        assert_eq!(made, row("w", &["w", "b"], None));
    }
}
