//! What fal charges, by its price pages.

use super::ask::Ask;
use super::endpoints::{Extra, Price};
use crate::bill::BilledTokens;
use crate::gpt_image::{classic_input_tokens, free_input_tokens, free_output_tokens, text_tokens};
use crate::shapes::MEGAPIXEL;
use crate::work::Cost;
use std::cmp::Ordering;

/// USD 1e-6 in one cent.
const CENT_MICROS: i64 = 10_000;

/// The charge for `ask`, drawn at `size`, with inputs (mask not counted) of these sizes; and megapixels where these are charged,
/// pictures elsewhere: the value of `x-fal-billable-units`.
pub(super) fn charge(ask: &Ask, size: (u32, u32), inputs: &[(u32, u32)]) -> (Cost, u64) {
    let count = u64::from(ask.count);
    match ask.endpoint.price {
        Price::Table {
            low,
            medium,
            high,
            text_token,
            image_token,
            is_rounded_up,
        } => {
            let quality = ask.resolved_quality();
            let column = match size.0.cmp(&size.1) {
                Ordering::Equal => 0,
                Ordering::Less => 1,
                Ordering::Greater => 2,
            };
            let each = match quality {
                "low" => low,
                "medium" => medium,
                _ => high,
            }[column];
            let is_faithful = ask.chosen.choice("input_fidelity") == "high";
            let tokens_in = inputs.iter().map(|input| classic_input_tokens(is_faithful, *input));
            let tokens = BilledTokens {
                text_in: text_tokens(&ask.prompt),
                image_in: image_token.map_or(0, |_| tokens_in.sum()),
                ..BilledTokens::default()
            };
            let tokens_micros =
                signed(tokens.text_in) * text_token + signed(tokens.image_in) * image_token.unwrap_or(0);
            let exact = signed(count) * each + tokens_micros;
            let cents = (exact + CENT_MICROS - 1) / CENT_MICROS;
            let micros = if is_rounded_up { cents * CENT_MICROS } else { exact };
            let reason = format!("{count} x {each} + tokens, rounded up to the cent for the older models");
            (of(ask, micros, Some(tokens), reason), count)
        }
        Price::GptTokens { is_finer } => {
            let tokens = BilledTokens {
                text_in: text_tokens(&ask.prompt),
                image_in: inputs.iter().copied().map(free_input_tokens).sum(),
                text_out: 0,
                image_out: count * free_output_tokens(is_finer, ask.resolved_quality(), size),
            };
            let micros = signed(tokens.text_in) * 5 + signed(tokens.image_in) * 8 + signed(tokens.image_out) * 30;
            let reason = "tokens at $5/M text in, $8/M image in, $30/M image out".to_owned();
            (of(ask, micros, Some(tokens), reason), count)
        }
        Price::Picture(each) => counted(ask, count, each, 0),
        Price::Word { field, micros, extra } => {
            counted(ask, count, by_word(ask, field, micros), extra_micros(ask, extra))
        }
        Price::WordMegapixels { field, micros } => {
            counted(ask, count * megapixels(size), by_word(ask, field, micros), 0)
        }
        Price::Steps(steps) => {
            let pixels = u64::from(size.0) * u64::from(size.1);
            let step = steps.iter().find(|(most, _)| pixels <= *most);
            counted(ask, count, step.map_or(0, |(_, each)| *each), 0)
        }
        Price::Megapixels {
            first,
            further,
            input,
            extra,
        } => {
            let each = megapixels(size);
            let input_megapixels: u64 = inputs.iter().copied().map(megapixels).sum();
            let output = signed(count) * (first + signed(each - 1) * further);
            let billed_inputs = if input > 0 { input_megapixels } else { 0 };
            let micros = output + signed(billed_inputs) * input + extra_micros(ask, extra);
            let reason = format!(
                "{count} x {each} megapixels at {first} for the first and {further} for each further one, \
                 {billed_inputs} of inputs at {input}"
            );
            (of(ask, micros, None, reason), count * each + billed_inputs)
        }
    }
}

fn of(ask: &Ask, micros: i64, tokens: Option<BilledTokens>, reason: String) -> Cost {
    Cost {
        images: ask.count,
        micros,
        quality: Some(ask.resolved_quality().to_owned()).filter(|quality| !quality.is_empty()),
        tokens,
        reason,
    }
}

/// So many units at a price.
fn counted(ask: &Ask, units: u64, each: i64, extra: i64) -> (Cost, u64) {
    let micros = signed(units) * each + extra;
    (of(ask, micros, None, format!("{units} x {each} + {extra}")), units)
}

/// The price by how the word in a field begins.
fn by_word(ask: &Ask, field: &str, micros: &[(&str, i64)]) -> i64 {
    let word = ask.chosen.choice(field);
    let found = micros.iter().find(|(begin, _)| word.starts_with(begin));
    found.map_or(0, |(_, each)| *each)
}

/// Whole megapixels, any part of one counted as one.
fn megapixels((width, height): (u32, u32)) -> u64 {
    (u64::from(width) * u64::from(height)).div_ceil(MEGAPIXEL).max(1)
}

