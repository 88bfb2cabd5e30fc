//! Every legal value of every parameter of every offer, sent for real: the emulators check strictly, so what they
//! accept is a request that the provider would.
//!
//! The suite sends every third request, of each offer some. All of them: `PICTOR_TEST_ALL_VALUES=1 cargo test -p gateway --test it
//! accepted`.

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use planner::catalog::offer::Field;

use super::edits::data_url;
use super::harness::{EDITS, GENERATIONS, TestGateway, half_mask, send};

/// Asks for all requests.
const ALL: &str = "PICTOR_TEST_ALL_VALUES";
/// One of so many is sent by the suite.
const ONE_OF: usize = 3;
/// Calls at one time.
const AT_ONCE: usize = 8;
/// Refused after everything was checked and before anything is drawn.
const CHECKED: &str = "dunes [[fault: moderation]]";
/// Room for as many of the largest images as are asked for at one time.
const SPOOL_BYTES: u64 = 8 << 30;
/// Names that say how large an image is to be.
const SIZES: [&str; 5] = ["size", "aspect_ratio", "resolution", "width", "height"];

/// Legal values of a property at an offer that has it as `field`, with those at its bounds. Bounds of the offer's own
/// may be narrower than the model's: past them another offer would serve the request.
fn values(name: &str, schema: &Value, field: Option<&Field>) -> Vec<Value> {
    let list = |values: &[&str]| values.iter().map(|value| json!(value)).collect();
    match name {
        "model" | "prompt" | "images" | "mask" | "response_format" | "stream" | "scale_factor" => return Vec::new(),
        "size" => return list(&["auto", "1024x1024", "2000x1000", "300x300", "1200x1100", "21:9", "1:1"]),
        "aspect_ratio" => return list(&["auto", "16:9", "2:3", "7:1"]),
        "resolution" => return list(&["auto", "0.5K", "4k", "0.25", "1MP"]),
        "width" => return vec![json!(2000), json!(1)],
        "height" => return vec![json!(1000), json!(1)],
        _ => {}
    }
    if let Some(legal) = schema["enum"].as_array() {
        return legal.clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => vec![json!(true), json!(false)],
        Some("integer" | "number") => {
            let own = |bound: fn(&Field) -> Option<f64>| field.and_then(bound);
            let least = own(|field| field.min).or(schema["minimum"].as_f64()).unwrap_or(1.0);
            let most = own(|field| field.max).or(schema["maximum"].as_f64());
            let most = most.unwrap_or(least + 9.0);
            let whole = |value: f64| json!(value as i64);
            vec![whole(least.ceil()), whole(most.floor())]
        }
        Some("array") => vec![json!([])],
        Some("object") => vec![json!({})],
        _ => vec![json!("some text")],
    }
}

/// A body for one mode, or none when the model lacks it.
fn bare(model: &str, mode: &str, picture: &str) -> Option<(&'static str, Value)> {
    let images = json!([{ "image_url": picture }]);
    match mode {
        "text-to-image" => Some((GENERATIONS, json!({ "model": model, "prompt": "dunes" }))),
        "image-edit" => Some((EDITS, json!({ "model": model, "prompt": "dunes", "images": images }))),
        "upscale" => Some((
            EDITS,
            json!({ "model": model, "prompt": "dunes", "images": images, "scale_factor": 2 }),
        )),
        _ => None,
    }
}

/// Which names of the size a turn has, and which of their values: one would overrule or contradict another.
fn size_of_turn(turn: usize) -> (&'static [&'static str], usize) {
    match turn % 6 {
        5 => (&["width", "height"], turn / 6),
        1 | 3 => (&["aspect_ratio", "resolution"], turn / 2 - turn / 6),
        _ => (&["size"], turn / 2),
    }
}

/// Requests to one offer in one mode that together hold every legal value: the first has the first value of each
/// parameter, and so on. The spellings of a size take turns.
fn covering(
    bare: &Value,
    properties: &serde_json::Map<String, Value>,
    fields: &indexmap::IndexMap<String, Field>,
) -> Vec<Value> {
    let values: Vec<(&String, Vec<Value>)> = properties
        .iter()
        .map(|(name, schema)| (name, values(name, schema, fields.get(name))))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let most = values.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let request = |turn: usize| {
        let mut body = bare.clone();
        let (sizes, size) = size_of_turn(turn);
        for (name, values) in &values {
            let of_size = SIZES.contains(&name.as_str());
            if !of_size || sizes.contains(&name.as_str()) {
                let at = if of_size { size } else { turn };
                body[name.as_str()] = values[at % values.len()].clone();
            }
        }
        if body["background"] == "transparent" {
            body["output_format"] = json!("png");
        }
        body
    };
    (0..most * 2).map(request).collect()
}

