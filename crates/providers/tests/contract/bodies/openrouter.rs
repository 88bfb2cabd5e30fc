//! OpenRouter: input images as objects or as parts of a message, nested fields, and what an answer says about money.

use planner::native::{ImageForm, NativeValue};
use providers::{ProviderRequest, Spool};
use serde_json::{Value, json};

use super::{body, data_uri, ran_by, sent};
use crate::{PROMPT, request, script::conversation, scripted::Scripted, with_links};

/// Two input images in the field `name`.
fn with_inputs(request: ProviderRequest, spool: &Spool, name: &str) -> ProviderRequest {
    let mut request = with_links(request, spool, &[300, 400]);
    let images = request.native.fields.shift_remove("image_urls").expect("two images");
    request.native.fields.insert(name.to_owned(), images);
    request
}

fn set(request: &mut ProviderRequest, name: &str, value: Value) {
    request.native.fields.insert(name.to_owned(), NativeValue::Json(value));
}

fn references() -> Value {
    let one = |size_bytes: usize| json!({"type": "image_url", "image_url": {"url": data_uri(size_bytes)}});
    json!([one(300), one(400)])
}

#[tokio::test]
async fn the_images_api_takes_references_as_objects() {
    let recorded = sent("openrouter", "success", |server, spool| {
        let mut request = with_inputs(request("openrouter", server), spool, "input_references");
        set(&mut request, "provider.only", json!(["openai"]));
        set(&mut request, "provider.options.openai.moderation", json!("low"));
        for (name, value) in [("referer", "https://pictures.example"), ("title", "Pictures")] {
            request.endpoint.options.insert(name.to_owned(), value.to_owned());
        }
        request
    })
    .await;
    assert_eq!(
        body(&recorded[0]),
        json!({
            "model": "openai/gpt-image-2", "prompt": PROMPT, "quality": "high", "input_references": references(),
            "provider": {"only": ["openai"], "options": {"openai": {"moderation": "low"}}},
        })
    );
    assert_eq!(recorded[0].header("http-referer"), Some("https://pictures.example"));
    assert_eq!(recorded[0].header("x-title"), Some("Pictures"));
}

#[tokio::test]
async fn one_reference_is_a_list_of_one() {
    let recorded = sent("openrouter", "success", |server, spool| {
        let mut request = with_links(request("openrouter", server), spool, &[300]);
        request.native.fields.shift_remove("image_urls").expect("an image");
        let one = NativeValue::Image(0, ImageForm::Link);
        request.native.fields.insert("input_references".to_owned(), one);
        request
    })
    .await;
    assert_eq!(body(&recorded[0])["input_references"], json!([references()[0]]));
}

#[tokio::test]
async fn chat_puts_prompt_and_images_into_one_message() {
    let plain = sent("openrouter-chat", "success", |server, _| {
        let mut request = request("openrouter-chat", server);
        set(&mut request, "image_config.aspect_ratio", json!("3:2"));
        set(&mut request, "image_config.image_size", json!("2K"));
        set(&mut request, "messages", json!("a caller's own"));
        request
    })
    .await;
    assert_eq!(
        body(&plain[0]),
        json!({
            "model": "google/gemini-3.1-flash-image", "messages": [{"role": "user", "content": PROMPT}],
            "quality": "high", "modalities": ["image", "text"],
            "image_config": {"aspect_ratio": "3:2", "image_size": "2K"}, "stream": false,
        })
    );
    let edit = sent("openrouter-chat", "success", |server, spool| {
        with_inputs(request("openrouter-chat", server), spool, "image")
    })
    .await;
    let images = references();
    let parts = json!([{"type": "text", "text": PROMPT}, images[0], images[1]]);
    assert_eq!(body(&edit[0])["messages"], json!([{"role": "user", "content": parts}]));
    assert_eq!(body(&edit[0]).get("image"), None);
}

#[tokio::test]
async fn an_answer_tells_its_cost_and_tokens() {
    for (protocol, micros, text, image, id) in [
        ("openrouter", 40_000, 0, 4_175, None),
        ("openrouter-chat", 38_700, 30, 1_290, Some("gen-1795132800-x1")),
    ] {
        let server = Scripted::listen().await;
        server.play(conversation(protocol, "success", &server).expect("a fixture"));
        let (finished, _) = ran_by(protocol, &server, |server, _| request(protocol, server)).await;
        assert_eq!(finished.reported_cost_micros, Some(micros));
        let usage = finished.usage.expect("token counts");
        assert_eq!(
            (
                usage.input_text_tokens,
                usage.output_text_tokens,
                usage.output_image_tokens
            ),
            (9, text, image)
        );
        assert_eq!(finished.upstream_id.as_deref(), id);
    }
}
