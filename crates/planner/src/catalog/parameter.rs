//! Parameters: what a caller may set, as the catalogue declares it.

use indexmap::IndexMap;
use serde_json::Value;

use crate::mode::Mode;

/// JSON type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// Where a parameter stands on the model's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Prompt, quality and the like.
    Core,
    /// Size and layout.
    Size,
    /// Input images.
    Media,
    /// Output and format.
    Output,
    /// Everything else.
    #[default]
    Additional,
}

/// The words of a switch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booleans {
    /// The word for `true`.
    pub on: String,
    /// The word for `false`.
    pub off: String,
}

impl Booleans {
    /// The word for a boolean.
    #[must_use]
    pub fn word(&self, value: bool) -> &str {
        if value { &self.on } else { &self.off }
    }
}

/// A declared parameter. In `parameters.toml` it stands complete; a model's own entry overrides the keys that it names.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// JSON type; text when no entry says otherwise.
    pub kind: Option<Kind>,
    /// Group on the page.
    pub group: Option<Group>,
    /// One or two sentences for people.
    pub description: Option<String>,
    /// The legal values; any when absent.
    pub values: Option<Vec<Value>>,
    /// Least legal number.
    pub min: Option<f64>,
    /// Greatest legal number.
    pub max: Option<f64>,
    /// Longest legal text in characters.
    pub max_chars: Option<usize>,
    /// Value that holds when the caller says nothing.
    pub default: Option<Value>,
    /// Other spellings of the name.
    pub aliases: Vec<String>,
    /// Never logged, stored, echoed or shown.
    pub secret: Option<bool>,
    /// For a value that a model lacks, values that mean nearly the same, best first.
    pub substitutes: IndexMap<String, Vec<String>>,
    /// Values that are understood everywhere, also where a model does not list them.
    pub universal: Vec<String>,
    /// Values that only an offer which takes them may serve.
    pub hard: Vec<String>,
    /// Whether an offer serves no request with a number past its own bounds.
    pub hard_bounds: bool,
    /// What `true` and `false` mean, where a switch of two words is also understood as a boolean.
    pub booleans: Option<Booleans>,
    /// Modes in which it applies; all when empty.
    pub modes: Vec<Mode>,
}

impl Parameter {
    /// The JSON type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::String)
    }

    /// Whether the value must never be shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret.unwrap_or(false)
    }

    /// Whether it applies in `mode`.
    #[must_use]
    pub fn applies_in(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.contains(&mode)
    }

    /// Values that mean nearly the same as `value`, best first.
    pub fn substitutes_of<'a>(&'a self, value: &Value) -> impl Iterator<Item = Value> + 'a {
        let key = value.as_str().unwrap_or_default();
        let others = self.substitutes.get(key).into_iter().flatten();
        others.map(|other| Value::from(other.as_str()))
    }

    /// Whether two values are two words for one thing: each stands for the other.
    #[must_use]
    pub fn are_synonyms(&self, a: &Value, b: &Value) -> bool {
        let stands_for = |a: &Value, b: &Value| self.substitutes_of(a).any(|other| other == *b);
        stands_for(a, b) && stands_for(b, a)
    }

    /// Every value that a caller may send, the model's own ones first; `None` when its type and bounds say it all.
    #[must_use]
    pub fn understood(&self) -> Option<Vec<Value>> {
        let mut all = self.values.clone()?;
        let spellings = self.substitutes.keys().map(|key| Value::from(key.as_str()));
        let replaced = spellings.filter(|value| self.substitutes_of(value).any(|other| all.contains(&other)));
        let universal = self.universal.iter().map(|value| Value::from(value.as_str()));
        for value in universal.chain(replaced.collect::<Vec<_>>()) {
            if !all.contains(&value) {
                all.push(value);
            }
        }
        Some(all)
    }

    /// This declaration with every key that `own` names taken from there.
    #[must_use]
    pub fn overridden_by(&self, own: &Self) -> Self {
        fn list<T: Clone>(base: &[T], own: &[T]) -> Vec<T> {
            if own.is_empty() { base.to_vec() } else { own.to_vec() }
        }
        Self {
            kind: own.kind.or(self.kind),
            group: own.group.or(self.group),
            description: own.description.clone().or_else(|| self.description.clone()),
            values: own.values.clone().or_else(|| self.values.clone()),
            min: own.min.or(self.min),
            max: own.max.or(self.max),
            max_chars: own.max_chars.or(self.max_chars),
            default: own.default.clone().or_else(|| self.default.clone()),
            aliases: list(&self.aliases, &own.aliases),
            secret: own.secret.or(self.secret),
            substitutes: if own.substitutes.is_empty() {
                self.substitutes.clone()
            } else {
                own.substitutes.clone()
            },
            universal: list(&self.universal, &own.universal),
            hard: list(&self.hard, &own.hard),
            hard_bounds: self.hard_bounds || own.hard_bounds,
            booleans: own.booleans.clone().or_else(|| self.booleans.clone()),
            modes: list(&self.modes, &own.modes),
        }
    }
}

/// Parameters that work with every offer because the gateway does what the offer lacks.
const PROVIDED: [&str; 11] = [
    "prompt",
    "n",
    "size",
    "aspect_ratio",
    "resolution",
    "width",
    "height",
    "response_format",
    "output_format",
    "output_compression",
    "stream",
];

/// Whether every model has the parameter, whatever its offers take.
#[must_use]
pub fn is_provided_by_the_gateway(name: &str) -> bool {
    PROVIDED.contains(&name)
}
