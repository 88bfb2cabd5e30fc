//! Images that a caller points to: fetched from public https addresses and from hosts that the operator allows, and never
//! from anywhere else, whatever the link looks like and wherever it redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use imaging::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::edits::data_url;
use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, TestGateway, half_mask, noise, plain, send, small, with};

/// A host of images on loopback.
struct Host {
    port: u16,
    /// Requests for the file that nobody may get.
    stolen: Arc<AtomicUsize>,
}

impl Host {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let port = listener.local_addr().expect("an address").port();
        let stolen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&stolen);
        let image = plain((96, 96), [10, 120, 60, 255], ImageFormat::Png);
        let to = |place: String| move || async move { (StatusCode::FOUND, [(header::LOCATION, place)], "") };
        let secret = image.clone();
        let large = noise((300, 300));
        let router = Router::new()
            .route(
                "/image.png",
                get(async move || ([(header::CONTENT_TYPE, "image/png")], image)),
            )
            .route("/mask.png", get(async || half_mask((96, 96))))
            .route("/large.png", get(async move || large))
            .route("/text", get(async || "no image"))
            .route("/missing", get(async || StatusCode::NOT_FOUND))
            .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
            .route(
                "/nowhere",
                get(async || (StatusCode::FOUND, [(HeaderName::from_static("x-none"), "1")], "")),
            )
            .route("/hop", get(to("/image.png".to_owned())))
            .route("/loop", get(to("/loop".to_owned())))
            .route(
                "/to-https-loopback",
                get(to(format!("https://127.0.0.1:{port}/secret.png"))),
            )
            .route("/to-loopback", get(to(format!("http://127.0.0.1:{port}/secret.png"))))
            .route("/to-private", get(to("https://10.0.0.1/secret.png".to_owned())))
            .route(
                "/to-metadata",
                get(to("https://169.254.169.254/latest/meta-data".to_owned())),
            )
            .route(
                "/to-mapped",
                get(to("https://[::ffff:127.0.0.1]/secret.png".to_owned())),
            )
            .route("/to-file", get(to("file:///etc/passwd".to_owned())))
            .route(
                "/secret.png",
                get(async move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    secret
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, stolen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_for_a_request_that_is_refused_without_it() {
    let host = Host::start().await;
    let gateway = TestGateway::with(|settings| {
        settings.fetch_hosts = vec!["localhost".to_owned()];
        settings.limits.in_flight_generations = 1;
    })
    .await;
    let link = host.url("/secret.png");
    let wrong = with(body(&link), json!({ "n": 0, "size": "enormous" }));
    let reply = gateway.edit_json(wrong).await;
    let error = reply.error(400, "INVALID_REQUEST");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("'n'") && !message.contains("image"), "{message}");
    let unknown = with(body(&link), json!({ "model": "gpt-image-nothing" }));
    gateway.edit_json(unknown).await.error(404, "MODEL_NOT_FOUND");
    // A gateway that is full fetches nothing for whom it turns away.
    gateway
        .fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
    let first = gateway
        .request(Method::POST, GENERATIONS)
        .json(&small("fal/gpt-image-1-mini"));
    let first = tokio::spawn(send(first));
    until_upstream_is_called(&gateway, 1).await;
    gateway.edit_json(body(&link)).await.error(503, "OVERLOADED");
    assert_eq!(host.stolen.load(Ordering::SeqCst), 0, "nothing was fetched");
    let faults = gateway.sandbox_url("/_sandbox/faults");
    let cleared = gateway.client.delete(faults).send().await;
    assert!(cleared.expect("the sandbox answers").status().is_success());
    first.await.expect("the caller waits").ok();
    let done = gateway.edit_json(body(&link)).await;
    done.ok();
    assert_eq!(host.stolen.load(Ordering::SeqCst), 1);
    gateway.finish().await;
}

fn body(url: &str) -> Value {
    json!({ "model": "gpt-image-1.5", "prompt": "add a boat", "quality": "low", "images": [{ "image_url": url }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn links_to_anything_but_the_public_internet_are_refused() {
    let host = Host::start().await;
    let gateway = TestGateway::start().await;
    let port = host.port;
    for (url, says) in [
        (format!("http://127.0.0.1:{port}/secret.png"), "https://"),
        (format!("http://localhost:{port}/secret.png"), "https://"),
        ("http://example.com/a.png".to_owned(), "https://"),
        (format!("https://127.0.0.1:{port}/secret.png"), "public address"),
        ("https://127.0.0.1/secret.png".to_owned(), "public address"),
        ("https://localhost/secret.png".to_owned(), "public address"),
        ("https://LOCALHOST/secret.png".to_owned(), "public address"),
        ("https://2130706433/secret.png".to_owned(), "public address"),
        ("https://0x7f.1/secret.png".to_owned(), "public address"),
        ("https://0177.0.0.1/secret.png".to_owned(), "public address"),
        ("https://127.1/secret.png".to_owned(), "public address"),
        ("https://0.0.0.0/secret.png".to_owned(), "public address"),
        ("https://[::1]/secret.png".to_owned(), "public address"),
        ("https://[::ffff:127.0.0.1]/secret.png".to_owned(), "public address"),
        ("https://[::ffff:a9fe:a9fe]/secret.png".to_owned(), "public address"),
        ("https://[64:ff9b::7f00:1]/secret.png".to_owned(), "public address"),
        ("https://[fd00::1]/secret.png".to_owned(), "public address"),
        ("https://[fe80::1]/secret.png".to_owned(), "public address"),
        ("https://10.1.2.3/secret.png".to_owned(), "public address"),
        ("https://172.16.0.1/secret.png".to_owned(), "public address"),
        ("https://192.168.1.1/secret.png".to_owned(), "public address"),
        ("https://100.64.0.1/secret.png".to_owned(), "public address"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "public address"),
        ("https://user@example.com/a.png".to_owned(), "user name"),
        ("https://user:word@example.com/a.png".to_owned(), "user name"),
        ("https://example.com:22/a.png".to_owned(), "443"),
        ("https://8.8.8.8:6379/a.png".to_owned(), "443"),
        ("https://".to_owned(), "URL"),
        ("https://[oops/a.png".to_owned(), "URL"),
    ] {
        let error = gateway.edit_json(body(&url)).await.fault("image_url");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{url}: {message}");
    }
    let mask = json!({ "image_url": "https://127.0.0.1/mask.png" });
    let mut with_mask = body(&data_url(
        "image/png",
        &plain((96, 96), [1, 2, 3, 255], ImageFormat::Png),
    ));
    with_mask["mask"] = mask;
    gateway.edit_json(with_mask).await.fault("mask");
    assert_eq!(host.stolen.load(Ordering::SeqCst), 0, "nobody got the file");
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_operator_allows_serves_images() {
    let host = Host::start().await;
    let gateway = TestGateway::with(|settings| settings.fetch_hosts = vec!["LocalHost".to_owned()]).await;
    for path in ["/image.png", "/hop"] {
        let answer = gateway.edit_json(body(&host.url(path))).await.ok();
        gateway.image(&answer, 0).await;
    }
    let mut with_mask = body(&host.url("/image.png"));
    with_mask["mask"] = json!({ "image_url": host.url("/mask.png") });
    gateway.edit_json(with_mask).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_of_an_allowed_host_to_private_places_are_refused() {
    let host = Host::start().await;
    let gateway = TestGateway::with(|settings| settings.fetch_hosts = vec!["localhost".to_owned()]).await;
    for (path, says) in [
        ("/to-loopback", "https://"),
        ("/to-https-loopback", "public address"),
        ("/to-private", "public address"),
        ("/to-metadata", "public address"),
        ("/to-mapped", "public address"),
        ("/to-file", "https://"),
        ("/loop", "redirects"),
    ] {
        let error = gateway.edit_json(body(&host.url(path))).await.fault("image_url");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{path}: {message}");
    }
    assert_eq!(host.stolen.load(Ordering::SeqCst), 0, "nobody got the file");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_answers_instead_of_an_image_is_told() {
    let host = Host::start().await;
    let gateway = TestGateway::with(|settings| {
        settings.fetch_hosts = vec!["localhost".to_owned()];
        settings.limits.input_image_bytes = 100_000;
    })
    .await;
    for (path, says) in [
        ("/missing", "404"),
        ("/broken", "500"),
        ("/nowhere", "302"),
        ("/text", "cannot be used"),
        ("/large.png", "100000 bytes"),
    ] {
        let error = gateway.edit_json(body(&host.url(path))).await.fault("image_url");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{path}: {message}");
    }
    gateway.finish().await;
}
