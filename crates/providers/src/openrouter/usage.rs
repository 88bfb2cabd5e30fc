//! Tokens and cost of an OpenRouter answer.

use planner::usage::Usage;
use serde_json::Value;

use crate::adapter::money::micros_of_dollars;

/// Reads the token counts. What is not said to be an image's is text going in and, where no text can come out, image
/// coming out: the Images API gives totals only, chat completions tell the kinds.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let count = |value: &Value, key: &str| value[key].as_u64();
    let prompt = count(usage, "prompt_tokens");
    let completion = count(usage, "completion_tokens");
    if prompt.is_none() && completion.is_none() {
        return None;
    }
    let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let prompt_details = &usage["prompt_tokens_details"];
    let input_image_tokens = count(prompt_details, "image_tokens").unwrap_or(0).min(prompt);
    let output_image_tokens = count(&usage["completion_tokens_details"], "image_tokens")
        .unwrap_or(completion)
        .min(completion);
    let input_text_tokens = prompt - input_image_tokens;
    Some(Usage {
        input_text_tokens,
        cached_text_tokens: count(prompt_details, "cached_tokens")
            .unwrap_or(0)
            .min(input_text_tokens),
        input_image_tokens,
        cached_image_tokens: 0,
        output_text_tokens: completion - output_image_tokens,
        output_image_tokens,
    })
}

/// What the call cost in micros. With a key of one's own at the maker, OpenRouter's fee and the maker's price are two
/// sums, and both are paid.
pub(super) fn cost_micros(usage: &Value) -> Option<i64> {
    let cost = micros_of_dollars(&usage["cost"])?;
    let upstream = &usage["cost_details"]["upstream_inference_cost"];
    match usage["is_byok"].as_bool() {
        Some(true) => Some(cost.saturating_add(micros_of_dollars(upstream).unwrap_or(0))),
        _ => Some(cost),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn totals_alone_are_text_in_and_image_out() {
        let usage =
            read(&json!({"prompt_tokens": 9, "completion_tokens": 4175, "total_tokens": 4184})).expect("counts");
        assert_eq!((usage.input_text_tokens, usage.output_image_tokens), (9, 4175));
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (9, 4175));
        assert_eq!(read(&json!({"cost": 0.04})), None);
    }

    #[test]
    fn details_tell_the_kinds() {
        let usage = json!({
            "prompt_tokens": 300, "completion_tokens": 1400,
            "prompt_tokens_details": {"cached_tokens": 10, "image_tokens": 258},
            "completion_tokens_details": {"reasoning_tokens": 80, "image_tokens": 1290},
        });
        let expected = Usage {
            input_text_tokens: 42,
            cached_text_tokens: 10,
            input_image_tokens: 258,
            cached_image_tokens: 0,
            output_text_tokens: 110,
            output_image_tokens: 1290,
        };
        assert_eq!(read(&usage), Some(expected));
    }

    #[test]
    fn with_an_own_key_both_sums_are_paid() {
        let details = json!({"upstream_inference_cost": 0.039});
        let cost = |own: bool| cost_micros(&json!({"cost": 0.002, "is_byok": own, "cost_details": details}));
        assert_eq!((cost(false), cost(true)), (Some(2_000), Some(41_000)));
        assert_eq!(cost_micros(&json!({"prompt_tokens": 1})), None);
    }
}
