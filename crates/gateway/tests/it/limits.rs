//! Limits: each refuses what is too much, names itself, and leaves the gateway able to work.

use gateway::settings::limits::Limits;
use imaging::ImageFormat;
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::edits::{data_url, form};
use super::hang_up::until_upstream_is_called;
use super::harness::{EDITS, GENERATIONS, TestGateway, file, noise, plain, send, small};
use super::turned::photograph;

async fn limited(change: impl FnOnce(&mut Limits)) -> TestGateway {
    TestGateway::with(|settings| change(&mut settings.limits)).await
}

/// A body of unknown length.
fn chunked(text: &str) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        text.as_bytes().chunks(500).map(|piece| Ok(piece.to_vec())).collect();
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

fn is_too_large(reply: &super::harness::Reply, limit: &str) {
    let error = reply.error(413, "INVALID_REQUEST");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains(limit)),
        "{error}"
    );
    assert_eq!(reply.header("x-should-retry"), "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_past_their_limit_are_refused() {
    let gateway = limited(|limits| {
        limits.json_body_bytes = 2_000;
        limits.multipart_body_bytes = 5_000;
    })
    .await;
    let long = json!({ "model": "gpt-image-1.5", "prompt": "x".repeat(3_000) }).to_string();
    for path in [GENERATIONS, EDITS] {
        let post = || {
            gateway
                .request(Method::POST, path)
                .header("content-type", "application/json")
        };
        is_too_large(
            &send(post().body(long.clone())).await,
            "json_body_bytes allows: 2000 bytes",
        );
        is_too_large(
            &send(post().body(chunked(&long))).await,
            "json_body_bytes allows: 2000 bytes",
        );
    }
    let image = noise((64, 64));
    let upload = || form("gpt-image-1.5").part("image", file(image.clone()));
    is_too_large(&gateway.edit(upload()).await, "multipart_body_bytes allows: 5000 bytes");
    let stream = Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(image.clone())]));
    let part = reqwest::multipart::Part::stream(stream).file_name("image.png");
    is_too_large(
        &gateway.edit(form("gpt-image-1.5").part("image", part)).await,
        "multipart_body_bytes allows: 5000 bytes",
    );
    let query = format!("{GENERATIONS}?dryRun=true");
    send(gateway.request(Method::POST, &query).json(&small("gpt-image-1.5")))
        .await
        .ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_images_past_their_limits_are_refused() {
    let gateway = limited(|limits| {
        limits.input_image_bytes = 20_000;
        limits.input_image_pixels = 40_000;
        limits.input_images = 2;
    })
    .await;
    let small = plain((100, 100), [9, 9, 9, 255], ImageFormat::Png);
    let many_bytes = noise((100, 100));
    let many_pixels = plain((300, 200), [9, 9, 9, 255], ImageFormat::Png);
    let says = |error: &Value, limit: &str| {
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(limit)),
            "{error}"
        );
    };
    for (bytes, limit) in [(&many_bytes, "input_image_bytes"), (&many_pixels, "input_image_pixels")] {
        let error = gateway
            .edit(form("gpt-image-1.5").part("image", file(bytes.clone())))
            .await
            .fault("image");
        says(&error, limit);
        let link = json!([{ "image_url": data_url("image/png", bytes) }]);
        let body = json!({ "model": "gpt-image-1.5", "prompt": "a boat", "images": link });
        says(&gateway.edit_json(body).await.fault("images"), limit);
    }
    let mut three = form("gpt-image-1.5");
    for _ in 0..3 {
        three = three.part("image[]", file(small.clone()));
    }
    says(&gateway.edit(three).await.fault("image"), "input_images allows 2");
    gateway
        .edit(form("gpt-image-1.5").part("image", file(small)))
        .await
        .ok();
    gateway.finish().await;
}

