//! What goes to Black Forest Labs, and what it says of the price.

use base64::{Engine, engine::general_purpose::STANDARD};
use planner::native::{ImageForm, NativeValue};
use serde_json::json;

use super::{body, ran_by, sent};
use crate::{
    PROMPT, request,
    script::{conversation, picture},
    scripted::Scripted,
    with_links,
};

#[tokio::test]
async fn input_images_are_numbered_and_sizes_are_two_fields() {
    let recorded = sent("bfl", "success", |server, spool| {
        let mut request = with_links(request("bfl", server), spool, &[300, 400, 500]);
        let images = request.native.fields.shift_remove("image_urls").expect("links");
        let fields = &mut request.native.fields;
        fields.insert("input_image".to_owned(), images);
        fields.insert(
            "size".to_owned(),
            NativeValue::Json(json!({"width": 1280, "height": 720})),
        );
        fields.insert("image_prompt".to_owned(), NativeValue::Image(0, ImageForm::Link));
        request
    })
    .await;
    let base64 = |size_bytes: usize| STANDARD.encode(picture(size_bytes));
    assert_eq!(
        body(&recorded[0]),
        json!({
            "prompt": PROMPT, "quality": "high", "input_image": base64(300), "input_image_2": base64(400),
            "input_image_3": base64(500), "width": 1280, "height": 720, "image_prompt": base64(300),
        })
    );
    assert_eq!(recorded[0].header("accept"), Some("application/json"));
    let poll = &recorded[1];
    assert!(poll.header("x-key").is_some() && poll.header("authorization").is_none());
}

#[tokio::test]
async fn the_price_is_told_when_the_task_is_taken() {
    let server = Scripted::listen().await;
    server.play(conversation("bfl", "success", &server).expect("a fixture"));
    let (finished, _) = ran_by("bfl", &server, |server, _| request("bfl", server)).await;
    assert_eq!(finished.reported_cost_micros, Some(45_000));
    assert_eq!(
        finished.images[0].revised_prompt, None,
        "the prompt came back as it was sent"
    );
    server.play(conversation("bfl", "success_small", &server).expect("a fixture"));
    let (finished, _) = ran_by("bfl", &server, |server, _| request("bfl", server)).await;
    assert_eq!(finished.reported_cost_micros, None);
    assert_eq!(
        finished.images[0].revised_prompt.as_deref(),
        Some("A lighthouse, painted.")
    );
}
