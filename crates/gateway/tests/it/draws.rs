//! What one gets is never drawn by lot: the same request many times under the default strategy, all providers well.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, send, with};

/// Times that a request is planned.
const DRAWS: usize = 16;

fn balanced(fields: Value) -> Value {
    with(
        json!({ "prompt": "dunes at noon", "route": { "strategy": "balanced" }, "response_format": "b64_json" }),
        fields,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_gets_the_same_whoever_is_drawn() {
    let gateway = TestGateway::start().await;
    for fields in [
        json!({ "model": "gpt-image-2", "quality": "low", "size": "1664x2496" }),
        json!({ "model": "flux.1-schnell", "size": "1440x720" }),
        json!({ "model": "flux.1-schnell", "prompt": "a" }),
        json!({ "model": "flux.1-schnell", "prompt": "a".repeat(3500) }),
        json!({ "model": "flux.1-schnell", "seed": 0 }),
    ] {
        let mut seen: Vec<Value> = Vec::new();
        for _ in 0..DRAWS {
            let request = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
            let estimate = send(request.json(&balanced(fields.clone()))).await.ok();
            let told = estimate["adjustments"].clone();
            if !seen.contains(&told) {
                seen.push(told);
            }
        }
        assert_eq!(seen, [json!([])], "{fields}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_somebody_makes_comes_whoever_is_drawn() {
    let gateway = TestGateway::start().await;
    for _ in 0..4 {
        let body = balanced(json!({ "model": "gpt-image-2", "quality": "low", "size": "832x816" }));
        let answer = gateway.generate(body).await.ok();
        assert_eq!(answer["size"], "832x816");
    }
    let nobody = balanced(json!({ "model": "gpt-image-2", "size": "300x300", "route": { "fit": "required" } }));
    let fault = gateway.generate(nobody).await.fault("route.fit");
    let message = fault["message"].as_str().expect("a text");
    assert!(
        message.contains("openai would change size from 300x300 to 816x816"),
        "{message}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_request_tells_its_plan() {
    let gateway = TestGateway::start().await;
    let body = balanced(json!({ "model": "gpt-image-2", "quality": "low", "size": "832x816" }));
    let reply = gateway.generate(body).await;
    let answer = reply.ok();
    let told = gateway
        .get(&format!("/v1/requests/{}", answer["id"].as_str().expect("an id")))
        .await
        .ok();
    let plan = told["plan"].as_array().expect("candidates");
    assert_eq!(plan[0]["provider"], answer["metadata"]["provider"]);
    assert_eq!(plan[0]["fit"]["departures"], json!([]));
    let replicate = plan
        .iter()
        .find(|place| place["provider"] == "replicate")
        .expect("it lists sizes");
    assert_eq!(replicate["fit"]["departures"], json!(["size"]));
    assert!(
        replicate["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("would change size from 832x816 to 1024x1024")),
        "{replicate}"
    );
    gateway.finish().await;
}
