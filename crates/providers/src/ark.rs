//! BytePlus ModelArk, and Volcengine Ark in China: one call for drawing and editing alike, errors image by image.

mod error;

use planner::{
    failure::{Failure, FailureKind},
    usage::Usage,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, ProviderRequest, Reply, Stage, State, Step,
        fields::{inline, nested},
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    body::{Body, Node},
};

/// The native field of input images.
const IMAGE: &str = "image";

/// The adapter. The native field `image` is one link where there is one image, and a list where there are more.
#[derive(Debug)]
pub(crate) struct Ark;

impl Adapter for Ark {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let url = request.endpoint.url("images/generations")?;
        let mut call = Call::new(Method::POST, url, Stage::Submit)
            .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
            .body(Body::json(&body(request)?));
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
        match finished(request, &reply) {
            Ok(output) => Step::Done(output),
            Err(failure) => Step::Fail(failure),
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn body(request: &ProviderRequest) -> Result<Node, Failure> {
    let mut pairs = vec![("model".to_owned(), Node::Json(request.native.model.clone().into()))];
    for (name, node) in request.pairs(|_, image| inline(image))? {
        let node = match node {
            Node::List(mut images) if name == IMAGE && images.len() == 1 => images.remove(0),
            node => node,
        };
        pairs.push((name, node));
    }
    Ok(nested(pairs))
}

fn finished(request: &ProviderRequest, reply: &Reply) -> Result<Output, Failure> {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Err(error::judge(request, reply));
    }
    let Some(document) = reply.document() else {
        return Err(unreadable(provider, reply, "no JSON"));
    };
    let json = &document.json;
    let empty = || failed(provider, FailureKind::EmptyAnswer, reply);
    let data = match &json["data"] {
        Value::Array(data) if !data.is_empty() => data,
        _ if json["error"].is_object() => return Err(error::judge(request, reply)),
        Value::Array(_) | Value::Null if json.is_object() => return Err(empty()),
        _ => return Err(unreadable(provider, reply, "`data` is not a list")),
    };
    let mut images: Vec<OutputImage> = Vec::with_capacity(data.len());
    // Of a group, some may fail alone; what came out is delivered.
    for item in data.iter().filter(|item| item["error"].is_null()) {
        let value = match text_of(&item["b64_json"]) {
            Some(_) => &item["b64_json"],
            None => &item["url"],
        };
        let image =
            produced(document, value, &HeaderMap::new(), None).map_err(|error| bad_image(provider, reply, &error))?;
        images.push(image.ok_or_else(empty)?);
    }
    if images.is_empty() {
        return Err(error::judge_item(request, reply, &data[0]["error"]));
    }
    Ok(Output {
        images,
        usage: usage(&json["usage"]),
        reported_cost_micros: None,
        upstream_id: request_id(reply),
    })
}

/// Tokens of the pictures; what went in is not counted.
fn usage(usage: &Value) -> Option<Usage> {
    let output_image_tokens = usage["output_tokens"].as_u64()?;
    Some(Usage {
        output_image_tokens,
        ..Usage::default()
    })
}
