//! Prices before the call: never below the charge, equal to it where prices are flat, and free of any upstream call.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use imaging::ImageFormat;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Basis, Metric};
use planner::mode::Mode;
use planner::size::{Size, SizeSupport};
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::generations::forced_offers;
use super::harness::{EDITS, GENERATIONS, TestGateway, catalog, file, micros, names, plain, send};

/// Cases under way at a time: the sandbox draws each picture, and there are few cores.
const AT_A_TIME: usize = 4;
/// Larger pictures take the sandbox long to draw; their prices are proven by one quality each.
const LARGE_PIXELS: u64 = 2_000_000;

/// One priced request.
#[derive(Debug, Clone)]
struct Case {
    provider: String,
    model: String,
    mode: Mode,
    quality: &'static str,
    size: String,
    needs: Value,
    /// Whether the price follows from the request alone.
    is_flat: bool,
}

/// Every live offer of the gpt-image models with every quality and listed size, in both modes.
fn cases() -> Vec<Case> {
    let catalog = catalog();
    let mut cases = Vec::new();
    for mode in [Mode::TextToImage, Mode::ImageEdit] {
        for (provider, model, needs) in forced_offers(mode) {
            if !model.starts_with("gpt-image") {
                continue;
            }
            let found = catalog.model(&model).expect("a model of the catalogue");
            let offer = found
                .live_offers()
                .find(|offer| offer.provider == provider)
                .expect("its offer");
            for (index, size) in sizes(offer, mode).into_iter().enumerate() {
                for quality in qualities(mode, size, index == 0) {
                    let (provider, model, needs) = (provider.clone(), model.clone(), needs.clone());
                    cases.push(Case {
                        provider,
                        model,
                        mode,
                        quality,
                        size: size.to_string(),
                        needs,
                        is_flat: is_flat(offer),
                    });
                }
            }
        }
    }
    cases
}

/// The sizes that every offer has and, for generations, all others that it lists. The square comes first.
fn sizes(offer: &Offer, mode: Mode) -> BTreeSet<Size> {
    let listed = match &offer.in_mode(mode).expect("the mode is served").sizes.support {
        SizeSupport::Listed(sizes) if mode == Mode::TextToImage => sizes.clone(),
        _ => Vec::new(),
    };
    let size = |width_px, height_px| Size { width_px, height_px };
    let standard = [size(1024, 1024), size(1536, 1024), size(1024, 1536)];
    listed.into_iter().chain(standard).collect()
}

/// Generations meet every quality at every size. Outputs of edits cost the same, so each quality and each size once is
/// enough there; `auto` has the price of one of the others.
fn qualities(mode: Mode, size: Size, is_first: bool) -> &'static [&'static str] {
    let is_large = u64::from(size.width_px) * u64::from(size.height_px) > LARGE_PIXELS;
    match (mode, is_first) {
        (_, true) => &["low", "medium", "high", "auto"],
        (Mode::TextToImage, false) if !is_large => &["low", "medium", "high"],
        _ => &["low"],
    }
}

/// Token prices and what is reported afterwards make the charge differ from the estimate.
fn is_flat(offer: &Offer) -> bool {
    let pricing = &offer.pricing;
    let by_tokens = |metric| matches!(metric, Metric::TokenText | Metric::TokenImage);
    pricing.basis == Basis::Table && !pricing.components.iter().any(|part| by_tokens(part.metric))
}

/// Checks that an offer's charge is at most what was estimated, and just that where the price follows from the request alone.
pub(crate) fn check_charge(provider: &str, model: &str, estimate: &Value, answer: &Value) {
    let catalog = catalog();
    let own = catalog.model(model).expect("a model of the catalogue");
    let offer = own.live_offers().find(|offer| offer.provider == provider);
    let estimated = estimate["total_cost_micros"].as_i64().expect("an amount");
    let charged = micros(&answer["metadata"]["cost"]);
    let told = format!("{provider}/{model}: charged {charged} after an estimate of {estimated}");
    assert!(charged <= estimated, "{told}");
    if is_flat(offer.expect("its offer")) {
        assert_eq!(charged, estimated, "{told}");
    }
}

