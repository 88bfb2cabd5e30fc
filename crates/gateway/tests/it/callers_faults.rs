//! What callers do wrong harms nobody else, and what they leave empty was not given.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, micros, send};

fn body(model: &str, more: &Value) -> Value {
    let mut body = json!({ "model": model, "prompt": "dunes", "quality": "low", "response_format": "b64_json" });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().expect("an object"));
    body
}

async fn healthy(gateway: &TestGateway, provider: &str) -> bool {
    let told = gateway.get("/v1/health/providers").await.ok();
    let providers = told["data"].as_array().cloned().expect("a list of providers");
    let its = providers.iter().filter(|one| one["id"] == provider);
    let mut offers = its.flat_map(|one| one["offers"].as_array().cloned().unwrap_or_default());
    offers.all(|offer| offer["healthy"] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_empty_pays_for_nothing() {
    let gateway = TestGateway::start().await;
    for empty in [json!(""), json!("  "), json!(null)] {
        let own = json!({ "openai_api_key": empty });
        let answer = gateway.generate(body("replicate/gpt-image-1.5", &own)).await.ok();
        assert!(micros(&answer["metadata"]["cost"]) > 0, "{empty} is no key");
        // Where the key is needed, it is missing.
        let reply = gateway.generate(body("replicate/gpt-image-1-mini", &own)).await;
        let error = reply.error(400, "INVALID_REQUEST");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("openai_api_key")),
            "{error}"
        );
    }
    assert_eq!(gateway.bill().await.len(), 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_own_credential_that_is_refused_is_told_to_him_and_closes_nothing() {
    let gateway = TestGateway::start().await;
    let wrong = json!({ "openai_api_key": "nonsense", "route": { "only": ["replicate"] } });
    for _ in 0..6 {
        let reply = gateway.generate(body("gpt-image-1-mini", &wrong)).await;
        let error = reply.error(400, "UPSTREAM_ERROR");
        assert_eq!(error["param"], "openai_api_key");
        let message = error["message"].as_str().expect("a message");
        assert!(
            !message.contains("gateway's") && !message.contains("nonsense"),
            "{message}"
        );
        assert_eq!(error["metadata"]["attempts"].as_array().map(Vec::len), Some(1));
    }
    assert!(healthy(&gateway, "replicate").await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_reaches_nothing_that_is_set_here() {
    let gateway = TestGateway::start().await;
    for name in [
        "model.x", "model[x]", "MODEL", "Model.id", "prompt.x", "size[0]", "N", " model",
    ] {
        let reply = gateway
            .generate(body("openai/gpt-image-1-mini", &json!({ name: "gpt-4" })))
            .await;
        let answer = reply.ok();
        let dropped = answer["metadata"]["adjustments"].as_array().cloned().expect("a list");
        let told = dropped
            .iter()
            .any(|change| change["parameter"] == name && change["used"].is_null());
        assert!(told || name == "N", "{name}: {dropped:?}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_what_nobody_knows_closes_nothing_for_others() {
    let gateway = TestGateway::start().await;
    let odd = json!({ "no_such_thing": 1, "prompt": "dunes [[fault: status=500]]" });
    for _ in 0..6 {
        let reply = gateway.generate(body("fal/flux.1-schnell", &odd)).await;
        reply.error(502, "UPSTREAM_ERROR");
    }
    assert!(healthy(&gateway, "fal").await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_that_is_misspelt_never_spends() {
    let gateway = TestGateway::start().await;
    let ask = async |query: &str, body: &Value| {
        let path = format!("{GENERATIONS}?{query}");
        send(gateway.request(Method::POST, &path).json(body)).await
    };
    let plain = body("gpt-image-1-mini", &json!({}));
    for query in ["dryRun", "dry_run=1", "DRYRUN=yes", "dry-run=TRUE"] {
        assert_eq!(ask(query, &plain).await.ok()["estimated"], true, "{query}");
    }
    for (query, meant) in [
        ("dryrum=true", "'dryRun'"),
        ("dryRun=tru", "true, 1, yes"),
        ("explaim", "'explain'"),
    ] {
        let error = ask(query, &plain).await.error(400, "INVALID_REQUEST");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(meant)),
            "{error}"
        );
    }
    let inside = body("gpt-image-1-mini", &json!({ "dry_run": true }));
    ask("", &inside).await.error(400, "INVALID_REQUEST");
    assert_eq!(gateway.upstream_calls().await.len(), 0);
    ask("dryRun=no&api-version=2025-04-01-preview", &plain).await.ok();
    assert_eq!(gateway.upstream_calls().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_an_estimate_add_up_to_it() {
    let gateway = TestGateway::with(|settings| settings.markup_percent = 10.into()).await;
    for model in [
        "fal/gpt-image-1",
        "fal/gpt-image-1-mini",
        "openai/gpt-image-2",
        "fal/gpt-image-2.5-flare",
    ] {
        let path = format!("{GENERATIONS}?dryRun=true");
        let asked = body(model, &json!({ "n": 3 }));
        let told = send(gateway.request(Method::POST, &path).json(&asked)).await.ok();
        let parts = told["components"].as_array().cloned().expect("a list");
        let sum: i64 = parts.iter().filter_map(|part| part["total_cost"].as_i64()).sum();
        assert_eq!(told["total_cost_micros"], sum, "{model}: {told}");
        assert!(
            parts
                .iter()
                .all(|part| part["quantity"].is_number() && part["billable_quantity"].is_number())
        );
    }
    gateway.finish().await;
}
