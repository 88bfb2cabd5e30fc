//! Imagen by `predict`: one instance with the prompt and the images, parameters beside it, predictions back.

use planner::{
    failure::{Failure, FailureKind, Moderation},
    mode::Mode,
    native::NativeValue,
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    adapter::{
        Output, ProviderRequest, Reply, Step, Which,
        fields::{nested, referred},
        verdict::{bad_image, failed, produced, request_id, text_of, unreadable},
    },
    body::{Body, Node},
    google::judge,
    splitter::Document,
};

/// Asks that filtered images be told rather than left out; the catalogue may say otherwise.
const TELL_FILTERED: &str = "parameters.includeRaiReason";

/// The body for `request`.
pub(super) fn body(request: &ProviderRequest) -> Result<Body, Failure> {
    let mut prompt = Value::from("");
    let mut images = Vec::new();
    let mut rest = Vec::new();
    for (name, value) in &request.native.fields {
        match value {
            NativeValue::Json(Value::Null) => {}
            NativeValue::Json(text @ Value::String(_)) if name == "prompt" => prompt = text.clone(),
            value => match Node::of(value) {
                Some(node) => rest.push((name.clone(), node)),
                None => images.extend(referred(value)),
            },
        }
    }
    let mut instance = vec![("prompt".to_owned(), Node::Json(prompt))];
    if request.native.mode == Mode::Upscale {
        for which in images {
            instance.push(("image".to_owned(), picture(request, which)?));
        }
    } else if !images.is_empty() {
        let references = images
            .into_iter()
            .enumerate()
            .map(|(index, which)| reference(request, index + 1, which))
            .collect::<Result<_, _>>()?;
        instance.push(("referenceImages".to_owned(), Node::List(references)));
    }
    // First, so that no field of a caller takes its place.
    let mut pairs = vec![("instances".to_owned(), Node::List(vec![Node::Object(instance)]))];
    pairs.extend(rest);
    if !request.native.fields.contains_key(TELL_FILTERED) {
        pairs.push((TELL_FILTERED.to_owned(), Node::Json(json!(true))));
    }
    Ok(Body::json(&nested(pairs)))
}

fn picture(request: &ProviderRequest, which: Which) -> Result<Node, Failure> {
    let image = request.image(which)?;
    let data = ("bytesBase64Encoded".to_owned(), Node::Base64(image.blob.clone()));
    Ok(Node::Object(vec![data]))
}

/// An image to edit, or the mask: numbered from 1, as the prompt may name them.
fn reference(request: &ProviderRequest, id: usize, which: Which) -> Result<Node, Failure> {
    let kind = match which {
        Which::Input(_) => "REFERENCE_TYPE_RAW",
        Which::Mask => "REFERENCE_TYPE_MASK",
    };
    let mut pairs = vec![
        ("referenceType".to_owned(), Node::Json(json!(kind))),
        ("referenceId".to_owned(), Node::Json(json!(id))),
        ("referenceImage".to_owned(), picture(request, which)?),
    ];
    if which == Which::Mask {
        let config = json!({"maskMode": "MASK_MODE_USER_PROVIDED"});
        pairs.push(("maskImageConfig".to_owned(), Node::Json(config)));
    }
    Ok(Node::Object(pairs))
}

/// What follows a reply.
pub(super) fn answered(provider: &str, reply: &Reply) -> Step {
    if !reply.is_success() {
        return Step::Fail(judge(provider, reply));
    }
    let Some(document) = reply.document().filter(|document| document.json.is_object()) else {
        return Step::Fail(unreadable(provider, reply, "no JSON object"));
    };
    if document.json["error"].is_object() {
        return Step::Fail(judge(provider, reply));
    }
    images(provider, reply, document).map_or_else(Step::Fail, Step::Done)
}

fn images(provider: &str, reply: &Reply, document: &Document) -> Result<Output, Failure> {
    let predictions = document.json["predictions"].as_array();
    let mut images = Vec::new();
    let mut filtered = None;
    for prediction in predictions.into_iter().flatten() {
        let revised_prompt = text_of(&prediction["prompt"]).map(str::to_owned);
        let value = &prediction["bytesBase64Encoded"];
        let image = produced(document, value, &HeaderMap::new(), revised_prompt)
            .map_err(|error| bad_image(provider, reply, &error))?;
        filtered = filtered.or_else(|| text_of(&prediction["raiFilteredReason"]));
        images.extend(image);
    }
    match filtered {
        Some(reason) if images.is_empty() => Err(refused(provider, reply, reason)),
        None if images.is_empty() => Err(failed(provider, FailureKind::EmptyAnswer, reply)),
        _ => Ok(Output {
            images,
            usage: None,
            reported_cost_micros: None,
            upstream_id: request_id(reply),
        }),
    }
}

/// Every image was filtered. The reason ends with numbers for Google's support.
fn refused(provider: &str, reply: &Reply, reason: &str) -> Failure {
    let mut failure = failed(provider, FailureKind::ContentPolicy, reply);
    failure.message = reason.to_owned();
    failure.code = reason
        .rsplit_once("codes: ")
        .map(|(_, codes)| codes.trim_end_matches('.').to_owned());
    failure.moderation = Some(Moderation {
        stage: Some("output".to_owned()),
        categories: Vec::new(),
    });
    failure
}
