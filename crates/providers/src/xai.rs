//! xAI: one call, with JSON for edits too; the answer says what it cost.

mod error;

use planner::{
    failure::{Failure, FailureKind, Moderation, Spent},
    mode::Mode,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, ProviderRequest, Reply, Stage, State, Step,
        fields::{inline, nested},
        money::micros_of,
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    body::{Body, Node},
};

/// What a tick is worth, in dollars.
const DOLLARS_PER_TICK: Decimal = Decimal::from_parts(1, 0, 0, false, 10);
/// The native field of input images.
const IMAGE: &str = "image";
/// Its name where there are several.
const IMAGES: &str = "images";

/// The adapter. The native field `image` becomes `image: {url, type}` for one image and `images: [{url, type}, ...]` for
/// several.
#[derive(Debug)]
pub(crate) struct Xai;

impl Adapter for Xai {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let path = match request.native.mode {
            Mode::TextToImage => "images/generations",
            Mode::ImageEdit | Mode::Upscale => "images/edits",
        };
        let mut call = Call::new(Method::POST, request.endpoint.url(path)?, Stage::Submit)
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
        if name == IMAGE {
            pairs.push(images_field(node));
        } else {
            pairs.push((name, node));
        }
    }
    Ok(nested(pairs))
}

fn images_field(node: Node) -> (String, Node) {
    let link = |url: Node| {
        let kind = Node::Json("image_url".into());
        Node::Object(vec![("url".to_owned(), url), ("type".to_owned(), kind)])
    };
    match node {
        Node::List(mut images) if images.len() == 1 => (IMAGE.to_owned(), link(images.remove(0))),
        Node::List(images) => (IMAGES.to_owned(), Node::List(images.into_iter().map(link).collect())),
        one => (IMAGE.to_owned(), link(one)),
    }
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
    if !json["error"].is_null() {
        return Err(error::judge(request, reply));
    }
    let empty = || failed(provider, FailureKind::EmptyAnswer, reply);
    let data = match &json["data"] {
        Value::Array(data) if !data.is_empty() => data,
        Value::Array(_) | Value::Null if json.is_object() => return Err(empty()),
        _ => return Err(unreadable(provider, reply, "`data` is not a list")),
    };
    let mut images: Vec<OutputImage> = Vec::with_capacity(data.len());
    for item in data.iter().filter(|item| !is_blocked(item)) {
        let revised_prompt = text_of(&item["revised_prompt"]).map(str::to_owned);
        let value = match text_of(&item["b64_json"]) {
            Some(_) => &item["b64_json"],
            None => &item["url"],
        };
        let image = produced(document, value, &HeaderMap::new(), revised_prompt)
            .map_err(|error| bad_image(provider, reply, &error))?;
        images.push(image.ok_or_else(empty)?);
    }
    if images.is_empty() {
        return Err(blocked(provider, reply));
    }
    Ok(Output {
        images,
        usage: None,
        reported_cost_micros: cost_micros(json),
        upstream_id: request_id(reply),
    })
}

/// A picture that did not pass the check has neither an address nor bytes.
fn is_blocked(item: &Value) -> bool {
    item["respect_moderation"] == json!(false)
}

fn blocked(provider: &str, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let mut failure = failed(provider, FailureKind::ContentPolicy, reply);
    failure.spent = spent(json);
    failure.moderation = Some(Moderation {
        stage: Some("output".to_owned()),
        categories: Vec::new(),
    });
    failure
}

/// What the answer says that it cost.
fn cost_micros(json: &Value) -> Option<i64> {
    micros_of(&json["usage"]["cost_in_usd_ticks"], DOLLARS_PER_TICK)
}

/// Whether a block was charged: pictures that were made and then held back are.
fn spent(json: &Value) -> Spent {
    match cost_micros(json) {
        Some(1..) => Spent::Yes,
        Some(_) | None => Spent::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_to_the_even_neighbor() {
        for (ticks, micros) in [
            (json!(200_000_000), Some(20_000)),
            (json!(15_000), Some(2)),
            (json!(25_000), Some(2)),
            (json!(25_001), Some(3)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (Value::Null, None),
        ] {
            let json = json!({"usage": {"cost_in_usd_ticks": ticks}});
            assert_eq!(cost_micros(&json), micros, "{json}");
        }
    }
}
