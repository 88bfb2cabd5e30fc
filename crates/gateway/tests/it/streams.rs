//! `stream: true`: the answer as events, whichever provider serves it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::accounts::prepaid;
use super::edits::form;
use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, file, info, log_lines, names, plain, send, small, with};

/// What stands in a stream: comments, and events as (name, data).
pub(crate) struct Events {
    comments: Vec<String>,
    pub(crate) events: Vec<(String, Value)>,
}

/// The events of an answer that is a stream.
pub(crate) fn events(reply: &Reply) -> Events {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-cache");
    events_of(&reply.text())
}

/// The events of a stream that was read to its end.
pub(crate) fn events_of(text: &str) -> Events {
    assert!(text.ends_with("\n\n"), "the last event is whole");
    let mut read = Events {
        comments: Vec::new(),
        events: Vec::new(),
    };
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        if let Some(comment) = block.strip_prefix(':') {
            read.comments.push(comment.trim().to_owned());
            continue;
        }
        let (name, data) = block.split_once('\n').expect("two lines");
        let name = name.strip_prefix("event: ").expect("a name");
        let data = data.strip_prefix("data: ").expect("data");
        read.events
            .push((name.to_owned(), serde_json::from_str(data).expect("JSON in one line")));
    }
    read
}

fn check_completed(event: &(String, Value), kind: &str, format: ImageFormat) {
    assert_eq!(event.0, kind);
    check_image_event(event, format);
}

/// Checks what an event says of its image against the image.
pub(crate) fn check_image_event(event: &(String, Value), format: ImageFormat) {
    let (name, data) = event;
    assert_eq!(&data["type"], name.as_str());
    let bytes = STANDARD
        .decode(data["b64_json"].as_str().expect("an image"))
        .expect("base64");
    let info = info(&bytes);
    assert_eq!(info.format, format);
    assert_eq!(data["size"], format!("{}x{}", info.width_px, info.height_px));
    assert_eq!(data["output_format"], format.to_string());
    assert!(data["created_at"].is_i64());
    for field in ["background", "quality"] {
        assert!(data[field].is_string(), "{field} in {:?}", names(data));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_streams_from_every_kind_of_provider() {
    let gateway = TestGateway::start().await;
    for (model, format) in [
        ("openai/gpt-image-1-mini", ImageFormat::Png),
        ("fal/flux.1-schnell", ImageFormat::Jpeg),
        ("replicate/flux.1-schnell", ImageFormat::Webp),
    ] {
        let quality = if model.contains("gpt") {
            json!("low")
        } else {
            Value::Null
        };
        let body =
            json!({ "model": model, "prompt": "dunes", "quality": quality, "stream": true, "partial_images": 2 });
        let reply = gateway.generate(body).await;
        let read = events(&reply);
        assert_eq!(
            read.comments.first().map(String::as_str),
            Some("accepted"),
            "the first byte comes at once"
        );
        let (last, partials) = read.events.split_last().expect("an event");
        assert!(
            partials
                .iter()
                .all(|(name, _)| name == "image_generation.partial_image"),
            "{model}"
        );
        check_completed(last, "image_generation.completed", format);
        let tokens = last.1["usage"]["total_tokens"]
            .as_u64()
            .expect("every end has its usage");
        assert_eq!(tokens > 0, model.starts_with("openai"), "{model}");
        assert!(last.1["url"].is_string() && last.1["b64_json"].is_string(), "{model}");
        assert_eq!(reply.header("x-pictor-response-format"), "both; reason=default");
        assert_eq!(gateway.recorded(&reply.id()).await["status"], "completed");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_images_are_several_events_in_the_format_that_was_asked_for() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": 3, "output_format": "gif", "stream": true });
    let read = events(&gateway.generate(body).await);
    assert_eq!(read.events.len(), 3);
    for event in &read.events {
        check_completed(event, "image_generation.completed", ImageFormat::Gif);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_streams_events_of_its_own() {
    let gateway = TestGateway::start().await;
    let input = plain((96, 96), [9, 90, 180, 255], ImageFormat::Png);
    let form = form("openai/gpt-image-1-mini")
        .text("stream", "true")
        .part("image", file(input));
    let read = events(&gateway.edit(form).await);
    check_completed(
        read.events.last().expect("an event"),
        "image_edit.completed",
        ImageFormat::Png,
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_refused_is_refused_before_the_stream_begins() {
    let gateway = TestGateway::start().await;
    let bad = with(small("gpt-image-1.5"), json!({ "stream": true, "n": 0 }));
    let reply = gateway.generate(bad).await;
    reply.fault("n");
    assert_eq!(
        gateway.recorded(&reply.id()).await["status"],
        "rejected",
        "a refusal is on record, streamed or not"
    );
    let unknown = with(small("gpt-image-9000"), json!({ "stream": true }));
    gateway.generate(unknown).await.error(404, "MODEL_NOT_FOUND");
    let empty = send(
        gateway
            .request(Method::POST, EDITS)
            .multipart(form("gpt-image-1.5").text("stream", "true")),
    )
    .await;
    empty.fault("image");
    let poor = prepaid(&gateway, "poor", 0.0).await;
    let body = with(small("gpt-image-1.5"), json!({ "stream": true }));
    let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(poor);
    let unpaid = send(request.json(&body)).await;
    unpaid.error(402, "INSUFFICIENT_BALANCE");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_beginning_is_an_error_event() {
    let gateway = TestGateway::start().await;
    for (fault, code) in [
        ("status=401", "ALL_PROVIDERS_EXHAUSTED"),
        ("moderation", "CONTENT_POLICY_VIOLATION"),
    ] {
        let body = json!({ "model": "gpt-image-1.5", "prompt": format!("dunes [[fault: {fault}]]"), "quality": "low", "stream": true });
        let reply = gateway.generate(body).await;
        let read = events(&reply);
        assert_eq!(read.events.len(), 1);
        let (name, data) = &read.events[0];
        assert_eq!(name, "error");
        assert_eq!(data["error"]["code"], code);
        for field in ["message", "type"] {
            assert!(data["error"][field].is_string(), "{data}");
        }
        assert_eq!(gateway.recorded(&reply.id()).await["error_code"], code);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_fails_over_like_any_other() {
    let gateway = TestGateway::start().await;
    let prompt = "dunes [[fault: provider=openai status=429 retry-after=10]]";
    let body = json!({ "model": "gpt-image-1.5", "prompt": prompt, "quality": "low", "stream": true });
    let reply = gateway.generate(body).await;
    check_completed(
        events(&reply).events.last().expect("an event"),
        "image_generation.completed",
        ImageFormat::Png,
    );
    let attempts = gateway.recorded(&reply.id()).await["attempts"].clone();
    assert_eq!(
        (&attempts[0]["provider"], &attempts[1]["provider"]),
        (&json!("openai"), &json!("fal"))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_one_line_in_the_log() {
    let gateway = TestGateway::start().await;
    let reply = send(gateway.request(Method::POST, GENERATIONS).json(&with(
        small("fal/flux.1-schnell"),
        json!({ "stream": true, "quality": null }),
    )))
    .await;
    events(&reply);
    let lines = log_lines(&reply.id());
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("\"message\":\"request\""))
            .count(),
        1,
        "{lines:?}"
    );
    gateway.finish().await;
}
