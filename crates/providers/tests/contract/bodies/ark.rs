//! What goes to Ark, and what it counts.

use base64::{Engine, engine::general_purpose::STANDARD};
use planner::native::NativeValue;
use serde_json::{Value, json};

use super::{body, sent};
use crate::{PROMPT, play, request, script::picture, with_links};

/// What an edit with images of these sizes sends.
async fn edit(sizes_bytes: &[usize]) -> Value {
    let recorded = sent("ark", "success", |server, spool| {
        let mut request = with_links(request("ark", server), spool, sizes_bytes);
        let images = request.native.fields.shift_remove("image_urls").expect("links");
        let fields = &mut request.native.fields;
        fields.insert("image".to_owned(), images);
        fields.insert("watermark".to_owned(), NativeValue::Json(json!(false)));
        let group = "sequential_image_generation_options.max_images";
        fields.insert(group.to_owned(), NativeValue::Json(json!(3)));
        request
    })
    .await;
    body(&recorded[0])
}

#[tokio::test]
async fn edits_go_the_same_way_with_one_link_or_a_list() {
    let link = |size_bytes: usize| {
        json!(format!(
            "data:image/png;base64,{}",
            STANDARD.encode(picture(size_bytes))
        ))
    };
    let expected = |image: Value| {
        json!({
            "model": "seedream-4-5-251128", "prompt": PROMPT, "quality": "high", "image": image, "watermark": false,
            "sequential_image_generation_options": {"max_images": 3},
        })
    };
    assert_eq!(edit(&[300]).await, expected(link(300)));
    assert_eq!(edit(&[300, 400]).await, expected(json!([link(300), link(400)])));
}

#[tokio::test]
async fn tokens_of_pictures_are_counted() {
    let played = play("ark", "success").await.expect("a fixture");
    let usage = played.result.expect("an image").usage.expect("tokens");
    assert_eq!((usage.output_image_tokens, usage.input_tokens()), (16_384, 0));
    let refused = play("ark", "refused_output").await.expect("a fixture");
    let failure = refused.result.expect_err("it is held back");
    assert_eq!(failure.moderation.expect("a block").stage.as_deref(), Some("output"));
    assert_eq!(failure.code.as_deref(), Some("OutputImageSensitiveContentDetected"));
    assert_eq!(failure.upstream_request_id.as_deref(), Some("0217abc"));
}
