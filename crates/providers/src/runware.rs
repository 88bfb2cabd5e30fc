//! Runware: a list of one task, its UUID chosen by us; answered at once, or asked for by that UUID.

mod error;

use planner::{
    failure::{Failure, FailureKind},
    native::NativeValue,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply, Stage, State, Step,
        fields::{inline, nested},
        money::micros_of_dollars,
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Node},
    network::same_origin,
    splitter::Document,
};

/// The kind of task, unless a native field of this name says otherwise.
const TASK_TYPE: (&str, &str) = ("taskType", "imageInference");
/// What the kind of a task must begin with.
const TASK_TYPES: &str = "image";
/// Keys under which an image comes, by the output type that was asked for.
const IMAGE_KEYS: [&str; 3] = ["imageURL", "imageBase64Data", "imageDataURI"];

/// The adapter. Native fields are those of the task, a dot in a name meaning nesting. Special are `size`, an object that
/// becomes `width` and `height`; `taskType`; and `deliveryMethod`, which makes the task a job when it is `async`. What the
/// task cost is always asked for.
#[derive(Debug)]
pub(crate) struct Runware;

impl Adapter for Runware {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        let mut call = call(request, Stage::Submit, task(request, &uuid(state.nonce))?)?;
        call.patience = Patience::Work;
        Ok(call)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| {
            same_origin(&job.status_url, &request.endpoint.base_url) && job.id.is_some()
        })?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        if state.phase == Phase::Submit {
            answered(request, state, &reply)
        } else {
            polled(request, state, &reply)
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

/// Everything goes to one address, as a list of tasks.
fn call(request: &ProviderRequest, stage: Stage, task: Node) -> Result<Call, Failure> {
    let url = request.endpoint.url("")?;
    Ok(Call::new(Method::POST, url, stage)
        .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
        .body(Body::json(&Node::List(vec![task]))))
}

/// A version 4 UUID of these bits.
fn uuid(nonce: u128) -> String {
    let bits = (nonce & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn is_async(request: &ProviderRequest) -> bool {
    matches!(request.native.fields.get("deliveryMethod"), Some(NativeValue::Json(Value::String(method))) if method == "async")
}

fn task(request: &ProviderRequest, id: &str) -> Result<Node, Failure> {
    let text = |text: &str| Node::Json(text.into());
    let (type_key, type_default) = TASK_TYPE;
    let mut kind = text(type_default);
    let mut pairs = vec![
        ("taskUUID".to_owned(), text(id)),
        ("model".to_owned(), text(&request.native.model)),
        ("includeCost".to_owned(), Node::Json(true.into())),
    ];
    for (name, node) in request.pairs(|_, image| inline(image))? {
        match (name.as_str(), node) {
            // A caller must not turn an image into a costlier kind of work.
            (name, node) if name == type_key => {
                if matches!(&node, Node::Json(Value::String(kind)) if kind.starts_with(TASK_TYPES)) {
                    kind = node;
                }
            }
            // Ours identify the task and tell its cost.
            ("taskUUID" | "model" | "includeCost", _) => {}
            ("size", Node::Json(Value::Object(sides))) => {
                pairs.extend(sides.into_iter().map(|(side, value)| (side, Node::Json(value))));
            }
            (_, node) => pairs.push((name, node)),
        }
    }
    pairs.insert(0, (type_key.to_owned(), kind));
    Ok(nested(pairs))
}

fn answered(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    let Some(document) = reply.document().filter(|_| reply.is_success()) else {
        return Step::Fail(if reply.is_success() {
            unreadable(provider, reply, "no JSON")
        } else {
            error::judge(request, reply, Stage::Submit)
        });
    };
    if !is_async(request) {
        return done(request, reply, document, Stage::Submit);
    }
    let entries = entries(document);
    if entries.is_empty() && error::has_errors(document) {
        return Step::Fail(error::judge(request, reply, Stage::Submit));
    }
    let url = match request.endpoint.url("") {
        Ok(url) => url,
        Err(failure) => return Step::Fail(failure),
    };
    // The task is known by the UUID that we gave it, whatever the acknowledgment says.
    let job = Job {
        id: Some(uuid(state.nonce)),
        status_url: url.clone(),
        result_url: url,
    };
    state.job = Some(job.clone());
    if finished(entries) {
        return done(request, reply, document, Stage::Submit);
    }
    poll(request, state, &job).into()
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    let id = job.id.as_deref().unwrap_or_default();
    let ask = json!({"taskType": "getResponse", "taskUUID": id});
    Ok(state.asking(call(request, Stage::Poll, Node::Json(ask))?))
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    if !reply.is_success() {
        return Step::refused(reply, error::judge(request, reply, Stage::Poll));
    }
    let Some(document) = reply.document() else {
        return unreadable_again(provider, state, reply, "no JSON");
    };
    let entries = entries(document);
    if finished(entries) {
        return done(request, reply, document, Stage::Poll);
    }
    if entries.is_empty() && error::has_errors(document) {
        let failure = error::judge(request, reply, Stage::Poll);
        return match failure.kind {
            FailureKind::RateLimited | FailureKind::Overloaded => Step::Again(failure),
            _ => Step::Fail(failure),
        };
    }
    if entries.is_empty() {
        // A task that has just been taken may not be listed yet; one that never is has given nothing.
        return match unreadable_again(provider, state, reply, "nothing about the task") {
            Step::Fail(_) => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
            step => step,
        };
    }
    state.unreadable = 0;
    poll(request, state, &job).into()
}

fn entries(document: &Document) -> &[Value] {
    document.json["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn image_of(entry: &Value) -> &Value {
    let found = IMAGE_KEYS.iter().find(|key| text_of(&entry[**key]).is_some());
    found.map_or(&Value::Null, |key| &entry[*key])
}

/// Whether there are images and none is still being made.
fn finished(entries: &[Value]) -> bool {
    let is_done = |entry: &Value| entry["status"] == "success" || !image_of(entry).is_null();
    !entries.is_empty() && entries.iter().all(is_done)
}

/// The images; errors beside them are those of images that could not be made, and of no account.
fn done(request: &ProviderRequest, reply: &Reply, document: &Document, stage: Stage) -> Step {
    let provider = &request.endpoint.provider;
    let entries = entries(document);
    let produced = entries.iter().filter_map(|entry| {
        produced(document, image_of(entry), &HeaderMap::new(), None)
            .map_err(|error| bad_image(provider, reply, &error))
            .transpose()
    });
    let (good, bad): (Vec<_>, Vec<_>) = produced.partition(Result::is_ok);
    // What is good is paid for, whatever stands beside it.
    let images: Result<Vec<OutputImage>, Failure> = if good.is_empty() { bad } else { good }.into_iter().collect();
    match images {
        Ok(images) if images.is_empty() && error::has_errors(document) => {
            Step::Fail(error::judge(request, reply, stage))
        }
        Ok(images) if images.is_empty() && !document.json["data"].is_array() => {
            Step::Fail(unreadable(provider, reply, "`data` is not a list"))
        }
        Ok(images) if images.is_empty() => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
        Ok(images) => Step::Done(Output {
            images,
            reported_cost_micros: cost(entries),
            upstream_id: entries
                .iter()
                .find_map(|entry| text_of(&entry["taskUUID"]).map(str::to_owned)),
            ..Output::default()
        }),
        Err(failure) => Step::Fail(failure),
    }
}

/// The sum, when each entry has its cost.
fn cost(entries: &[Value]) -> Option<i64> {
    entries.iter().map(|entry| micros_of_dollars(&entry["cost"])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_four() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
            "01234567-89ab-4def-8123-456789abcdef"
        );
    }

    #[test]
    fn costs_are_summed_when_all_are_known() {
        assert_eq!(cost(&[json!({"cost": 0.0013}), json!({"cost": 0.0026})]), Some(3900));
        assert_eq!(cost(&[json!({"cost": 0.0013}), json!({})]), None);
    }
}
