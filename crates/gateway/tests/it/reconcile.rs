//! `pictor ledger reconcile`: a provider's export beside the books.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, micros, send};

/// Three images, two at OpenAI and one at fal; gives what each cost.
async fn made(gateway: &TestGateway) -> Vec<i64> {
    let mut costs = Vec::new();
    for (model, size) in [
        ("openai/gpt-image-2", "1024x1024"),
        ("openai/gpt-image-1.5", "1024x1536"),
        ("fal/flux.1-schnell", "512x512"),
    ] {
        let body = json!({ "model": model, "prompt": "dunes at noon", "quality": "low", "size": size, "response_format": "b64_json" });
        let answer = send(gateway.request(Method::POST, GENERATIONS).json(&body)).await.ok();
        costs.push(micros(&answer["metadata"]["cost"]));
    }
    costs
}

fn dollars(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn export(gateway: &TestGateway, name: &str, text: &str) -> String {
    let path = gateway.data_dir.join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

const HEAD: &str =
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item";

/// A row of OpenAI's cost export, on the day on which tests take place.
fn row(item: &str, amount: &str) -> String {
    format!("1786752000,1786838400,2026-08-15T00:00:00,2026-08-16T00:00:00,{amount},usd,,,\"{item}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_agrees_with_the_books_passes() {
    let gateway = TestGateway::start().await;
    let costs = made(&gateway).await;
    // One model's bill comes in parts; another's has its dated name, and there is other use of the account.
    let text = [
        HEAD.to_owned(),
        "1786665600,1786752000,2026-08-14T00:00:00,2026-08-15T00:00:00,,,,,".to_owned(),
        row("gpt-image-2, image_output_tokens", &dollars(costs[0] - 100)),
        row("gpt-image-2, text_input_tokens", "0.0001"),
        row(
            "gpt-image-1.5-2025-12-16, image_output_tokens",
            &format!("{}0000000000", dollars(costs[1])),
        ),
        row("gpt-5-nano, input_tokens", "1.25"),
    ];
    let path = export(&gateway, "costs.csv", &text.join("\n"));
    let words = ["ledger", "reconcile", "--provider", "openai", &path, "--tolerance", "0"];
    let ran = gateway.pictor(&words).await;
    let told = ran.ok();
    assert!(told.starts_with("2026-08-15 to 2026-08-15: billed $"), "{told}");
    assert!(
        told.contains("$1.25 more were billed for what is no model of the catalogue"),
        "{told}"
    );

    let fal = json!({ "time_series": [{ "bucket": "2026-08-15T00:00:00Z", "results": [{ "endpoint_id": "fal-ai/flux/schnell",
        "unit": "megapixels", "quantity": 1, "unit_price": 0.003, "cost": costs[2] as f64 / 1e6, "currency": "USD" }] }],
        "next_cursor": null, "has_more": false });
    let path = export(&gateway, "usage.json", &fal.to_string());
    let ran = gateway
        .pictor(&["ledger", "reconcile", "--provider", "fal", &path, "--tolerance", "0"])
        .await;
    assert!(ran.ok().contains("differing by $0"), "{ran:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_listed_by_day_and_model() {
    let gateway = TestGateway::start().await;
    let costs = made(&gateway).await;
    let text = [
        HEAD.to_owned(),
        row("gpt-image-2, image_output_tokens", &dollars(costs[0] + 500_000)),
        // Nothing at all for gpt-image-1.5, and a model of the catalogue that was never asked here.
        row("gpt-image-1-mini, image_output_tokens", "0.5"),
    ];
    let path = export(&gateway, "costs.csv", &text.join("\n"));
    let words = ["ledger", "reconcile", "--provider", "openai", &path, "--json"];
    let ran = gateway.pictor(&words).await;
    assert!(
        ran.failed().contains("2 of 3 rows differ") || ran.failed().contains("3 of 3 rows differ"),
        "{ran:?}"
    );
    let told: Value = serde_json::from_str(ran.wrote()).expect("JSON");
    let of = |model: &str| {
        let rows = told["differences"].as_array().expect("a list").iter();
        rows.filter(|row| row["model"] == model).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("gpt-image-2")[0]["difference_micros"], 500_000);
    assert_eq!(of("gpt-image-2")[0]["calls"], 1);
    assert_eq!(of("gpt-image-1-mini")[0]["booked_micros"], 0);
    if costs[1] > 10_000 {
        assert_eq!(of("gpt-image-1.5")[0]["difference_micros"], -costs[1]);
    }
    assert_eq!(told["elsewhere_micros"], 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_s_mark_up_is_no_part_of_what_a_provider_bills() {
    let gateway = TestGateway::with(|settings| settings.markup_percent = 20.into()).await;
    let costs = made(&gateway).await;
    // A fifth on top: five sixths are the provider's.
    let billed = costs[2] * 5 / 6;
    let fal = json!({ "time_series": [{ "bucket": "2026-08-15T00:00:00Z", "results": [{ "endpoint_id": "fal-ai/flux/schnell",
        "cost": billed as f64 / 1e6, "currency": "USD" }] }] });
    let path = export(&gateway, "usage.json", &fal.to_string());
    let ran = gateway
        .pictor(&[
            "ledger",
            "reconcile",
            "--provider",
            "fal",
            &path,
            "--tolerance",
            "0.000001",
        ])
        .await;
    ran.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_nobody_documents_are_refused() {
    let gateway = TestGateway::start().await;
    let path = export(&gateway, "bill.csv", "a,b\n1,2\n");
    let ran = gateway
        .pictor(&["ledger", "reconcile", "--provider", "replicate", &path])
        .await;
    assert!(
        ran.failed().contains("no export of 'replicate' is documented"),
        "{ran:?}"
    );
    let ran = gateway
        .pictor(&["ledger", "reconcile", "--provider", "openai", &path])
        .await;
    assert!(ran.failed().contains("amount_value"), "{ran:?}");
    let ran = gateway
        .pictor(&["ledger", "reconcile", "--provider", "nobody", &path])
        .await;
    assert_eq!(ran.failed(), "there is no provider 'nobody'");
    gateway.finish().await;
}
