//! Traces and metrics at a collector that others wrote.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use mock_collector::{MockServer, Protocol, ServerHandle};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Site, send};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
/// Longer than a collector needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn collector() -> (ServerHandle, String) {
    let server = MockServer::builder().protocol(Protocol::HttpBinary).start().await;
    let server = server.expect("a free port");
    let address = format!("http://{}", server.addr());
    (server, address)
}

fn body(prompt: &str) -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_trace_of_its_caller_with_a_span_for_each_stage_and_call() {
    let (collector, address) = collector().await;
    let site = Site::new().await;
    let mut process = site
        .serve(&[("PICTOR_OTLP_ENDPOINT", &address), ("PICTOR_LOG_JSON", "true")])
        .await;
    let request = process
        .request(Method::POST, GENERATIONS)
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&body("an-unheard-of-prompt-wording"));
    let done = send(request).await.ok();
    process.terminate();
    assert!(process.ended().await.success());
    collector
        .wait_until(|seen| seen.span_count() >= 5 && seen.metric_count() >= 3, PATIENCE)
        .await
        .expect("they come when it ends at the latest");
    collector
        .with_collector(|seen| {
            let route = "POST /openai/v1/images/generations";
            seen.expect_span_with_name(route)
                .with_attributes([
                    ("http.request.method", "POST"),
                    ("http.route", GENERATIONS),
                    ("gen_ai.request.model", "gpt-image-1-mini"),
                    ("pictor.provider", "openai"),
                    ("pictor.request.id", done["id"].as_str().expect("an id")),
                ])
                .with_resource_attributes([("service.name", "pictor")])
                .assert_count(1);
            seen.expect_span_with_name("generate_content gpt-image-1-mini")
                .with_attributes([
                    ("gen_ai.operation.name", "generate_content"),
                    ("gen_ai.provider.name", "openai"),
                    ("gen_ai.output.type", "image"),
                ])
                .assert_count(1);
            for stage in ["plan", "hold", "settle"] {
                seen.expect_span_with_name(stage).assert_at_least(1);
            }
            let ours: Vec<_> = seen
                .spans()
                .iter()
                .map(|span| span.span())
                .filter(|span| hex::encode(&span.trace_id) == TRACE)
                .collect();
            let root: Vec<_> = ours
                .iter()
                .filter(|span| hex::encode(&span.parent_span_id) == PARENT)
                .collect();
            assert_eq!(root.len(), 1, "one span hangs from the caller's");
            assert_eq!(root[0].name, route);
            let known: Vec<&Vec<u8>> = ours.iter().map(|span| &span.span_id).collect();
            let hangs = |parent: &Vec<u8>| known.contains(&parent) || hex::encode(parent) == PARENT;
            assert!(
                ours.iter().all(|span| hangs(&span.parent_span_id)),
                "every span hangs from another"
            );
            for figure in ["gen_ai.client.operation.duration", "gen_ai.client.token.usage"] {
                seen.expect_metric_with_name(figure).assert_exists();
            }
            seen.expect_histogram("http.server.request.duration").assert_exists();
            assert!(!seen.dump().contains("unheard-of"), "prompts are nobody's");
        })
        .await;
    let lines: Vec<String> = process.log().await.to_vec();
    let summed: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["fields"]["http.route"] == GENERATIONS)
        .collect();
    assert_eq!(summed.len(), 1, "{lines:#?}");
    assert_eq!(summed[0]["fields"]["trace.id"], TRACE);
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_get_the_trace_and_failures_are_told() {
    let (collector, address) = collector().await;
    let heard: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let noted = Arc::clone(&heard);
    let provider = axum::Router::new().fallback(move |request: Request| {
        let parent = request.headers().get("traceparent");
        let parent = parent.map(|value| value.to_str().expect("text").to_owned());
        noted.lock().expect("nothing panics").push(parent);
        async { StatusCode::UNAUTHORIZED }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let served = tokio::spawn(async move { axum::serve(listener, provider).await.expect("it serves") });
    let site = Site::new().await;
    let variables = [("PICTOR_OPENAI_BASE_URL", base.as_str())];
    let told = [variables[0], ("PICTOR_OTLP_ENDPOINT", address.as_str())];
    for variables in [&told[..], &variables[..]] {
        let process = site.serve(variables).await;
        let request = process.request(Method::POST, GENERATIONS);
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
        assert_eq!(send(request.json(&body("dunes"))).await.status, StatusCode::BAD_GATEWAY);
        process.stop().await;
    }
    let heard = heard.lock().expect("nothing panics").clone();
    assert_eq!(heard.len(), 2);
    let first = heard[0].as_deref().expect("the trace goes along");
    assert!(
        first.starts_with(&format!("00-{TRACE}-")) && !first.contains(PARENT),
        "{first}"
    );
    assert_eq!(heard[1], None, "without a collector providers are told nothing");
    collector
        .wait_until(|seen| seen.span_count() > 0, PATIENCE)
        .await
        .expect("they come when it ends at the latest");
    collector
        .with_collector(|seen| {
            seen.expect_span_with_name("generate_content gpt-image-1-mini")
                .with_attributes([("error.type", "bad_credential")])
                .assert_count(1);
        })
        .await;
    served.abort();
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_harms_nobody() {
    let site = Site::new().await;
    // Nobody listens there.
    let process = site.serve(&[("PICTOR_OTLP_ENDPOINT", "http://127.0.0.1:1")]).await;
    let done = send(process.request(Method::POST, GENERATIONS).json(&body("dunes"))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    process.stop().await;
    site.finish().await;
}