fn extra_micros(ask: &Ask, extra: Option<Extra>) -> i64 {
    extra
        .filter(|(flag, _)| ask.chosen.flag(flag))
        .map_or(0, |(_, micros)| micros)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fal::ask::read;
    use crate::fal::endpoints::Endpoint;
    use crate::fal::sizes::resolve;
    use serde_json::{Value, json};

    fn micros(id: &str, body: &Value, inputs: &[(u32, u32)]) -> i64 {
        let endpoint = Endpoint::find(id).expect("the endpoint is in the table");
        let ask = read(endpoint, body);
        assert!(ask.problems.is_empty(), "{:?}", ask.problems);
        let size = resolve(endpoint, ask.wanted, inputs.first().copied());
        charge(&ask, size, inputs).0.micros
    }

    #[test]
    fn older_models_are_rounded_up_to_the_cent() {
        let body = json!({"prompt": "abcd", "quality": "low", "image_size": "1024x1024"});
        // 11,000 + one text token at 2.
        assert_eq!(micros("fal-ai/gpt-image-1/text-to-image", &body, &[]), 20_000);
        assert_eq!(micros("fal-ai/gpt-image-1-mini", &body, &[]), 10_000);
        let edit = json!({"prompt": "abcd", "quality": "high", "image_size": "1536x1024",
                          "image_urls": ["data:,"]});
        // 250,000 + 2 + 4,354 tokens at 5.
        assert_eq!(micros("fal-ai/gpt-image-1/edit-image", &edit, &[(1024, 1024)]), 280_000);
    }

    #[test]
    fn the_1_5_table_is_exact_and_adds_text() {
        let body = json!({"prompt": "abcde", "image_size": "1536x1024", "num_images": 2});
        assert_eq!(micros("fal-ai/gpt-image-1.5", &body, &[]), 2 * 199_000 + 2 * 5);
        let body = json!({"prompt": "abcde", "image_size": "1024x1536", "quality": "medium"});
        assert_eq!(micros("fal-ai/gpt-image-1.5", &body, &[]), 51_000 + 10);
    }

    #[test]
    fn newer_models_are_priced_by_tokens() {
        let body = json!({"prompt": "abcd", "image_size": {"width": 1024, "height": 1024}});
        assert_eq!(micros("openai/gpt-image-2", &body, &[]), 7_024 * 30 + 5);
        assert_eq!(
            micros("openai/gpt-image-2.5/flare/text-to-image", &body, &[]),
            1_756 * 30 + 5
        );
        // The listed price of an edit at low quality with one input is $.015.
        let edit = json!({"prompt": "abcd", "quality": "low", "image_urls": ["data:,"]});
        let price = micros("openai/gpt-image-2/edit", &edit, &[(1024, 1024)]);
        assert!((13_500..15_500).contains(&price), "{price}");
    }

    #[test]
    fn flux_is_charged_by_whole_megapixels() {
        let body = |width: u32, height: u32, count: u32| json!({"prompt": "a", "num_images": count, "image_size": {"width": width, "height": height}});
        assert_eq!(micros("fal-ai/flux/schnell", &body(1024, 1024, 1), &[]), 3_000);
        assert_eq!(micros("fal-ai/flux/schnell", &body(512, 512, 4), &[]), 12_000);
        assert_eq!(micros("fal-ai/flux/schnell", &body(1025, 1024, 1), &[]), 6_000);
    }

    #[test]
    fn inputs_cost_where_the_page_says_so() {
        let edit =
            |size: u32| json!({"prompt": "a", "image_urls": ["data:,"], "image_size": {"width": size, "height": 1024}});
        let square = &[(1024, 1024)];
        // $.03 for the first megapixel, $.015 for the second and for the input.
        assert_eq!(micros("fal-ai/flux-2-pro/edit", &edit(1024), square), 45_000);
        assert_eq!(micros("fal-ai/flux-2-pro/edit", &edit(1040), square), 60_000);
        assert_eq!(micros("fal-ai/flux-2-flex/edit", &edit(1024), square), 100_000);
        assert_eq!(micros("fal-ai/flux-2/klein/9b/edit", &edit(1024), square), 22_000);
        assert_eq!(
            micros("fal-ai/flux-2/edit", &edit(1024), &[(1024, 1024), (2048, 1025)]),
            12_000 * 5
        );
    }

    #[test]
    fn words_and_flags_change_the_price() {
        let two = |tier: &str, search: bool| json!({"prompt": "a", "resolution": tier, "enable_web_search": search, "num_images": 2});
        let id = "fal-ai/nano-banana-2";
        assert_eq!(micros(id, &two("0.5K", false), &[]), 120_000);
        assert_eq!(micros(id, &two("4K", true), &[]), 335_000);
        let pro = |tier: &str| json!({"prompt": "a", "resolution": tier});
        assert_eq!(micros("fal-ai/nano-banana-pro", &pro("2K"), &[]), 150_000);
        assert_eq!(micros("fal-ai/nano-banana-pro", &pro("4K"), &[]), 300_000);
        let style = |style: &str| json!({"prompt": "a", "style": style});
        let recraft = "fal-ai/recraft/v3/text-to-image";
        assert_eq!(micros(recraft, &style("any"), &[]), 40_000);
        assert_eq!(micros(recraft, &style("vector_illustration/kawaii"), &[]), 80_000);
        let expanded = json!({"prompt": "a", "enable_prompt_expansion": true});
        assert_eq!(micros("fal-ai/z-image/turbo", &expanded, &[]), 7_500);
    }
}
