//! Tokens of a call, and what they cost.

use super::ask::Ask;
use crate::bill::{BilledTokens, micros_from_nanos};
use serde_json::{Value, json};

/// Characters that make about one token: an estimate, rounded up.
const CHARS_PER_TOKEN: u64 = 4;
/// One search of the web, USD 1e-9.
const SEARCH_NANOS: i128 = 14_000_000;

/// Tokens of a call that drew one image, or none.
pub(super) fn tokens(ask: &Ask, drawn: bool) -> BilledTokens {
    let chars = u64::try_from(ask.text_chars).unwrap_or(u64::MAX);
    let images = u64::try_from(ask.images.len()).unwrap_or(u64::MAX);
    BilledTokens {
        text_in: chars.div_ceil(CHARS_PER_TOKEN),
        image_in: images * ask.model.input_image_tokens,
        text_out: ask.thought_tokens,
        image_out: if drawn { ask.tier.tokens } else { 0 },
    }
}

/// What `countTokens` answers: the tokens that a call would put in.
pub(crate) fn count(ask: &Ask) -> Value {
    let tokens = tokens(ask, false);
    json!({
        "totalTokens": tokens.text_in + tokens.image_in,
        "promptTokensDetails": by_modality(&[("TEXT", tokens.text_in), ("IMAGE", tokens.image_in)]),
    })
}

/// Tokens by what they stand for.
fn by_modality(parts: &[(&str, u64)]) -> Vec<Value> {
    parts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(modality, count)| json!({"modality": modality, "tokenCount": count}))
        .collect()
}

/// What a call cost, USD 1e-6.
pub(super) fn micros(ask: &Ask, tokens: &BilledTokens) -> i64 {
    let rates = ask.model.rates;
    let parts = [
        (tokens.text_in + tokens.image_in, rates.input),
        (tokens.text_out, rates.text_out),
        (tokens.image_out, rates.image_out),
    ];
    let nanos: i128 = parts
        .iter()
        .map(|(count, rate)| i128::from(*count) * i128::from(*rate))
        .sum();
    micros_from_nanos(nanos + if ask.searches { SEARCH_NANOS } else { 0 })
}

/// The `usageMetadata` object. Thoughts are counted apart from what was put out.
pub(super) fn object(tokens: &BilledTokens) -> Value {
    let input = tokens.text_in + tokens.image_in;
    let mut usage = json!({
        "promptTokenCount": input,
        "totalTokenCount": input + tokens.image_out + tokens.text_out,
        "promptTokensDetails": by_modality(&[("TEXT", tokens.text_in), ("IMAGE", tokens.image_in)]),
    });
    if tokens.image_out > 0 {
        usage["candidatesTokenCount"] = json!(tokens.image_out);
        usage["candidatesTokensDetails"] = json!(by_modality(&[("IMAGE", tokens.image_out)]));
    }
    if tokens.text_out > 0 {
        usage["thoughtsTokenCount"] = json!(tokens.text_out);
    }
    usage
}
