//! Token counts of `usageMetadata`.

use planner::usage::Usage;
use serde_json::Value;

/// Reads them by modality. What the model thought counts as text that it wrote, as on the bill.
pub(super) fn read(metadata: &Value) -> Option<Usage> {
    let count = |key: &str| metadata[key].as_u64();
    let prompt = count("promptTokenCount");
    let candidates = count("candidatesTokenCount");
    let thoughts = count("thoughtsTokenCount");
    if prompt.is_none() && candidates.is_none() && thoughts.is_none() {
        return None;
    }
    let input = prompt.unwrap_or(0);
    let input_image_tokens = images_among(&metadata["promptTokensDetails"], input).unwrap_or(0);
    let output = candidates.unwrap_or(0);
    // Without details the image is what came out.
    let output_image_tokens = images_among(&metadata["candidatesTokensDetails"], output).unwrap_or(output);
    let cached = count("cachedContentTokenCount").unwrap_or(0);
    let cached_image_tokens = images_among(&metadata["cacheTokensDetails"], cached).unwrap_or(0);
    let input_text_tokens = input - input_image_tokens + count("toolUsePromptTokenCount").unwrap_or(0);
    Some(Usage {
        input_text_tokens,
        cached_text_tokens: (cached - cached_image_tokens).min(input_text_tokens),
        input_image_tokens,
        cached_image_tokens: cached_image_tokens.min(input_image_tokens),
        output_text_tokens: output - output_image_tokens + thoughts.unwrap_or(0),
        output_image_tokens,
    })
}

/// Image tokens in a list of counts by modality, at most `total`; `None` without a list.
fn images_among(details: &Value, total: u64) -> Option<u64> {
    let details = details.as_array().filter(|details| !details.is_empty())?;
    let images: u64 = details
        .iter()
        .filter(|detail| detail["modality"] == "IMAGE")
        .filter_map(|detail| detail["tokenCount"].as_u64())
        .fold(0, u64::saturating_add);
    Some(images.min(total))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn modalities_are_told_apart_and_thoughts_are_text() {
        let usage = read(&json!({
            "promptTokenCount": 270, "candidatesTokenCount": 1130, "thoughtsTokenCount": 95, "totalTokenCount": 1495,
            "cachedContentTokenCount": 8, "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 258}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}, {"modality": "TEXT", "tokenCount": 10}],
        }));
        let expected = Usage {
            input_text_tokens: 12,
            cached_text_tokens: 8,
            input_image_tokens: 258,
            cached_image_tokens: 0,
            output_text_tokens: 105,
            output_image_tokens: 1120,
        };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn totals_hold_without_details() {
        let usage = read(&json!({"promptTokenCount": 7, "candidatesTokenCount": 1290})).expect("counts");
        assert_eq!(
            (
                usage.input_text_tokens,
                usage.output_image_tokens,
                usage.output_text_tokens
            ),
            (7, 1290, 0)
        );
        let odd =
            json!({"promptTokenCount": 7, "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": u64::MAX}]});
        assert_eq!(read(&odd).expect("counts").input_tokens(), 7);
        assert_eq!(read(&json!({"trafficType": "ON_DEMAND"})), None);
        assert_eq!(read(&Value::Null), None);
    }
}
