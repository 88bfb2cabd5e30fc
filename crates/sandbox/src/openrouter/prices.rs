//! Tokens and prices: OpenRouter passes on what the model's own provider asks.

use super::ask::Ask;
use super::family::Family;
use super::rates::{SEEDREAM_NANOS, rates};
use super::sizes::{Wanted, tier};
use crate::bill::BilledTokens;
use crate::gpt_image::{
    classic_input_tokens, classic_output_tokens, free_input_tokens, free_output_tokens, text_tokens,
};

/// Pixels that ByteDance counts as one token.
const SEEDREAM_TOKEN_PIXELS: u64 = 256;

/// Tokens of a whole call whose answer also says `words`.
pub(super) fn tokens(ask: &Ask, inputs_px: &[(u32, u32)], words: &str) -> BilledTokens {
    let family = ask.model.family;
    let each_in = |input: &(u32, u32)| match family {
        Family::Gemini25 => 258,
        Family::Gemini31Flash => 1_120,
        Family::Gemini3Pro => 560,
        Family::GptMini => classic_input_tokens(false, *input),
        Family::Gpt2 => free_input_tokens(*input),
        Family::Seedream => 0,
    };
    BilledTokens {
        text_in: text_tokens(&ask.prompt),
        image_in: inputs_px.iter().map(each_in).sum(),
        text_out: text_tokens(words),
        image_out: u64::from(ask.count) * image_tokens(ask),
    }
}

fn image_tokens(ask: &Ask) -> u64 {
    let drawn_at = tier(
        ask.model.family,
        Wanted {
            exact_px: Some(ask.size_px),
            ..Wanted::default()
        },
    );
    match (ask.model.family, drawn_at) {
        (Family::Gemini25, _) => 1_290,
        (Family::Gemini31Flash, "512") => 750,
        (Family::Gemini31Flash, "2K") => 1_680,
        (Family::Gemini31Flash, "4K") => 2_520,
        (Family::Gemini3Pro, "4K") => 2_000,
        (Family::Gemini31Flash | Family::Gemini3Pro, _) => 1_120,
        (Family::GptMini, _) => classic_output_tokens(ask.quality, ask.size_px),
        (Family::Gpt2, _) => free_output_tokens(false, ask.quality, ask.size_px),
        (Family::Seedream, _) => u64::from(ask.size_px.0) * u64::from(ask.size_px.1) / SEEDREAM_TOKEN_PIXELS,
    }
}

/// What a call costs, USD 1e-9.
pub(super) fn nanos(ask: &Ask, tokens: &BilledTokens) -> i128 {
    let Some(rates) = rates(ask.model.family) else {
        return SEEDREAM_NANOS * i128::from(ask.count);
    };
    let parts = [
        (tokens.text_in, rates.text_in),
        (tokens.image_in, rates.image_in),
        (tokens.text_out, rates.text_out),
        (tokens.image_out, rates.image_out),
    ];
    parts
        .iter()
        .map(|(count, rate)| i128::from(*count) * i128::from(*rate))
        .sum()
}
