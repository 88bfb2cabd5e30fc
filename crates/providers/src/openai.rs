//! OpenAI's Images API, also spoken by many compatible servers: one call, the images in its answer.
//!
//! What sets a compatible server apart is data, in `[options]` of the provider's file:
//!
//! | option | values | default |
//! |---|---|---|
//! | `auth` | `bearer`: `authorization: Bearer <credential>`; `header`: the credential alone, in `auth_header`; `none` | `bearer`, or `header` when `auth_header` is set |
//! | `auth_header` | name of the header for `auth = "header"`, such as `api-key` | `api-key` |
//! | `api_version` | sent as the query `api-version` | not sent |
//! | `generations_path`, `edits_path` | path below the base address; `{model}` stands for the native model | `images/generations`, `images/edits` |
//! | `send_model` | `true`, `false`: whether the body has a field `model` | `true` |
//! | `image_field` | `as_declared`: the catalogue's name; `by_count`: `image` for one file and `image[]` for several; any other text is the name itself | `as_declared` |
//! | `organization`, `project` | sent as `openai-organization`, `openai-project` | not sent |
//!
//! Which fields a server takes, its masks and its sizes stand in its offers.

mod error;
mod options;
mod stream;
mod usage;

use planner::{
    failure::{Failure, FailureKind},
    mode::Mode,
    native::NativeValue,
};
use reqwest::{Method, Url, header::HeaderMap};
use serde_json::Value;

use self::options::Options;
use crate::{
    adapter::{
        Adapter, Call, Expect, ImageSource, Job, Output, OutputImage, Patience, ProviderRequest, Reply, ReplyBody,
        Stage, State, Step,
        fields::{inline, referred},
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    body::{Body, Multipart, Node},
    splitter::Document,
};

/// The adapter.
#[derive(Debug)]
pub(crate) struct OpenAi;

impl Adapter for OpenAi {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        let options = Options::read(&request.endpoint)?;
        let json = match request.native.mode {
            Mode::TextToImage => !request.has_files(),
            Mode::ImageEdit | Mode::Upscale => request.has_links() && !request.has_files(),
        };
        let body = if json {
            json_body(request, &options)?
        } else {
            form_body(request, &options, state.nonce)?
        };
        let mut call = Call::new(Method::POST, options.url(request)?, Stage::Submit).body(body);
        call.headers = options.headers(&request.endpoint)?;
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
            return stream::finish(request, &reply, events);
        }
        let Some(document) = reply.document() else {
            return Step::Fail(unreadable(provider, &reply, "no JSON"));
        };
        if !document.json["error"].is_null() {
            return Step::Fail(error::judge(provider, &reply));
        }
        match images(request, &reply, document) {
            Ok(images) => Step::Done(Output {
                images,
                usage: usage::read(&document.json["usage"]),
                reported_cost_micros: None,
                upstream_id: request_id(&reply),
            }),
            Err(failure) => Step::Fail(failure),
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn images(request: &ProviderRequest, reply: &Reply, document: &Document) -> Result<Vec<OutputImage>, Failure> {
    let provider = &request.endpoint.provider;
    let empty = || failed(provider, FailureKind::EmptyAnswer, reply);
    let data = match &document.json["data"] {
        Value::Array(data) if !data.is_empty() => data,
        Value::Array(_) | Value::Null if document.json.is_object() => return Err(empty()),
        _ => return Err(unreadable(provider, reply, "`data` is not a list")),
    };
    data.iter().map(|item| image(request, reply, document, item)).collect()
}

/// The image of one item of `data`, or of one event.
fn image(request: &ProviderRequest, reply: &Reply, document: &Document, item: &Value) -> Result<OutputImage, Failure> {
    let provider = &request.endpoint.provider;
    let revised_prompt = text_of(&item["revised_prompt"]).map(str::to_owned);
    let inline = text_of(&item["b64_json"]).is_some();
    let path = text_of(&item["url"]).filter(|_| !inline);
    if let Some(url) = path.and_then(|path| on_same_host(&request.endpoint.base_url, path)) {
        let headers = HeaderMap::new();
        return Ok(OutputImage {
            source: ImageSource::Url { url, headers },
            revised_prompt,
        });
    }
    let value = if inline { &item["b64_json"] } else { &item["url"] };
    produced(document, value, &HeaderMap::new(), revised_prompt)
        .map_err(|error| bad_image(provider, reply, &error))?
        .ok_or_else(|| failed(provider, FailureKind::EmptyAnswer, reply))
}

/// Small servers give the path alone of a file that they keep.
fn on_same_host(base: &Url, path: &str) -> Option<Url> {
    let is_path = path.starts_with('/') && !path.starts_with("//");
    is_path.then(|| base.join(path).ok()).flatten()
}

fn json_body(request: &ProviderRequest, options: &Options) -> Result<Body, Failure> {
    let mut pairs = request.pairs(|_, image| inline(image))?;
    if options.send_model && !request.native.fields.contains_key("model") {
        pairs.insert(0, ("model".to_owned(), Node::Json(request.native.model.clone().into())));
    }
    Ok(Body::json(&Node::Object(pairs)))
}

fn form_body(request: &ProviderRequest, options: &Options, nonce: u128) -> Result<Body, Failure> {
    let mut form = Multipart::new(nonce);
    if options.send_model && !request.native.fields.contains_key("model") {
        form.text("model", &request.native.model);
    }
    for (name, value) in &request.native.fields {
        match value {
            NativeValue::Json(_) | NativeValue::Shared(_) | NativeValue::Secret(_) => form.value(name, value),
            NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => {
                let images = referred(value);
                let name = options.image_name(name, images.len());
                for which in images {
                    let image = request.image(which)?;
                    form.file(name, &which.filename(image), &image.mime, image.blob.clone());
                }
            }
        }
    }
    Ok(form.finish())
}
