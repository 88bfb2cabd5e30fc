//! What every protocol says alike about a failure: from the HTTP status to a kind, from a kind to words.

use std::time::Duration;

use planner::{
    failure::{Failure, FailureKind, Moderation, Spent},
    native::NativeRequest,
};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{ImageSource, OutputImage, Reply, ReplyBody, Step};
use crate::{
    adapter::State,
    splitter::{Document, DocumentError},
};

/// How often in a row a success that cannot be read is asked for again, for polls and fetches.
const UNREADABLE_MAX: u32 = 3;
/// Where providers put the id that their support asks for.
const REQUEST_ID_HEADERS: [&str; 3] = ["x-request-id", "x-fal-request-id", "cf-ray"];
/// Keys whose values repeat the caller's request, or print what the model did.
const PRIVATE_KEYS: [&str; 7] = [
    "input",
    "prompt",
    "revised_prompt",
    "flagged_input",
    "logs",
    "output",
    "b64_json",
];

/// The kind that a status alone tells. A body that is not JSON did not come from the provider's own code, so it says
/// less: a proxy's 503 may follow work that was done.
pub(crate) fn kind_of_status(status: u16, is_json: bool) -> FailureKind {
    match status {
        401 => FailureKind::BadCredential,
        402 => FailureKind::QuotaExhausted,
        403 => FailureKind::NotPermitted,
        404 | 405 | 410 => FailureKind::ModelGone,
        408 => FailureKind::TimedOut,
        409 | 425 => FailureKind::Overloaded,
        413 => FailureKind::InvalidArgument,
        429 => FailureKind::RateLimited,
        400..500 if is_json => FailureKind::InvalidArgument,
        503 | 529 if is_json => FailureKind::Overloaded,
        500.. => FailureKind::ServerError,
        _ => FailureKind::UnreadableAnswer,
    }
}

/// A failure of `kind` with everything that the reply tells by itself, and words of ours.
pub(crate) fn failed(provider: &str, kind: FailureKind, reply: &Reply) -> Failure {
    let mut failure = Failure {
        status: Some(reply.status),
        upstream_request_id: request_id(reply),
        excerpt: excerpt(reply),
        ..Failure::new(kind, words(provider, kind, reply.status))
    };
    if matches!(
        kind,
        FailureKind::RateLimited | FailureKind::Overloaded | FailureKind::ServerError
    ) {
        failure.retry_after = reply.retry_after;
    }
    // A refusal without work: an error status below 500 means that nothing was begun.
    if kind == FailureKind::UnreadableAnswer && (300..500).contains(&reply.status) {
        failure.spent = Spent::No;
    }
    failure
}

/// What an answer says of a failure, wherever its protocol has it.
#[derive(Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    /// The argument at fault.
    pub(crate) param: Option<&'a str>,
    /// Of a safety block.
    pub(crate) moderation: Moderation,
    /// Where the body has it; else it may stand in the message.
    pub(crate) retry_after: Option<Duration>,
}

/// A failure of `kind` with what was said of it: callers are told of what is theirs, an argument or a safety block.
pub(crate) fn described(provider: &str, kind: FailureKind, reply: &Reply, said: Said<'_>) -> Failure {
    let mut failure = failed(provider, kind, reply);
    let message = said.message.filter(|message| !message.is_empty());
    failure.code = said.code.map(str::to_owned);
    match kind {
        FailureKind::InvalidArgument | FailureKind::ContentPolicy => {
            failure.param = said.param.map(str::to_owned);
            if let Some(message) = message {
                message.clone_into(&mut failure.message);
            }
        }
        FailureKind::RateLimited if failure.retry_after.is_none() => {
            failure.retry_after = said.retry_after.or_else(|| message.and_then(wait_in_text));
        }
        _ => {}
    }
    if kind == FailureKind::ContentPolicy {
        failure.moderation = Some(said.moderation);
    }
    failure
}

