//! The Images API: one JSON body, the images as base64 in the answer.

use planner::failure::{Failure, FailureKind};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{
    adapter::{
        OutputImage, ProviderRequest, Reply,
        fields::{inline, nested},
        verdict::{bad_image, failed, produced, text_of, unreadable},
    },
    body::{Body, Node},
    splitter::Document,
};

/// The field of the input images, each of which is an object here.
const REFERENCES: &str = "input_references";

/// The request: dotted names nest, as in `provider.order`.
pub(super) fn body(request: &ProviderRequest) -> Result<Body, Failure> {
    let mut pairs = request.pairs(|_, image| inline(image))?;
    for (name, node) in &mut pairs {
        if name == REFERENCES {
            *node = references(std::mem::replace(node, Node::List(Vec::new())));
        }
    }
    if !request.native.fields.contains_key("model") {
        pairs.insert(0, ("model".to_owned(), Node::Json(request.native.model.clone().into())));
    }
    Ok(Body::json(&nested(pairs)))
}

/// Images of ours as the list of objects that the API takes; a caller's own value stays as it is.
fn references(node: Node) -> Node {
    match node {
        Node::List(links) => Node::List(links.into_iter().map(reference).collect()),
        Node::Prefixed(..) => Node::List(vec![reference(node)]),
        other => other,
    }
}

/// `{"type": "image_url", "image_url": {"url": link}}`.
pub(super) fn reference(link: Node) -> Node {
    let url = Node::Object(vec![("url".to_owned(), link)]);
    Node::Object(vec![
        ("type".to_owned(), Node::Json("image_url".into())),
        ("image_url".to_owned(), url),
    ])
}

/// The images of an answer; none at all is the caller's to judge.
pub(super) fn images(
    request: &ProviderRequest,
    reply: &Reply,
    document: &Document,
) -> Result<Vec<OutputImage>, Failure> {
    let provider = &request.endpoint.provider;
    let data = match &document.json["data"] {
        Value::Array(data) => data.as_slice(),
        Value::Null if document.json.is_object() => &[],
        _ => return Err(unreadable(provider, reply, "`data` is not a list")),
    };
    data.iter()
        .map(|item| {
            let value = if text_of(&item["b64_json"]).is_some() {
                &item["b64_json"]
            } else {
                &item["url"]
            };
            let revised_prompt = text_of(&item["revised_prompt"]).map(str::to_owned);
            produced(document, value, &HeaderMap::new(), revised_prompt)
                .map_err(|error| bad_image(provider, reply, &error))?
                .ok_or_else(|| failed(provider, FailureKind::EmptyAnswer, reply))
        })
        .collect()
}
