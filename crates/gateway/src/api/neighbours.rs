//! What fields mean that callers write as other image APIs name them.

use std::sync::LazyLock;

use indexmap::IndexMap;
use planner::catalog::Catalog;
use planner::catalog::parameter::Parameter;
use planner::fault::{Fault, echo};
use planner::request::Endpoint;
use planner::size::parse_resolution;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The names that Pictor knows.
const BUILTIN: &str = include_str!("../../data/neighbours.toml");

/// The list that ships with Pictor.
static KNOWN: LazyLock<Neighbours> =
    LazyLock::new(|| toml::from_str(BUILTIN).expect("a test reads the list that ships"));

/// Names of other APIs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Neighbours {
    images: Names,
    masks: Names,
    nested: Names,
    taken: Vec<Taken>,
    opened: Vec<Names>,
    refused: Vec<Refused>,
    words: Vec<Words>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<String>,
    /// For people.
    #[serde(rename = "source")]
    _source: String,
}

/// A name that means one of Pictor's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    names: Vec<String>,
    #[serde(rename = "as")]
    canonical: String,
    #[serde(default)]
    values: IndexMap<String, String>,
    #[serde(rename = "source")]
    _source: String,
}

/// A name of something that Pictor has in another way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    names: Vec<String>,
    instead: String,
    #[serde(rename = "source")]
    _source: String,
}

/// Spellings of the values of a field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    field: String,
    values: IndexMap<String, String>,
    #[serde(rename = "source")]
    _source: String,
}

/// What a field of an edit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    /// Input images.
    Images,
    /// The mask.
    Mask,
}

/// What picture a field holds, if any: by its name without brackets, and without a number at its end.
pub(super) fn picture(name: &str) -> Option<Picture> {
    let base = name.split('[').next().unwrap_or(name);
    let numberless = base.trim_end_matches(|c: char| c.is_ascii_digit());
    let numberless = numberless.strip_suffix(['_', '-']).unwrap_or(numberless);
    let is_one_of = |names: &Names| {
        names
            .names
            .iter()
            .any(|known| known == base || (numberless != base && known == numberless))
    };
    if is_one_of(&KNOWN.images) {
        Some(Picture::Images)
    } else if is_one_of(&KNOWN.masks) {
        Some(Picture::Mask)
    } else {
        None
    }
}

/// Whether a field of this name may hold an image as bare base64.
pub(super) fn may_hold_base64(name: &str) -> bool {
    picture(name).is_some() || is_nested(name)
}

/// Whether a field of this name, in an object in the place of an image, holds the image.
pub(super) fn is_nested(name: &str) -> bool {
    KNOWN.nested.names.iter().any(|known| known == name)
}

/// Puts fields that other APIs name otherwise under Pictor's own names. What cannot be taken is a fault that says what
/// to send instead.
pub(super) fn understand(endpoint: Endpoint, fields: &mut Map<String, Value>, catalog: &Catalog) -> Vec<Fault> {
    let mut reader = Reader {
        endpoint,
        own: own_parameters(fields, catalog),
        faults: Vec::new(),
        fields: Map::new(),
    };
    for (name, value) in std::mem::take(fields) {
        reader.take(name, value, true);
    }
    reader.respell();
    *fields = reader.fields;
    reader.faults
}

/// Names that the requested model declares itself.
fn own_parameters<'a>(fields: &Map<String, Value>, catalog: &'a Catalog) -> Option<&'a IndexMap<String, Parameter>> {
    let named = fields.get("model").and_then(Value::as_str);
    let found = catalog.find(named?).ok()?;
    Some(catalog.parameters_of(found.model))
}

struct Reader<'a> {
    endpoint: Endpoint,
    own: Option<&'a IndexMap<String, Parameter>>,
    faults: Vec<Fault>,
    fields: Map<String, Value>,
}