/// The failure of a success that is not what the protocol says.
pub(crate) fn unreadable(provider: &str, reply: &Reply, what: &str) -> Failure {
    let mut failure = failed(provider, FailureKind::UnreadableAnswer, reply);
    let why = match &reply.body {
        ReplyBody::Unreadable(why) => why,
        _ => what,
    };
    failure.message = format!("{provider} gave an answer that cannot be read: {why}");
    failure
}

/// A poll or fetch whose success cannot be read is asked for again a few times: it costs nothing.
pub(crate) fn unreadable_again(provider: &str, state: &mut State, reply: &Reply, what: &str) -> Step {
    state.unreadable += 1;
    let failure = unreadable(provider, reply, what);
    if state.unreadable > UNREADABLE_MAX {
        Step::Fail(failure)
    } else {
        Step::Again(failure)
    }
}

/// Whether an answer says in so many words that there is no such job. A bare 404 does not: proxies and replicas that lag
/// behind give it for jobs that are there.
pub(crate) fn says_gone(reply: &Reply) -> bool {
    const NOUNS: [&str; 5] = ["request ", "task", "job", "prediction", "generation"];
    const GONE: [&str; 5] = ["not found", "no longer", "expired", "does not exist", "no task"];
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        NOUNS.iter().any(|noun| text.contains(noun)) && GONE.iter().any(|words| text.contains(words))
    };
    let is_refusal = matches!(reply.status, 400..500) && !matches!(reply.status, 401..=403 | 429);
    reply.status == 410 || is_refusal && reply.document().is_some_and(|document| any_text(&document.json, &says))
}

