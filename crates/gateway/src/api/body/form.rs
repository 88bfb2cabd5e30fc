//! Names of form fields that write an object or a list: `route[only][]`, `a[b]`, `a[0][b]`, `a[][b]`, as the official
//! SDKs do.

use planner::fault::Fault;
use serde_json::{Map, Value};

/// Deepest object that a name may write.
const DEPTH_MAX: usize = 8;
/// Longest list whose places a name may number.
const PLACES_MAX: usize = 256;

/// One step below a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    /// `[]`
    Next,
    /// `[3]`
    At(usize),
    /// `[name]`
    Key(&'a str),
}

/// A name in brackets that is none of those forms is a name as it stands.
fn steps(name: &str) -> Option<(&str, Vec<Step<'_>>)> {
    let (base, rest) = name.split_at(name.find('[')?);
    let rest = rest.strip_prefix('[')?.strip_suffix(']')?;
    let step = |text| match text {
        "" => Some(Step::Next),
        text if text.contains(['[', ']']) => None,
        text => Some(text.parse().map_or(Step::Key(text), Step::At)),
    };
    let steps: Vec<Step<'_>> = rest.split("][").map(step).collect::<Option<_>>()?;
    (!base.is_empty() && steps.len() <= DEPTH_MAX).then_some((base, steps))
}

/// Puts a text into the fields where its name says.
///
/// # Errors
/// When the name means something else than one before, or another value came for it.
pub(super) fn put(fields: &mut Map<String, Value>, name: &str, text: String) -> Result<(), Fault> {
    let Some((base, steps)) = steps(name) else {
        return match fields.get(name) {
            Some(Value::String(other)) if *other == text => Ok(()),
            Some(_) => Err(Fault::new(
                name,
                format!("'{name}' was sent twice with different values"),
            )),
            None => {
                fields.insert(name.to_owned(), Value::String(text));
                Ok(())
            }
        };
    };
    let place = fields.entry(base).or_insert(Value::Null);
    set(place, &steps, typed(text)).map_err(|()| {
        Fault::new(
            base,
            format!("'{base}' was sent in two ways that do not fit; '{name}' is one of them"),
        )
    })
}

/// In an object the types of the values are lost: what is written like a number or a switch was one.
fn typed(text: String) -> Value {
    match text.trim() {
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        trimmed => match serde_json::from_str(trimmed) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => Value::String(text),
        },
    }
}

fn set(place: &mut Value, steps: &[Step<'_>], value: Value) -> Result<(), ()> {
    let Some((step, rest)) = steps.split_first() else {
        return match place {
            Value::Null => {
                *place = value;
                Ok(())
            }
            other => (*other == value).then_some(()).ok_or(()),
        };
    };
    if place.is_null() {
        *place = match step {
            Step::Key(_) => Value::Object(Map::new()),
            Step::Next | Step::At(_) => Value::Array(Vec::new()),
        };
    }
    match (step, place) {
        (Step::Key(key), Value::Object(fields)) => set(fields.entry(*key).or_insert(Value::Null), rest, value),
        (Step::Next, Value::Array(items)) => {
            // `a[][b]` belongs to the last item as long as that has no `b`.
            let goes_on = match (items.last(), rest.first()) {
                (Some(Value::Object(fields)), Some(Step::Key(key))) => rest.len() > 1 || !fields.contains_key(*key),
                _ => false,
            };
            if !goes_on {
                items.push(Value::Null);
            }
            items.last_mut().map_or(Err(()), |item| set(item, rest, value))
        }
        (Step::At(at), Value::Array(items)) if *at < PLACES_MAX => {
            if items.len() <= *at {
                items.resize(at + 1, Value::Null);
            }
            set(&mut items[*at], rest, value)
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Value, usize) {
        let mut fields = Map::new();
        let put = |(name, text): &(&str, &str)| put(&mut fields, name, (*text).to_owned()).err();
        let faults = pairs.iter().filter_map(put).count();
        (Value::Object(fields), faults)
    }

    #[test]
    fn names_write_objects_and_lists() {
        let (fields, faults) = read(&[
            ("prompt", "12"),
            ("route[only][]", "fal"),
            ("route[only][]", "openai"),
            ("route[max_price_usd]", "0.001"),
            ("route[failover_on_content_policy]", "True"),
            ("loras[0][path]", "x"),
            ("loras[0][scale]", "0.5"),
            ("loras[1][path]", "y"),
            ("items[][a]", "1"),
            ("items[][b]", "2"),
            ("items[][a]", "3"),
            ("odd[", "z"),
            ("[x]", "z"),
        ]);
        let right = json!({
            "prompt": "12",
            "route": { "only": ["fal", "openai"], "max_price_usd": 0.001, "failover_on_content_policy": true },
            "loras": [{ "path": "x", "scale": 0.5 }, { "path": "y" }],
            "items": [{ "a": 1, "b": 2 }, { "a": 3 }],
            "odd[": "z",
            "[x]": "z",
        });
        assert_eq!((fields, faults), (right, 0));
    }

    #[test]
    fn names_that_do_not_fit_each_other_are_faults() {
        for pairs in [
            [("a", "1"), ("a", "2")],
            [("a", "1"), ("a[]", "2")],
            [("a[]", "1"), ("a[b]", "2")],
            [("a[b]", "1"), ("a[b]", "2")],
            [("a[]", "1"), ("a[100000]", "2")],
            [("a[]", "1"), ("a", "2")],
        ] {
            assert_eq!(read(&pairs).1, 1, "{pairs:?}");
        }
        assert_eq!(read(&[("a", "1"), ("a", "1")]).1, 0);
    }
}
