//! Answers of `generateContent`: images among the parts, or why there are none.

use planner::failure::{Failure, FailureKind, Moderation, Spent};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{error, usage};
use crate::{
    adapter::{
        Output, OutputImage, Reply, Step,
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    splitter::Document,
};

/// Reasons to stop that are a safety check's. The others without an image mean that the model did not draw.
const BLOCKED: [&str; 9] = [
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "IMAGE_PROHIBITED_CONTENT",
    "RECITATION",
    "IMAGE_RECITATION",
    "BLOCKLIST",
    "SPII",
    "MODEL_ARMOR",
];

/// What follows a reply to `generateContent`.
pub(crate) fn answered(provider: &str, reply: &Reply) -> Step {
    if !reply.is_success() {
        return Step::Fail(error::judge(provider, reply));
    }
    let Some(document) = reply.document().filter(|document| document.json.is_object()) else {
        return Step::Fail(unreadable(provider, reply, "no JSON object"));
    };
    if document.json["error"].is_object() {
        return Step::Fail(error::judge(provider, reply));
    }
    match images(provider, reply, document) {
        Ok(images) if images.is_empty() => Step::Fail(without_image(provider, reply, &document.json)),
        Ok(images) => Step::Done(Output {
            images,
            usage: usage::read(&document.json["usageMetadata"]),
            reported_cost_micros: None,
            upstream_id: id_of(reply, &document.json),
        }),
        Err(failure) => Step::Fail(failure),
    }
}

fn id_of(reply: &Reply, json: &Value) -> Option<String> {
    text_of(&json["responseId"])
        .map(str::to_owned)
        .or_else(|| request_id(reply))
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Images of thoughts are drafts: they are not what was asked for.
fn images(provider: &str, reply: &Reply, document: &Document) -> Result<Vec<OutputImage>, Failure> {
    let read = |part: &Value| {
        produced(document, &part["inlineData"]["data"], &HeaderMap::new(), None)
            .map_err(|error| bad_image(provider, reply, &error))
            .transpose()
    };
    items(&document.json["candidates"])
        .iter()
        .flat_map(|candidate| items(&candidate["content"]["parts"]))
        .filter(|part| part["thought"] != true)
        .filter_map(read)
        .collect()
}

fn without_image(provider: &str, reply: &Reply, json: &Value) -> Failure {
    let feedback = &json["promptFeedback"];
    let candidate = &json["candidates"][0];
    let (stage, code, ratings) = match text_of(&feedback["blockReason"]) {
        Some(reason) => (Some("input"), Some(reason), &feedback["safetyRatings"]),
        None => {
            let reason = text_of(&candidate["finishReason"]);
            let blocked = reason.is_some_and(|reason| BLOCKED.contains(&reason));
            (blocked.then_some("output"), reason, &candidate["safetyRatings"])
        }
    };
    let kind = match stage {
        Some(_) => FailureKind::ContentPolicy,
        None => FailureKind::EmptyAnswer,
    };
    let mut failure = failed(provider, kind, reply);
    failure.code = code.map(str::to_owned);
    failure.upstream_request_id = id_of(reply, json);
    if stage.is_some() {
        failure.moderation = Some(Moderation {
            stage: stage.map(str::to_owned),
            categories: categories(ratings),
        });
    }
    // What the model has written by then may be on the bill, whether or not it is given out.
    if usage::read(&json["usageMetadata"]).is_some_and(|usage| usage.output_tokens() > 0) {
        failure.spent = Spent::Unknown;
    }
    failure
}

/// The categories that blocked, as `sexually_explicit`.
fn categories(ratings: &Value) -> Vec<String> {
    items(ratings)
        .iter()
        .filter(|rating| rating["blocked"] == true || rating["probability"] == "HIGH")
        .filter_map(|rating| text_of(&rating["category"]))
        .map(|category| category.trim_start_matches("HARM_CATEGORY_").to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(json: Value) -> Step {
        let reply = Reply::of(200, json);
        answered("test", &reply)
    }

    fn failure(json: Value) -> Failure {
        match step(json) {
            Step::Fail(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn drafts_in_thoughts_are_left_out() {
        let image = |data: &str| json!({"inlineData": {"mimeType": "image/png", "data": data}});
        let mut draft = image("AAAA");
        draft["thought"] = json!(true);
        let parts = json!([{"text": "thinking", "thought": true}, draft, {"text": "Here it is."}, image("AQID")]);
        let Step::Done(output) = step(json!({"candidates": [{"content": {"parts": parts}}], "responseId": "r1"}))
        else {
            panic!("an image")
        };
        assert_eq!(output.images.len(), 1);
        assert_eq!(output.upstream_id.as_deref(), Some("r1"));
        let only_draft = json!({"candidates": [{"content": {"parts": [draft]}, "finishReason": "STOP"}]});
        assert_eq!(failure(only_draft).kind, FailureKind::EmptyAnswer);
    }

    #[test]
    fn reasons_are_told_apart() {
        let stopped = |reason: &str| json!({"candidates": [{"finishReason": reason}], "responseId": "r2"});
        for reason in ["NO_IMAGE", "IMAGE_OTHER", "STOP", "MAX_TOKENS", "OTHER", "LANGUAGE"] {
            let failure = failure(stopped(reason));
            assert_eq!(
                (failure.kind, failure.code.as_deref()),
                (FailureKind::EmptyAnswer, Some(reason))
            );
        }
        for reason in BLOCKED {
            let failure = failure(stopped(reason));
            assert_eq!(failure.kind, FailureKind::ContentPolicy, "{reason}");
            assert_eq!(
                failure.moderation.and_then(|told| told.stage).as_deref(),
                Some("output")
            );
            assert_eq!(
                (failure.spent, failure.upstream_request_id.as_deref()),
                (Spent::No, Some("r2"))
            );
        }
        for reason in ["SAFETY", "OTHER", "JAILBREAK", "MODEL_ARMOR"] {
            let ratings = json!([
                {"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "probability": "HIGH", "blocked": true},
                {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"},
            ]);
            let failure = failure(json!({"promptFeedback": {"blockReason": reason, "safetyRatings": ratings}}));
            let told = failure.moderation.expect("told");
            assert_eq!(
                (failure.kind, told.stage.as_deref()),
                (FailureKind::ContentPolicy, Some("input"))
            );
            assert_eq!(told.categories, ["sexually_explicit"]);
        }
    }

    #[test]
    fn a_blocked_picture_may_be_on_the_bill() {
        let failure = failure(json!({
            "candidates": [{"finishReason": "IMAGE_SAFETY"}],
            "usageMetadata": {"promptTokenCount": 9, "thoughtsTokenCount": 300},
        }));
        assert_eq!(
            (failure.kind, failure.spent),
            (FailureKind::ContentPolicy, Spent::Unknown)
        );
    }
}
