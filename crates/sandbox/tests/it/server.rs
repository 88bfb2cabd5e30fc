//! Starting, TLS, links behind a proxy, and stopping.

use super::harness::{World, install_crypto, send};
use reqwest::{Certificate, Client, Method, StatusCode, Version};
use sandbox::SandboxConfig;
use serde_json::json;

#[tokio::test]
async fn tls_serves_http_2_and_1() {
    let world = World::with(SandboxConfig {
        tls: true,
        ..SandboxConfig::default()
    })
    .await;
    assert!(world.sandbox.base_url().starts_with("https://127.0.0.1:"));
    let pem = world.sandbox.certificate_pem().expect("TLS has a certificate");
    let trusting = || {
        let certificate = Certificate::from_pem(pem.as_bytes()).expect("it is PEM");
        Client::builder().tls_certs_only([certificate])
    };
    let body = json!({"model": "mock-image", "prompt": "x", "size": "64x64"});
    for (client, version) in [
        (trusting().build(), Version::HTTP_2),
        (trusting().http1_only().build(), Version::HTTP_11),
    ] {
        let client = client.expect("a client");
        let url = world.url("/mock/v1/images/generations");
        let response = client.post(url).json(&body).send().await.expect("an answer");
        assert_eq!(response.version(), version);
        let answer: serde_json::Value = response.json().await.expect("JSON");
        let link = answer["data"][0]["url"].as_str().expect("a link");
        assert!(link.starts_with(&world.sandbox.base_url()), "{link}");
        let image = client.get(link).send().await.expect("an image");
        assert_eq!(image.status(), StatusCode::OK);
    }
    let suspicious = world.client.get(world.url("/_sandbox/health")).send().await;
    assert!(suspicious.is_err(), "nobody else trusts the certificate");
}

#[tokio::test]
async fn links_name_the_public_url_or_the_callers_host() {
    let world = World::with(SandboxConfig {
        public_url: Some("https://images.example.org/up/".to_owned()),
        ..SandboxConfig::default()
    })
    .await;
    let body = json!({"model": "mock-image", "prompt": "x", "size": "64x64"});
    let request = world.request(Method::POST, "/mock/v1/images/generations");
    let answer = send(request.json(&body)).await.json();
    let link = answer["data"][0]["url"].as_str().expect("a link");
    assert!(link.starts_with("https://images.example.org/up/mock/media/"), "{link}");

    let world = World::start().await;
    let request = world.request(Method::POST, "/mock/v1/images/generations");
    let answer = send(request.header("host", "sandbox.test:81").json(&body)).await.json();
    let link = answer["data"][0]["url"].as_str().expect("a link");
    assert!(link.starts_with("http://sandbox.test:81/mock/media/"), "{link}");
}

#[tokio::test]
async fn a_taken_address_is_told() {
    let world = World::start().await;
    let config = SandboxConfig {
        listen: world.sandbox.address(),
        ..SandboxConfig::default()
    };
    let error = sandbox::start(config).await.err().expect("the port is taken");
    assert!(error.to_string().contains(&world.sandbox.address().to_string()));
}

#[tokio::test]
async fn stopping_cuts_hanging_calls() {
    let world = World::start().await;
    let hanging = world
        .openai(Method::POST, "/images/generations")
        .json(&json!({"model": "gpt-image-1", "prompt": "x [[fault: hang]]", "quality": "low"}))
        .send();
    let hanging = tokio::spawn(hanging);
    while world.bill("openai").await["total_micros"] == 0 {
        tokio::task::yield_now().await;
    }
    let (address, client) = (world.sandbox.address(), world.client.clone());
    world.sandbox.shutdown().await;
    let answer = hanging.await.expect("the client's task ends");
    assert!(answer.is_err());
    let late = client.get(format!("http://{address}/_sandbox/health")).send().await;
    assert!(late.is_err());
}

#[tokio::test]
async fn unknown_paths_are_404_and_dropping_stops() {
    install_crypto();
    let world = World::start().await;
    for path in ["/", "/nothing", "/openai", "/openai/v2"] {
        let reply = send(world.request(Method::GET, path)).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
    }
    let (address, client) = (world.sandbox.address(), world.client);
    drop(world.sandbox);
    // The listener closes as soon as its task has noticed.
    while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
        drop(stream);
        tokio::task::yield_now().await;
    }
    assert!(client.get(format!("http://{address}/")).send().await.is_err());
}
