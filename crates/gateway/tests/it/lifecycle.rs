//! Ends of offers and models: announced, passed, and what the operator puts in their place. The clock is the test's.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, send, small, with};

/// GPT Image 1.5 ends at OpenAI on this day; on it, it still counts as there.
const LAST_DAY: &str = "2026-12-01T23:59:59Z";
const DAY_AFTER: &str = "2026-12-02T00:00:00Z";

async fn order(gateway: &TestGateway, body: &Value) -> Vec<String> {
    let request = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    let estimate = send(request.json(body)).await.ok();
    let candidates = estimate["candidates"].as_array().expect("a list");
    candidates
        .iter()
        .map(|one| one["provider"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_day_that_has_passed_puts_an_offer_last_and_warns() {
    let gateway = TestGateway::start().await;
    let body = with(
        small("gpt-image-1.5"),
        json!({ "size": "1024x1024", "output_format": "jpeg" }),
    );
    assert_eq!(order(&gateway, &body).await, ["openai", "fal", "replicate"]);
    let before = gateway.generate(body.clone()).await;
    let told = |reply: &super::harness::Reply| {
        reply.ok()["metadata"]["warnings"][0]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(told(&before).contains("ends on 2026-12-01"), "{}", told(&before));
    // RFC 8594 and RFC 9745.
    assert_eq!(before.header("sunset"), "Tue, 01 Dec 2026 00:00:00 GMT");
    assert_eq!(before.header("deprecation"), "@1796083200");

    gateway.clock.set(LAST_DAY);
    assert_eq!(order(&gateway, &body).await, ["openai", "fal", "replicate"]);
    gateway.clock.set(DAY_AFTER);
    assert_eq!(order(&gateway, &body).await, ["fal", "replicate", "openai"]);
    let other = gateway.generate(body.clone()).await;
    assert_eq!(other.ok()["metadata"]["provider"], "fal");
    assert_eq!((other.header("sunset"), other.header("deprecation")), ("", ""));
    // Dates are often wrong: who wants the offer still gets it, with a warning.
    let forced = gateway
        .generate(with(body.clone(), json!({ "model": "openai/gpt-image-1.5" })))
        .await;
    assert_eq!(forced.ok()["metadata"]["provider"], "openai");
    assert!(
        told(&forced).contains("ended on 2026-12-01") && told(&forced).contains("'gpt-image-2'"),
        "{}",
        told(&forced)
    );
    // And it is there when all others fail.
    for provider in ["fal", "replicate"] {
        gateway
            .fault(json!({ "provider": provider, "fault": "status=429" }))
            .await;
    }
    let last = gateway.generate(body).await.ok();
    assert_eq!(last["metadata"]["provider"], "openai");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_whose_offers_all_end_is_deprecated() {
    let gateway = TestGateway::start().await;
    let model = async |id: &str| gateway.get(&format!("/openai/v1/models/{id}")).await.ok();
    let retired = model("dall-e-3").await;
    assert_eq!(
        (&retired["model_status"], &retired["status"]),
        (&json!("retired"), &json!("disabled"))
    );
    assert_eq!(
        (&retired["successor"], &retired["sunset"]),
        (&json!("gpt-image-2"), &json!("2026-05-12"))
    );
    // Two of three offers have no announced end.
    let active = model("gpt-image-1.5").await;
    assert_eq!(
        (&active["model_status"], &active["sunset"]),
        (&json!("active"), &Value::Null)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_model_is_refused_with_its_successor() {
    let gateway = TestGateway::start().await;
    for name in ["dall-e-3", "openai/dall-e-3"] {
        let error = gateway.generate(small(name)).await.error(404, "MODEL_DISABLED");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("retired") && message.contains("'gpt-image-2'"),
            "{message}"
        );
    }
    assert_eq!(gateway.upstream_calls().await.len(), 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_put_a_successor_in_a_retired_model_s_place() {
    let gateway = TestGateway::with(|settings| {
        settings
            .successors
            .insert("dall-e-3".to_owned(), "fal/gpt-image-1-mini".to_owned());
    })
    .await;
    let body = json!({ "model": "dall-e-3", "prompt": "dunes", "size": "1792x1024", "quality": "standard" });
    let answer = gateway.generate(body).await.ok();
    let metadata = &answer["metadata"];
    assert_eq!(
        (&metadata["model"], &metadata["provider"]),
        (&json!("gpt-image-1-mini"), &json!("fal"))
    );
    let told = &metadata["adjustments"][0];
    assert_eq!(
        (&told["parameter"], &told["requested"], &told["used"]),
        (&json!("model"), &json!("dall-e-3"), &json!("gpt-image-1-mini"))
    );
    // Its own values are understood all the same.
    let quality = &metadata["adjustments"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["parameter"] == "quality");
    assert_eq!(quality.map(|one| &one["used"]), Some(&json!("medium")));
    // Others are not replaced.
    gateway.generate(small("dall-e-2")).await.error(404, "MODEL_DISABLED");
    gateway.finish().await;
}

/// Every model is told of and planned, whatever the day, and what has ended stands behind what has not.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_falls_out_as_days_pass() {
    let gateway = TestGateway::start().await;
    for day in ["2026-12-04T12:00:00Z", "2027-03-01T12:00:00Z"] {
        gateway.clock.set(day);
        let listed = gateway.get("/openai/v1/models").await.ok();
        let models = listed["data"].as_array().expect("a list").iter();
        let drawing = models.filter(|model| {
            let modes = model["modes"].as_array().expect("a list");
            model["status"] == "enabled" && modes.contains(&json!("text-to-image"))
        });
        let mut count = 0;
        for model in drawing {
            let id = model["id"].as_str().expect("an id");
            let body = with(small(id), json!({ "openai_api_key": "sk-of-somebody" }));
            let places = order(&gateway, &body).await;
            assert!(!places.is_empty(), "{id} on {day}");
            count += 1;
        }
        assert!(count > 50, "{count} models draw on {day}");
        // Both ended at OpenAI on the first of December.
        for id in ["gpt-image-1.5", "gpt-image-1-mini"] {
            let places = order(&gateway, &small(id)).await;
            assert_eq!(
                places.last().map(String::as_str),
                Some("openai"),
                "{id} on {day}: {places:?}"
            );
        }
        let made = gateway.generate(small("gpt-image-2")).await;
        assert_eq!(made.ok()["metadata"]["warnings"], json!([]));
    }
    gateway.finish().await;
}
