//! What follows a refusal: of a request that is not safe, and of an argument that a provider does not take.

use serde_json::json;

use super::super::harness::TestGateway;
use super::{attempts, body, expected, of_error};

#[tokio::test(flavor = "multi_thread")]
async fn a_safety_block_ends_the_generation_unless_the_operator_opted_in() {
    let gateway = TestGateway::start().await;
    let reply = gateway
        .generate(body("gpt-image-1.5", &["provider=openai moderation"]))
        .await;
    let error = reply.error(400, "CONTENT_POLICY_VIOLATION");
    assert_eq!(
        (&error["type"], &error["param"]),
        (&json!("image_generation_user_error"), &json!("prompt"))
    );
    assert_eq!(of_error(&error).len(), 1, "nobody else is asked");
    assert_eq!(error["metadata"]["stage"], "input");
    assert!(error["metadata"]["categories"].is_array());
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["status"], "rejected");
    for model in ["fal/gpt-image-1.5", "replicate/gpt-image-1.5"] {
        gateway
            .generate(body(model, &["moderation"]))
            .await
            .error(400, "CONTENT_POLICY_VIOLATION");
    }
    gateway.finish().await;

    let open = TestGateway::with(|settings| settings.failover_on_content_policy = true).await;
    let reply = open
        .generate(body("gpt-image-1.5", &["provider=openai moderation"]))
        .await;
    let told = attempts(&reply.ok()["metadata"]["attempts"]);
    assert_eq!(
        told,
        expected(&[("openai", "content_policy", "no"), ("fal", "ok", "yes")])
    );
    open.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_provider_refuses_another_may_take() {
    let gateway = TestGateway::start().await;
    let refused = |provider| (provider, "invalid_argument", "no");
    for status in [400, 422] {
        let fault = format!("provider=openai status={status}");
        let answer = gateway.generate(body("gpt-image-1.5", &[&fault])).await.ok();
        let told = attempts(&answer["metadata"]["attempts"]);
        assert_eq!(told, expected(&[refused("openai"), ("fal", "ok", "yes")]));
    }
    let all = gateway.generate(body("gpt-image-1.5", &["status=400"])).await;
    let error = all.error(400, "UPSTREAM_ERROR");
    let every = expected(&[refused("openai"), refused("fal"), refused("replicate")]);
    assert_eq!(of_error(&error), every, "each was asked, and none twice");
    let faults = [
        "provider=openai status=400",
        "provider=fal status=401",
        "provider=replicate status=400",
    ];
    let mixed = gateway.generate(body("gpt-image-1.5", &faults)).await;
    let error = mixed.error(502, "ALL_PROVIDERS_EXHAUSTED");
    assert_eq!(of_error(&error).len(), 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_that_every_provider_refuses_is_the_callers_fault() {
    let gateway = TestGateway::start().await;
    let mut body = body("openai/gpt-image-1.5", &[]);
    body["no_such_parameter"] = json!(1);
    let reply = gateway.generate(body).await;
    let error = reply.error(400, "UPSTREAM_ERROR");
    assert_eq!(
        (&error["param"], &error["type"]),
        (&json!("no_such_parameter"), &json!("upstream_error"))
    );
    assert_eq!(of_error(&error), expected(&[("openai", "invalid_argument", "no")]));
    gateway.finish().await;
}
