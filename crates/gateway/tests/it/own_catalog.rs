//! A folder of the operator's own: models added by one file, models overridden, and what is switched off.

use serde_json::{Value, json};

use super::harness::{TestGateway, small};

/// A model that fal runs and nobody knew here before.
pub(crate) const ADDED: &str = r#"
id = "house-schnell"
name = "House Schnell"
description = "The quick model, under a name of our own."
creator = "house"
creator_name = "Our House"
aliases = ["house"]

[[offers]]
provider = "fal"

[offers.common]
model = "fal-ai/flux/schnell"
max_n = 2
default_format = "jpeg"
sizes = { listed = ["512x512", "1024x512"] }

[offers.common.fields]
prompt = {}
n = { to = "num_images" }
size = { to = "image_size", form = "size-object" }
seed = {}
guidance_scale = { min = 1, max = 10 }
output_format = { values = ["jpeg", "png"] }

[offers.modes.text-to-image]

[offers.pricing]
source = "our contract"
as_of = "2026-11-01"
components = [{ type = "output", metric = "image", unit_price = "0.002" }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_file_adds_a_model() {
    let gateway = TestGateway::with_catalog(&[("models/house/house-schnell.toml", ADDED)], |_| {}).await;
    let listed = gateway.get("/openai/v1/models/house?schema=true").await.ok();
    assert_eq!(
        (&listed["id"], &listed["starting_price"]),
        (&json!("house-schnell"), &json!(0.002))
    );
    let guidance = &listed["schema"]["properties"]["guidance_scale"];
    assert_eq!((&guidance["minimum"], &guidance["maximum"]), (&json!(1), &json!(10)));
    let body = json!({ "model": "house", "prompt": "dunes", "n": 3, "aspect_ratio": "2:1", "seed": 7, "response_format": "b64_json" });
    let answer = gateway.generate(body).await.ok();
    assert_eq!(answer["size"], "1024x512");
    assert_eq!(answer["metadata"]["cost"], 0.006);
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(3));
    gateway.image(&answer, 2).await;
    // What no offer takes is refused, with what is legal.
    let body = json!({ "model": "house", "prompt": "dunes", "guidance_scale": 11 });
    let error = gateway.generate(body).await.fault("guidance_scale");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("from 1 to 10")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_known_id_takes_its_place() {
    let own = ADDED
        .replace("house-schnell", "flux.1-schnell")
        .replace("0.002", "0.001");
    let gateway = TestGateway::with_catalog(&[("models/ours.toml", &own)], |_| {}).await;
    let model = gateway.get("/openai/v1/models/flux.1-schnell").await.ok();
    assert_eq!(
        (&model["starting_price"], &model["providers"]),
        (&json!(0.001), &json!(["fal"]))
    );
    // The alias of the file that it replaced is gone with it.
    gateway
        .generate(small("flux-schnell"))
        .await
        .error(404, "MODEL_NOT_FOUND");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_providers_and_offers_can_be_switched_off() {
    let off = "models = [\"gpt-image-1\"]\nproviders = [\"replicate\"]\noffers = [\"openai/gpt-image-1.5\"]\n";
    let gateway = TestGateway::with_catalog(&[("off.toml", off)], |_| {}).await;
    let error = gateway
        .generate(small("gpt-image-1"))
        .await
        .error(404, "MODEL_DISABLED");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("switched off") && message.contains("'gpt-image-2'"),
        "{message}"
    );
    let model = gateway.get("/openai/v1/models/gpt-image-1").await.ok();
    assert_eq!(
        (&model["status"], &model["model_status"]),
        (&json!("disabled"), &json!("active"))
    );
    let providers = gateway.get("/openai/v1/models/gpt-image-1.5").await.ok()["providers"].clone();
    assert_eq!(providers, json!(["fal"]));
    let answer = gateway.generate(small("gpt-image-1.5")).await.ok();
    assert_eq!(answer["metadata"]["provider"], "fal");
    gateway
        .generate(small("openai/gpt-image-1.5"))
        .await
        .error(404, "MODEL_NOT_FOUND");
    let calls = gateway.upstream_calls().await;
    let called: Vec<&Value> = calls.iter().map(|call| &call["provider"]).collect();
    assert!(called.iter().all(|provider| **provider == "fal"), "{called:?}");
    gateway.finish().await;
}