/// Every request: what it is, its path and its body.
fn requests(models: &Value, picture: &str) -> Vec<(String, &'static str, Value)> {
    let catalog = super::harness::catalog();
    let mut requests = Vec::new();
    for model in models["data"].as_array().expect("models") {
        let id = model["id"].as_str().expect("an id");
        let properties = model["schema"]["properties"].as_object().expect("properties");
        for offer in catalog
            .model(id)
            .into_iter()
            .flat_map(planner::catalog::model::Model::live_offers)
        {
            // The mock is played by the gateway's own sandbox, which takes everything.
            for mode in offer.modes.keys().filter(|_| offer.provider != "mock") {
                let name = format!("{}/{id}", offer.provider);
                let (path, mut bare) = bare(&name, mode.as_str(), picture).expect("a known mode");
                if let Some(factor) = properties
                    .get("scale_factor")
                    .and_then(|schema| schema["enum"][0].as_f64())
                {
                    bare["scale_factor"] = json!(factor);
                }
                for needed in &offer.requires {
                    // Some offers serve only callers with a key of their own, or with a mask.
                    bare[needed] = if needed == "mask" {
                        json!({ "image_url": picture })
                    } else {
                        json!("sk-caller")
                    };
                }
                let fields = &offer.in_mode(*mode).expect("one of its modes").fields;
                for body in covering(&bare, properties, fields) {
                    let mut shown = body.clone();
                    shown["images"] = Value::Null;
                    shown["mask"] = Value::Null;
                    requests.push((format!("{name} {mode} {shown}"), path, body));
                }
            }
        }
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulators_accept_every_request_that_is_made_of_legal_values() {
    let gateway = TestGateway::with(|settings| settings.limits.spool_bytes = SPOOL_BYTES).await;
    // Every call is refused after everything was checked and before anything is drawn.
    gateway.fault(json!({ "fault": "moderation" })).await;
    let models = gateway.get("/openai/v1/models?schema=true").await.ok();
    let picture = data_url("image/png", &half_mask((256, 256)));
    let requests = requests(&models, &picture);
    assert!(requests.len() > 1_000, "only {} requests", requests.len());
    let one_of = if std::env::var(ALL).is_ok() { 1 } else { ONE_OF };
    let calls = requests.into_iter().step_by(one_of).map(|(what, path, body)| {
        let gateway = &gateway;
        async move { (what, send(gateway.request(Method::POST, path).json(&body)).await) }
    });
    let wrong: Vec<String> = stream::iter(calls)
        .buffer_unordered(AT_ONCE)
        .filter_map(|(what, reply)| async move {
            let error = reply.json()["error"].clone();
            // A hard need that the one offer lacks, and others have.
            let refused_here = error["code"] == "INVALID_REQUEST" && what.contains("\"background\":\"transparent\"");
            (error["code"] != "CONTENT_POLICY_VIOLATION" && !refused_here).then(|| format!("{what}: {}", reply.text()))
        })
        .collect()
        .await;
    let shown: Vec<String> = wrong.iter().map(|text| text.chars().take(1_500).collect()).collect();
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), shown.join("\n"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulators_check_before_they_refuse_for_safety() {
    let gateway = TestGateway::start().await;
    for (path, authorization, wrong, refused) in [
        (
            "/openai/v1/images/generations",
            format!("Bearer {}", sandbox::OPENAI_CREDENTIAL),
            json!({ "model": "gpt-image-1.5", "prompt": CHECKED, "quality": "best" }),
            "quality",
        ),
        (
            "/fal/run/fal-ai/flux/schnell",
            format!("Key {}", sandbox::FAL_CREDENTIAL),
            json!({ "prompt": CHECKED, "num_inference_steps": 99 }),
            "num_inference_steps",
        ),
        (
            "/replicate/v1/models/black-forest-labs/flux-schnell/predictions",
            format!("Bearer {}", sandbox::REPLICATE_CREDENTIAL),
            json!({ "input": { "prompt": CHECKED, "aspect_ratio": "7:1" } }),
            "aspect_ratio",
        ),
    ] {
        let call = gateway.client.post(gateway.sandbox_url(path)).json(&wrong);
        let reply = call
            .header("authorization", authorization)
            .send()
            .await
            .expect("an answer");
        assert!(
            matches!(reply.status().as_u16(), 400 | 422),
            "{path}: {}",
            reply.status()
        );
        let text = reply.text().await.expect("a text");
        assert!(text.contains(refused), "{path}: {text}");
    }
    gateway.finish().await;
}
