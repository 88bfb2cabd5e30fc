//! What a key may ask for beyond models and providers: sizes, formats, qualities, hours and regions, however it is set.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Key, Reply, TestGateway, send, with};

async fn ruled(gateway: &TestGateway, rules: Value) -> Key {
    Key::made(gateway, &json!({ "rules": rules })).await
}

fn mini(fields: Value) -> Value {
    with(
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low" }),
        fields,
    )
}

/// Checks a breach: the rule, what it allows, and the field at fault.
fn breaks(reply: &Reply, rule: &str, allowed: &Value, param: Option<&str>) -> String {
    let error = reply.error(403, "PERMISSION_DENIED");
    assert_eq!(
        (
            &error["metadata"]["rule"],
            &error["metadata"]["allowed"],
            &error["param"]
        ),
        (&json!(rule), allowed, &json!(param)),
        "{error}"
    );
    let message = error["message"].as_str().expect("a text").to_owned();
    assert!(message.contains(&format!("'{rule}'")), "{message}");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_size_binds_by_side_and_by_pixels() {
    let gateway = TestGateway::start().await;
    let key = ruled(&gateway, json!({ "max_edge_px": 1100 })).await;
    let large = mini(json!({ "size": "1536x1024" }));
    let message = breaks(
        &key.generate(&gateway, &large).await,
        "max_edge_px",
        &json!(1100),
        Some("size"),
    );
    assert!(message.contains("1536x1024") && message.contains("1100"), "{message}");
    key.generate(&gateway, &mini(json!({ "size": "1024x1024" }))).await.ok();
    // A shape that leads to the same size is no way around it, nor is the question of the price.
    let shape = mini(json!({ "aspect_ratio": "3:2" }));
    breaks(
        &key.generate(&gateway, &shape).await,
        "max_edge_px",
        &json!(1100),
        Some("size"),
    );
    let dry = key.post(&gateway, &format!("{GENERATIONS}?dryRun=true"), &large).await;
    breaks(&dry, "max_edge_px", &json!(1100), Some("size"));
    let told = key
        .change(
            &gateway,
            json!({ "rules": { "max_edge_px": null, "max_pixels": 1_048_576 } }),
        )
        .await;
    assert_eq!(
        (&told["rules"]["max_edge_px"], &told["rules"]["max_pixels"]),
        (&Value::Null, &json!(1_048_576))
    );
    breaks(
        &key.generate(&gateway, &large).await,
        "max_pixels",
        &json!(1_048_576),
        Some("size"),
    );
    key.generate(&gateway, &mini(json!({ "size": "1024x1024" }))).await.ok();
    key.change(&gateway, json!({ "rules": null })).await;
    key.generate(&gateway, &large).await.ok();
    let refused = key
        .generate(&gateway, &mini(json!({ "size": "1536x1024", "model": "nope" })))
        .await;
    refused.error(404, "MODEL_NOT_FOUND");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_and_qualities_bind_those_that_are_named_and_those_that_are_not() {
    let gateway = TestGateway::start().await;
    let key = ruled(
        &gateway,
        json!({ "output_formats": ["webp"], "qualities": ["low", "standard"] }),
    )
    .await;
    let allowed = json!(["webp"]);
    let png = key.generate(&gateway, &mini(json!({ "output_format": "png" }))).await;
    breaks(&png, "output_formats", &allowed, Some("output_format"));
    // The model's own format is none of them.
    let message = breaks(
        &key.generate(&gateway, &mini(json!({}))).await,
        "output_formats",
        &allowed,
        Some("output_format"),
    );
    assert!(message.contains("png"), "{message}");
    key.generate(&gateway, &mini(json!({ "output_format": "webp" })))
        .await
        .ok();
    let of = |quality: &str| mini(json!({ "output_format": "webp", "quality": quality }));
    let allowed = json!(["low", "standard"]);
    for quality in ["high", "hd"] {
        breaks(
            &key.generate(&gateway, &of(quality)).await,
            "qualities",
            &allowed,
            Some("quality"),
        );
    }
    key.generate(&gateway, &of("medium")).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_open_and_close_by_the_gateways_clock() {
    const HOUR_S: i64 = 3_600;
    let gateway = TestGateway::start().await;
    let now = gateway.clock.now();
    let hour = now.strftime("%H").to_string().parse::<i64>().expect("an hour");
    let day = now.strftime("%a").to_string().to_lowercase();
    let next = (hour + 1) % 24;
    let window = format!("{day} {hour:02}:00-{next:02}:00");
    let key = ruled(&gateway, json!({ "hours": [window.to_uppercase()] })).await;
    key.generate(&gateway, &mini(json!({}))).await.ok();
    gateway.clock.advance_s(2 * HOUR_S);
    let reply = key.generate(&gateway, &mini(json!({}))).await;
    let message = breaks(&reply, "hours", &json!([window]), None);
    assert!(message.contains("UTC"), "{message}");
    assert_eq!(gateway.recorded(&reply.id()).await["status"], "rejected");
    gateway.clock.advance_s(7 * 24 * HOUR_S - 2 * HOUR_S);
    key.generate(&gateway, &mini(json!({}))).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_models_and_providers_name_their_rule_too() {
    let gateway = TestGateway::start().await;
    let key = Key::made(
        &gateway,
        &json!({ "models": ["gpt-image-1-mini"], "providers": ["fal"] }),
    )
    .await;
    let other = key
        .generate(&gateway, &json!({ "model": "mock-image", "prompt": "x" }))
        .await;
    let error = other.error(403, "PERMISSION_DENIED");
    assert_eq!(
        error["metadata"],
        json!({ "rule": "models", "allowed": ["gpt-image-1-mini"] })
    );
    let error = key
        .generate(&gateway, &mini(json!({})))
        .await
        .error(403, "PERMISSION_DENIED");
    assert_eq!(error["metadata"], json!({ "rule": "providers", "allowed": ["fal"] }));
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("Its providers: fal")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_bind_a_key_and_are_wished_for_by_a_request() {
    let gateway = TestGateway::with(|settings| {
        for (provider, region) in [("openai", "us-east"), ("fal", "eu")] {
            let own = settings.providers.get_mut(provider).expect("a provider");
            own.region = Some(region.to_owned());
        }
    })
    .await;
    let of = |fields: Value| {
        with(
            json!({ "model": "gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024" }),
            fields,
        )
    };
    let served = async |body: Value| gateway.generate(body).await.ok()["metadata"]["provider"].clone();
    assert_eq!(served(of(json!({ "route": { "regions": ["eu"] } }))).await, "fal");
    assert_eq!(served(of(json!({ "route": { "regions": ["us"] } }))).await, "openai");
    let none = gateway.generate(of(json!({ "route": { "regions": ["asia"] } }))).await;
    let error = none.error(400, "INVALID_REQUEST");
    assert_eq!(error["param"], "route.regions");
    let message = error["message"].as_str().expect("a text");
    for told in ["fal works in the region 'eu'", "openai works in the region 'us-east'"] {
        assert!(message.contains(told), "{message}");
    }
    let unknown = of(json!({ "model": "xai/grok-imagine-image", "route": { "regions": ["eu"] } }));
    let error = gateway.generate(unknown).await.fault("route.regions");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains("xai does not say in which region it works"),
        "{message}"
    );
    // Failover stays in the regions.
    let failed = of(json!({ "prompt": "dunes [[fault: status=500]]", "route": { "regions": ["eu"] } }));
    let failed = gateway.generate(failed).await;
    let attempts = gateway.recorded(&failed.id()).await["attempts"].clone();
    let asked: Vec<&str> = attempts
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["provider"].as_str())
        .collect();
    assert!(
        !asked.is_empty() && asked.iter().all(|provider| *provider == "fal"),
        "{asked:?}"
    );
    // A key's rule binds whatever a request wishes.
    let key = ruled(&gateway, json!({ "regions": ["eu"] })).await;
    assert_eq!(
        key.generate(&gateway, &of(json!({}))).await.ok()["metadata"]["provider"],
        "fal"
    );
    let elsewhere = key
        .generate(&gateway, &of(json!({ "model": "openai/gpt-image-1-mini" })))
        .await;
    breaks(&elsewhere, "regions", &json!(["eu"]), Some("model"));
    for (wrong, says) in [
        (json!([]), "empty"),
        (json!(["Europe!"]), "no region"),
        (json!("eu"), "a list"),
    ] {
        let error = gateway
            .generate(of(json!({ "route": { "regions": wrong } })))
            .await
            .fault("route.regions");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{error}"
        );
    }
    // What the catalogue knows of the providers' own addresses is told.
    let providers = gateway.get("/v1/health/providers").await.ok();
    let region = |id: &str| {
        let all = providers["data"].as_array().expect("a list");
        all.iter().find(|one| one["id"] == id).expect("a provider")["region"].clone()
    };
    assert_eq!((region("fal"), region("xai")), (json!("eu"), Value::Null));
    gateway.finish().await;
    let played = TestGateway::embedded().await;
    let providers = played.get("/v1/health/providers").await.ok();
    let all = providers["data"].as_array().expect("a list");
    let region = |id: &str| all.iter().find(|one| one["id"] == id).expect("a provider")["region"].clone();
    assert_eq!(
        (
            region("bfl"),
            region("alibaba"),
            region("byteplus"),
            region("vertex"),
            region("openai")
        ),
        (
            json!("global"),
            json!("singapore"),
            json!("ap-southeast"),
            json!("global"),
            Value::Null
        )
    );
    played.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_checked_shown_and_told_in_the_audit() {
    let gateway = TestGateway::start().await;
    let rules = json!({ "max_edge_px": 2048, "output_formats": ["png", "webp"], "qualities": ["low"], "hours": ["Mon-Fri 08:00-18:00"], "regions": ["eu"] });
    let key = ruled(&gateway, rules).await;
    let shown = gateway.get(&key.path).await.ok();
    let expected = json!({ "max_edge_px": 2048, "max_pixels": null, "output_formats": ["png", "webp"], "qualities": ["low"], "hours": ["mon-fri 08:00-18:00"], "regions": ["eu"] });
    assert_eq!(shown["rules"], expected);
    let id = shown["id"].as_str().expect("an id");
    let lines = gateway.get(&format!("/v1/audit?target={id}")).await.ok();
    assert_eq!(lines["data"][0]["details"]["rules"]["max_edge_px"], 2048);
    for (rules, field, says) in [
        (json!({ "max_edge_px": 0 }), "rules.max_edge_px", "from 1 to"),
        (
            json!({ "output_formats": ["bmp"] }),
            "rules.output_formats",
            "no format",
        ),
        (json!({ "hours": ["noon"] }), "rules.hours", "hours in UTC"),
        (json!({ "qualities": ["auto"] }), "rules.qualities", "no quality"),
        (json!({ "regions": ["E U"] }), "rules.regions", "no region"),
        (
            json!({ "max_egde_px": 9 }),
            "rules.max_egde_px",
            "did you mean 'rules.max_edge_px'",
        ),
        (json!(7), "rules", "an object"),
    ] {
        let body = json!({ "rules": rules });
        let error = send(gateway.request(Method::POST, "/v1/keys").json(&body))
            .await
            .fault(field);
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{error}"
        );
    }
    gateway.finish().await;
}