impl Reader<'_> {
    fn take(&mut self, name: String, value: Value, may_open: bool) {
        let has = |names: &[String]| names.contains(&name);
        let is_own = self.own.is_some_and(|own| own.contains_key(&name));
        if value.is_null() || is_own {
            self.put(name, value);
            return;
        }
        if let Some(taken) = KNOWN.taken.iter().find(|taken| has(&taken.names)) {
            self.translate(taken, &name, value);
        } else if let Some(refused) = KNOWN.refused.iter().find(|refused| has(&refused.names)) {
            let message = format!("'{name}' is not a parameter here: {}", refused.instead);
            self.faults.push(Fault::new(name, message));
        } else if may_open
            && KNOWN.opened.iter().any(|opened| has(&opened.names))
            && let Value::Object(inner) = value
        {
            for (name, value) in inner {
                self.take(name, value, false);
            }
        } else if self.endpoint == Endpoint::Generations && picture(&name).is_some() {
            let message = format!("'{name}' is for edits: send it to /openai/v1/images/edits");
            self.faults.push(Fault::new(name, message));
        } else {
            self.put(name, value);
        }
    }

    /// Puts a value under the name that is Pictor's.
    fn translate(&mut self, taken: &Taken, name: &str, value: Value) {
        let value = match &value {
            Value::String(text) => taken
                .values
                .get(text)
                .map_or(value.clone(), |word| Value::from(word.as_str())),
            Value::Object(sides) if taken.canonical == "size" => match (sides.get("width"), sides.get("height")) {
                (Some(width), Some(height)) => Value::from(format!("{width}x{height}").replace('"', "")),
                _ => value,
            },
            _ => value,
        };
        let is_tier = |text: &str| parse_resolution(text).is_ok();
        let canonical = match &value {
            Value::String(text) if taken.canonical == "size" && is_tier(text) => "resolution",
            _ => taken.canonical.as_str(),
        };
        match self.fields.get(canonical) {
            Some(other) if *other != value && !other.is_null() => {
                let message = format!("'{name}' means '{canonical}' and has another value; send one of them");
                self.faults.push(Fault::new(name, message));
            }
            _ => self.put(canonical.to_owned(), value),
        }
    }

    fn put(&mut self, name: String, value: Value) {
        match self.fields.get(&name) {
            // An object that was opened, or another name for it, came before.
            Some(other) if *other != value && !other.is_null() && !value.is_null() => {
                let message = format!("'{name}' was sent twice with different values");
                self.faults.push(Fault::new(name, message));
            }
            Some(other) if !other.is_null() => {}
            _ => {
                self.fields.insert(name, value);
            }
        }
    }

    /// Puts values into Pictor's own spelling.
    fn respell(&mut self) {
        for words in &KNOWN.words {
            if let Some(Value::String(text)) = self.fields.get_mut(&words.field) {
                let folded = text.trim().to_ascii_lowercase();
                let word = words.values.get(text.as_str()).or_else(|| words.values.get(&folded));
                match word {
                    Some(word) => text.clone_from(word),
                    None if words.values.values().any(|word| *word == folded) => *text = folded,
                    None => {}
                }
            }
        }
        if let Some(Value::String(size)) = self.fields.get_mut("size") {
            let plain = size.trim().replace(['*', '×', 'X'], "x").replace(" x ", "x");
            let is_size = plain.split_once('x').is_some_and(|(width, height)| {
                let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                is_number(width) && is_number(height)
            });
            if is_size {
                *size = plain;
            }
        }
    }
}

/// Takes `async` out of the fields: a spelling of `Prefer: respond-async`.
pub(super) fn take_async(fields: &mut Map<String, Value>, faults: &mut Vec<Fault>) -> bool {
    match fields.shift_remove("async") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Value::String(text)) if text.is_empty() || text.eq_ignore_ascii_case("false") => false,
        Some(other) => {
            let message = format!("'async' must be true or false, not {}", echo(&other.to_string()));
            faults.push(Fault::new("async", message));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn read(endpoint: Endpoint, fields: Value) -> (Value, Vec<String>) {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue has no mistakes");
        let Value::Object(mut fields) = fields else {
            return (fields, Vec::new());
        };
        let faults = understand(endpoint, &mut fields, &catalog);
        (
            Value::Object(fields),
            faults.into_iter().map(|fault| fault.param).collect(),
        )
    }

    #[test]
    fn a_name_stands_once_and_means_a_parameter_of_pictors() {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue has no mistakes");
        let mut names = BTreeSet::new();
        let lists = KNOWN.taken.iter().map(|taken| &taken.names);
        let lists = lists.chain(KNOWN.refused.iter().map(|refused| &refused.names));
        for name in lists.chain([&KNOWN.images.names, &KNOWN.masks.names]).flatten() {
            assert!(names.insert(name), "{name} stands twice");
        }
        for taken in &KNOWN.taken {
            let is_ours = catalog.standard_parameter(&taken.canonical).is_some() || taken.canonical == "webhook_url";
            assert!(is_ours, "{}", taken.canonical);
            for name in &taken.names {
                assert!(catalog.standard_parameter(name).is_none(), "{name} is a parameter here");
            }
        }
    }

    #[test]
    fn other_names_are_taken() {
        let given = json!({
            "model": "mock-image", "prompt": "x", "num_images": 2, "aspectRatio": "3:2", "image_size": "2K",
            "output_format": "JPG", "image_config": { "negativePrompt": "y" }, "own": 1,
        });
        let (fields, faults) = read(Endpoint::Generations, given);
        let right = json!({
            "model": "mock-image", "prompt": "x", "n": 2, "aspect_ratio": "3:2", "resolution": "2K",
            "output_format": "jpeg", "negative_prompt": "y", "own": 1,
        });
        assert_eq!((fields, faults), (right, Vec::new()));
        for (size, right) in [
            (json!("landscape_4_3"), "1024x768"),
            (json!({ "width": 640, "height": 480 }), "640x480"),
            (json!("640*480"), "640x480"),
        ] {
            assert_eq!(
                read(Endpoint::Generations, json!({ "image_size": size })).0["size"],
                right
            );
        }
    }

    #[test]
    fn what_cannot_be_taken_is_a_fault() {
        let given =
            json!({ "models": ["a"], "provider": { "order": [] }, "n": 1, "num_images": 2, "input_references": [] });
        let (_, faults) = read(Endpoint::Generations, given);
        assert_eq!(faults, ["models", "provider", "num_images", "input_references"]);
    }

    #[test]
    fn pictures_are_known_by_many_names() {
        for name in [
            "image",
            "image[]",
            "images[0]",
            "image_2",
            "input_image_8",
            "image1",
            "input_references",
        ] {
            assert_eq!(picture(name), Some(Picture::Images), "{name}");
        }
        for name in ["mask", "mask[]", "mask_url"] {
            assert_eq!(picture(name), Some(Picture::Mask), "{name}");
        }
        for name in ["image_size", "imagery", "masks", "prompt", "2"] {
            assert_eq!(picture(name), None, "{name}");
        }
    }
}
