//! Tables of models: TOML files beside the emulators, a part of the program, read once and kept.
//!
//! A table is a list of rows, `[[model]]`, and of what stands in for others, `[[stand_in]]`. A row that is `like` another one,
//! or like a `[base.NAME]`, has that one's fields but for its own and those that it is `without`. A text that begins with `@`
//! stands for what has this name in `[shared]`.

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
#[derive(Debug)]
pub(crate) struct Models<M> {
    pub(crate) all: Vec<M>,
    /// What may stand in for models that are not there.
    pub(crate) stand_ins: Vec<M>,
}

/// Reads a table, whose texts are never given back.
pub(crate) fn read<M: Deserialize<'static>>(text: &str) -> Models<M> {
    let table: Table = toml::from_str(text).expect("a table of models is TOML");
    Models {
        all: table.read(&table.model),
        stand_ins: table.read(&table.stand_in),
    }
}

/// Reads a list that is never given back.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<&'static [T], D::Error> {
    Ok(Vec::leak(Vec::deserialize(deserializer)?))
}

impl Table {
    fn read<M: Deserialize<'static>>(&self, rows: &[Map<String, Value>]) -> Vec<M> {
        let rows = rows.iter().map(|row| {
            let row: &'static Value = Box::leak(Box::new(Value::Object(self.whole(row))));
            M::deserialize(row).map_err(|error| format!("{error} in {row}"))
        });
        rows.collect::<Result<_, _>>().expect("a row has the fields of a model")
    }

    /// A row with everything that it has from others.
    fn whole(&self, row: &Map<String, Value>) -> Map<String, Value> {
        let mut whole = match row.get("like").and_then(Value::as_str) {
            Some(name) => self.whole(self.named(name).expect("a row is like one of its table")),
            None => Map::new(),
        };
        for name in row.get("without").and_then(Value::as_array).into_iter().flatten() {
            whole.remove(name.as_str().unwrap_or_default());
        }
        let own = row
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "like" | "without"));
        whole.extend(own.map(|(name, value)| (name.clone(), self.filled(value))));
        whole
    }

    fn named(&self, name: &str) -> Option<&Map<String, Value>> {
        let base = self.base.get(name).and_then(Value::as_object);
        base.or_else(|| self.model.iter().find(|row| row.get("id").is_some_and(|id| id == name)))
    }

    /// A value with what its names stand for.
    fn filled(&self, value: &Value) -> Value {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) {
            let place = format!("/{}", name.replace('.', "/"));
            let shared = self.shared.pointer(&place);
            return self.filled(shared.expect("what is shared has a row of its own"));
        }
        match value {
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), self.filled(value)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
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
                { id = "z", like = "y", without = ["count"] },
            ]
            "#,
        );
        let row = |id, words, count| Row { id, words, count };
        assert_eq!(
            models.all,
            [
                row("x", &["a", "b"], Some(2)),
                row("y", &["c", "a"], Some(2)),
                row("z", &["c", "a"], None)
            ]
        );
    }
}
