//! Lists, comparisons, pages and texts of models: what they show follows from what is so.

use serde_json::json;

use super::super::harness::{TestGateway, send};
use super::{MODEL, shown};

/// Asks a model for a picture and hangs it: in the gallery, or in a competition. Returns where its file is.
async fn hung(gateway: &TestGateway, model: &str, competition: Option<&str>) -> String {
    let asked = json!({ "model": model, "prompt": "a glass whale", "size": "1024x1024", "response_format": "url" });
    let made = gateway.generate(asked).await.ok();
    let (path, body) = match competition {
        Some(id) => (
            "/v1/arena/entries",
            json!({ "competition": id, "request_id": made["id"] }),
        ),
        None => (
            "/v1/arena/exhibits",
            json!({ "request_id": made["id"], "position": 0, "prompt": "a glass whale", "settings": {} }),
        ),
    };
    let answer = send(gateway.request(reqwest::Method::POST, path).json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("/gallery/{}.webp", answer.json()["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_shown_by_what_it_made_here() {
    // It hangs on the home page's wall, too.
    const MINI: &str = "gpt-image-1-mini";
    const OWN: &str = "/models/openai/gpt-image-1-mini";
    const PAGES: [&str; 4] = [
        "/",
        "/models",
        "/compare/openai/gpt-image-1-mini/pictor/mock-image",
        OWN,
    ];
    let gateway = TestGateway::start().await;
    for path in PAGES {
        let html = shown(&gateway, path).await;
        assert!(
            !html.contains("/gallery/"),
            "{path} shows a picture before there is one"
        );
    }
    // An entry of a competition, then one that was published, then another entry: the published one stands for the model.
    let entry = hung(&gateway, MINI, Some("geometric-composition")).await;
    gateway.clock.advance_s(61);
    let main_of = |html: &str| html.split_once("<main").expect("a page").1.to_owned();
    for path in &PAGES[..3] {
        let html = main_of(&shown(&gateway, path).await);
        assert!(html.contains(&format!("<img src=\"{entry}\"")), "{path}: {html}");
    }
    let published = hung(&gateway, MINI, None).await;
    gateway.clock.advance_s(61);
    for path in PAGES {
        let html = shown(&gateway, path).await;
        assert!(html.contains(&format!("<img src=\"{published}\"")), "{path}: {html}");
    }
    let html = shown(&gateway, OWN).await;
    assert!(
        html.contains("on show in the gallery") && html.contains("a glass whale"),
        "{html}"
    );
    let image = format!("property=\"og:image\" content=\"{}{published}\"", gateway.base);
    assert!(html.contains(&image), "{html}");
    gateway.finish().await;
}

#[tokio::test]
async fn a_comparison_prices_what_it_prints() {
    let gateway = TestGateway::embedded().await;
    let path = "/compare/bytedance/seedream-5.5/bytedance/seedream-4.5/openai/gpt-image-1.5";
    let html = shown(&gateway, path).await;
    let row = html.split("<th scope=\"row\">One image, 1024 × 1024</th>").nth(1);
    let row = row.expect("a row").split("</tr>").next().expect("its end");
    let cells: Vec<&str> = row.split("<td>").skip(1).collect();
    // The first makes more pixels, at a higher price, when it is not told a size; the second makes more whatever it is told.
    assert!(cells[0].contains("$0.020<") && !cells[0].contains('×'), "{cells:?}");
    assert!(cells[1].contains("$0.040<") && cells[1].contains('×'), "{cells:?}");
    // Its area ends before 4K, however long its sides may be.
    let row = html
        .split("<th scope=\"row\">One image, 4K</th>")
        .nth(1)
        .expect("a row");
    let first = row.split("<td>").nth(1).expect("a cell");
    assert!(first.contains("not made"), "{first}");
    // Only the last has qualities.
    assert!(cells[2].contains("medium"), "{cells:?}");
    assert!(cells[..2].iter().all(|cell| !cell.contains("medium")), "{cells:?}");
    gateway.finish().await;
}

#[tokio::test]
async fn a_text_for_programs_has_rates_limits_and_bounds() {
    let gateway = TestGateway::embedded().await;
    let text = shown(&gateway, &format!("{MODEL}/llms.txt")).await;
    for told in [
        "Rates, in dollars",
        "| Prompt |",
        "- Modes: text-to-image, image-edit",
        "- Inputs: up to 16; mask by transparency",
        "- Takes: `output_compression`",
        "Up to 32,000 characters.",
        "0 to 100.",
    ] {
        assert!(text.contains(told), "no {told} in {text}");
    }
    gateway.finish().await;
}

#[tokio::test]
async fn a_model_that_has_ended_offers_no_samples_and_a_long_list_of_values_is_whole() {
    let gateway = TestGateway::embedded().await;
    let html = shown(&gateway, "/models/openai/dall-e-3").await;
    assert!(
        !html.contains("href=\"#code\"") && !html.contains("samples above") && html.contains("llms.txt"),
        "{html}"
    );
    let html = shown(&gateway, "/models/recraft-ai/recraft-v3").await;
    let style = html.split("id=\"p-style\"").nth(1).expect("a row");
    let style = style.split("</tr>").next().expect("its end");
    assert!(
        style.contains("<details>") && style.contains("digital_illustration/3d") && !style.contains("see Sizes"),
        "{style}"
    );
    let html = shown(&gateway, MODEL).await;
    assert!(
        html.contains("<a class=\"btn main big\" href=\"/playground?models=gpt-image-1.5\">Open in playground</a>"),
        "{html}"
    );
    gateway.finish().await;
}
