//! Token counts of an OpenAI answer.

use planner::usage::Usage;
use serde_json::Value;

/// Reads `usage`; absent details are filled so that the totals hold.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let count = |value: &Value, key: &str| value[key].as_u64();
    let input_tokens = count(usage, "input_tokens");
    let output_tokens = count(usage, "output_tokens");
    if input_tokens.is_none() && output_tokens.is_none() {
        return None;
    }
    let input = &usage["input_tokens_details"];
    let input_image_tokens = count(input, "image_tokens").unwrap_or(0);
    let input_text_tokens =
        count(input, "text_tokens").unwrap_or_else(|| input_tokens.unwrap_or(0).saturating_sub(input_image_tokens));
    let output = &usage["output_tokens_details"];
    let output_text_tokens = count(output, "text_tokens").unwrap_or(0);
    let output_image_tokens =
        count(output, "image_tokens").unwrap_or_else(|| output_tokens.unwrap_or(0).saturating_sub(output_text_tokens));
    let cached = &input["cached_tokens_details"];
    let (cached_text_tokens, cached_image_tokens) = match (count(cached, "text_tokens"), count(cached, "image_tokens"))
    {
        (None, None) => {
            let all = count(input, "cached_tokens").unwrap_or(0);
            let text = all.min(input_text_tokens);
            (text, (all - text).min(input_image_tokens))
        }
        (text, image) => (
            text.unwrap_or(0).min(input_text_tokens),
            image.unwrap_or(0).min(input_image_tokens),
        ),
    };
    Some(Usage {
        input_text_tokens,
        cached_text_tokens,
        input_image_tokens,
        cached_image_tokens,
        output_text_tokens,
        output_image_tokens,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_read_as_they_are() {
        let usage = read(&json!({
            "input_tokens": 250, "output_tokens": 1100, "total_tokens": 1350,
            "input_tokens_details": {"text_tokens": 50, "image_tokens": 200, "cached_tokens_details": {"text_tokens": 40, "image_tokens": 100}},
            "output_tokens_details": {"image_tokens": 1056, "text_tokens": 44},
        }));
        let expected = Usage {
            input_text_tokens: 50,
            cached_text_tokens: 40,
            input_image_tokens: 200,
            cached_image_tokens: 100,
            output_text_tokens: 44,
            output_image_tokens: 1056,
        };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn absent_details_leave_the_totals_right() {
        let usage = read(&json!({"input_tokens": 10, "output_tokens": 196})).expect("counts");
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (10, 196));
        assert_eq!((usage.input_text_tokens, usage.output_image_tokens), (10, 196));
        let cached = read(&json!({
            "input_tokens": 30,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 20, "cached_tokens": 15},
        }))
        .expect("counts");
        assert_eq!((cached.cached_text_tokens, cached.cached_image_tokens), (10, 5));
        assert_eq!(read(&json!({})), None);
        assert_eq!(read(&json!(null)), None);
    }
}
