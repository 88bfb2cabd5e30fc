//! `?explain=true`: where a request would go, and what each offer would be sent.

use gateway::auth::Scope;
use imaging::ImageFormat;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::harness::{EDITS, GENERATIONS, TestGateway, file, half_mask, plain, send};

async fn explained(gateway: &TestGateway, body: &Value) -> Value {
    let request = gateway.request(Method::POST, &format!("{GENERATIONS}?explain=true"));
    send(request.json(body)).await.ok()
}

fn places(explanation: &Value) -> Vec<(String, Value)> {
    let offers = explanation["offers"].as_array().expect("offers");
    let place = |offer: &Value| {
        (
            offer["provider"].as_str().expect("an id").to_owned(),
            offer["place"].clone(),
        )
    };
    offers.iter().map(place).collect()
}

fn parameter<'a>(offer: &'a Value, name: &str) -> &'a Value {
    let all = offer["sent"]["parameters"].as_array().expect("parameters");
    all.iter()
        .find(|one| one["parameter"] == name)
        .unwrap_or_else(|| panic!("no {name} in {offer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_what_is_then_sent_and_charged() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1.5", "prompt": "dunes", "size": "1200x1100", "quality": "standard", "n": 5, "seed": 7,
        "output_format": "gif", "openai_api_key": "sk-caller-secret", "background": "opaque" });
    let explanation = explained(&gateway, &body).await;
    assert_eq!(
        (&explanation["model"], &explanation["mode"]),
        (&json!("gpt-image-1.5"), &json!("text-to-image"))
    );
    assert_eq!(explanation["faults"], json!([]));
    assert_eq!(places(&explanation).len(), 3);
    assert!(
        !explanation.to_string().contains("sk-caller-secret"),
        "a secret is never shown"
    );
    assert_eq!(gateway.upstream_calls().await.len(), 0, "nothing is called");
    for (index, offer) in explanation["offers"].as_array().expect("offers").iter().enumerate() {
        assert_eq!(offer["place"], index + 1);
        let provider = offer["provider"].as_str().expect("an id");
        let quality = parameter(offer, "quality");
        assert_eq!(
            (&quality["requested"], &quality["handling"]),
            (&json!("standard"), &json!("passthrough"))
        );
        assert_eq!(quality["sent"], json!({ "quality": "medium" }));
        assert!(
            parameter(offer, "seed")["note"]
                .as_str()
                .is_some_and(|note| note.starts_with("not used"))
        );
        assert!(
            parameter(offer, "size")["note"]
                .as_str()
                .is_some_and(|note| note.contains("1024x1024"))
        );
        let steps = offer["sent"]["after"].to_string();
        assert!(steps.contains("1200x1100") && steps.contains("gif"), "{steps}");
        // The same request for real.
        let mut forced = body.clone();
        forced["model"] = json!(format!("{provider}/gpt-image-1.5"));
        let answer = gateway.generate(forced).await.ok();
        assert_eq!(
            answer["metadata"]["adjustments"], offer["sent"]["adjustments"],
            "{provider}"
        );
        let calls = gateway.upstream_calls().await;
        let call = calls
            .iter()
            .rev()
            .find(|call| call["method"] == "POST" && call["provider"] == provider)
            .expect("a call");
        let sent = call["body"]["input"]
            .as_object()
            .or_else(|| call["body"].as_object())
            .expect("fields");
        for (name, value) in offer["sent"]["fields"].as_object().expect("fields") {
            // The emulator's log hides prompts, and the second call is for the rest of the images.
            if value != "(secret)" && !matches!(name.as_str(), "prompt" | "num_images") {
                assert_eq!(sent.get(name), Some(value), "{provider} {name}");
            }
        }
    }
    let fal = &explanation["offers"]
        .as_array()
        .expect("offers")
        .iter()
        .find(|offer| offer["provider"] == "fal")
        .expect("fal");
    assert_eq!(fal["sent"]["calls"], json!([4, 1]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_why_an_offer_is_not_tried() {
    let gateway = TestGateway::with(|settings| {
        settings.providers.remove("replicate");
        settings.sandbox = gateway::settings::SandboxUse::Never;
    })
    .await;
    let explanation = explained(&gateway, &json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes" })).await;
    let reason = |provider: &str| {
        let offers = explanation["offers"].as_array().expect("offers");
        let offer = offers
            .iter()
            .find(|offer| offer["provider"] == provider)
            .expect("an offer");
        offer["reason"].as_str().expect("a reason").to_owned()
    };
    assert!(reason("fal").contains("the only one"), "{}", reason("fal"));
    assert!(reason("openai").contains("fal alone"), "{}", reason("openai"));
    assert!(
        reason("replicate").contains("openai_api_key"),
        "{}",
        reason("replicate")
    );
    let explanation = explained(&gateway, &json!({ "model": "gpt-image-1.5", "prompt": "dunes" })).await;
    let last = explanation["offers"]
        .as_array()
        .and_then(|all| all.last())
        .expect("an offer");
    assert_eq!((&last["provider"], &last["place"]), (&json!("replicate"), &Value::Null));
    assert!(
        last["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("no credential")),
        "{last}"
    );
    gateway.clock.set("2027-01-01T00:00:00Z");
    let explanation = explained(&gateway, &json!({ "model": "gpt-image-1.5", "prompt": "dunes" })).await;
    let openai = &explanation["offers"][1];
    assert!(
        openai["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("2026-12-01")),
        "{openai}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_partial_images_gets_an_offer_that_has_them() {
    let gateway = TestGateway::start().await;
    let first = async |fields: Value| {
        let mut body = json!({ "model": "gpt-image-1.5", "prompt": "dunes", "quality": "high", "size": "1536x1024" });
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().cloned().expect("an object"));
        places(&explained(&gateway, &body).await)[0].0.clone()
    };
    assert_eq!(first(json!({ "stream": true })).await, "replicate", "the cheapest");
    assert_eq!(first(json!({ "stream": true, "partial_images": 2 })).await, "openai");
    assert_eq!(
        first(json!({ "partial_images": 2 })).await,
        "replicate",
        "without a stream there are none anyway"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_part_of_an_explanation() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-2", "prompt": "dunes", "background": "transparent", "n": 99 });
    let explanation = explained(&gateway, &body).await;
    let faults = explanation["faults"].as_array().expect("faults");
    let named: Vec<&Value> = faults.iter().map(|fault| &fault["param"]).collect();
    assert_eq!(named, ["n", "background"]);
    assert!(
        explanation["offers"]
            .as_array()
            .expect("offers")
            .iter()
            .all(|offer| offer["place"].is_null())
    );
    let unknown = gateway.request(Method::POST, &format!("{GENERATIONS}?explain=true"));
    send(unknown.json(&json!({ "model": "gpt-imge-2" })))
        .await
        .error(404, "MODEL_NOT_FOUND");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_explained_with_their_images() {
    let gateway = TestGateway::start().await;
    let form = Form::new()
        .text("model", "gpt-image-1.5")
        .text("prompt", "make it night")
        .part("image", file(plain((64, 64), [1, 2, 3, 255], ImageFormat::Gif)))
        .part("mask", file(half_mask((64, 64))));
    let request = gateway.request(Method::POST, &format!("{EDITS}?explain=true"));
    let explanation = send(request.multipart(form)).await.ok();
    let offers = explanation["offers"].as_array().expect("offers");
    let replicate = offers
        .iter()
        .find(|offer| offer["provider"] == "replicate")
        .expect("replicate");
    assert!(
        replicate["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("takes no mask")),
        "{replicate}"
    );
    let openai = offers
        .iter()
        .find(|offer| offer["provider"] == "openai")
        .expect("openai");
    assert!(
        openai["sent"]["before"][0]
            .as_str()
            .is_some_and(|step| step.contains("from gif to png")),
        "{openai}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_are_for_admins() {
    let gateway = TestGateway::start().await;
    let key = gateway.new_key(&[Scope::Generate, Scope::Read], None).await;
    let request = gateway
        .anonymous(Method::POST, &format!("{GENERATIONS}?explain=true"))
        .bearer_auth(&key.token);
    let reply = send(request.json(&json!({ "model": "gpt-image-2", "prompt": "dunes" }))).await;
    reply.error(403, "PERMISSION_DENIED");
    gateway.finish().await;
}
