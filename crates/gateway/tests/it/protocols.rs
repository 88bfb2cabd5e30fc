//! Every protocol over real HTTP against its emulator: how each kind of refusal ends, and what is tried after it.

use planner::catalog::offer::Offer;
use planner::mode::Mode;
use reqwest::Method;
use serde_json::{Value, json};

use super::failover::FORGIVEN_S;
use super::harness::{GENERATIONS, TestGateway, catalog, send};

/// A fault, the code of its attempt, the answer of a provider that was forced, and whether another one is tried.
const FAULTS: [(&str, &str, u16, &str, bool); 5] = [
    ("moderation", "content_policy", 400, "CONTENT_POLICY_VIOLATION", false),
    ("status=429 retry-after=60", "rate_limited", 429, "UPSTREAM_ERROR", true),
    ("quota", "quota_exhausted", 502, "UPSTREAM_ERROR", true),
    ("status=401", "bad_credential", 502, "UPSTREAM_ERROR", true),
    ("empty", "empty_answer", 502, "UPSTREAM_ERROR", true),
];

/// For each provider, models that it draws with for anybody.
fn models() -> Vec<(String, Vec<String>)> {
    let catalog = catalog();
    let providers = catalog.providers().filter(|provider| !provider.sandbox_only);
    let draws = |offer: &Offer| offer.requires.is_empty() && offer.modes.contains_key(&Mode::TextToImage);
    let of = |provider: &str| {
        let serves = |model: &&planner::catalog::model::Model| {
            model
                .live_offers()
                .any(|offer| offer.provider == provider && draws(offer))
        };
        catalog
            .models()
            .filter(serves)
            .map(|model| model.id.clone())
            .collect::<Vec<_>>()
    };
    providers
        .map(|provider| (provider.id.clone(), of(&provider.id)))
        .filter(|(_, models)| !models.is_empty())
        .collect()
}

async fn order(gateway: &TestGateway, fault: &str, provider: &str) {
    gateway.fault(json!({ "provider": provider, "fault": fault })).await;
}

async fn clear(gateway: &TestGateway) {
    let reply = gateway
        .client
        .delete(gateway.sandbox_url("/_sandbox/faults"))
        .send()
        .await;
    assert!(reply.expect("the sandbox answers").status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_provider_s_refusals_have_their_codes() {
    let gateway = TestGateway::start().await;
    let models = models();
    assert!(models.len() >= 12, "{models:?}");
    for (provider, models) in &models {
        for (fault, code, status, answer, _) in FAULTS {
            order(&gateway, fault, provider).await;
            let body = json!({ "model": format!("{provider}/{}", models[0]), "prompt": "dunes" });
            let error = gateway.generate(body).await.error(status, answer);
            let attempts = error["metadata"]["attempts"].as_array().expect("attempts");
            assert!(
                attempts.iter().all(|attempt| attempt["code"] == code),
                "{provider} {fault}: {attempts:?}"
            );
            let text = error.to_string();
            assert!(
                !text.contains("dunes") && !text.contains("sandbox:sandbox"),
                "{provider} {fault}: {text}"
            );
            clear(&gateway).await;
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_refusal_is_decided_by_what_happened() {
    let gateway = TestGateway::start().await;
    let mut led = Vec::new();
    for (provider, models) in models() {
        // A model of which this provider has the first offer and another one the second, when nobody is held to be unwell.
        gateway.clock.advance_s(FORGIVEN_S);
        let mut found = None;
        for model in models {
            let body = json!({ "model": model, "prompt": "dunes", "quality": "low" });
            let request = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
            let candidates = send(request.json(&body)).await.ok()["candidates"].clone();
            if candidates[0]["provider"] == provider && candidates[1]["provider"].is_string() {
                found = Some((body, candidates[1]["provider"].clone()));
                break;
            }
        }
        let Some((body, second)) = found else { continue };
        for (fault, code, _, answer, goes_on) in FAULTS {
            gateway.clock.advance_s(FORGIVEN_S);
            order(&gateway, fault, &provider).await;
            let reply = gateway.generate(body.clone()).await;
            let attempts = if goes_on {
                let metadata = reply.ok()["metadata"].clone();
                assert_eq!(metadata["provider"], second, "{provider} {fault}");
                metadata["attempts"].clone()
            } else {
                reply.error(400, answer)["metadata"]["attempts"].clone()
            };
            let told: Vec<(&Value, &Value)> = attempts
                .as_array()
                .expect("attempts")
                .iter()
                .map(|one| (&one["provider"], &one["code"]))
                .collect();
            assert_eq!(told[0], (&json!(provider), &json!(code)), "{provider} {fault}");
            let others = told.iter().filter(|(one, _)| **one != json!(provider)).count();
            assert_eq!(others, usize::from(goes_on), "{provider} {fault}: {told:?}");
            clear(&gateway).await;
        }
        led.push(provider);
    }
    assert!(led.len() >= 6, "only {led:?} stand first in a plan");
    gateway.finish().await;
}
