//! Images from prompts: every offer, every number, every way to hand an image over.

use std::collections::HashSet;

use gateway::auth::Scope;
use planner::catalog::model::Status;
use planner::mode::Mode;
use planner::request::ResponseFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::dry_run::check_charge;
use super::harness::{GENERATIONS, Reply, TestGateway, catalog, info, micros, names, send, small, try_send, with};

/// The fields of `metadata` when a real provider served.
pub(crate) const METADATA: [&str; 11] = [
    "adjustments",
    "attempts",
    "cost",
    "cost_basis",
    "cost_currency",
    "executed_model",
    "images",
    "model",
    "provider",
    "provider_name",
    "warnings",
];

/// Every `provider/model` that can be forced for this mode, with what each needs.
pub(crate) fn forced_offers(mode: Mode) -> Vec<(String, String, Value)> {
    let catalog = catalog();
    let live = catalog.models().filter(|model| model.status() != Status::Retired);
    let offers = live.flat_map(|model| model.live_offers().map(move |offer| (model, offer)));
    offers
        .filter(|(_, offer)| offer.in_mode(mode).is_some() && offer.provider != "mock")
        .map(|(model, offer)| {
            let mut needs = json!({});
            for name in offer.requires.iter().filter(|name| *name != "mask") {
                needs[name] = json!("sk-somebody-elses-key");
            }
            (offer.provider.clone(), model.id.clone(), needs)
        })
        .collect()
}

