//! Tokens of a call, and what they cost.

use super::generation::Generation;
use super::validate::Ask;
use crate::bill::{BilledTokens, micros_from_nanos};
use crate::gpt_image::{
    classic_input_tokens, classic_output_tokens, free_input_tokens, free_output_tokens, text_tokens,
};
use serde_json::{Value, json};

/// Image output tokens that each partial image adds.
const PARTIAL_TOKENS: u64 = 100;
/// Of gpt-image-1.5's inputs, this many keep high fidelity.
const HIGH_FIDELITY_INPUTS: usize = 5;

/// Tokens of a whole call: the prompt and the inputs count once, outputs for each image.
pub(super) fn tokens(ask: &Ask, size_px: (u32, u32), inputs: &[(u32, u32)]) -> BilledTokens {
    let generation = ask.model.generation;
    BilledTokens {
        text_in: text_tokens(&ask.prompt),
        image_in: input_tokens(generation, ask.high_fidelity, inputs),
        text_out: 0,
        image_out: u64::from(ask.count) * image_tokens(ask, size_px),
    }
}

/// Output tokens of one image with its partial images.
pub(super) fn image_tokens(ask: &Ask, size_px: (u32, u32)) -> u64 {
    let image = match ask.model.generation {
        Generation::Two => free_output_tokens(false, ask.quality, size_px),
        Generation::TwoPointFive => free_output_tokens(true, ask.quality, size_px),
        // One reseller's observation: three to four times as many at the lower qualities, the same above.
        Generation::TwoPointSix => {
            let finer = free_output_tokens(true, ask.quality, size_px);
            if matches!(ask.quality, "low" | "medium") {
                finer * 7 / 2
            } else {
                finer
            }
        }
        _ => classic_output_tokens(ask.quality, size_px),
    };
    image + u64::from(ask.partials()) * PARTIAL_TOKENS
}

fn input_tokens(generation: Generation, high_fidelity: bool, inputs: &[(u32, u32)]) -> u64 {
    let each = inputs.iter().enumerate().map(|(index, size_px)| {
        let high = match generation {
            Generation::One => high_fidelity,
            // No formula is published for 1.5: its predecessor's, with its own number of faithful inputs.
            Generation::OnePointFive => high_fidelity && index < HIGH_FIDELITY_INPUTS,
            Generation::Mini => false,
            Generation::Two | Generation::TwoPointFive | Generation::TwoPointSix => return free_input_tokens(*size_px),
        };
        classic_input_tokens(high, *size_px)
    });
    each.sum()
}

/// What the tokens cost, USD 1e-6.
pub(super) fn micros(generation: Generation, tokens: &BilledTokens) -> i64 {
    let rates = generation.rates();
    let parts = [
        (tokens.text_in, rates.text_in),
        (tokens.image_in, rates.image_in),
        (tokens.image_out, rates.image_out),
    ];
    let nanos = parts
        .iter()
        .map(|(count, rate)| i128::from(*count) * i128::from(*rate))
        .sum();
    micros_from_nanos(nanos)
}

/// The `usage` object.
pub(super) fn object(generation: Generation, tokens: &BilledTokens, streamed: bool) -> Value {
    let input = tokens.text_in + tokens.image_in;
    let output = tokens.text_out + tokens.image_out;
    let mut usage = json!({
        "input_tokens": input,
        "output_tokens": output,
        "total_tokens": input + output,
        "input_tokens_details": {"text_tokens": tokens.text_in, "image_tokens": tokens.image_in},
    });
    if generation.output_details() && !streamed {
        usage["output_tokens_details"] = json!({"image_tokens": tokens.image_out, "text_tokens": tokens.text_out});
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_price_page_says() {
        let out = |image_out| BilledTokens {
            image_out,
            ..BilledTokens::default()
        };
        assert_eq!(micros(Generation::One, &out(272)), 10_880);
        assert_eq!(micros(Generation::OnePointFive, &out(4_160)), 133_120);
        assert_eq!(micros(Generation::Mini, &out(4_160)), 33_280);
        assert_eq!(micros(Generation::Two, &out(7_024)), 210_720);
        let mini_input = BilledTokens {
            image_in: 195,
            ..BilledTokens::default()
        };
        // 487.5 goes to the even neighbor.
        assert_eq!(micros(Generation::Mini, &mini_input), 488);
    }

    #[test]
    fn only_the_first_inputs_of_1_5_are_faithful() {
        let six = [(1_024, 1_024); 6];
        assert_eq!(
            input_tokens(Generation::OnePointFive, true, &six),
            5 * (194 + 4_160) + 194
        );
        assert_eq!(input_tokens(Generation::Mini, true, &six[..1]), 194);
        assert_eq!(input_tokens(Generation::Two, false, &six[..2]), 2_048);
    }
}