/// A photograph that must be turned, in so many scans.
fn scanned(scans: usize) -> Vec<u8> {
    let whole = photograph();
    let scan = whole.windows(2).rposition(|pair| pair == [0xff, 0xda]).expect("a scan");
    let (head, scan) = whole[..whole.len() - 2].split_at(scan);
    [head, &scan.repeat(scans), &[0xff, 0xd9]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_too_many_scans_is_refused_or_delivered_as_it_came() {
    let gateway = limited(|limits| limits.scan_pixels = 96 * 64 * 12).await;
    let edit = |scans: usize| form("fal/gpt-image-1.5").part("image", file(scanned(scans)));
    let error = gateway.edit(edit(80)).await.error(400, "INVALID_REQUEST");
    let message = error["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message.contains("80 scans of 96x64, and scan_pixels allows 73728"),
        "{message}"
    );
    gateway.finish().await;

    let gateway = limited(|limits| limits.scan_pixels = 100).await;
    let jpeg = json!({ "model": "xai/grok-imagine-image", "prompt": "dunes", "output_format": "webp", "response_format": "b64_json" });
    let answer = gateway.generate(jpeg).await.ok();
    assert_eq!(answer["output_format"], "jpeg", "{answer}");
    assert_eq!(
        answer["metadata"]["adjustments"][0]["reason"],
        "the image could not be converted"
    );
    assert_eq!(
        super::harness::info(&gateway.image(&answer, 0).await).format,
        ImageFormat::Jpeg
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_generations_than_allowed_are_shed_until_one_ends() {
    let gateway = limited(|limits| limits.in_flight_generations = 1).await;
    let slow = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=1s]]", "quality": "low" });
    let first = gateway.request(Method::POST, GENERATIONS).json(&slow);
    let first = tokio::spawn(send(first));
    until_upstream_is_called(&gateway, 1).await;
    let shed = gateway.generate(small("openai/gpt-image-1-mini")).await;
    let error = shed.error(503, "OVERLOADED");
    assert_eq!(error["type"], "server_error");
    assert_eq!(
        (shed.header("retry-after"), shed.header("x-should-retry")),
        ("2", "true")
    );
    assert_eq!(gateway.upstream_calls().await.len(), 1, "nothing was sent for it");
    // Prices and lists are told all the same.
    let query = format!("{GENERATIONS}?dryRun=true");
    send(gateway.request(Method::POST, &query).json(&small("gpt-image-1.5")))
        .await
        .ok();
    first.await.expect("the first request ends").ok();
    gateway.generate(small("openai/gpt-image-1-mini")).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_sheds_load() {
    let gateway = limited(|limits| {
        limits.spool_bytes = 30_000;
        limits.spool_memory_bytes = 10_000;
        limits.generation_memory_bytes = 5_000;
    })
    .await;
    let image = noise((128, 128));
    for reply in [
        gateway.edit(form("gpt-image-1.5").part("image", file(image.clone()))).await,
        gateway.edit_json(json!({ "model": "gpt-image-1.5", "prompt": "a boat", "images": [{ "image_url": data_url("image/png", &image) }] })).await,
    ] {
        reply.error(503, "OVERLOADED");
        assert_eq!((reply.header("retry-after"), reply.header("x-should-retry")), ("2", "true"));
    }
    assert!(gateway.upstream_calls().await.is_empty());
    // What was refused is let go, so that small work fits again.
    gateway
        .generate(json!({ "model": "gpt-image-1.5", "prompt": "dunes", "n": 0 }))
        .await
        .fault("n");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_pass_through_files_of_the_spool() {
    let gateway = limited(|limits| {
        limits.spool_memory_bytes = 1_000;
        limits.generation_memory_bytes = 500;
    })
    .await;
    let image = noise((256, 256));
    let answer = gateway
        .edit(form("openai/gpt-image-1.5").part("image", file(image)))
        .await
        .ok();
    gateway.image(&answer, 0).await;
    let left: Vec<_> = std::fs::read_dir(&gateway.data_dir)
        .expect("the data folder")
        .filter_map(Result::ok)
        .collect();
    let names: Vec<String> = left
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // What a database that is away would have to wait for stands in a file of the process.
    let is_kept = |name: &String| {
        name.starts_with("pictor.db")
            || name.ends_with(".waiting")
            || name.ends_with(".space")
            || name == "media"
            || name == "first-key"
            || name == "sandbox-token"
    };
    assert!(names.iter().all(is_kept), "{names:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_past_its_limit_is_not_taken() {
    let gateway = limited(|limits| limits.upstream_answer_bytes = 3 << 20).await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: huge=8MB]]", "quality": "low" });
    let reply = gateway.generate(body).await;
    let error = reply.error(502, "UPSTREAM_ERROR");
    let attempt = &error["metadata"]["attempts"][0];
    assert_eq!(
        (&attempt["code"], &attempt["spent"]),
        (&json!("limit_reached"), &json!("unknown"))
    );
    assert_eq!(reply.header("x-should-retry"), "false");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_many_megabytes_passes() {
    let gateway = limited(|limits| limits.generation_memory_bytes = 1 << 20).await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: huge=8MB]]", "quality": "low" });
    let answer = gateway.generate(body).await.ok();
    assert!(gateway.image(&answer, 0).await.len() >= 8_000_000);
    gateway.finish().await;
}

/// Sends bytes as they are and reads until the other side closes.
async fn raw(gateway: &TestGateway, text: &str) -> String {
    let address = gateway.base.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    stream.write_all(text.as_bytes()).await.expect("the gateway reads");
    let mut answer = Vec::new();
    // The other side may reset what it did not want to read; what it said before that still counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_past_their_limit_are_refused() {
    let gateway = limited(|limits| limits.header_bytes = 8 << 10).await;
    let long = "x".repeat(20_000);
    let answer = raw(
        &gateway,
        &format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\nconnection: close\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let fits = "x".repeat(4_000);
    let answer = raw(
        &gateway,
        &format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {fits}\r\nconnection: close\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_given_up() {
    let gateway = limited(|limits| (limits.transfer_grace_s, limits.transfer_window_s) = (0, 1)).await;
    let head = format!(
        "POST {GENERATIONS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
        gateway.key
    );
    let request = format!("{head}content-type: application/json\r\ncontent-length: 500\r\n\r\n{{\"model\":");
    let answer = raw(&gateway, &request).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let error: Value = serde_json::from_str(body).expect("the shape of every error");
    assert_eq!(error["error"]["code"], "INVALID_REQUEST");
    assert!(
        error["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("too slowly")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_harms_nobody() {
    let gateway = TestGateway::start().await;
    let head = |path: &str, kind: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: 500\r\n\r\n",
            gateway.key
        )
    };
    for (path, kind, start) in [
        (GENERATIONS, "application/json", "{\"model\": \"gpt"),
        (EDITS, "application/json", "{\"images\": [\"data:image/png;base64,iVBO"),
        (
            EDITS,
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nabc",
        ),
    ] {
        let address = gateway.base.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
        stream
            .write_all(format!("{}{start}", head(path, kind)).as_bytes())
            .await
            .expect("the gateway reads");
        stream.shutdown().await.expect("the connection closes");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(gateway.get("/healthz").await.status, StatusCode::OK);
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}
