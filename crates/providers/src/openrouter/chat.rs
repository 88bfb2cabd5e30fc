//! Chat completions: the prompt and the input images are one message, the images come with the model's answer.

use planner::failure::{Failure, FailureKind, Moderation};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{error, images::reference};
use crate::{
    adapter::{
        OutputImage, ProviderRequest, Reply,
        fields::{inline, nested},
        verdict::{bad_image, failed, produced, text_of, unreadable},
    },
    body::{Body, Node},
    splitter::Document,
};

/// Fields that this adapter writes itself.
const OWN_FIELDS: [&str; 3] = ["model", "messages", "stream"];
/// Why a model stopped, where that means its safety filter: OpenRouter's own word, and those of the makers.
const FILTERED: [&str; 8] = [
    "content_filter",
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "IMAGE_PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "content_filtered",
];

/// The request: `prompt` and the images become one message, the text first as the provider advises; all other fields go
/// along, and dotted names nest, as in `image_config.aspect_ratio`.
pub(super) fn body(request: &ProviderRequest) -> Result<Body, Failure> {
    let mut prompt = Node::Json("".into());
    let mut links = Vec::new();
    let mut fields = vec![("model".to_owned(), Node::Json(request.native.model.clone().into()))];
    for (name, node) in request.pairs(|_, image| inline(image))? {
        match node {
            Node::Prefixed(..) => links.push(node),
            Node::List(images) => links.extend(images),
            node if name == "prompt" => prompt = node,
            node if OWN_FIELDS.contains(&name.as_str()) => drop(node),
            node => fields.push((name, node)),
        }
    }
    let content = if links.is_empty() {
        prompt
    } else {
        let text = Node::Object(vec![
            ("type".to_owned(), Node::Json("text".into())),
            ("text".to_owned(), prompt),
        ]);
        Node::List(std::iter::once(text).chain(links.into_iter().map(reference)).collect())
    };
    let message = Node::Object(vec![
        ("role".to_owned(), Node::Json("user".into())),
        ("content".to_owned(), content),
    ]);
    fields.insert(1, ("messages".to_owned(), Node::List(vec![message])));
    fields.push(("stream".to_owned(), Node::Json(json!(false))));
    Ok(Body::json(&nested(fields)))
}

/// The images of all choices; none at all is the caller's to judge, unless the answer says why.
pub(super) fn images(
    request: &ProviderRequest,
    reply: &Reply,
    document: &Document,
) -> Result<Vec<OutputImage>, Failure> {
    let provider = &request.endpoint.provider;
    let Value::Array(choices) = &document.json["choices"] else {
        return Err(unreadable(provider, reply, "`choices` is not a list"));
    };
    let mut images = Vec::new();
    for choice in choices {
        let items = choice["message"]["images"].as_array().map(Vec::as_slice);
        for item in items.unwrap_or_default() {
            let image = produced(document, &item["image_url"]["url"], &HeaderMap::new(), None)
                .map_err(|error| bad_image(provider, reply, &error))?;
            images.extend(image);
        }
    }
    if images.is_empty()
        && let Some(failure) = choices.iter().find_map(|choice| why_none(request, reply, choice))
    {
        return Err(failure);
    }
    Ok(images)
}

/// Why a choice has no image, where it says so.
fn why_none(request: &ProviderRequest, reply: &Reply, choice: &Value) -> Option<Failure> {
    if choice["error"].is_object() {
        return Some(error::judge_error(request, reply, &choice["error"]));
    }
    let reasons = [&choice["finish_reason"], &choice["native_finish_reason"]];
    let reason = reasons
        .into_iter()
        .filter_map(text_of)
        .find(|reason| FILTERED.contains(reason))?;
    let mut failure = failed(&request.endpoint.provider, FailureKind::ContentPolicy, reply);
    failure.code = Some(reason.to_owned());
    failure.moderation = Some(Moderation {
        stage: Some("output".to_owned()),
        categories: Vec::new(),
    });
    Some(failure)
}
