//! OpenAI's image streams: unfinished images, finished ones, and errors on the way.

use planner::{
    failure::{Failure, FailureKind, Spent},
    native::NativeValue,
};
use serde_json::Value;

use super::{error, image, usage};
use crate::{
    adapter::{
        Events, Heard, Listening, Output, ProviderRequest, Reply, Step,
        verdict::{failed, request_id, text_of},
    },
    splitter::Document,
};

/// Whether the request asks for a stream.
pub(super) fn is_asked(request: &ProviderRequest) -> bool {
    request.native.fields.get("stream") == Some(&NativeValue::Json(Value::Bool(true)))
}

/// How its answer is read.
pub(super) fn listening(request: &ProviderRequest) -> Listening {
    let images = match request.native.fields.get("n") {
        Some(NativeValue::Json(n)) => n.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
        _ => 1,
    };
    Listening {
        images: images.max(1),
        hear,
    }
}

fn hear(name: Option<&str>, document: &Document) -> Heard {
    if !document.json["error"].is_null() {
        return Heard::Last;
    }
    match text_of(&document.json["type"]).or(name) {
        Some("image_generation.partial_image" | "image_edit.partial_image") => partial(document),
        Some("image_generation.completed" | "image_edit.completed") => Heard::Image,
        Some("error") => Heard::Last,
        _ => Heard::Nothing,
    }
}

/// A preview that cannot be read is left out: the image itself may still come.
fn partial(document: &Document) -> Heard {
    let index = document.json["partial_image_index"].as_u64().unwrap_or(0);
    match (u32::try_from(index), document.image(&document.json["b64_json"])) {
        (Ok(index), Ok(Some(image))) if !image.is_empty() => Heard::Partial(index, image),
        _ => Heard::Nothing,
    }
}

/// What the whole stream comes to. Finished images count, whatever came after them.
pub(super) fn finish(request: &ProviderRequest, reply: &Reply, events: &Events) -> Step {
    let provider = &request.endpoint.provider;
    let mut output = Output {
        upstream_id: request_id(reply),
        ..Output::default()
    };
    let mut failure = None;
    for document in &events.images {
        match image(request, reply, document, &document.json) {
            Ok(image) => output.images.push(image),
            Err(unusable) => {
                failure = Some(unusable);
                continue;
            }
        }
        // Each image tells its own usage.
        output.usage = match (output.usage, usage::read(&document.json["usage"])) {
            (Some(all), Some(more)) => Some(all.plus(more)),
            (all, more) => all.or(more),
        };
    }
    if !output.images.is_empty() {
        return Step::Done(output);
    }
    let told = events.last.as_ref().map(|document| match &document.json["error"] {
        // Some servers put the error's fields bare into an event of that name.
        Value::Null => &document.json,
        error => error,
    });
    let mut failure = match told {
        Some(error) => error::judge_error(provider, reply, error, &Value::Null),
        None => failure.unwrap_or_else(|| broken_off(provider, reply)),
    };
    if events.partials > 0 && failure.spent == Spent::No {
        failure.spent = Spent::Unknown;
    }
    Step::Fail(failure)
}

fn broken_off(provider: &str, reply: &Reply) -> Failure {
    let mut failure = failed(provider, FailureKind::Interrupted, reply);
    failure.message = format!("{provider} ended its stream before the image");
    failure
}