async fn ask(gateway: &TestGateway, case: &Case, dry_run: bool) -> Value {
    let query = if dry_run { "?dryRun=true" } else { "" };
    let model = format!("{}/{}", case.provider, case.model);
    let request = match case.mode {
        Mode::TextToImage => {
            let mut body = json!({ "model": model, "prompt": "a", "quality": case.quality, "size": case.size, "output_format": "jpeg",
                "response_format": "b64_json" });
            for (name, value) in case.needs.as_object().expect("an object") {
                body[name] = value.clone();
            }
            gateway
                .request(Method::POST, &format!("{GENERATIONS}{query}"))
                .json(&body)
        }
        _ => {
            let texts = [
                ("prompt", "a"),
                ("quality", case.quality),
                ("output_format", "jpeg"),
                ("response_format", "b64_json"),
            ];
            let mut form = Form::new().text("model", model).text("size", case.size.clone());
            for (name, value) in texts {
                form = form.text(name, value.to_owned());
            }
            for (name, value) in case.needs.as_object().expect("an object") {
                form = form.text(name.clone(), value.as_str().expect("a text").to_owned());
            }
            // Large enough to make several tiles of input tokens.
            let input = plain((640, 1100), [90, 120, 60, 255], ImageFormat::Png);
            gateway
                .request(Method::POST, &format!("{EDITS}{query}"))
                .multipart(form.part("image", file(input)))
        }
    };
    send(request).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_estimate_is_the_charge_where_prices_are_flat_and_never_below_it() {
    let gateway = TestGateway::start().await;
    let cases = cases();
    assert!(cases.len() > 180, "{} cases", cases.len());
    let estimates: Vec<Value> = stream::iter(&cases)
        .map(|case| ask(&gateway, case, true))
        .buffered(AT_A_TIME)
        .collect()
        .await;
    assert!(
        gateway.upstream_calls().await.is_empty(),
        "no dry run makes an upstream call"
    );
    let answers: Vec<Value> = stream::iter(&cases)
        .map(|case| ask(&gateway, case, false))
        .buffered(AT_A_TIME)
        .collect()
        .await;
    let mut charged = 0;
    for ((case, estimate), answer) in cases.iter().zip(&estimates).zip(&answers) {
        let estimate = estimate["total_cost_micros"].as_i64().expect("an amount");
        let charge = micros(&answer["metadata"]["cost"]);
        assert!(
            charge <= estimate,
            "{case:?}: charged {charge} after an estimate of {estimate}"
        );
        if case.is_flat {
            assert_eq!(charge, estimate, "{case:?}");
        }
        charged += charge;
    }
    // The emulators count money by tables of their own.
    let billed = gateway.billed_micros().await;
    assert!(
        billed <= charged,
        "the providers bill {billed}, the callers pay {charged}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_providers_bill_is_what_callers_pay() {
    let gateway = TestGateway::start().await;
    for (model, size) in [
        ("openai/gpt-image-1", "1024x1536"),
        ("openai/gpt-image-1-mini", "1536x1024"),
        ("openai/gpt-image-1.5", "1024x1024"),
        ("openai/gpt-image-2", "1024x1024"),
        ("fal/gpt-image-1-mini", "1024x1024"),
        ("replicate/gpt-image-1.5", "1024x1024"),
        ("replicate/gpt-image-2", "1024x1024"),
        ("fal/flux.1-schnell", "1024x1024"),
        ("replicate/flux.1-schnell", "1024x1024"),
    ] {
        let before = gateway.billed_micros().await;
        let quality = if model.contains("gpt") {
            json!("medium")
        } else {
            Value::Null
        };
        let body = json!({ "model": model, "prompt": "dunes at noon, a long line of camels", "quality": quality, "size": size, "n": 2 });
        let answer = gateway.generate(body).await.ok();
        let billed = gateway.billed_micros().await - before;
        assert_eq!(micros(&answer["metadata"]["cost"]), billed, "{model}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_has_its_fields_and_nothing_of_an_answer() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1.5", "prompt": "dunes", "quality": "low", "size": "1000x1000", "n": 3 });
    for query in ["?dryRun=true", "?dryRun=1", "?dryRun", "?dryRun="] {
        let reply = send(
            gateway
                .request(Method::POST, &format!("{GENERATIONS}{query}"))
                .json(&body),
        )
        .await;
        let estimate = reply.ok();
        let fields = [
            "adjustments",
            "candidates",
            "components",
            "cost_basis",
            "currency",
            "estimated",
            "model",
            "provider",
            "total_cost_micros",
            "warnings",
        ];
        assert_eq!(names(&estimate), fields);
        // Its end comes, and what it writes has no published bound.
        let warnings = estimate["warnings"].as_array().expect("a list");
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        let text = warnings[1].as_str().expect("a text");
        assert!(
            text.starts_with("Text that the model writes") && text.contains("$10 for 1000000 tokens"),
            "{text}"
        );
        assert_eq!(
            (&estimate["estimated"], &estimate["currency"]),
            (&json!(true), &json!("USD"))
        );
        assert_eq!(
            (&estimate["model"], &estimate["provider"]),
            (&json!("gpt-image-1.5"), &json!("openai"))
        );
        assert_eq!(estimate["adjustments"][0]["parameter"], "size");
        let candidates = estimate["candidates"].as_array().expect("a list");
        assert_eq!(candidates.len(), 3);
        assert_eq!(names(&candidates[0]), ["model", "provider", "total_cost_micros"]);
        assert_eq!(candidates[0]["total_cost_micros"], estimate["total_cost_micros"]);
        let lines = estimate["components"].as_array().expect("a list");
        let sum: i64 = lines.iter().filter_map(|line| line["total_cost"].as_i64()).sum();
        assert_eq!(estimate["total_cost_micros"], sum, "{estimate}");
    }
    let real = send(
        gateway
            .request(Method::POST, &format!("{GENERATIONS}?dryRun=false"))
            .json(&body),
    )
    .await
    .ok();
    assert!(real.get("data").is_some(), "dryRun=false is no dry run");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_covers_all_images_and_their_rounding() {
    let gateway = TestGateway::start().await;
    for n in [1, 4, 10] {
        for model in ["fal/gpt-image-1-mini", "fal/flux.1-schnell", "replicate/flux.1-schnell"] {
            let quality = if model.contains("gpt") {
                json!("low")
            } else {
                Value::Null
            };
            let body = json!({ "model": model, "prompt": "a", "quality": quality, "n": n, "output_format": "jpeg", "response_format": "b64_json" });
            let estimate = send(
                gateway
                    .request(Method::POST, &format!("{GENERATIONS}?dryRun=true"))
                    .json(&body),
            )
            .await
            .ok();
            let answer = gateway.generate(body).await.ok();
            assert_eq!(
                estimate["total_cost_micros"],
                micros(&answer["metadata"]["cost"]),
                "{n} of {model}"
            );
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_finds_the_same_faults_and_leaves_no_record() {
    let gateway = TestGateway::start().await;
    let path = format!("{GENERATIONS}?dryRun=true");
    let bad = json!({ "model": "gpt-image-1.5", "prompt": "", "n": 11 });
    let error = send(gateway.request(Method::POST, &path).json(&bad))
        .await
        .error(400, "INVALID_REQUEST");
    assert_eq!(error["metadata"]["faults"].as_array().map(Vec::len), Some(2));
    let unknown = json!({ "model": "gpt-image-9000", "prompt": "dunes" });
    send(gateway.request(Method::POST, &path).json(&unknown))
        .await
        .error(404, "MODEL_NOT_FOUND");
    let good = json!({ "model": "gpt-image-1.5", "prompt": "dunes" });
    send(gateway.request(Method::POST, &path).json(&good)).await.ok();
    assert_eq!(gateway.get("/v1/requests").await.ok()["data"], json!([]));
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}
