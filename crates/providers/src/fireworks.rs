//! Fireworks: workflows and older models that answer with the bytes of an image, and workflows that are jobs.

mod error;

use planner::{
    failure::{Failure, FailureKind},
    native::NativeValue,
};
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use crate::{
    adapter::{
        Adapter, Call, Expect, ImageSource, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply,
        ReplyBody, Stage, State, Step,
        fields::{inline, nested},
        misconfigured,
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Node},
    network::same_origin,
};

/// The last part of the path of a workflow that answers with an image.
const AT_ONCE: &str = "text_to_image";
/// The last part of the path at which jobs are asked for.
const RESULT: &str = "get_result";
/// The native field that is the header of this name.
const ACCEPT_FIELD: &str = "Accept";
/// The header that tells why an image is as it is, and what it says of one that was withheld.
const FINISH: (&str, &str) = ("finish-reason", "CONTENT_FILTERED");

/// The adapter. The native model is a path below the base address: `image_generation/...` and `workflows/.../text_to_image`
/// answer with an image, any other `workflows/...` is a job; a bare model id stands for its `text_to_image` workflow.
/// Special native fields are `size`, an object that becomes `width` and `height`, and `Accept`, which is sent as the header.
#[derive(Debug)]
pub(crate) struct Fireworks;

/// How a model answers.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// With an image, at this path.
    Image(String),
    /// With a job, at this path.
    Job(String),
}

impl Way {
    fn of(model: &str) -> Self {
        let is_path = model.starts_with("workflows/") || model.starts_with("image_generation/");
        if !is_path {
            Self::Image(format!("workflows/{model}/{AT_ONCE}"))
        } else if model.starts_with("workflows/") && !model.ends_with(AT_ONCE) {
            Self::Job(model.to_owned())
        } else {
            Self::Image(model.to_owned())
        }
    }
}

