//! What Google is sent on both of its surfaces, and the token counts that come back.

use base64::{Engine, engine::general_purpose::STANDARD};
use planner::{
    mode::Mode,
    native::{ImageForm, NativeValue},
    usage::Usage,
};
use providers::{ProviderRequest, Spool};
use serde_json::{Value, json};

use super::{body, ran_by, sent};
use crate::{
    PROMPT, request,
    script::{conversation, picture},
    scripted::Scripted,
    with_links,
};

fn set(request: &mut ProviderRequest, name: &str, value: Value) {
    request.native.fields.insert(name.to_owned(), NativeValue::Json(value));
}

/// Images in the field `image`, as the catalogue names it.
fn with_images(request: ProviderRequest, spool: &Spool, sizes_bytes: &[usize]) -> ProviderRequest {
    let mut request = with_links(request, spool, sizes_bytes);
    let images = request.native.fields.shift_remove("image_urls").expect("just added");
    request.native.fields.insert("image".to_owned(), images);
    request
}

fn base64(size_bytes: usize) -> String {
    STANDARD.encode(picture(size_bytes))
}

#[tokio::test]
async fn prompt_and_images_are_parts_and_names_with_dots_nest() {
    for protocol in ["gemini", "vertex"] {
        let recorded = sent(protocol, "success", |server, spool| {
            let mut request = with_images(request(protocol, server), spool, &[300, 5000]);
            set(&mut request, "generationConfig.imageConfig.aspectRatio", json!("16:9"));
            set(&mut request, "generationConfig.imageConfig.imageSize", json!("2K"));
            set(&mut request, "generationConfig.seed", json!(7));
            // Callers' own: they join, and undo nothing.
            set(
                &mut request,
                "generationConfig",
                json!({"temperature": 0.5, "imageConfig": {"imageSize": "4K"}}),
            );
            set(&mut request, "contents", json!("a caller's own"));
            set(&mut request, "absent", Value::Null);
            request
        })
        .await;
        let image = |size_bytes: usize| json!({"inlineData": {"mimeType": "image/png", "data": base64(size_bytes)}});
        assert_eq!(
            body(&recorded[0]),
            json!({
                "contents": [{"role": "user", "parts": [image(300), image(5000), {"text": PROMPT}]}],
                "quality": "high",
                "generationConfig": {
                    "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
                    "seed": 7, "temperature": 0.5, "responseModalities": ["IMAGE"],
                },
            }),
            "{protocol}"
        );
    }
}

#[tokio::test]
async fn the_catalogue_may_ask_for_text_too() {
    let recorded = sent("gemini", "success", |server, _| {
        let mut request = request("gemini", server);
        set(
            &mut request,
            "generationConfig.responseModalities",
            json!(["TEXT", "IMAGE"]),
        );
        request
    })
    .await;
    let config = &body(&recorded[0])["generationConfig"];
    assert_eq!(config, &json!({"responseModalities": ["TEXT", "IMAGE"]}));
    assert_eq!(recorded[0].header("authorization"), None);
}

#[tokio::test]
async fn tokens_come_by_modality_with_the_id_of_the_answer() {
    let server = Scripted::listen().await;
    server.play(conversation("gemini", "success", &server).expect("a fixture"));
    let (finished, _) = ran_by("gemini", &server, |server, _| request("gemini", server)).await;
    let expected = Usage {
        input_text_tokens: 9,
        output_text_tokens: 195,
        output_image_tokens: 1120,
        ..Usage::default()
    };
    assert_eq!(finished.usage, Some(expected));
    assert_eq!(finished.upstream_id.as_deref(), Some("resp-0123"));
}

#[tokio::test]
async fn imagen_takes_an_instance_and_parameters() {
    let server = Scripted::listen().await;
    server.play(conversation("vertex-imagen", "success_small", &server).expect("a fixture"));
    let (finished, recorded) = ran_by("vertex-imagen", &server, |server, _| {
        let mut request = request("vertex-imagen", server);
        set(&mut request, "parameters.sampleCount", json!(2));
        set(&mut request, "parameters.outputOptions.mimeType", json!("image/jpeg"));
        set(&mut request, "instances", json!([]));
        request
    })
    .await;
    assert_eq!(
        body(&recorded[0]),
        json!({
            "instances": [{"prompt": PROMPT}],
            "quality": "high",
            "parameters": {"sampleCount": 2, "outputOptions": {"mimeType": "image/jpeg"}, "includeRaiReason": true},
        })
    );
    assert_eq!(
        finished.images[0].revised_prompt.as_deref(),
        Some("A lighthouse, painted.")
    );
    assert_eq!(finished.usage, None);
}

#[tokio::test]
async fn imagen_edits_by_references_and_upscales_one_image() {
    let edit = sent("vertex-imagen", "success", |server, spool| {
        let mut request = with_images(request("vertex-imagen", server), spool, &[300]);
        request.mask = Some(request.inputs[0].clone());
        let mask = NativeValue::Mask(ImageForm::Link);
        request.native.fields.insert("mask".to_owned(), mask);
        set(
            &mut request,
            "parameters.editMode",
            json!("EDIT_MODE_INPAINT_INSERTION"),
        );
        request
    })
    .await;
    let image = json!({"bytesBase64Encoded": base64(300)});
    assert_eq!(
        body(&edit[0])["instances"],
        json!([{"prompt": PROMPT, "referenceImages": [
            {"referenceType": "REFERENCE_TYPE_RAW", "referenceId": 1, "referenceImage": image},
            {"referenceType": "REFERENCE_TYPE_MASK", "referenceId": 2, "referenceImage": image,
             "maskImageConfig": {"maskMode": "MASK_MODE_USER_PROVIDED"}},
        ]}])
    );
    let upscale = sent("vertex-imagen", "success", |server, spool| {
        let mut request = with_images(request("vertex-imagen", server), spool, &[300]);
        request.native.mode = Mode::Upscale;
        request.native.fields.shift_remove("prompt");
        set(&mut request, "parameters.mode", json!("upscale"));
        request
    })
    .await;
    assert_eq!(body(&upscale[0])["instances"], json!([{"prompt": "", "image": image}]));
}