/// Whether some text in a document is like that. The splitter bounds its depth.
fn any_text(json: &Value, is_so: &impl Fn(&str) -> bool) -> bool {
    match json {
        Value::String(text) => is_so(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_so)),
        Value::Object(object) => object.values().any(|value| any_text(value, is_so)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The provider's id of the request.
pub(crate) fn request_id(reply: &Reply) -> Option<String> {
    REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| reply.header(name))
        .map(str::to_owned)
}

/// What may be told of a failure that is not the caller's.
pub(crate) fn words(provider: &str, kind: FailureKind, status: u16) -> String {
    match kind {
        FailureKind::RateLimited => format!("{provider} limits the rate of requests"),
        FailureKind::Overloaded => format!("{provider} is overloaded (HTTP {status})"),
        FailureKind::QuotaExhausted => format!("the gateway's account at {provider} has no credit left"),
        FailureKind::BadCredential => format!("{provider} does not accept the gateway's credential"),
        FailureKind::NotPermitted => format!("the gateway's account at {provider} may not do this"),
        FailureKind::ModelGone => format!("{provider} does not have this model"),
        FailureKind::JobLost => format!("{provider} no longer knows the job or its result"),
        FailureKind::TimedOut => format!("{provider} did not answer in time"),
        FailureKind::EmptyAnswer => format!("{provider} answered without an image"),
        FailureKind::JobFailed => format!("{provider} could not make the image"),
        FailureKind::ContentPolicy => format!("{provider} refused the request for reasons of content"),
        FailureKind::InvalidArgument => format!("{provider} refused an argument (HTTP {status})"),
        FailureKind::UnreadableAnswer => format!("{provider} gave an answer that cannot be read (HTTP {status})"),
        FailureKind::ServerError => format!("{provider} failed (HTTP {status})"),
        FailureKind::NotSent | FailureKind::Interrupted | FailureKind::LimitReached => {
            format!("the call to {provider} failed")
        }
    }
}

/// The part of an error that helps in our log. A success is never quoted: it holds what the caller paid for.
fn excerpt(reply: &Reply) -> Option<String> {
    match &reply.body {
        ReplyBody::Document(document) if !reply.is_success() => Some(without_private(&document.json).to_string()),
        ReplyBody::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// A copy without what repeats the request. The splitter bounds the depth.
fn without_private(json: &Value) -> Value {
    match json {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !PRIVATE_KEYS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), without_private(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_private).collect(),
        other => other.clone(),
    }
}

/// How long a text asks to wait, such as `Please try again in 12s` or `available in 1 second`.
pub(crate) fn wait_in_text(text: &str) -> Option<Duration> {
    let (_, after) = text.rsplit_once(" in ")?;
    let after = after.trim_start_matches('~');
    let end = after
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(after.len());
    let number: f64 = after[..end].trim_end_matches('.').parse().ok()?;
    let unit = after[end..].trim_start();
    let seconds = if unit.starts_with("ms") {
        number / 1000.0
    } else if unit.starts_with('s') {
        number
    } else if unit.starts_with('m') {
        number * 60.0
    } else {
        return None;
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// The image that `value` holds or points to; `headers` go along to the provider's own host.
pub(crate) fn produced(
    document: &Document,
    value: &Value,
    headers: &HeaderMap,
    revised_prompt: Option<String>,
) -> Result<Option<OutputImage>, DocumentError> {
    if let Some(blob) = document.image(value)? {
        return Ok(Some(OutputImage {
            source: ImageSource::Blob(blob),
            revised_prompt,
        }));
    }
    let url = value.as_str().filter(|text| !text.is_empty());
    let Some(url) = url else { return Ok(None) };
    let url = reqwest::Url::parse(url).map_err(|_| DocumentError::BadBase64)?;
    Ok(Some(OutputImage {
        source: ImageSource::Url {
            url,
            headers: headers.clone(),
        },
        revised_prompt,
    }))
}

/// The failure of a success whose image cannot be taken.
pub(crate) fn bad_image(provider: &str, reply: &Reply, error: &DocumentError) -> Failure {
    match error {
        DocumentError::BadBase64 => unreadable(provider, reply, &error.to_string()),
        DocumentError::Spool(error) => {
            let mut failure = failed(provider, FailureKind::LimitReached, reply);
            failure.message = error.to_string();
            failure
        }
    }
}

/// The first native field whose name, or the last part of a dotted one, stands in `text` as a word of its own. The prompt
/// comes last: many texts name it in passing.
pub(crate) fn param_named_in<'a>(text: &str, native: &'a NativeRequest) -> Option<&'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = |name: &str| text.split(|c: char| !is_part(c)).any(|word| word == name);
    let names = native.fields.keys().map(String::as_str);
    let last_part = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let found = names.filter(|name| named(last_part(name)));
    let is_prompt = |name: &&str| name.to_ascii_lowercase().ends_with("prompt");
    found.min_by_key(is_prompt)
}

/// A text that is not empty.
pub(crate) fn text_of(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_are_read_from_texts() {
        for (text, seconds) in [
            ("Limit 5, Requested 10. Please try again in 12s.", 12.0),
            ("Please try again in 120ms.", 0.12),
            ("Please try again in 1.5s", 1.5),
            ("Request was throttled. Expected available in 1 second.", 1.0),
            ("Your rate limit resets in ~30s.", 30.0),
            ("try again in 2m", 120.0),
        ] {
            assert_eq!(wait_in_text(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        assert_eq!(wait_in_text("Rate limit reached in organization org-1"), None);
        assert_eq!(wait_in_text("slow down"), None);
    }

    #[test]
    fn a_proxy_page_says_less_than_the_provider_itself() {
        assert_eq!(kind_of_status(503, true), FailureKind::Overloaded);
        assert_eq!(kind_of_status(503, false), FailureKind::ServerError);
        assert_eq!(kind_of_status(422, true), FailureKind::InvalidArgument);
        assert_eq!(kind_of_status(422, false), FailureKind::UnreadableAnswer);
        assert_eq!(kind_of_status(302, false), FailureKind::UnreadableAnswer);
        assert_eq!(kind_of_status(524, false), FailureKind::ServerError);
    }

    #[test]
    fn what_repeats_the_request_is_not_quoted() {
        let kept =
            without_private(&json!({"detail": [{"input": "a fox", "msg": "too long", "loc": ["body", "prompt"]}]}));
        assert_eq!(
            kept,
            json!({"detail": [{"msg": "too long", "loc": ["body", "prompt"]}]})
        );
    }
}
