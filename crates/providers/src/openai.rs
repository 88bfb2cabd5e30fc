//! OpenAI's Images API, also spoken by many compatible servers: one call, the images in its answer.

mod error;
mod stream;
mod usage;

use planner::{
    failure::{Failure, FailureKind},
    mode::Mode,
    native::NativeValue,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Expect, Output, Patience, ProducedImage, ProviderRequest, Reply, ReplyBody, Stage, State, Step,
        fields::{inline, referred},
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    body::{Body, Multipart, Node},
    splitter::Document,
};

/// The adapter.
#[derive(Debug)]
pub(crate) struct OpenAi;

/// Endpoint options that become headers.
const HEADER_OPTIONS: [(&str, HeaderName); 2] = [
    ("organization", HeaderName::from_static("openai-organization")),
    ("project", HeaderName::from_static("openai-project")),
];

impl Adapter for OpenAi {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        let path = match request.native.mode {
            Mode::TextToImage => "images/generations",
            Mode::ImageEdit | Mode::Upscale => "images/edits",
        };
        let json = match request.native.mode {
            Mode::TextToImage => !request.has_files(),
            Mode::ImageEdit | Mode::Upscale => request.has_links() && !request.has_files(),
        };
        let body = if json {
            json_body(request)?
        } else {
            form_body(request, state.nonce)?
        };
        let mut call = Call::new(Method::POST, request.endpoint.url(path)?, Stage::Submit)
            .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
            .body(body);
        for (option, header) in HEADER_OPTIONS {
            if let Some(value) = request
                .endpoint
                .options
                .get(option)
                .and_then(|value| HeaderValue::from_str(value).ok())
            {
                call = call.header(header, value);
            }
        }
        if stream::is_asked(request) {
            call.expect = Expect::Events(stream::listening(request));
        }
        call.patience = Patience::Work;
        Ok(call)
    }

    fn resume(&self, _request: &ProviderRequest, _state: &mut State, _handle: &str) -> Result<Call, Failure> {
        Err(Failure::new(
            FailureKind::JobLost,
            "this provider answers at once and keeps no jobs",
        ))
    }

    fn next(&self, request: &ProviderRequest, _state: &mut State, reply: Reply) -> Step {
        let provider = &request.endpoint.provider;
        if !reply.is_success() {
            return Step::Fail(error::judge(provider, &reply));
        }
        if let ReplyBody::Events(events) = &reply.body {
            return stream::finish(provider, &reply, events);
        }
        let Some(document) = reply.document() else {
            return Step::Fail(unreadable(provider, &reply, "no JSON"));
        };
        if document.json["error"].is_object() {
            return Step::Fail(error::judge(provider, &reply));
        }
        match images(provider, &reply, document) {
            Ok(images) => Step::Done(Output {
                images,
                usage: usage::read(&document.json["usage"]),
                reported_cost_micros: None,
                upstream_id: request_id(&reply),
            }),
            Err(failure) => Step::Fail(failure),
        }
    }
}

fn images(provider: &str, reply: &Reply, document: &Document) -> Result<Vec<ProducedImage>, Failure> {
    let empty = || failed(provider, FailureKind::EmptyAnswer, reply);
    let data = match &document.json["data"] {
        Value::Array(data) if !data.is_empty() => data,
        Value::Array(_) | Value::Null if document.json.is_object() => return Err(empty()),
        _ => return Err(unreadable(provider, reply, "`data` is not a list")),
    };
    data.iter().map(|item| image(provider, reply, document, item)).collect()
}

/// The image of one item of `data`, or of one event.
fn image(provider: &str, reply: &Reply, document: &Document, item: &Value) -> Result<ProducedImage, Failure> {
    let revised_prompt = text_of(&item["revised_prompt"]).map(str::to_owned);
    let value = if text_of(&item["b64_json"]).is_some() {
        &item["b64_json"]
    } else {
        &item["url"]
    };
    produced(document, value, &HeaderMap::new(), revised_prompt)
        .map_err(|error| bad_image(provider, reply, &error))?
        .ok_or_else(|| failed(provider, FailureKind::EmptyAnswer, reply))
}

fn json_body(request: &ProviderRequest) -> Result<Body, Failure> {
    let mut pairs = request.pairs(|_, image| inline(image))?;
    if !request.native.fields.contains_key("model") {
        pairs.insert(0, ("model".to_owned(), Node::Json(request.native.model.clone().into())));
    }
    Ok(Body::json(&Node::Object(pairs)))
}

fn form_body(request: &ProviderRequest, nonce: u128) -> Result<Body, Failure> {
    let mut form = Multipart::new(nonce);
    if !request.native.fields.contains_key("model") {
        form.text("model", &request.native.model);
    }
    for (name, value) in &request.native.fields {
        match value {
            NativeValue::Json(Value::Null) => {}
            NativeValue::Json(Value::String(text)) | NativeValue::Secret(text) => form.text(name, text),
            NativeValue::Json(json) => form.text(name, &json.to_string()),
            NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => {
                for which in referred(value) {
                    let image = request.image(which)?;
                    form.file(name, &which.filename(image), &image.mime, image.blob.clone());
                }
            }
        }
    }
    Ok(form.finish())
}
