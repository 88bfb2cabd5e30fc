//! What Replicate charges, by the rule that it publishes with each model.

use super::values::text;
use crate::shapes::MEGAPIXEL;
use crate::tables;
use crate::work::Cost;
use serde::Deserialize;
use serde_json::{Map, Value};

/// An input picture counts for no more megapixels than this: a larger one is made smaller first.
const MOST_INPUT_MEGAPIXELS: i64 = 4;

/// How a model is charged, in USD 1e-6.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Price {
    /// Nothing: the model only runs on the caller's own key, which its maker charges.
    OwnKey,
    /// One price for a picture of any size.
    Picture(i64),
    /// A price for a picture by the value of an input, whatever the size.
    By {
        field: &'static str,
        #[serde(deserialize_with = "tables::list")]
        prices: &'static [(&'static str, i64)],
    },
    /// A price for each megapixel of every input and output picture, each picture's rounded up.
    Megapixels { input: i64, output: i64 },
    /// The same, and a price for the run itself.
    #[serde(rename = "run")]
    RunAndMegapixels { run: i64, input: i64, output: i64 },
    /// The same for inputs and outputs, with one price where `go_fast` is set and another where not.
    GoFast { fast: i64, slow: i64 },
}

/// What was made of what.
pub(super) struct Run<'a> {
    /// Valid, with all defaults.
    pub(super) input: &'a Map<String, Value>,
    pub(super) count: u32,
    pub(super) size_px: (u32, u32),
    pub(super) inputs_px: &'a [(u32, u32)],
    /// Whether the maker charges the caller's own key.
    pub(super) own_key: bool,
}

impl Price {
    /// The charge for a prediction, but for its tokens.
    pub(super) fn charge(&self, work: &Run<'_>) -> Cost {
        let count = i64::from(work.count);
        if work.own_key {
            let reason = "charged by OpenAI to the caller's own key".to_owned();
            return of(0, reason);
        }
        match *self {
            Self::OwnKey => of(0, "the model runs on the caller's own key alone".to_owned()),
            Self::Picture(each) => of(count * each, format!("{count} x {each}")),
            Self::By { field, prices } => {
                let value = text(work.input, field);
                let listed = prices.iter().find(|(name, _)| *name == value);
                let each = listed.map_or(0, |(_, each)| *each);
                of(count * each, format!("{count} x {each}, by {field} alone"))
            }
            Self::Megapixels { input, output } => by_megapixels(work, input, output),
            Self::RunAndMegapixels { run, input, output } => {
                let of_pixels = by_megapixels(work, input, output);
                of(of_pixels.micros + run, format!("{run} a run, {}", of_pixels.reason))
            }
            Self::GoFast { fast, slow } => {
                let is_fast = work.input.get("go_fast").and_then(Value::as_bool) == Some(true);
                let each = if is_fast { fast } else { slow };
                by_megapixels(work, each, each)
            }
        }
    }
}

fn of(micros: i64, reason: String) -> Cost {
    Cost {
        micros,
        reason,
        ..Cost::default()
    }
}

fn by_megapixels(work: &Run<'_>, each_in: i64, each_out: i64) -> Cost {
    let made = i64::from(work.count) * megapixels(work.size_px);
    let sizes = work.inputs_px.iter();
    let given: i64 = sizes.map(|size| megapixels(*size).min(MOST_INPUT_MEGAPIXELS)).sum();
    of(
        made * each_out + given * each_in,
        format!("{made} MP x {each_out} out, {given} MP x {each_in} in"),
    )
}

fn megapixels((width, height): (u32, u32)) -> i64 {
    let pixels = u64::from(width) * u64::from(height);
    i64::try_from(pixels.div_ceil(MEGAPIXEL)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::models::Model;
    use serde_json::json;

    fn micros(slug: &str, input: Value, size_px: (u32, u32), inputs_px: &[(u32, u32)], own_key: bool) -> i64 {
        let (owner, name) = slug.split_once('/').expect("a slug");
        let model = Model::find(owner, name).expect("the model is in the table");
        let work = Run {
            input: input.as_object().expect("an object"),
            count: 2,
            size_px,
            inputs_px,
            own_key,
        };
        model.price.charge(&work).micros
    }

    #[test]
    fn auto_costs_what_is_published_for_it() {
        let two = |slug, quality, own_key| micros(slug, json!({"quality": quality}), (1024, 1024), &[], own_key);
        assert_eq!(two("openai/gpt-image-1.5", "auto", false), 272_000);
        assert_eq!(two("openai/gpt-image-2", "auto", false), 256_000);
        assert_eq!(two("openai/gpt-image-2.5-flare", "auto", false), 500_000);
        assert_eq!(two("openai/gpt-image-2.5-flare", "xhigh", false), 500_000);
        assert_eq!(two("openai/gpt-image-2", "high", true), 0);
        assert_eq!(two("openai/gpt-image-1", "high", true), 0);
    }

    #[test]
    fn megapixels_are_rounded_up_one_by_one() {
        let large = [(1025, 1024), (9000, 9000)];
        let dev = |fast| {
            let input = json!({"go_fast": fast});
            micros("black-forest-labs/flux-2-dev", input, (1344, 768), &large, false)
        };
        assert_eq!(dev(true), 12_000 * (2 + 6));
        assert_eq!(dev(false), 14_000 * (2 + 6));
        let klein = micros(
            "black-forest-labs/flux-2-klein-9b",
            json!({}),
            (2048, 1024),
            &large,
            false,
        );
        assert_eq!(klein, 15_000 * 4 + 2_000 * 6);
    }

    #[test]
    fn every_choice_that_a_price_goes_by_has_one() {
        for model in Model::all() {
            let Price::By { field, prices } = model.price else {
                continue;
            };
            let inputs = model.inputs.iter().find(|input| input.name == field);
            let Some(crate::replicate::models::Kind::Choice(values)) = inputs.map(|input| input.kind) else {
                panic!("{} has no choice of {field}", model.id);
            };
            let priced: Vec<&str> = prices.iter().map(|(name, _)| *name).collect();
            assert_eq!(priced, values, "{}", model.id);
        }
    }
}
