//! The Replicate models that the sandbox has: what each takes, what it makes of that, and its price, by `data/replicate.toml`.

use super::prices::Price;
use super::sizes::Sizing;
use crate::latency::Pace;
use crate::names::sha256_hex;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// What one input may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// A text that is never told back.
    Secret,
    Choice(&'static [&'static str]),
    Integer(i64, i64),
    /// Any whole number.
    AnyInteger,
    /// Any number from, to.
    Number(f64, f64),
    Boolean,
    /// A link to a picture.
    Image,
    /// Links to pictures.
    Images,
}

/// The default of an input.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Default {
    /// The input is required.
    #[serde(skip)]
    Required,
    /// The input may be left out or null.
    #[serde(skip)]
    Nothing,
    Text(&'static str),
    Boolean(bool),
    Integer(i64),
    Number(f64),
    /// An empty list.
    Empty([(); 0]),
}

/// One input of a model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "InputRow")]
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    pub(super) about: &'static str,
}

/// An input as it stands in the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputRow {
    name: &'static str,
    about: &'static str,
    /// None where there are `values`.
    kind: Option<KindRow>,
    #[serde(default, deserialize_with = "tables::list")]
    values: &'static [&'static str],
    from: Option<f64>,
    to: Option<f64>,
    default: Option<Default>,
    #[serde(default)]
    required: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindRow {
    Text,
    Secret,
    Integer,
    Number,
    Flag,
    Image,
    Images,
}

impl From<InputRow> for Input {
    fn from(row: InputRow) -> Self {
        let bounds = row.from.zip(row.to);
        let kind = match (row.kind, bounds) {
            (None, _) => Kind::Choice(row.values),
            (Some(KindRow::Text), _) => Kind::Text,
            (Some(KindRow::Secret), _) => Kind::Secret,
            (Some(KindRow::Integer), None) => Kind::AnyInteger,
            (Some(KindRow::Integer), Some((from, to))) => Kind::Integer(from as i64, to as i64),
            (Some(KindRow::Number), bounds) => {
                let (from, to) = bounds.expect("a number has bounds");
                Kind::Number(from, to)
            }
            (Some(KindRow::Flag), _) => Kind::Boolean,
            (Some(KindRow::Image), _) => Kind::Image,
            (Some(KindRow::Images), _) => Kind::Images,
        };
        Self {
            name: row.name,
            kind,
            default: match row.default {
                _ if row.required => Default::Required,
                default => default.unwrap_or(Default::Nothing),
            },
            about: row.about,
        }
    }
}

/// The GPT Image models, which count tokens and refuse in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Gpt {
    One,
    OneFive,
    Two,
    TwoFive,
}

/// One model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// `owner/name`.
    pub(super) id: &'static str,
    pub(super) about: &'static str,
    #[serde(deserialize_with = "tables::list")]
    pub(super) inputs: &'static [Input],
    pub(super) sizing: Sizing,
    pub(super) price: Price,
    #[serde(default = "middling")]
    pub(super) pace: Pace,
    /// Input pictures at most. Schemas tell it in words alone, so that one more fails the prediction, not the call.
    #[serde(default)]
    pub(super) most_images: usize,
    /// Pictures at most, input and output together.
    pub(super) most_together: Option<usize>,
    /// Whether the output is a list of links, and not one link.
    #[serde(default)]
    pub(super) lists: bool,
    /// The ending of files, where no input chooses it.
    #[serde(default = "jpg")]
    pub(super) extension: &'static str,
    pub(super) gpt: Option<Gpt>,
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/replicate.toml")));

const fn middling() -> Pace {
    Pace::Medium
}

const fn jpg() -> &'static str {
    "jpg"
}

impl Model {
    /// Every model.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        MODELS.all.iter()
    }

    /// `owner` and `name`.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        self.id.split_once('/').unwrap_or((self.id, self.id))
    }

    /// The model of `owner/name`.
    pub(super) fn find(owner: &str, name: &str) -> Option<&'static Self> {
        MODELS.known(&format!("{owner}/{name}"))
    }

    /// The model of `owner/name` for a prediction, which another may stand in for.
    pub(super) fn serve(owner: &str, name: &str) -> Option<&'static Self> {
        MODELS.find(&format!("{owner}/{name}"))
    }

    /// The same by a `version`.
    pub(super) fn serve_version(version: &str) -> Option<&'static Self> {
        let slug = version.split(':').next().unwrap_or(version);
        Self::of_version(version).or_else(|| {
            let (owner, name) = slug.split_once('/')?;
            Self::serve(owner, name)
        })
    }

    /// The id of its only version: 64 hexadecimal digits, the same in every sandbox.
    pub(super) fn version_id(&self) -> String {
        sha256_hex(&format!("sandbox version of {}", self.id))
    }

    /// The model that a `version` names: `owner/name`, `owner/name:id` or the id alone.
    pub(super) fn of_version(version: &str) -> Option<&'static Self> {
        let (slug, id) = match version.split_once(':') {
            Some((slug, id)) => (Some(slug), Some(id)),
            None if version.contains('/') => (Some(version), None),
            None => (None, Some(version)),
        };
        Self::all()
            .find(|model| slug.is_none_or(|slug| slug == model.id) && id.is_none_or(|id| id == model.version_id()))
    }

    /// Whether it has an input of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::input::check;
    use serde_json::json;

    #[test]
    fn versions_are_named_three_ways() {
        let two = Model::find("openai", "gpt-image-2").expect("the model is in the table");
        let id = two.version_id();
        for version in [
            "openai/gpt-image-2".to_owned(),
            id.clone(),
            format!("openai/gpt-image-2:{id}"),
        ] {
            assert_eq!(Model::of_version(&version).map(|model| model.id), Some(two.id));
        }
        let wrong = format!("openai/gpt-image-1:{id}");
        assert!(Model::of_version(&wrong).is_none());
    }

    #[test]
    fn every_default_is_one_that_the_model_takes() {
        for model in Model::all() {
            let mut given = json!({});
            for field in model.inputs {
                if matches!(field.default, Default::Required) {
                    given[field.name] = json!("data:image/png;base64,AAAA");
                }
            }
            let filled = check(model, &given).expect("required inputs are enough");
            let again = check(model, &json!(filled)).expect("defaults are valid");
            assert_eq!(filled, again, "{}", model.id);
        }
    }

    #[test]
    fn every_ratio_and_tier_has_a_size() {
        for model in Model::all() {
            for name in [
                "aspect_ratio",
                "resolution",
                "megapixels",
                "image_size",
                "size",
                "output_megapixels",
            ] {
                let field = model.inputs.iter().find(|input| input.name == name);
                let Some(Kind::Choice(values)) = field.map(|field| field.kind) else {
                    continue;
                };
                let mut sizes: Vec<_> = values
                    .iter()
                    .filter(|value| !matches!(**value, "auto" | "match_input_image" | "custom"))
                    .map(|value| {
                        let given = json!({ name: value });
                        let given = given.as_object().expect("an object");
                        model.sizing.size_px(given, &[])
                    })
                    .collect();
                let count = sizes.len();
                sizes.sort_unstable();
                sizes.dedup();
                // The literal sizes of gpt-image-2 repeat those of its ratios.
                let doubles = if values.contains(&"1024x1024") { 7 } else { 0 };
                assert_eq!(sizes.len() + doubles, count, "{} {name}", model.id);
            }
        }
    }
}
