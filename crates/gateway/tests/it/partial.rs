//! Several images of which some calls fail: what came is delivered, and charged, and no more.

use serde_json::{Value, json};

use super::harness::{TestGateway, micros, names};

fn ten(model: &str) -> Value {
    json!({ "model": model, "prompt": "a calm sea", "n": 10, "size": "512x512", "response_format": "b64_json" })
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_came_are_delivered_with_the_errors_of_the_rest() {
    let gateway = TestGateway::start().await;
    // Ten images are calls of four, four and two; one of the three fails.
    gateway
        .fault(json!({ "provider": "fal", "fault": { "status": 500 }, "times": 1 }))
        .await;
    let reply = gateway.generate(ten("fal/flux.1-schnell")).await;
    let answer = reply.ok();
    let delivered = answer["data"].as_array().expect("a list").len();
    assert!(delivered == 6 || delivered == 8, "{delivered}");
    let metadata = &answer["metadata"];
    let errors = metadata["errors"].as_array().expect("the errors of the rest");
    assert_eq!(errors.len(), 1);
    assert_eq!(names(&errors[0]), ["code", "message", "param"]);
    let attempts = metadata["attempts"].as_array().expect("a list");
    assert_eq!(
        attempts
            .iter()
            .filter(|attempt| attempt["outcome"] == "succeeded")
            .count(),
        2
    );
    let parts: i64 = metadata["images"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|image| micros(&image["cost"]))
        .sum();
    assert_eq!(micros(&metadata["cost"]), parts);
    assert_eq!(
        parts,
        3_000 * delivered as i64,
        "three tenths of a cent for each image that came"
    );
    assert_eq!(gateway.billed_micros().await, parts);
    for index in [0, delivered - 1] {
        gateway.image(&answer, index).await;
    }
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(
        (&recorded["status"], micros(&recorded["cost"])),
        (&json!("completed"), parts)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_images_are_made_by_the_next_provider() {
    let gateway = TestGateway::start().await;
    gateway
        .fault(json!({ "provider": "fal", "fault": { "status": 500 }, "times": 1 }))
        .await;
    let answer = gateway.generate(ten("flux.1-schnell")).await.ok();
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(10));
    let metadata = &answer["metadata"];
    assert!(metadata.get("errors").is_none(), "nothing is missing");
    let images = metadata["images"].as_array().expect("a list");
    let by = |provider: &str| images.iter().filter(|image| image["provider"] == provider).count();
    assert!(by("replicate") == 4 || by("replicate") == 2, "{images:?}");
    assert_eq!(by("fal") + by("replicate"), 10);
    assert_eq!(metadata["provider"], "fal", "the first image's");
    let parts: i64 = images.iter().map(|image| micros(&image["cost"])).sum();
    assert_eq!(micros(&metadata["cost"]), parts);
    assert_eq!(gateway.billed_micros().await, parts);
    for index in 0..10 {
        gateway.image(&answer, index).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_call_gives_an_image_the_error_is_the_answer() {
    let gateway = TestGateway::start().await;
    gateway
        .fault(json!({ "provider": "fal", "fault": { "moderation": true }, "times": null }))
        .await;
    let reply = gateway.generate(ten("flux.1-schnell")).await;
    let error = reply.error(400, "CONTENT_POLICY_VIOLATION");
    assert_eq!(error["metadata"]["attempts"].as_array().map(Vec::len), Some(3));
    assert_eq!(gateway.billed_micros().await, 0);
    gateway.finish().await;
}
