//! The rows of three pages of the hosted service whose behavior is offered here, each named by its file and line:
//! 000 is its API page of GPT Image 1 Mini, 001 that of GPT Image 1.5, 004 its reference of generations.

mod sizes;

use serde_json::{Value, json};

use super::harness::{TestGateway, send, size_of};

const MINI: (&str, &str) = ("000", "gpt-image-1-mini");
const FULL: (&str, &str) = ("001", "gpt-image-1.5");

/// A row: line, parameter, type, values, default, group of the page, group of providers.
type Row = (
    u32,
    &'static str,
    &'static str,
    Value,
    Value,
    &'static str,
    &'static str,
);

/// Both pages have the modes "T2I" and "Edit" in every row.
const MODES: [&str; 2] = ["text-to-image", "image-edit"];

fn rows(mini: bool) -> Vec<Row> {
    let line = |of_mini: u32, of_full: u32| if mini { of_mini } else { of_full };
    let sizes = if mini {
        json!(["1024x1024", "1536x1024", "1024x1536"])
    } else {
        json!(["1254x836", "836x1254", "1024x1024", "1536x1024", "1024x1536"])
    };
    let text = |line, name, values: Value, group, providers| -> Row {
        (line, name, "string", values, Value::Null, group, providers)
    };
    let any = "universal";
    let mut rows = vec![
        text(line(47, 47), "prompt", Value::Null, "core", any),
        text(line(53, 53), "quality", json!(["high", "low", "medium"]), "core", any),
        text(line(67, 69), "size", sizes, "size", any),
        text(line(79, 83), "aspect_ratio", json!(["2:3", "1:1", "3:2"]), "size", any),
        text(line(91, 95), "resolution", json!(["1K"]), "size", any),
        (
            line(170, 186),
            "response_format",
            "string",
            // Beside those of the page, both at once, which is the default.
            json!(["url", "b64_json", "both"]),
            json!("both"),
            "output",
            any,
        ),
        text(
            line(181, 197),
            "output_format",
            json!(["png", "jpeg", "gif", "webp", "avif"]),
            "output",
            any,
        ),
        (
            line(195, 211),
            "output_compression",
            "integer",
            Value::Null,
            Value::Null,
            "output",
            any,
        ),
        (line(201, 221), "n", "integer", Value::Null, json!(1), "output", any),
        text(
            line(219, 239),
            "background",
            json!(["opaque", "transparent"]),
            "additional",
            any,
        ),
        (
            line(233, 272),
            "sync_mode",
            "boolean",
            Value::Null,
            Value::Null,
            "additional",
            "fal",
        ),
        text(line(252, 294), "user", Value::Null, "additional", "openai"),
    ];
    if mini {
        rows.push(text(243, "moderation", json!(["low"]), "additional", "openai"));
    } else {
        rows.extend([
            text(249, "input_fidelity", json!(["high", "low"]), "additional", any),
            text(259, "moderation", json!(["low"]), "additional", any),
            (
                282,
                "partial_images",
                "integer",
                Value::Null,
                json!(0),
                "additional",
                "openai",
            ),
            // The page says OpenAI only; here every provider's images can be streamed.
            (288, "stream", "boolean", Value::Null, json!(false), "additional", any),
            text(304, "openai_api_key", Value::Null, "additional", "replicate"),
            text(310, "user_id", Value::Null, "additional", "replicate"),
        ]);
    }
    rows
}

fn sorted(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    texts.sort();
    texts
}

