//! `GET /openai/v1/models` and `/{id}`: the fields that callers choose a model by.

use planner::catalog::model::Status;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{TestGateway, catalog, names, send};

const FIELDS: [&str; 26] = [
    "aliases",
    "alternative_names",
    "available",
    "capabilities",
    "created",
    "creator",
    "creator_organization",
    "description",
    "featured",
    "free",
    "id",
    "image_url",
    "modality",
    "model_page_path",
    "model_status",
    "modes",
    "name",
    "object",
    "owned_by",
    "providers",
    "starting_price",
    "starting_price_offer",
    "status",
    "successor",
    "sunset",
    "tags",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_list_holds_every_model_with_every_field() {
    let gateway = TestGateway::start().await;
    let list = gateway.get("/openai/v1/models").await.ok();
    assert_eq!(
        (names(&list), &list["object"]),
        (vec!["data", "object"], &json!("list"))
    );
    let models = list["data"].as_array().expect("a list");
    assert_eq!(models.len(), catalog().models().count());
    for model in models {
        assert_eq!(names(model), FIELDS);
        assert_eq!(
            (&model["object"], &model["modality"]),
            (&json!("model"), &json!("image"))
        );
        assert!(model["created"].is_i64() && model["owned_by"].is_string());
    }
    assert_eq!(
        gateway.get("/v1/models").await.ok(),
        list,
        "the short path says the same"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_tells_modes_price_and_providers() {
    let gateway = TestGateway::start().await;
    let model = gateway.get("/openai/v1/models/gpt-image-1.5").await.ok();
    for (name, value) in [
        ("id", json!("gpt-image-1.5")),
        ("name", json!("GPT Image 1.5")),
        ("owned_by", json!("openai")),
        ("creator_organization", json!("OpenAI")),
        ("modes", json!(["text-to-image", "image-edit"])),
        (
            "capabilities",
            json!(["generation", "editing", "inpainting", "multiple-inputs"]),
        ),
        ("status", json!("enabled")),
        ("available", json!(true)),
        ("successor", json!("gpt-image-2")),
        ("free", json!(false)),
        ("aliases", json!(["gpt-image-1.5-2025-12-16"])),
        ("starting_price", json!(0.009)),
        (
            "starting_price_offer",
            json!({ "provider": "openai", "conditions": { "quality": "low", "size": null } }),
        ),
        ("providers", json!(["openai", "fal", "replicate"])),
        ("model_page_path", json!("/models/openai/gpt-image-1.5")),
        // 2025-12-16 at midnight UTC.
        ("created", json!(1_765_843_200)),
    ] {
        assert_eq!(model[name], value, "{name}");
    }
    let mock = gateway.get("/openai/v1/models/mock-image").await.ok();
    assert_eq!((&mock["free"], &mock["starting_price"]), (&json!(true), &json!(0.0)));
    assert!(
        mock["modes"]
            .as_array()
            .is_some_and(|modes| modes.contains(&json!("upscale")))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_and_forced_providers_lead_to_their_model() {
    let gateway = TestGateway::start().await;
    for (name, id) in [
        ("flux-schnell", "flux.1-schnell"),
        ("gpt-image-2-2026-04-21", "gpt-image-2"),
        ("openai/gpt-image-1.5", "gpt-image-1.5"),
        ("replicate/flux-schnell", "flux.1-schnell"),
        ("fal%2Fgpt-image-2", "gpt-image-2"),
        ("mock", "mock-image"),
    ] {
        let model = gateway.get(&format!("/openai/v1/models/{name}")).await.ok();
        assert_eq!(model["id"], id, "{name}");
    }
    let error = gateway
        .get("/openai/v1/models/gpt-image-1.55")
        .await
        .error(404, "MODEL_NOT_FOUND");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("Did you mean 'gpt-image-1.5'?")),
        "{error}"
    );
    for unknown in ["a/b/c/d", "%ff", "%00", "..", "openai/"] {
        let reply = gateway.get(&format!("/openai/v1/models/{unknown}")).await;
        assert_eq!(reply.status.as_u16(), 404, "{unknown}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_models_are_listed_as_disabled() {
    let gateway = TestGateway::start().await;
    let retired: Vec<String> = catalog()
        .models()
        .filter(|model| model.status() == Status::Retired)
        .map(|model| model.id.clone())
        .collect();
    assert!(retired.contains(&"dall-e-3".to_owned()));
    for id in retired {
        let model = gateway.get(&format!("/openai/v1/models/{id}")).await.ok();
        assert_eq!(
            (&model["status"], &model["model_status"]),
            (&json!("disabled"), &json!("retired")),
            "{id}"
        );
        assert_eq!(
            (&model["available"], &model["starting_price"]),
            (&json!(false), &Value::Null),
            "{id}"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_credential_is_not_available() {
    let gateway = TestGateway::with(|settings| settings.providers.retain(|id, _| id == "openai")).await;
    for (id, available) in [
        ("gpt-image-1.5", true),
        ("flux.1-schnell", false),
        ("mock-image", true),
        ("dall-e-2", false),
    ] {
        let model = gateway.get(&format!("/openai/v1/models/{id}")).await.ok();
        assert_eq!(model["available"], available, "{id}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_operators_folder_are_there_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("models/somebody/house-style.toml");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is made");
    let text = r#"
id = "house-style"
name = "House Style"
description = "An operator's own model."
creator = "somebody"
creator_name = "Somebody"
family = "house"

[prose]
overview = "A model that only this gateway has."
best_for = "Tests."

[[offers]]
provider = "openai"

[offers.common]
model = "gpt-image-1-mini"
max_n = 10
default_format = "png"
sizes = { listed = ["1024x1024"] }

[offers.common.fields]
prompt = {}
n = {}
size = { form = "wxh" }

[offers.modes.text-to-image]

[offers.pricing]
source = "nobody"
as_of = "2026-08-01"
components = [{ type = "output", metric = "image", unit_price = "0.01" }]
"#;
    std::fs::write(&file, text).expect("the file is written");
    let catalog = gateway::builtin::catalog(Some(folder.path())).unwrap_or_else(|error| panic!("{error}"));
    assert!(catalog.model("house-style").is_some() && catalog.model("gpt-image-1.5").is_some());
    std::fs::write(&file, "id = 7\n").expect("the file is written");
    let error = gateway::builtin::catalog(Some(folder.path())).expect_err("a mistake is told");
    assert!(error.to_string().contains("house-style.toml"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_models_needs_a_key() {
    let gateway = TestGateway::start().await;
    send(gateway.anonymous(Method::GET, "/openai/v1/models"))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
}

/// What an offer tells of itself is what holds: a documented field that Pictor has no parameter for arrives as it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_offer_tells_its_bounds_and_the_further_fields_of_its_provider() {
    let gateway = TestGateway::start().await;
    let told = gateway.get("/openai/v1/models/flux.2-klein-4b?schema=true").await.ok();
    let offers = told["offers"].as_array().expect("a list");
    let own = offers
        .iter()
        .find(|offer| offer["provider"] == "replicate")
        .expect("an offer");
    let mode = &own["modes"]["text-to-image"];
    assert_eq!(mode["passthrough"], json!(["go_fast"]));
    let prompt = &mode["parameters"]["prompt"];
    assert_eq!(
        (&prompt["native"], &prompt["type"]),
        (&json!("prompt"), &json!("string"))
    );
    assert_eq!(mode["parameters"]["resolution"]["native"], "output_megapixels");
    let body = json!({ "model": "replicate/flux.2-klein-4b", "prompt": "dunes", "go_fast": true });
    let made = gateway.generate(body).await.ok();
    assert_eq!(made["metadata"]["adjustments"], json!([]));
    let calls = gateway.upstream_calls().await;
    assert_eq!(calls[0]["body"]["input"]["go_fast"], true, "{calls:?}");
    let page = send(gateway.anonymous(Method::GET, "/models/black-forest-labs/flux.2-klein-4b"))
        .await
        .text();
    assert!(page.contains("Also takes") && page.contains("<code>go_fast</code>"));
    gateway.finish().await;
}
