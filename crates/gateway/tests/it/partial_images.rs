//! Partial images: shown as they come, in the form that was asked for, and never in the way of the image itself.

use std::time::Duration;

use imaging::ImageFormat;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::edits::form;
use super::failover::FORGIVEN_S;
use super::hang_up::until_kept;
use super::harness::{GENERATIONS, LiveProvider, TestGateway, file, info, noise, plain, send, small, with};
use super::streams::{check_image_event, events, events_of};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const PARTIAL: &str = "image_generation.partial_image";
const COMPLETED: &str = "image_generation.completed";

fn streamed(model: &str, partial_images: u32) -> Value {
    with(
        small(model),
        json!({ "stream": true, "partial_images": partial_images }),
    )
}

fn kinds(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

fn indexes(events: &[(String, Value)]) -> Vec<u64> {
    let partials = events.iter().filter(|(name, _)| name.ends_with("partial_image"));
    partials
        .map(|(_, data)| data["partial_image_index"].as_u64().expect("an index"))
        .collect()
}

/// A gateway whose OpenAI is this provider.
async fn gateway_with(provider: &LiveProvider) -> TestGateway {
    TestGateway::with(|settings| {
        let openai = settings.providers.get_mut("openai").expect("a provider");
        openai.base_url = Some(provider.base_url());
    })
    .await
}

/// Asks for a stream and gives the answer with its body yet to come.
async fn ask(gateway: &TestGateway, body: &Value, id: &str) -> Response {
    let request = gateway.request(Method::POST, GENERATIONS).json(body);
    let answer = request.header("x-request-id", id).send().await;
    let answer = answer.expect("the stream begins at once");
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

/// Reads until `text` has come.
async fn read_until(answer: &mut Response, text: &str) -> String {
    let mut read = Vec::new();
    loop {
        let chunk = answer.chunk().await.expect("the stream goes on");
        read.extend_from_slice(&chunk.expect("the stream does not end before"));
        let so_far = String::from_utf8_lossy(&read);
        if so_far.contains(text) {
            return so_far.into_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_images_come_in_order_before_the_image() {
    let gateway = TestGateway::start().await;
    for wanted in 0..=3 {
        let reply = gateway.generate(streamed("openai/gpt-image-1-mini", wanted)).await;
        let read = events(&reply).events;
        let mut expected = vec![PARTIAL; wanted as usize];
        expected.push(COMPLETED);
        assert_eq!(kinds(&read), expected);
        assert_eq!(indexes(&read), (0..u64::from(wanted)).collect::<Vec<_>>());
        for event in &read {
            check_image_event(event, ImageFormat::Png);
            assert_eq!(event.1["size"], "1024x1024");
            assert_eq!(event.1["quality"], "low");
            assert_eq!(event.1["background"], "opaque");
            assert_eq!(event.1.get("usage").is_some(), event.0 == COMPLETED);
        }
        let images: Vec<&Value> = read.iter().map(|(_, data)| &data["b64_json"]).collect();
        assert!(images.windows(2).all(|pair| pair[0] != pair[1]), "each is another");
    }
    for call in gateway.upstream_calls().await {
        assert_eq!(call["status"], 200);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_images_have_the_format_and_size_that_were_asked_for() {
    let gateway = TestGateway::start().await;
    // A size that Pictor makes itself, and formats that OpenAI has and has not.
    for (fields, format, size) in [
        (json!({ "output_format": "webp" }), ImageFormat::Webp, "1024x1024"),
        (json!({ "output_format": "avif" }), ImageFormat::Avif, "1024x1024"),
        (
            json!({ "output_format": "gif", "size": "1200x1100" }),
            ImageFormat::Gif,
            "1200x1100",
        ),
        (
            json!({ "output_format": "jpeg", "size": "1100x1300", "output_compression": 40 }),
            ImageFormat::Jpeg,
            "1100x1300",
        ),
    ] {
        let body = with(streamed("openai/gpt-image-1.5", 2), fields);
        let read = events(&gateway.generate(body).await).events;
        assert_eq!(kinds(&read), [PARTIAL, PARTIAL, COMPLETED], "{format}");
        for event in &read {
            check_image_event(event, format);
            assert_eq!(event.1["size"], size);
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_partial_images_under_its_own_name() {
    let gateway = TestGateway::start().await;
    let input = plain((96, 96), [9, 90, 180, 255], ImageFormat::Png);
    let form = form("openai/gpt-image-1-mini")
        .text("stream", "true")
        .text("partial_images", "2")
        .part("image", file(input));
    let read = events(&gateway.edit(form).await).events;
    assert_eq!(
        kinds(&read),
        [
            "image_edit.partial_image",
            "image_edit.partial_image",
            "image_edit.completed"
        ]
    );
    for event in &read {
        check_image_event(event, ImageFormat::Png);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_without_configuration_shows_them_too() {
    let gateway = TestGateway::embedded().await;
    let body = with(streamed("mock-image", 3), json!({ "size": "64x64" }));
    let read = events(&gateway.generate(body).await).events;
    assert_eq!(indexes(&read), [0, 1, 2]);
    for event in &read {
        check_image_event(event, ImageFormat::Png);
        assert_eq!(event.1["size"], "64x64");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_images_count_their_partial_images_each_for_itself() {
    let gateway = TestGateway::start().await;
    let body = with(streamed("openai/gpt-image-1-mini", 2), json!({ "n": 2 }));
    let read = events(&gateway.generate(body).await).events;
    let mut seen = indexes(&read);
    seen.sort_unstable();
    assert_eq!(seen, [0, 0, 1, 1]);
    assert_eq!(kinds(&read)[4..], [COMPLETED, COMPLETED]);
    assert_eq!(gateway.bill().await.len(), 2, "an image a call");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_image_is_shown_while_the_provider_still_works() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    let body = streamed("openai/gpt-image-1-mini", 1);
    let mut answer = ask(&gateway, &body, "shown-early").await;
    let mut call = provider.call().await;
    assert_eq!(
        (&call.body["stream"], &call.body["partial_images"]),
        (&json!(true), &json!(1))
    );
    let image = plain((64, 64), [200, 30, 30, 255], ImageFormat::Png);
    call.partial(0, &image).await;
    let mut text = read_until(&mut answer, "\"partial_image_index\":0}\n\n").await;
    call.completed(&image).await;
    text += &answer.text().await.expect("the stream ends well");
    assert_eq!(kinds(&events_of(&text).events), [PARTIAL, COMPLETED]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_partial_image_fails_over_in_silence() {
    let gateway = TestGateway::start().await;
    for fault in ["status=500", "status=429 retry-after=10", "empty"] {
        gateway.clock.advance_s(FORGIVEN_S);
        let prompt = format!("dunes, {fault} [[fault: provider=openai {fault}]]");
        let body = with(streamed("gpt-image-1-mini", 2), json!({ "prompt": prompt }));
        let reply = gateway.generate(body).await;
        assert_eq!(kinds(&events(&reply).events), [COMPLETED], "{fault}");
        let attempts = gateway.recorded(&reply.id()).await["attempts"].clone();
        let by: Vec<&Value> = attempts
            .as_array()
            .expect("a list")
            .iter()
            .map(|attempt| &attempt["provider"])
            .collect();
        assert_eq!(by, ["openai", "fal"], "{fault}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_partial_image_a_failure_is_an_error_event_and_nothing_is_tried() {
    let gateway = TestGateway::start().await;
    for (calls, (fault, code)) in (1..).zip([
        ("failed", "OUTCOME_UNKNOWN"),
        ("moderation stage=output", "CONTENT_POLICY_VIOLATION"),
    ]) {
        let body = with(
            streamed("gpt-image-1-mini", 2),
            json!({ "prompt": format!("dunes [[fault: provider=openai {fault}]]") }),
        );
        let reply = gateway.generate(body).await;
        let read = events(&reply).events;
        let (end, shown) = read.split_last().expect("an event");
        assert!(
            !shown.is_empty() && shown.iter().all(|(name, _)| name == PARTIAL),
            "{fault}"
        );
        assert_eq!(end.0, "error", "{fault}");
        assert_eq!(end.1["error"]["code"], code, "{fault}");
        let recorded = gateway.recorded(&reply.id()).await;
        assert_eq!(recorded["attempts"].as_array().map(Vec::len), Some(1), "{fault}");
        assert_eq!(recorded["attempts"][0]["spent"], "unknown", "{fault}");
        assert_eq!(gateway.upstream_calls().await.len(), calls, "{fault}: no second call");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_which_nothing_was_shown_fails_over_beside_one_that_was() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    let body = with(streamed("gpt-image-1-mini", 1), json!({ "n": 2, "quality": "medium" }));
    let mut answer = ask(&gateway, &body, "beside").await;
    let (mut shown, silent) = (provider.call().await, provider.call().await);
    let image = plain((64, 64), [70, 9, 70, 255], ImageFormat::Png);
    shown.partial(0, &image).await;
    let mut text = read_until(&mut answer, "\"partial_image_index\":0}\n\n").await;
    drop(silent);
    shown.completed(&image).await;
    text += &answer.text().await.expect("the stream ends well");
    assert_eq!(kinds(&events_of(&text).events), [PARTIAL, COMPLETED, COMPLETED]);
    let recorded = gateway.recorded("beside").await;
    let providers: Vec<&Value> = recorded["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|attempt| attempt["outcome"] == "succeeded")
        .map(|attempt| &attempt["provider"])
        .collect();
    assert_eq!(providers, ["openai", "fal"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_after_a_partial_image_is_not_made_good_by_another_provider() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    let mut answer = ask(&gateway, &streamed("gpt-image-1-mini", 2), "broken").await;
    let mut call = provider.call().await;
    call.partial(0, &plain((64, 64), [9, 9, 9, 255], ImageFormat::Png))
        .await;
    let mut text = read_until(&mut answer, "\"partial_image_index\":0}\n\n").await;
    drop(call);
    text += &answer.text().await.expect("the stream ends well");
    let read = events_of(&text).events;
    assert_eq!(kinds(&read), [PARTIAL, "error"]);
    assert_eq!(read[1].1["error"]["code"], "OUTCOME_UNKNOWN");
    assert!(gateway.upstream_calls().await.is_empty(), "nobody else is called");
    let recorded = gateway.recorded("broken").await;
    assert_eq!(
        (&recorded["status"], &recorded["cost"]),
        (&json!("upstream_failure"), &Value::Null)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_left_out_and_bars_nothing() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    let body = with(streamed("gpt-image-1-mini", 3), json!({ "output_format": "gif" }));
    let image = plain((64, 64), [30, 30, 200, 255], ImageFormat::Png);
    let mut broken = noise((64, 64));
    broken.truncate(2_000);

    // One that is no image, and one that decodes only in part: the third is shown alone.
    let mut answer = ask(&gateway, &body, "left-out").await;
    let mut call = provider.call().await;
    call.partial(0, b"not an image").await;
    call.partial(1, &broken).await;
    call.partial(2, &image).await;
    let mut text = read_until(&mut answer, "\"partial_image_index\":2}\n\n").await;
    call.completed(&image).await;
    text += &answer.text().await.expect("the stream ends well");
    let read = events_of(&text).events;
    assert_eq!(indexes(&read), [2]);
    check_image_event(&read[0], ImageFormat::Gif);

    // One that is no image was not shown, so the next provider may try.
    let answer = ask(&gateway, &body, "not-shown").await;
    let mut call = provider.call().await;
    call.partial(0, b"not an image").await;
    drop(call);
    let text = answer.text().await.expect("the stream ends well");
    assert_eq!(kinds(&events_of(&text).events), [COMPLETED]);
    let recorded = gateway.recorded("not-shown").await;
    assert_eq!(recorded["attempts"][0]["code"], "interrupted");
    assert_eq!(recorded["attempts"][1]["outcome"], "succeeded");
    gateway.finish().await;
}

/// A caller on a connection of its own, which is closed at once when it is dropped.
struct Caller(TcpStream);

impl Caller {
    async fn ask(gateway: &TestGateway, body: &Value, id: &str) -> Self {
        let address = gateway.base.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
        let (key, body) = (&gateway.key, body.to_string());
        let request = format!(
            "POST {GENERATIONS} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nx-request-id: {id}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("the gateway reads");
        Self(stream)
    }

    async fn read_until(&mut self, text: &str) {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(text) {
            let count = self.0.read_buf(&mut read).await.expect("the stream goes on");
            assert_ne!(count, 0, "the stream does not end before");
        }
    }

    /// Says goodbye, and waits until the gateway has noticed and says it too.
    async fn hang_up(mut self) {
        self.0.shutdown().await.expect("the connection is there");
        let mut rest = Vec::new();
        let ended = self.0.read_to_end(&mut rest).await;
        ended.expect("the gateway ends the connection");
    }
}

/// What a caller who has gone finds later.
async fn check_kept(gateway: &TestGateway, id: &str, width_px: u32) {
    let found = until_kept(gateway, id).await;
    let kept = send(
        gateway
            .client
            .get(found["result"]["data"][0]["url"].as_str().expect("a link")),
    )
    .await;
    assert_eq!(info(&kept.body).width_px, width_px);
    assert!(found["cost"].as_f64().is_some_and(|cost| cost > 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_between_partial_images_finds_the_image_later() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    let image = plain((64, 64), [30, 200, 30, 255], ImageFormat::Png);
    let mut caller = Caller::ask(&gateway, &streamed("openai/gpt-image-1-mini", 2), "gone-midway").await;
    let mut call = provider.call().await;
    call.partial(0, &image).await;
    // Not to the event's end: chunks are cut anywhere.
    caller.read_until("\"partial_image_index\":0").await;
    caller.hang_up().await;
    call.partial(1, &image).await;
    call.completed(&image).await;
    check_kept(&gateway, "gone-midway", 64).await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_in_the_middle_of_the_image_finds_it_later() {
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    // More than the system's buffers take for a caller who does not read.
    let image = noise((2048, 1536));
    let mut caller = Caller::ask(&gateway, &streamed("openai/gpt-image-1-mini", 1), "gone-at-the-end").await;
    provider.call().await.completed(&image).await;
    caller.read_until(COMPLETED).await;
    drop(caller);
    check_kept(&gateway, "gone-at-the-end", 2048).await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_keeps_no_paid_call_waiting() {
    const PARTIALS: u32 = 28;
    let provider = LiveProvider::listen().await;
    let gateway = gateway_with(&provider).await;
    // About a megabyte each: far more than the system's buffers take for a caller who does not read.
    let image = noise((512, 512));
    let answer = ask(&gateway, &streamed("openai/gpt-image-1-mini", 3), "slow").await;
    let mut call = provider.call().await;
    for index in 0..PARTIALS {
        call.partial(index, &image).await;
    }
    call.completed(&image).await;
    let completed = async { while gateway.get("/v1/requests/slow").await.json()["status"] != "completed" {} };
    tokio::time::timeout(PATIENCE, completed)
        .await
        .expect("the call ends although nobody reads");

    let text = answer.text().await.expect("the stream ends well");
    let read = events_of(&text).events;
    let shown = indexes(&read);
    assert!(shown.len() < PARTIALS as usize, "old ones are left out");
    assert!(
        shown.is_sorted() && shown.last() == Some(&u64::from(PARTIALS - 1)),
        "{shown:?}"
    );
    assert_eq!(read.last().map(|(name, _)| name.as_str()), Some(COMPLETED));
    gateway.finish().await;
}
