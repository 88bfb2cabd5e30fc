//! What fal charges, by its price pages.

use super::ask::Ask;
use super::endpoints::{Endpoint, Extra, MEGAPIXEL, Price};
use crate::bill::BilledTokens;
use crate::gpt_image::{classic_input_tokens, free_input_tokens, free_output_tokens, text_tokens};

/// USD 1e-6 in one cent.
const CENT_MICROS: i64 = 10_000;

/// The charge of one call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Charge {
    /// USD 1e-6.
    pub(super) micros: i64,
    pub(super) tokens: Option<BilledTokens>,
    /// Megapixels where these are charged, pictures elsewhere: the value of `x-fal-billable-units`.
    pub(super) units: u64,
    pub(super) reason: String,
}

/// The charge for `ask`, drawn at `size`, with inputs (mask not counted) of these sizes.
pub(super) fn charge(endpoint: &Endpoint, ask: &Ask, size: (u32, u32), inputs: &[(u32, u32)]) -> Charge {
    let count = u64::from(ask.count);
    match endpoint.price {
        Price::GptImage1 | Price::GptImage1Mini => rounded_up(endpoint, ask, size, inputs),
        Price::GptImage15 => {
            let text_in = text_tokens(&ask.prompt);
            let each = per_image_micros(endpoint.price, ask.resolved_quality(), size);
            let tokens = BilledTokens {
                text_in,
                ..BilledTokens::default()
            };
            Charge {
                micros: signed(count) * each + signed(text_in) * 5,
                tokens: Some(tokens),
                units: count,
                reason: format!("{count} x {each} + {text_in} text tokens at $5/M"),
            }
        }
        Price::GptTokens { finer } => {
            let tokens = BilledTokens {
                text_in: text_tokens(&ask.prompt),
                image_in: inputs.iter().copied().map(free_input_tokens).sum(),
                text_out: 0,
                image_out: count * free_output_tokens(finer, ask.resolved_quality(), size),
            };
            let micros = signed(tokens.text_in) * 5 + signed(tokens.image_in) * 8 + signed(tokens.image_out) * 30;
            Charge {
                micros,
                tokens: Some(tokens),
                units: count,
                reason: "tokens at $5/M text in, $8/M image in, $30/M image out".to_owned(),
            }
        }
        Price::Picture(each) => pictures(count, each, 0),
        Price::Word { field, micros, extra } => {
            let word = ask.chosen.choice(field);
            let each = micros.iter().find(|(begin, _)| word.starts_with(begin));
            pictures(count, each.map_or(0, |(_, each)| *each), extra_micros(ask, extra))
        }
        Price::WordMegapixels { field, micros } => {
            let word = ask.chosen.choice(field);
            let each = micros.iter().find(|(begin, _)| word.starts_with(begin));
            let units = count * megapixels(size);
            Charge {
                units,
                ..pictures(units, each.map_or(0, |(_, each)| *each), 0)
            }
        }
        Price::Steps(steps) => {
            let pixels = u64::from(size.0) * u64::from(size.1);
            let step = steps.iter().find(|(most, _)| pixels <= *most);
            pictures(count, step.map_or(0, |(_, each)| *each), 0)
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
            Charge {
                micros: output + signed(billed_inputs) * input + extra_micros(ask, extra),
                tokens: None,
                units: count * each + billed_inputs,
                reason: format!(
                    "{count} x {each} megapixels at {first} for the first and {further} for each further one, \
                     {billed_inputs} of inputs at {input}"
                ),
            }
        }
    }
}

fn pictures(count: u64, each: i64, extra: i64) -> Charge {
    Charge {
        micros: signed(count) * each + extra,
        tokens: None,
        units: count,
        reason: format!("{count} x {each} + {extra}"),
    }
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

/// gpt-image-1 and 1-mini: a table and tokens, rounded up to the cent.
fn rounded_up(endpoint: &Endpoint, ask: &Ask, size: (u32, u32), inputs: &[(u32, u32)]) -> Charge {
    let count = u64::from(ask.count);
    let text_in = text_tokens(&ask.prompt);
    let high_fidelity = ask.chosen.choice("input_fidelity") == "high";
    let image_in = inputs
        .iter()
        .map(|input| classic_input_tokens(high_fidelity, *input))
        .sum();
    let each = per_image_micros(endpoint.price, ask.resolved_quality(), size);
    // $0.002 and $0.005 per 1,000 tokens are 2 and 5 micros a token.
    let total = signed(count) * each + signed(text_in) * 2 + signed(image_in) * 5;
    let tokens = BilledTokens {
        text_in,
        image_in,
        ..BilledTokens::default()
    };
    Charge {
        micros: (total + CENT_MICROS - 1) / CENT_MICROS * CENT_MICROS,
        tokens: Some(tokens),
        units: count,
        reason: format!("{count} x {each} + tokens, rounded up to the cent"),
    }
}

/// Table prices in USD 1e-6 of one picture.
fn per_image_micros(price: Price, quality: &str, (width, height): (u32, u32)) -> i64 {
    let (square, portrait) = (width == height, width < height);
    match (price, quality) {
        (Price::GptImage15, "low") if square => 9_000,
        (Price::GptImage15, "low") => 13_000,
        (Price::GptImage15, "medium") if square => 34_000,
        (Price::GptImage15, "medium") if portrait => 51_000,
        (Price::GptImage15, "medium") => 50_000,
        (Price::GptImage15, _) if square => 133_000,
        (Price::GptImage15, _) if portrait => 200_000,
        (Price::GptImage15, _) => 199_000,
        (Price::GptImage1Mini, "low") => {
            if square {
                5_000
            } else {
                6_000
            }
        }
        (Price::GptImage1Mini, "medium") => {
            if square {
                11_000
            } else {
                15_000
            }
        }
        (Price::GptImage1Mini, _) => {
            if square {
                36_000
            } else {
                52_000
            }
        }
        (_, "low") => {
            if square {
                11_000
            } else {
                16_000
            }
        }
        (_, "medium") => {
            if square {
                42_000
            } else {
                63_000
            }
        }
        (_, _) => {
            if square {
                167_000
            } else {
                250_000
            }
        }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fal::ask::read;
    use serde_json::{Value, json};

    fn micros(id: &str, body: &Value, inputs: &[(u32, u32)]) -> i64 {
        let endpoint = Endpoint::find(id).expect("the endpoint is in the table");
        let ask = read(endpoint, body).expect("the body is valid");
        let size = ask.resolve_size(endpoint, inputs.first().copied());
        charge(endpoint, &ask, size, inputs).micros
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
