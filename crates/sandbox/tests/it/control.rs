//! The control routes.

use super::harness::{World, send};
use reqwest::{Method, StatusCode};
use sandbox::SandboxConfig;
use serde_json::{Value, json};

#[tokio::test]
async fn ordered_faults_strike_the_calls_they_fit() {
    let world = World::start().await;
    world
        .fault(json!({"provider": "fal", "fault": {"status": 500}, "times": 1}))
        .await;
    world
        .fault(json!({"provider": "openai", "model": "gpt-image-1", "fault": {"status": 429, "retry-after": 7}, "times": 2}))
        .await;
    let listed = world.control_get("/faults").await;
    assert_eq!(listed["faults"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["faults"][1]["times"], 2);
    let body = |model: &str| json!({"model": model, "prompt": "x", "quality": "low"});
    assert_eq!(world.generate(body("gpt-image-1-mini")).await.status, StatusCode::OK);
    for _ in 0..2 {
        let reply = world.generate(body("gpt-image-1")).await;
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(reply.header("retry-after"), "7");
    }
    assert_eq!(world.generate(body("gpt-image-1")).await.status, StatusCode::OK);
    let cleared = send(world.request(Method::DELETE, "/_sandbox/faults")).await;
    assert_eq!(cleared.status, StatusCode::NO_CONTENT);
    assert_eq!(world.control_get("/faults").await["faults"], json!([]));
}

#[tokio::test]
async fn mistaken_orders_are_refused() {
    let world = World::start().await;
    for order in [
        json!({"fault": {"stauts": 429}}),
        json!({"fault": 7}),
        json!({"provider": "acme", "fault": "hang"}),
        json!({"fault": "hang", "time": 1}),
        json!({"fault": "hang", "times": 0}),
        json!([]),
    ] {
        let reply = send(world.request(Method::POST, "/_sandbox/faults").json(&order)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{order}");
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn calls_are_logged_without_prompts() {
    let world = World::start().await;
    let body = json!({"model": "gpt-image-1", "prompt": "a very private lake", "quality": "low", "n": 2});
    world.generate(body).await;
    let calls = world.calls("openai").await;
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call["method"], "POST");
    assert_eq!(call["path"], "/openai/v1/images/generations");
    assert_eq!(call["model"], "gpt-image-1");
    assert_eq!(call["status"], 200);
    assert_eq!(call["body"]["n"], 2);
    assert!(
        call["body"]["prompt"]
            .as_str()
            .is_some_and(|text| text.starts_with("<19 characters"))
    );
    assert!(!call.to_string().contains("private"));
    send(world.request(Method::DELETE, "/_sandbox/calls")).await;
    assert!(world.calls("openai").await.is_empty());
    let all = world.control_get("/calls").await;
    assert_eq!(all["received"], 1);
}

#[tokio::test]
async fn the_bill_can_be_cleared_and_the_help_read() {
    let world = World::start().await;
    world
        .generate(json!({"model": "gpt-image-1", "prompt": "x", "quality": "low"}))
        .await;
    assert_eq!(
        world.control_get("/bill").await["entries"].as_array().map(Vec::len),
        Some(1)
    );
    send(world.request(Method::DELETE, "/_sandbox/bill")).await;
    assert_eq!(world.control_get("/bill").await["total_micros"], 0);
    let help = send(world.request(Method::GET, "/_sandbox/help")).await;
    assert!(help.text().starts_with(sandbox::FAULTS_HELP));
    let bad = send(world.request(Method::GET, "/_sandbox/bill?provider=acme")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let unknown = send(world.request(Method::GET, "/_sandbox/nothing")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_ne!(unknown.json()["error"], Value::Null);
}

/// The example of a fault in CONTRIBUTING.
fn example() -> &'static str {
    let guide = include_str!("../../../../CONTRIBUTING.md");
    let (_, steps) = guide.split_once("## Adding a fault").expect("there are steps");
    let (_, block) = steps.split_once("```toml\n").expect("there is an example");
    block.split("```").next().expect("it ends")
}

#[tokio::test]
async fn the_steps_of_the_guide_add_a_fault() {
    let config = SandboxConfig {
        faults: example().to_owned(),
        ..SandboxConfig::default()
    };
    let world = World::with(config).await;
    let body = |prompt: &str| json!({"model": "gpt-image-1", "prompt": prompt, "quality": "low"});
    let prompt = "a lighthouse [[fault: rush-hour]]";
    let reply = world.generate(body(prompt)).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.header("retry-after"), "2");
    assert_eq!(world.generate(body(prompt)).await.status, StatusCode::OK);
    world
        .fault(json!({"provider": "openai", "fault": "rush-hour", "times": 1}))
        .await;
    assert_eq!(
        world.generate(body("a lake")).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    let help = send(world.request(Method::GET, "/_sandbox/help")).await;
    assert!(help.text().contains("rush-hour "));
}

#[tokio::test]
async fn faults_are_made_of_words_that_there_are() {
    let config = SandboxConfig {
        faults: "fault = [{ word = 'x', is = 'stauts=429', about = '' }]".to_owned(),
        ..SandboxConfig::default()
    };
    let error = sandbox::start(config).await.err().expect("it does not start");
    assert!(error.to_string().contains("unknown fault word 'stauts'"), "{error}");
}
