//! Answers that do not arrive: what was paid for is found again, and an SDK's own retry does not pay twice.

use futures_util::future::join_all;
use gateway::auth::Scope;
use imaging::ImageFormat;
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::hang_up::{until_kept, until_upstream_is_called};
use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, file, plain, send, try_send, with};
use super::streams::events;

const KEY: &str = "idempotency-key";
const REPLAYED: &str = "idempotent-replayed";
/// How the official SDKs count their tries of one call.
const COUNT: &str = "x-stainless-retry-count";
/// Far longer than anything here takes on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// How long an SDK's retry finds the first try.
const WINDOW_S: i64 = 15 * 60;

/// A quick and cheap request of one provider.
fn body(prompt: &str) -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low", "output_format": "jpeg" })
}

fn post(gateway: &TestGateway, body: &Value) -> RequestBuilder {
    gateway.request(Method::POST, GENERATIONS).json(body)
}

/// A call as an SDK makes it, by the number of its try.
fn tried(gateway: &TestGateway, count: u32, body: &Value) -> RequestBuilder {
    post(gateway, body).header(COUNT, count)
}

/// Sends, and hangs up when the providers have got `calls` calls in all.
async fn hang_up_at_call(gateway: &TestGateway, request: RequestBuilder, calls: usize) {
    let caller = tokio::spawn(try_send(request));
    until_upstream_is_called(gateway, calls).await;
    caller.abort();
    assert!(
        caller.await.is_err_and(|error| error.is_cancelled()),
        "the caller is gone before the answer"
    );
}

