//! Server-sent events of the OpenAI emulator.

use super::harness::{Reply, World, file, from_base64, measure, plain, send, try_send};
use imaging::ImageFormat;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Events as (name, data).
fn events(reply: &Reply) -> Vec<(String, Value)> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    let text = reply.text();
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').expect("two lines");
            let name = name.strip_prefix("event: ").expect("an event line");
            let data = data.strip_prefix("data: ").expect("a data line");
            (name.to_owned(), serde_json::from_str(data).expect("JSON"))
        })
        .collect()
}

fn body(partials: u32, prompt: &str) -> Value {
    json!({
        "model": "gpt-image-1", "prompt": prompt, "quality": "low", "stream": true, "partial_images": partials,
        "output_format": "jpeg",
    })
}

#[tokio::test]
async fn partial_images_come_before_the_whole() {
    let world = World::start().await;
    let events = events(&world.generate(body(2, "a lake")).await);
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "image_generation.partial_image",
            "image_generation.partial_image",
            "image_generation.completed"
        ]
    );
    for (index, (name, data)) in events.iter().enumerate() {
        assert_eq!(data["type"], *name);
        assert_eq!(data["size"], "1024x1024");
        assert_eq!(data["quality"], "low");
        assert_eq!(data["background"], "opaque");
        assert_eq!(data["output_format"], "jpeg");
        assert!(data["created_at"].is_i64());
        let image = from_base64(&data["b64_json"]);
        assert_eq!(measure(&image), (1024, 1024, ImageFormat::Jpeg));
        if index < 2 {
            assert_eq!(data["partial_image_index"], index);
            assert_eq!(data["usage"], Value::Null);
        }
    }
    let usage = &events[2].1["usage"];
    // Two partial images of 100 tokens each.
    assert_eq!(usage["output_tokens"], 272 + 200);
    assert_eq!(usage["input_tokens"], 2);
    assert_eq!(usage["total_tokens"], 474);
    assert_eq!(world.bill("openai").await["total_micros"], 2 * 5 + 472 * 40);
}

#[tokio::test]
async fn no_partials_is_one_event() {
    let world = World::start().await;
    let events = events(&world.generate(body(0, "a lake")).await);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1["usage"]["output_tokens"], 272);
}

#[tokio::test]
async fn several_images_complete_one_by_one_and_sum_up() {
    let world = World::start().await;
    let mut body = body(1, "a lake");
    body["n"] = json!(2);
    let events = events(&world.generate(body).await);
    let kinds: Vec<_> = events
        .iter()
        .map(|(name, _)| name.rsplit('.').next().unwrap_or_default())
        .collect();
    assert_eq!(kinds, ["partial_image", "completed", "partial_image", "completed"]);
    let total: i64 = events
        .iter()
        .filter_map(|(_, data)| data["usage"]["total_tokens"].as_i64())
        .sum();
    assert_eq!(total, 2 * (272 + 100) + 2);
    assert_eq!(world.bill("openai").await["entries"][0]["tokens"]["image_out"], 744);
}

#[tokio::test]
async fn edits_stream_under_their_own_names() {
    let world = World::start().await;
    let input = plain((256, 256), [9, 120, 9, 255], ImageFormat::Png);
    let form = Form::new()
        .text("model", "gpt-image-1.5")
        .text("prompt", "a boat")
        .text("quality", "low")
        .text("stream", "true")
        .text("partial_images", "1")
        .part("image", file(input, "image/png"));
    let names: Vec<_> = events(&world.edit(form).await)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["image_edit.partial_image", "image_edit.completed"]);
}

#[tokio::test]
async fn a_late_failure_is_an_error_event() {
    let world = World::start().await;
    for (words, code) in [
        ("failed", Value::Null),
        ("moderation stage=output", json!("moderation_blocked")),
    ] {
        let prompt = format!("a lake [[fault: {words}]]");
        let events = events(&world.generate(body(1, &prompt)).await);
        let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["image_generation.partial_image", "error"], "{words}");
        assert_eq!(events[1].1["error"]["code"], code);
    }
    let early = world.generate(body(1, "a lake [[fault: moderation]]")).await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn streams_break_after_the_first_event() {
    let world = World::start().await;
    let request = world.openai(Method::POST, "/images/generations");
    let mut response = request
        .json(&body(2, "a lake [[fault: cut]]"))
        .send()
        .await
        .expect("the head comes");
    let mut text = Vec::new();
    while let Ok(chunk) = response.chunk().await {
        text.extend_from_slice(&chunk.expect("the stream does not end properly"));
    }
    let text = String::from_utf8(text).expect("events are text");
    assert_eq!(text.matches("event: ").count(), 2);
    assert_eq!(text.matches("\n\n").count(), 1);
    let whole = world.openai(Method::POST, "/images/generations");
    assert!(try_send(whole.json(&body(0, "a lake [[fault: cut]]"))).await.is_err());
    let empty = world.openai(Method::POST, "/images/generations");
    let empty = send(empty.json(&body(0, "a lake [[fault: empty]]"))).await;
    assert!(events(&empty).is_empty());
    let garbage = world.generate(body(0, "a lake [[fault: garbage]]")).await;
    assert!(garbage.text().starts_with("event: image_generation.completed\ndata: "));
}
