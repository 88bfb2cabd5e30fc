//! Figures of providers that cannot be: nobody pays for them.

use serde_json::{Value, json};

use super::harness::{GENERATIONS, LiveProvider, TestGateway, micros, plain};

/// What a request cost, and on what basis, whose provider tells of this usage; and what was held for it.
async fn charged(usage: Value) -> (i64, String, i64) {
    let provider = LiveProvider::listen().await;
    let gateway = TestGateway::with(|settings| {
        let openai = settings.providers.get_mut("openai").expect("a provider");
        openai.base_url = Some(provider.base_url());
    })
    .await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024",
        "stream": true, "partial_images": 1 });
    let path = format!("{GENERATIONS}?dryRun=true");
    let estimate = super::harness::send(gateway.request(reqwest::Method::POST, &path).json(&body)).await;
    let held = estimate.ok()["total_cost_micros"].as_i64().expect("an amount");
    let answer = async {
        let call = provider.call().await;
        call.completed_with(
            &plain((1024, 1024), [9, 99, 200, 255], imaging::ImageFormat::Png),
            usage,
        )
        .await;
    };
    let (reply, ()) = tokio::join!(gateway.generate(body), answer);
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["status"], "completed", "{recorded}");
    let basis = recorded["cost_basis"].as_str().unwrap_or_default().to_owned();
    gateway.finish().await;
    (micros(&recorded["cost"]), basis, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_above_what_was_held_is_charged_as_held() {
    let (cost, basis, held) = charged(json!({ "input_tokens": 10, "output_tokens": 1_000_000_000_000_u64 })).await;
    assert_eq!((cost, basis.as_str()), (held, "usage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_that_do_not_fit_are_absent() {
    let (cost, basis, held) =
        charged(json!({ "input_tokens": 10, "output_tokens": 9_000_000_000_000_000_000_u64 })).await;
    assert_eq!(basis, "table");
    assert!(cost > 0 && cost <= held, "{cost} of {held}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_that_can_be_are_charged_as_they_are() {
    let (cost, basis, held) = charged(json!({ "input_tokens": 10, "output_tokens": 272 })).await;
    assert_eq!(basis, "usage");
    assert!(cost > 0 && cost < held, "{cost} of {held}");
}