/// Asks for a request until it has failed.
async fn until_failed(gateway: &TestGateway, id: &str) -> Value {
    let failed = async {
        loop {
            let reply = gateway.get(&format!("/v1/requests/{id}")).await;
            if reply.status == StatusCode::OK && reply.json()["status"] == "upstream_failure" {
                return reply.json();
            }
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("it fails")
}

/// Waits until it is on record that an answer was sent whole.
async fn until_delivered(gateway: &TestGateway, id: &str) {
    let delivered = async {
        loop {
            let found = gateway.database.awaited(id).await.expect("the database answers");
            if found.is_some_and(|found| found.is_delivered) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, delivered).await.expect("it is noted");
}

/// The id in an answer: of the generation that made its images.
fn made_by(reply: &Reply) -> String {
    reply.ok()["id"].as_str().expect("an id").to_owned()
}

/// A request as bytes on a connection of its own.
async fn connect(gateway: &TestGateway, headers: &[(&str, &str)], body: &Value) -> TcpStream {
    let address = gateway.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    let body = body.to_string();
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "POST {GENERATIONS} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{more}\r\n",
        gateway.key,
        body.len(),
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .expect("it is sent");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_during_the_call_finds_the_image_by_key_and_by_mark() {
    let gateway = TestGateway::start().await;
    for (place, (model, format)) in [
        ("openai/gpt-image-1-mini", "url"),
        ("openai/gpt-image-1-mini", "b64_json"),
        ("fal/gpt-image-1-mini", "b64_json"),
    ]
    .into_iter()
    .enumerate()
    {
        let (key, mark) = (format!("order-{place}"), format!("mark-{place}"));
        let body = with(
            body("dunes [[fault: delay=400ms]]"),
            json!({ "model": model, "response_format": format }),
        );
        let request = || post(&gateway, &body).header(KEY, &key);
        let begun = gateway.upstream_calls().await.len();
        hang_up_at_call(&gateway, request().header("x-request-id", &mark), begun + 1).await;
        let again = send(request()).await;
        assert_eq!(again.header(REPLAYED), "true");
        gateway.image(&again.ok(), 0).await;
        let by_key = until_kept(&gateway, &key).await;
        assert_eq!(by_key, until_kept(&gateway, &mark).await);
        assert_eq!(by_key["id"].as_str(), Some(made_by(&again).as_str()));
        assert_eq!(gateway.bill().await.len(), place + 1, "each is made once");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_at_once_may_come_back_with_the_key() {
    let gateway = TestGateway::start().await;
    let key = |place: usize| format!("order-{place}");
    let ask = |place: usize| body(&format!("dunes {place}"));
    // Whether the gateway has begun by then is chance; what comes of it is not.
    for place in 0..12 {
        drop(connect(&gateway, &[(KEY, &key(place))], &ask(place)).await);
    }
    let replies = join_all((0..12).map(|place| send(post(&gateway, &ask(place)).header(KEY, key(place))))).await;
    for (place, reply) in replies.iter().enumerate() {
        gateway.image(&reply.ok(), 0).await;
        assert_eq!(
            until_kept(&gateway, &key(place)).await["id"].as_str(),
            Some(made_by(reply).as_str())
        );
    }
    assert_eq!(gateway.bill().await.len(), 12, "each is made once");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_in_the_middle_of_the_bytes_finds_them_later() {
    let gateway = TestGateway::start().await;
    // More than the buffers of a connection hold.
    let large = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: huge=32MiB]]", "quality": "low",
        "response_format": "b64_json" });
    let headers = [("x-request-id", "cut-short"), (COUNT, "0")];
    let mut stream = connect(&gateway, &headers, &large).await;
    let mut piece = [0; 4096];
    stream.read_exact(&mut piece).await.expect("the answer begins");
    assert!(piece.starts_with(b"HTTP/1.1 200 OK\r\n"));
    drop(stream);
    let found = until_kept(&gateway, "cut-short").await;
    assert!(
        found["result"]["metadata"]["images"][0]["bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes >= 32 << 20),
        "{found}"
    );
    // The SDK's own retry gets the same image.
    let again = send(tried(&gateway, 1, &large)).await;
    assert_eq!(found["id"].as_str(), Some(made_by(&again).as_str()));
    let image = gateway.image(&again.ok(), 0).await;
    let link = send(
        gateway
            .client
            .get(found["result"]["data"][0]["url"].as_str().expect("a link")),
    )
    .await;
    assert!(image == link.body, "the same bytes");
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_waits_for_the_first_try_and_gets_its_images() {
    let gateway = TestGateway::start().await;
    let replica = gateway.replica().await;
    for (place, (format, door)) in [("url", &gateway), ("b64_json", &gateway), ("b64_json", &replica)]
        .into_iter()
        .enumerate()
    {
        let fields = json!({ "response_format": format });
        let body = with(body(&format!("dunes {place} [[fault: delay=500ms]]")), fields);
        let mark = format!("first-{place}");
        hang_up_at_call(
            &gateway,
            tried(&gateway, 0, &body).header("x-request-id", &mark),
            place + 1,
        )
        .await;
        let again = send(tried(door, 1, &body)).await;
        gateway.image(&again.ok(), 0).await;
        assert_eq!(
            until_kept(&gateway, &mark).await["id"].as_str(),
            Some(made_by(&again).as_str())
        );
        assert_eq!(again.header(REPLAYED), "", "there was no key");
        assert_eq!(gateway.upstream_calls().await.len(), place + 1);
    }
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_an_edit_is_known_by_its_files() {
    let gateway = TestGateway::start().await;
    let edit = |count: u32, red: u8| {
        let image = plain((64, 64), [red, 0, 0, 255], ImageFormat::Png);
        let form = Form::new()
            .text("model", "openai/gpt-image-1-mini")
            .text("prompt", "a boat [[fault: delay=400ms]]")
            .text("quality", "low")
            .part("image", file(image));
        gateway
            .request(Method::POST, EDITS)
            .header(COUNT, count)
            .multipart(form)
    };
    hang_up_at_call(&gateway, edit(0, 200).header("x-request-id", "first"), 1).await;
    let (again, other) = tokio::join!(send(edit(1, 200)), send(edit(1, 100)));
    let first = until_kept(&gateway, "first").await;
    assert_eq!(first["id"].as_str(), Some(made_by(&again).as_str()));
    assert_ne!(made_by(&again), made_by(&other));
    assert_eq!(gateway.upstream_calls().await.len(), 2);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_finds_what_was_finished_meanwhile_for_fifteen_minutes() {
    let gateway = TestGateway::start().await;
    let body = body("dunes [[fault: delay=200ms]]");
    hang_up_at_call(&gateway, tried(&gateway, 0, &body).header("x-request-id", "first"), 1).await;
    let first = until_kept(&gateway, "first").await["id"].clone();
    gateway.clock.advance_s(WINDOW_S);
    // Others do not get it: another request, another API key, another call.
    let another = with(body.clone(), json!({ "n": 2 }));
    let other = gateway.new_key(&[Scope::Generate], None).await.token;
    let by_other = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&other);
    for (place, request) in [
        tried(&gateway, 1, &another),
        by_other.header(COUNT, 1).json(&body),
        tried(&gateway, 1, &body).header(KEY, "a-key-of-its-own"),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = send(request).await;
        assert_ne!(json!(made_by(&reply)), first, "{place}");
        assert_eq!(gateway.bill().await.len(), place + 2);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_second_of_the_window_counts_and_the_next_does_not() {
    let gateway = TestGateway::start().await;
    for (place, (waited_s, is_adopted)) in [(WINDOW_S, true), (WINDOW_S + 1, false)].into_iter().enumerate() {
        let body = body(&format!("dunes {place} [[fault: delay=200ms]]"));
        let mark = format!("first-{place}");
        hang_up_at_call(
            &gateway,
            tried(&gateway, 0, &body).header("x-request-id", &mark),
            place + 1,
        )
        .await;
        let first = until_kept(&gateway, &mark).await["id"].clone();
        gateway.clock.advance_s(waited_s);
        let again = send(tried(&gateway, 1, &body)).await;
        assert_eq!(json!(made_by(&again)) == first, is_adopted, "after {waited_s} s");
    }
    assert_eq!(gateway.bill().await.len(), 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_arrive_are_made_anew_each_time() {
    let gateway = TestGateway::start().await;
    let body = body("dunes");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = send(tried(&gateway, 0, &body)).await;
        gateway.image(&reply.ok(), 0).await;
        ids.push(made_by(&reply));
    }
    assert_ne!(ids[0], ids[1], "two calls in a row make two images");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_of_a_retry_says_that_the_first_answer_did_not_arrive() {
    let gateway = TestGateway::start().await;
    // Small enough that the kernel takes the whole answer, whoever reads it.
    for (place, format) in ["url", "b64_json"].into_iter().enumerate() {
        let body = with(body(&format!("dunes {place}")), json!({ "response_format": format }));
        let billed = gateway.bill().await.len();
        let mut firsts = Vec::new();
        for _ in 0..2 {
            firsts.push(made_by(&send(tried(&gateway, 0, &body)).await));
            until_delivered(&gateway, &firsts[firsts.len() - 1]).await;
            // Of two in one moment neither is the older.
            gateway.clock.advance_s(1);
        }
        // Each first answer is given to one retry, the oldest first; the next try of that retry gets it once more.
        for (count, wanted) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
            let again = send(tried(&gateway, count, &body)).await;
            gateway.image(&again.ok(), 0).await;
            assert_eq!(made_by(&again), firsts[wanted], "{format}, try {count}");
        }
        assert_eq!(gateway.bill().await.len(), billed + 2);
        let fresh = made_by(&send(tried(&gateway, 1, &body)).await);
        assert!(!firsts.contains(&fresh), "none is left");
        assert_eq!(gateway.bill().await.len(), billed + 3);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_retry_got_is_delivered() {
    let gateway = TestGateway::start().await;
    let body = body("dunes [[fault: delay=200ms]]");
    hang_up_at_call(&gateway, tried(&gateway, 0, &body).header("x-request-id", "first"), 1).await;
    until_kept(&gateway, "first").await;
    let first = made_by(&send(tried(&gateway, 1, &body)).await);
    until_delivered(&gateway, &first).await;
    assert_ne!(made_by(&send(tried(&gateway, 1, &body)).await), first);
    assert_eq!(gateway.bill().await.len(), 2);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_beside_a_first_try_that_arrives_after_all_gets_an_image_too() {
    let gateway = TestGateway::start().await;
    // As behind a proxy that does not pass on that its caller has gone.
    let body = with(
        body("dunes [[fault: delay=400ms]]"),
        json!({ "response_format": "b64_json" }),
    );
    let first = send(tried(&gateway, 0, &body));
    let again = async {
        until_upstream_is_called(&gateway, 1).await;
        let begun = tokio::time::Instant::now();
        (send(tried(&gateway, 1, &body)).await, begun.elapsed())
    };
    let (first, (again, took)) = tokio::join!(first, again);
    gateway.image(&first.ok(), 0).await;
    gateway.image(&again.ok(), 0).await;
    assert!(
        took < std::time::Duration::from_secs(10),
        "it waited {took:?} for images that nobody keeps"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_may_have_been_paid_for_is_the_retry_s_answer() {
    let gateway = TestGateway::start().await;
    let broken = body("dunes [[fault: delay=200ms cut once]]");
    hang_up_at_call(
        &gateway,
        tried(&gateway, 0, &broken).header("x-request-id", "broken"),
        1,
    )
    .await;
    until_failed(&gateway, "broken").await;
    let again = send(tried(&gateway, 1, &broken)).await;
    again.error(502, "UPSTREAM_ERROR");
    assert_eq!(again.header("x-should-retry"), "false");
    assert_eq!(gateway.upstream_calls().await.len(), 1, "nothing is risked twice");
    // What cost nothing is simply tried again.
    let refused = body("dunes [[fault: delay=200ms status=401 once]]");
    hang_up_at_call(
        &gateway,
        tried(&gateway, 0, &refused).header("x-request-id", "refused"),
        2,
    )
    .await;
    until_failed(&gateway, "refused").await;
    send(tried(&gateway, 1, &refused)).await.ok();
    assert_eq!(gateway.upstream_calls().await.len(), 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_asked_for_again_is_a_stream() {
    let gateway = TestGateway::start().await;
    let body = with(body("dunes [[fault: delay=200ms]]"), json!({ "stream": true }));
    hang_up_at_call(&gateway, tried(&gateway, 0, &body).header("x-request-id", "first"), 1).await;
    until_kept(&gateway, "first").await;
    let again = send(tried(&gateway, 1, &body)).await;
    let names: Vec<String> = events(&again).events.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["image_generation.completed"]);
    gateway.finish().await;
}