impl Adapter for Fireworks {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let body = body(request)?;
        let mut call = match Way::of(&request.native.model) {
            Way::Image(path) => {
                let mut call = call(request, request.endpoint.url(&path)?, Stage::Submit, body)?;
                call.expect = Expect::Bytes;
                call.header(ACCEPT, accept(request)?)
            }
            Way::Job(path) => call(request, request.endpoint.url(&path)?, Stage::Submit, body)?,
        };
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
        if state.phase != Phase::Submit {
            return polled(request, state, &reply);
        }
        if !reply.is_success() {
            return Step::Fail(error::judge(request, &reply, Stage::Submit));
        }
        match Way::of(&request.native.model) {
            Way::Image(_) => image(request, reply),
            Way::Job(path) => accepted(request, state, &reply, &path).into(),
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn call(request: &ProviderRequest, url: Url, stage: Stage, body: Node) -> Result<Call, Failure> {
    Ok(Call::new(Method::POST, url, stage)
        .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
        .body(Body::json(&body)))
}

fn accept(request: &ProviderRequest) -> Result<HeaderValue, Failure> {
    match request.native.fields.get(ACCEPT_FIELD) {
        Some(NativeValue::Json(Value::String(kind))) => {
            HeaderValue::from_str(kind).map_err(|_| misconfigured("the field `Accept` cannot be sent"))
        }
        _ => Ok(HeaderValue::from_static("image/*")),
    }
}

fn body(request: &ProviderRequest) -> Result<Node, Failure> {
    let mut pairs = Vec::new();
    for (name, node) in request.pairs(|_, image| inline(image))? {
        match (name.as_str(), node) {
            (ACCEPT_FIELD, _) => {}
            ("size", Node::Json(Value::Object(sides))) => {
                pairs.extend(sides.into_iter().map(|(side, value)| (side, Node::Json(value))));
            }
            (_, node) => pairs.push((name, node)),
        }
    }
    Ok(nested(pairs))
}

/// An answer that is an image, unless its headers say otherwise.
fn image(request: &ProviderRequest, reply: Reply) -> Step {
    let provider = &request.endpoint.provider;
    let (name, filtered) = FINISH;
    if reply.header(name) == Some(filtered) {
        return Step::Fail(error::refused(request, &reply, "output"));
    }
    let kind = reply.header("content-type").unwrap_or_default();
    if !kind.is_empty() && !kind.starts_with("image/") && !kind.starts_with("application/octet-stream") {
        return Step::Fail(unreadable(provider, &reply, "no image"));
    }
    let upstream_id = reply.header("x-request-id").map(str::to_owned);
    match reply.body {
        ReplyBody::Blob(blob) if !blob.is_empty() => Step::Done(Output {
            images: vec![OutputImage {
                source: ImageSource::Blob(blob),
                revised_prompt: None,
            }],
            upstream_id,
            ..Output::default()
        }),
        _ => Step::Fail(failed(provider, FailureKind::EmptyAnswer, &reply)),
    }
}

fn accepted(request: &ProviderRequest, state: &mut State, reply: &Reply, path: &str) -> Result<Call, Failure> {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let Some(id) = text_of(&json["request_id"]).or_else(|| text_of(&json["id"])) else {
        return Err(unreadable(&request.endpoint.provider, reply, "no id of the job"));
    };
    let url = request.endpoint.url(&format!("{path}/{RESULT}"))?;
    let job = Job {
        id: Some(id.to_owned()),
        status_url: url.clone(),
        result_url: url,
    };
    state.job = Some(job.clone());
    poll(request, state, &job)
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    let id = job.id.as_deref().unwrap_or_default();
    Ok(state.asking(call(
        request,
        job.status_url.clone(),
        Stage::Poll,
        Node::Json(json!({ "id": id })),
    )?))
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Step::refused(reply, error::judge(request, reply, Stage::Poll));
    }
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    let status = reply.document().and_then(|document| text_of(&document.json["status"]));
    match status {
        Some("Pending" | "Queued" | "Processing") => poll(request, state, &job).into(),
        Some("Ready") => ready(request, reply, job),
        Some("Request Moderated") => Step::Fail(error::refused(request, reply, "input")),
        Some("Content Moderated") => Step::Fail(error::refused(request, reply, "output")),
        Some("Task not found") => Step::Fail(failed(provider, FailureKind::JobLost, reply)),
        Some(other) => {
            let mut failure = failed(provider, FailureKind::JobFailed, reply);
            failure.code = Some(other.to_owned());
            Step::Fail(failure)
        }
        None => unreadable_again(provider, state, reply, "no status of the job"),
    }
}

fn ready(request: &ProviderRequest, reply: &Reply, job: Job) -> Step {
    let provider = &request.endpoint.provider;
    let Some(document) = reply.document() else {
        return Step::Fail(unreadable(provider, reply, "no JSON"));
    };
    match produced(document, &document.json["result"]["sample"], &HeaderMap::new(), None) {
        Ok(Some(image)) => Step::Done(Output {
            images: vec![image],
            upstream_id: job.id,
            ..Output::default()
        }),
        Ok(None) => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
        Err(error) => Step::Fail(bad_image(provider, reply, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_how_a_model_answers() {
        let image = |path: &str| Way::Image(path.to_owned());
        for (model, way) in [
            (
                "accounts/fireworks/models/flux-1-dev-fp8",
                image("workflows/accounts/fireworks/models/flux-1-dev-fp8/text_to_image"),
            ),
            (
                "workflows/accounts/fireworks/models/flux-1-schnell-fp8/text_to_image",
                image("workflows/accounts/fireworks/models/flux-1-schnell-fp8/text_to_image"),
            ),
            (
                "image_generation/accounts/fireworks/models/SSD-1B",
                image("image_generation/accounts/fireworks/models/SSD-1B"),
            ),
            (
                "workflows/accounts/fireworks/models/flux-kontext-pro",
                Way::Job("workflows/accounts/fireworks/models/flux-kontext-pro".to_owned()),
            ),
        ] {
            assert_eq!(Way::of(model), way);
        }
    }
}
