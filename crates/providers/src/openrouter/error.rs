//! OpenRouter's errors: `{"error": {code, message, metadata}}`, with what the model's own provider said in the metadata.

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply,
    verdict::{Said, described, kind_of_status, param_named_in, text_of, wait_in_text},
};

/// What the error's metadata call a safety block, and codes of model makers that mean the same.
const POLICY_WORDS: [&str; 5] = [
    "content_policy_violation",
    "moderation_blocked",
    "content_moderation",
    "PROHIBITED_CONTENT",
    "safety system",
];
/// The message that only says that the maker's own words are in the metadata.
const RELAYED: &str = "Provider returned error";

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply) -> Failure {
    let error = reply
        .document()
        .map_or(&Value::Null, |document| &document.json["error"]);
    judge_error(request, reply, error)
}

/// What an error object means; it may be that of one choice.
pub(super) fn judge_error(request: &ProviderRequest, reply: &Reply, error: &Value) -> Failure {
    let raw = Raw::of(&error["metadata"]["raw"]);
    let message = text_of(&error["message"])
        .filter(|message| *message != RELAYED)
        .or(raw.message())
        .or(text_of(&error["message"]));
    let kind = kind(reply, error, &raw, message.unwrap_or_default());
    let (code, issue) = (code(error).or_else(|| raw.code()), message.and_then(first_issue));
    let param = raw.param().or_else(|| message.and_then(|text| named(request, text)));
    let said = Said {
        code: code.as_deref(),
        message: issue.as_deref().or(message),
        param: param.as_deref(),
        moderation: moderation(&error["metadata"]),
        retry_after: message.and_then(wait_in_text),
    };
    described(&request.endpoint.provider, kind, reply, said)
}

fn code(error: &Value) -> Option<String> {
    let class = text_of(&error["metadata"]["error_type"]).map(str::to_owned);
    class.or_else(|| match &error["code"] {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code.clone()),
        _ => None,
    })
}

fn kind(reply: &Reply, error: &Value, raw: &Raw, message: &str) -> FailureKind {
    let metadata = &error["metadata"];
    let class = text_of(&metadata["error_type"]).unwrap_or_default();
    let flagged = metadata["flagged_input"].is_string() || metadata["reasons"].is_array();
    if flagged || POLICY_WORDS.iter().any(|word| class == *word || raw.says(word)) {
        return FailureKind::ContentPolicy;
    }
    let told = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = match told.filter(|code| (400..600).contains(code)) {
        Some(code) if reply.is_success() => code,
        None if reply.is_success() => 500,
        _ => reply.status,
    };
    match status {
        400 if message.contains("not a valid model") => FailureKind::ModelGone,
        403 if message.contains("limit exceeded") => FailureKind::QuotaExhausted,
        // In a success it broke after the work began.
        500.. if reply.is_success() => FailureKind::ServerError,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

fn moderation(metadata: &Value) -> Moderation {
    let reasons = metadata["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Only what is flagged before it goes to a model is quoted.
    let is_input = metadata["flagged_input"].is_string() || !reasons.is_empty();
    Moderation {
        stage: is_input.then(|| "input".to_owned()),
        categories: reasons.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// The field that a message is about.
fn named(request: &ProviderRequest, message: &str) -> Option<String> {
    let Some(issues) = issues(message) else {
        return param_named_in(message, &request.native).map(str::to_owned);
    };
    let path = issues.first()?["path"].as_array()?;
    let names: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| names.join("."))
}

/// A message that is itself a list of what is wrong, each with a path.
fn issues(message: &str) -> Option<Vec<Value>> {
    message
        .trim_start()
        .starts_with('[')
        .then(|| serde_json::from_str(message).ok())
        .flatten()
}

fn first_issue(message: &str) -> Option<String> {
    let issues = issues(message)?;
    text_of(&issues.first()?["message"]).map(str::to_owned)
}

/// What the model's own provider said: a text that is often JSON, in as many shapes as there are providers.
struct Raw {
    text: String,
    json: Value,
}

impl Raw {
    fn of(raw: &Value) -> Self {
        match raw {
            Value::String(text) => Self {
                text: text.clone(),
                json: serde_json::from_str(text).unwrap_or(Value::Null),
            },
            Value::Null => Self {
                text: String::new(),
                json: Value::Null,
            },
            json => Self {
                text: json.to_string(),
                json: json.clone(),
            },
        }
    }

    fn says(&self, word: &str) -> bool {
        self.text.contains(word)
    }

    fn field(&self, name: &str) -> Option<&str> {
        text_of(&self.json["error"][name]).or_else(|| text_of(&self.json[name]))
    }

    fn message(&self) -> Option<&str> {
        let plain = self.json.is_null() && !self.text.is_empty();
        self.field("message").or_else(|| plain.then_some(self.text.as_str()))
    }

    fn param(&self) -> Option<String> {
        self.field("param").map(str::to_owned)
    }

    fn code(&self) -> Option<String> {
        self.field("code").map(str::to_owned)
    }
}

#[cfg(test)]
mod tests;
