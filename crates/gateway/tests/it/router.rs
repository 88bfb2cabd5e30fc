//! Paths and methods that are not there, and what holds for every answer whatever it is.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{EDITS, GENERATIONS, TestGateway, send};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_in_the_shape_of_every_error() {
    let gateway = TestGateway::start().await;
    for path in [
        "/nothing",
        "/openai",
        "/openai/v1",
        "/openai/v1/",
        "/openai/v1/nothing",
        "/v1",
        "/v2/models",
        "/media",
        "/media/",
        "/%ff",
        "//",
    ] {
        let error = send(gateway.anonymous(Method::GET, path))
            .await
            .error(404, "INVALID_REQUEST");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("/openapi.json")),
            "{path}: {error}"
        );
    }
    let long = format!("/{}", "a".repeat(4_000));
    let error = send(gateway.anonymous(Method::GET, &long))
        .await
        .error(404, "INVALID_REQUEST");
    assert!(
        error["message"].as_str().is_some_and(|text| text.len() < 200),
        "a long path is not repeated whole"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_told_in_the_shape_of_every_error() {
    let gateway = TestGateway::start().await;
    for (method, path, allowed) in [
        (Method::GET, GENERATIONS, "POST"),
        (Method::PUT, EDITS, "POST"),
        (Method::DELETE, "/v1/images/edits", "POST"),
        (Method::POST, "/openai/v1/models", "GET,HEAD"),
        (Method::POST, "/v1/balance", "GET,HEAD"),
        (Method::DELETE, "/v1/requests/req_x", "GET,HEAD"),
        (Method::POST, "/media/x.png", "GET,HEAD"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::PATCH, "/openapi.json", "GET,HEAD"),
    ] {
        let reply = send(gateway.anonymous(method.clone(), path)).await;
        let error = reply.error(405, "INVALID_REQUEST");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(path) && message.contains(method.as_str()), "{message}");
        assert_eq!(reply.header("allow"), allowed, "{path}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_pictor_leaves_out_say_what_to_use_instead() {
    let gateway = TestGateway::start().await;
    for base in ["/openai/v1", "/v1"] {
        for (path, instead) in [
            ("/images/variations", "/images/edits"),
            ("/responses", "/images/generations"),
            ("/chat/completions", "/images/generations"),
            ("/videos", "/images/generations"),
        ] {
            let error = send(gateway.request(Method::POST, &format!("{base}{path}")).json(&json!({}))).await;
            let error = error.error(404, "INVALID_REQUEST");
            assert!(
                error["message"].as_str().is_some_and(|text| text.contains(instead)),
                "{path}: {error}"
            );
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_of_its_own() {
    let gateway = TestGateway::start().await;
    let mut ids = std::collections::HashSet::new();
    for path in [
        "/healthz",
        "/nothing",
        "/openai/v1/models",
        "/v1/requests",
        "/openapi.json",
        "/media/x.png",
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            // The answers' ids and errors are checked where they are read.
            let reply = send(gateway.request(method, path).header("x-request-id", "mine")).await;
            assert!(ids.insert(reply.id()), "no id comes twice");
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_headers_harm_nothing() {
    let gateway = TestGateway::start().await;
    let long = "x".repeat(5_000);
    let odd = reqwest::header::HeaderValue::from_bytes(b"\xff\xfe").expect("bytes that a header may have");
    let body = json!({ "model": "nobody", "prompt": "dunes" });
    let request = gateway.request(Method::POST, GENERATIONS).json(&body);
    let request = request
        .header("x-request-id", odd.clone())
        .header("traceparent", "no-trace")
        .header("x-session-id", &long);
    let reply = send(request).await;
    reply.error(404, "MODEL_NOT_FOUND");
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["client_request_id"], Value::Null);
    assert_eq!(
        recorded["session_id"].as_str().map(str::len),
        Some(200),
        "marks are kept up to a bound"
    );
    let unreadable = send(
        gateway
            .anonymous(Method::GET, "/v1/balance")
            .header("authorization", odd),
    )
    .await;
    unreadable.error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
}