/// Checks what every success has, and gives the body.
pub(crate) fn check_answer(gateway: &TestGateway, reply: &Reply, provider: &str, model: &str, n: usize) -> Value {
    let answer = reply.ok();
    let has_usage = answer.get("usage").is_some();
    let mut fields = vec![
        "background",
        "created",
        "data",
        "id",
        "metadata",
        "output_format",
        "size",
    ];
    let mut facts = METADATA.to_vec();
    if answer.get("quality").is_some() {
        fields.push("quality");
    }
    if has_usage {
        facts.push("usage_basis");
        fields.push("usage");
        let usage = &answer["usage"];
        let tokens = |name: &str| usage[name].as_u64().expect("a number of tokens");
        assert_eq!(tokens("total_tokens"), tokens("input_tokens") + tokens("output_tokens"));
        assert!(usage["input_tokens_details"]["text_tokens"].is_u64());
        assert!(usage["input_tokens_details"]["image_tokens"].is_u64());
    }
    fields.sort_unstable();
    assert_eq!(names(&answer), fields);
    assert_eq!(answer["id"], reply.id());
    assert_eq!(answer["created"], gateway.clock.now().as_second());
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(n));
    let metadata = &answer["metadata"];
    facts.sort_unstable();
    assert_eq!(names(metadata), facts, "a real provider served without failures");
    assert_eq!(metadata["model"], model);
    assert_eq!(metadata["provider"], provider);
    assert_eq!(metadata["cost_currency"], "USD");
    let basis = metadata["cost_basis"].as_str().expect("a basis");
    assert!(["reported", "usage", "table"].contains(&basis), "{basis}");
    assert!(has_usage || basis != "usage", "by usage that is not told");
    let images = metadata["images"].as_array().expect("a list of images");
    assert_eq!(images.len(), n);
    for image in images {
        assert_eq!(names(image), ["bytes", "cost", "output_format", "provider", "size"]);
        assert_eq!(image["provider"], provider);
    }
    let parts: i64 = images.iter().map(|image| micros(&image["cost"])).sum();
    assert_eq!(parts, micros(&metadata["cost"]), "the images' parts make up the charge");
    assert_eq!(answer["size"], images[0]["size"]);
    assert_eq!(answer["output_format"], images[0]["output_format"]);
    let attempts = metadata["attempts"].as_array().expect("a list of attempts");
    let native = attempts[0]["model"].as_str().expect("a native model");
    assert_eq!(metadata["executed_model"], format!("{provider}/{native}"));
    for attempt in attempts {
        assert_eq!(
            names(attempt),
            ["duration_ms", "model", "outcome", "provider", "spent", "started_at"]
        );
        assert_eq!(
            (&attempt["outcome"], &attempt["spent"]),
            (&json!("succeeded"), &json!("yes"))
        );
        assert_eq!(attempt["provider"], provider);
    }
    assert_eq!(reply.header("x-pictor-provider"), provider);
    assert_eq!(reply.header("x-pictor-model"), model);
    let header: f64 = reply.header("x-pictor-cost").parse().expect("a cost in dollars");
    assert_eq!(micros(&json!(header)), micros(&metadata["cost"]));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offer_makes_an_image_by_link_and_by_base64() {
    let gateway = TestGateway::start().await;
    let offers = forced_offers(Mode::TextToImage);
    assert!(
        offers.len() >= 14,
        "the gpt-image models and flux have fourteen live offers"
    );
    for (index, (provider, model, needs)) in offers.into_iter().enumerate() {
        let format = ["url", "b64_json"][index % 2];
        let body = small(&format!("{provider}/{model}"));
        let body = with(with(body, json!({ "response_format": format })), needs);
        let dry_run = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
        let estimate = send(dry_run.json(&body)).await.ok();
        let reply = gateway.generate(body).await;
        let answer = check_answer(&gateway, &reply, &provider, &model, 1);
        check_charge(&provider, &model, &estimate, &answer);
        assert_eq!(names(&answer["data"][0]), [format]);
        let told = format!("{format}; reason=request");
        assert_eq!(reply.header("x-pictor-response-format"), told);
        // The size and the format are checked there.
        gateway.image(&answer, 0).await;
        let adjustments = answer["metadata"]["adjustments"].as_array().expect("a list");
        // Many models have no quality.
        assert!(
            adjustments.iter().all(|one| one["parameter"] == "quality"),
            "{provider}/{model}: {adjustments:?}"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_images_come_in_as_few_calls_as_the_provider_allows() {
    let gateway = TestGateway::start().await;
    for (provider, model, n, calls) in [
        ("openai", "gpt-image-1-mini", 10, 1),
        ("replicate", "gpt-image-1.5", 4, 1),
        ("fal", "gpt-image-1.5", 4, 1),
        ("fal", "flux.1-schnell", 10, 3),
        ("replicate", "flux.1-schnell", 10, 3),
    ] {
        let size = if model.starts_with("flux") {
            "512x512"
        } else {
            "1024x1024"
        };
        let body = json!({ "model": format!("{provider}/{model}"), "prompt": "a calm sea", "n": n, "size": size,
            "quality": "low", "response_format": "b64_json", "output_format": "jpeg" });
        let reply = gateway.generate(body).await;
        let answer = reply.ok();
        let data = answer["data"].as_array().expect("a list");
        assert_eq!(data.len(), n);
        assert_eq!(
            answer["metadata"]["attempts"].as_array().map(Vec::len),
            Some(calls),
            "{provider}/{model}"
        );
        let distinct: HashSet<&str> = data.iter().filter_map(|item| item["b64_json"].as_str()).collect();
        assert_eq!(distinct.len(), n, "no two images are the same");
        gateway.image(&answer, n - 1).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_raised_from_image_to_image_over_all_calls() {
    let gateway = TestGateway::start().await;
    let body = |seed: u64, n: u64| json!({ "model": "fal/flux.1-schnell", "prompt": "a calm sea", "n": n, "size": "512x512", "seed": seed, "response_format": "b64_json" });
    let ten = gateway.generate(body(40, 10)).await.ok();
    let data = ten["data"].as_array().expect("a list");
    let distinct: HashSet<&str> = data.iter().filter_map(|item| item["b64_json"].as_str()).collect();
    assert_eq!(distinct.len(), 10);
    let fifth = gateway.generate(body(44, 1)).await.ok();
    assert_eq!(
        fifth["data"][0]["b64_json"], data[4]["b64_json"],
        "the second call begins four seeds later"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_output_format_comes_from_every_kind_of_provider() {
    let gateway = TestGateway::start().await;
    for provider in ["fal", "replicate"] {
        for format in ["png", "jpeg", "webp", "gif", "avif"] {
            let body = json!({ "model": format!("{provider}/flux.1-schnell"), "prompt": "a calm sea", "aspect_ratio": "1:1",
                "resolution": "0.25", "output_format": format });
            let answer = gateway.generate(body).await.ok();
            assert_eq!(answer["output_format"], format, "{provider}");
            assert_eq!(info(&gateway.image(&answer, 0).await).format.to_string(), format);
            assert_eq!(
                answer["metadata"]["adjustments"],
                json!([]),
                "a format that comes out is not an adjustment"
            );
        }
    }
    for format in ["png", "jpeg", "webp", "gif"] {
        let body = with(
            small("openai/gpt-image-1.5"),
            json!({ "output_format": format, "response_format": "b64_json" }),
        );
        let answer = gateway.generate(body).await.ok();
        assert_eq!(info(&gateway.image(&answer, 0).await).format.to_string(), format);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_format_the_native_one_comes_back() {
    let gateway = TestGateway::start().await;
    for (model, format) in [
        ("openai/gpt-image-1-mini", "png"),
        ("fal/flux.1-schnell", "jpeg"),
        ("replicate/flux.1-schnell", "webp"),
    ] {
        let answer = gateway
            .generate(json!({ "model": model, "prompt": "dunes" }))
            .await
            .ok();
        assert_eq!(answer["output_format"], format);
        gateway.image(&answer, 0).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_image_is_handed_on_byte_for_byte() {
    let gateway = TestGateway::start().await;
    let prompt = "a lighthouse at dusk";
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": prompt, "size": "512x512", "seed": 7 });
    let linked = gateway.generate(body.clone()).await.ok();
    let linked = gateway.image(&linked, 0).await;
    let inline = gateway
        .generate(with(body, json!({ "response_format": "b64_json" })))
        .await
        .ok();
    assert_eq!(linked, gateway.image(&inline, 0).await);

    // The same call without the gateway in between.
    let native = json!({ "prompt": prompt, "image_size": { "width": 512, "height": 512 }, "seed": 7, "num_images": 1 });
    let run = gateway.client.post(gateway.sandbox_url("/fal/run/fal-ai/flux/schnell"));
    let run = run
        .header("authorization", format!("Key {}", sandbox::FAL_CREDENTIAL))
        .json(&native);
    let direct = try_send(run).await.expect("the sandbox answers").ok();
    let url = direct["images"][0]["url"].as_str().expect("a link");
    let direct = try_send(gateway.client.get(url)).await.expect("the sandbox answers");
    assert_eq!(direct.status, StatusCode::OK);
    assert!(linked == direct.body, "the gateway handed the provider's own bytes on");
    // That call was not the gateway's: the books are of the gateway's alone.
    try_send(gateway.client.delete(gateway.sandbox_url("/_sandbox/bill")))
        .await
        .expect("the sandbox answers");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_response_format_is_the_requests_then_the_keys_then_both() {
    let gateway = TestGateway::start().await;
    let key = gateway
        .new_key(&[Scope::Generate], Some(ResponseFormat::B64Json))
        .await
        .token;
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    for (key, asked, used, reason) in [
        (&gateway.key, None, "both", "default"),
        (&key, None, "b64_json", "key"),
        (&key, Some("url"), "url", "request"),
        (&gateway.key, Some("b64_json"), "b64_json", "request"),
    ] {
        let body = with(body.clone(), json!({ "response_format": asked }));
        let request = gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(key)
            .json(&body);
        let reply = send(request).await;
        let forms = if used == "both" {
            vec!["b64_json", "url"]
        } else {
            vec![used]
        };
        assert_eq!(names(&reply.ok()["data"][0]), forms);
        assert_eq!(
            reply.header("x-pictor-response-format"),
            format!("{used}; reason={reason}")
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_how_images_come_where_nobody_else_does() {
    let gateway = TestGateway::with(|settings| settings.response_format = ResponseFormat::Url).await;
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    let reply = gateway.generate(body).await;
    assert_eq!(names(&reply.ok()["data"][0]), ["url"]);
    assert_eq!(reply.header("x-pictor-response-format"), "url; reason=settings");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base64_answer_leaves_nothing_behind() {
    let gateway = TestGateway::start().await;
    let body =
        json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512", "response_format": "b64_json" });
    let reply = gateway.generate(body).await;
    reply.ok();
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(
        (&recorded["status"], &recorded["result"]["data"]),
        (&json!("completed"), &json!([]))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_and_the_short_path_lead_to_the_same_model() {
    let gateway = TestGateway::start().await;
    for (path, model, id, provider) in [
        ("/v1/images/generations", "flux-schnell", "flux.1-schnell", None),
        (GENERATIONS, "flux-1-schnell", "flux.1-schnell", None),
        (
            GENERATIONS,
            "replicate/flux-schnell",
            "flux.1-schnell",
            Some("replicate"),
        ),
        (GENERATIONS, "gpt-image-1.5-2025-12-16", "gpt-image-1.5", None),
        (
            GENERATIONS,
            "openai/gpt-image-1.5-2025-12-16",
            "gpt-image-1.5",
            Some("openai"),
        ),
    ] {
        let body = json!({ "model": model, "prompt": "dunes" });
        let reply = send(
            gateway
                .request(Method::POST, &format!("{path}?dryRun=true"))
                .json(&body),
        )
        .await;
        let estimate = reply.ok();
        assert_eq!(estimate["model"], id);
        if let Some(provider) = provider {
            assert_eq!(estimate["provider"], provider);
            assert_eq!(estimate["candidates"].as_array().map(Vec::len), Some(1));
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_model_serves_requests_that_name_none() {
    let gateway = TestGateway::with(|settings| settings.default_model = Some("flux.1-schnell".to_owned())).await;
    let answer = gateway
        .generate(json!({ "prompt": "dunes", "size": "512x512" }))
        .await
        .ok();
    assert_eq!(answer["metadata"]["model"], "flux.1-schnell");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_default_works_and_says_that_it_pretends() {
    let gateway = TestGateway::embedded().await;
    for (model, provider) in [
        ("gpt-image-1-mini", "openai"),
        ("mock-image", "mock"),
        ("flux.1-schnell", "fal"),
    ] {
        let answer = gateway
            .generate(json!({ "model": model, "prompt": "dunes" }))
            .await
            .ok();
        assert_eq!(answer["metadata"]["sandbox"], true);
        assert_eq!(answer["metadata"]["provider"], provider);
        gateway.image(&answer, 0).await;
    }
    let free = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await;
    assert_eq!(free.ok()["metadata"]["cost"], 0.0);
    assert_eq!(free.header("x-pictor-cost"), "0");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_near_its_end_warns_and_one_past_it_goes_last() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1.5", "prompt": "dunes", "quality": "low", "response_format": "b64_json" });
    let dry_run = format!("{GENERATIONS}?dryRun=true");
    let order = async || {
        let plan = send(gateway.request(Method::POST, &dry_run).json(&body)).await.ok();
        let candidates = plan["candidates"].as_array().cloned().expect("candidates");
        candidates
            .iter()
            .map(|candidate| candidate["provider"].as_str().expect("a provider").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(order().await[0], "openai", "before its end the cheapest comes first");
    let reply = gateway.generate(body.clone()).await;
    let warnings = reply.ok()["metadata"]["warnings"].clone();
    let warning = warnings[0].as_str().expect("a warning");
    assert!(
        warning.contains("ends on 2026-12-01") && warning.contains("gpt-image-2"),
        "{warning}"
    );
    assert_eq!(reply.header("sunset"), "Tue, 01 Dec 2026 00:00:00 GMT");
    assert_eq!(reply.header("deprecation"), "@1796083200");

    gateway.clock.set("2026-12-02T00:00:00Z");
    assert_eq!(
        order().await.last().map(String::as_str),
        Some("openai"),
        "past its end it goes last"
    );
    let forced = gateway
        .generate(with(body.clone(), json!({ "model": "openai/gpt-image-1.5" })))
        .await
        .ok();
    let warning = forced["metadata"]["warnings"][0]
        .as_str()
        .expect("a warning")
        .to_owned();
    assert!(warning.contains("ended on 2026-12-01"), "{warning}");
    gateway.finish().await;
}
