//! The body of `generateContent`: images and prompt as parts of one turn, every other field where its dotted name says.

use planner::{failure::Failure, native::NativeValue};
use serde_json::{Value, json};

use crate::{
    adapter::{
        InputImage, ProviderRequest,
        fields::{nested, referred},
    },
    body::{Body, Node},
};

/// The native field whose text is the prompt.
const PROMPT: &str = "prompt";
/// What the answer shall consist of, unless the catalogue says otherwise: text beside the image only costs.
const MODALITIES: &str = "generationConfig.responseModalities";

/// The body for `request`. Every image becomes a part of its own, in the order of the fields, before the prompt: Google
/// recommends the text last for single images, and "the second image" of a prompt then is the second of the parts.
pub(crate) fn content_body(request: &ProviderRequest) -> Result<Body, Failure> {
    let mut images = Vec::new();
    let mut prompt = None;
    let mut rest = Vec::new();
    for (name, value) in &request.native.fields {
        match value {
            NativeValue::Json(Value::Null) => {}
            NativeValue::Json(text @ Value::String(_)) if name == PROMPT => {
                prompt = Some(Node::Object(vec![("text".to_owned(), Node::Json(text.clone()))]));
            }
            value => match Node::of(value) {
                Some(node) => rest.push((name.clone(), node)),
                None => {
                    for which in referred(value) {
                        images.push(image_part(request.image(which)?));
                    }
                }
            },
        }
    }
    let parts = images.into_iter().chain(prompt).collect();
    let turn = Node::Object(vec![
        ("role".to_owned(), Node::Json(json!("user"))),
        ("parts".to_owned(), Node::List(parts)),
    ]);
    // First, so that no field of a caller takes its place.
    let mut pairs = vec![("contents".to_owned(), Node::List(vec![turn]))];
    pairs.extend(rest);
    if !request.native.fields.contains_key(MODALITIES) {
        pairs.push((MODALITIES.to_owned(), Node::Json(json!(["IMAGE"]))));
    }
    Ok(Body::json(&nested(pairs)))
}

fn image_part(image: &InputImage) -> Node {
    let data = vec![
        ("mimeType".to_owned(), Node::Json(Value::from(image.mime.as_str()))),
        ("data".to_owned(), Node::Base64(image.blob.clone())),
    ];
    Node::Object(vec![("inlineData".to_owned(), Node::Object(data))])
}