async fn model(gateway: &TestGateway, id: &str) -> Value {
    gateway.get(&format!("/openai/v1/models/{id}?schema=true")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_parameter_tables_holds() {
    let gateway = TestGateway::start().await;
    for ((file, id), mini) in [(MINI, true), (FULL, false)] {
        let schema = model(&gateway, id).await["schema"].clone();
        for (line, name, kind, values, default, group, providers) in rows(mini) {
            let what = format!("{file}:{line} {name}");
            let property = &schema["properties"][name];
            let kinds = property["type"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![property["type"].clone()]);
            assert!(kinds.contains(&json!(kind)), "{what}: {property}");
            assert_eq!(sorted(&property["x-values"]), sorted(&values), "{what}");
            assert_eq!(property["default"], default, "{what}");
            assert_eq!(property["x-group"], group, "{what}");
            assert_eq!(property["x-provider-group"], providers, "{what}");
            assert_eq!(property["x-modes"], json!(MODES), "{what}");
            assert!(property["description"].is_string(), "{what}");
        }
        // 000:49 and 001:49: the prompt is required.
        let conditions = schema["allOf"].as_array().expect("conditions");
        let required: Vec<&Value> = conditions.iter().filter_map(|one| one.get("required")).collect();
        assert_eq!(required, [&json!(["prompt"])]);
    }
    // 001:211-218: at Replicate the compression runs from 0 to 100 and is 90 by itself.
    let schema = model(&gateway, FULL.1).await["schema"].clone();
    let compression = &schema["properties"]["output_compression"];
    assert_eq!(compression["x-defaults"]["replicate"], 90);
    assert_eq!(
        (&compression["minimum"], &compression["maximum"]),
        (&json!(0), &json!(100))
    );
    gateway.finish().await;
}

async fn generated(gateway: &TestGateway, body: Value) -> Value {
    let mut body = body;
    body["prompt"] = json!("a red kite over dunes");
    body["quality"] = json!("low");
    body["response_format"] = json!("b64_json");
    gateway.generate(body).await.ok()
}

/// A model at fal whose ratios are those of the pages' example, with the tiers of their list.
const RATIOS: &str = r#"
id = "ratios"
name = "Ratios"
description = "A model of ratios and tiers."
creator = "test"
creator_name = "Test"

[[offers]]
provider = "replicate"

[offers.common]
model = "black-forest-labs/flux-schnell"
sizes = { ratios = ["1:1", "4:1", "8:1", "16:9"], tiers = ["0.5K", "1K", "2K", "4K"] }

[offers.common.fields]
prompt = { to = "text" }
aspect_ratio = { form = "ratio" }
resolution = { form = "tier" }
quality = { values = ["low", "high"] }
style = {}

[offers.modes.text-to-image]

[offers.pricing]
source = "test"
as_of = "2026-01-01"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_four_behaviors_have_their_examples() {
    let gateway = TestGateway::with_catalog(&[("models/test/ratios.toml", RATIOS)], |_| {}).await;
    // 000:261-270 and 001:318-328. The prompt is renamed where a provider calls it something else.
    let schema = model(&gateway, "ratios").await["schema"].clone();
    for (line, name, handling) in [
        (264, "style", "passthrough"),
        (264, "quality", "passthrough"),
        (266, "prompt", "renamed"),
        (268, "size", "converted"),
        (270, "n", "emulated"),
        (270, "response_format", "emulated"),
    ] {
        assert_eq!(
            schema["properties"][name]["x-handling"]["replicate"], handling,
            "000:{line} {name}"
        );
    }
    // 000:271 and 001:329: what is not known goes through; see the tests of parameters for what a provider gets.
    assert_eq!(schema["additionalProperties"], true);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_badges_of_the_reference_are_in_the_api_description() {
    let gateway = TestGateway::with_catalog(&[("models/test/ratios.toml", RATIOS)], |_| {}).await;
    let document = send(gateway.anonymous(reqwest::Method::GET, "/openapi.json"))
        .await
        .ok();
    let properties = &document["components"]["schemas"]["GenerationRequest"]["properties"];
    for (line, name, badge) in [
        (19, "prompt", "renamed"),
        (21, "n", "emulated"),
        (21, "size", "converted"),
        // The page says passthrough; Ideogram's offers have other words for it, and the strongest handling counts.
        (24, "quality", "converted"),
        (25, "response_format", "emulated"),
        (29, "output_compression", "emulated"),
        (30, "style", "passthrough"),
        (32, "reasoning", "converted"),
        (33, "prompt_enhancement", "converted"),
        (33, "user", "passthrough"),
    ] {
        assert_eq!(properties[name]["x-handling"], badge, "004:{line} {name}");
    }
    // 004:20-21, 25, 27, 28-29, 30, 31-32 and 33: ranges and values.
    assert_eq!(
        (&properties["n"]["minimum"], &properties["n"]["maximum"]),
        (&json!(1), &json!(10))
    );
    let values = |name: &str| sorted(&properties[name]["x-values"]);
    // Beside those of the page, both at once.
    assert_eq!(values("response_format"), sorted(&json!(["url", "b64_json", "both"])));
    assert_eq!(
        values("output_format"),
        sorted(&json!(["png", "jpeg", "gif", "webp", "avif"]))
    );
    assert_eq!(properties["output_compression"]["maximum"], 100);
    assert_eq!(values("style"), sorted(&json!(["vivid", "natural"])));
    assert_eq!(values("reasoning"), sorted(&json!(["off", "on", "minimal", "high"])));
    assert!(
        properties["reasoning"]["x-aliases"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("thinking_level")))
    );
    assert_eq!(values("prompt_enhancement"), sorted(&json!(["on", "off"])));
    // 004:8 and 35: further parameters pass, and a dry run is a query.
    assert_eq!(
        document["components"]["schemas"]["GenerationRequest"]["additionalProperties"],
        true
    );
    let query = &document["paths"]["/openai/v1/images/generations"]["post"]["parameters"];
    assert!(
        query
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["name"] == "dryRun"))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_s_own_words_hold() {
    let gateway = TestGateway::start().await;
    // 004:22: the five sizes of the reference are understood by every model; the answer tells the true one.
    for size in ["256x256", "512x512", "1024x1024", "1024x1792", "1792x1024"] {
        let answer = generated(&gateway, json!({ "model": "fal/gpt-image-1-mini", "size": size })).await;
        let (width, height) = size_of(&gateway.image(&answer, 0).await);
        // 004:38: measured from the image.
        assert_eq!(answer["size"], format!("{width}x{height}"), "{size}");
    }
    // 004:24: qualities of other models.
    for quality in ["standard", "hd"] {
        let body = json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes", "quality": quality });
        gateway.generate(body).await.ok();
    }
    // 004:32: a value of reasoning that the model lacks lists the supported ones.
    let files = [("models/test/thinker.toml", THINKER)];
    gateway.finish().await;
    let gateway = TestGateway::with_catalog(&files, |_| {}).await;
    let body = json!({ "model": "thinker", "prompt": "dunes", "thinking_level": "high" });
    let error = gateway.generate(body).await.fault("thinking_level");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("off, on")),
        "{error}"
    );
    // 004:33: ignored where the model cannot, and told.
    let body =
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "prompt_enhancement": true });
    let answer = gateway.generate(body).await.ok();
    let told = &answer["metadata"]["adjustments"][0];
    assert_eq!(
        (&told["parameter"], &told["used"]),
        (&json!("prompt_enhancement"), &Value::Null)
    );
    gateway.finish().await;
    // 004:33: the rewritten prompt comes back.
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "128x128", "enhance_prompt": "on" });
    let answer = gateway.generate(body).await.ok();
    let revised = answer["data"][0]["revised_prompt"].as_str().expect("a prompt");
    assert!(revised.starts_with("dunes") && revised.len() > 5, "{revised}");
    gateway.finish().await;
}

/// A model that thinks or does not.
const THINKER: &str = r#"
id = "thinker"
name = "Thinker"
description = "A model with a switch."
creator = "test"
creator_name = "Test"

[[offers]]
provider = "fal"

[offers.common]
model = "fal-ai/flux/schnell"
sizes = { listed = ["1024x1024"] }

[offers.common.fields]
prompt = {}
reasoning = { to = "enable_thinking", map = { off = false, on = true } }

[offers.modes.text-to-image]

[offers.pricing]
source = "test"
as_of = "2026-01-01"
"#;
